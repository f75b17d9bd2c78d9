/* A fresh directory for locks, and processes to compete with. */
#ifndef PROCESS_LOCK_FIXTURE_H
#define PROCESS_LOCK_FIXTURE_H

#include "support/unit.h"

#include "platform/process_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "0123abcd.journal"
#define SIZE 1000
#define LIFE INT64_C(0x123456789abcdef)

/* Where a test may make what it wants. base is there, the others are not. */
typedef struct place {
    char base[PATH_MAX / 4];
    char directory[PATH_MAX / 2]; /* base/state/tacit */
    char file[PATH_MAX];          /* directory/NAME */
} place;

static inline int make_place(void **state) {
    const char *temporary = getenv("TMPDIR");
    place *here = calloc(1, sizeof *here);
    if (!here) return -1;
    snprintf(here->base, sizeof here->base, "%s/tacit-lock.XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(here->base)) return -1;
    snprintf(here->directory, sizeof here->directory, "%s/state/tacit", here->base);
    snprintf(here->file, sizeof here->file, "%s/" NAME, here->directory);
    *state = here;
    return 0;
}

static inline int remove_entry(const char *path, const struct stat *found, int type,
                               struct FTW *walk) {
    (void)found, (void)type, (void)walk;
    return remove(path);
}

static inline int remove_place(void **state) {
    place *here = *state;
    int removed = nftw(here->base, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(here);
    return removed;
}

/* base/state/tacit, so that a test can put something there. */
static inline void make_directory_of(const place *here) {
    char parent[PATH_MAX / 2];
    snprintf(parent, sizeof parent, "%s/state", here->base);
    assert_int_equal(mkdir(parent, 0700), 0);
    assert_int_equal(mkdir(here->directory, 0700), 0);
}

static inline void write_file(const char *path, const char *text, mode_t mode) {
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(file, mode), 0);
    close(file);
}

/* Without . and .. */
static inline size_t count_entries(const char *path) {
    DIR *directory = opendir(path);
    size_t count = 0;
    if (!directory) return 0;
    while (readdir(directory)) count++;
    closedir(directory);
    return count - 2;
}

/* How many descriptors this process has (and one more, for looking). */
static inline size_t count_descriptors(void) {
    return count_entries("/proc/self/fd");
}

static inline ti_process_lock *open_lock(const place *here) {
    ti_process_lock *lock;
    int os_error = -1;
    assert_int_equal(ti_process_lock_open(here->directory, NAME, true, SIZE, &lock, &os_error),
                     TI_LOCK_OK);
    assert_int_equal(os_error, 0);
    return lock;
}

/* What open says where it opens nothing. */
static inline ti_lock_result refusal(const place *here, bool create, int *os_error) {
    ti_process_lock *lock;
    *os_error = -1;
    ti_lock_result result =
        ti_process_lock_open(here->directory, NAME, create, SIZE, &lock, os_error);
    assert_true(result == TI_LOCK_OK || !lock);
    ti_process_lock_close(lock);
    return result;
}

static inline ti_lock_result try_lock(ti_process_lock *lock) {
    int os_error = -1;
    ti_lock_result result = ti_process_lock_try(lock, &os_error);
    assert_int_equal(os_error, result == TI_LOCK_BUSY && os_error ? EWOULDBLOCK : 0);
    return result;
}

/* The file from its start, as a string. */
static inline const char *text_in(ti_process_lock *lock) {
    static char text[SIZE + 1];
    size_t got;
    int os_error = -1;
    assert_int_equal(ti_process_lock_read(lock, text, SIZE, &got, &os_error), TI_LOCK_OK);
    assert_int_equal(os_error, 0);
    text[got] = '\0';
    return text;
}

static inline void put(ti_process_lock *lock, size_t offset, const char *text, bool durable) {
    int os_error = -1;
    assert_int_equal(ti_process_lock_write(lock, offset, text, strlen(text), durable, &os_error),
                     TI_LOCK_OK);
    assert_int_equal(os_error, 0);
}

static inline bool lives(ti_process_lock *lock, int64_t life) {
    return ti_process_lock_lives(lock, life);
}

static inline ti_lock_result begin_life(ti_process_lock *lock, int64_t life) {
    int os_error = -1;
    return ti_process_lock_begin_life(lock, life, &os_error);
}

/* In a process that was forked, where cmocka's assertions would go on with the tests. */
static inline void must(bool fact, const char *what) {
    if (fact) return;
    fprintf(stderr, "in the child: not so: %s\n", what);
    _exit(1);
}
#define MUST(fact) must(fact, #fact)

/* For children: a lock of their own. */
static inline ti_process_lock *open_in_child(const place *here) {
    ti_process_lock *lock;
    int os_error;
    MUST(ti_process_lock_open(here->directory, NAME, true, SIZE, &lock, &os_error) == TI_LOCK_OK);
    return lock;
}

/* And taken, with a life. */
static inline ti_process_lock *hold(const place *here) {
    ti_process_lock *lock = open_in_child(here);
    int os_error;
    MUST(ti_process_lock_try(lock, &os_error) == TI_LOCK_OK);
    MUST(ti_process_lock_begin_life(lock, LIFE, &os_error) == TI_LOCK_OK);
    return lock;
}

/* Forks. The child runs the body, tells that it has, and stays until it is killed, at the latest
 * with the test. */
static inline pid_t start_child(void (*body)(void *data), void *data) {
    int ready[2];
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ready[0]);
        body(data);
        MUST(write(ready[1], "", 1) == 1);
        close(ready[1]);
        for (;;) pause();
    }
    close(ready[1]);
    char told;
    assert_int_equal(read(ready[0], &told, 1), 1);
    close(ready[0]);
    return child;
}

static inline void kill_child(pid_t child) {
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* Forks, and waits until the body is through. */
static inline void run_child(void (*body)(void *data), void *data) {
    kill_child(start_child(body, data));
}

#endif
