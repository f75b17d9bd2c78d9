#include "call/drive.h"

#include <stdlib.h>

#include "base/error.h"
#include "call/headers.h"
#include "call/request.h"
#include "oauth/challenge.h"
#include "platform/os.h"

static ti_step fail_no_memory(ti_drive *drive) {
    ti_error_no_memory(drive->error);
    return TI_STEP_FAIL;
}

/* ------------------------------------------------------------------ the request */

static size_t read_body(char *buffer, size_t capacity, void *data) {
    ti_drive *drive = data;

    drive->body_begun = true;
    return drive->request->read(buffer, capacity, drive->request->read_data);
}

static size_t write_body(const char *bytes, size_t size, void *data) {
    ti_drive *drive = data;
    size_t taken = drive->request->write(bytes, size, drive->request->write_data);

    if (taken != TACIT_WRITE_PAUSE) drive->delivered = true;
    return taken;
}

/* Where the answer's body goes. Only who may retry has to know what the caller has got. */
static void set_write(ti_drive *drive) {
    const tacit_request *request = drive->request;
    ti_http_request *http = &drive->http;

    if (drive->download != NULL) {
        http->write_begins = ti_download_begins;
        http->write = ti_download_write;
        http->write_data = drive->download;
    } else if (request->write != NULL && request->retries_max > 0) {
        http->write = write_body;
        http->write_data = drive;
    } else {
        http->write = request->write;
        http->write_data = request->write_data;
    }
}

static void set_http_request(ti_drive *drive) {
    const tacit_request *request = drive->request;
    int timeout_ms = request->timeout_ms > 0 ? request->timeout_ms
                                             : ti_session_request_timeout_ms(drive->session);

    drive->http = (ti_http_request){
        .headers = request->headers,
        .body = request->body,
        .body_size = request->body_size,
        .has_body = ti_request_has_body(request),
        .read = request->read == NULL ? NULL : read_body,
        .read_size = request->read_size,
        .read_data = drive,
        .parts = drive->parts == NULL ? NULL : ti_parts_list(drive->parts),
        .progress = request->progress,
        .progress_data = request->progress_data,
        .deadline_boot_ms = drive->begun_boot_ms + timeout_ms,
        .cancelled = ti_session_closing(drive->session),
    };
    set_write(drive);
}

/* false: no memory. */
static bool make_rest(ti_drive *drive) {
    const tacit_request *request = drive->request;

    drive->response = ti_response_new(drive->url);
    if (drive->response == NULL) return false;
    drive->response->answer.head.secret = drive->slides; /* R12: tokens come in it */
    if (request->parts != NULL) {
        drive->parts = ti_parts_new(request->parts, &drive->body_begun);
        if (drive->parts == NULL) return false;
    }
    if (request->file == NULL) return true;
    drive->download = ti_download_new(request->file, request->file_resume, drive->response->url);
    return drive->download != NULL;
}

/* All but http, which is set later, as a whole. */
static void reset(ti_drive *drive) {
    drive->response = NULL;
    drive->body_begun = drive->delivered = drive->outcome_unknown = false;
    drive->parts = NULL;
    drive->download = NULL;
    drive->headers = drive->lines = NULL;
    drive->tokens = 1;
}

ti_step ti_drive_begin(ti_drive *drive, tacit_session *session, const tacit_request *request,
                       const ti_url *url, tacit_error *error) {
    ti_exchange_plan plan = ti_request_plan(request);

    reset(drive);
    drive->session = session;
    drive->slides = ti_session_slides(session);
    drive->request = request;
    drive->error = error;
    drive->url = url;
    drive->origin = ti_origins_find(ti_session_origins(session), url);
    if (drive->origin < 0) {
        ti_error_set(error, TACIT_ERR_ORIGIN_NOT_ALLOWED,
                     "request->url is not within the session's origins");
        return TI_STEP_FAIL;
    }
    if (!make_rest(drive)) return fail_no_memory(drive);
    drive->begun_boot_ms = ti_clock_boot_ms(ti_session_clock(session));
    set_http_request(drive);
    return ti_exchange_begin(&drive->exchange, &plan);
}

void ti_drive_end(ti_drive *drive) {
    tacit_response_free(drive->response);
    ti_parts_free(drive->parts);
    ti_download_free(drive->download);
    free(drive->headers);
    free(drive->lines);
}

void ti_drive_failed(ti_drive *drive) {
    if (drive->outcome_unknown) drive->error->outcome_unknown = true;
}

/* The grant's outcome may be unknown; what counts is whether the request was sent. */
ti_step ti_drive_no_token(ti_drive *drive, tacit_status status) {
    drive->error->outcome_unknown = false;
    return ti_exchange_no_token(&drive->exchange, status);
}

/* ------------------------------------------------------------------ sending */

/* Adds to the headers what asks for the rest of the file. */
static bool prepare_download(ti_drive *drive) {
    const char *const *base = drive->headers != NULL ? drive->headers : drive->request->headers;
    const char *const *more = ti_download_prepare(drive->download, drive->exchange.method,
                                                  &drive->exchange.sign_in_id, drive->error);

    if (more == NULL) return false;
    free(drive->lines);
    drive->lines = NULL;
    drive->http.headers = base;
    if (more[0] == NULL) return true;
    drive->lines = ti_headers_join(base, more);
    drive->http.headers = drive->lines;
    if (drive->lines == NULL) ti_error_no_memory(drive->error);
    return drive->lines != NULL;
}

bool ti_drive_prepare_send(ti_drive *drive) {
    const ti_exchange *exchange = &drive->exchange;
    tacit_response *response = drive->response;

    if (drive->download != NULL && !prepare_download(drive)) return false;
    if (drive->slides) drive->sent_boot_ms = ti_clock_boot_ms(ti_session_clock(drive->session));
    drive->http.method = exchange->method;
    drive->http.authorization = exchange->foreign ? NULL : ti_token_line(exchange->token);
    if (exchange->sends == response->attempts) return true;
    response->attempts = exchange->sends;
    response->retries = (int)exchange->retries;
    if (exchange->tokens > drive->tokens) {
        drive->tokens = exchange->tokens;
        ti_session_count_replay(drive->session);
    }
    return true;
}

/* ------------------------------------------------------------------ what came of it */

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

/* What else it may bring: a renewed token. */
static void slide(const ti_drive *drive) {
    const ti_http_answer *answer = &drive->response->answer;

    if (drive->exchange.foreign || answer->status < 200 || answer->status >= 300) return;
    ti_session_slide(drive->session, drive->exchange.token, answer, drive->sent_boot_ms);
}

/* Draws a pause, where there may be one. */
static uint32_t draw(const ti_drive *drive) {
    uint32_t random;

    if (drive->request->retries_max == 0) return 0;
    /* It only spreads load: without a source the middle does. */
    return ti_os_random(&random, sizeof random) ? random : UINT32_MAX / 2;
}

/* A pause that the deadline would end is not begun. */
static ti_step fit(ti_drive *drive, ti_step step, ti_step otherwise) {
    int64_t now;

    if (step != TI_STEP_PAUSE) return step;
    now = ti_clock_boot_ms(ti_session_clock(drive->session));
    drive->pause_until_boot_ms = ti_boot_plus(now, drive->exchange.pause_ms);
    return drive->pause_until_boot_ms < drive->http.deadline_boot_ms ? step : otherwise;
}

static ti_step fail_closed(ti_drive *drive) {
    ti_error_set(drive->error, TACIT_ERR_CLOSED,
                 "the session was closed while the request was under way");
    return TI_STEP_FAIL;
}

/* A cancelled send was stopped by a callback of the caller's, or by the session's end. */
static ti_step send_failed(ti_drive *drive, tacit_status status, ti_exchange_answer *seen) {
    if (drive->error->outcome_unknown) drive->outcome_unknown = true;
    if (status == TACIT_ERR_CANCELLED && atomic_load(ti_session_closing(drive->session))) {
        return fail_closed(drive);
    }
    seen->random = draw(drive);
    return fit(drive, ti_exchange_failed(&drive->exchange, status, seen), TI_STEP_FAIL);
}

static ti_step answered(ti_drive *drive, ti_exchange_answer *seen) {
    const ti_http_answer *answer = &drive->response->answer;

    if (may_be_about_token(drive) && !read_challenges(answer, &seen->refuses_token)) {
        return fail_no_memory(drive);
    }
    note_origin(drive, seen->refuses_token);
    if (drive->slides) slide(drive);
    if (seen->refuses_token) {
        seen->may_force = ti_session_origin_may_force(drive->session, drive->origin);
    }
    if (answer->status >= 300 && answer->status < 400) {
        seen->location = ti_http_answer_header(answer, "Location", 0) != NULL;
    } else if (answer->status >= 400) {
        seen->random = draw(drive);
    }
    return fit(drive, ti_exchange_answered(&drive->exchange, seen), TI_STEP_ANSWER);
}

/* What the file makes of it. */
static ti_step sent_to_file(ti_drive *drive, tacit_status status, ti_exchange_answer *seen) {
    const ti_http_answer *answer = &drive->response->answer;
    tacit_error *error = drive->error;
    ti_step step;

    switch (ti_download_sent(drive->download, status, answer, error)) {
    case TI_DOWNLOAD_REFUSED:
        return ti_exchange_reworded(&drive->exchange, seen, error);
    case TI_DOWNLOAD_BROKEN:
    case TI_DOWNLOAD_FAILED:
        error->outcome_unknown = answer->sent;
        return send_failed(drive, error->status, seen);
    case TI_DOWNLOAD_COMPLETE:
        step = answered(drive, seen);
        return step == TI_STEP_ANSWER ? TI_STEP_KEEP : step;
    case TI_DOWNLOAD_NOT_MINE:
        break;
    }
    return status == TACIT_OK ? answered(drive, seen) : send_failed(drive, status, seen);
}

ti_step ti_drive_sent(ti_drive *drive, tacit_status status) {
    ti_exchange_answer seen = {
        .status = drive->response->answer.status,
        .retry_after_s = drive->response->answer.retry_after_s,
        .body_begun = drive->body_begun,
        .delivered = drive->delivered,
    };

    if (drive->download != NULL) return sent_to_file(drive, status, &seen);
    return status == TACIT_OK ? answered(drive, &seen) : send_failed(drive, status, &seen);
}

ti_step ti_drive_keep(ti_drive *drive) {
    if (ti_download_keep(drive->download, drive->error) == TACIT_OK) return TI_STEP_ANSWER;
    drive->error->http_status = drive->response->answer.status;
    return TI_STEP_FAIL;
}

ti_step ti_drive_paused(ti_drive *drive) {
    if (atomic_load(ti_session_closing(drive->session))) return fail_closed(drive);
    drive->begun_boot_ms = ti_clock_boot_ms(ti_session_clock(drive->session));
    return ti_exchange_paused(&drive->exchange, drive->error);
}

ti_step ti_drive_rewind(ti_drive *drive) {
    bool done = drive->parts != NULL ? ti_parts_rewind(drive->parts)
                                     : drive->request->rewind(drive->request->read_data);

    if (done) drive->body_begun = false;
    return ti_exchange_rewound(&drive->exchange, done, drive->error);
}

/* ------------------------------------------------------------------ redirects */

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
        drive->http.parts = NULL;
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
