/*
 * What bounds a sign-in beside the server's word: how long its refresh token lives, when it began and was
 * last used, and what its token requests have to repeat. Made with the first of these that is known, so that
 * sessions without any pay a pointer. Guarded by the identity's lock, but for `used_boot_ms`.
 */
#ifndef TI_TERMS_H
#define TI_TERMS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"

typedef struct ti_terms {
    /* of the refresh token; TI_NEVER and -1: unknown. In a record: Unix time */
    int64_t refresh_expires_boot_ms, refresh_lifetime_ms;
    bool end_told; /* TACIT_EVENT_SIGN_IN_ENDS of this refresh_expires went out */

    /* for max_age_s and max_idle_s */
    int64_t signed_in_boot_ms;
    atomic_int_fast64_t used_boot_ms; /* the last request; written without the lock */

    char **fingerprint; /* ti_grant_fingerprint(), one block; NULL: none */
} ti_terms;

#endif
