/* The access token that a header of an answer carries, where they slide. Pure. */
#ifndef TI_SLIDING_H
#define TI_SLIDING_H

#include "transport/handle.h"

/* "Bearer x" or "x": the x, borrowed from the answer; NULL: no such header, or nothing in it. What it is made of is unchecked. */
const char *ti_sliding_token(const ti_http_answer *answer, const char *header);
/* Whether a token response may have such a token. NULL is none. */
bool ti_sliding_is_token(const char *text);

#endif
