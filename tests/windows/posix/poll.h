#ifndef TS_POLL_H
#define TS_POLL_H

#include <sys/socket.h>

#define poll ts_poll

typedef unsigned long nfds_t;

int ts_poll(struct pollfd *list, nfds_t count, int timeout_ms);

#endif
