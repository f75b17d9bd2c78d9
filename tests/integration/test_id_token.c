/* An id_token that is not for this sign-in never takes effect, and never costs a refresh token. */
#include "support/claims.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

static tacit_status sign_in(world *w, tacit_error *error) {
    return tacit_sign_in_with_password(world_session(w), "alice", "wonderland", NULL, error);
}

/* A world whose store has been read. */
static world *loaded(const world_options *options) {
    world *w = world_new(options);

    assert_int_equal(tacit_session_load(world_session(w), PATIENCE_MS, NULL, NULL), TACIT_OK);
    return w;
}

/* ------------------------------------------------------------------ sign-in */

static void wrong_one_is_no_sign_in(void **state) {
    static const struct {
        const char *members, *named;
    } rows[] = {
        {"{\"iss\":\"https://evil.example\"}", "iss"},
        {"{\"aud\":\"another-client\"}", "aud"},
        {"{\"aud\":[\"test-client\",\"api\"]}", "audience"},
        {"{\"azp\":\"another-client\"}", "azp"},
        {"{\"exp\":1}", "exp"},
        {"{\"exp\":null}", "exp"},
        {"{\"sub\":null}", "sub"},
    };
    world_options options = openid_options();
    world *w = loaded(&options);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tacit_error error;
        char *granted;

        set_claims(world_server(w), rows[i].members);
        if (sign_in(w, &error) != TACIT_ERR_PROTOCOL) fail_msg("%s", rows[i].members);
        assert_non_null(strstr(error.message, rows[i].named));
        assert_null(strstr(error.message, "evil"));
        assert_true(server_wait_counter(world_server(w), TS_COUNTER(revocations), (long)i + 1,
                                        PATIENCE_MS));
        granted = server_newest_refresh_token(world_server(w));
        assert_false(server_refresh_token_is_live(world_server(w), granted));
        free(granted);
        assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
        assert_claim(world_session(w), "sub", NULL);
    }
    assert_int_equal(world_event_count(w, TACIT_EVENT_SIGNED_IN), 0);
    set_claims(world_server(w), NULL);
    world_sign_in(w);
    world_free(w);
}

static void earlier_sign_in_stays_where_a_new_one_is_wrong(void **state) {
    world_options options = openid_options();
    world *w = signed_in(&options);
    ts_server *server = world_server(w);
    char *first = server_newest_refresh_token(server), *second;
    tacit_error error;

    (void)state;
    set_claims(server, "{\"aud\":\"another-client\"}");
    assert_int_equal(sign_in(w, &error), TACIT_ERR_PROTOCOL);
    assert_true(server_wait_counter(server, TS_COUNTER(revocations), 1, PATIENCE_MS));
    second = server_newest_refresh_token(server);

    assert_true(server_refresh_token_is_live(server, first));
    assert_false(server_refresh_token_is_live(server, second));
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_claim(world_session(w), "sub", "alice");
    free(first);
    free(second);
    world_free(w);
}

/* What the server replaced the imported one with goes; the imported one was spent by the proof. */
static void imported_refresh_token_with_a_wrong_one_is_no_sign_in(void **state) {
    world_options options = openid_options();
    world *w = loaded(&options);
    ts_server *server = world_server(w);
    char *imported = server_sign_in(server, "alice", "openid", NULL), *granted;
    tacit_error error;

    (void)state;
    set_claims(server, "{\"iss\":\"https://evil.example\"}");
    assert_int_equal(tacit_sign_in_with_refresh_token(world_session(w), imported, NULL, &error),
                     TACIT_ERR_PROTOCOL);
    assert_true(server_wait_counter(server, TS_COUNTER(revocations), 1, PATIENCE_MS));
    granted = server_newest_refresh_token(server);
    assert_false(server_refresh_token_is_live(server, granted));
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    free(granted);
    free(imported);
    world_free(w);
}

static void what_is_no_jwt_is_no_sign_in(void **state) {
    static const char *const members[] = {
        "{\"id_token\":\"opaque\"}", "{\"id_token\":\"a.b.c.d.e\"}",
        "{\"id_token\":\"eyJlbmMiOiJ4In0.e30.\"}", "{\"id_token\":\"e30.W10.\"}"};
    world *w = loaded(NULL);
    tacit_error error;

    (void)state;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        ts_options options = server_options(world_server(w));

        options.extra_members = members[i];
        server_configure(world_server(w), &options);
        assert_int_equal(sign_in(w, &error), TACIT_ERR_PROTOCOL);
        assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    }
    world_free(w);
}

/* ------------------------------------------------------------------ refresh */

/* What the library logs as a warning. */
typedef struct notes {
    pthread_mutex_t lock;
    char text[4096];
} notes;

static void note(tacit_log_level level, const char *message, void *data) {
    notes *n = data;
    size_t used;

    if (level != TACIT_LOG_WARNING) return;
    pthread_mutex_lock(&n->lock);
    used = strlen(n->text);
    snprintf(n->text + used, sizeof n->text - used, "%s\n", message);
    pthread_mutex_unlock(&n->lock);
}

static void forget(notes *n) {
    pthread_mutex_lock(&n->lock);
    n->text[0] = '\0';
    pthread_mutex_unlock(&n->lock);
}

static bool is_noted(notes *n, const char *part) {
    bool found;

    pthread_mutex_lock(&n->lock);
    found = strstr(n->text, part) != NULL;
    pthread_mutex_unlock(&n->lock);
    return found;
}

static void wrong_one_after_a_refresh_is_dropped_and_the_tokens_are_kept(void **state) {
    static const struct {
        const char *members, *named;
    } rows[] = {
        {"{\"sub\":\"mallory\"}", "(sub)"},
        {"{\"iss\":\"https://evil.example\"}", "(iss)"},
        {"{\"aud\":\"another-client\"}", "(aud)"},
        {"{\"aud\":[\"test-client\",\"api\"],\"azp\":\"test-client\"}", "(aud)"},
        {"{\"exp\":1}", "(exp)"},
    };
    notes n = {.lock = PTHREAD_MUTEX_INITIALIZER};
    world_options options = openid_options();
    world *w;

    (void)state;
    options.client = (tacit_client_options)TACIT_CLIENT_OPTIONS_INIT;
    options.client.log = note;
    options.client.log_data = &n;
    options.client.log_level = TACIT_LOG_WARNING;
    w = signed_in(&options);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) { /* as many as R14 lets through */
        tacit_error error;

        forget(&n);
        set_claims(world_server(w), rows[i].members);
        if (tacit_session_refresh(world_session(w), PATIENCE_MS, &error) != TACIT_OK)
            fail_msg("%s: %s", rows[i].members, error.message);
        if (!is_noted(&n, rows[i].named)) fail_msg("%s: no word of it", rows[i].members);
        assert_int_equal(world_get(w, "/api/x"), 200);
        assert_claim(world_session(w), "sub", "alice");
        assert_false(is_noted(&n, "mallory") || is_noted(&n, "evil"));
    }
    assert_int_equal(server_counters(world_server(w)).refreshes_refused, 0);
    world_free(w);
}

static void refresh_brings_a_newer_one(void **state) {
    world_options options = openid_options();
    world *w = signed_in(&options);

    (void)state;
    assert_claim(world_session(w), "name", "alice");
    set_claims(world_server(w), "{\"name\":\"Alice Liddell\"}");
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);

    assert_claim(world_session(w), "name", "Alice Liddell");
    world_restart(w);
    assert_int_equal(tacit_session_load(world_session(w), PATIENCE_MS, NULL, NULL), TACIT_OK);
    assert_claim(world_session(w), "name", "Alice Liddell");
    world_free(w);
}

static void refresh_without_one_keeps_the_earlier(void **state) {
    world_options options = openid_options();
    world *w = signed_in(&options);
    ts_options without = server_options(world_server(w));

    (void)state;
    without.no_id_token = true;
    server_configure(world_server(w), &without);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);

    assert_claim(world_session(w), "sub", "alice");
    world_free(w);
}

/* Who signed in without one may be told later who he is; after that it may not change any more. */
static void first_one_of_a_sign_in_may_come_with_a_refresh(void **state) {
    world_options options = openid_options();
    ts_options server = TS_OPTIONS_INIT;
    world *w;

    (void)state;
    server.no_id_token = true;
    options.server = &server;
    w = signed_in(&options);
    assert_claim(world_session(w), "sub", NULL);
    server.no_id_token = false;
    server_configure(world_server(w), &server);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_claim(world_session(w), "sub", "alice");
    set_claims(world_server(w), "{\"sub\":\"bob\"}");
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_claim(world_session(w), "sub", "alice");
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_one_is_no_sign_in),
        cmocka_unit_test(earlier_sign_in_stays_where_a_new_one_is_wrong),
        cmocka_unit_test(imported_refresh_token_with_a_wrong_one_is_no_sign_in),
        cmocka_unit_test(what_is_no_jwt_is_no_sign_in),
        cmocka_unit_test(wrong_one_after_a_refresh_is_dropped_and_the_tokens_are_kept),
        cmocka_unit_test(refresh_brings_a_newer_one),
        cmocka_unit_test(refresh_without_one_keeps_the_earlier),
        cmocka_unit_test(first_one_of_a_sign_in_may_come_with_a_refresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
