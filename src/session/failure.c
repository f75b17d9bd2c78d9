#include "session/failure.h"

#include "base/error.h"

#include <stdlib.h>

static ti_failure out_of_memory = {.refs = 1,
                                   .error = {.status = TACIT_ERR_NO_MEMORY,
                                             .retryable = true,
                                             .message = "There is not enough memory."}};

ti_failure *ti_failure_new(const tacit_error *error) {
    ti_failure *failure = malloc(sizeof *failure);

    if (failure == NULL) return &out_of_memory;
    failure->refs = 1;
    failure->error = *error;
    return failure;
}

ti_failure *ti_failure_ref_locked(ti_failure *failure) {
    if (failure != NULL && failure != &out_of_memory) failure->refs++;
    return failure;
}

void ti_failure_unref_locked(ti_failure *failure) {
    if (failure == NULL || failure == &out_of_memory) return;
    if (--failure->refs == 0) free(failure);
}

void ti_failure_retry_after(ti_failure *failure, int64_t ms) {
    if (failure != &out_of_memory) failure->error.retry_after_s = ti_whole_seconds(ms);
}

void ti_failure_replace_locked(ti_failure **place, ti_failure *failure) {
    ti_failure *before = *place;

    *place = ti_failure_ref_locked(failure);
    ti_failure_unref_locked(before);
}

int ti_whole_seconds(int64_t ms) {
    return (int)((ms + 999) / 1000);
}

tacit_status ti_error_sign_in_required(tacit_error *error) {
    return ti_error_set(error, TACIT_ERR_SIGN_IN_REQUIRED, "Nobody is signed in: ask the user.");
}

void ti_error_storm(int64_t left_ms, tacit_error *error) {
    ti_error_set(error, TACIT_ERR_REFRESH_STORM,
                 "Access tokens are refused faster than they may be renewed.");
    error->retry_after_s = ti_whole_seconds(left_ms);
}
