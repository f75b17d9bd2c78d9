/* A program that signs in as itself: its token is fetched anew through the same flight, turn and backoff as a refresh, and nothing that
 * the server says ends it. */
#include "support/apps.h"
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdlib.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS, LIFETIME_MS = 3600000 };

static ts_options confidential(void) {
    ts_options options = TS_OPTIONS_INIT;

    options.client_auth = TS_CLIENT_AUTH_BASIC;
    return options;
}

static world_options machine_options(const ts_options *server) {
    world_options options = {.server = server, .session = TACIT_SESSION_OPTIONS_INIT};

    options.session.client_secret = "test-secret";
    return options;
}

static void sign_in(world *w) {
    tacit_error error;

    if (tacit_sign_in_with_client_credentials(world_session(w), NULL, &error) != TACIT_OK)
        fail_msg("%s: %s", tacit_status_name(error.status), error.message);
}

static long fetches(world *w) {
    return server_counters(world_server(w)).client_credentials_grants;
}

static void wait_fetches(world *w, long count) {
    assert_true(server_wait_counter(world_server(w), TS_COUNTER(client_credentials_grants), count,
                                    PATIENCE_MS));
}

/* ------------------------------------------------------------------ signing in */

static void program_signs_in_as_itself_with_one_request(void **state) {
    ts_options server = confidential();
    world_options options = machine_options(&server);
    world *w = world_new(&options);

    (void)state;
    sign_in(w);
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_IN);
    world_wait_event(w, TACIT_EVENT_SIGNED_IN, 1);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(server_counters(world_server(w)).token_requests, 1);
    assert_int_equal(fetches(w), 1);
    world_free(w);
}

static void options_and_those_of_the_session_go_into_the_request(void **state) {
    static const char *const params[] = {"audience=api", NULL}, *const more[] = {"tier=gold", NULL};
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;
    ts_options server = confidential();
    world_options options = machine_options(&server);
    ts_record first, second;
    world *w;

    (void)state;
    options.session.scope = "read";
    options.session.resource = "https://api.example";
    options.session.token_params = params;
    o.scope = "write";
    o.params = more;
    w = world_new(&options);
    assert_int_equal(tacit_sign_in_with_client_credentials(world_session(w), &o, NULL), TACIT_OK);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);

    assert_true(server_record(world_server(w), TS_TOKEN_ENDPOINT, 0, &first));
    assert_true(server_record(world_server(w), TS_TOKEN_ENDPOINT, 1, &second));
    assert_non_null(strstr(first.body, "scope=write"));
    assert_non_null(strstr(first.body, "tier=gold"));
    assert_non_null(strstr(second.body, "grant_type=client_credentials"));
    assert_non_null(strstr(second.body, "scope=read"));
    assert_null(strstr(second.body, "tier"));
    assert_non_null(strstr(second.body, "resource=https%3A%2F%2Fapi.example"));
    assert_non_null(strstr(second.body, "audience=api"));
    assert_null(strstr(second.body, "refresh_token"));
    server_record_free(&first);
    server_record_free(&second);
    world_free(w);
}

static void session_without_a_secret_cannot_sign_in_so(void **state) {
    world *w = world_new(NULL);
    tacit_error error;

    (void)state;
    assert_int_equal(tacit_sign_in_with_client_credentials(world_session(w), NULL, &error),
                     TACIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "client_secret"));
    assert_int_equal(server_counters(world_server(w)).requests, 0);
    world_free(w);
}

static void wrong_secret_is_refused_and_signs_nothing_in(void **state) {
    ts_options server = confidential();
    world_options options = machine_options(&server);
    tacit_error error;
    world *w;

    (void)state;
    options.session.client_secret = "not-the-secret";
    w = world_new(&options);
    assert_int_equal(tacit_sign_in_with_client_credentials(world_session(w), NULL, &error),
                     TACIT_ERR_OAUTH);
    assert_string_equal(error.oauth_error, "invalid_client");
    assert_null(strstr(error.message, "not-the-secret"));
    assert_int_equal(world_event_count(w, TACIT_EVENT_SIGNED_IN), 0);
    world_free(w);
}

/* RFC 6749 section 4.4.3: it should not be there. It is neither kept nor sent. */
static void refresh_token_that_comes_all_the_same_is_not_kept(void **state) {
    ts_options server = confidential();
    fake_store *store = fake_store_new();
    world_options options = machine_options(&server);
    char *record;
    world *w;

    (void)state;
    server.extra_members = "{\"refresh_token\":\"surplus\",\"id_token\":\"no.jwt.at-all\"}";
    options.store = fake_store_handle(store);
    w = world_new(&options);
    sign_in(w);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    record = fake_store_record(store);

    assert_null(strstr(record, "surplus"));
    assert_null(strstr(record, "no.jwt"));
    assert_int_equal(fetches(w), 2);
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 0);
    assert_int_equal(server_counters(world_server(w)).revocations, 0);
    free(record);
    world_free(w);
    fake_store_free(store);
}

/* ------------------------------------------------------------------ fetching anew */

static void token_is_fetched_before_it_expires(void **state) {
    ts_options server = confidential();
    world_options options = machine_options(&server);
    world *w;

    (void)state;
    options.clock = true;
    w = world_new(&options);
    sign_in(w);
    world_clock_move(w, LIFETIME_MS - 60000); /* the lead is at least 5 min */
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);

    assert_int_equal(fetches(w), 2);
    assert_int_equal(stats_of(w).generation, 2);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
}

static void expired_token_is_fetched_on_need(void **state) {
    ts_options server = confidential();
    world_options options = machine_options(&server);
    world *w;

    (void)state;
    options.clock = true;
    options.session.policy = TACIT_POLICY_REACTIVE;
    w = world_new(&options);
    sign_in(w);
    world_clock_move(w, 2 * LIFETIME_MS);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(fetches(w), 2);
    world_free(w);
}

enum { THREADS = 24 };

static void *get_main(void *data) {
    world *w = data;

    return (void *)(intptr_t)world_get(w, "/api/x");
}

static void storm_of_401s_is_one_fetch(void **state) {
    ts_options server = confidential();
    world_options options = machine_options(&server);
    pthread_t threads[THREADS];
    world *w = world_new(&options);

    (void)state;
    sign_in(w);
    server_revoke_access_tokens(world_server(w));
    server_gate_close(world_server(w), TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_main, w), 0);
    wait_waiters(w, THREADS);
    server_gate_open(world_server(w), TS_TOKEN_ENDPOINT);
    for (int i = 0; i < THREADS; i++) {
        void *status;

        pthread_join(threads[i], &status);
        assert_int_equal((intptr_t)status, 200);
    }
    assert_int_equal(fetches(w), 2);
    assert_int_equal(server_counters(world_server(w)).peak_concurrent_grants, 1);
    world_free(w);
}

/* ------------------------------------------------------------------ after a restart */

static void restarted_program_is_signed_in_and_uses_its_token(void **state) {
    ts_options server = confidential();
    world_options options = machine_options(&server);
    world *w = world_new(&options);

    (void)state;
    sign_in(w);
    world_restart(w);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_IN);
    assert_int_equal(fetches(w), 1);
    world_free(w);
}

static void restarted_program_fetches_by_itself(void **state) {
    ts_options server = confidential();
    world_options options = machine_options(&server);
    world *w;

    (void)state;
    options.clock = true;
    w = world_new(&options);
    sign_in(w);
    world_clock_move(w, 2 * LIFETIME_MS);
    wait_fetches(w, 2);
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);
    world_restart(w);
    assert_int_equal(tacit_session_load(world_session(w), PATIENCE_MS, NULL, NULL), TACIT_OK);
    world_clock_move(w, 2 * LIFETIME_MS);
    wait_fetches(w, 3);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
}

/* The journal's head and the record name a generation each time. */
static void generations_go_on_after_a_restart(void **state) {
    ts_options server = confidential();
    fake_store *store = fake_store_new();
    world_options options = machine_options(&server);
    char *record;
    world *w;

    (void)state;
    options.store = fake_store_handle(store);
    w = world_new(&options);
    sign_in(w);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    world_restart(w);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    record = fake_store_record(store);
    assert_int_equal(fake_record_generation(record), 3);
    assert_int_equal(stats_of(w).generation, 3);
    free(record);
    world_free(w);
    fake_store_free(store);
}

/* ------------------------------------------------------------------ what never signs out */

static void nothing_that_the_server_says_signs_out(void **state) {
    static const char *const errors[] = {"invalid_grant", "invalid_client", "unauthorized_client",
                                         "access_denied"};
    ts_options server = confidential();
    world_options options = machine_options(&server);
    world *w = world_new(&options);

    (void)state;
    sign_in(w);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        tacit_error error;

        server_fail_oauth(world_server(w), 1, 400, errors[i]);
        assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, &error),
                         TACIT_ERR_OAUTH);
        assert_string_equal(error.oauth_error, errors[i]);
        assert_false(error.sign_in_required);
        assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_IN);
        assert_int_equal(world_get(w, "/api/x"), 200); /* with the current one (R8) */
        /* Peace for a while (R8): the same answer, and nothing is sent. */
        assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, &error),
                         TACIT_ERR_OAUTH);
        assert_int_equal(server_counters(world_server(w)).token_requests, 2 + (long)i);
        tacit_client_network_changed(world_client(w));
    }
    assert_int_equal(world_event_count(w, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    world_free(w);
}

static void server_in_trouble_is_asked_again_by_itself(void **state) {
    ts_options server = confidential();
    world_options options = machine_options(&server);
    world *w;

    (void)state;
    options.clock = true;
    w = world_new(&options);
    sign_in(w);
    server_fail(world_server(w), TS_TOKEN_ENDPOINT, 1, 503);
    world_clock_move(w, LIFETIME_MS - 60000);
    world_wait_event(w, TACIT_EVENT_REFRESH_FAILED, 1);
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_IN);
    world_clock_move(w, 10000); /* the first pause is at most 2 s */
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);
    assert_int_equal(fetches(w), 1 + 1);
    world_free(w);
}

/* An answer that was lost has lost nothing: no refresh token was in it. */
static void lost_answer_costs_nothing(void **state) {
    ts_options server = confidential();
    world_options options = machine_options(&server);
    tacit_error error;
    world *w;

    (void)state;
    options.clock = true;
    w = world_new(&options);
    sign_in(w);
    server_close_connections(world_server(w), TS_TOKEN_ENDPOINT, 1, true);
    assert_int_not_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, &error), TACIT_OK);
    assert_true(error.retryable);
    world_clock_move(w, 5000);
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(fetches(w), 3);
    world_free(w);
}

/* The record says that it can be renewed; these options say not how. */
static void session_without_the_secret_says_so_and_stays_signed_in(void **state) {
    ts_options server = confidential();
    fake_store *store = fake_store_new();
    world_options options = machine_options(&server);
    tacit_session_options bare = TACIT_SESSION_OPTIONS_INIT;
    tacit_session *session;
    tacit_error error;
    world *w;

    (void)state;
    options.store = fake_store_handle(store);
    w = world_new(&options);
    sign_in(w);
    bare.client_id = "test-client";
    bare.store = fake_store_handle(store);
    session = tacit_session_open(world_client(w), world_provider(w), &bare, NULL);
    assert_non_null(session);
    assert_int_equal(tacit_session_refresh(session, PATIENCE_MS, &error),
                     TACIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "client_secret"));
    assert_int_equal(tacit_session_get_state(session), TACIT_STATE_SIGNED_IN);
    assert_int_equal(fetches(w), 1);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(world_event_count(w, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    tacit_session_close(session, PATIENCE_MS);
    world_free(w);
    fake_store_free(store);
}

/* ------------------------------------------------------------------ stores that fail */

/* R5 keeps a refresh token that only memory has; here there is none. */
static void store_that_cannot_save_stops_no_fetch(void **state) {
    ts_options server = confidential();
    fake_store *store = fake_store_new();
    world_options options = machine_options(&server);
    world *w;

    (void)state;
    options.store = fake_store_handle(store);
    w = world_new(&options);
    sign_in(w);
    fake_store_fail(store, FAKE_SAVE, TACIT_ERR_STORE_UNAVAILABLE);
    for (int i = 0; i < 3; i++)
        assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(fetches(w), 4);
    fake_store_fail(store, FAKE_SAVE, TACIT_OK);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    world_free(w);
    fake_store_free(store);
}

/* ------------------------------------------------------------------ the end */

static void sign_out_ends_it_for_good(void **state) {
    ts_options server = confidential();
    fake_store *store = fake_store_new();
    world_options options = machine_options(&server);
    char *record;
    world *w;

    (void)state;
    options.clock = true;
    options.store = fake_store_handle(store);
    w = world_new(&options);
    sign_in(w);
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    record = fake_store_record(store);
    assert_null(record);
    assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    world_clock_move(w, 2 * LIFETIME_MS);
    world_restart(w);
    assert_int_equal(world_get(w, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(fetches(w), 1);
    world_free(w);
    fake_store_free(store);
}

static void user_who_signs_in_after_it_is_renewed_as_users_are(void **state) {
    ts_options server = confidential();
    world_options options = machine_options(&server);
    world *w = world_new(&options);

    (void)state;
    sign_in(w);
    world_sign_in(w);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(fetches(w), 1);
    assert_int_equal(server_counters(world_server(w)).refreshes_ok, 1);
    sign_in(w);
    assert_true(server_wait_counter(world_server(w), TS_COUNTER(revocations), 1, PATIENCE_MS));
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(fetches(w), 3);
    world_free(w);
}

/* ------------------------------------------------------------------ two processes */

/* Both have the sign-in of the program, and its first token. */
static apps two_machines(void) {
    static const char *const arguments[] = {"--client-secret", "test-secret", NULL};
    ts_options server = confidential();
    apps p = apps_new(&server, arguments);

    ask_ok(p.a, "sign-in-self");
    assert_true(
        server_wait_counter(p.server, TS_COUNTER(revocations), 1, APPS_PATIENCE_MS)); /* alice's */
    json_decref(ask_error(p.b, "get /api/whoami", "TACIT_ERR_SIGNED_OUT"));
    ask_user(p.b, "client");
    assert_int_equal(server_counters(p.server).client_credentials_grants, 1);
    return p;
}

/* Once in a lifetime, whoever needs it first. */
static void what_one_fetched_the_other_adopts(void **state) {
    apps p = two_machines();

    (void)state;
    for (int i = 0; i < 2; i++) {
        server_revoke_access_tokens(p.server);
        ask_user(i == 0 ? p.a : p.b, "client");
        ask_user(i == 0 ? p.b : p.a, "client");
        assert_int_equal(server_counters(p.server).client_credentials_grants, 2 + i);
    }
    assert_int_equal(stat_of(p.a, "generation"), 3);
    assert_int_equal(stat_of(p.b, "generation"), 3);
    assert_int_equal(server_counters(p.server).refresh_grants, 0);
    apps_free(&p);
}

static void both_in_need_at_once_are_one_fetch(void **state) {
    apps p = two_machines();
    long first, second;

    (void)state;
    server_revoke_access_tokens(p.server);
    server_gate_close(p.server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    first = app_send(p.a, "get /api/x");
    assert_true(server_gate_waiters(p.server, TS_TOKEN_ENDPOINT, 1, APPS_PATIENCE_MS));
    second = app_send(p.b, "get /api/x");
    a_moment();
    server_gate_open(p.server, TS_TOKEN_ENDPOINT);
    await_ok(p.a, first);
    await_ok(p.b, second);

    assert_int_equal(server_counters(p.server).client_credentials_grants, 2);
    assert_int_equal(server_counters(p.server).peak_concurrent_grants, 1);
    apps_free(&p);
}

/* A process that dies with what it fetched took nothing with it that another could miss. */
static void one_that_dies_before_it_saved_leaves_the_other_working(void **state) {
    apps p = two_machines();
    long out;

    (void)state;
    ask_ok(p.a, "hold save");
    server_revoke_access_tokens(p.server);
    out = app_send(p.a, "get /api/x");
    assert_int_not_equal(out, 0);
    assert_true(
        server_wait_counter(p.server, TS_COUNTER(client_credentials_grants), 2, APPS_PATIENCE_MS));
    app_kill(p.a);
    json_decref(ask_patiently(p.b, "get /api/x"));
    ask_user(p.b, "client");
    assert_int_equal(server_counters(p.server).client_credentials_grants, 3);
    assert_state(p.b, "signed_in");
    apps_free(&p);
}

static void sign_out_of_one_is_that_of_both(void **state) {
    apps p = two_machines();

    (void)state;
    ask_ok(p.a, "sign-out");
    server_revoke_access_tokens(p.server);
    json_decref(ask_error(p.b, "get /api/x", "TACIT_ERR_SIGNED_OUT"));
    assert_state(p.b, "signed_out");
    assert_int_equal(server_counters(p.server).client_credentials_grants, 1);
    apps_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(program_signs_in_as_itself_with_one_request),
        cmocka_unit_test(options_and_those_of_the_session_go_into_the_request),
        cmocka_unit_test(session_without_a_secret_cannot_sign_in_so),
        cmocka_unit_test(wrong_secret_is_refused_and_signs_nothing_in),
        cmocka_unit_test(refresh_token_that_comes_all_the_same_is_not_kept),
        cmocka_unit_test(token_is_fetched_before_it_expires),
        cmocka_unit_test(expired_token_is_fetched_on_need),
        cmocka_unit_test(storm_of_401s_is_one_fetch),
        cmocka_unit_test(restarted_program_is_signed_in_and_uses_its_token),
        cmocka_unit_test(restarted_program_fetches_by_itself),
        cmocka_unit_test(generations_go_on_after_a_restart),
        cmocka_unit_test(nothing_that_the_server_says_signs_out),
        cmocka_unit_test(server_in_trouble_is_asked_again_by_itself),
        cmocka_unit_test(lost_answer_costs_nothing),
        cmocka_unit_test(session_without_the_secret_says_so_and_stays_signed_in),
        cmocka_unit_test(store_that_cannot_save_stops_no_fetch),
        cmocka_unit_test(sign_out_ends_it_for_good),
        cmocka_unit_test(user_who_signs_in_after_it_is_renewed_as_users_are),
        cmocka_unit_test(what_one_fetched_the_other_adopts),
        cmocka_unit_test(both_in_need_at_once_are_one_fetch),
        cmocka_unit_test(one_that_dies_before_it_saved_leaves_the_other_working),
        cmocka_unit_test(sign_out_of_one_is_that_of_both),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
