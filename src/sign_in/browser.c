/* Sign-in by browser with a listener on loopback (RFC 8252 section 7.3). */
#include "sign_in/browser.h"

#include "base/error.h"
#include "platform/os.h"
#include "session/attempt.h"
#include "session/session.h"
#include "sign_in/callback_page.h"
#include "sign_in/callback_request.h"
#include "sign_in/listener.h"

#include <errno.h>
#include <stdlib.h>

/* One that waits for its browser. */
typedef struct waiting {
    const tacit_sign_in_options *options;
    const ti_authorization *authorization;
    ti_callback_address address;
    ti_callback callback;
    ti_secret *code;
    tacit_error refusal;
} waiting;

static void read_callback(waiting *w, const char *query, size_t size) {
    w->callback = ti_authorization_read(w->authorization, query, size, &w->code, &w->refusal);
}

static ti_callback_page page_of(const waiting *w) {
    if (w->callback == TI_CALLBACK_CODE) return TI_CALLBACK_PAGE_SUCCESS;
    if (w->callback == TI_CALLBACK_OTHER) return TI_CALLBACK_PAGE_NOT_FOUND;
    return w->refusal.status == TACIT_ERR_ACCESS_DENIED ? TI_CALLBACK_PAGE_DECLINED
                                                        : TI_CALLBACK_PAGE_FAILED;
}

/* ti_listener_answer_fn */
static bool answer_request(void *data, const char *head, size_t size, ti_buffer *answer) {
    waiting *w = data;
    const char *query;
    size_t query_size;
    ti_callback_page page = TI_CALLBACK_PAGE_NOT_FOUND;

    w->callback = TI_CALLBACK_OTHER;
    switch (ti_callback_request_read(&w->address, head, size, &query, &query_size)) {
    case TI_CALLBACK_REQUEST_GET:
        read_callback(w, query, query_size);
        page = page_of(w);
        break;
    case TI_CALLBACK_REQUEST_NOT_FOUND:
        break;
    case TI_CALLBACK_REQUEST_NOT_ALLOWED:
        page = TI_CALLBACK_PAGE_NOT_ALLOWED;
        break;
    case TI_CALLBACK_REQUEST_MALFORMED:
        page = TI_CALLBACK_PAGE_MALFORMED;
        break;
    }
    ti_callback_page_append(answer, page, w->options->success_html);
    return w->callback != TI_CALLBACK_OTHER;
}

static tacit_status open_browser(const tacit_sign_in_options *options, const char *url,
                                 tacit_error *error) {
    tacit_error why;

    if (options->open_url != NULL) {
        if (options->open_url(url, options->user_data)) return ti_error_clear(error);
        return ti_error_set(error, TACIT_ERR_UNSUPPORTED, "The app could not open a browser.");
    }
    if (ti_os_open_browser(url)) return ti_error_clear(error);
    ti_error_set(&why, TACIT_ERR_UNSUPPORTED, "No browser could be opened on this machine.");
    why.os_error = errno;
    return ti_error_copy(error, &why);
}

/* Until the browser comes back; *code is the caller's. */
static tacit_status wait_for_code(tacit_session *session, const ti_attempt *attempt,
                                  ti_listener *listener, waiting *w, int64_t deadline_boot_ms,
                                  ti_secret **code, tacit_error *error) {
    switch (ti_listener_wait(listener, answer_request, w, deadline_boot_ms, &attempt->over)) {
    case TI_LISTENER_STOPPED:
        ti_secret_unref(w->code);
        return ti_attempt_why(session, attempt, error);
    case TI_LISTENER_DEADLINE:
        return ti_error_set(error, TACIT_ERR_EXPIRED, "Nobody came back from the browser in time.");
    case TI_LISTENER_ANSWERED:
        break;
    }
    *code = w->code;
    return w->callback == TI_CALLBACK_CODE ? ti_error_clear(error)
                                           : ti_error_copy(error, &w->refusal);
}

/* The user's minutes are not the server's. */
static int64_t discovery_deadline(const tacit_session *session, int64_t deadline_boot_ms) {
    int64_t most = ti_clock_deadline(ti_session_clock(session), TI_SIGN_IN_TIMEOUT_MS);

    return deadline_boot_ms < most ? deadline_boot_ms : most;
}

/* With the listener bound: shows the page, and waits. */
static tacit_status visit_browser(tacit_session *session, const tacit_sign_in_options *options,
                                  const ti_redirect_uri *uri, const ti_attempt *attempt,
                                  ti_listener *listener, int64_t deadline_boot_ms,
                                  ti_authorization *authorization, ti_secret **code,
                                  tacit_error *error) {
    waiting w = {.options = options,
                 .authorization = authorization,
                 .address = {uri->host, uri->path, ti_listener_port(listener)}};
    char *redirect_uri = ti_redirect_uri_text(uri, ti_listener_port(listener)), *url;
    tacit_status status;

    if (redirect_uri == NULL) return ti_error_no_memory(error);
    status = ti_browser_authorize(session, options, redirect_uri,
                                  discovery_deadline(session, deadline_boot_ms), &attempt->over,
                                  authorization, &url, error);
    free(redirect_uri);
    if (status != TACIT_OK) return status;
    status = open_browser(options, url, error);
    free(url);
    if (status == TACIT_OK)
        status = wait_for_code(session, attempt, listener, &w, deadline_boot_ms, code, error);
    if (status != TACIT_OK) ti_authorization_end(authorization);
    return status;
}

/* What ended the attempt is the reason, whatever it made fail. */
static tacit_status end_attempt(tacit_session *session, ti_attempt *attempt, tacit_error *why) {
    if (atomic_load(&attempt->over)) ti_attempt_why(session, attempt, why);
    ti_attempt_end(session, attempt);
    return why->status;
}

/* The token request gets its time even where the user took all of his. */
static int64_t redeem_deadline(const tacit_session *session, int64_t deadline_boot_ms) {
    int64_t least = ti_clock_deadline(ti_session_clock(session), TI_SIGN_IN_TIMEOUT_MS);

    return deadline_boot_ms > least ? deadline_boot_ms : least;
}

static tacit_status sign_in(tacit_session *session, const tacit_sign_in_options *options,
                            ti_attempt *attempt, ti_listener *listener, tacit_error *error) {
    int64_t deadline = ti_sign_in_deadline(session, options, TI_SIGN_IN_BROWSER_TIMEOUT_MS);
    ti_redirect_uri uri;
    ti_authorization authorization;
    ti_secret *code = NULL;
    tacit_error why = TACIT_ERROR_INIT;
    tacit_status status;

    if (ti_redirect_uri_read(&uri, options->redirect_uri, &why) &&
        ti_listener_bind(listener, &uri, &why) == TACIT_OK)
        visit_browser(session, options, &uri, attempt, listener, deadline, &authorization, &code,
                      &why);
    if (code == NULL) {
        end_attempt(session, attempt, &why);
        return ti_error_copy(error, &why);
    }
    status = ti_browser_redeem(session, attempt, &authorization, options->scope, code,
                               redeem_deadline(session, deadline), error);
    ti_authorization_end(&authorization);
    return status;
}

static tacit_status run(tacit_session *session, const tacit_sign_in_options *options,
                        ti_caller *caller, tacit_error *error) {
    ti_listener *listener = ti_listener_new(ti_session_clock(session), error);
    ti_attempt attempt = {.caller = caller, .wake = ti_listener_wake, .wake_data = listener};
    tacit_status status;

    if (listener == NULL) return TACIT_ERR_NO_MEMORY;
    status = ti_attempt_begin(session, &attempt, error);
    if (status == TACIT_OK) status = sign_in(session, options, &attempt, listener, error);
    ti_listener_free(listener);
    return status;
}

static bool check(const tacit_session *session, const tacit_sign_in_options *options,
                  tacit_error *error) {
    ti_redirect_uri uri;

    (void)session;
    return ti_redirect_uri_read(&uri, options->redirect_uri, error);
}

const ti_sign_in_way ti_sign_in_browser = {.check = check, .run = run};

tacit_status tacit_sign_in_with_browser(tacit_session *session,
                                        const tacit_sign_in_options *options, tacit_error *error) {
    return ti_sign_in(session, &ti_sign_in_browser, options, error);
}
