/* The part of a sign-in that waits for somebody: one at a time, and over at once when it is called off. */
#include "support/browser.h"
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include "session/attempt.h"
#include "session/job.h"
#include "session/session.h"

#include <pthread.h>
#include <stdlib.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

/* A sign-in by a browser whose user never comes back, on a thread of its own. */
typedef struct visit {
    pthread_t thread;
    tacit_session *session;
    browser *browser;
    tacit_error error;
} visit;

static void *visit_main(void *data) {
    visit *v = data;
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;

    o.open_url = browser_open;
    o.user_data = v->browser;
    tacit_sign_in_with_browser(v->session, &o, &v->error);
    return NULL;
}

static void start_visit(visit *v, tacit_session *session) {
    v->session = session;
    v->browser = browser_new(BROWSER_LEAVES);
    assert_int_equal(pthread_create(&v->thread, NULL, visit_main, v), 0);
}

static void await_page(visit *v) {
    assert_non_null(browser_url(v->browser));
}

static void begin_visit(visit *v, tacit_session *session) {
    start_visit(v, session);
    await_page(v);
}

static void end_visit(visit *v, tacit_status expected) {
    pthread_join(v->thread, NULL);
    if (v->error.status != expected)
        fail_msg("%s: %s", tacit_status_name(v->error.status), v->error.message);
    browser_free(v->browser);
}

static void by_password(world *w, tacit_status expected) {
    assert_int_equal(
        tacit_sign_in_with_password(world_session(w), "alice", "wonderland", NULL, NULL), expected);
}

/* ------------------------------------------------------------------ one at a time */

static void an_attempt_is_in_the_way_of_every_other_sign_in(void **state) {
    world *w = world_new(NULL);
    tacit_session *session = world_session(w);
    tacit_session *other = world_open(w, NULL, "mail");
    visit v;

    (void)state;
    begin_visit(&v, session);
    by_password(w, TACIT_ERR_BUSY);
    assert_int_equal(tacit_sign_in_with_tokens(session, "a", 60, "r", NULL), TACIT_ERR_BUSY);
    assert_int_equal(tacit_sign_in_with_browser(session, NULL, NULL), TACIT_ERR_BUSY);
    assert_int_equal(tacit_sign_in_with_password(other, "alice", "wonderland", NULL, NULL),
                     TACIT_ERR_BUSY); /* the same identity */
    tacit_sign_in_cancel(session);
    end_visit(&v, TACIT_ERR_CANCELLED);

    assert_int_equal(server_counters(world_server(w)).token_requests, 0);
    by_password(w, TACIT_OK); /* not busy any more */
    tacit_session_close(other, PATIENCE_MS);
    world_free(w);
}

static void *password_main(void *data) {
    by_password(data, TACIT_OK);
    return NULL;
}

static void a_job_is_in_the_way_of_an_attempt(void **state) {
    world *w = world_new(NULL);
    pthread_t thread;
    visit v;

    (void)state;
    server_gate_close(world_server(w), TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    assert_int_equal(pthread_create(&thread, NULL, password_main, w), 0);
    assert_true(server_gate_waiters(world_server(w), TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    start_visit(&v, world_session(w));
    end_visit(&v, TACIT_ERR_BUSY);
    server_gate_open(world_server(w), TS_TOKEN_ENDPOINT);
    pthread_join(thread, NULL);

    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
}

/* One that was cancelled is in nobody's way, even before its thread has left. */
static void a_cancelled_attempt_makes_room_at_once(void **state) {
    world *w = world_new(NULL);
    ti_attempt first = {.caller = NULL}, second = {.caller = NULL};
    tacit_error error;

    (void)state;
    assert_true(ti_session_enter(world_session(w), NULL));
    assert_int_equal(ti_attempt_begin(world_session(w), &first, &error), TACIT_OK);
    assert_int_equal(ti_attempt_begin(world_session(w), &second, &error), TACIT_ERR_BUSY);
    tacit_sign_in_cancel(world_session(w));
    assert_int_equal(ti_attempt_begin(world_session(w), &second, &error), TACIT_OK);
    ti_attempt_end(world_session(w), &first);

    assert_int_equal(ti_attempt_why(world_session(w), &first, &error), TACIT_ERR_CANCELLED);
    assert_int_equal(ti_attempt_why(world_session(w), &second, &error), TACIT_OK);
    by_password(w, TACIT_ERR_BUSY); /* the end of the first was not that of the second */
    ti_attempt_end(world_session(w), &second);
    by_password(w, TACIT_OK);
    ti_session_leave(world_session(w));
    world_free(w);
}

/* ------------------------------------------------------------------ called off */

static void cancelling_leaves_the_earlier_sign_in(void **state) {
    world *w = signed_in(NULL);
    visit v;

    (void)state;
    begin_visit(&v, world_session(w));
    tacit_sign_in_cancel(world_session(w));
    end_visit(&v, TACIT_ERR_CANCELLED);

    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(server_counters(world_server(w)).revocation_requests, 0);
    world_free(w);
}

static void cancelling_ends_an_exchange_that_is_blocked(void **state) {
    world *w = world_new(&(world_options){.from_issuer = true});
    visit v;

    (void)state;
    server_gate_close(world_server(w), TS_METADATA, TS_BEFORE_ANSWER);
    start_visit(&v, world_session(w));
    assert_true(server_gate_waiters(world_server(w), TS_METADATA, 1, PATIENCE_MS));
    tacit_sign_in_cancel(world_session(w));
    end_visit(&v, TACIT_ERR_CANCELLED); /* while the server still holds it */

    server_gate_open(world_server(w), TS_METADATA);
    world_free(w);
}

static void closing_the_session_ends_its_attempt(void **state) {
    world *w = world_new(NULL);
    visit v;

    (void)state;
    begin_visit(&v, world_session(w));
    assert_int_equal(world_close(w, PATIENCE_MS), TACIT_OK); /* which waits for the caller */
    end_visit(&v, TACIT_ERR_CLOSED);

    world_free(w);
}

static void closing_another_session_does_not(void **state) {
    world *w = world_new(NULL);
    tacit_session *other = world_open(w, NULL, "mail");
    visit v;

    (void)state;
    begin_visit(&v, world_session(w));
    assert_int_equal(tacit_session_close(other, PATIENCE_MS), TACIT_OK);
    by_password(w, TACIT_ERR_BUSY);
    tacit_sign_in_cancel(world_session(w));

    end_visit(&v, TACIT_ERR_CANCELLED);
    world_free(w);
}

static void shutting_down_ends_it(void **state) {
    world *w = world_new(NULL);
    visit v;

    (void)state;
    begin_visit(&v, world_session(w));
    assert_int_equal(tacit_client_shutdown(world_client(w), PATIENCE_MS, NULL), TACIT_OK);

    end_visit(&v, TACIT_ERR_CLOSED);
    world_free(w);
}

/* Also where there was nobody to sign out, and of whichever session. */
static void signing_out_ends_it(void **state) {
    world *w = world_new(NULL);
    tacit_session *other = world_open(w, NULL, "mail");
    visit v;

    (void)state;
    world_wait_event(w, TACIT_EVENT_LOADED, 2);
    begin_visit(&v, world_session(w));
    assert_int_equal(tacit_sign_out(other, PATIENCE_MS, NULL), TACIT_OK);
    end_visit(&v, TACIT_ERR_SIGNED_OUT);
    world_sign_in(w);
    begin_visit(&v, world_session(w));
    assert_int_equal(tacit_sign_out(other, PATIENCE_MS, NULL), TACIT_OK);
    end_visit(&v, TACIT_ERR_SIGNED_OUT);

    tacit_session_close(other, PATIENCE_MS);
    world_free(w);
}

/* ------------------------------------------------------------------ on a thread of the library */

typedef struct event_sign_in {
    atomic_int status;
} event_sign_in;

static void sign_in_from_an_event(tacit_session *session, const tacit_event *event, void *data) {
    tacit_status status;

    if (event->type != TACIT_EVENT_LOADED) return;
    status = tacit_sign_in_with_browser(session, NULL, NULL);
    atomic_store(&((event_sign_in *)data)->status, (int)status);
}

static bool has_answer(void *data) {
    return atomic_load(&((event_sign_in *)data)->status) >= 0;
}

static void a_thread_of_the_library_does_not_wait_for_a_browser(void **state) {
    world *w = world_new(NULL);
    tacit_session_options o = TACIT_SESSION_OPTIONS_INIT;
    event_sign_in in = {-1};
    tacit_session *session;

    (void)state;
    o.client_id = "test-client";
    o.account = "another";
    o.store = world_store(w);
    o.on_event = sign_in_from_an_event;
    o.event_data = &in;
    session = tacit_session_open(world_client(w), world_provider(w), &o, NULL);
    world_wait(has_answer, &in, "the event's sign-in has an answer");

    assert_int_equal(atomic_load(&in.status), TACIT_ERR_REENTRANT);
    tacit_session_close(session, PATIENCE_MS);
    world_free(w);
}

/* ------------------------------------------------------------------ its job */

typedef struct granted {
    ts_server *server;
    tacit_session *session;
    char *access, *refresh;
    ti_attempt attempt;
    ti_job *job; /* that signs in with these */
} granted;

/* What a device's last poll brings. */
static void begin_granted(granted *g, world *w) {
    *g = (granted){.server = world_server(w), .session = world_session(w)};

    assert_true(ti_session_enter(g->session, NULL));
    assert_int_equal(ti_attempt_begin(g->session, &g->attempt, NULL), TACIT_OK);
    g->refresh = server_sign_in(g->server, "alice", NULL, &g->access);
    g->job = ti_job_new(TI_JOB_ANSWER);
    assert_non_null(g->job);
    g->job->answer = (ti_token_response){.access_token = ti_secret_from_string(g->access),
                                         .refresh_token = ti_secret_from_string(g->refresh),
                                         .type = "Bearer",
                                         .lifetime_s = 3600,
                                         .refresh_in_s = -1,
                                         .refresh_lifetime_s = -1};
    g->job->sent_boot_ms = ti_clock_boot_ms(ti_session_clock(g->session));
}

static tacit_status submit(granted *g) {
    return ti_job_sign_in_attempted(g->session, &g->attempt, g->job,
                                    ti_session_deadline(g->session, PATIENCE_MS), NULL);
}

static void leave(granted *g) {
    ti_session_leave(g->session);
}

static void free_granted(granted *g) {
    free(g->access);
    free(g->refresh);
}

static bool is_revoked(void *data) {
    granted *g = data;

    return !server_refresh_token_is_live(g->server, g->refresh);
}

static void what_an_attempt_obtained_signs_in(void **state) {
    world *w = world_new(NULL);
    granted g;

    (void)state;
    begin_granted(&g, w);
    assert_int_equal(submit(&g), TACIT_OK);
    leave(&g);

    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(server_counters(world_server(w)).token_requests, 0);
    by_password(w, TACIT_OK);
    free_granted(&g);
    world_free(w);
}

static void what_a_cancelled_attempt_obtained_is_revoked(void **state) {
    world *w = world_new(NULL);
    granted g;

    (void)state;
    begin_granted(&g, w);
    tacit_sign_in_cancel(world_session(w));
    assert_int_equal(submit(&g), TACIT_ERR_CANCELLED);
    leave(&g);

    world_wait(is_revoked, &g, "what was granted is revoked");
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    free_granted(&g);
    world_free(w);
}

static void *close_main(void *data) {
    assert_int_equal(world_close(data, PATIENCE_MS), TACIT_OK);
    return NULL;
}

static bool is_over(void *data) {
    return atomic_load(&((granted *)data)->attempt.over);
}

/* And the close waits for that, as it does for a grant. */
static void what_a_closed_session_obtained_is_revoked(void **state) {
    world *w = world_new(NULL);
    granted g;
    pthread_t thread;

    (void)state;
    world_wait_event(w, TACIT_EVENT_LOADED, 1);
    begin_granted(&g, w);
    assert_int_equal(pthread_create(&thread, NULL, close_main, w), 0);
    world_wait(is_over, &g, "the attempt is over");
    assert_int_equal(submit(&g), TACIT_ERR_CLOSED);
    leave(&g);
    pthread_join(thread, NULL);

    assert_true(is_revoked(&g));
    free_granted(&g);
    world_free(w);
}

typedef struct submission {
    pthread_t thread;
    granted *granted;
    tacit_status status;
} submission;

static void *submit_main(void *data) {
    submission *s = data;

    s->status = submit(s->granted);
    return NULL;
}

/* No other sign-in comes between an attempt and its job; and a sign-out still ends it there. */
static void the_job_takes_the_place_of_its_attempt(void **state) {
    fake_store *store = fake_store_new();
    world *w = world_new(&(world_options){.store = fake_store_handle(store)});
    granted g;
    submission s = {.granted = &g};

    (void)state;
    world_wait_event(w, TACIT_EVENT_LOADED, 1);
    begin_granted(&g, w);
    fake_store_gate_close(store, FAKE_SAVE);
    assert_int_equal(pthread_create(&s.thread, NULL, submit_main, &s), 0);
    assert_true(fake_store_gate_waiter(store, FAKE_SAVE));
    by_password(w, TACIT_ERR_BUSY);
    assert_int_equal(tacit_sign_out(world_session(w), TACIT_NO_WAIT, NULL), TACIT_ERR_TIMEOUT);
    fake_store_gate_open(store, FAKE_SAVE);
    pthread_join(s.thread, NULL);
    leave(&g);

    assert_int_equal(s.status, TACIT_ERR_SIGNED_OUT);
    world_wait(is_revoked, &g, "what was granted is revoked");
    free_granted(&g);
    world_free(w);
    fake_store_free(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_attempt_is_in_the_way_of_every_other_sign_in),
        cmocka_unit_test(a_job_is_in_the_way_of_an_attempt),
        cmocka_unit_test(a_cancelled_attempt_makes_room_at_once),
        cmocka_unit_test(cancelling_leaves_the_earlier_sign_in),
        cmocka_unit_test(cancelling_ends_an_exchange_that_is_blocked),
        cmocka_unit_test(closing_the_session_ends_its_attempt),
        cmocka_unit_test(closing_another_session_does_not),
        cmocka_unit_test(shutting_down_ends_it),
        cmocka_unit_test(signing_out_ends_it),
        cmocka_unit_test(a_thread_of_the_library_does_not_wait_for_a_browser),
        cmocka_unit_test(what_an_attempt_obtained_signs_in),
        cmocka_unit_test(what_a_cancelled_attempt_obtained_is_revoked),
        cmocka_unit_test(what_a_closed_session_obtained_is_revoked),
        cmocka_unit_test(the_job_takes_the_place_of_its_attempt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
