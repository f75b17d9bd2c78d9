#include "oauth/grant.h"

#include "base/error.h"
#include "base/strings.h"
#include "oauth/grant_request.h"
#include "oauth/header_lines.h"

#include <stdlib.h>
#include <string.h>

/* The caller's reference. NULL: error says why. */
static ti_metadata *metadata_of(const ti_grant_client *client, tacit_error *error) {
    ti_metadata *metadata = ti_provider_metadata(client->provider);
    if (!metadata) {
        ti_error_set(error, TACIT_ERR_NETWORK, "The server's metadata is not known yet.");
    }
    return metadata;
}

/* --- the fingerprint --- */

/* What a grant sends, by name: the list borrows from all of them, user_agent and encodings are whole lines or NULL. */
static void list_headers(ti_header_lines *headers, const ti_dialect *dialect,
                         const ti_grant_client *client, const char *user_agent,
                         const char *encodings) {
    ti_header_lines_set(headers, TI_TOKEN_REQUEST_ACCEPT);
    if (user_agent) ti_header_lines_set(headers, user_agent);
    if (encodings) ti_header_lines_set(headers, encodings);
    if (dialect->sign_in) {
        ti_header_lines_set_all(headers, (const char *const *)dialect->sign_in->headers);
    }
    ti_header_lines_set_all(headers, client->token_headers);
}

static bool make_line(ti_buffer *line, const char *name, const char *value) {
    if (!value) return true;
    return ti_buffer_append_string(line, name) && ti_buffer_append_string(line, ": ") &&
           ti_buffer_append_string(line, value);
}

/* NULL: no memory. */
static char *line_of(const ti_header_lines *headers, const char *name) {
    const char *line = ti_header_lines_find(headers, name);
    if (line) return strdup(line);
    size_t size = strlen(name);
    char *none = malloc(size + 2);
    if (!none) return NULL;
    memcpy(none, name, size);
    none[size] = ':';
    none[size + 1] = '\0';
    return none;
}

/* false: no memory. */
static bool pick_lines(const ti_header_lines *headers, char *const *names, char ***lines) {
    size_t count = 0;
    while (names[count]) count++;
    char **picked = calloc(count + 1, sizeof *picked);
    for (size_t i = 0; picked && i < count; i++) {
        picked[i] = line_of(headers, names[i]);
        if (picked[i]) continue;
        ti_strings_free(picked);
        return false;
    }
    *lines = picked;
    return picked != NULL;
}

static bool fingerprint_of(const ti_transport *transport, const ti_dialect *dialect,
                           const ti_grant_client *client, char ***lines) {
    ti_header_lines headers = TI_HEADER_LINES_INIT;
    ti_buffer user_agent = TI_BUFFER_INIT, encodings = TI_BUFFER_INIT;
    bool done = make_line(&user_agent, "User-Agent", ti_transport_user_agent(transport)) &&
                make_line(&encodings, "Accept-Encoding", ti_transport_encodings());
    if (done) list_headers(&headers, dialect, client, user_agent.data, encodings.data);
    done = done && !headers.failed && pick_lines(&headers, dialect->fingerprint, lines);
    ti_header_lines_free(&headers);
    ti_buffer_free(&user_agent);
    ti_buffer_free(&encodings);
    return done;
}

bool ti_grant_fingerprint(const ti_transport *transport, const ti_grant_client *client,
                          char ***lines) {
    *lines = NULL;
    ti_metadata *metadata = ti_provider_metadata(client->provider);
    const ti_dialect *dialect = metadata ? ti_metadata_dialect(metadata) : NULL;
    bool wanted = dialect && dialect->fingerprint && dialect->fingerprint[0];
    bool done = !wanted || fingerprint_of(transport, dialect, client, lines);
    ti_metadata_unref(metadata);
    return done;
}

/* --- grants --- */

static ti_verdict exchange_grant(ti_transport *transport, const char *url,
                                 ti_token_request *request, ti_token_reading *reading,
                                 const ti_clock *clock, int64_t deadline_boot_ms,
                                 ti_token_response *response, bool *sent, tacit_error *error) {
    ti_http_answer answer = TI_HTTP_ANSWER_INIT;
    answer.body.secret = answer.head.secret = true;
    reading->wall_ms = ti_clock_wall_ms(clock); /* R13: a lifetime counts from the sending */
    tacit_status status =
        ti_token_request_send(request, transport, url, deadline_boot_ms, &answer, error);
    ti_verdict verdict;
    if (status == TACIT_OK) {
        *sent = true;
        verdict = ti_token_response_read(&answer, reading, response, error);
    } else {
        *sent = answer.sent;
        error->outcome_unknown = answer.sent;
        verdict = answer.sent ? TI_VERDICT_UNKNOWN : TI_VERDICT_ERROR;
    }
    if (verdict == TI_VERDICT_UNKNOWN) ti_token_response_rescue(&answer, reading, response);
    ti_mask_error(&request->mask, error);
    ti_http_answer_free(&answer);
    return verdict;
}

/* As it is now, where the sign-in has none yet: then it is this grant's to begin it. */
static bool complete_fingerprint(ti_transport *transport, const ti_grant_client *client,
                                 ti_token_request *request, char ***own, tacit_error *error) {
    *own = NULL;
    if (request->headers[2]) return true;
    if (!ti_grant_fingerprint(transport, client, own)) {
        ti_error_no_memory(error);
        return false;
    }
    request->headers[2] = (const char *const *)*own;
    return true;
}

ti_verdict ti_grant_send(ti_transport *transport, const ti_grant_client *client,
                         const ti_grant *grant, const ti_clock *clock, int64_t deadline_boot_ms,
                         ti_token_response *response, bool *sent, tacit_error *error) {
    tacit_error unasked_error;
    bool unasked_sent;
    if (!error) error = &unasked_error;
    if (!sent) sent = &unasked_sent;
    *sent = false;
    *response = (ti_token_response)TI_TOKEN_RESPONSE_INIT;
    ti_metadata *metadata = metadata_of(client, error);
    if (!metadata) return TI_VERDICT_ERROR;

    ti_token_request request = TI_TOKEN_REQUEST_INIT;
    ti_token_reading reading = {.dialect = ti_metadata_dialect(metadata),
                                .asked = ti_grant_asked(grant, ti_metadata_dialect(metadata)),
                                .sent = grant->refresh_token};
    ti_verdict verdict = TI_VERDICT_ERROR;
    const char *url;
    char **fingerprint = NULL;
    if (ti_grant_request(&request, client, grant, metadata, &url, error) == TACIT_OK &&
        complete_fingerprint(transport, client, &request, &fingerprint, error)) {
        verdict = exchange_grant(transport, url, &request, &reading, clock, deadline_boot_ms,
                                 response, sent, error);
    }
    ti_token_request_free(&request);
    ti_strings_free(fingerprint);
    ti_metadata_unref(metadata);
    return verdict;
}

/* --- revocation --- */

bool ti_grant_ends_by_access_token(const ti_grant_client *client) {
    ti_metadata *metadata = ti_provider_metadata(client->provider);
    const ti_dialect *dialect = metadata ? ti_metadata_dialect(metadata) : NULL;
    bool by_access_token = dialect && dialect->sign_out && dialect->sign_out->access_token;
    ti_metadata_unref(metadata);
    return by_access_token;
}

/* RFC 7009 section 2.2: the body of a success is ignored, and so is what it is made of. */
static tacit_status read_revocation(const ti_http_answer *answer, const ti_dialect *dialect,
                                    tacit_error *error) {
    if (answer->status >= 200 && answer->status < 300) return ti_error_clear(error);

    const ti_token_reading reading = {.dialect = dialect, .asked = TI_ASKED_REFRESH};
    ti_token_response none;
    ti_verdict verdict = ti_token_response_read(answer, &reading, &none, error);
    ti_token_response_free(&none);
    /* Not the RFC's way to say that the token is unknown, but that is what it means. */
    if (verdict == TI_VERDICT_REFUSED) return ti_error_clear(error);
    if (error->status == TACIT_ERR_OAUTH &&
        strcmp(error->oauth_error, "unsupported_token_type") == 0) {
        error->status = TACIT_ERR_UNSUPPORTED;
    }
    return error->status;
}

static tacit_status exchange_end(ti_transport *transport, const char *url,
                                 ti_token_request *request, const ti_dialect *dialect,
                                 int64_t deadline_boot_ms, tacit_error *error) {
    ti_http_answer answer = TI_HTTP_ANSWER_INIT;
    answer.body.secret = answer.head.secret = true;
    tacit_status status =
        ti_token_request_send(request, transport, url, deadline_boot_ms, &answer, error);
    if (status == TACIT_OK) status = read_revocation(&answer, dialect, error);
    ti_mask_error(&request->mask, error);
    ti_http_answer_free(&answer);
    return status;
}

tacit_status ti_grant_revoke(ti_transport *transport, const ti_grant_client *client,
                             const ti_grant_end *end, int64_t deadline_boot_ms,
                             tacit_error *error) {
    tacit_error unasked_error;
    if (!error) error = &unasked_error;
    ti_metadata *metadata = metadata_of(client, error);
    if (!metadata) return error->status;

    ti_token_request request = TI_TOKEN_REQUEST_INIT;
    const char *url = NULL;
    char **fingerprint = NULL;
    tacit_status status = ti_grant_end_request(&request, client, end, metadata, &url, error);
    if (status == TACIT_OK && !url) {
        ti_error_clear(error);
    } else if (status == TACIT_OK) {
        status = complete_fingerprint(transport, client, &request, &fingerprint, error)
                     ? exchange_end(transport, url, &request, ti_metadata_dialect(metadata),
                                    deadline_boot_ms, error)
                     : error->status;
    }
    ti_token_request_free(&request);
    ti_strings_free(fingerprint);
    ti_metadata_unref(metadata);
    return status;
}
