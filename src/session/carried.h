/* What a token request carries beside its grant proper, for the dialects that want it: the lines of the sign-in's first request, and the
 * access token that ends. */
#ifndef TI_CARRIED_H
#define TI_CARRIED_H

#include "session/identity.h"

typedef struct ti_carried {
    char **fingerprint;      /* NULL: this request is the first, or the dialect wants none */
    ti_secret *access_token; /* NULL: none, or the dialect does not send it */
    bool failed;             /* there was no memory */
} ti_carried;

/* Copies of what the sign-in in force has. */
ti_carried ti_carried_of_locked(const ti_identity *identity, const ti_view *view);
/* ti_grant_send() with it, without the lock. Where it is the first, carried->fingerprint is what it sent, for ti_terms_freeze_locked(). */
ti_verdict ti_carried_send(ti_identity *identity, const ti_view *view, ti_carried *carried,
                           ti_grant grant, ti_token_response *answer, bool *sent,
                           tacit_error *error);
void ti_carried_free(ti_carried *carried);

#endif
