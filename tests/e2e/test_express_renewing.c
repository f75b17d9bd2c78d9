/* A single token that every answer renews: adopting must cost next to nothing. */
#include "e2e/askers.h"
#include "support/fake_store.h"
#include "support/unit.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 20 };

static void must_all_be_granted(askers_tally tally) {
    assert_int_equal(tally.other, 0);
    assert_int_equal(tally.required, 0);
}

static void thousands_of_new_tokens_are_not_worth_a_write(void **state) {
    enum { REQUESTS = 2000 };
    backend *notes = backend_start(*state, NULL);
    fake_store *store = fake_store_new();
    backend_app *app = backend_app_open_signed_in(
        notes,
        &(backend_app_options){.policy = TACIT_POLICY_SLIDING, .store = fake_store_handle(store)});
    size_t saves = fake_store_calls(store, FAKE_SAVE);
    long granted = 0;

    while (granted < REQUESTS) {
        askers_tally tally = askers_join(askers_start(app, THREADS, now_ms() + 500));

        must_all_be_granted(tally);
        granted += tally.granted;
    }

    assert_int_equal(backend_app_stats(app).slides, 0); /* none lives 10 % longer */
    assert_int_equal(backend_app_stats(app).generation, 1);
    backend_app_close(app);
    assert_int_equal(fake_store_calls(store, FAKE_SAVE), saves);
    assert_int_equal(backend_count(notes, "GET /api/hello 200"), granted);
    fake_store_free(store);
    backend_stop(notes);
}

static void a_busy_app_outlives_its_first_tokens_with_few_adoptions(void **state) {
    enum { LIFE_MS = 5000, LIVES = 3, WORTH_MS = LIFE_MS / 11 };
    backend *notes = backend_start(*state, (const char *const[]){"ACCESS_TTL=5", NULL});
    fake_store *store = fake_store_new();
    backend_app_options kept = {.policy = TACIT_POLICY_SLIDING, .store = fake_store_handle(store)};
    int64_t began_ms = now_ms();
    backend_app *app = backend_app_open_signed_in(notes, &kept);
    size_t saves = fake_store_calls(store, FAKE_SAVE);
    askers_tally tally = askers_join(askers_start(app, THREADS, now_ms() + LIVES * LIFE_MS));
    uint64_t slides = backend_app_stats(app).slides;

    must_all_be_granted(tally);
    /* One is worth it when it lives a tenth longer than what is left of the other. */
    assert_in_range(slides, LIVES, (now_ms() - began_ms) / WORTH_MS + 1);
    assert_true((uint64_t)tally.granted > 5 * slides);
    assert_in_range(fake_store_calls(store, FAKE_SAVE), saves, saves + 1); /* once a minute ... */
    backend_app_close(app);
    assert_in_range(fake_store_calls(store, FAKE_SAVE), saves + 1,
                    saves + 2); /* ... and at the end */

    app = backend_app_open(notes, &kept); /* the token of the sign-in is long over */
    assert_int_equal(backend_app_get(app), 200);
    assert_int_equal(backend_count(notes, "POST /login"), 1);
    backend_app_close(app);
    fake_store_free(store);
    backend_stop(notes);
}

/* As the user does elsewhere. */
static void sign_out_everywhere(backend *notes) {
    reply reply =
        backend_ask(notes, "/login", NULL,
                    "{\"email\":\"" BACKEND_USER "\",\"password\":\"" BACKEND_PASSWORD "\"}");
    const char *token = strstr(reply.body, "\"token\":\"");
    char *line = NULL;

    assert_non_null(token);
    token += strlen("\"token\":\"");
    assert_true(asprintf(&line, "Authorization: Bearer %.*s", (int)strcspn(token, "\""), token) >
                0);
    assert_status(backend_ask(notes, "/logout-everywhere", (const char *const[]){line, NULL}, "{}"),
                  200);
    free(line);
    reply_free(&reply);
}

static void revocation_is_one_new_sign_in(void **state) {
    backend *notes = backend_start(*state, NULL);
    backend_app *app =
        backend_app_open_signed_in(notes, &(backend_app_options){.policy = TACIT_POLICY_SLIDING});
    askers *crowd = askers_start(app, THREADS, now_ms() + PATIENCE_MS);
    askers_tally tally;

    while (backend_count(notes, "GET /api/hello 200") < THREADS) poll(NULL, 0, 20);
    sign_out_everywhere(notes);
    tally = askers_join(crowd);

    assert_int_equal(tally.required, THREADS);
    backend_app_wait_event(app, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(backend_app_get(app), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 1);
    assert_int_equal(backend_app_sign_in(app, BACKEND_PASSWORD, NULL), TACIT_OK);
    assert_int_equal(backend_app_get(app), 200);
    backend_app_close(app);
    backend_stop(notes);
}

static void a_wrong_password_says_so(void **state) {
    backend *notes = backend_start(*state, NULL);
    backend_app *app =
        backend_app_open(notes, &(backend_app_options){.policy = TACIT_POLICY_SLIDING});
    tacit_error error;

    assert_int_equal(backend_app_sign_in(app, "mirror", &error), TACIT_ERR_OAUTH);

    assert_string_equal(error.oauth_error_description, "Wrong email or password");
    backend_app_close(app);
    backend_stop(notes);
}

static int start_site(void **state) {
    static const char *const environment[] = {"JWT_SECRET=a secret of the notes", NULL};
    static const backend_plan plan = {.name = "express_renewing",
                                      .environment = environment,
                                      .has_database = true,
                                      .sign_up = "/users",
                                      .api = "/api/hello"};

    return backend_site_start(state, &plan);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_of_new_tokens_are_not_worth_a_write),
        cmocka_unit_test(a_busy_app_outlives_its_first_tokens_with_few_adoptions),
        cmocka_unit_test(revocation_is_one_new_sign_in),
        cmocka_unit_test(a_wrong_password_says_so),
    };

    return cmocka_run_group_tests(tests, start_site, backend_site_stop);
}
