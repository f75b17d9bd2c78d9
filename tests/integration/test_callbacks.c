/* What callbacks may do: nothing of the library is locked meanwhile (R9), what need not wait works there (R10). */
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

/* ------------------------------------------------------------------ a thread that tries every lock */

/*
 * A callback that is called under a lock of the library would wait for ever for a thread that wants that lock. So each
 * callback here has another thread go through functions that take every lock there is.
 */
typedef struct prober {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    tacit_client *client;
    tacit_session *session; /* NULL: there is none yet, or no longer */
    bool asked, stop;
    int stuck, probes;
} prober;

static void probe(tacit_client *client, tacit_session *session) {
    tacit_client_stats client_stats = TACIT_CLIENT_STATS_INIT;
    tacit_session_stats session_stats = TACIT_SESSION_STATS_INIT;
    tacit_token *token = NULL;

    tacit_client_get_stats(client, &client_stats);
    if (session == NULL) return;
    tacit_session_get_stats(session, &session_stats);
    tacit_session_token(session, 0, TACIT_NO_WAIT, &token, NULL);
    tacit_token_unref(token);
    tacit_client_clock_moved(client);
}

static void *prober_main(void *data) {
    prober *p = data;

    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        if (p->asked && p->client != NULL) {
            tacit_client *client = p->client;
            tacit_session *session = tacit_session_ref(p->session);

            pthread_mutex_unlock(&p->lock);
            probe(client, session);
            tacit_session_unref(session);
            pthread_mutex_lock(&p->lock);
            p->probes++;
        }
        p->asked = false;
        pthread_cond_broadcast(&p->changed);
        while (!p->asked && !p->stop) pthread_cond_wait(&p->changed, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* In a callback: returns when the other thread is through. */
static void probe_from_elsewhere(prober *p) {
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&p->lock);
    p->asked = true;
    pthread_cond_broadcast(&p->changed);
    while (p->asked && !p->stop && p->stuck == 0)
        if (pthread_cond_timedwait(&p->changed, &p->lock, &at) != 0) p->stuck++;
    pthread_mutex_unlock(&p->lock);
}

static void prober_point_at(prober *p, tacit_client *client, tacit_session *session) {
    pthread_mutex_lock(&p->lock);
    p->client = client;
    p->session = session;
    pthread_mutex_unlock(&p->lock);
}

static prober *prober_new(void) {
    prober *p = calloc(1, sizeof *p);

    assert_non_null(p);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    assert_int_equal(pthread_create(&p->thread, NULL, prober_main, p), 0);
    return p;
}

/* Nobody was ever stuck, and there were so many callbacks at least. */
static void prober_free(prober *p, int probes) {
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    assert_int_equal(p->stuck, 0);
    pthread_join(p->thread, NULL);
    if (p->probes < probes) fail_msg("%d callbacks, not %d", p->probes, probes);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static void log_line(tacit_log_level level, const char *message, void *data) {
    (void)level;
    (void)message;
    probe_from_elsewhere(data);
}

static void event_told(tacit_session *session, const tacit_event *event, void *data) {
    (void)session;
    (void)event;
    probe_from_elsewhere(data);
}

static bool refuse_post(void (*run)(void *job), void *job, void *data) {
    (void)run;
    (void)job;
    probe_from_elsewhere(data);
    return false;
}

typedef struct probed_store {
    prober *prober;
    char *record; /* one call at a time */
    size_t size;
} probed_store;

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    probed_store *store = data;

    (void)key;
    probe_from_elsewhere(store->prober);
    if (store->record == NULL) return TACIT_ERR_STORE_NOT_FOUND;
    *record = malloc(store->size);
    if (*record == NULL) return TACIT_ERR_STORE_FAILED;
    *size = store->size;
    memcpy(*record, store->record, store->size);
    return TACIT_OK;
}

static tacit_status erase(void *data, const char *key) {
    probed_store *store = data;

    (void)key;
    probe_from_elsewhere(store->prober);
    free(store->record);
    store->record = NULL;
    return TACIT_OK;
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    probed_store *store = data;

    erase(data, key);
    store->record = malloc(size);
    if (store->record == NULL) return TACIT_ERR_STORE_FAILED;
    memcpy(store->record, record, size);
    store->size = size;
    return TACIT_OK;
}

static tacit_store *probed_store_new(probed_store *data) {
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;

    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    return tacit_store_custom(&ops, data, NULL);
}

typedef struct body {
    prober *prober;
    bool read;
} body;

static size_t read_body(char *buffer, size_t capacity, void *data) {
    body *b = data;

    assert_true(capacity > 0);
    probe_from_elsewhere(b->prober);
    if (b->read) return 0;
    b->read = true;
    buffer[0] = 'x';
    return 1;
}

static bool rewind_body(void *data) {
    body *b = data;

    probe_from_elsewhere(b->prober);
    b->read = false;
    return true;
}

static size_t write_body(const char *data, size_t size, void *write_data) {
    (void)data;
    probe_from_elsewhere(write_data);
    return size;
}

static bool progress(int64_t sent, int64_t to_send, int64_t received, int64_t to_receive,
                     void *data) {
    (void)sent, (void)to_send, (void)received, (void)to_receive;
    probe_from_elsewhere(data);
    return true;
}

/* R9: log, events, post, store, body, answer and progress. */
static void no_callback_is_called_under_a_lock(void **state) {
    prober *p = prober_new();
    probed_store data = {.prober = p};
    tacit_store *store = probed_store_new(&data);
    world_options options = {
        .store = store, .client = TACIT_CLIENT_OPTIONS_INIT, .session = TACIT_SESSION_OPTIONS_INIT};
    body sent = {.prober = p};
    tacit_request request;
    tacit_error error;
    world *w;

    (void)state;
    options.client.log = log_line;
    options.client.log_data = p;
    options.client.log_level = TACIT_LOG_DEBUG;
    options.client.post = refuse_post;
    options.client.post_data = p;
    options.session.on_event = event_told;
    options.session.event_data = p;
    options.session.event_release = (void (*)(void *))probe_from_elsewhere;
    w = world_new(&options);
    prober_point_at(p, world_client(w), world_session(w));
    world_sign_in(w);
    server_revoke_access_tokens(world_server(w));
    request = request_to(server_url(world_server(w), "/api/echo"));
    request.read = read_body;
    request.rewind = rewind_body;
    request.read_data = &sent;
    request.write = write_body;
    request.write_data = p;
    request.progress = progress;
    request.progress_data = p;
    assert_int_equal(status_of(w, &request), 200);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, &error), TACIT_OK);
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, &error), TACIT_OK);

    prober_point_at(p, world_client(w), NULL);
    world_close(w, PATIENCE_MS);
    prober_point_at(p, NULL, NULL);
    world_free(w);
    tacit_store_unref(store);
    free(data.record);
    prober_free(p, 50);
}

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
    assert_int_equal(tacit_session_refresh(session, PATIENCE_MS, NULL), TACIT_OK);
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
        cmocka_unit_test(no_callback_is_called_under_a_lock),
        cmocka_unit_test(what_would_wait_is_reentrant_inside_an_event),
        cmocka_unit_test(a_load_that_would_wait_is_reentrant_inside_an_event),
        cmocka_unit_test(a_shutdown_inside_an_event_is_reentrant_but_closes),
        cmocka_unit_test(a_sign_out_that_does_not_wait_works_inside_an_event),
        cmocka_unit_test(the_last_references_may_be_given_up_inside_an_event),
        cmocka_unit_test(closing_inside_an_event_does_not_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
