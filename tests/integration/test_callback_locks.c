/* Nothing of the library is locked while a callback runs (R9). */
#include "support/sending.h"
#include "support/unit.h"

#include <pthread.h>
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_callback_is_called_under_a_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
