#include "platform/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
} address;

#ifndef SOCK_CLOEXEC /* Darwin: there is nothing that does it in one step */
#define SOCK_CLOEXEC 0
#define SOCK_NONBLOCK 0
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* What the flags above could not say. */
static int finish(int fd, bool nonblocking) {
#ifdef SO_NOSIGPIPE
    int on = 1;

    if (fd < 0) return fd;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
    if (nonblocking) fcntl(fd, F_SETFL, O_NONBLOCK);
#else
    (void)nonblocking;
#endif
    return fd;
}

int ti_socket_open(int family, int type, int protocol) {
    return finish(socket(family, type | SOCK_CLOEXEC, protocol), false);
}

void ti_socket_close(int descriptor) {
    close(descriptor);
}

/* ------------------------------------------------------------------ listening */

/* What the connections of the last sign-in left behind (TIME_WAIT) does not keep the port busy. On Linux that takes no port from a
 * socket that listens, and lets nobody take ours. */
static bool allow_reuse(int fd, uint16_t port) {
#ifdef __linux__
    int on = 1;

    return port == 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0;
#else
    (void)fd, (void)port;
    return true;
#endif
}

static socklen_t address_of(address *a, uint32_t ipv4, uint16_t port) {
    if (ipv4 != 0) {
        *a = (address){.ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
        a->ipv4.sin_addr.s_addr = htonl(ipv4);
        return sizeof a->ipv4;
    }
    *a = (address){.ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    a->ipv6.sin6_addr = in6addr_loopback;
    return sizeof a->ipv6;
}

static uint16_t port_of(const address *a) {
    return ntohs(a->any.sa_family == AF_INET ? a->ipv4.sin_port : a->ipv6.sin6_port);
}

static bool listen_at(int fd, address *a, socklen_t size) {
    int on = 1;

    return allow_reuse(fd, port_of(a)) &&
           (a->any.sa_family == AF_INET ||
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
           bind(fd, &a->any, size) == 0 && listen(fd, SOMAXCONN) == 0 &&
           getsockname(fd, &a->any, &size) == 0;
}

int ti_socket_listen(uint32_t ipv4, uint16_t port, int *listening, uint16_t *taken) {
    address a;
    socklen_t size = address_of(&a, ipv4, port);
    int fd = finish(socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), true);
    int cause;

    if (fd < 0) return errno;
    if (listen_at(fd, &a, size)) {
        *listening = fd;
        *taken = port_of(&a);
        return 0;
    }
    cause = errno;
    close(fd);
    return cause;
}

static bool would_block(void) {
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

static int accept_any(int listening) {
#ifdef __linux__
    /* cppcheck-suppress nullPointer ; accept(2): who connects need not be told */
    return accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
#else
    return accept(listening, NULL, NULL);
#endif
}

int ti_socket_accept(int listening, bool *exhausted) {
    int fd;

    do fd = accept_any(listening);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    *exhausted = fd < 0 && !would_block();
    return finish(fd, true);
}

/* ------------------------------------------------------------------ talking */

ptrdiff_t ti_socket_receive(int descriptor, void *bytes, size_t size) {
    ssize_t got;

    do got = recv(descriptor, bytes, size, 0);
    while (got < 0 && errno == EINTR);
    return got < 0 && !would_block() ? 0 : got;
}

ptrdiff_t ti_socket_send(int descriptor, const void *bytes, size_t size) {
    ssize_t sent;

    do sent = send(descriptor, bytes, size, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 && !would_block() ? 0 : sent;
}

void ti_socket_end_sending(int descriptor) {
    shutdown(descriptor, SHUT_WR);
}

int ti_socket_errno(int cause) {
    return cause;
}

/* ------------------------------------------------------------------ addresses */

bool ti_socket_read_ipv4(const char *text, uint32_t *address) {
    struct in_addr ipv4;

    if (inet_pton(AF_INET, text, &ipv4) != 1) return false;
    *address = ntohl(ipv4.s_addr);
    return true;
}

bool ti_socket_is_ipv6_loopback(const char *text) {
    struct in6_addr ipv6;

    return inet_pton(AF_INET6, text, &ipv6) == 1 && IN6_IS_ADDR_LOOPBACK(&ipv6);
}
