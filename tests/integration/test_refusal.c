/* What signs out, and what does not (R6). */
#include "support/fake_store.h"
#include "support/raw_server.h"
#include "support/seen.h"
#include "support/unit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

/* With the injected clock and a store to look into; nothing is counted yet. */
typedef struct scene {
    fake_store *store;
    world *world;
    ts_server *server;
} scene;

static scene scene_of(fake_store *store, const ts_options *server, tacit_client_options client) {
    world *w = world_new(&(world_options){
        .server = server, .client = client, .store = fake_store_handle(store), .clock = true});

    world_sign_in(w);
    server_counters_reset(world_server(w));
    return (scene){store, w, world_server(w)};
}

static scene scene_in(fake_store *store, const ts_options *server) {
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;

    client.store_timeout_ms = INT_MAX; /* the clock may be moved while a call is under way */
    return scene_of(store, server, client);
}

static scene new_scene(const ts_options *server) {
    return scene_in(fake_store_new(), server);
}

static void free_scene(scene *s) {
    world_free(s->world);
    fake_store_free(s->store);
}

static tacit_status refresh(const scene *s, tacit_error *error) {
    return tacit_session_refresh(world_session(s->world), PATIENCE_MS, error);
}

/* ------------------------------------------------------------------ what never signs out */

static void fail_500(ts_server *server) {
    server_fail(server, TS_TOKEN_ENDPOINT, 1, 500);
}

static void fail_503(ts_server *server) {
    server_fail(server, TS_TOKEN_ENDPOINT, 1, 503);
}

static void fail_429(ts_server *server) {
    server_fail_retry_after(server, TS_TOKEN_ENDPOINT, 1, 429, "5");
}

static void fail_portal(ts_server *server) {
    server_captive_portal(server, TS_TOKEN_ENDPOINT, 1);
}

static void fail_redirect(ts_server *server) {
    server_redirect(server, TS_TOKEN_ENDPOINT, 1, 302, "http://127.0.0.1:1/login");
}

static void fail_invalid_client(ts_server *server) {
    server_fail_oauth(server, 1, 401, "invalid_client");
}

static void fail_invalid_request(ts_server *server) {
    server_fail_oauth(server, 1, 400, "invalid_request");
}

static void fail_temporarily(ts_server *server) {
    server_fail_oauth(server, 1, 400, "temporarily_unavailable");
}

static void fail_5xx_with_invalid_grant(ts_server *server) {
    server_fail_oauth(server, 1, 503, "invalid_grant");
}

static void fail_unexplained_400(ts_server *server) {
    server_fail(server, TS_TOKEN_ENDPOINT, 1, 400);
}

static void fail_unexplained_401(ts_server *server) {
    server_fail(server, TS_TOKEN_ENDPOINT, 1, 401);
}

static void fail_nested(ts_server *server) {
    server_fault_add(server, TS_TOKEN_ENDPOINT,
                     &(ts_fault){.kind = TS_FAULT_NESTED, .requests = 1, .size = 10000});
}

static void fail_oversized(ts_server *server) {
    server_fault_add(server, TS_TOKEN_ENDPOINT,
                     &(ts_fault){.kind = TS_FAULT_OVERSIZED, .requests = 1, .size = 8 << 20});
}

static void fail_close(ts_server *server) {
    server_close_connections(server, TS_TOKEN_ENDPOINT, 1, false);
}

static void fail_reset(ts_server *server) {
    server_fault_add(server, TS_TOKEN_ENDPOINT, &(ts_fault){.kind = TS_FAULT_RESET, .requests = 1});
}

static void fail_connect(ts_server *server) {
    server_go_away(server);
}

typedef struct fault_case {
    const char *name;
    void (*begin)(ts_server *server);
} fault_case;

static void assert_stays_signed_in(const fault_case *fault) {
    ts_options options = TS_OPTIONS_INIT;
    tacit_token *before, *after;
    tacit_error error;
    scene s;

    options.grace_ms = 60000; /* for the faults that lose an answer */
    s = new_scene(&options);
    before = world_token(s.world);
    fault->begin(s.server);
    if (refresh(&s, &error) == TACIT_OK || error.sign_in_required)
        fail_msg("%s: %s", fault->name, tacit_status_name(error.status));

    after = world_token(s.world);
    assert_ptr_equal(after, before);
    assert_int_equal(tacit_session_get_state(world_session(s.world)), TACIT_STATE_SIGNED_IN);
    server_come_back(s.server);
    world_clock_move(s.world, 10000);
    if (refresh(&s, &error) != TACIT_OK) fail_msg("%s, afterwards: %s", fault->name, error.message);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    assert_int_equal(world_event_count(s.world, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    assert_int_equal(world_event_count(s.world, TACIT_EVENT_SIGNED_OUT), 0);
    assert_int_equal(fake_store_calls(s.store, FAKE_ERASE), 0);
    tacit_token_unref(after);
    tacit_token_unref(before);
    free_scene(&s);
}

/* R6 */
static void faults_of_servers_and_networks_never_sign_out(void **state) {
    static const fault_case cases[] = {
        {"500", fail_500},
        {"503", fail_503},
        {"429", fail_429},
        {"a captive portal", fail_portal},
        {"a redirect", fail_redirect},
        {"invalid_client", fail_invalid_client},
        {"invalid_request", fail_invalid_request},
        {"temporarily_unavailable", fail_temporarily},
        {"503 with invalid_grant", fail_5xx_with_invalid_grant},
        {"400 without a reason", fail_unexplained_400},
        {"401 without a reason", fail_unexplained_401},
        {"JSON without end", fail_nested},
        {"too much JSON", fail_oversized},
        {"a connection that closes", fail_close},
        {"a reset within the answer", fail_reset},
        {"a refused connection", fail_connect},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) assert_stays_signed_in(&cases[i]);
}

/* R6: something on the way breaks every TLS handshake. */
static void broken_tls_handshake_never_signs_out(void **state) {
    static const raw_then ends[] = {RAW_CLOSE, RAW_RESET};
    char json[256];

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        raw_server *middle = raw_server_start(&(raw_options){.then = ends[i], .at_once = true});
        tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
        tacit_client *client = tacit_client_new(NULL, NULL);
        tacit_store *store = tacit_store_memory();
        tacit_provider *provider;
        tacit_session *session;
        tacit_error error;

        snprintf(json, sizeof json,
                 "{\"issuer\":\"https://127.0.0.1:%u\",\"token_endpoint\":\"https://127.0.0.1:%u/"
                 "token\"}",
                 raw_server_port(middle), raw_server_port(middle));
        provider = tacit_provider_from_json(json, &error);
        assert_non_null(provider);
        options.client_id = "test-client";
        options.store = store;
        session = tacit_session_open(client, provider, &options, &error);
        assert_int_equal(tacit_sign_in_with_tokens(session, "access", 3600, "refresh", &error),
                         TACIT_OK);
        assert_int_not_equal(tacit_session_refresh(session, PATIENCE_MS, &error), TACIT_OK);
        assert_false(error.sign_in_required);
        assert_true(error.status == TACIT_ERR_TLS || error.status == TACIT_ERR_NETWORK);
        assert_int_equal(tacit_session_get_state(session), TACIT_STATE_SIGNED_IN);
        tacit_session_close(session, PATIENCE_MS);
        assert_int_equal(tacit_client_shutdown(client, PATIENCE_MS, NULL), TACIT_OK);
        tacit_client_unref(client);
        tacit_provider_unref(provider);
        tacit_store_unref(store);
        raw_server_stop(middle);
    }
}

/* R6 */
static void locked_or_vanished_keyring_does_not_sign_out(void **state) {
    static const tacit_status failures[] = {TACIT_ERR_STORE_LOCKED, TACIT_ERR_STORE_UNAVAILABLE,
                                            TACIT_ERR_STORE_CORRUPT, TACIT_ERR_STORE_FAILED};

    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        scene s = new_scene(NULL);

        fake_store_fail(s.store, FAKE_LOAD, failures[i]);
        fake_store_fail(s.store, FAKE_SAVE, failures[i]);
        assert_int_equal(refresh(&s, NULL), TACIT_OK);
        assert_int_equal(world_get(s.world, "/api/x"), 200);
        assert_int_equal(tacit_session_get_state(world_session(s.world)), TACIT_STATE_SIGNED_IN);
        assert_int_equal(world_event_count(s.world, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
        fake_store_fail(s.store, FAKE_LOAD, TACIT_OK);
        fake_store_fail(s.store, FAKE_SAVE, TACIT_OK);
        free_scene(&s);
    }
}

/* ------------------------------------------------------------------ what does */

/* The refusal was believed only after this load, and nothing came of it before. */
static void wait_load(const scene *s, size_t count) {
    assert_true(fake_store_wait_calls(s->store, FAKE_LOAD, count));
    look_a_while();
    assert_int_equal(fake_store_calls(s->store, FAKE_LOAD), count);
    assert_int_equal(tacit_session_get_state(world_session(s->world)), TACIT_STATE_SIGNED_IN);
}

/* R6: re-reads at 0, 0.5 and 2 s. */
static void refusal_signs_out_after_three_rereads(void **state) {
    scene s = new_scene(NULL);
    world_event over;
    size_t before = fake_store_calls(s.store, FAKE_LOAD);
    tacit_error error;

    (void)state;
    server_revoke_family(s.server);
    tacit_session_refresh(world_session(s.world), TACIT_NO_WAIT, NULL);
    wait_load(&s, before + 2); /* before the grant, and at once after it */
    world_clock_move(s.world, 499);
    wait_load(&s, before + 2);
    world_clock_move(s.world, 1);
    wait_load(&s, before + 3);
    world_clock_move(s.world, 1499);
    wait_load(&s, before + 3);
    world_clock_move(s.world, 1);
    world_wait_event(s.world, TACIT_EVENT_SIGN_IN_REQUIRED, 1);

    assert_true(world_event_at(s.world, TACIT_EVENT_SIGN_IN_REQUIRED, 0, &over));
    assert_string_equal(over.event.error->oauth_error, "invalid_grant");
    assert_true(over.event.error->sign_in_required);
    assert_false(over.event.error->outcome_unknown);
    assert_int_equal(over.event.state, TACIT_STATE_SIGNED_OUT);
    assert_int_equal(fake_store_calls(s.store, FAKE_LOAD), before + 4);
    assert_int_equal(server_counters(s.server).token_requests, 1);
    assert_int_equal(world_get_error(s.world, "/api/x", &error), -TACIT_ERR_SIGN_IN_REQUIRED);
    free_scene(&s);
}

static bool is_marked(void *data) {
    char *record = fake_store_record(data);
    bool marked = record != NULL && fake_record_is_refused(record);

    free(record);
    return marked;
}

/* R6: kept and marked, so that no later start sends it again; and told once. */
static void refused_record_is_kept_and_not_sent_again(bool process_only) {
    scene s = scene_in(process_only ? fake_store_new_process_only() : fake_store_new(), NULL);
    char *refused = server_newest_refresh_token(s.server), *record, *kept;
    tacit_session_state loaded;
    tacit_error error;

    server_revoke_family(s.server);
    tacit_session_refresh(world_session(s.world), TACIT_NO_WAIT, NULL);
    wait_sign_in_required(s.world);
    if (process_only) world_wait(is_marked, s.store, "the record is marked");
    record = fake_store_record(s.store);
    kept = fake_record_refresh_token(record);
    assert_string_equal(kept, refused);

    world_restart(s.world);
    assert_int_equal(tacit_session_load(world_session(s.world), PATIENCE_MS, &loaded, &error),
                     TACIT_OK);
    assert_int_equal(loaded, TACIT_STATE_SIGNED_OUT);
    assert_int_equal(world_get(s.world, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(refresh(&s, &error), TACIT_ERR_SIGN_IN_REQUIRED);
    world_clock_move(s.world, 24LL * 3600 * 1000);
    tacit_client_network_changed(world_client(s.world));
    look_a_while();

    assert_int_equal(seen_refresh_token_count(s.server, refused), 1);
    assert_int_equal(server_counters(s.server).token_requests, 1);
    world_assert_events(s.world, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(fake_store_calls(s.store, FAKE_ERASE), 0);
    free(kept);
    free(record);
    free(refused);
    free_scene(&s);
}

static void journal_keeps_a_refused_record_from_being_sent_again(void **state) {
    (void)state;
    refused_record_is_kept_and_not_sent_again(false);
}

/* Where there is no journal. */
static void mark_keeps_a_refused_record_from_being_sent_again(void **state) {
    (void)state;
    refused_record_is_kept_and_not_sent_again(true);
}

/* R6, and then life goes on. */
static void new_sign_in_after_a_refusal_replaces_the_marked_record(void **state) {
    scene s = new_scene(NULL);
    char *record;

    (void)state;
    server_revoke_family(s.server);
    tacit_session_refresh(world_session(s.world), TACIT_NO_WAIT, NULL);
    wait_sign_in_required(s.world);
    world_sign_in(s.world);

    record = fake_store_record(s.store);
    assert_false(fake_record_is_refused(record));
    assert_int_equal(fake_record_generation(record), 1);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    world_restart(s.world);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    free(record);
    free_scene(&s);
}

/* ------------------------------------------------------------------ what another client did meanwhile */

/* A second client on the same store, as another process would be. */
static tacit_session *open_elsewhere(const scene *s, tacit_client **client) {
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_session *session;

    *client = tacit_client_new(NULL, NULL);
    options.client_id = "test-client";
    options.store = fake_store_handle(s->store);
    options.policy = TACIT_POLICY_REACTIVE;
    session = tacit_session_open(*client, world_provider(s->world), &options, NULL);
    assert_non_null(session);
    return session;
}

static void close_elsewhere(tacit_session *session, tacit_client *client) {
    tacit_session_close(session, PATIENCE_MS);
    assert_int_equal(tacit_client_shutdown(client, PATIENCE_MS, NULL), TACIT_OK);
    tacit_client_unref(client);
}

/* R6, R2: another client rotates after ours has read the store, so that ours is refused; the re-read finds the successor. */
static void refusal_adopts_what_another_client_saved_meanwhile(void **state) {
    scene s = new_scene(NULL);
    tacit_client *client;
    tacit_session *other = open_elsewhere(&s, &client);
    tacit_token *refused, *newer;
    size_t loads;
    char *spent = server_newest_refresh_token(s.server);

    (void)state;
    assert_int_equal(tacit_session_load(other, PATIENCE_MS, NULL, NULL), TACIT_OK);
    loads = fake_store_calls(s.store, FAKE_LOAD);
    server_fail_oauth(s.server, 1, 400, "invalid_grant"); /* as if it had been spent elsewhere */
    server_revoke_access_tokens(s.server);
    refused = world_token(s.world);
    tacit_session_renew(world_session(s.world), refused, TACIT_NO_WAIT, &newer, NULL);
    assert_true(fake_store_wait_calls(s.store, FAKE_LOAD, loads + 2));
    assert_int_equal(tacit_session_refresh(other, PATIENCE_MS, NULL), TACIT_OK);
    world_clock_move(s.world, 500);
    world_wait_event(s.world, TACIT_EVENT_REFRESHED, 1);

    assert_int_equal(world_get(s.world, "/api/x"), 200);
    assert_int_equal(stats_of(s.world).adoptions, 1);
    assert_int_equal(stats_of(s.world).generation, 2);
    assert_int_equal(server_counters(s.server).token_requests, 2);
    assert_int_equal(seen_refresh_token_count(s.server, spent), 2);
    assert_int_equal(world_event_count(s.world, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    tacit_token_unref(refused);
    free(spent);
    close_elsewhere(other, client);
    free_scene(&s);
}

/* R6: what is adopted brings no access token that lives, so it is used at once. */
static void refusal_goes_on_with_a_refresh_token_that_appears_meanwhile(void **state) {
    scene s = new_scene(NULL);
    char *record = fake_store_record(s.store), *newer, *bare, *fresh, quoted[256];
    size_t loads = fake_store_calls(s.store, FAKE_LOAD);

    (void)state;
    server_revoke_family(s.server);
    fresh = server_sign_in(s.server, "alice", "", NULL);
    snprintf(quoted, sizeof quoted, "\"%s\"", fresh);
    tacit_session_refresh(world_session(s.world), TACIT_NO_WAIT, NULL);
    assert_true(fake_store_wait_calls(s.store, FAKE_LOAD, loads + 2));
    newer = fake_record_with(record, "refresh_token", quoted);
    bare = fake_record_with(newer, "access_tokens", "[]");
    free(newer);
    newer = fake_record_with(bare, "generation", "7");
    fake_store_put(s.store, newer);
    world_clock_move(s.world, 2000);
    assert_true(server_wait_counter(s.server, TS_COUNTER(refreshes_ok), 1, PATIENCE_MS));
    world_wait_event(s.world, TACIT_EVENT_REFRESHED, 2); /* adopted, and renewed */

    assert_int_equal(world_get(s.world, "/api/x"), 200);
    assert_int_equal(seen_refresh_token_count(s.server, fresh), 1);
    assert_true(stats_of(s.world).generation > 7);
    assert_int_equal(world_event_count(s.world, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    free(fresh);
    free(bare);
    free(newer);
    free(record);
    free_scene(&s);
}

/* R6: told to each session once, whoever else asks for a token afterwards. */
static void end_of_the_sign_in_is_told_once(void **state) {
    scene s = new_scene(NULL);
    tacit_session *other = world_open(s.world, NULL, "files.read");

    (void)state;
    server_revoke_family(s.server);
    tacit_session_refresh(world_session(s.world), TACIT_NO_WAIT, NULL);
    tacit_session_refresh(other, TACIT_NO_WAIT, NULL);
    wait_sign_in_required(s.world);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(world_get(s.world, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
        world_clock_move(s.world, 3600 * 1000);
    }
    world_wait_event(s.world, TACIT_EVENT_SIGN_IN_REQUIRED, 2);

    assert_int_equal(server_counters(s.server).token_requests, 1);
    world_assert_events(s.world, TACIT_EVENT_SIGN_IN_REQUIRED, 2); /* one each */
    tacit_session_close(other, PATIENCE_MS);
    free_scene(&s);
}

/* R6: the load that a refusal asks for hangs, and comes back while the client is shut down. What the journal is to say is said. */
static void refusal_that_a_shutdown_meets_is_known_afterwards(void **state) {
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;

    (void)state;
    client.store_timeout_ms = 200;
    for (int i = 0; i < 30; i++) {
        scene s = scene_of(fake_store_new(), NULL, client);
        tacit_session_state found;

        server_revoke_family(s.server);
        fake_store_gate_close(s.store, FAKE_LOAD);
        tacit_session_refresh(world_session(s.world), TACIT_NO_WAIT, NULL);
        wait_sign_in_required(s.world);
        server_counters_reset(s.server);
        fake_store_gate_open(s.store, FAKE_LOAD);
        world_restart(s.world);

        assert_int_equal(tacit_session_load(world_session(s.world), PATIENCE_MS, &found, NULL),
                         TACIT_OK);
        assert_int_equal(found, TACIT_STATE_SIGNED_OUT);
        assert_int_equal(server_counters(s.server).token_requests, 0);
        free_scene(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_of_servers_and_networks_never_sign_out),
        cmocka_unit_test(broken_tls_handshake_never_signs_out),
        cmocka_unit_test(locked_or_vanished_keyring_does_not_sign_out),
        cmocka_unit_test(refusal_signs_out_after_three_rereads),
        cmocka_unit_test(journal_keeps_a_refused_record_from_being_sent_again),
        cmocka_unit_test(mark_keeps_a_refused_record_from_being_sent_again),
        cmocka_unit_test(new_sign_in_after_a_refusal_replaces_the_marked_record),
        cmocka_unit_test(refusal_adopts_what_another_client_saved_meanwhile),
        cmocka_unit_test(refusal_goes_on_with_a_refresh_token_that_appears_meanwhile),
        cmocka_unit_test(end_of_the_sign_in_is_told_once),
        cmocka_unit_test(refusal_that_a_shutdown_meets_is_known_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
