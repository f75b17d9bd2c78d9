/* What the floors above see of a session. */
#ifndef TI_SESSION_H
#define TI_SESSION_H

#include <tacit/session.h>

#include "session/token.h"
#include "transport/transport.h"

/*
 * Around every public call: counts it as inside, keeps the session alive, and refuses a closed one (TACIT_ERR_CLOSED), one of a
 * parent process (TACIT_ERR_FORKED) or NULL (TACIT_ERR_INVALID_ARGUMENT). Leave only after an enter that answered true.
 */
bool ti_session_enter(tacit_session *session, tacit_error *error);
void ti_session_leave(tacit_session *session);
/* Opened before a fork, by a parent: see ti_client_forked(). Not NULL. */
bool ti_session_forked(const tacit_session *session);

/* For callers inside. */
tacit_client *ti_session_client(const tacit_session *session);
ti_transport *ti_session_transport(const tacit_session *session);
const ti_clock *ti_session_clock(const tacit_session *session);
const ti_origins *ti_session_origins(const tacit_session *session);
const atomic_bool *
ti_session_closing(const tacit_session *session);                /* for ti_http_request.cancelled */
int ti_session_request_timeout_ms(const tacit_session *session); /* the client's */
/* timeout_ms as the public functions take it: -1 is the client's request timeout. */
int64_t ti_session_deadline(const tacit_session *session, int timeout_ms);

/* What a caller needs the token for. */
typedef struct ti_need {
    const tacit_token *refused; /* met a 401; NULL: none */
    bool anew;                  /* from a refresh that begins after this call */
    int min_valid_s;
    const ti_sign_in_id *whose; /* who asked, where that was before now; NULL or none: whoever is
                                   signed in */
} ti_need;

/* Who is signed in, for what is to be sent later (R16); none: nobody, as far as is known. */
ti_sign_in_id ti_session_whose(const tacit_session *session);

/* The fast path: whether this very token is still the session's current one and lives long enough. One atomic load, no lock. */
bool ti_session_is_current(const tacit_session *session, const tacit_token *token,
                           int64_t now_boot_ms, int min_valid_s);

/* The current token's id, 0 where there is none: one atomic load. For who gave his reference away and
 * wants to know whether the token has been replaced meanwhile. */
uint64_t ti_session_current_id(const tacit_session *session);

/*
 * A token that meets the need, at once or after joining a refresh; see tacit_session_token() and tacit_session_renew() for the errors.
 * *token is the caller's. Waits until deadline_boot_ms; where that has passed already it does not wait (TACIT_ERR_TIMEOUT), but the
 * refresh is started.
 */
tacit_status ti_session_obtain(tacit_session *session, const ti_need *need,
                               int64_t deadline_boot_ms, tacit_token **token, tacit_error *error);

/* The same for who has no thread to wait with. */
typedef struct ti_waiter ti_waiter; /* waiter.h */
typedef enum ti_obtained {
    TI_OBTAINED,       /* *token is the caller's */
    TI_OBTAIN_REFUSED, /* error says why */
    TI_OBTAIN_WAITS    /* woken() comes once, after which the caller looks again */
} ti_obtained;
/* waiter->woken is set; need is borrowed while it waits. error is not NULL. */
ti_obtained ti_session_obtain_begin(tacit_session *session, ti_waiter *waiter, const ti_need *need,
                                    tacit_token **token, tacit_error *error);
ti_obtained ti_session_obtain_again(ti_waiter *waiter, tacit_token **token, tacit_error *error);
/* Waits no longer; what was asked for goes on. false: it was woken already. */
bool ti_session_obtain_leave(ti_waiter *waiter);

/*
 * What an origin did with a token (R14). accepted: any answer that is not about the token. refused: a replay met a 401 again.
 * An origin that refuses a token fresh from a refresh, which it never accepted, may force no more refreshes until it accepts one.
 */
void ti_session_origin_accepted(tacit_session *session, int origin, const tacit_token *token);
void ti_session_origin_refused(tacit_session *session, int origin, const tacit_token *token);
bool ti_session_origin_may_force(const tacit_session *session, int origin);

/* Sliding expiration (slide.h): whether answers may renew the token of this session; for others one load. */
bool ti_session_slides(const tacit_session *session);
/* A 2xx from one of the session's origins, to a request that went there with the token `sent`. Allocates and locks only where the current
 * token is old enough for a successor. */
void ti_session_slide(tacit_session *session, const tacit_token *sent, const ti_http_answer *answer,
                      int64_t sent_boot_ms);

/* The caller's reference; NULL: none. *signed_in: whether somebody is, as far as is known. */
ti_secret *ti_session_id_token(const tacit_session *session, bool *signed_in);

/* For the statistics. */
void ti_session_count_request(tacit_session *session);
void ti_session_count_replay(tacit_session *session);

#endif
