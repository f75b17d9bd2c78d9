#ifndef TS_SYS_SOCKET_H
#define TS_SYS_SOCKET_H

#include <winsock2.h>
#include <ws2tcpip.h>

#include <stddef.h>

#undef near
#undef far

#define SOCK_CLOEXEC 0
#define SOCK_NONBLOCK 0x1000
#define MSG_NOSIGNAL 0
#define MSG_DONTWAIT 0x1000
#define SHUT_RD SD_RECEIVE
#define SHUT_WR SD_SEND
#define SHUT_RDWR SD_BOTH

/* As functions they have other types; and errno is set. */
#define socket ts_socket
#define accept ts_accept
#define bind ts_bind
#define connect ts_connect
#define getsockname(descriptor, address, size) getsockname((SOCKET)(descriptor), address, size)
#define listen(descriptor, backlog) listen((SOCKET)(descriptor), backlog)
#define shutdown(descriptor, how) shutdown((SOCKET)(descriptor), how)
#define socketpair(family, type, protocol, ends)                                                   \
    ((void)(family), (void)(type), (void)(protocol), ts_pipe(ends))
#define recv ts_recv
#define send ts_send
#define setsockopt ts_setsockopt
#define getsockopt(descriptor, level, option, value, size)                                         \
    getsockopt((SOCKET)(descriptor), level, option, (char *)(value), size)
int ts_socket(int family, int type, int protocol);
int ts_accept(int descriptor, struct sockaddr *address, socklen_t *size);
int ts_setsockopt(int descriptor, int level, int option, const void *value, socklen_t size);
int ts_bind(int descriptor, const struct sockaddr *address, socklen_t size);
int ts_connect(int descriptor, const struct sockaddr *address, socklen_t size);
ptrdiff_t ts_recv(int descriptor, void *bytes, size_t size, int flags);
ptrdiff_t ts_send(int descriptor, const void *bytes, size_t size, int flags);

#endif
