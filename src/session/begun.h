/* A sign-in by browser in two calls: what a session remembers in between. */
#ifndef TI_BEGUN_H
#define TI_BEGUN_H

#include <tacit/session.h>

#include "oauth/authorization.h"

typedef struct ti_identity ti_identity;

typedef struct ti_begun {
    ti_authorization authorization;
    char *scope; /* instead of the session's; NULL: that one */
} ti_begun;

void ti_begun_free(ti_begun *begun); /* takes NULL */

/* Takes begun over, and ends what the session had begun before. TACIT_ERR_CLOSED: it stays the caller's. */
tacit_status ti_begun_keep(tacit_session *session, ti_begun *begun, tacit_error *error);

/* Reads a callback's query (ti_authorization_read()) against what the session has begun; TI_CALLBACK_OTHER also where there is nothing.
 * With TI_CALLBACK_CODE and TI_CALLBACK_REFUSED *begun is the caller's, and the session's no more; else NULL. */
ti_callback ti_begun_take(tacit_session *session, const char *query, size_t size, ti_begun **begun,
                          ti_secret **code, tacit_error *error);

void ti_begun_end_locked(tacit_session *session);
/* Somebody else is signed in, or nobody. */
void ti_begun_end_all_locked(ti_identity *identity);

#endif
