/* Hints from a JWT (RFC 7519), unverified: they choose a refresh time, never a right. Pure. */
#ifndef TI_JWT_H
#define TI_JWT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"

/* Its lifetime in seconds: exp - iat, or exp - now without a plausible iat; false: no JWT, no exp,
 * encrypted, or over already. */
bool ti_jwt_lifetime_s(const ti_secret *token, int64_t wall_ms, int64_t *lifetime_s);

#endif
