/* Sign-in and sign-out without waiting: the same ways, on a thread of their own. */
#include "sign_in/sign_in.h"

#include "base/error.h"
#include "base/strings.h"
#include "session/async.h"
#include "session/session.h"

#include <stdlib.h>

/* ------------------------------------------------------------------ sign-in */

typedef struct asked {
    const ti_sign_in_way *way;
    ti_caller caller;
    tacit_sign_in_options options; /* its strings are those below */
    char *username, *scope, *redirect_uri, *success_html;
    char **params;
    ti_secret *password;
} asked;

static void free_asked(void *data) {
    asked *a = data;

    if (a == NULL) return;
    ti_secret_unref(a->password);
    ti_strings_free(a->params);
    free(a->username);
    free(a->scope);
    free(a->redirect_uri);
    free(a->success_html);
    free(a);
}

static bool copy_password(asked *a, const char *password) {
    if (password != NULL) a->password = ti_secret_from_string(password);
    return password == NULL || a->password != NULL;
}

static bool copy_options(asked *a, const tacit_sign_in_options *o) {
    if (!ti_string_copy(&a->username, o->username) || !ti_string_copy(&a->scope, o->scope) ||
        !ti_string_copy(&a->redirect_uri, o->redirect_uri) ||
        !ti_string_copy(&a->success_html, o->success_html) ||
        !ti_strings_copy(&a->params, o->params) || !copy_password(a, o->password))
        return false;
    a->options = *o;
    a->options.username = a->username;
    a->options.password = ti_secret_data(a->password);
    a->options.scope = a->scope;
    a->options.redirect_uri = a->redirect_uri;
    a->options.success_html = a->success_html;
    a->options.params = (const char *const *)a->params;
    return true;
}

static asked *new_asked(const ti_sign_in_way *way, const tacit_sign_in_options *o) {
    asked *a = calloc(1, sizeof *a);

    if (a == NULL) return NULL;
    a->way = way;
    if (copy_options(a, o)) return a;
    free_asked(a);
    return NULL;
}

static void sign_in(tacit_session *session, void *data, tacit_error *error) {
    asked *a = data;

    a->way->run(session, &a->options, &a->caller, error);
}

static void cancel_sign_in(tacit_session *session, void *data) {
    ti_job_cancel_caller(session, &((asked *)data)->caller);
}

static const ti_async_ops sign_in_ops = {
    .work = sign_in, .cancel = cancel_sign_in, .release = free_asked};

/* NULL: there is none of that number. */
static const ti_sign_in_way *way_of(tacit_grant grant) {
    switch (grant) {
    case TACIT_GRANT_BROWSER:
        return &ti_sign_in_browser;
    case TACIT_GRANT_DEVICE_CODE:
        return &ti_sign_in_device_code;
    case TACIT_GRANT_PASSWORD:
        return &ti_sign_in_password;
    case TACIT_GRANT_CLIENT_CREDENTIALS:
        return &ti_sign_in_client_credentials;
    }
    return NULL;
}

/* Inside the session. */
static tacit_call *start_sign_in(tacit_session *session, const ti_sign_in_way *way,
                                 const tacit_sign_in_options *o, tacit_done_fn done,
                                 void *user_data, tacit_error *error) {
    tacit_call *call;
    asked *a;

    if (way->check != NULL && !way->check(session, o, error)) return NULL;
    a = new_asked(way, o);
    if (a == NULL) return ti_error_no_memory(error), NULL;
    call = ti_async_start(session, &sign_in_ops, a, done, user_data, error);
    if (call == NULL) free_asked(a);
    return call;
}

tacit_call *tacit_sign_in_async(tacit_session *session, tacit_grant grant,
                                const tacit_sign_in_options *options, tacit_done_fn done,
                                void *user_data, tacit_error *error) {
    const ti_sign_in_way *way = way_of(grant);
    tacit_sign_in_options o;
    tacit_call *call;

    if (session == NULL) return ti_error_argument(error, "session", "is NULL"), NULL;
    if (way == NULL) return ti_error_argument(error, "grant", "is not a grant"), NULL;
    if (done == NULL) return ti_error_argument(error, "done", "is NULL"), NULL;
    if (!ti_sign_in_options(&o, options, error) || !ti_session_enter(session, error)) return NULL;
    call = start_sign_in(session, way, &o, done, user_data, error);
    ti_session_leave(session);
    return call;
}

/* ------------------------------------------------------------------ sign-out */

typedef struct leaving {
    ti_caller caller;
    ti_job *job; /* begun; NULL: signed out already */
    int64_t deadline_boot_ms;
} leaving;

static void sign_out(tacit_session *session, void *data, tacit_error *error) {
    leaving *l = data;

    ti_job_sign_out_finish(session, l->job, l->deadline_boot_ms, error);
}

static void cancel_wait(tacit_session *session, void *data) {
    ti_job_cancel_caller(session, &((leaving *)data)->caller);
}

static const ti_async_ops sign_out_ops = {.work = sign_out, .cancel = cancel_wait, .release = free};

/* Inside the session, which is signed out at once, so that a close that follows changes nothing. */
static tacit_call *start_sign_out(tacit_session *session, int timeout_ms, tacit_done_fn done,
                                  void *user_data, tacit_error *error) {
    leaving *l = calloc(1, sizeof *l);
    tacit_call *call = NULL;

    if (l == NULL) return ti_error_no_memory(error), NULL;
    l->deadline_boot_ms =
        ti_session_deadline(session, timeout_ms < 0 ? TI_SIGN_OUT_TIMEOUT_MS : timeout_ms);
    if (ti_job_sign_out_begin(session, &l->caller, &l->job, error) == TACIT_OK) {
        call = ti_async_start(session, &sign_out_ops, l, done, user_data, error);
        if (call == NULL) ti_job_sign_out_finish(session, l->job, 0, NULL);
    }
    if (call == NULL) free(l);
    return call;
}

tacit_call *tacit_sign_out_async(tacit_session *session, int timeout_ms, tacit_done_fn done,
                                 void *user_data, tacit_error *error) {
    tacit_call *call;

    if (session == NULL) return ti_error_argument(error, "session", "is NULL"), NULL;
    if (timeout_ms < TACIT_TIMEOUT_DEFAULT)
        return ti_error_argument(error, "timeout_ms", "is below -1"), NULL;
    if (done == NULL) return ti_error_argument(error, "done", "is NULL"), NULL;
    if (!ti_session_enter(session, error)) return NULL;
    call = start_sign_out(session, timeout_ms, done, user_data, error);
    ti_session_leave(session);
    return call;
}
