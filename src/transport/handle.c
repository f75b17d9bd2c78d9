#include "transport/handle.h"

#include "base/error.h"
#include "transport/internal.h"

#include <stdlib.h>
#include <string.h>

#if LIBCURL_VERSION_NUM < 0x074400
#error "libcurl 7.68.0 or newer is needed (curl_multi_wakeup)"
#endif

#define SET(option, value)                                                                         \
    if (!code) code = curl_easy_setopt(easy, option, value)

/* libcurl names the headers of an HTTP/2 request in its text, the caller's among them. */
static bool is_request_header(const char *text, size_t size) {
    static const char *const prefixes[] = {"h2h3 [", "[HTTP/2] [", "[HTTP/3] ["};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t prefix_size = strlen(prefixes[i]);
        if (size >= prefix_size && memcmp(text, prefixes[i], prefix_size) == 0) return true;
    }
    return false;
}

/* What was sent, and every body, stays out of the log. */
static int on_debug(CURL *easy, curl_infotype type, char *data, size_t size, void *user_data) {
    (void)easy;
    ti_handle *handle = user_data;
    ti_log *log = handle->transport->options.log;
    while (size > 0 && (data[size - 1] == '\n' || data[size - 1] == '\r')) size--;
    if (size == 0) return 0;

    if (type == CURLINFO_TEXT && !is_request_header(data, size)) {
        ti_log_write(log, TACIT_LOG_DEBUG, "libcurl: %.*s", (int)size, data);
    } else if (type == CURLINFO_HEADER_IN) {
        ti_log_header(log, TACIT_LOG_DEBUG, "< ", data, size);
    }
    return 0;
}

static CURLcode set_protocols(CURL *easy) {
    CURLcode code = CURLE_OK;
#if LIBCURL_VERSION_NUM >= 0x075500
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
    SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    /* the request's headers are not for a proxy */
    SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    /* over TLS where the server takes it; a libcurl without HTTP/2 says so, and speaks 1.1 */
    if (!code) curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    return code;
}

/* Of what this libcurl does not have, none is set. */
static CURLcode unset(CURL *easy, CURLoption option) {
    CURLcode code = curl_easy_setopt(easy, option, NULL);
    return code == CURLE_UNKNOWN_OPTION || code == CURLE_NOT_BUILT_IN ? CURLE_OK : code;
}

/* Instead of the system's CAs, so the directory goes, too: Schannel has none. */
static CURLcode set_ca(CURL *easy, const ti_transport_options *options) {
    CURLcode code = CURLE_OK;
    if (!options->ca_file && !options->ca_pem) return code;
    code = unset(easy, CURLOPT_CAPATH);
    SET(CURLOPT_CAINFO, options->ca_file);
    if (!options->ca_pem) return code;
#if LIBCURL_VERSION_NUM >= 0x074d00
    struct curl_blob pem = {.data = (void *)(uintptr_t)options->ca_pem,
                            .len = strlen(options->ca_pem),
                            .flags = CURL_BLOB_NOCOPY};
    SET(CURLOPT_CAINFO_BLOB, &pem);
    return code;
#else
    return CURLE_NOT_BUILT_IN;
#endif
}

/* libcurl copies the names of all CA files for every request, a proxy's too. */
static CURLcode set_proxy_ca(CURL *easy, const ti_transport *transport) {
    if (transport->proxy) return CURLE_OK;
    CURLcode code = unset(easy, CURLOPT_PROXY_CAPATH);
    return code ? code : unset(easy, CURLOPT_PROXY_CAINFO);
}

static CURLcode set_tls(CURL *easy, const ti_handle *handle) {
    const ti_transport_options *options = &handle->transport->options;
    CURLcode code = set_ca(easy, options);
    if (!code) code = set_proxy_ca(easy, handle->transport);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    /* R11: another origin learns nothing of who asks, and has a key of its own */
    if (handle->kind == TI_HANDLE_FOREIGN) return code;
    if (options->pinned_public_key) SET(CURLOPT_PINNEDPUBLICKEY, options->pinned_public_key);
    if (options->client_certificate_file) SET(CURLOPT_SSLCERT, options->client_certificate_file);
    if (options->client_key_file) SET(CURLOPT_SSLKEY, options->client_key_file);
    return code;
}

static CURLcode set_connection(CURL *easy, const ti_handle *handle) {
    CURLcode code = CURLE_OK;
    const ti_transport_options *options = &handle->transport->options;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms);
    /* TLS sessions of the session's origins are nothing to resume elsewhere */
    if (handle->kind != TI_HANDLE_FOREIGN) SET(CURLOPT_SHARE, handle->transport->share);
    if (handle->kind != TI_HANDLE_POOLED) SET(CURLOPT_FORBID_REUSE, 1L);
    if (handle->kind == TI_HANDLE_FRESH) SET(CURLOPT_FRESH_CONNECT, 1L);
    /* no proxy until a request needs one; and never a look into the environment */
    SET(CURLOPT_NOPROXY, "*");
#if LIBCURL_VERSION_NUM >= 0x075700
    /* a cancelled send does not wait for the resolver's thread */
    if (!code) curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    return code;
}

static CURLcode set_callbacks(CURL *easy, ti_handle *handle) {
    CURLcode code = CURLE_OK;
    SET(CURLOPT_ERRORBUFFER, handle->error_text);
    SET(CURLOPT_HEADERFUNCTION, ti_on_head);
    SET(CURLOPT_HEADERDATA, handle);
    SET(CURLOPT_WRITEFUNCTION, ti_on_body);
    SET(CURLOPT_WRITEDATA, handle);
    SET(CURLOPT_READFUNCTION, ti_on_read);
    SET(CURLOPT_READDATA, handle);
    SET(CURLOPT_SEEKFUNCTION, ti_on_seek);
    SET(CURLOPT_SEEKDATA, handle);
    SET(CURLOPT_XFERINFOFUNCTION, ti_on_progress);
    SET(CURLOPT_XFERINFODATA, handle);
    SET(CURLOPT_PRIVATE, handle);
    if (!ti_log_enabled(handle->transport->options.log, TACIT_LOG_DEBUG)) return code;
    SET(CURLOPT_DEBUGFUNCTION, on_debug);
    SET(CURLOPT_DEBUGDATA, handle);
    SET(CURLOPT_VERBOSE, 1L);
    return code;
}

static CURLcode set_base_options(ti_handle *handle) {
    CURL *easy = handle->easy;
    CURLcode code = set_connection(easy, handle);
    if (!code) code = set_protocols(easy);
    if (!code) code = set_tls(easy, handle);
    if (!code) code = set_callbacks(easy, handle);
    if (handle->transport->options.user_agent) {
        SET(CURLOPT_USERAGENT, handle->transport->options.user_agent);
    }
    return code;
}

ti_handle *ti_handle_new(ti_transport *transport, ti_handle_kind kind, bool for_loop,
                         CURLcode *code) {
    *code = CURLE_OUT_OF_MEMORY;
    ti_handle *handle = calloc(1, sizeof *handle);
    if (!handle) return NULL;
    handle->transport = transport;
    handle->kind = kind;
    handle->direct = true;
    handle->target.secret = kind == TI_HANDLE_FRESH; /* a dialect may have tokens in URLs */
    ti_global_make_handles(&handle->easy, for_loop ? NULL : &handle->multi);
    if (handle->multi) curl_multi_setopt(handle->multi, CURLMOPT_MAXCONNECTS, 1L);
    if (handle->easy && (handle->multi || for_loop)) *code = set_base_options(handle);
    if (*code == CURLE_OK) return handle;
    ti_handle_free(handle);
    return NULL;
}

void ti_handle_free(ti_handle *handle) {
    if (!handle) return;
    ti_handle_keep(handle, NULL, NULL);
    curl_easy_cleanup(handle->easy);
    curl_multi_cleanup(handle->multi);
    ti_url_free(handle->url);
    ti_origin_unref(handle->origin);
    ti_buffer_free(&handle->target);
    free(handle->lines);
    free(handle);
}

void ti_handle_keep(ti_handle *handle, void *thing, void (*release)(void *thing)) {
    void *before = handle->kept;
    void (*release_before)(void *thing) = handle->release_kept;
    handle->kept = thing;
    handle->release_kept = release;
    if (before) release_before(before);
}

void *ti_handle_kept(const ti_handle *handle) {
    return handle->kept;
}

const ti_url *ti_handle_url(ti_handle *handle, const char *text, const char *what,
                            tacit_error *error) {
    if (text && handle->url) {
        switch (ti_url_change_to(handle->url, text)) {
        case TI_URL_SAME:
        case TI_URL_PATH:
            return handle->url;
        case TI_URL_OTHER:
            break;
        }
    }
    ti_url *url = ti_url_parse(text, what, error);
    if (!url) return NULL;
    ti_url_free(handle->url);
    handle->url = url;
    return url;
}
