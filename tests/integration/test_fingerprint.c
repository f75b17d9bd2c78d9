/* A dialect's fingerprint: what the sign-in's first token request sent, every later one sends, whatever app and library say by then. */
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

static const char dialect[] = "{\"dialect\":{\"fingerprint\":[\"User-Agent\",\"Accept-Language\","
                              "\"X-Device\",\"X-Later\"]}}";
static const char *const german[] = {"Accept-Language: de", "X-Device: 7f3a", NULL};
static const char *const french[] = {"Accept-Language: fr", "X-Device: 0000", "X-Later: 1", NULL};

/* One run of an app: a version of its own on the same store. */
typedef struct run {
    tacit_client *client;
    tacit_session *session;
} run;

static run open_run(world *w, const char *user_agent, const char *const *headers) {
    tacit_client_options client_options = TACIT_CLIENT_OPTIONS_INIT;
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    run r;

    client_options.user_agent = user_agent;
    client_options.state_dir = world_state_dir(w);
    r.client = tacit_client_new(&client_options, NULL);
    assert_non_null(r.client);
    options.client_id = "test-client";
    options.store = world_store(w);
    options.token_headers = headers;
    r.session = tacit_session_open(r.client, world_provider(w), &options, NULL);
    assert_non_null(r.session);
    return r;
}

static run start(world *w, const char *user_agent, const char *const *headers) {
    run r = open_run(w, user_agent, headers);

    assert_int_equal(tacit_session_load(r.session, PATIENCE_MS, NULL, NULL), TACIT_OK);
    return r;
}

static void end(const run *r) {
    assert_int_equal(tacit_session_close(r->session, PATIENCE_MS), TACIT_OK);
    assert_int_equal(tacit_client_shutdown(r->client, PATIENCE_MS, NULL), TACIT_OK);
    tacit_client_unref(r->client);
}

static void refresh(const run *r) {
    tacit_error error;

    if (tacit_session_refresh(r->session, PATIENCE_MS, &error) != TACIT_OK)
        fail_msg("%s", error.message);
}

static void sign_in(const run *r) {
    assert_int_equal(tacit_sign_in_with_password(r->session, "alice", "wonderland", NULL, NULL),
                     TACIT_OK);
}

/* A world whose own session stays out of it, and the first run of an app in it. */
typedef struct stage {
    fake_store *store;
    world *world;
    run first;
} stage;

static stage begin_with(const char *const *headers) {
    ts_options server = TS_OPTIONS_INIT;
    stage s = {.store = fake_store_new()};

    server.metadata_members = dialect;
    s.world = world_new(&(world_options){.server = &server, .store = fake_store_handle(s.store)});
    assert_int_equal(world_close(s.world, PATIENCE_MS), TACIT_OK);
    s.first = start(s.world, "app/1", headers);
    return s;
}

static stage begin(void) {
    return begin_with(german);
}

/* The first run is over, and a later version of the app begins. */
static run update(const stage *s) {
    end(&s->first);
    return start(s->world, "app/2", french);
}

static void leave(const stage *s) {
    world_free(s->world);
    fake_store_free(s->store);
}

static bool has_line(const char *headers, const char *line) {
    size_t size = strlen(line);

    for (const char *at = headers; *at != '\0'; at += strcspn(at, "\n") + 1)
        if (strncmp(at, line, size) == 0 && at[size] == '\n') return true;
    return false;
}

static void assert_sent(world *w, ts_part part, size_t index, const char *user_agent,
                        const char *const *headers) {
    ts_record seen;
    bool later = headers == french;

    assert_true(server_record(world_server(w), part, index, &seen));
    if (!has_line(seen.headers, user_agent)) fail_msg("%zu: %s", index, seen.headers);
    for (size_t i = 0; headers[i] != NULL; i++)
        if (!has_line(seen.headers, headers[i])) fail_msg("%zu: %s", index, seen.headers);
    if (!later) assert_null(strstr(seen.headers, "X-Later"));
    server_record_free(&seen);
}

/* ------------------------------------------------------------------ the tests */

static void a_later_version_sends_what_the_first_one_did(void **state) {
    stage s = begin();
    run later;
    char *record;

    (void)state;
    sign_in(&s.first);
    refresh(&s.first);
    end(&s.first);
    record = fake_store_record(s.store);
    assert_non_null(strstr(record, "\"fingerprint\":"));
    assert_non_null(strstr(record, "X-Device: 7f3a"));
    free(record);
    later = start(s.world, "app/2", french);
    refresh(&later);
    refresh(&later);
    end(&later);

    assert_int_equal(server_record_count(world_server(s.world), TS_TOKEN_ENDPOINT), 4);
    for (size_t i = 0; i < 4; i++)
        assert_sent(s.world, TS_TOKEN_ENDPOINT, i, "User-Agent: app/1", german);
    leave(&s);
}

static void another_sign_in_begins_anew(void **state) {
    stage s = begin();
    run later;

    (void)state;
    sign_in(&s.first);
    later = update(&s);
    sign_in(&later);
    refresh(&later);
    end(&later);

    assert_sent(s.world, TS_TOKEN_ENDPOINT, 0, "User-Agent: app/1", german);
    assert_sent(s.world, TS_TOKEN_ENDPOINT, 1, "User-Agent: app/2", french);
    assert_sent(s.world, TS_TOKEN_ENDPOINT, 2, "User-Agent: app/2", french);
    leave(&s);
}

static void another_process_sends_the_same(void **state) {
    stage s = begin();
    run beside;

    (void)state;
    sign_in(&s.first);
    beside = start(s.world, "app/2", french);
    refresh(&beside);
    refresh(&s.first);
    refresh(&beside);
    end(&beside);
    end(&s.first);

    for (size_t i = 0; i < 4; i++)
        assert_sent(s.world, TS_TOKEN_ENDPOINT, i, "User-Agent: app/1", german);
    leave(&s);
}

/* Imported tokens were signed in with elsewhere: their first request is the first refresh. */
static void an_import_freezes_with_its_first_refresh(void **state) {
    stage s = begin();
    run later;
    char *access, *refresh_token = server_sign_in(world_server(s.world), "alice", NULL, &access);

    (void)state;
    assert_int_equal(tacit_sign_in_with_tokens(s.first.session, access, 3600, refresh_token, NULL),
                     TACIT_OK);
    refresh(&s.first);
    later = update(&s);
    refresh(&later);
    end(&later);

    assert_sent(s.world, TS_TOKEN_ENDPOINT, 0, "User-Agent: app/1", german);
    assert_sent(s.world, TS_TOKEN_ENDPOINT, 1, "User-Agent: app/1", german);
    free(access);
    free(refresh_token);
    leave(&s);
}

static void a_first_refresh_that_fails_has_frozen_it(void **state) {
    stage s = begin();
    char *access, *refresh_token = server_sign_in(world_server(s.world), "alice", NULL, &access);

    (void)state;
    assert_int_equal(tacit_sign_in_with_tokens(s.first.session, access, 3600, refresh_token, NULL),
                     TACIT_OK);
    server_fail_oauth(world_server(s.world), 1, 400, "temporarily_unavailable");
    assert_int_not_equal(tacit_session_refresh(s.first.session, PATIENCE_MS, NULL), TACIT_OK);
    tacit_client_network_changed(s.first.client);
    refresh(&s.first);
    end(&s.first);

    for (size_t i = 0; i < server_record_count(world_server(s.world), TS_TOKEN_ENDPOINT); i++)
        assert_sent(s.world, TS_TOKEN_ENDPOINT, i, "User-Agent: app/1", german);
    free(access);
    free(refresh_token);
    leave(&s);
}

static void approve(const char *user_code, const char *verification_uri,
                    const char *verification_uri_complete, int expires_in_s, void *server) {
    (void)verification_uri, (void)verification_uri_complete, (void)expires_in_s;
    server_device_approve(server, user_code);
}

static void a_device_code_freezes_with_its_polls(void **state) {
    tacit_sign_in_options options = TACIT_SIGN_IN_OPTIONS_INIT;
    stage s = begin();
    ts_options server = server_options(world_server(s.world));
    run later;
    tacit_error error;
    size_t requests;

    (void)state;
    server.device_interval = "0.001";
    server_configure(world_server(s.world), &server);
    options.device_prompt = approve;
    options.user_data = world_server(s.world);
    if (tacit_sign_in_with_device_code(s.first.session, &options, &error) != TACIT_OK)
        fail_msg("%s", error.message);
    later = update(&s);
    refresh(&later);
    end(&later);

    requests = server_record_count(world_server(s.world), TS_TOKEN_ENDPOINT);
    assert_true(requests >= 2);
    for (size_t i = 0; i < requests; i++)
        assert_sent(s.world, TS_TOKEN_ENDPOINT, i, "User-Agent: app/1", german);
    leave(&s);
}

static void a_sign_out_sends_it_too(void **state) {
    stage s = begin();
    run later;
    size_t revocations;

    (void)state;
    sign_in(&s.first);
    later = update(&s);
    assert_int_equal(tacit_sign_out(later.session, PATIENCE_MS, NULL), TACIT_OK);
    end(&later);

    revocations = server_record_count(world_server(s.world), TS_REVOCATION);
    assert_true(revocations >= 2); /* the refresh token, and access tokens */
    for (size_t i = 0; i < revocations; i++)
        assert_sent(s.world, TS_REVOCATION, i, "User-Agent: app/1", german);
    leave(&s);
}

/* Only the record knows what to revoke. */
static void a_sign_out_before_the_load_sends_it_too(void **state) {
    stage s = begin();
    run later;

    (void)state;
    sign_in(&s.first);
    end(&s.first);
    fake_store_fail(s.store, FAKE_LOAD, TACIT_ERR_STORE_LOCKED);
    later = open_run(s.world, "app/2", french);
    assert_int_equal(tacit_session_load(later.session, PATIENCE_MS, NULL, NULL),
                     TACIT_ERR_STORE_LOCKED);
    fake_store_fail(s.store, FAKE_LOAD, TACIT_OK);
    assert_int_equal(tacit_sign_out(later.session, PATIENCE_MS, NULL), TACIT_OK);
    end(&later);

    assert_int_equal(server_record_count(world_server(s.world), TS_REVOCATION), 2);
    for (size_t i = 0; i < 2; i++)
        assert_sent(s.world, TS_REVOCATION, i, "User-Agent: app/1", german);
    leave(&s);
}

static void what_a_sign_in_replaces_is_revoked_with_its_own(void **state) {
    stage s = begin();
    run later;

    (void)state;
    sign_in(&s.first);
    later = update(&s);
    sign_in(&later);
    assert_true(server_wait_counter(world_server(s.world), TS_COUNTER(revocation_requests), 1,
                                    PATIENCE_MS));
    end(&later);

    assert_sent(s.world, TS_REVOCATION, 0, "User-Agent: app/1", german);
    leave(&s);
}

/* An attestation of the device, say. */
static void a_long_line_outlives_the_app(void **state) {
    static char device[12 * 1024] = "X-Device: ";
    const char *const headers[] = {device, NULL};
    run later;
    stage s;

    (void)state;
    memset(device + strlen(device), 'a', sizeof device - 1 - strlen(device));
    s = begin_with(headers);
    sign_in(&s.first);
    later = update(&s);
    refresh(&later);
    end(&later);

    assert_sent(s.world, TS_TOKEN_ENDPOINT, 1, "User-Agent: app/1", headers);
    leave(&s);
}

static void without_one_in_the_dialect_nothing_is_frozen(void **state) {
    fake_store *store = fake_store_new();
    world *w = world_new(&(world_options){.store = fake_store_handle(store)});
    char *record;

    (void)state;
    world_sign_in(w);
    record = fake_store_record(store);
    assert_null(strstr(record, "fingerprint"));
    free(record);
    world_free(w);
    fake_store_free(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_later_version_sends_what_the_first_one_did),
        cmocka_unit_test(another_sign_in_begins_anew),
        cmocka_unit_test(another_process_sends_the_same),
        cmocka_unit_test(an_import_freezes_with_its_first_refresh),
        cmocka_unit_test(a_first_refresh_that_fails_has_frozen_it),
        cmocka_unit_test(a_device_code_freezes_with_its_polls),
        cmocka_unit_test(a_sign_out_sends_it_too),
        cmocka_unit_test(a_sign_out_before_the_load_sends_it_too),
        cmocka_unit_test(what_a_sign_in_replaces_is_revoked_with_its_own),
        cmocka_unit_test(a_long_line_outlives_the_app),
        cmocka_unit_test(without_one_in_the_dialect_nothing_is_frozen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
