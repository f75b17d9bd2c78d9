/* A refresh token that is sent as a bearer token, and answered with an access token and nothing else. */
#include "e2e/askers.h"
#include "e2e/backend_story.h"
#include "support/unit.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 20 };

/* As an administrator does. */
static void change_role(backend *crm, const char *role) {
    reply reply =
        backend_ask(crm, "/login", NULL,
                    "{\"username\":\"" BACKEND_USER "\",\"password\":\"" BACKEND_PASSWORD "\"}");
    char *token = json_member(reply.body, "accessToken"), *line = NULL, *path = NULL;

    assert_non_null(token);
    assert_true(asprintf(&line, "Authorization: Bearer %s", token) > 0);
    assert_true(asprintf(&path, "/api/role/%s", role) > 0);
    assert_status(backend_ask(crm, path, (const char *const[]){line, NULL}, "{}"), 204);
    free(path);
    free(line);
    free(token);
    reply_free(&reply);
}

/* Their 401s come one by one, many after the refresh is over. */
static void late_401s_of_a_changed_role_are_one_refresh(void **state) {
    backend *crm = backend_start(*state, (const char *const[]){"SLOW_MS=400", NULL});
    backend_app *app = backend_app_open_signed_in(crm, NULL);
    askers *crowd = askers_start(app, THREADS, now_ms() + 4000);
    askers_tally tally;

    while (backend_count(crm, "GET /api/slow 200") < THREADS) poll(NULL, 0, 20);
    change_role(crm, "editor");
    tally = askers_join(crowd);

    assert_int_equal(tally.other, 0);
    assert_int_equal(tally.required, 0);
    assert_in_range(backend_count(crm, "GET /api/slow 401"), 1, THREADS);
    assert_int_equal(backend_count(crm, "POST /refresh-token"), 1);
    assert_int_equal(backend_app_stats(app).refreshes, 1);
    backend_app_close(app);
    backend_stop(crm);
}

/* Only the tokens say how long they live. */
static void the_end_is_told_before_it_comes(void **state) {
    enum { SIGN_IN_S = 8 };
    backend *crm =
        backend_start(*state, (const char *const[]){"ACCESS_TTL=2", "REFRESH_TTL=8", NULL});
    backend_app *app = backend_app_open_signed_in(crm, NULL);

    assert_in_range(backend_app_stats(app).expires_in_s, 0, 2);
    assert_in_range(backend_app_stats(app).sign_in_ends_in_s, SIGN_IN_S - 2, SIGN_IN_S);
    backend_app_wait_event(app, TACIT_EVENT_SIGN_IN_ENDS, 1);
    assert_in_range(backend_app_stats(app).sign_in_ends_in_s, 0, SIGN_IN_S / 4);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    assert_true(backend_app_stats(app).refreshes >= 1);

    backend_app_wait_event(app, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(backend_app_get(app), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_SIGN_IN_REQUIRED), 1);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_SIGN_IN_ENDS), 1);
    assert_int_equal(backend_app_events(app, TACIT_EVENT_ANOMALY), 0); /* it was its time */
    assert_in_range(backend_count(crm, "POST /refresh-token 401"), 0, 1);
    backend_app_close(app);
    backend_stop(crm);
}

static void no_token_is_logged(void **state) {
    backend *crm = backend_start(*state, NULL);
    backend_app *app = backend_app_open_signed_in(crm, &(backend_app_options){.logs = true});

    assert_int_equal(tacit_session_refresh(backend_app_session(app), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(backend_app_get(app), 200);

    backend_app_assert_no_token_logged(app);
    backend_app_close(app);
    backend_stop(crm);
}

static int start_site(void **state) {
    static const char *const environment[] = {"ACCESS_SECRET=one of the crm's secrets",
                                              "REFRESH_SECRET=the other one", "SLOW_MS=20", NULL};
    static const backend_plan plan = {.name = "express_bearer_refresh",
                                      .environment = environment,
                                      .has_database = true,
                                      .sign_up = "/users",
                                      .api = "/api/slow",
                                      .refresh = "POST /refresh-token",
                                      .wrong_password = "WrongPassword",
                                      .new_key = "ACCESS_SECRET=a new one"};

    return backend_site_start(state, &plan);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BACKEND_STORY,
        cmocka_unit_test(late_401s_of_a_changed_role_are_one_refresh),
        cmocka_unit_test(the_end_is_told_before_it_comes),
        cmocka_unit_test(no_token_is_logged),
    };

    return cmocka_run_group_tests(tests, start_site, backend_site_stop);
}
