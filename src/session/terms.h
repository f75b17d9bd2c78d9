/*
 * What bounds a sign-in beside the server's word: how long its refresh token lives, when it began and was last used, and what its
 * token requests have to repeat. Made with the first of these that is known, so that sessions without any pay a pointer.
 *
 * Guarded by the identity's lock, but for what is atomic in `limits`. Once made they stay where they are as long as the identity does: the next
 * sign-in only begins them anew.
 */
#ifndef TI_TERMS_H
#define TI_TERMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "oauth/token_response.h"
#include "session/grant_rate.h"
#include "session/limits.h"
#include "session/record.h"

typedef struct ti_identity ti_identity;

typedef struct ti_terms {
    /* of the refresh token; TI_NEVER and -1: unknown */
    int64_t refresh_expires_boot_ms, refresh_lifetime_ms;
    int64_t heard_boot_ms;   /* when that was last said */
    int64_t renewal_boot_ms; /* when to renew it for its own sake; TI_NEVER: that does not help */
    bool end_told;           /* TACIT_EVENT_SIGN_IN_ENDS of this end went out */

    ti_limits limits; /* of the app's own, and what they go by */

    ti_grant_rate rate; /* of the identity, whoever is signed in; other processes' by the journal */

    char **fingerprint; /* as ti_grant_fingerprint() has it (base/strings.h); NULL: none */
} ti_terms;

/* The identity's, made where it has none yet. NULL: no memory. */
ti_terms *ti_terms_make_locked(ti_identity *identity);
/* Another sign-in, or none: everything is unknown again. */
void ti_terms_reset_locked(ti_identity *identity);
void ti_terms_free(ti_terms *terms); /* takes NULL */

/* A sign-in begins with that answer, whose refresh token is the identity's already. */
void ti_terms_begin_locked(ti_identity *identity, const ti_token_response *answer,
                           int64_t sent_boot_ms);
/* A refresh was answered so; the identity has yet to take its refresh token over. */
void ti_terms_refreshed_locked(ti_identity *identity, const ti_token_response *answer,
                               int64_t sent_boot_ms);

/* Takes over the lines that the first token request sent (NULL: none), where none are known yet. Without memory the next request is the
 * first. */
void ti_terms_freeze_locked(ti_identity *identity, char ***fingerprint);

char **ti_terms_fingerprint_locked(const ti_identity *identity); /* NULL: none */

/* When to renew the refresh token for its own sake, and when to tell that it ends. TI_NEVER: not at all. */
int64_t ti_terms_renewal_locked(const ti_identity *identity);
int64_t ti_terms_warning_locked(const ti_identity *identity);
/* TACIT_EVENT_SIGN_IN_ENDS, to every session. */
void ti_terms_warn_locked(ti_identity *identity);
int64_t
ti_terms_end_in_s_locked(const ti_identity *identity); /* -1: unknown, or nobody is signed in */

/* As the record keeps them, NULL where nothing is known; the caller's to free with the record. false: no memory. */
bool ti_terms_to_record_locked(ti_identity *identity, ti_record_terms **kept);
/* Takes over what a record of the current sign-in says (R13); the identity has yet to take its refresh token over. Without memory it is as
 * if the record had none. What an earlier version of the library left out stays, of the same sign-in. */
void ti_terms_adopt_locked(ti_identity *identity, const ti_record *record);

#endif
