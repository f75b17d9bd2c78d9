/* How long a token lives, from the many ways in which servers say it. Pure. */
#ifndef TI_LIFETIME_H
#define TI_LIFETIME_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#define TI_LIFETIME_MAX_S ((int64_t)10 * 365 * 24 * 3600)

/* Whole seconds, at least 1 and at most TI_LIFETIME_MAX_S. */
int64_t ti_lifetime_clamp(double seconds);

/* expires_in, refresh_in, refresh_expires_in: a number or a string that is one. -1: neither, or not
 * above zero (a server's overflow, or its way to say "unknown"). */
int64_t ti_lifetime_relative_s(const json_t *value);

/* expires_at, expires_on, expires: seconds or milliseconds since 1970, ISO 8601, or, up to 1e9,
 * seconds from now. -1: none of them, or over already (then one of the clocks is wrong). */
int64_t ti_lifetime_absolute_s(const json_t *value, int64_t wall_ms);

#endif
