#include "platform/store_redis_url.h"

#include "base/buffer.h"

#include <curl/curl.h>

#include <stdlib.h>
#include <string.h>

/* A part of the URL; its text is not terminated. */
typedef struct part {
    const char *text;
    size_t size;
} part;

static bool takes(const char **text, const char *begin) {
    size_t size = strlen(begin);

    if (strncmp(*text, begin, size) != 0) return false;
    *text += size;
    return true;
}

/* ------------------------------------------------------------------ user and password */

static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

/* Here, since libcurl would leave a copy of the password behind. */
static ti_redis_url_result decode(part encoded, ti_buffer *decoded) {
    for (size_t i = 0; i < encoded.size; i++) {
        char c = encoded.text[i];

        if (c == '%') {
            if (i + 2 >= encoded.size || digit(encoded.text[i + 1]) < 0 ||
                digit(encoded.text[i + 2]) < 0)
                return TI_REDIS_URL_BAD;
            c = (char)(digit(encoded.text[i + 1]) * 16 + digit(encoded.text[i + 2]));
            i += 2;
        }
        if (c == '\0') return TI_REDIS_URL_BAD;
        ti_buffer_append(decoded, &c, 1);
    }
    return decoded->failed ? TI_REDIS_URL_NO_MEMORY : TI_REDIS_URL_OK;
}

static ti_redis_url_result decode_text(part encoded, char **text) {
    ti_buffer decoded = TI_BUFFER_INIT;
    ti_redis_url_result result = decode(encoded, &decoded);

    if (result == TI_REDIS_URL_OK)
        *text = decoded.data;
    else
        ti_buffer_free(&decoded);
    return result;
}

static ti_redis_url_result decode_secret(part encoded, ti_secret **secret) {
    ti_buffer decoded = TI_BUFFER_SECRET;
    ti_redis_url_result result = decode(encoded, &decoded);

    if (result == TI_REDIS_URL_OK) *secret = ti_secret_new(decoded.data, decoded.size);
    ti_buffer_free(&decoded);
    return result == TI_REDIS_URL_OK && *secret == NULL ? TI_REDIS_URL_NO_MEMORY : result;
}

/* "[USER]:PASSWORD". */
static ti_redis_url_result read_user(part user_info, ti_redis_address *address) {
    const char *colon = memchr(user_info.text, ':', user_info.size);
    part user = {user_info.text, 0}, password;
    ti_redis_url_result result = TI_REDIS_URL_OK;

    if (colon == NULL) return TI_REDIS_URL_BAD;
    user.size = (size_t)(colon - user_info.text);
    password = (part){colon + 1, user_info.size - user.size - 1};
    if (password.size == 0) return TI_REDIS_URL_BAD;
    if (user.size > 0) result = decode_text(user, &address->user);
    if (result == TI_REDIS_URL_OK) result = decode_secret(password, &address->password);
    return result;
}

/* ------------------------------------------------------------------ host and port */

/* A host and perhaps a port, and nothing else that an http:// URL could say; IPv6 stands in brackets. */
static bool is_host(const char *url) {
    static const CURLUPart others[] = {CURLUPART_USER, CURLUPART_QUERY, CURLUPART_FRAGMENT};
    CURLU *parsed = curl_url();
    char *text = NULL;
    bool ok = parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK;

    for (size_t i = 0; ok && i < sizeof others / sizeof *others; i++) {
        ok = curl_url_get(parsed, others[i], &text, 0) != CURLUE_OK;
        curl_free(text);
        text = NULL;
    }
    curl_url_cleanup(parsed);
    return ok;
}

/* Without a port it is Redis' own, which libcurl does not know. */
static bool has_port(part host) {
    const char *end = host.text + host.size, *from = memchr(host.text, ']', host.size);

    if (from == NULL) from = host.text;
    return memchr(from, ':', (size_t)(end - from)) != NULL;
}

static ti_redis_url_result finish(ti_buffer *text, char **target) {
    if (text->failed) ti_buffer_free(text);
    *target = text->data;
    return *target != NULL ? TI_REDIS_URL_OK : TI_REDIS_URL_NO_MEMORY;
}

static ti_redis_url_result read_host(part host, bool tls, ti_redis_address *address) {
    ti_buffer text = TI_BUFFER_INIT;
    ti_redis_url_result result;

    if (host.size == 0 || host.text[host.size - 1] == ':') return TI_REDIS_URL_BAD;
    ti_buffer_append_string(&text, tls ? "https://" : "http://");
    ti_buffer_append(&text, host.text, host.size);
    if (!has_port(host)) ti_buffer_append_string(&text, ":6379");
    result = finish(&text, &address->origin);
    if (result == TI_REDIS_URL_OK && !is_host(address->origin)) result = TI_REDIS_URL_BAD;
    return result;
}

/* At most 9 digits: Redis counts in int. */
static ti_redis_url_result read_database(part database, ti_redis_address *address) {
    if (database.size == 0) return TI_REDIS_URL_OK;
    if (database.size > 9) return TI_REDIS_URL_BAD;
    for (size_t i = 0; i < database.size; i++)
        if (database.text[i] < '0' || database.text[i] > '9') return TI_REDIS_URL_BAD;
    address->database = strndup(database.text, database.size);
    return address->database != NULL ? TI_REDIS_URL_OK : TI_REDIS_URL_NO_MEMORY;
}

static ti_redis_url_result show(const char *scheme, part host, ti_redis_address *address) {
    ti_buffer text = TI_BUFFER_INIT;

    ti_buffer_append_string(&text, scheme);
    ti_buffer_append(&text, host.text, host.size);
    if (address->database != NULL) {
        ti_buffer_append_string(&text, "/");
        ti_buffer_append_string(&text, address->database);
    }
    return finish(&text, &address->shown);
}

/* A password may hold what separates the parts elsewhere, but for '/' and '@'. */
static ti_redis_url_result read_server(const char *rest, const char *scheme, bool tls,
                                       ti_redis_address *address) {
    size_t authority = strcspn(rest, "/");
    const char *at = memchr(rest, '@', authority);
    part host = {rest, authority}, database = {rest + authority, strlen(rest + authority)};
    ti_redis_url_result result = TI_REDIS_URL_OK;

    if (at != NULL) {
        host = (part){at + 1, authority - (size_t)(at + 1 - rest)};
        result = read_user((part){rest, (size_t)(at - rest)}, address);
    }
    if (database.size > 0) database = (part){database.text + 1, database.size - 1};
    if (result == TI_REDIS_URL_OK) result = read_host(host, tls, address);
    if (result == TI_REDIS_URL_OK) result = read_database(database, address);
    return result == TI_REDIS_URL_OK ? show(scheme, host, address) : result;
}

/* libcurl wants a host all the same. */
static ti_redis_url_result read_socket(const char *path, ti_redis_address *address) {
    ti_redis_url_result result;

    if (path[0] != '/' || path[1] == '\0') return TI_REDIS_URL_BAD;
    result = decode_text((part){path, strlen(path)}, &address->socket);
    if (result != TI_REDIS_URL_OK) return result;
    address->origin = strdup("http://localhost");
    if (address->origin == NULL) return TI_REDIS_URL_NO_MEMORY;
    return show("unix://", (part){path, strlen(path)}, address);
}

ti_redis_url_result ti_redis_url_parse(const char *url, ti_redis_address *address) {
    ti_redis_url_result result = TI_REDIS_URL_BAD;

    *address = (ti_redis_address){.origin = NULL};
    if (takes(&url, "redis://"))
        result = read_server(url, "redis://", false, address);
    else if (takes(&url, "rediss://"))
        result = read_server(url, "rediss://", true, address);
    else if (takes(&url, "unix://"))
        result = read_socket(url, address);
    if (result != TI_REDIS_URL_OK) ti_redis_address_free(address);
    return result;
}

void ti_redis_address_free(ti_redis_address *address) {
    ti_secret_unref(address->password);
    free(address->origin);
    free(address->socket);
    free(address->shown);
    free(address->user);
    free(address->database);
    *address = (ti_redis_address){.origin = NULL};
}
