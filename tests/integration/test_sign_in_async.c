/* Sign-in and sign-out without waiting: done comes once, whatever happens in between. */
#include "support/browser.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

/* ------------------------------------------------------------------ what done got */

typedef struct outcome {
    atomic_int count;
    atomic_bool with_response;
    tacit_error error; /* written before the count */
    pthread_t thread;  /* that called */
    bool unref;        /* gives up the call in done */
} outcome;

static void on_done(tacit_call *call, tacit_response *response, const tacit_error *error,
                    void *data) {
    outcome *o = data;

    if (response != NULL) atomic_store(&o->with_response, true);
    if (error != NULL) o->error = *error;
    o->thread = pthread_self();
    if (o->unref) {
        tacit_call_cancel(call); /* too late, and harmless */
        tacit_call_unref(call);
    }
    atomic_fetch_add(&o->count, 1);
}

static bool is_done(void *data) {
    return atomic_load(&((outcome *)data)->count) > 0;
}

static void await_done(outcome *o, tacit_status expected) {
    world_wait(is_done, o, "done is called");
    if (o->error.status != expected)
        fail_msg("%s: %s", tacit_status_name(o->error.status), o->error.message);
    assert_false(atomic_load(&o->with_response));
}

/* Nothing can come any more: no thread of the client is left. */
static void end_world(world *w, const outcome *o) {
    assert_int_equal(tacit_client_shutdown(world_client(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(atomic_load(&o->count), 1);
    world_free(w);
}

/* ------------------------------------------------------------------ the grants */

static tacit_sign_in_options password_options(const char *password) {
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;

    o.username = "alice";
    o.password = password;
    return o;
}

static tacit_sign_in_options browser_options(browser *b) {
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;

    o.open_url = browser_open;
    o.user_data = b;
    return o;
}

static tacit_call *begin(world *w, tacit_grant grant, const tacit_sign_in_options *options,
                         outcome *o) {
    tacit_error error;
    tacit_call *call = tacit_sign_in_async(world_session(w), grant, options, on_done, o, &error);

    if (call == NULL) fail_msg("%s", error.message);
    assert_int_equal(error.status, TACIT_OK);
    return call;
}

static void signs_in(world *w, tacit_grant grant, const tacit_sign_in_options *options) {
    outcome o = {.count = 0};
    tacit_call *call = begin(w, grant, options, &o);

    await_done(&o, TACIT_OK);
    assert_int_equal(world_get(w, "/api/x"), 200);
    tacit_call_cancel(call); /* it is over */
    tacit_call_unref(call);
    assert_int_equal(world_get(w, "/api/x"), 200);
    end_world(w, &o);
}

static void a_password_signs_in(void **state) {
    tacit_sign_in_options o = password_options("wonderland");

    (void)state;
    signs_in(world_new(NULL), TACIT_GRANT_PASSWORD, &o);
}

static void a_browser_signs_in(void **state) {
    browser *b = browser_new(BROWSER_SIGNS_IN);
    tacit_sign_in_options o = browser_options(b);

    (void)state;
    signs_in(world_new(NULL), TACIT_GRANT_BROWSER, &o);
    browser_free(b);
}

static void approve(const char *user_code, const char *uri, const char *uri_complete,
                    int expires_in_s, void *server) {
    (void)uri, (void)uri_complete, (void)expires_in_s;
    server_device_approve(server, user_code);
}

static void a_device_signs_in(void **state) {
    ts_options fast = TS_OPTIONS_INIT;
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;
    world *w;

    (void)state;
    fast.device_interval = "1";
    w = world_new(&(world_options){.server = &fast});
    o.device_prompt = approve;
    o.user_data = world_server(w);
    signs_in(w, TACIT_GRANT_DEVICE_CODE, &o);
}

static void a_client_signs_in(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    tacit_session_options session = TACIT_SESSION_OPTIONS_INIT;

    (void)state;
    options.client_auth = TS_CLIENT_AUTH_POST;
    session.client_secret = "test-secret";
    signs_in(world_new(&(world_options){.server = &options, .session = session}),
             TACIT_GRANT_CLIENT_CREDENTIALS, NULL);
}

/* ------------------------------------------------------------------ what it takes, and what it answers */

static void options_are_copied(void **state) {
    char username[] = "alice", password[] = "wonderland", scope[] = "mail", param[] = "x=y";
    const char *params[] = {param, NULL};
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;
    world *w = world_new(NULL);
    outcome result = {.count = 0};
    ts_record record;
    tacit_call *call;

    (void)state;
    o.username = username;
    o.password = password;
    o.scope = scope;
    o.params = params;
    server_gate_close(world_server(w), TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    call = begin(w, TACIT_GRANT_PASSWORD, &o, &result);
    memset(username, '#', sizeof username - 1);
    memset(password, '#', sizeof password - 1);
    memset(scope, '#', sizeof scope - 1);
    memset(param, '#', sizeof param - 1);
    params[0] = NULL;
    memset(&o, 0x5a, sizeof o);
    server_gate_open(world_server(w), TS_TOKEN_ENDPOINT);
    await_done(&result, TACIT_OK);

    assert_true(server_record(world_server(w), TS_TOKEN_ENDPOINT, 0, &record));
    assert_non_null(strstr(record.body, "username=alice"));
    assert_non_null(strstr(record.body, "scope=mail"));
    assert_non_null(strstr(record.body, "x=y"));
    assert_null(strchr(record.body, '#'));
    server_record_free(&record);
    tacit_call_unref(call);
    end_world(w, &result);
}

static void what_goes_wrong_is_told(void **state) {
    world *w = signed_in(NULL);
    tacit_sign_in_options o = password_options("wrong");
    outcome result = {.count = 0};
    tacit_call *call = begin(w, TACIT_GRANT_PASSWORD, &o, &result);

    (void)state;
    await_done(&result, TACIT_ERR_OAUTH);
    assert_string_equal(result.error.oauth_error, "invalid_grant");
    assert_int_equal(world_get(w, "/api/x"), 200); /* the earlier one stays */
    tacit_call_unref(call);
    end_world(w, &result);
}

static void the_handle_may_be_given_up_at_any_time(void **state) {
    world *w = world_new(NULL);
    tacit_sign_in_options o = password_options("wonderland");
    outcome before = {.count = 0}, inside = {.unref = true};

    (void)state;
    tacit_call_unref(begin(w, TACIT_GRANT_PASSWORD, &o, &before));
    await_done(&before, TACIT_OK);
    begin(w, TACIT_GRANT_PASSWORD, &o, &inside);
    await_done(&inside, TACIT_OK);

    assert_int_equal(atomic_load(&before.count), 1);
    end_world(w, &inside);
}

static void a_call_counts_while_it_runs(void **state) {
    world *w = world_new(NULL);
    browser *b = browser_new(BROWSER_LEAVES);
    tacit_sign_in_options o = browser_options(b);
    tacit_client_stats stats = TACIT_CLIENT_STATS_INIT;
    outcome result = {.count = 0};
    tacit_call *call = begin(w, TACIT_GRANT_BROWSER, &o, &result);

    (void)state;
    browser_url(b);
    tacit_client_get_stats(world_client(w), &stats);
    assert_int_equal(stats.calls_running, 1);
    tacit_call_cancel(call);
    await_done(&result, TACIT_ERR_CANCELLED);
    tacit_client_get_stats(world_client(w), &stats);

    assert_int_equal(stats.calls_running, 0);
    tacit_call_unref(call);
    end_world(w, &result);
    browser_free(b);
}

/* ------------------------------------------------------------------ cancel */

/* However early it comes. The first may have been sent; the others wait behind it, or are not even queued. */
static void a_cancelled_call_never_signs_in(void **state) {
    world *w = world_new(NULL);
    tacit_sign_in_options o = password_options("wonderland");

    (void)state;
    server_gate_close(world_server(w), TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    for (int i = 0; i < 100; i++) {
        outcome result = {.count = 0};
        tacit_call *call = begin(w, TACIT_GRANT_PASSWORD, &o, &result);

        tacit_call_cancel(call);
        tacit_call_cancel(call);
        await_done(&result, TACIT_ERR_CANCELLED);
        assert_int_equal(atomic_load(&result.count), 1);
        tacit_call_unref(call);
    }
    server_gate_open(world_server(w), TS_TOKEN_ENDPOINT);

    assert_int_equal(world_event_count(w, TACIT_EVENT_SIGNED_IN), 0);
    world_sign_in(w); /* and nothing is in the way */
    world_free(w);
}

static void cancel_meets_its_own_call_alone(void **state) {
    world *w = world_new(NULL);
    browser *b = browser_new(BROWSER_LEAVES);
    tacit_sign_in_options by_browser = browser_options(b);
    tacit_sign_in_options by_password = password_options("wonderland");
    outcome first = {.count = 0}, second = {.count = 0};
    tacit_call *one = begin(w, TACIT_GRANT_BROWSER, &by_browser, &first), *two;

    (void)state;
    browser_url(b);
    two = begin(w, TACIT_GRANT_PASSWORD, &by_password, &second);
    await_done(&second, TACIT_ERR_BUSY);
    tacit_call_cancel(two);
    look_a_while();
    assert_false(is_done(&first));
    tacit_call_cancel(one);

    await_done(&first, TACIT_ERR_CANCELLED);
    tacit_call_unref(one);
    tacit_call_unref(two);
    end_world(w, &first);
    browser_free(b);
}

static void sign_in_cancel_ends_a_call_too(void **state) {
    world *w = world_new(NULL);
    browser *b = browser_new(BROWSER_LEAVES);
    tacit_sign_in_options o = browser_options(b);
    outcome result = {.count = 0};
    tacit_call *call = begin(w, TACIT_GRANT_BROWSER, &o, &result);

    (void)state;
    browser_url(b);
    tacit_sign_in_cancel(world_session(w));

    await_done(&result, TACIT_ERR_CANCELLED);
    tacit_call_unref(call);
    end_world(w, &result);
    browser_free(b);
}

/* ------------------------------------------------------------------ the end of session and client */

static void closing_the_session_ends_its_calls(void **state) {
    world *w = world_new(NULL);
    browser *b = browser_new(BROWSER_LEAVES);
    tacit_sign_in_options o = browser_options(b);
    outcome result = {.count = 0};
    tacit_call *call = begin(w, TACIT_GRANT_BROWSER, &o, &result);

    (void)state;
    browser_url(b);
    assert_int_equal(world_close(w, PATIENCE_MS), TACIT_OK);

    await_done(&result, TACIT_ERR_CLOSED);
    tacit_call_cancel(call); /* its session may be gone */
    tacit_call_unref(call);
    end_world(w, &result);
    browser_free(b);
}

static void shutting_down_ends_every_call(void **state) {
    world *w = world_new(NULL);
    browser *b = browser_new(BROWSER_LEAVES);
    tacit_sign_in_options o = browser_options(b);
    outcome result = {.count = 0};
    tacit_call *call = begin(w, TACIT_GRANT_BROWSER, &o, &result);

    (void)state;
    browser_url(b);
    assert_int_equal(tacit_client_shutdown(world_client(w), PATIENCE_MS, NULL), TACIT_OK);

    assert_int_equal(atomic_load(&result.count), 1); /* by then */
    assert_int_equal(result.error.status, TACIT_ERR_CLOSED);
    tacit_call_unref(call);
    world_free(w);
    browser_free(b);
}

/* A prompt that hangs: held until the test lets it go. */
typedef struct stuck {
    atomic_bool inside, let_go;
} stuck;

static void hang(const char *user_code, const char *uri, const char *uri_complete, int expires_in_s,
                 void *data) {
    stuck *s = data;

    (void)user_code, (void)uri, (void)uri_complete, (void)expires_in_s;
    atomic_store(&s->inside, true);
    while (!atomic_load(&s->let_go)) look_a_while();
}

static bool is_inside(void *data) {
    return atomic_load(&((stuck *)data)->inside);
}

static void a_callback_that_hangs_holds_shutdown_until_its_deadline_only(void **state) {
    world *w = world_new(NULL);
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;
    outcome result = {.count = 0};
    stuck s = {.inside = false};
    tacit_call *call;

    (void)state;
    o.device_prompt = hang;
    o.user_data = &s;
    call = begin(w, TACIT_GRANT_DEVICE_CODE, &o, &result);
    world_wait(is_inside, &s, "the prompt is shown");
    assert_int_equal(tacit_client_shutdown(world_client(w), 50, NULL), TACIT_ERR_TIMEOUT);
    assert_false(is_done(&result));
    atomic_store(&s.let_go, true);
    await_done(&result, TACIT_ERR_CLOSED);

    tacit_call_unref(call);
    end_world(w, &result);
}

static void a_closed_session_takes_no_call(void **state) {
    world *w = world_new(NULL);
    tacit_session *session = tacit_session_ref(world_session(w));
    tacit_sign_in_options o = password_options("wonderland");
    outcome result = {.count = 0};
    tacit_error error;

    (void)state;
    world_close(w, PATIENCE_MS);
    assert_null(tacit_sign_in_async(session, TACIT_GRANT_PASSWORD, &o, on_done, &result, &error));
    assert_int_equal(error.status, TACIT_ERR_CLOSED);
    assert_null(tacit_sign_out_async(session, -1, on_done, &result, &error));
    assert_int_equal(error.status, TACIT_ERR_CLOSED);
    tacit_session_unref(session);
    world_free(w);

    assert_int_equal(atomic_load(&result.count), 0);
}

/* ------------------------------------------------------------------ where done runs */

typedef struct loop {
    pthread_mutex_t lock;
    void (*run)(void *job);
    void *job; /* one at a time is posted */
} loop;

static bool post(void (*run)(void *job), void *job, void *data) {
    loop *l = data;

    pthread_mutex_lock(&l->lock);
    l->run = run;
    l->job = job;
    pthread_mutex_unlock(&l->lock);
    return true;
}

static bool runs_something(void *data) {
    loop *l = data;
    void (*run)(void *job);
    void *job;

    pthread_mutex_lock(&l->lock);
    run = l->run;
    job = l->job;
    l->run = NULL;
    pthread_mutex_unlock(&l->lock);
    if (run != NULL) run(job);
    return run != NULL;
}

static loop the_loop = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_done_by_the_loop(void *data) {
    runs_something(&the_loop);
    return is_done(data);
}

static void done_runs_on_the_apps_loop(void **state) {
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;
    tacit_sign_in_options o = password_options("wonderland");
    outcome result = {.count = 0};
    tacit_call *call;
    world *w;

    (void)state;
    client.post = post;
    client.post_data = &the_loop;
    w = world_new(&(world_options){.client = client});
    call = begin(w, TACIT_GRANT_PASSWORD, &o, &result);
    world_wait(is_done_by_the_loop, &result, "the loop runs done");
    assert_true(pthread_equal(result.thread, pthread_self()));
    assert_int_equal(result.error.status, TACIT_OK);

    tacit_call_unref(call);
    assert_int_equal(tacit_client_shutdown(world_client(w), PATIENCE_MS, NULL), TACIT_OK);
    world_free(w);
    runs_something(&the_loop);
}

typedef struct from_event {
    outcome outcome;
    atomic_bool started;
} from_event;

static void sign_in_from_an_event(tacit_session *session, const tacit_event *event, void *data) {
    from_event *f = data;
    tacit_sign_in_options o = password_options("wonderland");

    if (event->type != TACIT_EVENT_LOADED) return;
    tacit_call_unref(
        tacit_sign_in_async(session, TACIT_GRANT_PASSWORD, &o, on_done, &f->outcome, NULL));
}

static void a_callback_of_the_library_may_begin_one(void **state) {
    world *w = world_new(NULL);
    tacit_session_options o = TACIT_SESSION_OPTIONS_INIT;
    from_event f = {.started = false};
    tacit_session *session;

    (void)state;
    o.client_id = "test-client";
    o.account = "another";
    o.store = world_store(w);
    o.on_event = sign_in_from_an_event;
    o.event_data = &f;
    session = tacit_session_open(world_client(w), world_provider(w), &o, NULL);
    await_done(&f.outcome, TACIT_OK);

    assert_int_equal(tacit_session_get_state(session), TACIT_STATE_SIGNED_IN);
    tacit_session_close(session, PATIENCE_MS);
    end_world(w, &f.outcome);
}

/* ------------------------------------------------------------------ sign-out */

static tacit_call *begin_sign_out(world *w, outcome *o) {
    tacit_call *call =
        tacit_sign_out_async(world_session(w), TACIT_TIMEOUT_DEFAULT, on_done, o, NULL);

    assert_non_null(call);
    return call;
}

static bool both_are_revoked(void *server) {
    return server_counters(server).live_refresh_tokens == 0 &&
           server_counters(server).live_access_tokens == 0;
}

static void sign_out_takes_effect_before_it_returns(void **state) {
    world *w = signed_in(NULL);
    outcome o = {.count = 0};
    tacit_call *call = begin_sign_out(w, &o);

    (void)state;
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    await_done(&o, TACIT_OK);
    assert_true(both_are_revoked(world_server(w)));
    tacit_call_unref(call);
    o = (outcome){.count = 0};
    call = begin_sign_out(w, &o); /* signed out already */
    await_done(&o, TACIT_OK);

    tacit_call_unref(call);
    end_world(w, &o);
}

static void closing_at_once_does_not_lose_the_sign_out(void **state) {
    world *w = signed_in(NULL);
    outcome o = {.count = 0};
    tacit_call *call = begin_sign_out(w, &o);

    (void)state;
    world_close(w, PATIENCE_MS);
    world_wait(is_done, &o, "done is called");

    assert_true(both_are_revoked(world_server(w))); /* the close waited for it */
    tacit_call_unref(call);
    end_world(w, &o);
}

/* Neither the sign-out itself, nor a sign-in that has begun meanwhile. */
static void cancelling_a_sign_out_ends_the_wait_alone(void **state) {
    world *w = signed_in(NULL);
    browser *b = browser_new(BROWSER_LEAVES);
    tacit_sign_in_options by_browser = browser_options(b);
    outcome out = {.count = 0}, in = {.count = 0};
    tacit_call *leaving, *coming;

    (void)state;
    server_gate_close(world_server(w), TS_REVOCATION, TS_BEFORE_PROCESSING);
    leaving = begin_sign_out(w, &out);
    assert_true(server_gate_waiters(world_server(w), TS_REVOCATION, 1, PATIENCE_MS));
    coming = begin(w, TACIT_GRANT_BROWSER, &by_browser, &in);
    browser_url(b);
    tacit_call_cancel(leaving);
    await_done(&out, TACIT_ERR_CANCELLED);
    look_a_while();
    assert_false(is_done(&in));
    assert_false(both_are_revoked(world_server(w)));
    server_gate_open(world_server(w), TS_REVOCATION);
    world_wait(both_are_revoked, world_server(w), "both tokens are revoked");
    tacit_call_cancel(coming);
    await_done(&in, TACIT_ERR_CANCELLED);

    tacit_call_unref(leaving);
    tacit_call_unref(coming);
    end_world(w, &out);
    browser_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_signs_in),
        cmocka_unit_test(a_browser_signs_in),
        cmocka_unit_test(a_device_signs_in),
        cmocka_unit_test(a_client_signs_in),
        cmocka_unit_test(options_are_copied),
        cmocka_unit_test(what_goes_wrong_is_told),
        cmocka_unit_test(the_handle_may_be_given_up_at_any_time),
        cmocka_unit_test(a_call_counts_while_it_runs),
        cmocka_unit_test(a_cancelled_call_never_signs_in),
        cmocka_unit_test(cancel_meets_its_own_call_alone),
        cmocka_unit_test(sign_in_cancel_ends_a_call_too),
        cmocka_unit_test(closing_the_session_ends_its_calls),
        cmocka_unit_test(shutting_down_ends_every_call),
        cmocka_unit_test(a_callback_that_hangs_holds_shutdown_until_its_deadline_only),
        cmocka_unit_test(a_closed_session_takes_no_call),
        cmocka_unit_test(done_runs_on_the_apps_loop),
        cmocka_unit_test(a_callback_of_the_library_may_begin_one),
        cmocka_unit_test(sign_out_takes_effect_before_it_returns),
        cmocka_unit_test(closing_at_once_does_not_lose_the_sign_out),
        cmocka_unit_test(cancelling_a_sign_out_ends_the_wait_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
