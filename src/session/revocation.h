/* Tokens that nobody is to use any more (RFC 7009): best effort, once, at most 5 s. */
#ifndef TI_REVOCATION_H
#define TI_REVOCATION_H

#include <stdint.h>

#include <tacit/error.h>

#include "oauth/token_response.h"

typedef struct ti_identity ti_identity;
typedef struct ti_view ti_view;

typedef enum ti_revoke_kind { TI_REVOKE_REFRESH_TOKEN, TI_REVOKE_ACCESS_TOKEN } ti_revoke_kind;

typedef struct ti_revoke_what { /* borrowed */
    const ti_secret *token;     /* NULL: nothing is sent */
    ti_revoke_kind kind;
    const ti_secret *other;         /* one of the other kind, of the same sign-in; NULL: none */
    const char *const *fingerprint; /* of that sign-in; NULL: none */
} ti_revoke_what;

/* Now, without the lock. view says how to speak to the server. A server that revokes no access tokens is no failure. */
void ti_revoke(ti_identity *identity, const ti_view *view, const ti_revoke_what *what,
               int64_t deadline_boot_ms, tacit_error *error);
int64_t ti_revocation_deadline(const ti_identity *identity); /* of what begins now */

typedef struct ti_revocation {
    struct ti_revocation *next;
    ti_view *view;            /* one user: says how to speak to the server */
    ti_secret *token, *other; /* as in ti_revoke_what */
    ti_revoke_kind kind;
} ti_revocation;

/* Puts one first; token and other may be NULL. Without memory it is left out. */
void ti_revocation_push_locked(ti_revocation **list, ti_view *view, ti_secret *token,
                               ti_secret *other, ti_revoke_kind kind);
void ti_revocations_free_locked(ti_identity *identity, ti_revocation *list);

/* When there is time: a refresh token, or the best that a grant brought. */
void ti_revocation_add_locked(ti_identity *identity, ti_view *view, ti_secret *refresh_token);
void ti_revocation_add_granted_locked(ti_identity *identity, ti_view *view,
                                      const ti_token_response *granted);
void ti_revocation_run_locked(ti_identity *identity); /* the first; drops the lock meanwhile */
void ti_revocations_drop_locked(ti_identity *identity);

#endif
