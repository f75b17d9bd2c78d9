/* Winsock. A SOCKET fits into an int: Windows promises that no handle has more than 32 bits that count. */
#include "platform/socket.h"

#include <winsock2.h>
#include <ws2tcpip.h>

#include <errno.h>
#include <limits.h>

typedef union address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
} address;

int ti_socket_open(int family, int type, int protocol) {
    SOCKET made = WSASocketW(family, type, protocol, NULL, 0,
                             WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);

    return made == INVALID_SOCKET ? -1 : (int)made;
}

void ti_socket_close(int descriptor) {
    closesocket((SOCKET)descriptor);
}

static bool set_nonblocking(int descriptor) {
    u_long on = 1;

    return ioctlsocket((SOCKET)descriptor, FIONBIO, &on) == 0;
}

/* ------------------------------------------------------------------ listening */

int ti_socket_errno(int cause) {
    switch (cause) {
    case 0:
        return 0;
    case WSAEADDRINUSE:
        return EADDRINUSE;
    case WSAEACCES:
        return EACCES;
    case WSAEAFNOSUPPORT:
        return EAFNOSUPPORT;
    case WSAEADDRNOTAVAIL:
        return EADDRNOTAVAIL;
    case WSAEMFILE:
        return EMFILE;
    case WSAENOBUFS:
        return ENOBUFS;
    case WSAECONNREFUSED:
        return ECONNREFUSED;
    case WSAECONNRESET:
        return ECONNRESET;
    case WSAECONNABORTED:
        return ECONNABORTED;
    case WSAETIMEDOUT:
        return ETIMEDOUT;
    case WSAENETUNREACH:
        return ENETUNREACH;
    case WSAEHOSTUNREACH:
        return EHOSTUNREACH;
    default:
        return EIO;
    }
}

/* Windows denies a port to nobody for who he is: another has it for himself, or the system keeps it for one. */
static int listen_errno(void) {
    int cause = WSAGetLastError();

    return cause == WSAEACCES ? EADDRINUSE : ti_socket_errno(cause);
}

static int address_of(address *a, uint32_t ipv4, uint16_t port) {
    if (ipv4 != 0) {
        *a = (address){.ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
        a->ipv4.sin_addr.s_addr = htonl(ipv4);
        return (int)sizeof a->ipv4;
    }
    *a = (address){.ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    a->ipv6.sin6_addr = in6addr_loopback;
    return (int)sizeof a->ipv6;
}

static bool set_option(int descriptor, int level, int option) {
    const BOOL on = TRUE;

    return setsockopt((SOCKET)descriptor, level, option, (const char *)&on, sizeof on) == 0;
}

/* Whoever asks for SO_REUSEADDR could take the port from a socket that is not exclusive. */
static bool listen_at(int descriptor, address *a, int size) {
    SOCKET own = (SOCKET)descriptor;

    return set_option(descriptor, SOL_SOCKET, SO_EXCLUSIVEADDRUSE) &&
           (a->any.sa_family == AF_INET || set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY)) &&
           bind(own, &a->any, size) == 0 && listen(own, SOMAXCONN) == 0 &&
           getsockname(own, &a->any, &size) == 0 && set_nonblocking(descriptor);
}

int ti_socket_listen(uint32_t ipv4, uint16_t port, int *listening, uint16_t *taken) {
    address a;
    int size = address_of(&a, ipv4, port), cause;
    int descriptor = ti_socket_open(a.any.sa_family, SOCK_STREAM, 0);

    if (descriptor < 0) return listen_errno();
    if (listen_at(descriptor, &a, size)) {
        *listening = descriptor;
        *taken = ntohs(a.any.sa_family == AF_INET ? a.ipv4.sin_port : a.ipv6.sin6_port);
        return 0;
    }
    cause = listen_errno();
    ti_socket_close(descriptor);
    return cause;
}

int ti_socket_accept(int listening, bool *exhausted) {
    SOCKET taken;

    do taken = accept((SOCKET)listening, NULL, NULL);
    while (taken == INVALID_SOCKET && WSAGetLastError() == WSAECONNRESET);
    *exhausted = taken == INVALID_SOCKET && WSAGetLastError() != WSAEWOULDBLOCK;
    if (taken == INVALID_SOCKET) return -1;
    SetHandleInformation((HANDLE)taken, HANDLE_FLAG_INHERIT, 0);
    if (set_nonblocking((int)taken)) return (int)taken;
    closesocket(taken);
    *exhausted = true;
    return -1;
}

/* ------------------------------------------------------------------ talking */

static int at_most(size_t size) {
    return size < INT_MAX ? (int)size : INT_MAX;
}

static ptrdiff_t result_of(int result) {
    if (result >= 0) return result;
    return WSAGetLastError() == WSAEWOULDBLOCK ? -1 : 0;
}

ptrdiff_t ti_socket_receive(int descriptor, void *bytes, size_t size) {
    return result_of(recv((SOCKET)descriptor, bytes, at_most(size), 0));
}

ptrdiff_t ti_socket_send(int descriptor, const void *bytes, size_t size) {
    return result_of(send((SOCKET)descriptor, bytes, at_most(size), 0));
}

void ti_socket_end_sending(int descriptor) {
    shutdown((SOCKET)descriptor, SD_SEND);
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
