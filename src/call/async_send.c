/*
 * Drives an exchange on the engine's thread.
 *
 * Properties: done gets one outcome. A call holds a place on the wire only while it sends, or gets there; who waits for a token or for a
 * retry, or was paused before it sends, holds none, and neither a handle nor a refused answer.
 *
 * Operation: a call queues for the wire, takes the current token when it is there, and sends. Where a step must wait the call leaves the
 * wire and goes on when its waiter or the clock says so; then it queues in front of those that have not begun. A file is synced on a
 * thread of its own.
 *
 * Safety: after its start a call belongs to the engine's thread, after its end to the dispatch; the request's copy is freed there, so that
 * body_release comes before done.
 */
#include "base/error.h"
#include "call/drive.h"
#include "call/engine.h"
#include "call/request.h"
#include "call/request_copy.h"

#include <stdlib.h>

typedef enum place {
    QUEUED,  /* for the wire; `step` comes next */
    WAITING, /* for a token */
    PAUSING, /* until a retry */
    HELD,    /* paused, so that it does not send; `step` comes next */
    SENDING,
    KEEPING /* all has come, and is on its way to the disk: it can no longer be stopped */
} place;

/* What a thread of its own does for a call. */
typedef struct keeping {
    ti_helper_job job;
    struct send_call *call;
    ti_step step;
    tacit_error error;
} keeping;

typedef struct send_call {
    ti_engine_call base;
    tacit_done_fn done;
    int64_t deadline_boot_ms;
    tacit_request *request;
    ti_url *url;
    ti_drive drive;
    ti_transfer transfer;
    tacit_token *token; /* counted; the exchange's */
    place place;
    ti_step step;
    keeping *keeping;
    bool paused;

    tacit_response *response; /* the outcome's */
} send_call;

/* ------------------------------------------------------------------ the end */

static void deliver(tacit_call *base) {
    send_call *c = (send_call *)base;
    tacit_response *response = c->response;
    tacit_request *request = c->request;

    c->response = NULL;
    c->request = NULL;
    if (request->body_release != NULL) request->body_release(request->release_data);
    ti_request_copy_free(request);
    c->done(base, response, c->base.error, base->user_data);
}

static void finish(send_call *c, ti_step step) {
    if (step == TI_STEP_ANSWER) {
        c->response = c->drive.response;
        c->drive.response = NULL;
    } else {
        ti_drive_failed(&c->drive);
        ti_engine_fail(&c->base);
    }
    ti_drive_end(&c->drive);
    ti_url_free(c->url);
    tacit_token_unref(c->token);
    ti_engine_end(&c->base);
}

/* ------------------------------------------------------------------ the steps */

static void queue(send_call *c, ti_step step) {
    c->step = step;
    c->place = QUEUED;
    ti_engine_queue(&c->base, true);
}

static ti_step take_token(send_call *c, tacit_token *token) {
    tacit_token *before = c->token;
    ti_step step = ti_exchange_token(&c->drive.exchange, token, c->drive.error);

    c->token = token;
    tacit_token_unref(before);
    return step;
}

/* A refused answer is nobody's any more: there will be a token, or an error. */
static void wait_for_token(send_call *c) {
    if (c->drive.exchange.need.refused != NULL) ti_http_answer_free(&c->drive.response->answer);
    c->place = WAITING;
    ti_engine_leave_wire(&c->base);
}

/* false: it waits; else *step comes next. */
static bool obtain_token(send_call *c, ti_step *step) {
    const ti_exchange *exchange = &c->drive.exchange;
    tacit_session *session = c->base.session;
    tacit_token *token = NULL;
    ti_obtained obtained = TI_OBTAIN_REFUSED;

    if (exchange->wait)
        obtained = ti_session_obtain_begin(session, &c->base.waiter, &exchange->need, &token,
                                           c->drive.error);
    else if (ti_session_obtain(session, &exchange->need, 0, &token, c->drive.error) == TACIT_OK)
        obtained = TI_OBTAINED;
    if (obtained == TI_OBTAIN_WAITS) {
        wait_for_token(c);
        return false;
    }
    *step = obtained == TI_OBTAINED ? take_token(c, token)
                                    : ti_drive_no_token(&c->drive, c->drive.error->status);
    return true;
}

/* false: it sends. */
static bool start_sending(send_call *c, ti_step *step) {
    ti_drive *drive = &c->drive;
    ti_handle_kind kind = drive->exchange.foreign ? TI_HANDLE_FOREIGN : TI_HANDLE_POOLED;
    ti_loop *loop = ti_engine_loop(c->base.engine);
    tacit_status status;

    if (!ti_drive_prepare_send(drive)) {
        *step = TI_STEP_FAIL;
        return true;
    }
    c->place = SENDING;
    status = ti_loop_start(loop, &c->transfer, kind, drive->url, &drive->http,
                           &drive->response->answer, drive->error);
    if (status != TACIT_OK) {
        *step = ti_drive_sent(drive, status);
        return true;
    }
    return false;
}

static void pause_until_retry(send_call *c) {
    c->place = PAUSING;
    ti_engine_leave_wire(&c->base);
    ti_engine_move_due(&c->base, c->drive.pause_until_boot_ms);
}

static void keep_file(ti_helper_job *job) {
    keeping *k = (keeping *)((char *)job - offsetof(keeping, job));
    send_call *c = k->call;

    c->drive.error = &k->error;
    k->step = ti_drive_keep(&c->drive);
    ti_engine_wake(&c->base);
}

/* false: there is no thread for it. */
static bool keep_aside(send_call *c) {
    keeping *k = calloc(1, sizeof *k);

    if (k == NULL) return false;
    k->job.run = keep_file;
    k->call = c;
    c->keeping = k;
    c->place = KEEPING;
    if (ti_helpers_run(ti_session_client(c->base.session)->calls, &k->job) == TACIT_OK) return true;
    c->keeping = NULL;
    free(k);
    return false;
}

static ti_step take_kept(send_call *c) {
    keeping *k = c->keeping;
    ti_step step = k->step;

    c->drive.error = ti_engine_scratch(c->base.engine);
    if (step == TI_STEP_FAIL) *c->drive.error = k->error;
    c->keeping = NULL;
    free(k);
    return step;
}

/* libcurl cannot pause what it has no connection for yet. true: it waits for its resume. */
static bool hold(send_call *c, ti_step step) {
    if (!c->paused || (step != TI_STEP_TOKEN && step != TI_STEP_SEND)) return false;
    c->step = step;
    c->place = HELD;
    ti_engine_leave_wire(&c->base);
    return true;
}

/* On the wire. */
static void run(send_call *c, ti_step step) {
    for (;;) {
        if (hold(c, step)) return;
        switch (step) {
        case TI_STEP_TOKEN:
            if (!obtain_token(c, &step)) return;
            break;
        case TI_STEP_REWIND:
            step = ti_drive_rewind(&c->drive);
            break;
        case TI_STEP_SEND:
            if (!start_sending(c, &step)) return;
            break;
        case TI_STEP_FOLLOW:
            step = ti_drive_follow(&c->drive);
            break;
        case TI_STEP_PAUSE:
            pause_until_retry(c);
            return;
        case TI_STEP_KEEP:
            if (keep_aside(c)) return;
            step = ti_drive_keep(&c->drive);
            break;
        case TI_STEP_ANSWER:
        case TI_STEP_FAIL:
            ti_engine_leave_wire(&c->base);
            finish(c, step);
            return;
        }
    }
}

/* ------------------------------------------------------------------ what comes to it */

static void begin(ti_engine_call *base) {
    send_call *c = (send_call *)base;

    if (atomic_load(ti_session_closing(base->session))) {
        base->ops->stop(base, TACIT_ERR_CLOSED);
        return;
    }
    ti_engine_queue(base, false);
    c->step = TI_STEP_TOKEN;
}

static void wired(ti_engine_call *base) {
    run((send_call *)base, ((send_call *)base)->step);
}

/* It left the wire to wait. */
static void go_on(send_call *c, ti_step step) {
    if (step == TI_STEP_ANSWER || step == TI_STEP_FAIL)
        finish(c, step);
    else
        queue(c, step);
}

static void look_again(send_call *c) {
    tacit_token *token = NULL;

    switch (ti_session_obtain_again(&c->base.waiter, &token, c->drive.error)) {
    case TI_OBTAIN_WAITS:
        break;
    case TI_OBTAINED:
        go_on(c, take_token(c, token));
        break;
    case TI_OBTAIN_REFUSED:
        go_on(c, ti_drive_no_token(&c->drive, c->drive.error->status));
        break;
    }
}

static void woken(ti_engine_call *base) {
    send_call *c = (send_call *)base;

    if (c->place == KEEPING)
        run(c, take_kept(c));
    else
        look_again(c);
}

static void on_finished(ti_transfer *transfer, tacit_status status, const tacit_error *error) {
    send_call *c = (send_call *)((char *)transfer - offsetof(send_call, transfer));

    if (status != TACIT_OK) *c->drive.error = *error;
    run(c, ti_drive_sent(&c->drive, status));
}

static void say_why(const send_call *c, tacit_status why) {
    tacit_error *error = c->drive.error;

    if (why == TACIT_ERR_CLOSED)
        ti_error_set(error, why, "The session was closed while the request was under way.");
    else if (why == TACIT_ERR_CANCELLED)
        ti_error_set(error, why, "The call was cancelled.");
    else if (c->place == WAITING)
        ti_error_set(error, why, "There was no token in time; the refresh goes on.");
    else if (c->place == HELD)
        ti_error_set(error, why, "The call was paused until its time was over.");
    else
        ti_error_set(error, why, "There was no place on the wire in time.");
}

static bool stop(ti_engine_call *base, tacit_status why) {
    send_call *c = (send_call *)base;
    bool sent = false;

    if (c->place == KEEPING) return false;
    if (c->place == WAITING) ti_session_obtain_leave(&base->waiter);
    if (c->place == QUEUED) ti_engine_unqueue(base);
    if (c->place == SENDING) {
        ti_loop_stop(ti_engine_loop(base->engine), &c->transfer,
                     why == TACIT_ERR_TIMEOUT ? why : TACIT_ERR_CANCELLED, c->drive.error);
        sent = c->drive.error->outcome_unknown;
        ti_engine_leave_wire(base);
    }
    if (c->place != SENDING || why != TACIT_ERR_TIMEOUT) say_why(c, why);
    c->drive.error->outcome_unknown = sent;
    finish(c, TI_STEP_FAIL);
    return true;
}

static void due(ti_engine_call *base) {
    send_call *c = (send_call *)base;

    if (c->place == PAUSING) {
        ti_engine_move_due(base, c->deadline_boot_ms);
        go_on(c, ti_drive_paused(&c->drive));
    } else if (c->place == KEEPING) {
        ti_engine_move_due(base, TI_NEVER);
    } else {
        stop(base, TACIT_ERR_TIMEOUT);
    }
}

static void set_paused(ti_engine_call *base, bool on) {
    send_call *c = (send_call *)base;
    ti_loop *loop = ti_engine_loop(base->engine);

    c->paused = on;
    if (c->place == HELD && !on) queue(c, c->step);
    if (c->place != SENDING) return;
    if (on)
        ti_loop_pause(loop, &c->transfer);
    else
        ti_loop_resume(loop, &c->transfer);
}

/* ------------------------------------------------------------------ the start */

static const ti_call_ops call_ops = {.cancel = ti_engine_call_cancel,
                                     .pause = ti_engine_call_pause,
                                     .deliver = deliver,
                                     .free = ti_engine_call_free};
static const ti_engine_ops engine_ops = {
    .begin = begin, .woken = woken, .wired = wired, .due = due, .stop = stop, .pause = set_paused};

/* What was made for a call that does not start. */
static void drop(send_call *c) {
    ti_url_free(c->url);
    ti_request_copy_free(c->request);
    ti_engine_call_free(&c->base.base);
}

/* R16: it is the request of who is signed in now, whoever is when its turn comes. */
static void note_whose(send_call *c) {
    ti_exchange *exchange = &c->drive.exchange;

    exchange->sign_in_id = ti_session_whose(c->base.session);
    exchange->need.whose = &exchange->sign_in_id;
}

/* false: error says why. */
static bool make_ready(send_call *c, const tacit_request *request, tacit_error *error) {
    tacit_session *session = c->base.session;

    c->url = ti_origins_url(ti_session_origins(session), request->url, "request->url", error);
    if (c->url == NULL) return false;
    c->request = ti_request_copy(request);
    if (c->request == NULL) return ti_error_no_memory(error), false;
    if (ti_drive_begin(&c->drive, session, c->request, c->url, error) == TI_STEP_FAIL) {
        ti_drive_end(&c->drive);
        return false;
    }
    c->drive.error = ti_engine_scratch(c->base.engine);
    c->drive.http.may_pause = true;
    note_whose(c);
    c->deadline_boot_ms = c->drive.http.deadline_boot_ms;
    return true;
}

/* Inside the session. */
static tacit_call *start(tacit_session *session, const tacit_request *request, tacit_done_fn done,
                         void *user_data, tacit_error *error) {
    ti_engine *engine = ti_engine_of(ti_session_client(session), error);
    send_call *c = engine == NULL ? NULL : calloc(1, sizeof *c);

    if (engine == NULL) return NULL;
    if (c == NULL) {
        ti_engine_unref(engine);
        return ti_error_no_memory(error), NULL;
    }
    ti_engine_call_init(&c->base, &call_ops, &engine_ops, engine, session, user_data);
    c->done = done;
    c->transfer.finished = on_finished;
    if (!make_ready(c, request, error)) {
        drop(c);
        return NULL;
    }
    ti_session_count_request(session);
    if (ti_engine_start(&c->base, c->deadline_boot_ms, error) == TACIT_OK) return &c->base.base;
    ti_drive_end(&c->drive);
    drop(c);
    return NULL;
}

tacit_call *tacit_send_async(tacit_session *session, const tacit_request *request,
                             tacit_done_fn done, void *user_data, tacit_error *error) {
    tacit_request checked;
    tacit_error own;
    tacit_call *call;

    if (error == NULL) error = &own;
    if (done == NULL) return ti_error_argument(error, "done", "is NULL"), NULL;
    if (ti_request_read(&checked, request, error) != TACIT_OK) return NULL;
    if (!ti_session_enter(session, error)) return NULL;
    call = start(session, &checked, done, user_data, error);
    if (call == NULL) ti_session_leave(session);
    return call;
}
