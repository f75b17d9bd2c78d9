/* Refresh tokens that nobody is to use any more (RFC 7009): best effort, once, at most 5 s. */
#ifndef TI_REVOCATION_H
#define TI_REVOCATION_H

#include <tacit/error.h>

#include "base/secret.h"

typedef struct ti_identity ti_identity;
typedef struct ti_view ti_view;

/* Now, without the lock. view says how to speak to the server. */
void ti_revoke(ti_identity *identity, const ti_view *view, const ti_secret *token,
               tacit_error *error);

/* When there is time. */
typedef struct ti_revocation {
    struct ti_revocation *next;
    ti_view *view; /* one user: says how to speak to the server */
    ti_secret *token;
} ti_revocation;
void ti_revocation_add_locked(ti_identity *identity, ti_view *view,
                              ti_secret *token);      /* without memory it is left out */
void ti_revocation_run_locked(ti_identity *identity); /* the first; drops the lock meanwhile */

void ti_revocations_drop_locked(ti_identity *identity);

#endif
