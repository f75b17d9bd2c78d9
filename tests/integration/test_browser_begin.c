/* Sign-in by browser in two calls: what belongs together, and what ends what was begun. */
#include "support/browser.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define REDIRECT "com.example.app:/signed-in"

/* The URL to open; must succeed. Yours. */
static char *begin_with(world *w, tacit_sign_in_options *o) {
    tacit_error error;
    char *url;

    o->redirect_uri = REDIRECT;
    url = tacit_sign_in_browser_begin(world_session(w), o, &error);
    if (url == NULL) fail_msg("%s", error.message);
    assert_int_equal(error.status, TACIT_OK);
    return url;
}

static char *begin(world *w) {
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;

    return begin_with(w, &o);
}

/* What the system would hand to the app after the user has been at the URL. Yours. */
static char *callback_of(const char *url) {
    char *callback;

    assert_int_equal(browser_get(url, NULL, &callback), 302);
    assert_non_null(callback);
    assert_memory_equal(callback, REDIRECT "?", strlen(REDIRECT) + 1);
    return callback;
}

/* Both at once. */
static char *begun_callback(world *w) {
    char *url = begin(w), *callback = callback_of(url);

    tacit_free(url);
    return callback;
}

static void finish_is(world *w, const char *callback, tacit_status expected, tacit_error *error) {
    tacit_error why;
    tacit_status status =
        tacit_sign_in_browser_finish(world_session(w), callback, TACIT_TIMEOUT_DEFAULT, &why);

    if (status != expected) fail_msg("%s: %s", tacit_status_name(status), why.message);
    if (error != NULL) *error = why;
}

static void two_calls_sign_in(void **state) {
    static const char *const params[] = {"prompt=login", NULL};
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;
    world *w = world_new(NULL);
    char *url, *callback, *sent;

    (void)state;
    o.scope = "openid mail";
    o.params = params;
    url = begin_with(w, &o);
    sent = browser_parameter(url, "redirect_uri");
    assert_string_equal(sent, REDIRECT);
    assert_non_null(strstr(url, "scope=openid+mail"));
    assert_non_null(strstr(url, "nonce="));
    assert_non_null(strstr(url, "prompt=login"));
    assert_int_equal(server_counters(world_server(w)).requests, 0);
    callback = callback_of(url);
    finish_is(w, callback, TACIT_OK, NULL);

    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(server_counters(world_server(w)).token_requests, 1);
    free(sent);
    free(callback);
    tacit_free(url);
    world_free(w);
}

static void a_fragment_does_not_belong_to_the_query(void **state) {
    world *w = world_new(NULL);
    char *callback = begun_callback(w), longer[2048];

    (void)state;
    strcpy(longer, callback);
    strcat(longer, "#_=_&code=other");
    finish_is(w, longer, TACIT_OK, NULL);
    free(callback);
    world_free(w);
}

static void a_replayed_callback_is_refused(void **state) {
    world *w = world_new(NULL);
    char *callback = begun_callback(w);

    (void)state;
    finish_is(w, callback, TACIT_OK, NULL);
    finish_is(w, callback, TACIT_ERR_INVALID_ARGUMENT, NULL);

    assert_int_equal(server_counters(world_server(w)).token_requests, 1);
    assert_int_equal(world_get(w, "/api/x"), 200);
    free(callback);
    world_free(w);
}

static void what_does_not_belong_to_it_ends_nothing(void **state) {
    static const char *const others[] = {
        "",
        REDIRECT,
        REDIRECT "?",
        REDIRECT "?code=1",
        REDIRECT "?code=1&state=guessed",
        REDIRECT "?error=access_denied&state=guessed",
        REDIRECT "#code=1&state=x",
        "<html>\x01\x1b[2J",
    };
    world *w = world_new(NULL);
    char *callback = begun_callback(w);
    tacit_error error;

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        finish_is(w, others[i], TACIT_ERR_INVALID_ARGUMENT, &error);
        assert_non_null(strstr(error.message, "callback_url"));
        assert_null(strstr(error.message, "guessed"));
    }
    finish_is(w, callback, TACIT_OK, NULL);
    free(callback);
    world_free(w);
}

static void the_next_begin_replaces_the_one_before(void **state) {
    world *w = world_new(NULL);
    char *first = begun_callback(w), *second = begun_callback(w);

    (void)state;
    finish_is(w, first, TACIT_ERR_INVALID_ARGUMENT, NULL);
    finish_is(w, second, TACIT_OK, NULL);
    free(first);
    free(second);
    world_free(w);
}

static void the_users_no_ends_what_was_begun(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    char *callback;
    world *w;

    (void)state;
    server.authorize_error = "access_denied";
    w = world_new(&(world_options){.server = &server});
    callback = begun_callback(w);
    finish_is(w, callback, TACIT_ERR_ACCESS_DENIED, NULL);
    finish_is(w, callback, TACIT_ERR_INVALID_ARGUMENT, NULL);
    free(callback);
    world_free(w);
}

static void another_sign_in_is_not_held_up_and_ends_it(void **state) {
    world *w = world_new(NULL);
    char *callback = begun_callback(w);

    (void)state;
    assert_int_equal(tacit_sign_in_with_password(world_session(w), "alice", "wrong", NULL, NULL),
                     TACIT_ERR_OAUTH); /* one that fails changes nothing */
    finish_is(w, callback, TACIT_OK, NULL);
    free(callback);

    callback = begun_callback(w);
    world_sign_in(w);
    finish_is(w, callback, TACIT_ERR_INVALID_ARGUMENT, NULL);
    free(callback);
    world_free(w);
}

static void cancelling_and_signing_out_end_it(void **state) {
    world *w = world_new(NULL);
    char *callback = begun_callback(w);

    (void)state;
    tacit_sign_in_cancel(world_session(w));
    finish_is(w, callback, TACIT_ERR_INVALID_ARGUMENT, NULL);
    free(callback);

    callback = begun_callback(w);
    assert_int_equal(tacit_sign_out(world_session(w), WORLD_PATIENCE_MS, NULL), TACIT_OK);
    finish_is(w, callback, TACIT_ERR_INVALID_ARGUMENT, NULL);
    free(callback);
    world_free(w);
}

static void each_session_has_its_own(void **state) {
    world *w = world_new(NULL);
    tacit_session *other = world_open(w, "another", NULL);
    char *callback = begun_callback(w);

    (void)state;
    assert_int_equal(tacit_sign_in_browser_finish(other, callback, -1, NULL),
                     TACIT_ERR_INVALID_ARGUMENT);
    finish_is(w, callback, TACIT_OK, NULL);
    free(callback);
    tacit_session_close(other, TACIT_NO_WAIT);
    world_free(w);
}

/* What was begun goes with the session; a leak would be found. */
static void closing_ends_it(void **state) {
    world *w = world_new(NULL);
    tacit_session *session = tacit_session_ref(world_session(w));
    char *callback = begun_callback(w);

    (void)state;
    assert_int_equal(world_close(w, WORLD_PATIENCE_MS), TACIT_OK);
    assert_int_equal(tacit_sign_in_browser_finish(session, callback, -1, NULL), TACIT_ERR_CLOSED);
    tacit_session_unref(session);
    free(callback);
    world_free(w);
}

/* ------------------------------------------------------------------ finish beside others */

typedef struct finisher {
    pthread_t thread;
    world *world;
    const char *callback;
    tacit_status status;
} finisher;

static void *finisher_main(void *data) {
    finisher *f = data;

    f->status = tacit_sign_in_browser_finish(world_session(f->world), f->callback, -1, NULL);
    return NULL;
}

static void one_callback_is_redeemed_once(void **state) {
    world *w = world_new(NULL);
    ts_server *server = world_server(w);
    char *callback = begun_callback(w);
    finisher f = {.world = w, .callback = callback};

    (void)state;
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    assert_int_equal(pthread_create(&f.thread, NULL, finisher_main, &f), 0);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, WORLD_PATIENCE_MS));
    finish_is(w, callback, TACIT_ERR_BUSY, NULL);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    pthread_join(f.thread, NULL);

    assert_int_equal(f.status, TACIT_OK);
    assert_int_equal(server_counters(server).token_requests, 1);
    free(callback);
    world_free(w);
}

static void a_cancelled_finish_leaves_nothing_behind(void **state) {
    world *w = world_new(NULL);
    ts_server *server = world_server(w);
    char *callback = begun_callback(w), *issued;
    finisher f = {.world = w, .callback = callback};

    (void)state;
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    assert_int_equal(pthread_create(&f.thread, NULL, finisher_main, &f), 0);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, WORLD_PATIENCE_MS));
    tacit_sign_in_cancel(world_session(w));
    pthread_join(f.thread, NULL);
    assert_int_equal(f.status, TACIT_ERR_CANCELLED);
    issued = server_newest_refresh_token(server);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    assert_true(server_wait_counter(server, TS_COUNTER(revocations), 1, WORLD_PATIENCE_MS));

    assert_false(server_refresh_token_is_live(server, issued));
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    free(issued);
    free(callback);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_calls_sign_in),
        cmocka_unit_test(a_fragment_does_not_belong_to_the_query),
        cmocka_unit_test(a_replayed_callback_is_refused),
        cmocka_unit_test(what_does_not_belong_to_it_ends_nothing),
        cmocka_unit_test(the_next_begin_replaces_the_one_before),
        cmocka_unit_test(the_users_no_ends_what_was_begun),
        cmocka_unit_test(another_sign_in_is_not_held_up_and_ends_it),
        cmocka_unit_test(cancelling_and_signing_out_end_it),
        cmocka_unit_test(each_session_has_its_own),
        cmocka_unit_test(closing_ends_it),
        cmocka_unit_test(one_callback_is_redeemed_once),
        cmocka_unit_test(a_cancelled_finish_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
