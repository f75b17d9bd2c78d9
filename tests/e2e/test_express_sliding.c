/* Sliding expiration: one token, and the API's answers bring the next one. */
#include "e2e/askers.h"
#include "support/fixture.h"
#include "support/unit.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 20 };

static const backend_app_options sliding = {.policy = TACIT_POLICY_SLIDING};

static void wait_until(int64_t time_ms) {
    for (int64_t left_ms = time_ms - now_ms(); left_ms > 0; left_ms = time_ms - now_ms())
        poll(NULL, 0, (int)left_ms);
}

static void must_all_be_granted(askers_tally tally) {
    assert_int_equal(tally.other, 0);
    assert_int_equal(tally.required, 0);
}

static void answers_out_of_order_keep_twenty_threads_signed_in(void **state) {
    enum { LIFE_S = 4, LIVES = 4 };
    backend *shop = backend_start(*state, (const char *const[]){"ACCESS_TTL=4", NULL});
    backend_app *app = backend_app_open_signed_in(shop, &sliding);
    tacit_session_stats stats;

    must_all_be_granted(askers_join(askers_start(app, THREADS, now_ms() + LIVES * LIFE_S * 1000L)));

    stats = backend_app_stats(app);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    assert_int_equal(backend_count(shop, "POST /session/login"), 1);
    assert_int_equal(backend_count(shop, "GET /api/slow 401"), 0);
    assert_int_equal(stats.refreshes, 0);
    /* Each lives for less than two halves of a life; what overtakes it may add one. */
    assert_in_range(stats.slides, LIVES, 4 * LIVES + 1);
    assert_true(stats.generation >= 1 + stats.slides); /* a save may take one, too */
    backend_app_wait_event(app, TACIT_EVENT_REFRESHED, (unsigned)stats.slides);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_REFRESHED), stats.slides);
    backend_app_close(app);
    backend_stop(shop);
}

/* By then the token of the sign-in is over, and only the one that came with an answer is not. */
static void a_restart_goes_on_with_the_token_of_an_answer(void **state) {
    enum { LIFE_MS = 6000 };
    backend *shop = backend_start(*state, (const char *const[]){"ACCESS_TTL=6", NULL});
    char *directory = fixture_directory_new();
    tacit_store *store = fixture_store_file(directory);
    backend_app_options kept = {.policy = TACIT_POLICY_SLIDING, .store = store};
    backend_app *app = backend_app_open_signed_in(shop, &kept);
    int64_t over_ms = now_ms() + LIFE_MS, patient_ms = now_ms() + PATIENCE_MS;
    tacit_session_state loaded;

    while (backend_app_stats(app).slides == 0 && now_ms() < patient_ms)
        assert_int_equal(backend_app_get(app), 200);
    backend_app_close(app);
    tacit_store_unref(store);
    wait_until(over_ms);
    kept.store = store = fixture_store_file(directory);
    app = backend_app_open(shop, &kept);

    assert_int_equal(tacit_session_load(backend_app_session(app), PATIENCE_MS, &loaded, NULL),
                     TACIT_OK);
    assert_int_equal(loaded, TACIT_STATE_SIGNED_IN);
    assert_int_equal(backend_app_get(app), 200);
    assert_int_equal(backend_count(shop, "POST /session/login"), 1);
    backend_app_close(app);
    tacit_store_unref(store);
    fixture_directory_free(directory);
    backend_stop(shop);
}

static void idle_for_a_whole_life_means_one_new_sign_in(void **state) {
    enum { LIFE_MS = 2000 };
    backend *shop = backend_start(*state, (const char *const[]){"ACCESS_TTL=2", NULL});
    backend_app *app = backend_app_open_signed_in(shop, &sliding);
    askers_tally tally;

    wait_until(now_ms() + LIFE_MS);
    tally = askers_join(askers_start(app, THREADS, 0));

    assert_int_equal(tally.required, THREADS);
    backend_app_wait_event(app, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(backend_app_sign_in(app, BACKEND_PASSWORD, NULL), TACIT_OK);
    assert_int_equal(backend_app_get(app), 200);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 1);
    assert_int_equal(backend_count(shop, "POST /session/login"), 2);
    backend_app_close(app);
    backend_stop(shop);
}

/* As the user does elsewhere. */
static void sign_out_everywhere(backend *shop) {
    reply reply =
        backend_ask(shop, "/session/login", NULL,
                    "{\"username\":\"" BACKEND_USER "\",\"password\":\"" BACKEND_PASSWORD "\"}");
    char *token = json_member(reply.body, "token"), *line = NULL;

    assert_non_null(token);
    assert_true(asprintf(&line, "Authorization: Bearer %s", token) > 0);
    assert_status(
        backend_ask(shop, "/session/logout-everywhere", (const char *const[]){line, NULL}, "{}"),
        204);
    free(line);
    free(token);
    reply_free(&reply);
}

static void many_late_401s_are_one_new_sign_in(void **state) {
    backend *shop = backend_start(*state, NULL);
    backend_app *app = backend_app_open_signed_in(shop, &sliding);
    askers *crowd = askers_start(app, THREADS, now_ms() + PATIENCE_MS);
    askers_tally tally;

    while (backend_count(shop, "GET /api/slow 200") < THREADS) poll(NULL, 0, 20);
    sign_out_everywhere(shop);
    tally = askers_join(crowd);

    assert_true(tally.granted >= THREADS);
    assert_int_equal(tally.required, THREADS);
    backend_app_wait_event(app, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(backend_app_get(app), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 1);
    assert_in_range(backend_count(shop, "GET /api/slow 401"), 1, THREADS); /* each came once */
    backend_app_close(app);
    backend_stop(shop);
}

static void no_token_is_logged(void **state) {
    backend *shop = backend_start(*state, (const char *const[]){"ACCESS_TTL=6", NULL});
    backend_app *app = backend_app_open_signed_in(
        shop, &(backend_app_options){.policy = TACIT_POLICY_SLIDING, .logs = true});
    int64_t patient_ms = now_ms() + PATIENCE_MS;

    while (backend_app_stats(app).slides == 0 && now_ms() < patient_ms)
        assert_int_equal(backend_app_get(app), 200);
    assert_true(backend_app_stats(app).slides >= 1);

    backend_app_assert_no_token_logged(app);
    backend_app_close(app);
    backend_stop(shop);
}

static void a_wrong_password_says_so(void **state) {
    backend *shop = backend_start(*state, NULL);
    backend_app *app = backend_app_open(shop, &sliding);
    tacit_error error;

    assert_int_equal(backend_app_sign_in(app, "mirror", &error), TACIT_ERR_OAUTH);

    assert_string_equal(error.oauth_error, "invalid_grant");
    assert_string_equal(error.oauth_error_description, "Wrong username or password");
    assert_int_equal(backend_app_get(app), -TACIT_ERR_SIGN_IN_REQUIRED);
    backend_app_close(app);
    backend_stop(shop);
}

static int start_site(void **state) {
    static const char *const environment[] = {"JWT_SECRET=a secret of the shop", "SLOW_MS=400",
                                              NULL};
    static const backend_plan plan = {.name = "express_sliding",
                                      .environment = environment,
                                      .has_database = true,
                                      .sign_up = "/users",
                                      .api = "/api/slow"};

    return backend_site_start(state, &plan);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_out_of_order_keep_twenty_threads_signed_in),
        cmocka_unit_test(a_restart_goes_on_with_the_token_of_an_answer),
        cmocka_unit_test(idle_for_a_whole_life_means_one_new_sign_in),
        cmocka_unit_test(many_late_401s_are_one_new_sign_in),
        cmocka_unit_test(no_token_is_logged),
        cmocka_unit_test(a_wrong_password_says_so),
    };

    return cmocka_run_group_tests(tests, start_site, backend_site_stop);
}
