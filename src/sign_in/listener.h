/*
 * Waits on loopback for a browser to come back. It reads what looks like the head of an HTTP request, has it answered, and closes the
 * connection; what it gives to each is bounded, so that nobody on this machine can keep the browser out.
 */
#ifndef TI_LISTENER_H
#define TI_LISTENER_H

#include <stdatomic.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "sign_in/redirect_uri.h"

typedef struct ti_listener ti_listener;

/* head ends with an empty line. Appends to answer what is sent back; without, the connection is just closed. true: this is what was waited for. */
typedef bool (*ti_listener_answer_fn)(void *data, const char *head, size_t size, ti_buffer *answer);

typedef enum ti_listener_end {
    TI_LISTENER_ANSWERED, /* as ti_listener_answer_fn said; the answer is with the browser, or the browser is gone */
    TI_LISTENER_STOPPED,
    TI_LISTENER_DEADLINE
} ti_listener_end;

/* Not bound yet. clock is borrowed. NULL: error says why. */
ti_listener *ti_listener_new(const ti_clock *clock, tacit_error *error);
/* Closes everything. Takes NULL. */
void ti_listener_free(ti_listener *listener);

/* From here on browsers are not refused, and wait for ti_listener_wait(). TACIT_ERR_NETWORK: the port is taken (os_error EADDRINUSE), or
 * there is no loopback. */
tacit_status ti_listener_bind(ti_listener *listener, const ti_redirect_uri *uri,
                              tacit_error *error);
uint16_t ti_listener_port(const ti_listener *listener);

/* On the caller's thread. Looks at stopped after each ti_listener_wake(). Nothing is bound any more when it returns. */
ti_listener_end ti_listener_wait(ti_listener *listener, ti_listener_answer_fn answer, void *data,
                                 int64_t deadline_boot_ms, const atomic_bool *stopped);
/* data: a ti_listener. From any thread; never blocks. */
void ti_listener_wake(void *data);

#endif
