#include "delivery.h"

#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stays wrong however often it is sent. Everything else may be another day's. */
static bool is_final(int status) {
    return status == 400 || status == 413 || status == 415 || status == 422;
}

static int retry_after_s(const tacit_response *response) {
    const char *text = tacit_response_header(response, "Retry-After");
    long seconds = text == NULL ? 0 : strtol(text, NULL, 10);

    return seconds > 0 && seconds <= INT32_MAX ? (int)seconds : 0;
}

static delivery from_response(const tacit_response *response) {
    int status = tacit_response_status(response);
    delivery d = {.fate = UNKNOWN, .retry_after_s = retry_after_s(response)};

    if (status >= 200 && status < 300)
        d.fate = DELIVERED;
    else if (is_final(status))
        d.fate = REFUSED;
    snprintf(d.message, sizeof d.message, "the server answers %d", status);
    return d;
}

static delivery from_error(const tacit_error *error) {
    delivery d = {.fate = error->outcome_unknown ? UNKNOWN : NOT_SENT,
                  .retry_after_s = error->retry_after_s};

    snprintf(d.message, sizeof d.message, "%s", error->message);
    return d;
}

/* The IETF's Idempotency-Key: a string in quotes. */
static delivery post(tacit_session *session, const settings *s, const char *key, const char *text) {
    char line[sizeof "Idempotency-Key: \"\"" + MESSAGE_KEY_BYTES];
    const char *headers[] = {"Content-Type: application/json", line, NULL};
    tacit_request request = TACIT_REQUEST_INIT;
    tacit_response *response;
    tacit_error error;
    delivery d;

    snprintf(line, sizeof line, "Idempotency-Key: \"%s\"", key);
    request.url = s->telemetry_url;
    request.headers = headers;
    request.body = text;
    request.body_size = strlen(text);
    request.timeout_ms = s->timeout_ms;
    request.no_redirects = true; /* what it led to would be got, and say 200 */
    if (tacit_send(session, &request, &response, &error) != TACIT_OK) return from_error(&error);
    d = from_response(response);
    tacit_response_free(response);
    return d;
}

delivery delivery_try(tacit_session *session, const settings *s, const batch *b, int64_t ahead_ms) {
    delivery d = {.fate = NOT_SENT, .message = "out of memory"};
    char *text = message_text(s->device, b, ahead_ms);
    char key[MESSAGE_KEY_BYTES];

    message_key(b, key);
    if (text != NULL) d = post(session, s, key, text);
    free(text);
    return d;
}
