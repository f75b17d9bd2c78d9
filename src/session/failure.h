/* What went wrong, shared by all whom it concerns, and the sentences that several places say. */
#ifndef TI_FAILURE_H
#define TI_FAILURE_H

#include <stdint.h>

#include <tacit/error.h>

/* An error shared by all whom one attempt failed. The count is guarded by the identity's lock. */
typedef struct ti_failure {
    unsigned refs;
    tacit_error error;
} ti_failure;

/* Never NULL: without memory it is a constant that says so. */
ti_failure *ti_failure_new(const tacit_error *error);
ti_failure *ti_failure_ref_locked(ti_failure *failure);
void ti_failure_unref_locked(ti_failure *failure);
/* *place refers to failure, and no longer to what it did. Either may be NULL. */
void ti_failure_replace_locked(ti_failure **place, ti_failure *failure);
/* One that nobody else has seen yet. */
void ti_failure_retry_after(ti_failure *failure, int64_t ms);

int ti_whole_seconds(int64_t ms); /* rounded up */
tacit_status ti_error_sign_in_required(tacit_error *error);
void ti_error_storm(int64_t left_ms, tacit_error *error);

#endif
