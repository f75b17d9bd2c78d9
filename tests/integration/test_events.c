/* Events: in order, one at a time, on the dispatch thread or on the app's own loop (R10). */
#include "support/seen.h"
#include "support/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS, JOBS_MAX = 256, TOLD_MAX = 64 };

/* ------------------------------------------------------------------ what was told */

typedef struct listener {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    tacit_event_type told[TOLD_MAX];
    uint64_t generations[TOLD_MAX];
    pthread_t threads[TOLD_MAX];
    size_t count;
    int releases;
    size_t count_at_release;

    atomic_int inside;
    atomic_bool overlapped;
} listener;

static void on_event(tacit_session *session, const tacit_event *event, void *data) {
    listener *l = data;

    (void)session;
    if (atomic_fetch_add(&l->inside, 1) != 0) atomic_store(&l->overlapped, true);
    sched_yield(); /* room for another to come in */
    pthread_mutex_lock(&l->lock);
    if (l->count == TOLD_MAX) abort();
    l->told[l->count] = event->type;
    l->generations[l->count] = event->generation;
    l->threads[l->count++] = pthread_self();
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    atomic_fetch_sub(&l->inside, 1);
}

static void on_release(void *data) {
    listener *l = data;

    pthread_mutex_lock(&l->lock);
    l->releases++;
    l->count_at_release = l->count;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static listener *listener_new(void) {
    listener *l = calloc(1, sizeof *l);

    assert_non_null(l);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    return l;
}

static void listener_free(listener *l) {
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static tacit_session_options heard_by(listener *l) {
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;

    options.on_event = on_event;
    options.event_release = on_release;
    options.event_data = l;
    return options;
}

static size_t told(listener *l) {
    size_t count;

    pthread_mutex_lock(&l->lock);
    count = l->count;
    pthread_mutex_unlock(&l->lock);
    return count;
}

static int releases(listener *l) {
    int count;

    pthread_mutex_lock(&l->lock);
    count = l->releases;
    pthread_mutex_unlock(&l->lock);
    return count;
}

static bool is_released(void *data) {
    return releases(data) > 0;
}

/* The life of a session that is signed in, renewed once, and signed out. */
static const tacit_event_type a_life[] = {TACIT_EVENT_LOADED, TACIT_EVENT_SIGNED_IN,
                                          TACIT_EVENT_REFRESHED, TACIT_EVENT_SIGNED_OUT};
enum { A_LIFE = sizeof a_life / sizeof *a_life };

static void live_a_life(world *w) {
    tacit_error error;

    assert_int_equal(tacit_session_load(world_session(w), PATIENCE_MS, NULL, &error), TACIT_OK);
    world_sign_in(w);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, &error), TACIT_OK);
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, &error), TACIT_OK);
}

static void assert_a_life(listener *l) {
    assert_int_equal(told(l), A_LIFE);
    for (size_t i = 0; i < A_LIFE; i++) assert_int_equal(l->told[i], a_life[i]);
    assert_int_equal(l->generations[1], 1);
    assert_int_equal(l->generations[2], 2);
    assert_false(atomic_load(&l->overlapped));
}

/* ------------------------------------------------------------------ the app's loop */

typedef struct job {
    void (*run)(void *job);
    void *data;
} job;

typedef struct loop {
    pthread_mutex_t lock;
    job jobs[JOBS_MAX];
    size_t count, taken; /* guarded by lock */
    int refuse;          /* so many posts are not taken; guarded by lock */

    atomic_int inside;
    atomic_bool overlapped;
} loop;

static bool post(void (*run)(void *job), void *data, void *post_data) {
    loop *l = post_data;
    bool taken;

    if (atomic_fetch_add(&l->inside, 1) != 0) atomic_store(&l->overlapped, true);
    sched_yield();
    pthread_mutex_lock(&l->lock);
    taken = l->refuse == 0;
    if (l->refuse > 0) l->refuse--;
    if (l->count == JOBS_MAX) abort();
    if (taken) l->jobs[l->count++] = (job){run, data};
    pthread_mutex_unlock(&l->lock);
    atomic_fetch_sub(&l->inside, 1);
    return taken;
}

/* Runs what was posted and not run yet, on this thread. false: nothing. */
static bool loop_run(loop *l) {
    job next = {NULL, NULL};

    pthread_mutex_lock(&l->lock);
    if (l->taken < l->count) next = l->jobs[l->taken++];
    pthread_mutex_unlock(&l->lock);
    if (next.run != NULL) next.run(next.data);
    return next.run != NULL;
}

static loop *loop_new(void) {
    loop *l = calloc(1, sizeof *l);

    assert_non_null(l);
    pthread_mutex_init(&l->lock, NULL);
    return l;
}

static void loop_free(loop *l) {
    assert_int_equal(l->taken, l->count); /* every job must be run */
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static tacit_client_options posting_to(loop *l) {
    tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;

    options.post = post;
    options.post_data = l;
    return options;
}

typedef struct hearing {
    loop *loop;
    listener *listener;
    size_t count;
} hearing;

static bool runs_until_told(void *data) {
    hearing *h = data;

    while (loop_run(h->loop)) {
    }
    return told(h->listener) >= h->count;
}

static void run_until_told(loop *l, listener *listening, size_t count) {
    hearing h = {l, listening, count};

    world_wait(runs_until_told, &h, "the loop gets its events");
}

/* ------------------------------------------------------------------ R10 */

/* R10 */
static void events_come_in_order_on_one_thread_of_the_library(void **state) {
    listener *l = listener_new();
    world *w = world_new(&(world_options){.session = heard_by(l)});

    (void)state;
    live_a_life(w);
    world_free(w);

    assert_a_life(l);
    for (size_t i = 0; i < A_LIFE; i++) {
        assert_true(pthread_equal(l->threads[i], l->threads[0]));
        assert_false(pthread_equal(l->threads[i], pthread_self()));
    }
    assert_int_equal(l->releases, 1);
    assert_int_equal(l->count_at_release, A_LIFE);
    listener_free(l);
}

/* R10: sessions of several sign-ins, each with its own worker, are told one after the other. */
static void no_two_events_of_a_client_overlap(void **state) {
    enum { OTHERS = 4 };
    static const char *const accounts[OTHERS] = {"a", "b", "c", "d"};
    listener *l = listener_new();
    world *w = world_new(&(world_options){.session = heard_by(l)});
    tacit_session *others[OTHERS];
    tacit_error error;

    (void)state;
    for (int i = 0; i < OTHERS; i++) {
        others[i] = world_open(w, accounts[i], NULL);
        assert_int_equal(
            tacit_sign_in_with_tokens(others[i], "access-token", 3600, "refresh-token", &error),
            TACIT_OK);
    }
    for (int i = 0; i < OTHERS; i++) {
        tacit_sign_out(others[i], TACIT_NO_WAIT, &error);
        tacit_session_close(others[i], TACIT_NO_WAIT);
    }
    world_free(w);

    assert_false(atomic_load(&l->overlapped));
    assert_true(l->count >= 2 * OTHERS);
    assert_int_equal(l->releases, OTHERS + 1);
    assert_int_equal(l->count_at_release, l->count);
    listener_free(l);
}

/* R10 */
static void events_run_on_the_apps_loop_and_only_there(void **state) {
    listener *l = listener_new();
    loop *app = loop_new();
    world *w = world_new(&(world_options){.session = heard_by(l), .client = posting_to(app)});

    (void)state;
    live_a_life(w);
    assert_int_equal(told(l), 0); /* the loop did not run yet */
    run_until_told(app, l, A_LIFE);

    assert_a_life(l);
    for (size_t i = 0; i < A_LIFE; i++) assert_true(pthread_equal(l->threads[i], pthread_self()));
    world_free(w);
    while (loop_run(app)) {
    }
    assert_int_equal(l->releases, 1);
    assert_int_equal(l->count_at_release, A_LIFE);
    loop_free(app);
    listener_free(l);
}

/* R10: what the loop does not take, the library runs itself, in the same order. */
static void a_post_that_answers_false_leaves_the_job_to_the_library(void **state) {
    listener *l = listener_new();
    loop *app = loop_new();
    world *w;

    (void)state;
    app->refuse = JOBS_MAX;
    w = world_new(&(world_options){.session = heard_by(l), .client = posting_to(app)});
    live_a_life(w);
    world_free(w);

    assert_a_life(l);
    for (size_t i = 0; i < A_LIFE; i++) assert_false(pthread_equal(l->threads[i], pthread_self()));
    assert_int_equal(app->count, 0);
    assert_true(app->refuse < JOBS_MAX);
    assert_int_equal(l->releases, 1);
    loop_free(app);
    listener_free(l);
}

/* R10: between two posts that are taken, one that is not changes nothing. */
static void a_post_that_is_refused_now_and_then_keeps_the_order(void **state) {
    listener *l = listener_new();
    loop *app = loop_new();
    world *w = world_new(&(world_options){.session = heard_by(l), .client = posting_to(app)});
    tacit_error error;

    (void)state;
    world_sign_in(w);
    run_until_told(app, l, 2);
    for (size_t round = 0; round < 4; round++) {
        pthread_mutex_lock(&app->lock);
        app->refuse = round % 2 == 0;
        pthread_mutex_unlock(&app->lock);
        assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, &error), TACIT_OK);
        run_until_told(app, l, 3 + round);
        assert_int_equal(l->told[2 + round], TACIT_EVENT_REFRESHED);
        assert_int_equal(l->generations[2 + round], 2 + round);
    }

    assert_false(atomic_load(&l->overlapped));
    world_free(w);
    while (loop_run(app)) {
    }
    loop_free(app);
    listener_free(l);
}

/* R10: late is safe, also when the client is long gone. */
static void jobs_may_run_after_the_shutdown(void **state) {
    listener *l = listener_new();
    loop *app = loop_new();
    world *w = world_new(&(world_options){.session = heard_by(l), .client = posting_to(app)});

    (void)state;
    live_a_life(w);
    world_free(w);
    assert_int_equal(told(l), 0);
    while (loop_run(app)) {
    }

    assert_a_life(l);
    assert_int_equal(l->releases, 1);
    assert_int_equal(l->count_at_release, A_LIFE);
    loop_free(app);
    listener_free(l);
}

/* R10 */
static void post_is_called_by_one_thread_at_a_time(void **state) {
    enum { OTHERS = 4 };
    static const char *const accounts[OTHERS] = {"a", "b", "c", "d"};
    listener *l = listener_new();
    loop *app = loop_new();
    world *w = world_new(&(world_options){.session = heard_by(l), .client = posting_to(app)});
    tacit_session *others[OTHERS];
    tacit_error error;

    (void)state;
    for (int i = 0; i < OTHERS; i++) others[i] = world_open(w, accounts[i], NULL);
    for (int i = 0; i < OTHERS; i++) {
        assert_int_equal(tacit_sign_in_with_tokens(others[i], "access", 3600, "refresh", &error),
                         TACIT_OK);
        while (loop_run(app)) {
        }
        tacit_sign_out(others[i], TACIT_NO_WAIT, &error);
    }
    for (int i = 0; i < OTHERS; i++) tacit_session_close(others[i], TACIT_NO_WAIT);
    while (loop_run(app)) {
    }
    world_free(w);
    while (loop_run(app)) {
    }

    assert_true(app->count > 0);
    assert_false(atomic_load(&app->overlapped));
    assert_false(atomic_load(&l->overlapped));
    assert_int_equal(l->releases, OTHERS + 1);
    loop_free(app);
    listener_free(l);
}

/* R10: no event follows the release, and it waits for the ones before it. */
static void release_comes_once_after_close_and_the_last_event(void **state) {
    listener *l = listener_new();
    world *w = world_new(&(world_options){.session = heard_by(l)});
    size_t count;

    (void)state;
    world_sign_in(w);
    assert_int_equal(releases(l), 0);
    tacit_session_refresh(world_session(w), TACIT_NO_WAIT, NULL);
    world_close(w, PATIENCE_MS);
    world_wait(is_released, l, "the event data is released");

    count = told(l);
    server_revoke_family(world_server(w));
    look_a_while();
    assert_int_equal(told(l), count);
    assert_int_equal(l->count_at_release, count);
    world_free(w);
    assert_int_equal(l->releases, 1);
    listener_free(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order_on_one_thread_of_the_library),
        cmocka_unit_test(no_two_events_of_a_client_overlap),
        cmocka_unit_test(events_run_on_the_apps_loop_and_only_there),
        cmocka_unit_test(a_post_that_answers_false_leaves_the_job_to_the_library),
        cmocka_unit_test(a_post_that_is_refused_now_and_then_keeps_the_order),
        cmocka_unit_test(jobs_may_run_after_the_shutdown),
        cmocka_unit_test(post_is_called_by_one_thread_at_a_time),
        cmocka_unit_test(release_comes_once_after_close_and_the_last_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
