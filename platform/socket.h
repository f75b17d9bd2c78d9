/*
 * The little that the library does with sockets itself, where libcurl does not: it listens on loopback. A port is one file
 * socket_<system>.c. Below every floor: it includes nothing of the library.
 *
 * No socket is inherited by other programs. On Windows sockets work from libcurl's global initialisation on.
 */
#ifndef TI_SOCKET_H
#define TI_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Listens on loopback without blocking: at ipv4, in host order, or at ::1 where that is 0. port: 0 for a free one; *taken: the one that
 * it is. 0, or errno: EADDRINUSE, EACCES; EAFNOSUPPORT and EADDRNOTAVAIL where the machine has not this family. */
int ti_socket_listen(uint32_t ipv4, uint16_t port, int *listening, uint16_t *taken);
/* Nonblocking, too. -1: nobody is there, or (*exhausted) nobody can be taken for now. */
int ti_socket_accept(int listening, bool *exhausted);

/* What has come, into at most size bytes. -1: nothing yet; 0: it is over. */
ptrdiff_t ti_socket_receive(int descriptor, void *bytes, size_t size);
/* How many of these bytes were taken. -1: none for now; 0: it is over. */
ptrdiff_t ti_socket_send(int descriptor, const void *bytes, size_t size);
/* All is sent; the other end may still have something to say. */
void ti_socket_end_sending(int descriptor);

/* One that blocks, as socket() has it: -1 where that fails. */
int ti_socket_open(int family, int type, int protocol);
void ti_socket_close(int descriptor);

/* errno, for what libcurl says of the system's cause. */
int ti_socket_errno(int cause);

/* Dotted decimals only; in host order. */
bool ti_socket_read_ipv4(const char *text, uint32_t *address);
/* Whether it is ::1, however that is written. Without brackets. */
bool ti_socket_is_ipv6_loopback(const char *text);

#endif
