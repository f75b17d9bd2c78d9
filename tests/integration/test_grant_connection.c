/* Grants and revocations have connections of their own, and what is known of their outcome (R17). */
#include "support/raw_server.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

static tacit_status refresh(world *w, tacit_error *error) {
    return tacit_session_refresh(world_session(w), PATIENCE_MS, error);
}

/* Appends the connections of a part's requests. */
static size_t add_connections(ts_server *server, ts_part part, long *connections, size_t count) {
    ts_record record;

    for (size_t i = 0; server_record(server, part, i, &record); i++) {
        connections[count++] = record.connection;
        server_record_free(&record);
    }
    return count;
}

/* R17 */
static void each_grant_and_revocation_has_a_connection_of_its_own(void **state) {
    world *w = signed_in(NULL);
    ts_server *server = world_server(w);
    long connections[16];
    size_t count = 0;
    tacit_error error;

    (void)state;
    assert_int_equal(world_get(w, "/api/x"), 200); /* leaves an idle connection to the same host */
    for (int i = 0; i < 3; i++) assert_int_equal(refresh(w, &error), TACIT_OK);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, &error), TACIT_OK);
    world_sign_in(w);

    count = add_connections(server, TS_TOKEN_ENDPOINT, connections, count);
    count = add_connections(server, TS_REVOCATION, connections, count);
    assert_int_equal(count, 7);
    count = add_connections(server, TS_API, connections, count);
    assert_int_equal(connections[count - 1], connections[count - 2]); /* requests do share */
    for (size_t i = 0; i < count - 1; i++)
        for (size_t j = 0; j < i; j++) assert_int_not_equal(connections[i], connections[j]);
    world_free(w);
}

typedef struct ending {
    const char *name;
    ts_fault fault;
    bool unknown;
    long requests;
} ending;

static void end_a_grant(const ending *e) {
    ts_options options = TS_OPTIONS_INIT;
    world *w;
    ts_server *server;
    tacit_error error;

    options.grace_ms = 60000;
    w = signed_in(&(world_options){.server = &options, .clock = true});
    server = world_server(w);
    server_counters_reset(server);
    server_fault_add(server, TS_TOKEN_ENDPOINT, &e->fault);
    if (refresh(w, &error) == TACIT_OK) fail_msg("%s: it worked", e->name);
    if (error.outcome_unknown != e->unknown) fail_msg("%s: %s", e->name, error.message);
    look_a_while();
    if (server_counters(server).token_requests != e->requests) fail_msg("%s: sent again", e->name);

    world_clock_move(w, 5000);
    assert_int_equal(refresh(w, &error), TACIT_OK);
    world_free(w);
}

/* R17: libcurl resends by itself what a reused connection lost; a grant must not be. */
static void a_grant_whose_answer_is_lost_is_of_unknown_outcome_and_sent_once(void **state) {
    static const ending endings[] = {
        {"closed before it took effect", {.kind = TS_FAULT_CLOSE, .requests = 1}, true, 1},
        {"closed after it took effect",
         {.kind = TS_FAULT_CLOSE, .requests = 1, .after_processing = true},
         true,
         1},
        {"half an answer", {.kind = TS_FAULT_RESET, .requests = 1}, true, 1},
        {"an answer", {.kind = TS_FAULT_ANSWER, .requests = 1, .status = 503}, false, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) end_a_grant(&endings[i]);
}

/* R17 */
static void a_refused_connection_is_not_sent(void **state) {
    world *w = signed_in(NULL);
    tacit_error error;

    (void)state;
    server_go_away(world_server(w));
    assert_int_equal(refresh(w, &error), TACIT_ERR_NETWORK);

    assert_false(error.outcome_unknown);
    assert_true(error.retryable);
    server_come_back(world_server(w));
    world_free(w);
}

static void answer_a_grant(raw_then then, bool at_once) {
    raw_server *raw = raw_server_start(&(raw_options){.then = then, .at_once = at_once});
    tacit_client *client = tacit_client_new(NULL, NULL);
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_provider *provider;
    tacit_session *session;
    tacit_error error;
    char json[256];

    snprintf(json, sizeof json, "{\"issuer\":\"%s\",\"token_endpoint\":\"%stoken\"}",
             raw_server_url(raw), raw_server_url(raw));
    provider = tacit_provider_from_json(json, &error);
    assert_non_null(provider);
    options.client_id = "test-client";
    options.store = tacit_store_memory();
    options.policy = TACIT_POLICY_REACTIVE;
    session = tacit_session_open(client, provider, &options, &error);
    assert_int_equal(tacit_sign_in_with_password(session, "alice", "x", NULL, &error),
                     TACIT_ERR_NETWORK);

    assert_true(error.outcome_unknown);
    assert_int_equal(raw_server_connections(raw), 1);
    tacit_session_close(session, PATIENCE_MS);
    tacit_client_shutdown(client, PATIENCE_MS, NULL);
    tacit_client_unref(client);
    tacit_provider_unref(provider);
    tacit_store_unref(options.store);
    raw_server_stop(raw);
}

/* R17: once a connection was made, nobody can know. */
static void a_connection_that_ends_without_an_answer_is_unknown(void **state) {
    (void)state;
    answer_a_grant(RAW_CLOSE, false);
    answer_a_grant(RAW_RESET, false);
    answer_a_grant(RAW_CLOSE, true);
}

/* R17: a revocation that failed is not sent again by libcurl either. */
static void a_revocation_is_sent_once(void **state) {
    world *w = signed_in(NULL);
    tacit_error error;

    (void)state;
    server_close_connections(world_server(w), TS_REVOCATION, 1, true);
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, &error), TACIT_ERR_NETWORK);

    assert_int_equal(server_counters(world_server(w)).revocation_requests,
                     2); /* one for each token */
    assert_int_equal(server_counters(world_server(w)).revocations, 2);
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_grant_and_revocation_has_a_connection_of_its_own),
        cmocka_unit_test(a_grant_whose_answer_is_lost_is_of_unknown_outcome_and_sent_once),
        cmocka_unit_test(a_refused_connection_is_not_sent),
        cmocka_unit_test(a_connection_that_ends_without_an_answer_is_unknown),
        cmocka_unit_test(a_revocation_is_sent_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
