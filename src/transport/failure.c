#include "base/error.h"
#include "platform/socket.h"
#include "transport/internal.h"

#include <string.h>
#include <time.h>

/* 2025-01-01T00:00:00Z: this library is younger, so a wall clock before it is wrong. */
#define PLAUSIBLE_WALL_MS (INT64_C(1735689600) * 1000)

static tacit_status status_of(CURLcode code, bool sent) {
    switch (code) {
    case CURLE_OUT_OF_MEMORY:
        return TACIT_ERR_NO_MEMORY;
    case CURLE_OPERATION_TIMEDOUT:
        return TACIT_ERR_TIMEOUT;
    case CURLE_ABORTED_BY_CALLBACK:
        return TACIT_ERR_CANCELLED;
    case CURLE_FILESIZE_EXCEEDED:
        return TACIT_ERR_TOO_LARGE;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
#if LIBCURL_VERSION_NUM >= 0x074d00
    case CURLE_SSL_CLIENTCERT:
#endif
        return TACIT_ERR_TLS;
    case CURLE_UNSUPPORTED_PROTOCOL: /* a libcurl without TLS; but also HTTP/0.9, once it was sent */
        return sent ? TACIT_ERR_NETWORK : TACIT_ERR_UNSUPPORTED;
    case CURLE_NOT_BUILT_IN:
        return TACIT_ERR_UNSUPPORTED;
    default:
        return TACIT_ERR_NETWORK;
    }
}

/* Why this library itself ended the transfer, where libcurl only knows that it was ended. */
static const char *own_reason(tacit_status status) {
    switch (status) {
    case TACIT_ERR_TOO_LARGE:
        return "the answer is over its size limit";
    case TACIT_ERR_CANCELLED:
        return "the request was cancelled";
    case TACIT_ERR_TIMEOUT:
        return "no complete answer came in the time allowed";
    default:
        return NULL;
    }
}

/* A device without a battery boots in 1970, where no certificate is valid yet (R13). */
static void tell_clock(const ti_handle *handle, const char *reason, tacit_error *error) {
    time_t now = (time_t)(ti_clock_wall_ms(handle->transport->options.clock) / 1000);
    struct tm date;
    gmtime_r(&now, &date);
    ti_error_set(error, TACIT_ERR_TLS,
                 "the system's clock is wrong, it says %04d-%02d-%02d, so that certificates cannot "
                 "be checked: %s",
                 date.tm_year + 1900, date.tm_mon + 1, date.tm_mday, reason);
}

static void tell_file(const ti_handle *handle, tacit_error *error) {
    char text[128];
    ti_error_set(error, TACIT_ERR_FILE, "%s cannot be read: %s", handle->file,
                 ti_error_system_text(handle->os_error, text, sizeof text));
}

tacit_status ti_handle_failure(const ti_handle *handle, CURLcode code, tacit_error *error) {
    tacit_status status = handle->stopped ? handle->stopped : status_of(code, handle->answer->sent);
    if (status == TACIT_ERR_NO_MEMORY) {
        ti_error_no_memory(error);
    } else if (status == TACIT_ERR_FILE) {
        tell_file(handle, error);
    } else {
        const char *reason = own_reason(status);
        if (!reason) reason = handle->error_text[0] ? handle->error_text : curl_easy_strerror(code);
        ti_error_set(error, status, "%s", reason);
        if (status == TACIT_ERR_TLS &&
            ti_clock_wall_ms(handle->transport->options.clock) < PLAUSIBLE_WALL_MS) {
            tell_clock(handle, reason, error);
        }
    }
    if (!error) return status;

    long os_error = 0;
    curl_easy_getinfo(handle->easy, CURLINFO_OS_ERRNO, &os_error);
    error->os_error = handle->os_error ? handle->os_error : ti_socket_errno((int)os_error);
    error->http_status = handle->answer->status;
    error->outcome_unknown = handle->answer->sent;
    return status;
}
