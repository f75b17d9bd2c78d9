#define _CRT_RAND_S
#include "posix.h"

#include <poll.h>
#include <sys/socket.h>

#include <windows.h>

#include <ctype.h>
#include <errno.h>
#include <psapi.h>
#include <stdbool.h>

#undef accept
#undef bind
#undef close
#undef connect
#undef getsockopt
#undef mkdir
#undef poll
#undef read
#undef recv
#undef remove
#undef rename
#undef send
#undef setsockopt
#undef socket
#undef listen
#undef getsockname
#undef write

/* Files are what is written to them; and sockets are there from the start. */
__attribute__((constructor)) static void begin(void) {
    WSADATA data;

    _fmode = _O_BINARY;
    WSAStartup(MAKEWORD(2, 2), &data);
}

/* ------------------------------------------------------------------ files */

int ts_mkdir(const char *path, unsigned mode) {
    (void)mode;
    return _mkdir(path);
}

int ts_remove(const char *path) {
    DWORD attributes = GetFileAttributesA(path);

    if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
        return _rmdir(path);
    return remove(path);
}

int ts_rename(const char *from, const char *to) {
    if (MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING)) return 0;
    errno = GetLastError() == ERROR_FILE_NOT_FOUND ? ENOENT : EACCES;
    return -1;
}

ptrdiff_t pread(int file, void *bytes, size_t size, off_t offset) {
    return _lseeki64(file, offset, SEEK_SET) < 0 ? -1 : _read(file, bytes, (unsigned)size);
}

ptrdiff_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
    return _lseeki64(file, offset, SEEK_SET) < 0 ? -1 : _write(file, bytes, (unsigned)size);
}

char *mkdtemp(char *path) {
    char *ending = path + strlen(path) - 6;

    for (int attempt = 0; attempt < 100; attempt++) {
        unsigned number;

        if (rand_s(&number) != 0) return NULL;
        snprintf(ending, 7, "%06x", number & 0xffffff);
        if (_mkdir(path) == 0) return path;
    }
    return NULL;
}

struct mallinfo2 mallinfo2(void) {
    PROCESS_MEMORY_COUNTERS counters = {.cb = sizeof counters};

    GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof counters);
    return (struct mallinfo2){.uordblks = counters.PagefileUsage};
}

int ts_missing(void) {
    errno = ENOSYS;
    return -1;
}

/* ------------------------------------------------------------------ strings, environment */

char *strndup(const char *text, size_t size) {
    size_t length = strnlen(text, size);
    char *copy = malloc(length + 1);

    if (copy == NULL) return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void *memmem(const void *where, size_t where_size, const void *what, size_t what_size) {
    const char *bytes = where;

    for (size_t at = 0; at + what_size <= where_size; at++)
        if (memcmp(bytes + at, what, what_size) == 0) return (void *)(bytes + at);
    return NULL;
}

char *strcasestr(const char *where, const char *what) {
    size_t size = strlen(what);

    for (; *where != '\0'; where++)
        if (_strnicmp(where, what, size) == 0) return (char *)where;
    return size == 0 ? (char *)where : NULL;
}

char *strsep(char **text, const char *delimiters) {
    char *part = *text;

    if (part == NULL) return NULL;
    *text = strpbrk(part, delimiters);
    if (*text != NULL) *(*text)++ = '\0';
    return part;
}

int setenv(const char *name, const char *value, int overwrite) {
    if (!overwrite && getenv(name) != NULL) return 0;
    return _putenv_s(name, value);
}

int unsetenv(const char *name) {
    return _putenv_s(name, "");
}

/* ------------------------------------------------------------------ sockets */

static int failed(void) {
    switch (WSAGetLastError()) {
    case WSAEWOULDBLOCK:
        errno = EAGAIN;
        break;
    case WSAECONNRESET:
    case WSAECONNABORTED:
        errno = ECONNRESET;
        break;
    case WSAECONNREFUSED:
        errno = ECONNREFUSED;
        break;
    case WSAEADDRINUSE:
    case WSAEACCES: /* by somebody who shares it with nobody */
        errno = EADDRINUSE;
        break;
    default:
        errno = EIO;
    }
    return -1;
}

static bool is_socket(int descriptor) {
    int type, size = sizeof type;

    return getsockopt((SOCKET)descriptor, SOL_SOCKET, SO_TYPE, (char *)&type, &size) == 0;
}

static void set_blocking(int descriptor, bool blocking) {
    u_long on = !blocking;

    ioctlsocket((SOCKET)descriptor, FIONBIO, &on);
}

int ts_close(int descriptor) {
    return is_socket(descriptor) ? closesocket((SOCKET)descriptor) : _close(descriptor);
}

ptrdiff_t ts_read(int descriptor, void *bytes, size_t size) {
    if (is_socket(descriptor)) return ts_recv(descriptor, bytes, size, 0);
    return _read(descriptor, bytes, (unsigned)size);
}

ptrdiff_t ts_write(int descriptor, const void *bytes, size_t size) {
    if (is_socket(descriptor)) return ts_send(descriptor, bytes, size, 0);
    return _write(descriptor, bytes, (unsigned)size);
}

int ts_socket(int family, int type, int protocol) {
    SOCKET made = socket(family, type & ~SOCK_NONBLOCK, protocol);

    if (made == INVALID_SOCKET) return failed();
    if ((type & SOCK_NONBLOCK) != 0) set_blocking((int)made, false);
    return (int)made;
}

int ts_accept(int descriptor, struct sockaddr *address, socklen_t *size) {
    SOCKET taken = accept((SOCKET)descriptor, address, size);

    return taken == INVALID_SOCKET ? failed() : (int)taken;
}

/* A time is a number of milliseconds to Windows. */
int ts_setsockopt(int descriptor, int level, int option, const void *value, socklen_t size) {
    bool is_time = level == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO);
    const struct timeval *time = value;
    DWORD ms = is_time ? (DWORD)(time->tv_sec * 1000 + time->tv_usec / 1000) : 0;

    if (is_time) value = &ms, size = sizeof ms;
    return setsockopt((SOCKET)descriptor, level, option, value, size) == 0 ? 0 : failed();
}

int ts_bind(int descriptor, const struct sockaddr *address, socklen_t size) {
    return bind((SOCKET)descriptor, address, size) == 0 ? 0 : failed();
}

int ts_connect(int descriptor, const struct sockaddr *address, socklen_t size) {
    return connect((SOCKET)descriptor, address, size) == 0 ? 0 : failed();
}

static bool is_ready(int descriptor, short events) {
    struct pollfd one = {.fd = (SOCKET)descriptor, .events = events};

    return WSAPoll(&one, 1, 0) > 0;
}

ptrdiff_t ts_recv(int descriptor, void *bytes, size_t size, int flags) {
    int got;

    if ((flags & MSG_DONTWAIT) != 0 && !is_ready(descriptor, POLLIN)) {
        errno = EAGAIN;
        return -1;
    }
    got = recv((SOCKET)descriptor, bytes, (int)size, flags & ~MSG_DONTWAIT);
    return got >= 0 ? got : failed();
}

ptrdiff_t ts_send(int descriptor, const void *bytes, size_t size, int flags) {
    int sent;

    if ((flags & MSG_DONTWAIT) != 0 && !is_ready(descriptor, POLLOUT)) {
        errno = EAGAIN;
        return -1;
    }
    sent = send((SOCKET)descriptor, bytes, (int)size, flags & ~MSG_DONTWAIT);
    return sent >= 0 ? sent : failed();
}

int ts_poll(struct pollfd *list, nfds_t count, int timeout_ms) {
    if (count == 0) {
        Sleep(timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms);
        return 0;
    }
    return WSAPoll(list, count, timeout_ms);
}

int ts_pipe(int ends[2]) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int listening = ts_socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ends[1] = ts_socket(AF_INET, SOCK_STREAM, 0);
    if (bind((SOCKET)listening, (struct sockaddr *)&address, size) != 0 ||
        listen((SOCKET)listening, 1) != 0 ||
        getsockname((SOCKET)listening, (struct sockaddr *)&address, &size) != 0 ||
        ts_connect(ends[1], (struct sockaddr *)&address, size) != 0)
        return failed();
    ends[0] = ts_accept(listening, NULL, NULL);
    closesocket((SOCKET)listening);
    return ends[0] < 0 ? -1 : 0;
}
