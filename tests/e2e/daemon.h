/* A program that runs beside a test: what it says goes into a file, and it ends with the test. */
#ifndef E2E_DAEMON_H
#define E2E_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct daemon_process {
    pid_t pid; /* 0: none */
    char *log; /* the file; what it says is added */
} daemon_process;

/* Starts argv[0], NULL-terminated, with further "NAME=value", NULL-terminated (the last of a name
 * counts). Must succeed. log is copied. */
void daemon_start(daemon_process *daemon, const char *const *argv, const char *const *environment,
                  const char *log);
bool daemon_runs(daemon_process *daemon);
/* Kills it: what it has is the test's, and goes with it. Takes one that was never started. */
void daemon_stop(daemon_process *daemon);

/* What it has said, from the byte on; yours. */
char *daemon_says(const daemon_process *daemon, long from);

/* Waits for a line that begins so, from the byte on, and answers what follows; yours. Where none comes
 * the test fails with what it said instead. */
char *daemon_wait_line(daemon_process *daemon, const char *begin, long from);

/* How many lines of a text begin so. */
long lines_beginning(const char *text, const char *begin);

#endif
