#include "holders.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

enum { PATH_SIZE = 64, LINE_SIZE = 256 };

/* ------------------------------------------------------------------ a process */

bool process_exists(pid_t pid) {
    return kill(pid, 0) == 0 || errno == EPERM;
}

static bool read_line(char *line, size_t size, pid_t pid, const char *what) {
    char path[PATH_SIZE];
    FILE *file;
    bool got;

    snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, what);
    file = fopen(path, "re");
    if (file == NULL) return false;
    got = fgets(line, (int)size, file) != NULL;
    fclose(file);
    return got;
}

void process_name(pid_t pid, char *name, size_t size) {
    if (!read_line(name, size, pid, "comm")) snprintf(name, size, "?");
    name[strcspn(name, "\n")] = '\0';
}

/* The name before it, in brackets, may hold anything. */
char process_state(pid_t pid) {
    char line[LINE_SIZE];
    const char *bracket;

    if (!read_line(line, sizeof line, pid, "stat")) return 0;
    bracket = strrchr(line, ')');
    return bracket != NULL && bracket[1] == ' ' ? bracket[2] : 0;
}

/* ------------------------------------------------------------------ its open files */

/* "lock:\t1: FLOCK  ADVISORY  WRITE 123 08:01:456 0 EOF": the locks of one open file, whoever of
 * those that share it took them. */
static void read_lock(const char *line, holder *holder) {
    char kind[16];
    int taker;

    if (sscanf(line, "lock: %*[^:]: %15s %*s %*s %d", kind, &taker) != 2) return;
    if (strcmp(kind, "FLOCK") == 0) {
        holder->has_lock = true;
        holder->taker = taker;
    } else if (strcmp(kind, "OFDLCK") == 0) {
        holder->has_range = true;
    }
}

static void read_locks(pid_t pid, const char *fd, holder *holder) {
    char path[PATH_SIZE], line[LINE_SIZE];
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/fdinfo/%.10s", (long)pid, fd);
    file = fopen(path, "re");
    if (file == NULL) return;
    while (fgets(line, sizeof line, file) != NULL) read_lock(line, holder);
    fclose(file);
}

static void look_through(pid_t pid, const struct stat *wanted, holder *holder) {
    char path[PATH_SIZE];
    const struct dirent *entry;
    struct stat file;
    DIR *listing;

    snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
    listing = opendir(path);
    if (listing == NULL) return;
    while ((entry = readdir(listing)) != NULL)
        if (fstatat(dirfd(listing), entry->d_name, &file, 0) == 0 &&
            file.st_dev == wanted->st_dev && file.st_ino == wanted->st_ino)
            read_locks(pid, entry->d_name, holder);
    closedir(listing);
}

static size_t visible_holders(const struct stat *file, holder *holders, size_t max) {
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    size_t count = 0;

    if (processes == NULL) return 0;
    while (count < max && (entry = readdir(processes)) != NULL) {
        holder found = {.pid = (pid_t)strtol(entry->d_name, NULL, 10)};

        if (found.pid <= 0) continue; /* not a process */
        look_through(found.pid, file, &found);
        if (found.has_lock || found.has_range) holders[count++] = found;
    }
    closedir(processes);
    return count;
}

/* ------------------------------------------------------------------ the kernel's list */

/* Whether a line of /proc/locks is about a flock() on the file; a line with "->" waits for one. */
static bool is_lock_on(const char *line, const struct stat *file, pid_t *taker) {
    unsigned major_number, minor_number;
    unsigned long inode;
    int pid;

    if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%lu", &pid, &major_number, &minor_number,
               &inode) != 4)
        return false;
    *taker = pid;
    return inode == file->st_ino && major_number == major(file->st_dev) &&
           minor_number == minor(file->st_dev);
}

/* What holds the lock may belong to another user, or to a container. */
static size_t hidden_holder(const struct stat *file, holder *found) {
    FILE *locks = fopen("/proc/locks", "re");
    char line[LINE_SIZE];
    size_t count = 0;
    pid_t taker;

    if (locks == NULL) return 0;
    while (count == 0 && fgets(line, sizeof line, locks) != NULL) {
        if (!is_lock_on(line, file, &taker)) continue;
        *found = (holder){.pid = taker, .taker = taker, .has_lock = true, .is_hidden = true};
        count = 1;
    }
    fclose(locks);
    return count;
}

size_t holders_of(const struct stat *file, holder *holders, size_t max) {
    size_t count = visible_holders(file, holders, max);

    for (size_t i = 0; i < count; i++)
        if (holders[i].has_lock) return count;
    return count < max ? count + hidden_holder(file, &holders[count]) : count;
}
