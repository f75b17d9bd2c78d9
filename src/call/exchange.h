/*
 * What a request does next: attach the token, send, on a 401 wait for a newer token, send again.
 *
 * A pure state machine: no I/O, no locks, no clock. Whoever drives it does each step and tells what
 * came of it; the answer is the next step. Requests on the caller's thread and asynchronous ones
 * share it.
 */
#ifndef TI_EXCHANGE_H
#define TI_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include <tacit/error.h>

#include "session/session.h"

/* A refused token is replaced by a newer one: so many in all. Redirects and retries do not count. */
#define TI_SENDS_MAX 3
#define TI_HOPS_MAX 10
/* A body that may not come a second time is not begun with a token about to expire. */
#define TI_STREAM_MIN_VALID_S 30

typedef enum ti_step {
    TI_STEP_TOKEN,  /* obtain what `need` says, waiting only where `wait` is set; then
                       ti_exchange_token() or ti_exchange_no_token() */
    TI_STEP_REWIND, /* rewind the streamed body; then ti_exchange_rewound() */
    TI_STEP_SEND,   /* send `method`, the token unless `foreign`, the body where `with_body`; then
                       ti_exchange_answered() or ti_exchange_failed() */
    TI_STEP_PAUSE,  /* wait for pause_ms where that ends before the deadline; then
                       ti_exchange_paused(). Else the exchange is over: what came last, the answer or
                       the failure, is the caller's */
    TI_STEP_FOLLOW, /* resolve the answer's Location; then ti_exchange_followed(). A Location that
                       HTTP cannot follow makes the answer the caller's */
    TI_STEP_KEEP,   /* the driver's own, before TI_STEP_ANSWER: what came goes into its file */
    TI_STEP_ANSWER, /* over: the answer that came last is the caller's */
    TI_STEP_FAIL    /* over: the error is the caller's */
} ti_step;

/* What the caller asked for. */
typedef struct ti_exchange_plan {
    const char *method;
    bool body;     /* there is one */
    bool streamed; /* ... that comes from a callback */
    bool rewindable;
    bool no_redirects;
    int min_valid_s;
    unsigned retries_max;
} ti_exchange_plan;

/* What an answer means, or that there is none, as far as the exchange wants to know. */
typedef struct ti_exchange_answer {
    int status;
    int retry_after_s;  /* 0: it does not say */
    uint32_t random;    /* any number: how a pause that nobody asked for is drawn */
    bool refuses_token; /* it is about the token that was sent */
    bool may_force;     /* ti_session_origin_may_force() */
    bool location;      /* it has that header */
    bool body_begun;    /* bytes of the streamed body were read */
    bool delivered;     /* bytes of the answer went to the caller, who cannot give them back */
} ti_exchange_answer;

typedef struct ti_exchange {
    /* for the step that was answered last */
    ti_need need;
    bool wait;
    int pause_ms;
    const char *method;
    bool with_body;
    bool foreign; /* a redirect left the session's origins: no token, now and on later hops */

    /* for the driver to read */
    int sends;  /* redirects not counted, retries and resumed downloads counted */
    int tokens; /* of them, those that came with a token not tried before */
    unsigned retries;
    bool replayed; /* the one replay after a refresh is used */

    /* the exchange's own */
    ti_exchange_plan plan;
    ti_exchange_answer answer;
    const tacit_token *token; /* the last; the driver keeps it until it handed over the next */
    ti_sign_in_id sign_in_id; /* of the first; before that, of who asked, where it is known */
    bool retrying;            /* between a pause and the send after it */
    int hops;
} ti_exchange;

/* Only TI_STEP_FAIL sets error. */
ti_step ti_exchange_begin(ti_exchange *exchange, const ti_exchange_plan *plan);
ti_step ti_exchange_token(ti_exchange *exchange, const tacit_token *token, tacit_error *error);
/* status: why there is none; error holds it already. */
ti_step ti_exchange_no_token(ti_exchange *exchange, tacit_status status);
ti_step ti_exchange_rewound(ti_exchange *exchange, bool done, tacit_error *error);
ti_step ti_exchange_answered(ti_exchange *exchange, const ti_exchange_answer *answer);
/* There is no answer; why: the error's status. answer says what is known nevertheless. */
ti_step ti_exchange_failed(ti_exchange *exchange, tacit_status why,
                           const ti_exchange_answer *answer);
ti_step ti_exchange_paused(ti_exchange *exchange, tacit_error *error);
/* The last answer, or the half of one, calls for the same request in other words (a Range that no
 * longer fits): no retry, and nothing to wait for. */
ti_step ti_exchange_reworded(ti_exchange *exchange, const ti_exchange_answer *answer,
                             tacit_error *error);
/* foreign: the next URL is not within the session's origins. */
ti_step ti_exchange_followed(ti_exchange *exchange, bool foreign, tacit_error *error);

#endif
