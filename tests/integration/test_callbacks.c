/* What callbacks may do: what need not wait works inside them, all else answers REENTRANT (R10). */
#include "support/fake_store.h"
#include "support/sending.h"
#include "support/unit.h"

#include <stdatomic.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

/* ------------------------------------------------------------------ inside on_event */

typedef struct visitor {
    world *world;
    tacit_event_type at; /* visits at the first event of this type */
    void (*visit)(tacit_session *session, void *data);
    void *data;
    atomic_bool visited;
    atomic_int events_after, releases;
} visitor;

static void visit_at_event(tacit_session *session, const tacit_event *event, void *data) {
    visitor *v = data;

    if (atomic_load(&v->visited)) {
        atomic_fetch_add(&v->events_after, 1);
    } else if (event->type == v->at) {
        v->visit(session, v->data);
        atomic_store(&v->visited, true);
    }
}

static void released(void *data) {
    atomic_fetch_add(&((visitor *)data)->releases, 1);
}

static bool is_visited(void *data) {
    return atomic_load(&((visitor *)data)->visited);
}

static bool is_released(void *data) {
    return atomic_load(&((visitor *)data)->releases) > 0;
}

static tacit_session_options visited_by(visitor *v) {
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;

    options.on_event = visit_at_event;
    options.event_data = v;
    options.event_release = released;
    return options;
}

typedef struct answers {
    const char *url;
    tacit_client *client;
    tacit_status token_at_hand, get, send, renew, refresh, by_password, by_refresh_token, by_tokens,
        sign_out, shutdown, load;
    tacit_session_state state;
} answers;

static void call_everything(tacit_session *session, void *data) {
    answers *a = data;
    tacit_request request = request_to(a->url);
    tacit_response *response;
    tacit_token *token, *newer;
    tacit_error error;

    a->load = tacit_session_load(session, 1000, &a->state, &error);
    a->token_at_hand = tacit_session_token(session, 0, TACIT_NO_WAIT, &token, &error);
    a->get = tacit_get(session, a->url, &response, &error);
    a->send = tacit_send(session, &request, &response, &error);
    a->by_password = tacit_sign_in_with_password(session, "alice", "wonderland", NULL, &error);
    a->by_refresh_token = tacit_sign_in_with_refresh_token(session, "r", NULL, &error);
    a->by_tokens = tacit_sign_in_with_tokens(session, "a", 60, "r", &error);
    a->sign_out = tacit_sign_out(session, 1000, &error);
    a->renew = tacit_session_renew(session, token, 1000, &newer, &error);
    tacit_token_unref(token);
    a->refresh = tacit_session_refresh(session, 1000, &error);
}

/* R10 */
static void what_would_wait_is_reentrant_inside_an_event(void **state) {
    answers a = {.state = TACIT_STATE_UNKNOWN};
    visitor v = {.at = TACIT_EVENT_SIGNED_IN, .visit = call_everything, .data = &a};
    world *w = world_new(&(world_options){.session = visited_by(&v)});

    (void)state;
    a.url = server_url(world_server(w), "/api/x");
    world_sign_in(w);
    world_wait(is_visited, &v, "the event is over");

    assert_int_equal(a.load, TACIT_OK); /* nothing to wait for */
    assert_int_equal(a.state, TACIT_STATE_SIGNED_IN);
    assert_int_equal(a.token_at_hand, TACIT_OK);
    assert_int_equal(a.get, TACIT_ERR_REENTRANT);
    assert_int_equal(a.send, TACIT_ERR_REENTRANT);
    assert_int_equal(a.renew, TACIT_ERR_REENTRANT);
    assert_int_equal(a.refresh, TACIT_ERR_REENTRANT);
    assert_int_equal(a.by_password, TACIT_ERR_REENTRANT);
    assert_int_equal(a.by_refresh_token, TACIT_ERR_REENTRANT);
    assert_int_equal(a.by_tokens, TACIT_ERR_REENTRANT);
    assert_int_equal(a.sign_out, TACIT_ERR_REENTRANT);
    assert_int_equal(server_counters(world_server(w)).api_requests, 0);
    assert_int_equal(server_counters(world_server(w)).password_grants, 1);
    assert_int_equal(world_get(w, "/api/x"), 200); /* still signed in */
    world_free(w);
}

typedef struct load_answers {
    tacit_status waiting, without_waiting;
} load_answers;

static void ask_for_the_load(tacit_session *session, void *data) {
    load_answers *a = data;

    a->without_waiting = tacit_session_load(session, TACIT_NO_WAIT, NULL, NULL);
    a->waiting = tacit_session_load(session, 1000, NULL, NULL);
}

/* R10 */
static void a_load_that_would_wait_is_reentrant_inside_an_event(void **state) {
    load_answers a = {TACIT_OK, TACIT_OK};
    visitor v = {.at = TACIT_EVENT_STORE_FAILED, .visit = ask_for_the_load, .data = &a};
    fake_store *store = fake_store_new();
    world *w;

    (void)state;
    fake_store_fail(store, FAKE_LOAD, TACIT_ERR_STORE_LOCKED);
    w = world_new(&(world_options){
        .session = visited_by(&v), .store = fake_store_handle(store), .clock = true});
    world_wait(is_visited, &v, "the event is over");

    assert_int_equal(a.without_waiting, TACIT_ERR_TIMEOUT);
    assert_int_equal(a.waiting, TACIT_ERR_REENTRANT);
    world_free(w);
    fake_store_free(store);
}

static void shut_down(tacit_session *session, void *data) {
    answers *a = data;

    (void)session;
    a->shutdown = tacit_client_shutdown(a->client, PATIENCE_MS, NULL);
}

/* R10: the closing has begun nevertheless. */
static void a_shutdown_inside_an_event_is_reentrant_but_closes(void **state) {
    answers a = {.url = NULL};
    visitor v = {.at = TACIT_EVENT_SIGNED_IN, .visit = shut_down, .data = &a};
    world *w = world_new(&(world_options){.session = visited_by(&v)});

    (void)state;
    a.client = world_client(w);
    tacit_sign_in_with_tokens(world_session(w), "access", 60, NULL, NULL);
    world_wait(is_released, &v, "the session is closed");

    assert_int_equal(a.shutdown, TACIT_ERR_REENTRANT);
    assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_CLOSED);
    world_free(w);
}

static void sign_out_without_waiting(tacit_session *session, void *data) {
    *(tacit_status *)data = tacit_sign_out(session, TACIT_NO_WAIT, NULL);
}

/* R10 */
static void a_sign_out_that_does_not_wait_works_inside_an_event(void **state) {
    tacit_status status = TACIT_OK;
    visitor v = {.at = TACIT_EVENT_SIGNED_IN, .visit = sign_out_without_waiting, .data = &status};
    world *w = world_new(&(world_options){.session = visited_by(&v)});

    (void)state;
    world_sign_in(w);
    world_wait(is_visited, &v, "the event is over");

    assert_int_equal(status, TACIT_ERR_TIMEOUT); /* the rest goes on in the background */
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    assert_true(server_wait_counter(world_server(w), TS_COUNTER(revocations), 1, PATIENCE_MS));
    world_free(w);
}

/* ------------------------------------------------------------------ the end of everything, inside */

typedef struct last_references {
    tacit_client *client;
    tacit_provider *provider;
    tacit_store *store;
    tacit_status closed;
} last_references;

static void give_up_everything(tacit_session *session, void *data) {
    last_references *last = data;

    last->closed = tacit_session_close(session, PATIENCE_MS);
    tacit_client_unref(last->client);
    tacit_provider_unref(last->provider);
    tacit_store_unref(last->store);
}

/* R10: the client ends on its own dispatch thread. */
static void the_last_references_may_be_given_up_inside_an_event(void **state) {
    last_references last = {.closed = TACIT_ERR_UNSUPPORTED};
    visitor v = {.at = TACIT_EVENT_SIGNED_IN, .visit = give_up_everything, .data = &last};
    tacit_session_options options = visited_by(&v);
    ts_server *server = server_start(NULL);
    tacit_session *session;

    (void)state;
    last.client = tacit_client_new(NULL, NULL);
    last.provider = tacit_provider_from_json(server_provider_json(server), NULL);
    last.store = tacit_store_memory();
    options.client_id = "test-client";
    options.store = last.store;
    session = tacit_session_open(last.client, last.provider, &options, NULL);
    assert_non_null(session);
    tacit_session_ref(session); /* this thread calls while another closes */
    tacit_sign_in_with_password(session, "alice", "wonderland", NULL, NULL);
    tacit_session_unref(session);
    world_wait(is_released, &v, "the session is released");

    assert_true(last.closed == TACIT_OK || last.closed == TACIT_ERR_TIMEOUT);
    assert_int_equal(atomic_load(&v.events_after), 0);
    assert_int_equal(atomic_load(&v.releases), 1);
    server_stop(server);
}

static void close_it(tacit_session *session, void *data) {
    *(tacit_status *)data = tacit_session_close(session, PATIENCE_MS);
}

/* R10: on a thread of the library a close does not wait. */
static void closing_inside_an_event_does_not_wait(void **state) {
    tacit_status closed = TACIT_OK;
    visitor v = {.at = TACIT_EVENT_REFRESHED, .visit = close_it, .data = &closed};
    tacit_session_options options = visited_by(&v);
    world *w = signed_in(NULL);
    tacit_session *session;

    (void)state;
    options.client_id = "test-client";
    options.store = world_store(w);
    session = tacit_session_open(world_client(w), world_provider(w), &options, NULL);
    tacit_session_ref(session);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    world_wait(is_released, &v, "the session is released");

    assert_int_equal(tacit_session_refresh(session, PATIENCE_MS, NULL), TACIT_ERR_CLOSED);
    assert_int_equal(atomic_load(&v.events_after), 0);
    assert_int_equal(atomic_load(&v.releases), 1);
    tacit_session_unref(session);
    assert_int_equal(world_get(w, "/api/x"), 200); /* the other session goes on */
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_would_wait_is_reentrant_inside_an_event),
        cmocka_unit_test(a_load_that_would_wait_is_reentrant_inside_an_event),
        cmocka_unit_test(a_shutdown_inside_an_event_is_reentrant_but_closes),
        cmocka_unit_test(a_sign_out_that_does_not_wait_works_inside_an_event),
        cmocka_unit_test(the_last_references_may_be_given_up_inside_an_event),
        cmocka_unit_test(closing_inside_an_event_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
