/*
 * Drives an exchange on the caller's thread.
 *
 * Operation: one pooled handle serves the whole call and keeps the token it used last. While that
 * token is the session's current one, a request takes no lock and builds no header line. Hops to
 * other origins go through a handle of their own, which never sees a token.
 *
 * Safety: a call lives on one thread's stack; what it shares is behind the functions of session.h
 * and transport.h.
 */
#include <tacit/request.h>

#include "base/error.h"
#include "call/drive.h"
#include "call/request.h"
#include "session/library_thread.h"
#include "session/pause.h"

typedef struct call {
    ti_drive drive;
    ti_transport *transport;
    ti_handle *handle;  /* keeps the token */
    ti_handle *foreign; /* NULL: none was needed yet */
} call;

static void release_token(void *token) {
    tacit_token_unref(token);
}

static ti_step obtain_token(call *c) {
    ti_drive *drive = &c->drive;
    ti_exchange *exchange = &drive->exchange;
    const ti_need *need = &exchange->need;
    const tacit_token *kept = ti_handle_kept(c->handle);
    tacit_token *token;
    tacit_status status;
    ti_step step;

    if (need->refused == NULL && kept != NULL &&
        ti_session_is_current(drive->session, kept, drive->begun_boot_ms, need->min_valid_s)) {
        return ti_exchange_token(exchange, kept, drive->error);
    }
    /* A deadline that has passed already is one that nobody waits for. */
    status =
        ti_session_obtain(drive->session, need, exchange->wait ? drive->http.deadline_boot_ms : 0,
                          &token, drive->error);
    if (status != TACIT_OK) {
        return ti_drive_no_token(drive, status);
    }
    step = ti_exchange_token(exchange, token, drive->error);
    if (token == kept) {
        tacit_token_unref(token);
    } else {
        ti_handle_keep(c->handle, token, release_token);
    }
    return step;
}

static ti_step send_hop(call *c) {
    ti_drive *drive = &c->drive;
    ti_handle *handle = c->handle;

    if (drive->exchange.foreign) {
        if (c->foreign == NULL) c->foreign = ti_handle_acquire(c->transport, TI_HANDLE_FOREIGN);
        if (c->foreign == NULL) {
            ti_error_no_memory(drive->error);
            return TI_STEP_FAIL;
        }
        handle = c->foreign;
    }
    if (!ti_drive_prepare_send(drive)) return TI_STEP_FAIL;
    return ti_drive_sent(drive, ti_handle_send(handle, drive->url, &drive->http,
                                               &drive->response->answer, drive->error));
}

static ti_step do_step(call *c, ti_step step) {
    switch (step) {
    case TI_STEP_TOKEN:
        return obtain_token(c);
    case TI_STEP_REWIND:
        return ti_drive_rewind(&c->drive);
    case TI_STEP_SEND:
        return send_hop(c);
    case TI_STEP_PAUSE:
        ti_session_pause(c->drive.session, c->drive.pause_until_boot_ms);
        return ti_drive_paused(&c->drive);
    case TI_STEP_KEEP:
        return ti_drive_keep(&c->drive);
    case TI_STEP_FOLLOW:
        return ti_drive_follow(&c->drive);
    case TI_STEP_ANSWER:
    case TI_STEP_FAIL:
        break;
    }
    return step;
}

static bool has_id(void *token, void *id) {
    return ((const tacit_token *)token)->id == *(const uint64_t *)id;
}

static bool is_current_id(const tacit_session *session, uint64_t id) {
    return id == ti_session_current_id(session) && !atomic_load(ti_session_closing(session));
}

/*
 * R12: no idle handle keeps a token of a session that is closing or of a sign-in that ended. The
 * session drops the tokens of idle handles only; so either it finds this handle in the pool, or what
 * it changed before that is seen after the release.
 */
static void release_handle(call *c, const tacit_session *session) {
    const tacit_token *kept = ti_handle_kept(c->handle);
    uint64_t id = kept == NULL ? 0 : kept->id;

    if (id != 0 && !is_current_id(session, id)) {
        ti_handle_keep(c->handle, NULL, NULL);
        id = 0;
    }
    ti_handle_release(c->transport, c->handle);
    if (id != 0 && !is_current_id(session, id)) {
        ti_transport_drop_kept(c->transport, has_id, &id);
    }
}

/* What a call does with its handle. *response is set where the answer is TACIT_OK. */
static tacit_status perform(call *c, tacit_session *session, const tacit_request *request,
                            tacit_response **response, tacit_error *error) {
    const ti_url *url = ti_handle_url(c->handle, request->url, "request->url", error);
    ti_step step;

    if (url == NULL) return error->status;
    step = ti_drive_begin(&c->drive, session, request, url, error);
    while (step != TI_STEP_ANSWER && step != TI_STEP_FAIL) step = do_step(c, step);
    if (step == TI_STEP_ANSWER) {
        *response = c->drive.response;
        c->drive.response = NULL;
        ti_error_clear(error);
    } else {
        ti_drive_failed(&c->drive);
    }
    ti_drive_end(&c->drive);
    return step == TI_STEP_ANSWER ? TACIT_OK : error->status;
}

/* request is checked; error is not NULL. */
static tacit_status enter_and_perform(tacit_session *session, const tacit_request *request,
                                      tacit_response **response, tacit_error *error) {
    call c;
    tacit_status status;

    if (!ti_session_enter(session, error)) return error->status;
    ti_session_count_request(session);
    c.foreign = NULL;
    c.transport = ti_session_transport(session);
    c.handle = ti_handle_acquire(c.transport, TI_HANDLE_POOLED);
    if (c.handle == NULL) {
        status = ti_error_no_memory(error);
    } else {
        status = perform(&c, session, request, response, error);
        release_handle(&c, session);
    }
    if (c.foreign != NULL) ti_handle_release(c.transport, c.foreign);
    ti_session_leave(session);
    return status;
}

/* R10, and the argument that both functions have. */
static tacit_status check_call(tacit_response **response, tacit_error *error) {
    if (response == NULL) return ti_error_argument(error, "response", "is NULL");
    *response = NULL;
    if (ti_on_library_thread()) {
        return ti_error_set(error, TACIT_ERR_REENTRANT,
                            "a request would have to wait on a thread of the library");
    }
    return TACIT_OK;
}

tacit_status tacit_send(tacit_session *session, const tacit_request *request,
                        tacit_response **response, tacit_error *error) {
    tacit_request checked;
    tacit_error own;
    tacit_status status;

    if (error == NULL) error = &own;
    status = check_call(response, error);
    if (status == TACIT_OK) status = ti_request_read(&checked, request, error);
    if (status != TACIT_OK) return status;
    return enter_and_perform(session, &checked, response, error);
}

tacit_status tacit_get(tacit_session *session, const char *url, tacit_response **response,
                       tacit_error *error) {
    const tacit_request request = {
        .struct_size = sizeof request,
        .method = "GET",
        .url = url,
        .timeout_ms = TACIT_TIMEOUT_DEFAULT,
    };
    tacit_error own;
    tacit_status status;

    if (error == NULL) error = &own;
    status = check_call(response, error);
    if (status != TACIT_OK) return status;
    if (url == NULL) return ti_error_argument(error, "url", "is NULL");
    return enter_and_perform(session, &request, response, error);
}
