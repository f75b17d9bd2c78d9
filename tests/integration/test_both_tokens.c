/* Dialects whose refresh or sign-out sends the access token along. */
#include "support/sending.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

/* A session of the world's client, with a provider of that dialect. */
static tacit_session *open_with(world *w, const char *dialect) {
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_provider *provider;
    tacit_session *session;
    tacit_error error;
    char json[1024];

    snprintf(json, sizeof json, "{\"token_endpoint\":\"%s/token\",\"dialect\":%s}",
             server_url(world_server(w), ""), dialect);
    provider = tacit_provider_from_json(json, &error);
    if (provider == NULL) fail_msg("%s", error.message);
    options.client_id = "test-client";
    options.store = world_store(w);
    session = tacit_session_open(world_client(w), provider, &options, NULL);
    tacit_provider_unref(provider);
    assert_non_null(session);
    assert_int_equal(tacit_sign_in_with_password(session, "alice", "wonderland", NULL, &error),
                     TACIT_OK);
    return session;
}

static char *access_token_of(tacit_session *session) {
    tacit_token *token;
    char *value;

    assert_int_equal(tacit_session_token(session, 0, PATIENCE_MS, &token, NULL), TACIT_OK);
    value = strdup(tacit_token_value(token));
    tacit_token_unref(token);
    return value;
}

static void assert_body_has(world *w, ts_part part, size_t index, const char *name,
                            const char *value) {
    ts_record seen;
    const char *at;

    assert_true(server_record(world_server(w), part, index, &seen));
    at = strstr(seen.body, name);
    if (at == NULL || strncmp(at + strlen(name), value, strlen(value)) != 0)
        fail_msg("%s", seen.body);
    server_record_free(&seen);
}

static void a_refresh_sends_the_token_that_ends(void **state) {
    world *w = world_new(NULL);
    tacit_session *session =
        open_with(w, "{\"refresh\":{\"send\":\"form\",\"fields\":{\"old\":\"{access_token}\"}}}");
    char *first = access_token_of(session), *second;

    (void)state;
    assert_int_equal(tacit_session_refresh(session, PATIENCE_MS, NULL), TACIT_OK);
    second = access_token_of(session);
    assert_int_equal(tacit_session_refresh(session, PATIENCE_MS, NULL), TACIT_OK);

    assert_string_not_equal(first, second);
    assert_body_has(w, TS_TOKEN_ENDPOINT, 1, "old=", first);
    assert_body_has(w, TS_TOKEN_ENDPOINT, 2, "old=", second);
    free(first);
    free(second);
    tacit_session_close(session, PATIENCE_MS);
    world_free(w);
}

static void a_sign_out_sends_both(void **state) {
    world *w = world_new(NULL);
    char dialect[512], *access, *refresh_token;
    tacit_session *session;

    (void)state;
    snprintf(dialect, sizeof dialect,
             "{\"sign_out\":{\"url\":\"%s/logout\",\"send\":\"json\",\"field\":\"refresh\","
             "\"fields\":{\"access\":\"{access_token}\"}}}",
             server_url(world_server(w), ""));
    session = open_with(w, dialect);
    access = access_token_of(session);
    refresh_token = server_newest_refresh_token(world_server(w));
    assert_int_equal(tacit_sign_out(session, PATIENCE_MS, NULL), TACIT_OK);

    assert_int_equal(server_record_count(world_server(w), TS_OTHER), 1);
    assert_body_has(w, TS_OTHER, 0, "\"access\":\"", access);
    assert_body_has(w, TS_OTHER, 0, "\"refresh\":\"", refresh_token);
    free(access);
    free(refresh_token);
    tacit_session_close(session, PATIENCE_MS);
    world_free(w);
}

static bool both_are_ended(void *server) {
    return server_record_count(server, TS_OTHER) == 2;
}

/* What the server granted after all is ended with the token that its sign-out takes. */
static void a_refresh_that_a_sign_out_overtakes_is_ended_by_its_access_token(void **state) {
    world *w = world_new(NULL);
    ts_server *server = world_server(w);
    char dialect[512], *before;
    tacit_session *session;
    ts_record first, second;

    (void)state;
    snprintf(dialect, sizeof dialect,
             "{\"sign_out\":{\"url\":\"%s/logout\",\"send\":\"json\",\"token\":\"access_token\"}}",
             server_url(server, ""));
    session = open_with(w, dialect);
    before = access_token_of(session);
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    tacit_session_refresh(session, TACIT_NO_WAIT, NULL);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    tacit_sign_out(session, TACIT_NO_WAIT, NULL);
    server_gate_open(server, TS_TOKEN_ENDPOINT);

    world_wait(both_are_ended, server, "both access tokens are ended");
    assert_true(server_record(server, TS_OTHER, 0, &first));
    assert_true(server_record(server, TS_OTHER, 1, &second));
    assert_true((strstr(first.body, before) == NULL) != (strstr(second.body, before) == NULL));
    server_record_free(&first);
    server_record_free(&second);
    free(before);
    tacit_session_close(session, PATIENCE_MS);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refresh_sends_the_token_that_ends),
        cmocka_unit_test(a_sign_out_sends_both),
        cmocka_unit_test(a_refresh_that_a_sign_out_overtakes_is_ended_by_its_access_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
