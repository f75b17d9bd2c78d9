/* What an answer says that grants nothing, and whether the refresh token or password is over with it. Pure. */
#ifndef TI_TOKEN_REFUSAL_H
#define TI_TOKEN_REFUSAL_H

#include "oauth/token_body.h"
#include "oauth/token_members.h"
#include "oauth/token_response.h"

typedef struct ti_token_answer { /* under examination */
    int http_status;
    int retry_after_s;
    const ti_token_reading *reading;
    ti_token_body body;
    ti_token_members members; /* nothing is in them unless body is TI_TOKEN_BODY_OBJECT */
} ti_token_answer;

/* Answers true, and *verdict, unless this is a 2xx that may hold tokens. */
bool ti_token_answer_is_refused(const ti_token_answer *answer, ti_verdict *verdict,
                                tacit_error *error);

/* The grant succeeded, it seems, and a successor of the refresh token may be lost in the answer. */
ti_verdict ti_token_answer_is_lost(const ti_token_answer *answer, const char *what,
                                   tacit_error *error);
ti_verdict ti_token_answer_no_memory(const ti_token_answer *answer, tacit_error *error);

#endif
