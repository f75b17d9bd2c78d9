#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(tacit_error) == 768, "the size of tacit_error is part of the ABI");

/* Without a default, so that the compiler warns of an enumerator that has no name. */
const char *tacit_status_name(tacit_status status) {
#define NAME(status)                                                                               \
    case status:                                                                                   \
        return #status
    switch (status) {
        NAME(TACIT_OK);
        NAME(TACIT_ERR_INVALID_ARGUMENT);
        NAME(TACIT_ERR_NO_MEMORY);
        NAME(TACIT_ERR_UNSUPPORTED);
        NAME(TACIT_ERR_REENTRANT);
        NAME(TACIT_ERR_FORKED);
        NAME(TACIT_ERR_CLOSED);
        NAME(TACIT_ERR_CANCELLED);
        NAME(TACIT_ERR_BUSY);
        NAME(TACIT_ERR_NETWORK);
        NAME(TACIT_ERR_TLS);
        NAME(TACIT_ERR_TIMEOUT);
        NAME(TACIT_ERR_INSECURE_URL);
        NAME(TACIT_ERR_ORIGIN_NOT_ALLOWED);
        NAME(TACIT_ERR_TOO_LARGE);
        NAME(TACIT_ERR_BODY_NOT_REPLAYABLE);
        NAME(TACIT_ERR_FILE);
        NAME(TACIT_ERR_SIGN_IN_REQUIRED);
        NAME(TACIT_ERR_SIGNED_OUT);
        NAME(TACIT_ERR_SERVER);
        NAME(TACIT_ERR_OAUTH);
        NAME(TACIT_ERR_PROTOCOL);
        NAME(TACIT_ERR_REFRESH_STORM);
        NAME(TACIT_ERR_ACCESS_DENIED);
        NAME(TACIT_ERR_EXPIRED);
        NAME(TACIT_ERR_STORE_NOT_FOUND);
        NAME(TACIT_ERR_STORE_LOCKED);
        NAME(TACIT_ERR_STORE_UNAVAILABLE);
        NAME(TACIT_ERR_STORE_CORRUPT);
        NAME(TACIT_ERR_STORE_TOO_LARGE);
        NAME(TACIT_ERR_STORE_FAILED);
    }
#undef NAME
    return "TACIT_ERR_UNKNOWN";
}

/* The same call may succeed later, without the user. */
static bool is_retryable(tacit_status status) {
    switch (status) {
    case TACIT_ERR_NO_MEMORY:
    case TACIT_ERR_BUSY:
    case TACIT_ERR_NETWORK:
    case TACIT_ERR_TLS: /* a clock that is still wrong, a captive portal: both pass */
    case TACIT_ERR_TIMEOUT:
    case TACIT_ERR_SERVER:
    case TACIT_ERR_PROTOCOL: /* a portal's HTML, a proxy's error page */
    case TACIT_ERR_REFRESH_STORM:
    case TACIT_ERR_STORE_LOCKED:
    case TACIT_ERR_STORE_UNAVAILABLE:
    case TACIT_ERR_STORE_FAILED:
        return true;
    default:
        return false;
    }
}

tacit_status ti_error_clear(tacit_error *error) {
    if (!error) return TACIT_OK;
    memset(error, 0, offsetof(tacit_error, oauth_error));
    error->oauth_error[0] = '\0';
    error->oauth_error_description[0] = '\0';
    error->message[0] = '\0';
    return TACIT_OK;
}

tacit_status ti_error_set(tacit_error *error, tacit_status status, const char *format, ...) {
    if (!error) return status;
    /* Formatted aside, since an argument may lie in *error. One byte longer than the message, so
     * that the cut sees whether a character goes on. */
    char text[sizeof error->message + 1];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(text, sizeof text, format, arguments) < 0) text[0] = '\0';
    va_end(arguments);

    memset(error, 0, sizeof *error);
    error->status = status;
    error->retryable = is_retryable(status);
    error->sign_in_required = status == TACIT_ERR_SIGN_IN_REQUIRED;
    ti_error_text(error->message, sizeof error->message, text);
    return status;
}

tacit_status ti_error_no_memory(tacit_error *error) {
    return ti_error_copy(error, &ti_error_out_of_memory);
}

const tacit_error ti_error_out_of_memory = {
    .status = TACIT_ERR_NO_MEMORY, .retryable = true, .message = "Out of memory."};

tacit_status ti_error_forked(tacit_error *error, const char *thing) {
    return ti_error_set(error, TACIT_ERR_FORKED,
                        "This %s belongs to the process from which this one was forked; make "
                        "another here.",
                        thing);
}

tacit_status ti_error_argument(tacit_error *error, const char *argument, const char *what) {
    return ti_error_set(error, TACIT_ERR_INVALID_ARGUMENT, "%s %s", argument, what);
}

tacit_status ti_error_path(tacit_error *error, const char *argument) {
    int cause = errno;
    char text[64];
    if (cause == ENOMEM) return ti_error_no_memory(error);
    ti_error_set(error, TACIT_ERR_INVALID_ARGUMENT, "%s cannot be made an absolute path (%s)",
                 argument, ti_error_system_text(cause, text, sizeof text));
    if (error) error->os_error = cause;
    return TACIT_ERR_INVALID_ARGUMENT;
}

tacit_status ti_error_copy(tacit_error *error, const tacit_error *from) {
    if (!from) return ti_error_clear(error);
    if (error) *error = *from;
    return from->status;
}

static bool continues_character(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* The length of text, or where less than size bytes of it end with a whole character. A character
 * has at most three bytes behind its first; what has more is not UTF-8, and cut anywhere. */
static size_t cut_length(const char *text, size_t size) {
    size_t length = strnlen(text, size);
    if (length < size) return length;
    length = size - 1;
    for (size_t back = 0; back <= 3 && back <= length; back++) {
        if (!continues_character(text[length - back])) return length - back;
    }
    return length;
}

void ti_error_text(char *target, size_t size, const char *text) {
    if (size == 0) return;
    size_t length = text ? cut_length(text, size) : 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        target[i] = c < 0x20 || c == 0x7F ? ' ' : (char)c;
        /* U+0080 to U+009F: terminals obey these, too. */
        if (i > 0 && (unsigned char)target[i - 1] == 0xC2 && c >= 0x80 && c <= 0x9F) {
            target[i - 1] = target[i] = ' ';
        }
    }
    target[length] = '\0';
}

static size_t struct_size_of(const void *structure) {
    size_t size;
    memcpy(&size, structure, sizeof size);
    return size;
}

bool ti_struct_read(void *target, size_t target_size, const void *source, const char *argument,
                    const char *macro, tacit_error *error) {
    assert(target_size >= sizeof(size_t));
    memset(target, 0, target_size);
    if (!source) {
        ti_error_argument(error, argument, "is NULL");
        return false;
    }
    size_t size = struct_size_of(source);
    if (size < sizeof size) {
        ti_error_set(error, TACIT_ERR_INVALID_ARGUMENT, "%s->struct_size is not set: begin with %s",
                     argument, macro);
        return false;
    }
    memcpy(target, source, size < target_size ? size : target_size);
    return true;
}

void ti_struct_write(void *target, const void *source, size_t size) {
    if (!target) return;
    size_t room = struct_size_of(target);
    if (room > size) room = size;
    if (room <= sizeof room) return;
    memcpy((char *)target + sizeof room, (const char *)source + sizeof room, room - sizeof room);
}

const char *ti_error_system_text(int os_error, char *text, size_t size) {
#ifdef __GLIBC__
    return strerror_r(os_error, text, size);
#elif defined(_WIN32)
    return strerror_s(text, size, os_error) == 0 ? text : "an unknown error";
#else
    return strerror_r(os_error, text, size) == 0 ? text : "an unknown error";
#endif
}
