/*
 * What the tests use of POSIX, on Windows. Included before everything else of a test, so that names are what
 * they are elsewhere; the library itself does without.
 *
 * A descriptor is one of the C library's, or a socket: which one is asked where it matters. Sockets are in sys/socket.h,
 * so that a test that has none keeps their names for itself.
 */
#if !defined(TS_POSIX_H) && !defined(TS_FOR_WINDOWS) /* whose test is for nothing else */
#define TS_POSIX_H

#define WIN32_LEAN_AND_MEAN
#define NOGDI
#define NOMINMAX

#include <direct.h>
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* The only one that a condition variable has here, so that tests wait by the clock that they read. */
#undef CLOCK_MONOTONIC
#define CLOCK_MONOTONIC CLOCK_REALTIME

/* ------------------------------------------------------------------ files */

#define O_CLOEXEC _O_NOINHERIT
#define O_NONBLOCK 0
#define O_NOFOLLOW 0

/* Members of structs come along: everywhere in a test, so that it does not matter. */
#define mkdir(path, mode) ts_mkdir(path, mode)
#define remove ts_remove
#define rename ts_rename
#define close ts_close
#define read ts_read
#define write ts_write
#define pipe ts_pipe

int ts_mkdir(const char *path, unsigned mode);
int ts_remove(const char *path); /* a directory, too */
int ts_rename(const char *from, const char *to);
int ts_close(int descriptor);
ptrdiff_t ts_read(int descriptor, void *bytes, size_t size);
ptrdiff_t ts_write(int descriptor, const void *bytes, size_t size);
int ts_pipe(int ends[2]); /* sockets, so that they can be polled */
ptrdiff_t pread(int file, void *bytes, size_t size, off_t offset);
ptrdiff_t pwrite(int file, const void *bytes, size_t size, off_t offset);
char *mkdtemp(char *path);

/* What the process has in use. */
struct mallinfo2 {
    size_t uordblks;
};
struct mallinfo2 mallinfo2(void);

#define tell ts_tell /* io.h has one */

/* ------------------------------------------------------------------ strings, environment */

char *strndup(const char *text, size_t size);
void *memmem(const void *where, size_t where_size, const void *what, size_t what_size);
char *strcasestr(const char *where, const char *what);
char *strsep(char **text, const char *delimiters);
int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);

/* ------------------------------------------------------------------ what there is not */

/* Each fails with ENOSYS: whatever needs it is on the list of what does not run. */
#define S_ISLNK(mode) 0
#define S_ISSOCK(mode) 0
#define SIGKILL 9
#define SIGPIPE 13
#define SIGALRM 14
#define SIGXFSZ 25

typedef unsigned uid_t, gid_t;

int ts_missing(void);
#define alarm(seconds) ((void)(seconds))
#define chown(path, user, group) ((void)(path), (void)(user), (void)(group), ts_missing())
#define fork() ((pid_t)ts_missing())
#define fsync(file) _commit(file)
#define geteuid() 0u
#define getgid() 0u
#define getuid() 0u
#define gettid() ((int)pthread_self())
#define kill(process, signal) ((void)(process), (void)(signal), ts_missing())
#define link(from, to) ((void)(from), (void)(to), ts_missing())
#define lstat(path, facts) stat(path, facts)
#define mkfifo(path, mode) ((void)(path), (void)(mode), ts_missing())
#define symlink(target, path) ((void)(target), (void)(path), ts_missing())

#endif
