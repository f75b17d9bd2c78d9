/* NestJS with care: the refresh token is a cookie for one use, known to redis and bound to a device. */
#include "e2e/backend_story.h"
#include "support/fake_store.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WEEK_S = 7 * 24 * 60 * 60 };

static const char *const laptop[] = {"deviceId=laptop-0001", NULL};
static const char *const phone[] = {"deviceId=phone-0001", NULL};

static const backend_plan plan = {
    .name = "nest_hardened",
    .environment = (const char *const[]){"JWT_ACCESS_SECRET=for fifteen minutes",
                                         "JWT_REFRESH_SECRET=for a week", NULL},
    .has_database = true,
    .has_redis = true,
    .sign_up = "/auth/register",
    .api = "/profile",
    .refresh = "POST /auth/refresh",
    .new_key = "JWT_ACCESS_SECRET=another one",
    .token_params = laptop,
};

static int start(void **state) {
    return backend_site_start(state, &plan);
}

/* How many refresh tokens redis knows. */
static int known_tokens(const backend *backend) {
    char *size = data_servers_redis(backend_data(backend), (const char *const[]){"DBSIZE", NULL});
    int known = atoi(size);

    free(size);
    return known;
}

static void forget_tokens(const backend *backend) {
    free(data_servers_redis(backend_data(backend), (const char *const[]){"FLUSHDB", NULL}));
}

static char *stored_token(fake_store *store) {
    char *record = fake_store_record(store), *token = fake_record_refresh_token(record);

    assert_non_null(token);
    free(record);
    return token;
}

/* As a thief would who knows the device. */
static void assert_spent(const backend *backend, const char *token) {
    char *cookie = NULL;

    assert_true(asprintf(&cookie, "Cookie: refresh_token=%s", token) > 0);
    assert_status(backend_ask(backend, "/auth/refresh", (const char *const[]){cookie, NULL},
                              "{\"deviceId\":\"laptop-0001\"}"),
                  401);
    free(cookie);
}

static void each_refresh_replaces_the_cookie(void **state) {
    backend *backend = backend_shared(*state);
    fake_store *store = fake_store_new();
    backend_app *app = backend_app_open_signed_in(
        backend, &(backend_app_options){.store = fake_store_handle(store)});
    char *before = stored_token(store), *after;

    assert_int_equal(tacit_session_refresh(backend_app_session(app), PATIENCE_MS, NULL), TACIT_OK);
    after = stored_token(store);

    assert_string_not_equal(before, after);
    assert_spent(backend, before);
    assert_int_equal(tacit_session_refresh(backend_app_session(app), PATIENCE_MS, NULL), TACIT_OK);
    assert_spent(backend, after);
    assert_int_equal(backend_app_get(app), 200);
    backend_app_close(app);
    fake_store_free(store);
    free(before);
    free(after);
}

static void max_age_is_the_life_of_the_sign_in(void **state) {
    backend *backend = backend_shared(*state);
    backend_app *app = backend_app_open_signed_in(backend, NULL);

    assert_in_range(backend_app_stats(app).sign_in_ends_in_s, WEEK_S - 60, WEEK_S);
    backend_app_close(app);
}

static void signing_out_takes_the_token_from_redis(void **state) {
    backend *backend = backend_shared(*state);
    fake_store *store = fake_store_new();
    backend_app *app;
    char *token;

    forget_tokens(backend);
    app = backend_app_open_signed_in(backend,
                                     &(backend_app_options){.store = fake_store_handle(store)});
    token = stored_token(store);
    assert_int_equal(known_tokens(backend), 1);

    assert_int_equal(tacit_sign_out(backend_app_session(app), PATIENCE_MS, NULL), TACIT_OK);

    assert_int_equal(backend_count(backend, "POST /auth/logout 204"), 1);
    assert_int_equal(known_tokens(backend), 0);
    assert_null(fake_store_record(store));
    assert_spent(backend, token);
    backend_app_close(app);
    fake_store_free(store);
    free(token);
}

static void a_token_that_redis_has_lost_asks_once(void **state) {
    backend *backend = backend_shared(*state);
    backend_app *app = backend_app_open_signed_in(backend, NULL);

    forget_tokens(backend);
    assert_int_equal(tacit_session_refresh(backend_app_session(app), PATIENCE_MS, NULL),
                     TACIT_ERR_SIGN_IN_REQUIRED);

    backend_app_wait_event(app, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(crowd_ask(app, -TACIT_ERR_SIGN_IN_REQUIRED), CROWD);
    assert_int_equal(backend_count(backend, "POST /auth/refresh 401"), 1);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 1);
    backend_app_close(app);
}

static void a_record_on_another_device_is_refused(void **state) {
    backend *backend = backend_shared(*state);
    fake_store *store = fake_store_new();
    backend_app *app = backend_app_open_signed_in(
        backend, &(backend_app_options){.store = fake_store_handle(store), .token_params = laptop});

    backend_app_close(app);
    app = backend_app_open(
        backend, &(backend_app_options){.store = fake_store_handle(store), .token_params = phone});

    assert_int_equal(tacit_session_refresh(backend_app_session(app), PATIENCE_MS, NULL),
                     TACIT_ERR_SIGN_IN_REQUIRED);
    backend_app_close(app);
    fake_store_free(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BACKEND_STORY,
        cmocka_unit_test(each_refresh_replaces_the_cookie),
        cmocka_unit_test(max_age_is_the_life_of_the_sign_in),
        cmocka_unit_test(signing_out_takes_the_token_from_redis),
        cmocka_unit_test(a_token_that_redis_has_lost_asks_once),
        cmocka_unit_test(a_record_on_another_device_is_refused),
    };

    return cmocka_run_group_tests(tests, start, backend_site_stop);
}
