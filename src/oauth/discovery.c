#include "oauth/discovery.h"

#include "base/error.h"
#include "oauth/json.h"

#include <stdlib.h>
#include <string.h>

/* No server has longer ones, and a cache cannot make a header line grow without limit. */
#define ETAG_SIZE_MAX 512

/* Who asks, and for what. Borrowed. */
typedef struct asking {
    ti_transport *transport;
    const char *issuer;
    int64_t deadline_boot_ms;
    const atomic_bool *cancelled;
} asking;

void ti_discovery_free(ti_discovery *found) {
    ti_metadata_unref(found->metadata);
    ti_buffer_free(&found->json);
    free(found->url);
    free(found->etag);
    *found = (ti_discovery){.metadata = NULL};
}

/* --- what came --- */

/* "http:", not "https:"; of a text that ti_url_parse() took. */
static bool is_plain(const char *url) {
    return url[4] == ':';
}

/* What the app may write into its own metadata, a server may not send: it would take the sign-in off TLS. */
static bool keeps_to_tls(const ti_metadata *metadata, const char *issuer) {
    const char *const endpoints[] = {
        ti_metadata_token_endpoint(metadata), ti_metadata_authorization_endpoint(metadata),
        ti_metadata_device_authorization_endpoint(metadata),
        ti_metadata_revocation_endpoint(metadata), ti_metadata_end_session_endpoint(metadata)};
    if (is_plain(issuer)) return true;
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        if (endpoints[i] && is_plain(endpoints[i])) return false;
    }
    return true;
}

ti_metadata *ti_discovery_read(const char *json, size_t size, const char *issuer,
                               tacit_error *error) {
    tacit_error unasked;
    if (!error) error = &unasked;
    ti_metadata *metadata = ti_metadata_parse(json, size, issuer, error);
    if (!metadata) {
        if (error->status != TACIT_ERR_NO_MEMORY && error->status != TACIT_ERR_PROTOCOL) {
            ti_error_set(error, TACIT_ERR_PROTOCOL, "The metadata of %s cannot be used: %s", issuer,
                         error->message);
        }
        return NULL;
    }
    if (keeps_to_tls(metadata, issuer)) return metadata;
    ti_metadata_unref(metadata);
    ti_error_set(error, TACIT_ERR_PROTOCOL,
                 "The metadata of %s cannot be used: an endpoint in it is http, and the issuer is "
                 "https.",
                 issuer);
    return NULL;
}

static bool looks_like_object(const ti_buffer *body) {
    const char *text = body->data ? body->data : "";
    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3;
    return text[strspn(text, " \t\r\n")] == '{';
}

/* What becomes a header line again. */
static bool is_etag(const char *text) {
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7F) return false;
    }
    return size > 0 && size <= ETAG_SIZE_MAX;
}

static tacit_status take(const asking *asking, const char *url, ti_http_answer *answer,
                         ti_discovery *found, tacit_error *error) {
    const char *etag = ti_http_answer_header(answer, "etag", 0);
    if (etag && !is_etag(etag)) etag = NULL;

    found->metadata =
        ti_discovery_read(answer->body.data, answer->body.size, asking->issuer, error);
    if (!found->metadata) {
        error->http_status = answer->status;
        return error->status;
    }
    found->json = answer->body;
    answer->body = (ti_buffer)TI_BUFFER_INIT;
    found->url = strdup(url);
    found->etag = etag ? strdup(etag) : NULL;
    if (found->url && (found->etag || !etag)) return ti_error_clear(error);
    ti_discovery_free(found);
    return ti_error_no_memory(error);
}

static tacit_status server_trouble(const ti_http_answer *answer, tacit_error *error) {
    ti_error_set(error, TACIT_ERR_SERVER,
                 answer->status == 429
                     ? "The authorization server was asked for its metadata, and asks for fewer "
                       "requests (%d)."
                     : "The authorization server was asked for its metadata, and has trouble of "
                       "its own (%d).",
                 answer->status);
    error->http_status = answer->status;
    error->retry_after_s = answer->retry_after_s;
    return TACIT_ERR_SERVER;
}

/* Where the server has nothing it says so with a 404, a redirect to its sign-in, or the start page of a web application. */
static tacit_status nothing_there(const asking *asking, const ti_http_answer *answer,
                                  tacit_error *error) {
    const char *what = "something that is not JSON";
    if (answer->status < 200 || answer->status >= 300) what = "which is none";
    ti_error_set(error, TACIT_ERR_PROTOCOL,
                 "The server was asked for the metadata of %s, and answered %d, %s.",
                 asking->issuer, answer->status, what);
    error->http_status = answer->status;
    return TACIT_ERR_PROTOCOL;
}

/* --- asking --- */

/* A connection of its own, so that a broken one is never the reason. */
static tacit_status get(const asking *asking, const char *text, const char *if_none_match,
                        ti_http_answer *answer, tacit_error *error) {
    const char *const headers[] = {"Accept: application/json", if_none_match, NULL};
    const ti_http_request request = {.headers = headers,
                                     .response_bytes_max = TI_JSON_SIZE_MAX,
                                     .deadline_boot_ms = asking->deadline_boot_ms,
                                     .cancelled = asking->cancelled,
                                     .accept_encoding = true};
    ti_url *url = ti_url_parse(text, "the issuer", error);
    if (!url) return error->status;
    ti_handle *handle = ti_handle_acquire(asking->transport, TI_HANDLE_FRESH);
    tacit_status status =
        handle ? ti_handle_send(handle, url, &request, answer, error) : ti_error_no_memory(error);
    if (handle) ti_handle_release(asking->transport, handle);
    ti_url_free(url);
    if (status == TACIT_ERR_TOO_LARGE) {
        return ti_error_set(error, TACIT_ERR_PROTOCOL,
                            "The server answered with more than the metadata of %s can be.",
                            asking->issuer);
    }
    error->outcome_unknown = false; /* a GET changes nothing */
    return status;
}

/* *absent: this place has no metadata, but another may. */
static tacit_status read_answer(const asking *asking, const char *url, bool conditional,
                                ti_http_answer *answer, ti_discovery *found, bool *absent,
                                tacit_error *error) {
    if (conditional && answer->status == 304) {
        found->unchanged = true;
        return ti_error_clear(error);
    }
    if (answer->status == 429 || answer->status >= 500) return server_trouble(answer, error);
    *absent = answer->status < 200 || answer->status >= 300 || !looks_like_object(&answer->body);
    if (*absent) return nothing_there(asking, answer, error);
    return take(asking, url, answer, found, error);
}

/* etag: NULL, or of what was found there before. */
static tacit_status ask(const asking *asking, const char *url, const char *etag,
                        ti_discovery *found, bool *absent, tacit_error *error) {
    ti_http_answer answer = TI_HTTP_ANSWER_INIT;
    ti_buffer line = TI_BUFFER_INIT;
    tacit_status status;
    if (etag) {
        ti_buffer_append_string(&line, "If-None-Match: ");
        ti_buffer_append_string(&line, etag);
    }
    *absent = false;
    status = line.failed ? ti_error_no_memory(error) : get(asking, url, line.data, &answer, error);
    if (status == TACIT_OK) {
        status = read_answer(asking, url, etag != NULL, &answer, found, absent, error);
    }
    ti_buffer_free(&line);
    ti_http_answer_free(&answer);
    return status;
}

/* --- where --- */

/* The issuer with something behind its path, or before it; a slash at its end does not count (OpenID Connect Discovery section 4.1, RFC
 * 8414 section 3.1). NULL: no memory. */
static char *make_place(const char *issuer, const char *before_path, const char *behind_path) {
    size_t size = strlen(issuer), origin = (size_t)(strstr(issuer, "://") - issuer) + 3;
    origin += strcspn(issuer + origin, "/");
    if (issuer[size - 1] == '/') size--;
    ti_buffer url = TI_BUFFER_INIT;
    ti_buffer_append(&url, issuer, origin);
    ti_buffer_append_string(&url, before_path);
    ti_buffer_append(&url, issuer + origin, size - origin);
    ti_buffer_append_string(&url, behind_path);
    if (url.failed) ti_buffer_free(&url);
    return url.data;
}

/* false: error says why; what was made is the caller's all the same. */
static bool make_places(const char *issuer, char *places[2], tacit_error *error) {
    ti_url *url = ti_url_parse(issuer, "the issuer", error);
    if (!url) return false;
    places[0] = make_place(ti_url_text(url), "", "/.well-known/openid-configuration");
    places[1] = make_place(ti_url_text(url), "/.well-known/oauth-authorization-server", "");
    ti_url_free(url);
    if (places[0] && places[1]) return true;
    ti_error_no_memory(error);
    return false;
}

/* What a cache says counts only where it is one of the two. */
static tacit_status ask_places(const asking *asking, char *const places[2], const char *known_url,
                               const char *etag, ti_discovery *found, tacit_error *error) {
    bool known =
        known_url && (strcmp(known_url, places[0]) == 0 || strcmp(known_url, places[1]) == 0);
    int first = known && strcmp(known_url, places[1]) == 0;
    bool absent;
    if (!known || (etag && !is_etag(etag))) etag = NULL;
    tacit_status status = ask(asking, places[first], etag, found, &absent, error);
    if (absent) status = ask(asking, places[!first], NULL, found, &absent, error);
    return status;
}

tacit_status ti_discovery_fetch(ti_transport *transport, const char *issuer, const char *known_url,
                                const char *etag, int64_t deadline_boot_ms,
                                const atomic_bool *cancelled, ti_discovery *found,
                                tacit_error *error) {
    const asking asking = {.transport = transport,
                           .issuer = issuer,
                           .deadline_boot_ms = deadline_boot_ms,
                           .cancelled = cancelled};
    char *places[2] = {NULL, NULL};
    tacit_error unasked;
    if (!error) error = &unasked;
    bool made = make_places(issuer, places, error);
    tacit_status status =
        made ? ask_places(&asking, places, known_url, etag, found, error) : error->status;
    free(places[0]);
    free(places[1]);
    return status;
}
