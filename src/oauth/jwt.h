/* What a JWT (RFC 7519) says, its signature unverified. Pure. */
#ifndef TI_JWT_H
#define TI_JWT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/secret.h"
#include "oauth/json.h"

/* The claims of one that is signed, and their text, which is appended to `text`: a secret buffer,
 * the caller's in any case. flags are jansson's. *claims is the caller's to wipe and free; NULL
 * unless TI_JSON_OK. TI_JSON_INVALID: no JWT, encrypted, or claims that are no object;
 * TI_JSON_TOO_LARGE: over 64 KiB. */
ti_json_result ti_jwt_claims(const ti_secret *token, size_t flags, ti_buffer *text,
                             json_t **claims);

/* A hint, which chooses a refresh time, never a right. Its lifetime in seconds: exp - iat, or exp -
 * now without a plausible iat; false: no JWT, no exp, encrypted, or over already. */
bool ti_jwt_lifetime_s(const ti_secret *token, int64_t wall_ms, int64_t *lifetime_s);
/* The same, and how much of it is left by the wall clock (R13), for a token that was not issued just now. */
bool ti_jwt_times_s(const ti_secret *token, int64_t wall_ms, int64_t *lifetime_s, int64_t *left_s);

#endif
