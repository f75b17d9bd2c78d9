/*
 * Many exchanges at once on one thread: libcurl's multi interface, with handles and connections of
 * its own. HTTP/2 over TLS carries many of them on one connection.
 *
 * A loop belongs to one thread, which alone calls its functions; ti_loop_wake(), and
 * ti_transport_wake(), reach it from others.
 */
#ifndef TI_LOOP_H
#define TI_LOOP_H

#include "transport/transport.h"

typedef struct ti_loop ti_loop;

/* One exchange under way; lies inside what it belongs to. All zero before its first start. */
typedef struct ti_transfer {
    /*
     * Set by its owner. From ti_loop_run(), once per start: the transfer is off the loop, the answer
     * is as after ti_handle_send(), status and error as from it. error is borrowed for the call. May
     * start and stop transfers, this one too.
     */
    void (*finished)(struct ti_transfer *transfer, tacit_status status, const tacit_error *error);
    ti_handle *handle; /* the loop's; NULL: not under way */
} ti_transfer;

/* transfers_max: how many may be under way. NULL: error says why. */
ti_loop *ti_loop_new(ti_transport *transport, unsigned transfers_max, tacit_error *error);
void ti_loop_free(ti_loop *loop); /* nothing may be under way; NULL is fine */

/*
 * Starts what ti_handle_send() does; url, request and answer are borrowed until finished or stop.
 * The request's deadline and `cancelled` are not looked at: its owner stops it. Does not block and
 * calls no callback. kind is POOLED or FOREIGN. An error: not started, as before a send.
 */
tacit_status ti_loop_start(ti_loop *loop, ti_transfer *transfer, ti_handle_kind kind,
                           const ti_url *url, const ti_http_request *request,
                           ti_http_answer *answer, tacit_error *error);
/* Ends it without finished: the answer has what had arrived, and error is what ti_handle_send()
 * would give for `why` (TACIT_ERR_CANCELLED or _TIMEOUT). A transfer that is not under way is left
 * alone. */
void ti_loop_stop(ti_loop *loop, ti_transfer *transfer, tacit_status why, tacit_error *error);
/* Neither reads nor sends on, or does again, also after a callback's PAUSE. May call the callbacks. */
void ti_loop_pause(ti_loop *loop, ti_transfer *transfer);
void ti_loop_resume(ti_loop *loop, ti_transfer *transfer);

/* Does what can be done, waiting for it until a wake or until_boot_ms (TI_NEVER: for ever); a time that has
 * passed: it does not wait. */
void ti_loop_run(ti_loop *loop, int64_t until_boot_ms);
/* Any thread; never blocks. A wake before the run is not lost. */
void ti_loop_wake(ti_loop *loop);
/* Whether ti_transport_wake() was called since the last time this was asked: every transfer's
 * `cancelled` and deadline are to be looked at. */
bool ti_loop_was_shaken(ti_loop *loop);
/* Nothing has been under way for a while: lets go of all idle handles and connections beyond the
 * transport's idle_connections_max. */
void ti_loop_trim(ti_loop *loop);

#endif
