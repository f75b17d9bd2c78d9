/*
 * How a caller gets a token: at hand, or by waiting for the flight that it joins or asks for.
 *
 * A waiter remembers the number of the attempt that it may be served by; it leaves when a token meets its need, when an attempt for
 * its view fails that began with that number or later, when the sign-in changes, at closing, or at its deadline.
 */
#ifndef TI_OBTAIN_H
#define TI_OBTAIN_H

#include "session/session.h"
#include "session/waiter.h"

/* What nearly every call finds: a token that lives long enough. *token is the caller's. */
bool ti_obtain_at_hand(ti_identity *identity, const ti_view *view, const ti_need *need,
                       tacit_token **token);

/* The whole of ti_session_obtain(), and of waiting for the first load (need NULL, token NULL). */
tacit_status ti_obtain(ti_identity *identity, ti_view *view, const atomic_bool *closing,
                       const ti_need *need, int64_t deadline_boot_ms, tacit_token **token,
                       tacit_error *error);

/* Without a thread (session.h): what is set at the beginning is. */
ti_obtained ti_obtain_begin(ti_waiter *waiter, tacit_token **token, tacit_error *error);
ti_obtained ti_obtain_again(ti_waiter *waiter, tacit_token **token, tacit_error *error);
bool ti_obtain_leave(ti_waiter *waiter);

#endif
