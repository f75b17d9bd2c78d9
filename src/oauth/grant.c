#include "oauth/grant.h"

#include "base/error.h"
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

/* The lines of those names as text, each with its NUL. false: no memory. */
static bool pick_lines(ti_buffer *text, const ti_header_lines *headers, char *const *names) {
    for (; *names; names++) {
        const char *line = ti_header_lines_find(headers, *names);
        if (!ti_buffer_append_string(text, line ? line : *names)) return false;
        if (!ti_buffer_append(text, line ? "" : ":", line ? 1 : 2)) return false;
    }
    return true;
}

/* One block: the pointers, then what they point to. */
static char **make_list(const ti_buffer *text, size_t count) {
    size_t head = (count + 1) * sizeof(char *);
    char **list = malloc(head + text->size);
    if (!list) return NULL;
    char *line = (char *)list + head;
    memcpy(line, text->data, text->size);
    for (size_t i = 0; i < count; i++) {
        list[i] = line;
        line += strlen(line) + 1;
    }
    list[count] = NULL;
    return list;
}

static bool fingerprint_of(const ti_transport *transport, const ti_dialect *dialect,
                           const ti_grant_client *client, char ***lines) {
    ti_header_lines headers = TI_HEADER_LINES_INIT;
    ti_buffer user_agent = TI_BUFFER_INIT, encodings = TI_BUFFER_INIT, text = TI_BUFFER_INIT;
    size_t count = 0;
    while (dialect->fingerprint[count]) count++;

    if (make_line(&user_agent, "User-Agent", ti_transport_user_agent(transport)) &&
        make_line(&encodings, "Accept-Encoding", ti_transport_encodings())) {
        list_headers(&headers, dialect, client, user_agent.data, encodings.data);
        if (!headers.failed && pick_lines(&text, &headers, dialect->fingerprint)) {
            *lines = make_list(&text, count);
        }
    }
    ti_header_lines_free(&headers);
    ti_buffer_free(&user_agent);
    ti_buffer_free(&encodings);
    ti_buffer_free(&text);
    return *lines != NULL;
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
    free(fingerprint);
    ti_metadata_unref(metadata);
    return verdict;
}

/* --- revocation --- */

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
    free(fingerprint);
    ti_metadata_unref(metadata);
    return status;
}
