/* Tokens that nobody is to use any more (RFC 7009): best effort, once, at most 5 s. */
#ifndef TI_REVOCATION_H
#define TI_REVOCATION_H

#include <stdint.h>

#include <tacit/error.h>

#include "oauth/token_response.h"

typedef struct ti_identity ti_identity;
typedef struct ti_view ti_view;

typedef enum ti_revoke_kind { TI_REVOKE_REFRESH_TOKEN, TI_REVOKE_ACCESS_TOKEN } ti_revoke_kind;

typedef struct ti_revocation {
    struct ti_revocation *next;
    ti_view *view; /* one user: says how to speak to the server */
    ti_secret *token;
    ti_revoke_kind kind;
    ti_secret *other;   /* of the same sign-in, for dialects that send both; NULL: none */
    char **fingerprint; /* of the sign-in (terms.h); NULL: none */
} ti_revocation;

/* Now, without the lock; its token may be NULL. A server that revokes no access tokens is no failure. */
void ti_revoke(ti_identity *identity, const ti_revocation *revocation, int64_t deadline_boot_ms,
               tacit_error *error);
int64_t ti_revocation_deadline(const ti_identity *identity); /* of what begins now */

/* Puts a copy first, unless its token is NULL or in the list already. Without memory it is left out. */
void ti_revocation_push_locked(ti_revocation **list, const ti_revocation *revocation);
void ti_revocations_free_locked(ti_identity *identity, ti_revocation *list);

/* When there is time: a refresh token, or the best that a grant brought. */
void ti_revocation_add_locked(ti_identity *identity, ti_view *view, ti_secret *refresh_token,
                              char **fingerprint);
void ti_revocation_add_granted_locked(ti_identity *identity, ti_view *view,
                                      const ti_token_response *granted, char **fingerprint);
void ti_revocation_run_locked(ti_identity *identity); /* the first; drops the lock meanwhile */
void ti_revocations_drop_locked(ti_identity *identity);

#endif
