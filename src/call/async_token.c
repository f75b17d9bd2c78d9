/* A token for another HTTP stack, without waiting: a call that is nothing but a waiter. */
#include "base/error.h"
#include "call/engine.h"

#include <stdlib.h>

typedef struct token_call {
    ti_engine_call base;
    tacit_token_fn done;
    ti_need need;        /* its refused token is counted */
    ti_sign_in_id whose; /* R16: who is signed in when it is asked for */
    bool waits;

    tacit_token *token; /* the outcome's */
} token_call;

static void deliver(tacit_call *base) {
    token_call *c = (token_call *)base;
    tacit_token *token = c->token;

    c->token = NULL;
    c->done(base, token, c->base.error, base->user_data);
}

static void finish(token_call *c) {
    if (c->token == NULL) ti_engine_fail(&c->base);
    tacit_token_unref((tacit_token *)c->need.refused);
    ti_engine_end(&c->base);
}

static void look(token_call *c, ti_obtained obtained) {
    c->waits = obtained == TI_OBTAIN_WAITS;
    if (!c->waits) finish(c);
}

static void begin(ti_engine_call *base) {
    token_call *c = (token_call *)base;

    look(c, ti_session_obtain_begin(base->session, &base->waiter, &c->need, &c->token,
                                    ti_engine_scratch(base->engine)));
}

static void woken(ti_engine_call *base) {
    token_call *c = (token_call *)base;

    look(c, ti_session_obtain_again(&base->waiter, &c->token, ti_engine_scratch(base->engine)));
}

static bool stop(ti_engine_call *base, tacit_status why) {
    token_call *c = (token_call *)base;
    tacit_error *error = ti_engine_scratch(base->engine);

    if (c->waits) ti_session_obtain_leave(&base->waiter);
    if (why == TACIT_ERR_CLOSED)
        ti_error_set(error, why, "The session is closed.");
    else if (why == TACIT_ERR_CANCELLED)
        ti_error_set(error, why, "The call was cancelled.");
    else
        ti_error_set(error, why, "There was no token in time; the refresh goes on.");
    finish(c);
    return true;
}

static void due(ti_engine_call *base) {
    stop(base, TACIT_ERR_TIMEOUT);
}

static const ti_call_ops call_ops = {
    .cancel = ti_engine_call_cancel, .deliver = deliver, .free = ti_engine_call_free};
static const ti_engine_ops engine_ops = {.begin = begin, .woken = woken, .due = due, .stop = stop};

/* Inside the session. */
static tacit_call *start(tacit_session *session, const ti_need *need, int timeout_ms,
                         tacit_token_fn done, void *user_data, tacit_error *error) {
    ti_engine *engine = ti_engine_of(ti_session_client(session), error);
    token_call *c = engine == NULL ? NULL : calloc(1, sizeof *c);

    if (engine == NULL) return NULL;
    if (c == NULL) {
        ti_engine_unref(engine);
        return ti_error_no_memory(error), NULL;
    }
    ti_engine_call_init(&c->base, &call_ops, &engine_ops, engine, session, user_data);
    c->done = done;
    c->need = *need;
    c->whose = ti_session_whose(session);
    c->need.whose = &c->whose;
    tacit_token_ref((tacit_token *)need->refused);
    if (ti_engine_start(&c->base, ti_session_deadline(session, timeout_ms), error) == TACIT_OK)
        return &c->base.base;
    tacit_token_unref((tacit_token *)need->refused);
    ti_engine_call_free(&c->base.base);
    return NULL;
}

tacit_call *tacit_session_token_async(tacit_session *session, const tacit_token *refused,
                                      int min_valid_s, int timeout_ms, tacit_token_fn done,
                                      void *user_data, tacit_error *error) {
    ti_need need = {.refused = refused, .min_valid_s = min_valid_s};
    tacit_call *call;

    if (done == NULL) return ti_error_argument(error, "done", "is NULL"), NULL;
    if (min_valid_s < 0) return ti_error_argument(error, "min_valid_s", "is negative"), NULL;
    if (timeout_ms < TACIT_TIMEOUT_DEFAULT)
        return ti_error_argument(error, "timeout_ms", "is below -1"), NULL;
    if (!ti_session_enter(session, error)) return NULL;
    call = start(session, &need, timeout_ms, done, user_data, error);
    if (call == NULL) ti_session_leave(session);
    return call;
}
