/*
 * Preloaded into a process, it kills it at its n-th system call: the calls of the C library that change something outside of the
 * process or learn something from there, in whatever thread. With `torn`, a write happens half first.
 *
 * Loaded by LD_PRELOAD and reached with dlsym(): a program that runs without it notices nothing.
 */
#undef _FILE_OFFSET_BITS /* else open() is open64() by another name, and here both have to be */

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_bool armed, torn;
static atomic_long count, deadly;

/* The process dies at the n-th call from now on; 0: it lives, and they are only counted. */
__attribute__((visibility("default"))) void die_shim_arm(long n, bool half_of_a_write) {
    atomic_store(&count, 0);
    atomic_store(&deadly, n);
    atomic_store(&torn, half_of_a_write);
    atomic_store(&armed, true);
}

/* How many calls there were. */
__attribute__((visibility("default"))) long die_shim_disarm(void) {
    atomic_store(&armed, false);
    return atomic_load(&count);
}

static bool is_time(void) {
    return atomic_load(&armed) && atomic_fetch_add(&count, 1) + 1 == atomic_load(&deadly);
}

static void die(const char *name) {
    char line[96];
    int size = snprintf(line, sizeof line, "{\"died_at\":%ld,\"call\":\"%s\"}\n",
                        atomic_load(&deadly), name);

    syscall(SYS_write, STDOUT_FILENO, line, (size_t)size);
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) pause();
}

#define EXPORTED __attribute__((visibility("default")))
/* A wrapper of a function of the C library, which counts and then calls it. */
#define COUNTED(type, name, parameters, arguments)                                                 \
    EXPORTED type name parameters {                                                                \
        static type(*real) parameters;                                                             \
        if (real == NULL) real = (type(*) parameters)dlsym(RTLD_NEXT, #name);                      \
        if (is_time()) die(#name);                                                                 \
        return real arguments;                                                                     \
    }
/* ... of one that writes. */
#define COUNTED_WRITE(name, parameters, arguments, half_arguments)                                 \
    EXPORTED ssize_t name parameters {                                                             \
        static ssize_t(*real) parameters;                                                          \
        if (real == NULL) real = (ssize_t(*) parameters)dlsym(RTLD_NEXT, #name);                   \
        if (!is_time()) return real arguments;                                                     \
        ssize_t half = atomic_load(&torn) ? real half_arguments : 0; /* a counter takes no half */ \
        die(#name);                                                                                \
        return half;                                                                               \
    }
/* ... of one with a mode behind its flags, where it makes a file. */
#define COUNTED_OPEN(name, parameters, arguments)                                                  \
    EXPORTED int name parameters {                                                                 \
        static int(*real) parameters;                                                              \
        va_list list;                                                                              \
        mode_t mode;                                                                               \
        va_start(list, flags);                                                                     \
        mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;                           \
        va_end(list);                                                                              \
        if (real == NULL) real = (int(*) parameters)dlsym(RTLD_NEXT, #name);                       \
        if (is_time()) die(#name);                                                                 \
        return real arguments;                                                                     \
    }
/* ... of one with a third argument that is a number or a pointer, or that is not there. */
#define COUNTED_FCNTL(name)                                                                        \
    EXPORTED int name(int file, int command, ...) {                                                \
        static int (*real)(int, int, ...);                                                         \
        va_list list;                                                                              \
        void *argument;                                                                            \
        va_start(list, command);                                                                   \
        argument = va_arg(list, void *);                                                           \
        va_end(list);                                                                              \
        if (real == NULL) real = (int (*)(int, int, ...))dlsym(RTLD_NEXT, #name);                  \
        if (is_time()) die(#name);                                                                 \
        return real(file, command, argument);                                                      \
    }

COUNTED_OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
COUNTED_OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
COUNTED_OPEN(openat, (int directory, const char *path, int flags, ...),
             (directory, path, flags, mode))
COUNTED_OPEN(openat64, (int directory, const char *path, int flags, ...),
             (directory, path, flags, mode))
COUNTED_FCNTL(fcntl)
COUNTED_FCNTL(fcntl64)
COUNTED(int, close, (int file), (file))
COUNTED(int, flock, (int file, int operation), (file, operation))
COUNTED(int, fsync, (int file), (file))
COUNTED(int, fdatasync, (int file), (file))
COUNTED(int, ftruncate, (int file, off_t size), (file, size))
COUNTED(int, ftruncate64, (int file, off64_t size), (file, size))
COUNTED(int, fallocate, (int file, int mode, off_t from, off_t size), (file, mode, from, size))
COUNTED(int, posix_fallocate, (int file, off_t from, off_t size), (file, from, size))
COUNTED(int, fchmod, (int file, mode_t mode), (file, mode))
COUNTED(int, mkdir, (const char *path, mode_t mode), (path, mode))
COUNTED(int, mkdirat, (int directory, const char *path, mode_t mode), (directory, path, mode))
COUNTED(int, rename, (const char *from, const char *to), (from, to))
COUNTED(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
COUNTED(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
        (a, from, b, to, flags))
COUNTED(int, link, (const char *from, const char *to), (from, to))
COUNTED(int, linkat, (int a, const char *from, int b, const char *to, int flags),
        (a, from, b, to, flags))
COUNTED(int, unlink, (const char *path), (path))
COUNTED(int, unlinkat, (int directory, const char *path, int flags), (directory, path, flags))
COUNTED(ssize_t, read, (int file, void *bytes, size_t size), (file, bytes, size))
COUNTED(ssize_t, pread, (int file, void *bytes, size_t size, off_t at), (file, bytes, size, at))
COUNTED(ssize_t, pread64, (int file, void *bytes, size_t size, off64_t at), (file, bytes, size, at))
COUNTED_WRITE(write, (int file, const void *bytes, size_t size), (file, bytes, size),
              (file, bytes, size / 2))
COUNTED_WRITE(pwrite, (int file, const void *bytes, size_t size, off_t at), (file, bytes, size, at),
              (file, bytes, size / 2, at))
COUNTED_WRITE(pwrite64, (int file, const void *bytes, size_t size, off64_t at),
              (file, bytes, size, at), (file, bytes, size / 2, at))
COUNTED(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
COUNTED(int, connect, (int socket, const struct sockaddr *to, socklen_t size), (socket, to, size))
COUNTED_WRITE(send, (int socket, const void *bytes, size_t size, int flags),
              (socket, bytes, size, flags), (socket, bytes, size / 2, flags))
COUNTED_WRITE(sendto,
              (int socket, const void *bytes, size_t size, int flags, const struct sockaddr *to,
               socklen_t to_size),
              (socket, bytes, size, flags, to, to_size),
              (socket, bytes, size / 2, flags, to, to_size))
COUNTED(ssize_t, sendmsg, (int socket, const struct msghdr *message, int flags),
        (socket, message, flags))
COUNTED(ssize_t, recv, (int socket, void *bytes, size_t size, int flags),
        (socket, bytes, size, flags))
COUNTED(ssize_t, recvfrom,
        (int socket, void *bytes, size_t size, int flags, struct sockaddr *from,
         socklen_t *from_size),
        (socket, bytes, size, flags, from, from_size))
COUNTED(ssize_t, recvmsg, (int socket, struct msghdr *message, int flags), (socket, message, flags))
