#include "e2e/backend_story.h"

#include "support/fixture.h"
#include "support/unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SHORT_GENERATIONS = 6, SHORT_MS = 2000, REFRESH_S = 3 };

typedef struct crowd {
    backend_app *app;
    pthread_barrier_t barrier;
    uint64_t generation; /* where to stop */
    int outcome;         /* what is counted */
    long counted;        /* atomic */
} crowd;

static void crowd_run(crowd *crowd, void *(*run)(void *)) {
    pthread_t threads[CROWD];

    for (int i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, crowd), 0);
    for (int i = 0; i < CROWD; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void *ask_once(void *data) {
    crowd *crowd = data;

    pthread_barrier_wait(&crowd->barrier);
    if (backend_app_get(crowd->app) == crowd->outcome)
        __atomic_add_fetch(&crowd->counted, 1, __ATOMIC_RELAXED);
    return NULL;
}

int crowd_ask(backend_app *app, int outcome) {
    crowd crowd = {.app = app, .outcome = outcome};

    pthread_barrier_init(&crowd.barrier, NULL, CROWD);
    crowd_run(&crowd, ask_once);
    pthread_barrier_destroy(&crowd.barrier);
    return (int)crowd.counted;
}

static void *ask_on_and_on(void *data) {
    crowd *crowd = data;
    int64_t deadline_ms = now_ms() + 2L * PATIENCE_MS;

    while (backend_app_stats(crowd->app).generation < crowd->generation && now_ms() < deadline_ms) {
        if (backend_app_get(crowd->app) != 200)
            __atomic_add_fetch(&crowd->counted, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

long crowd_ask_until(backend_app *app, uint64_t generation) {
    crowd crowd = {.app = app, .generation = generation};

    crowd_run(&crowd, ask_on_and_on);
    return crowd.counted;
}

void wait_wall(int64_t unix_s) {
    while ((int64_t)time(NULL) < unix_s) poll(NULL, 0, 20);
}

/* Answers of the refresh route, of this status; 0: of any. */
static long refreshes(backend *backend, int status) {
    char answer[128];

    if (status == 0)
        snprintf(answer, sizeof answer, "%s ", backend_plan_of(backend)->refresh);
    else
        snprintf(answer, sizeof answer, "%s %d", backend_plan_of(backend)->refresh, status);
    return backend_count(backend, answer);
}

/* Of the API, to a token that it does not take. */
static long refusals(backend *backend) {
    char answer[128];

    snprintf(answer, sizeof answer, "GET %s 401", backend_plan_of(backend)->api);
    return backend_count(backend, answer);
}

static backend *start(void **state, const char *access_ttl, const char *refresh_ttl) {
    return backend_start(*state, (const char *const[]){access_ttl, refresh_ttl, NULL});
}

void twenty_threads_live_on_short_tokens(void **state) {
    backend *backend = start(state, "ACCESS_TTL=2", "REFRESH_TTL=60");
    backend_app *app = backend_app_open_signed_in(backend, NULL);
    int64_t began_ms = now_ms(), took_ms;
    tacit_session_stats stats;
    long failed;

    failed = crowd_ask_until(app, SHORT_GENERATIONS);

    took_ms = now_ms() - began_ms;
    stats = backend_app_stats(app);
    assert_int_equal(failed, 0);
    assert_true(stats.generation >= SHORT_GENERATIONS);
    assert_int_equal(stats.refreshes, stats.generation - 1);
    backend_app_close(app); /* with it ends what was under way */
    assert_in_range(refreshes(backend, 0), stats.refreshes, stats.refreshes + 1);
    assert_int_equal(refreshes(backend, 0), refreshes(backend, 200) + refreshes(backend, 201));
    /* Such a token is due at half of its life, or when it is refused, its second being cut short. */
    assert_true((int64_t)stats.refreshes <= took_ms / (SHORT_MS / 2 - 200) + 2);
    backend_stop(backend);
}

void a_storm_is_one_refresh(void **state) {
    backend *backend = start(state, "ACCESS_TTL=1800", "REFRESH_TTL=604800");
    backend_app *app = backend_app_open_signed_in(backend, NULL);
    long before;

    assert_int_equal(crowd_ask(app, 200), CROWD);
    before = refreshes(backend, 0);
    backend_restart(backend, backend_plan_of(backend)->new_key);

    assert_int_equal(crowd_ask(app, 200), CROWD);

    assert_true(refusals(backend) >= 1);
    assert_int_equal(before, 0);
    assert_int_equal(refreshes(backend, 0), 1);
    assert_int_equal(backend_app_stats(app).refreshes, 1);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    backend_app_close(app);
    backend_stop(backend);
}

void a_restart_goes_on_from_the_file(void **state) {
    backend *backend = backend_shared(*state);
    char *directory = fixture_directory_new();
    tacit_store *store = fixture_store_file(directory);
    tacit_session_state loaded;
    backend_app *app;

    app = backend_app_open_signed_in(backend, &(backend_app_options){.store = store});
    assert_int_equal(tacit_session_refresh(backend_app_session(app), PATIENCE_MS, NULL), TACIT_OK);
    backend_app_close(app);
    tacit_store_unref(store);
    store = fixture_store_file(directory);
    app = backend_app_open(backend, &(backend_app_options){.store = store});

    assert_int_equal(tacit_session_load(backend_app_session(app), PATIENCE_MS, &loaded, NULL),
                     TACIT_OK);
    assert_int_equal(loaded, TACIT_STATE_SIGNED_IN);
    assert_int_equal(backend_app_get(app), 200);
    assert_int_equal(tacit_session_refresh(backend_app_session(app), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(backend_app_get(app), 200);
    assert_int_equal(refreshes(backend, 0), 2);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    backend_app_close(app);
    tacit_store_unref(store);
    fixture_directory_free(directory);
}

/* Nobody had the app open meanwhile. */
void the_end_of_the_refresh_token_asks_once(void **state) {
    backend *backend = start(state, "ACCESS_TTL=1", "REFRESH_TTL=3");
    tacit_store *store = tacit_store_memory();
    const backend_app_options options = {.store = store};
    backend_app *app = backend_app_open_signed_in(backend, &options);
    long granted, asked;

    backend_app_close(app);
    granted = refreshes(backend, 200) + refreshes(backend, 201);
    wait_wall((int64_t)time(NULL) + REFRESH_S + 1);
    app = backend_app_open(backend, &options);

    assert_int_equal(crowd_ask(app, -TACIT_ERR_SIGN_IN_REQUIRED), CROWD);

    backend_app_wait_event(app, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    asked = refreshes(backend, 0);
    assert_true(asked <= granted + 1);
    assert_int_equal(refreshes(backend, 200) + refreshes(backend, 201), granted);
    assert_int_equal(crowd_ask(app, -TACIT_ERR_SIGN_IN_REQUIRED), CROWD);
    assert_int_equal(refreshes(backend, 0), asked);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 1);
    backend_app_close(app);
    tacit_store_unref(store);
    backend_stop(backend);
}

void a_wrong_password_is_told(void **state) {
    backend *backend = backend_shared(*state);
    const char *code = backend_plan_of(backend)->wrong_password;
    backend_app *app = backend_app_open(backend, NULL);
    tacit_error error;

    assert_int_equal(backend_app_sign_in(app, "off with her head", &error), TACIT_ERR_OAUTH);
    assert_string_equal(error.oauth_error, code != NULL ? code : "invalid_grant");
    assert_int_equal(backend_app_sign_in(app, BACKEND_PASSWORD, &error), TACIT_OK);
    assert_int_equal(backend_app_get(app), 200);
    backend_app_close(app);
}
