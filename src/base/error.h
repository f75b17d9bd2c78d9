/* How a tacit_error is made. Every function here takes a NULL error. */
#ifndef TI_ERROR_H
#define TI_ERROR_H

#include <tacit/error.h>

#include "base/format.h"

/* Success. Touches the first bytes of each part only, since it stands on the fast path. */
tacit_status ti_error_clear(tacit_error *error);

/* Everything else is zero; retryable follows the status (network, TLS, timeout, server, storm,
 * locked or unavailable store, busy), sign_in_required too (SIGN_IN_REQUIRED). Answers status. The
 * sentence is cut at a UTF-8 boundary. */
tacit_status ti_error_set(tacit_error *error, tacit_status status, const char *format, ...)
    TI_FORMAT(3, 4);

tacit_status ti_error_no_memory(tacit_error *error);
/* The same, for where there is no memory to make one in. */
extern const tacit_error ti_error_out_of_memory;
/* TACIT_ERR_FORKED; thing: "session". */
tacit_status ti_error_forked(tacit_error *error, const char *thing);
/* "<argument> <what>", as TACIT_ERR_INVALID_ARGUMENT: ti_error_argument(error,
 * "options->client_id", "is NULL"). */
tacit_status ti_error_argument(tacit_error *error, const char *argument, const char *what);

/* ... where a path could not be made absolute, with errno as os_error: a working directory that is
 * gone, or on Windows text that is not Unicode. ENOMEM: no memory. */
tacit_status ti_error_path(tacit_error *error, const char *argument);

/* Copies all, by value. from may be NULL: success. Answers the status. */
tacit_status ti_error_copy(tacit_error *error, const tacit_error *from);

/* Copies at most size - 1 bytes of text (NULL: ""), cut at a UTF-8 boundary, control characters as
 * spaces. For oauth_error and its like. */
void ti_error_text(char *target, size_t size, const char *text);

/* Reads an input struct into a full-size copy: *target (target_size bytes) gets the first
 * min(struct_size, target_size) bytes of *source and zeros. false: struct_size is 0 (error names
 * the macro) or source is NULL. */
bool ti_struct_read(void *target, size_t target_size, const void *source, const char *argument,
                    const char *macro, tacit_error *error);
/* Fills an output struct: copies min(its struct_size, size) bytes from source, struct_size
 * excepted. */
void ti_struct_write(void *target, const void *source, size_t size);

/* What the system says to an errno, perhaps in text. The C libraries disagree about strerror_r(). */
const char *ti_error_system_text(int os_error, char *text, size_t size);

#endif
