/*
 * kqueue() and kevent() as their manual page has them, over poll(): as much as tacit uses. The queue's
 * descriptor can be closed and has flags like any other. Thread-safe.
 */
#ifndef TEST_FAKE_KQUEUE_H
#define TEST_FAKE_KQUEUE_H

#include <sys/event.h>

/* Adding this filter finds no memory from now on; 0: each does. */
void fake_kqueue_refuse(int16_t filter);
/* How long the last kevent() was told to wait, in milliseconds; -1: for ever. */
long fake_kqueue_waited_ms(void);

#endif
