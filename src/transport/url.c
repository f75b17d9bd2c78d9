#include "transport/url.h"

#include "base/buffer.h"
#include "base/error.h"
#include "platform/os.h"
#include "platform/socket.h"
#include "transport/url_parts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define IPV6_TEXT_SIZE 46             /* RFC 4291 section 2.2, with an IPv4 address at its end */
#define LOCALHOST_BY_LIBCURL 0x074d00 /* 7.77.0: it no longer asks a resolver for "localhost" */

/* Spaces and control characters: libcurl's parser lets some through, depending on its version. */
static bool is_clean(const char *text) {
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c <= ' ' || *c == 0x7f) return false;
    }
    return true;
}

/* What libcurl may connect to: a name (bytes above ASCII are for its IDN conversion), an IPv4
 * address, or an IPv6 address in brackets. */
static bool is_host(const char *host) {
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    static const char address[] = "0123456789abcdefABCDEF:.";
    size_t size = strlen(host);
    if (host[0] == '[') return host[size - 1] == ']' && strspn(host + 1, address) == size - 2;
    for (const char *c = host; *c; c++) {
        if ((unsigned char)*c < 0x80 && !strchr(name, *c)) return false;
    }
    return size > 0;
}

/* Other spellings of 127.0.0.1 are made dotted decimals by libcurl's parser; where an older one
 * leaves them, they are not loopback here. */
static bool is_loopback_host(const char *host) {
    uint32_t ipv4;
    if (ti_socket_read_ipv4(host, &ipv4)) return ipv4 >> 24 == 127;

    char address[IPV6_TEXT_SIZE];
    size_t size = strlen(host);
    if (host[0] == '[' && size - 2 < sizeof address) {
        memcpy(address, host + 1, size - 2);
        address[size - 2] = '\0';
        return ti_socket_is_ipv6_loopback(address);
    }
    return curl_strequal(host, "localhost");
}

static bool libcurl_knows_localhost(void) {
    return curl_version_info(CURLVERSION_NOW)->version_num >= LOCALHOST_BY_LIBCURL;
}

/* R11: plain http to this machine only. */
static tacit_status check_http(const char *host, bool loopback, const char *what,
                               tacit_error *error) {
    if (!loopback) {
        return ti_error_set(error, TACIT_ERR_INSECURE_URL,
                            "%s is http to another machine: use https", what);
    }
    if (curl_strequal(host, "localhost") && !libcurl_knows_localhost()) {
        return ti_error_set(error, TACIT_ERR_INSECURE_URL,
                            "%s names localhost, which this libcurl would ask a resolver for: "
                            "write 127.0.0.1",
                            what);
    }
    return TACIT_OK;
}

static tacit_status check_parts(ti_origin *origin, const char *what, tacit_error *error) {
    CURLU *parsed = origin->parsed;
    char *scheme = NULL, *host = NULL, *user = NULL;
    tacit_status status;
    if (curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OUT_OF_MEMORY ||
        curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OUT_OF_MEMORY) {
        status = ti_error_no_memory(error);
        goto out;
    }
    origin->https = scheme && curl_strequal(scheme, "https");
    if (!origin->https && !(scheme && curl_strequal(scheme, "http"))) {
        status = ti_error_argument(error, what, "is neither http nor https");
        goto out;
    }
    if (curl_url_get(parsed, CURLUPART_USER, &user, 0) != CURLUE_NO_USER) {
        status = ti_error_argument(error, what, "holds a user name");
        goto out;
    }
    if (!host || !is_host(host)) {
        status = ti_error_argument(error, what, "names no host");
        goto out;
    }
    origin->loopback = is_loopback_host(host);
    status = origin->https ? TACIT_OK : check_http(host, origin->loopback, what, error);
out:
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    return status;
}

/* Scheme and host; a zone, which follows a %, keeps its case. */
static void lower_origin(char *text, size_t size) {
    for (size_t i = 0; i < size && text[i] != '%'; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z') text[i] = (char)(text[i] - 'A' + 'a');
    }
}

/* Keeps the whole URL as text, and leaves the origin in `parsed`. */
static tacit_status split(ti_url *url, tacit_error *error) {
    CURLU *parsed = url->origin->parsed;
    char *text = NULL;
    if (curl_url_set(parsed, CURLUPART_FRAGMENT, NULL, 0) ||
        curl_url_get(parsed, CURLUPART_URL, &text, CURLU_NO_DEFAULT_PORT) ||
        curl_url_set(parsed, CURLUPART_PATH, "/", 0) ||
        curl_url_set(parsed, CURLUPART_QUERY, NULL, 0)) {
        curl_free(text);
        return ti_error_no_memory(error);
    }

    /* the scheme is known, and libcurl puts a path into every URL */
    const char *host = text + (url->origin->https ? strlen("https://") : strlen("http://"));
    url->origin_size = (size_t)(strchr(host, '/') - text);
    url->capacity = strlen(text) + 1;
    url->text = malloc(url->capacity);
    if (url->text) {
        memcpy(url->text, text, url->capacity);
        lower_origin(url->text, url->origin_size);
    }
    curl_free(text);
    return url->text ? TACIT_OK : ti_error_no_memory(error);
}

static ti_origin *new_origin(void) {
    ti_origin *origin = calloc(1, sizeof *origin);
    if (!origin) return NULL;
    atomic_init(&origin->references, 1);
    origin->parsed = curl_url();
    if (origin->parsed) return origin;
    free(origin);
    return NULL;
}

ti_origin *ti_origin_ref(ti_origin *origin) {
    atomic_fetch_add_explicit(&origin->references, 1, memory_order_relaxed);
    return origin;
}

void ti_origin_unref(ti_origin *origin) {
    if (!origin || atomic_fetch_sub(&origin->references, 1) > 1) return;
    curl_url_cleanup(origin->parsed);
    free(origin);
}

/* base: NULL, or what text may be relative to. */
static ti_url *parse(const char *base, const char *text, const char *what, tacit_error *error) {
    if (!is_clean(text)) {
        ti_error_argument(error, what, "holds a space or a control character");
        return NULL;
    }
    ti_url *url = calloc(1, sizeof *url);
    if (url) url->origin = new_origin();
    if (!url || !url->origin) {
        ti_error_no_memory(error);
        goto failed;
    }

    /* bytes above ASCII in path and query are percent-encoded */
    const unsigned flags = CURLU_DISALLOW_USER | CURLU_URLENCODE;
    CURLU *parsed = url->origin->parsed;
    CURLUcode code = base ? curl_url_set(parsed, CURLUPART_URL, base, 0) : CURLUE_OK;
    if (!code) code = curl_url_set(parsed, CURLUPART_URL, text, flags);
    if (code == CURLUE_OUT_OF_MEMORY) {
        ti_error_no_memory(error);
        goto failed;
    }
    if (code) {
        const char *problem = code == CURLUE_USER_NOT_ALLOWED     ? "holds a user name"
                              : code == CURLUE_UNSUPPORTED_SCHEME ? "is neither http nor https"
                                                                  : "is not an absolute URL";
        ti_error_argument(error, what, problem);
        goto failed;
    }
    if (check_parts(url->origin, what, error)) goto failed;
    if (split(url, error)) goto failed;
    return url;

failed:
    ti_url_free(url);
    return NULL;
}

ti_url *ti_url_parse(const char *text, const char *what, tacit_error *error) {
    if (!text) {
        ti_error_argument(error, what, "is NULL");
        return NULL;
    }
    return parse(NULL, text, what, error);
}

ti_url *ti_url_resolve(const ti_url *base, const char *location, tacit_error *error) {
    ti_url *url = parse(base->text, location, "the redirect's Location", error);
    if (url && base->origin->https && !url->origin->https) {
        ti_error_set(error, TACIT_ERR_INSECURE_URL, "the server redirects from https to http");
        ti_url_free(url);
        return NULL;
    }
    return url;
}

void ti_url_free(ti_url *url) {
    if (!url) return;
    ti_origin_unref(url->origin);
    if (url->is_secret) ti_os_wipe(url->text, url->capacity);
    free(url->text);
    free(url);
}

void ti_url_hide(ti_url *url) {
    url->is_secret = true;
}

const char *ti_url_text(const ti_url *url) {
    return url->text;
}

const char *ti_url_target(const ti_url *url) {
    return url->text + url->origin_size;
}

bool ti_url_is_loopback(const ti_url *url) {
    return url->origin->loopback;
}

bool ti_url_same_origin(const ti_url *a, const ti_url *b) {
    return a->origin_size == b->origin_size && memcmp(a->text, b->text, a->origin_size) == 0;
}

/*
 * The size of a path and query that a parser would leave as they are, or 0. Visible ASCII without a
 * fragment; and no segment that begins with a dot, or with a % that may hide one. Whatever follows
 * the "/" after the authority cannot change the host.
 */
static size_t plain_target_size(const char *target) {
    const char *c = target;
    for (; *c; c++) {
        if (*c <= ' ' || *c > '~' || *c == '#') return 0;
        if (*c == '/' && (c[1] == '.' || c[1] == '%')) return 0;
    }
    return (size_t)(c - target);
}

/* The size of text where it needs no parsing to be a URL of the same origin, or 0. Beyond the
 * authority only at the same "/": nothing before it can belong to another host. */
static size_t plain_size(const ti_url *url, const char *text) {
    if (strncmp(text, url->text, url->origin_size) != 0) return 0;
    const char *target = text + url->origin_size;
    size_t size = *target == '/' ? plain_target_size(target) : 0;
    return size > 0 ? url->origin_size + size : 0;
}

ti_url_change ti_url_change_to(ti_url *url, const char *text) {
    if (strcmp(text, url->text) == 0) return TI_URL_SAME;
    size_t size = plain_size(url, text);
    if (size == 0) return TI_URL_OTHER;

    if (size + 1 > url->capacity) {
        char *grown = realloc(url->text, size + 1);
        if (!grown) return TI_URL_OTHER;
        url->text = grown;
        url->capacity = size + 1;
    }
    memcpy(url->text + url->origin_size, text + url->origin_size, size - url->origin_size + 1);
    return TI_URL_PATH;
}

ti_url *ti_url_beside(const ti_url *url, const char *text) {
    size_t size = plain_size(url, text);
    ti_url *beside = size > 0 ? calloc(1, sizeof *beside) : NULL;
    if (!beside) return NULL;
    beside->text = malloc(size + 1);
    if (!beside->text) {
        free(beside);
        return NULL;
    }
    memcpy(beside->text, text, size + 1);
    beside->capacity = size + 1;
    beside->origin_size = url->origin_size;
    beside->origin = ti_origin_ref(url->origin);
    return beside;
}

ti_secret *ti_url_decode(const char *text, size_t size) {
    ti_buffer copy = TI_BUFFER_SECRET;
    ti_secret *decoded = NULL;
    int decoded_size = 0;
    if (size > INT_MAX || !ti_buffer_append(&copy, text, size)) return NULL;
    for (char *plus = copy.data; (plus = memchr(plus, '+', size - (size_t)(plus - copy.data)));)
        *plus = ' ';

    /* a size of 0 would have libcurl look for a NUL, which is there */
    char *bytes = curl_easy_unescape(NULL, copy.data, (int)size, &decoded_size);
    if (bytes) {
        decoded = ti_secret_new(bytes, (size_t)decoded_size);
        ti_os_wipe(bytes, (size_t)decoded_size);
        curl_free(bytes);
    }
    ti_buffer_free(&copy);
    return decoded;
}

static const char *query_separator(const char *url) {
    if (!strchr(url, '?')) return "?";
    char last = url[strlen(url) - 1];
    return last == '?' || last == '&' ? "" : "&";
}

void ti_url_append_query(ti_buffer *text, const char *url, const ti_buffer *query) {
    ti_buffer_append_string(text, url);
    ti_buffer_append_string(text, query_separator(url));
    ti_buffer_append(text, query->data, query->size);
    if (query->failed) text->failed = true;
}
