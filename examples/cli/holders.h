/* Who holds a lock on a file: from /proc, as far as this user may look. */
#ifndef CLI_HOLDERS_H
#define CLI_HOLDERS_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

typedef struct holder {
    pid_t pid;
    pid_t taker;    /* who took the lock; another where it was inherited; 0: unknown */
    bool has_lock;  /* flock(): it works with the file now */
    bool has_range; /* a range of bytes: it left something unfinished */
    bool is_hidden; /* found in the kernel's list alone; pid is who took the lock */
} holder;

/* Each process that has the file locked; a process once. Answers how many there are, at most max. */
size_t holders_of(const struct stat *file, holder *holders, size_t max);

bool process_exists(pid_t pid);
/* Its name, "?" where there is none; size bytes at most. */
void process_name(pid_t pid, char *name, size_t size);
/* 'R', 'S', 'T' (stopped) ...; 0: unknown. */
char process_state(pid_t pid);

#endif
