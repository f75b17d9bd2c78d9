#include "transport/url.h"

#include "base/buffer.h"
#include "base/error.h"
#include "platform/os.h"
#include "transport/url_parts.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define LOCALHOST_BY_LIBCURL 0x074d00 /* 7.77.0: it no longer asks a resolver for "localhost" */

struct ti_origins {
    size_t count;
    ti_url *urls[];
};

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

/* inet_pton() takes dotted decimals only. Other spellings of 127.0.0.1 are made dotted decimals by
 * libcurl's parser; where an older one leaves them, they are not loopback here. */
static bool is_loopback_host(const char *host) {
    struct in_addr ipv4;
    if (inet_pton(AF_INET, host, &ipv4) == 1) return ntohl(ipv4.s_addr) >> 24 == 127;

    struct in6_addr ipv6;
    char address[INET6_ADDRSTRLEN];
    size_t size = strlen(host);
    if (host[0] == '[' && size - 2 < sizeof address) {
        memcpy(address, host + 1, size - 2);
        address[size - 2] = '\0';
        return inet_pton(AF_INET6, address, &ipv6) == 1 && IN6_IS_ADDR_LOOPBACK(&ipv6);
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

static tacit_status check_parts(CURLU *parsed, const char *what, ti_url *url, tacit_error *error) {
    char *scheme = NULL, *host = NULL, *user = NULL;
    tacit_status status;
    if (curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OUT_OF_MEMORY ||
        curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OUT_OF_MEMORY) {
        status = ti_error_no_memory(error);
        goto out;
    }
    url->https = scheme && curl_strequal(scheme, "https");
    if (!url->https && !(scheme && curl_strequal(scheme, "http"))) {
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
    url->loopback = is_loopback_host(host);
    status = url->https ? TACIT_OK : check_http(host, url->loopback, what, error);
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
static tacit_status split(CURLU *parsed, ti_url *url, tacit_error *error) {
    char *text = NULL;
    if (curl_url_set(parsed, CURLUPART_FRAGMENT, NULL, 0) ||
        curl_url_get(parsed, CURLUPART_URL, &text, CURLU_NO_DEFAULT_PORT) ||
        curl_url_set(parsed, CURLUPART_PATH, "/", 0) ||
        curl_url_set(parsed, CURLUPART_QUERY, NULL, 0)) {
        curl_free(text);
        return ti_error_no_memory(error);
    }

    /* the scheme is known, and libcurl puts a path into every URL */
    const char *host = text + (url->https ? strlen("https://") : strlen("http://"));
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

/* base: NULL, or what text may be relative to. */
static ti_url *parse(const char *base, const char *text, const char *what, tacit_error *error) {
    if (!is_clean(text)) {
        ti_error_argument(error, what, "holds a space or a control character");
        return NULL;
    }
    ti_url *url = calloc(1, sizeof *url);
    if (url) url->origin = curl_url();
    if (!url || !url->origin) {
        ti_error_no_memory(error);
        goto failed;
    }

    /* bytes above ASCII in path and query are percent-encoded */
    const unsigned flags = CURLU_DISALLOW_USER | CURLU_URLENCODE;
    CURLUcode code = base ? curl_url_set(url->origin, CURLUPART_URL, base, 0) : CURLUE_OK;
    if (!code) code = curl_url_set(url->origin, CURLUPART_URL, text, flags);
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
    if (check_parts(url->origin, what, url, error)) goto failed;
    if (split(url->origin, url, error)) goto failed;
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
    if (url && base->https && !url->https) {
        ti_error_set(error, TACIT_ERR_INSECURE_URL, "the server redirects from https to http");
        ti_url_free(url);
        return NULL;
    }
    return url;
}

void ti_url_free(ti_url *url) {
    if (!url) return;
    curl_url_cleanup(url->origin);
    free(url->text);
    free(url);
}

const char *ti_url_text(const ti_url *url) {
    return url->text;
}

const char *ti_url_target(const ti_url *url) {
    return url->text + url->origin_size;
}

bool ti_url_is_loopback(const ti_url *url) {
    return url->loopback;
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

ti_url_change ti_url_change_to(ti_url *url, const char *text) {
    if (strcmp(text, url->text) == 0) return TI_URL_SAME;

    /* beyond the authority only at the same "/": nothing before it can belong to another host */
    if (strncmp(text, url->text, url->origin_size) != 0) return TI_URL_OTHER;
    const char *target = text + url->origin_size;
    size_t size = *target == '/' ? plain_target_size(target) : 0;
    if (size == 0) return TI_URL_OTHER;

    size_t needed = url->origin_size + size + 1;
    if (needed > url->capacity) {
        char *grown = realloc(url->text, needed);
        if (!grown) return TI_URL_OTHER;
        url->text = grown;
        url->capacity = needed;
    }
    memcpy(url->text + url->origin_size, target, size + 1);
    return TI_URL_PATH;
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

/* "https://host", "https://host/": nothing behind it but a lone slash. */
static bool is_origin(const ti_url *url, const char *text) {
    return strcmp(ti_url_target(url), "/") == 0 && !strpbrk(text, "?#");
}

ti_origins *ti_origins_new(const char *const *list, tacit_error *error) {
    size_t count = 0;
    while (list && list[count]) count++;
    ti_origins *origins =
        count < INT_MAX ? calloc(1, sizeof *origins + count * sizeof(ti_url *)) : NULL;
    if (!origins) {
        ti_error_no_memory(error);
        return NULL;
    }
    for (; origins->count < count; origins->count++) {
        const char *text = list[origins->count];
        ti_url *url = ti_url_parse(text, "options->origins", error);
        if (url && !is_origin(url, text)) {
            ti_error_argument(error, "options->origins", "holds more than scheme://host:port");
            ti_url_free(url);
            url = NULL;
        }
        if (!url) {
            ti_origins_free(origins);
            return NULL;
        }
        origins->urls[origins->count] = url;
    }
    return origins;
}

void ti_origins_free(ti_origins *origins) {
    if (!origins) return;
    for (size_t i = 0; i < origins->count; i++) ti_url_free(origins->urls[i]);
    free(origins);
}

size_t ti_origins_count(const ti_origins *origins) {
    return origins->count;
}

int ti_origins_find(const ti_origins *origins, const ti_url *url) {
    for (size_t i = 0; i < origins->count; i++) {
        if (ti_url_same_origin(origins->urls[i], url)) return (int)i;
    }
    return -1;
}
