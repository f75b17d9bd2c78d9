/* A view: an identity seen through one scope, resource and set of parameters. Sessions that ask for the same share it, and its token. */
#ifndef TI_VIEW_H
#define TI_VIEW_H

#include <stdatomic.h>

#include "oauth/grant.h"
#include "session/dispatch.h"
#include "session/failure.h"
#include "session/record.h"
#include "session/slide.h"
#include "session/token.h"

typedef struct ti_identity ti_identity;
typedef struct ti_begun ti_begun;

typedef struct ti_view {
    struct ti_view *next; /* guarded by the identity's lock */

    /* set at creation, then read-only */
    char key[TI_VIEW_KEY_SIZE];
    ti_grant_client grant; /* its own copies */
    char *scope, *resource;
    tacit_policy policy;
    int lead_s;

    /* read without a lock by the fast path, written under it */
    atomic_uint_fast64_t current_id; /* of token; 0: none */
    bool slides;                     /* `slide` is there; read-only */

    /* guarded by the identity's lock */
    unsigned users;          /* sessions, a flight, jobs */
    tacit_session *sessions; /* those that are open */
    tacit_token *token;      /* NULL: none */
    uint64_t token_attempt;  /* which brought it; 0: none of ours */
    bool token_adopted;  /* ... from the store: perhaps over already, and not what a refresh is */
    bool retry_anyway;   /* after an unknown outcome, whatever the policy */
    int64_t due_boot_ms; /* when to renew it in the background */
    uint64_t begun;      /* the last attempt for this view */
    uint64_t failed;     /* the last that failed */
    ti_failure *failure; /* with what */
    uint64_t wanted_generation, wanted_attempt, anew_attempt; /* what waiters ask for (obtain.h) */

    ti_slide slide[]; /* of a view that slides, one */
} ti_view;

/* The identity's view for these options, found or made, with one more user. NULL: error says why. */
ti_view *ti_view_find_locked(ti_identity *identity, tacit_provider *provider,
                             const tacit_session_options *options, tacit_error *error);
/* One user less; the last one frees it, and parks its token for the record. */
void ti_view_release_locked(ti_identity *identity, ti_view *view);

/* Takes the reference; NULL drops the token. due_boot_ms: ti_schedule_due()'s, or TI_NEVER. */
void ti_view_set_token_locked(ti_view *view, tacit_token *token, uint64_t attempt,
                              int64_t due_boot_ms);
/* When to renew a token of the view; refresh_in_s: the server's wish, -1 for none. */
int64_t ti_view_due_locked(const ti_identity *identity, const ti_view *view,
                           const tacit_token *token, int64_t refresh_in_s);
/* Takes over what a record holds for the view; without memory it is as if the record had nothing. */
void ti_view_adopt_locked(ti_identity *identity, ti_view *view, const ti_record_token *found);
/* The identity is signed in and nothing brought a token for the view: it is fetched on first need, or within a minute where that
 * can be. */
void ti_view_expect_token_locked(const ti_identity *identity, ti_view *view);
/* As the record keeps it, with its own copy of the value. false: no memory. */
bool ti_view_token_to_record(const char *key, const tacit_token *token, ti_record_token *kept);
/* Whether the background renews it by itself, or sees its end. */
bool ti_view_is_proactive_locked(const ti_identity *identity, const ti_view *view);

/* Whoever still waits asks again when he wakes. */
void ti_view_drop_wants_locked(ti_view *view);
/* Whether an access token lives, of a view or parked; that of `refused` (may be NULL) does not count. */
bool ti_views_have_token_locked(const ti_identity *identity, const ti_view *refused);
/* Drops every token of the identity and forgets what was wanted: another sign-in begins, or none. */
void ti_views_reset_locked(ti_identity *identity);

/* What one origin did with the session's tokens (R14); read and written without a lock. */
typedef struct ti_origin_state {
    atomic_uint_fast64_t accepted_id; /* the newest token that it accepted */
    atomic_bool refuses;              /* a fresh one was refused, and none accepted since */
} ti_origin_state;

/* An app's session: the public face of a view. */
struct tacit_session {
    tacit_session *next; /* in the view's list; guarded by the identity's lock */

    /* set at open, then read-only */
    ti_identity *identity; /* counted */
    ti_view *view;         /* one user, until the end */
    ti_origins *origins;
    ti_origin_state *origin_states; /* one for each */
    tacit_event_fn on_event;
    void *event_data;
    void (*event_release)(void *event_data);
    ti_dispatch_item release_item;

    ti_begun *begun; /* NULL: none; guarded by the identity's lock */

    /* for an event that says what failed, where there is no memory for another; guarded by the identity's lock */
    ti_dispatch_item spare_item;
    tacit_event spare_event;
    bool spare_queued;

    int max_idle_s; /* 0: none, as of max_age_s; set at open, then read-only */

    /* atomic */
    atomic_uint_fast64_t uses; /* references; from bit 32 the calls inside, each a reference too;
                                  bit 63: closed */
    atomic_bool closing;
    atomic_bool limited; /* a session of the sign-in has max_idle_s or max_age_s */
    int max_age_s;
    atomic_uint_fast64_t requests, replays;
};

#endif
