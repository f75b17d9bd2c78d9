/* Sliding expiration: answers of the API renew the access token of a view, in the header that the provider's dialect names. */
#ifndef TI_SLIDE_H
#define TI_SLIDE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "session/record.h"

typedef struct ti_identity ti_identity;
typedef struct ti_view ti_view;

/* What only a view that slides has. */
typedef struct ti_slide {
    /* set at creation, then read-only */
    char *header;
    ti_log_name hidden; /* what is in it is a token: no log shows it */

    /* read without a lock by the fast path, written under it */
    atomic_int_fast64_t
        worth_from_boot_ms; /* answers to requests sent before bring nothing of use */

    /* guarded by the identity's lock */
    uint64_t saved_generation; /* of the token that the store has, as far as is known; 0: none */
    int64_t save_after_boot_ms;
    uint64_t slides;
} ti_slide;

/* From when on a request must have been sent for its answer's token, of that lifetime, to replace the current one: it lives a tenth
 * longer then; where a lifetime is unknown (-1), the current one is 60 s old, or has lived half its time. Pure. */
int64_t ti_slide_worth_from(int64_t issued_boot_ms, int64_t current_lifetime_ms,
                            int64_t lifetime_ms);

/* The header of a provider's dialect, for the view's own; NULL: it does not slide. false: no memory. */
bool ti_slide_header(tacit_provider *provider, char **header);

/* The view's token is another, or gone. */
void ti_slide_begin_locked(ti_view *view);
/* Whether to take over what a newer record holds for a view that has a token of the same sign-in. */
bool ti_slide_prefers_locked(const ti_identity *identity, const ti_view *view,
                             const ti_record_token *found);

/* When to save what no store has yet; TI_NEVER: there is nothing. */
int64_t ti_slide_save_due_locked(const ti_identity *identity);
/* The view goes with a token that no store has. */
bool ti_slide_is_unsaved_locked(const ti_view *view);
/* The store has the record. */
void ti_slide_saved_locked(ti_identity *identity, const ti_record *record);
/* Saves it. On workers, with the turn; drops the lock meanwhile. */
void ti_slide_save_locked(ti_identity *identity);
/* It is not this process's turn, and will not be. */
void ti_slide_save_failed_locked(ti_identity *identity, const tacit_error *error);

#endif
