#include "call/drive.h"

#include <stdlib.h>

#include "base/error.h"
#include "call/headers.h"
#include "call/request.h"
#include "oauth/challenge.h"

static ti_step fail_no_memory(ti_drive *drive) {
    ti_error_no_memory(drive->error);
    return TI_STEP_FAIL;
}

static size_t read_body(char *buffer, size_t capacity, void *data) {
    ti_drive *drive = data;

    drive->body_begun = true;
    return drive->request->read(buffer, capacity, drive->request->read_data);
}

static ti_http_request http_request(ti_drive *drive) {
    const tacit_request *request = drive->request;
    int timeout_ms = request->timeout_ms > 0 ? request->timeout_ms
                                             : ti_session_request_timeout_ms(drive->session);

    return (ti_http_request){
        .headers = request->headers,
        .body = request->body,
        .body_size = request->body_size,
        .has_body = ti_request_has_body(request),
        .read = request->read == NULL ? NULL : read_body,
        .read_size = request->read_size,
        .read_data = drive,
        .write = request->write,
        .write_data = request->write_data,
        .progress = request->progress,
        .progress_data = request->progress_data,
        .deadline_boot_ms = drive->begun_boot_ms + timeout_ms,
        .cancelled = ti_session_closing(drive->session),
    };
}

ti_step ti_drive_begin(ti_drive *drive, tacit_session *session, const tacit_request *request,
                       const ti_url *url, tacit_error *error) {
    ti_exchange_plan plan = ti_request_plan(request);

    drive->session = session;
    drive->request = request;
    drive->error = error;
    drive->response = NULL;
    drive->url = url;
    drive->body_begun = false;
    drive->headers = NULL;
    drive->origin = ti_origins_find(ti_session_origins(session), url);
    if (drive->origin < 0) {
        ti_error_set(error, TACIT_ERR_ORIGIN_NOT_ALLOWED,
                     "request->url is not within the session's origins");
        return TI_STEP_FAIL;
    }
    drive->response = ti_response_new(url);
    if (drive->response == NULL) return fail_no_memory(drive);
    drive->begun_boot_ms = ti_clock_boot_ms(ti_session_clock(session));
    drive->http = http_request(drive);
    return ti_exchange_begin(&drive->exchange, &plan);
}

void ti_drive_end(ti_drive *drive) {
    tacit_response_free(drive->response);
    free(drive->headers);
}

void ti_drive_prepare_send(ti_drive *drive) {
    const ti_exchange *exchange = &drive->exchange;

    drive->http.method = exchange->method;
    drive->http.authorization = exchange->foreign ? NULL : ti_token_line(exchange->token);
    if (exchange->sends == drive->response->attempts) return;
    drive->response->attempts = exchange->sends;
    if (exchange->sends > 1) ti_session_count_replay(drive->session);
}

/* A cancelled send was stopped by a callback of the caller's, or by the session's end. */
static ti_step send_failed(ti_drive *drive, tacit_status status) {
    tacit_error *error = drive->error;
    bool outcome_unknown = error->outcome_unknown;

    if (status == TACIT_ERR_CANCELLED && atomic_load(ti_session_closing(drive->session))) {
        ti_error_set(error, TACIT_ERR_CLOSED,
                     "the session was closed while the request was under way");
        error->outcome_unknown = outcome_unknown;
    }
    return TI_STEP_FAIL;
}

/* What the answer says about the token. false: no memory. */
static bool read_challenges(const ti_http_answer *answer, bool *refuses_token) {
    ti_challenges challenges = {.items = NULL};
    const char *value;
    bool read = true;

    for (size_t i = 0; read; i++) {
        value = ti_http_answer_header(answer, "WWW-Authenticate", i);
        if (value == NULL) break;
        read = ti_challenges_parse(&challenges, value);
    }
    *refuses_token = read && ti_challenges_refuse_token(&challenges, answer->status);
    ti_challenges_free(&challenges);
    return read;
}

static bool may_be_about_token(const ti_drive *drive) {
    int status = drive->response->answer.status;

    return !drive->exchange.foreign && (status == 401 || status == 400 || status == 403);
}

/* R14: what this origin made of the token. */
static void note_origin(const ti_drive *drive, bool refuses_token) {
    const ti_exchange *exchange = &drive->exchange;

    if (exchange->foreign) return;
    if (!refuses_token) {
        ti_session_origin_accepted(drive->session, drive->origin, exchange->token);
    } else if (exchange->replayed) {
        ti_session_origin_refused(drive->session, drive->origin, exchange->token);
    }
}

ti_step ti_drive_sent(ti_drive *drive, tacit_status status) {
    const ti_http_answer *answer = &drive->response->answer;
    ti_exchange_answer seen = {.status = answer->status, .body_begun = drive->body_begun};

    if (status != TACIT_OK) return send_failed(drive, status);
    if (may_be_about_token(drive) && !read_challenges(answer, &seen.refuses_token)) {
        return fail_no_memory(drive);
    }
    note_origin(drive, seen.refuses_token);
    if (seen.refuses_token) {
        seen.may_force = ti_session_origin_may_force(drive->session, drive->origin);
    }
    if (answer->status >= 300 && answer->status < 400) {
        seen.location = ti_http_answer_header(answer, "Location", 0) != NULL;
    }
    return ti_exchange_answered(&drive->exchange, &seen);
}

ti_step ti_drive_rewind(ti_drive *drive) {
    bool done = drive->request->rewind(drive->request->read_data);

    if (done) drive->body_begun = false;
    return ti_exchange_rewound(&drive->exchange, done, drive->error);
}

/* Takes from the request what must not reach a foreign origin (R11), and the body where the method
 * became GET. false: no memory. */
static bool strip_request(ti_drive *drive) {
    const ti_exchange *exchange = &drive->exchange;
    ti_headers_keep keep = {
        .credentials = !exchange->foreign,
        .content = exchange->with_body || !ti_request_has_body(drive->request),
    };

    if (!exchange->with_body) {
        drive->http.has_body = false;
        drive->http.body = NULL;
        drive->http.body_size = 0;
        drive->http.read = NULL;
    }
    if (drive->request->headers == NULL || (keep.credentials && keep.content)) return true;
    free(drive->headers);
    drive->headers = ti_headers_filter(drive->request->headers, keep);
    drive->http.headers = drive->headers;
    return drive->headers != NULL;
}

ti_step ti_drive_follow(ti_drive *drive) {
    const char *location = ti_http_answer_header(&drive->response->answer, "Location", 0);
    ti_url *url = ti_url_resolve(drive->url, location, drive->error);
    ti_step step;

    if (url == NULL) {
        return drive->error->status == TACIT_ERR_INVALID_ARGUMENT ? TI_STEP_ANSWER : TI_STEP_FAIL;
    }
    ti_url_free(drive->response->redirected);
    drive->response->redirected = url;
    drive->url = url;
    drive->origin = ti_origins_find(ti_session_origins(drive->session), url);
    step = ti_exchange_followed(&drive->exchange, drive->origin < 0, drive->error);
    return strip_request(drive) ? step : fail_no_memory(drive);
}
