/* Where a token goes, and where no secret ever shows (R11). */
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

/* ------------------------------------------------------------------ everything that was said */

typedef struct collector {
    pthread_mutex_t lock;
    char *text; /* guarded by lock, as is all below */
    size_t size, lines;
} collector;

static void collect(collector *c, const char *text) {
    size_t size = strlen(text);

    pthread_mutex_lock(&c->lock);
    c->text = realloc(c->text, c->size + size + 2);
    if (c->text == NULL) abort();
    memcpy(c->text + c->size, text, size);
    c->size += size;
    c->text[c->size++] = '\n';
    c->text[c->size] = '\0';
    c->lines++;
    pthread_mutex_unlock(&c->lock);
}

static void collect_error(collector *c, const tacit_error *error) {
    collect(c, error->oauth_error);
    collect(c, error->oauth_error_description);
    collect(c, error->message);
}

static void log_line(tacit_log_level level, const char *message, void *data) {
    (void)level;
    collect(data, message);
}

static void on_event(tacit_session *session, const tacit_event *event, void *data) {
    (void)session;
    collect(data, event->message);
    if (event->error != NULL) collect_error(data, event->error);
}

static bool has_said(collector *c, const char *text) {
    bool said;

    pthread_mutex_lock(&c->lock);
    said = c->text != NULL && strstr(c->text, text) != NULL;
    pthread_mutex_unlock(&c->lock);
    return said;
}

static void assert_not_said(collector *c, const char *secret) {
    assert_non_null(secret);
    assert_true(strlen(secret) >= 8);
    if (has_said(c, secret)) fail_msg("it said the secret: %s", secret);
}

/* Whatever the server ever issued or was sent shows in none of the lines. */
static void assert_no_tokens_said(collector *c, ts_server *server) {
    ts_record record;

    for (size_t i = 0; server_record(server, TS_API, i, &record); i++) {
        if (strlen(record.authorization) > strlen("Bearer "))
            assert_not_said(c, record.authorization + strlen("Bearer "));
        server_record_free(&record);
    }
    for (size_t i = 0; i < server_record_count(server, TS_TOKEN_ENDPOINT); i++) {
        char *sent = seen_refresh_token(server, i);

        if (sent != NULL) assert_not_said(c, sent);
        free(sent);
    }
}

static tacit_error error_of(world *w, tacit_status (*call)(tacit_session *, tacit_error *)) {
    tacit_error error;

    call(world_session(w), &error);
    return error;
}

static tacit_status wrong_password(tacit_session *session, tacit_error *error) {
    return tacit_sign_in_with_password(session, "alice", "wrong-password", NULL, error);
}

static tacit_status right_password(tacit_session *session, tacit_error *error) {
    return tacit_sign_in_with_password(session, "alice", "wonderland", NULL, error);
}

static tacit_status refresh(tacit_session *session, tacit_error *error) {
    return tacit_session_refresh(session, PATIENCE_MS, error);
}

static tacit_status sign_out(tacit_session *session, tacit_error *error) {
    return tacit_sign_out(session, PATIENCE_MS, error);
}

/* A server that quotes what it was sent. */
static void quote_the_refresh_token(ts_server *server, const char *token) {
    char body[512];

    snprintf(body, sizeof body,
             "{\"error\":\"invalid_request\",\"error_description\":\"what is %s?\"}", token);
    server_fault_add(
        server, TS_TOKEN_ENDPOINT,
        &(ts_fault){.kind = TS_FAULT_ANSWER, .requests = 1, .status = 400, .body = body});
}

static void go_through_everything(world *w, collector *c) {
    ts_server *server = world_server(w);
    char *current;
    tacit_error error;

    error = error_of(w, wrong_password);
    collect_error(c, &error);
    error = error_of(w, right_password);
    assert_int_equal(error.status, TACIT_OK);
    assert_int_equal(world_get(w, "/api/x"), 200);
    server_revoke_access_tokens(server);
    assert_int_equal(world_get(w, "/api/x"), 200);
    current = server_newest_refresh_token(server);
    quote_the_refresh_token(server, current);
    error = error_of(w, refresh);
    assert_int_equal(error.status, TACIT_ERR_OAUTH);
    collect_error(c, &error);
    assert_not_said(c, current);
    free(current);
    server_fault_add(server, TS_TOKEN_ENDPOINT, &(ts_fault){.kind = TS_FAULT_RESET, .requests = 1});
    tacit_client_network_changed(world_client(w));
    error = error_of(w, refresh);
    collect_error(c, &error);
    error = error_of(w, sign_out);
    collect_error(c, &error);
}

static void assert_secrets_stay_secret(ts_client_auth auth, bool jwt) {
    collector c = {.lock = PTHREAD_MUTEX_INITIALIZER};
    ts_options server = TS_OPTIONS_INIT;
    world_options options = {.server = &server,
                             .client = TACIT_CLIENT_OPTIONS_INIT,
                             .session = TACIT_SESSION_OPTIONS_INIT};
    world *w;
    char *basic = "dGVzdC1jbGllbnQ6dGVzdC1zZWNyZXQ="; /* test-client:test-secret */

    server.client_auth = auth;
    server.jwt = jwt;
    options.client.log = log_line;
    options.client.log_data = &c;
    options.client.log_level = TACIT_LOG_DEBUG;
    options.session.on_event = on_event;
    options.session.event_data = &c;
    if (auth != TS_CLIENT_AUTH_PUBLIC) options.session.client_secret = "test-secret";
    w = world_new(&options);
    go_through_everything(w, &c);
    tacit_client_shutdown(world_client(w), PATIENCE_MS, NULL); /* the last lines are out */

    assert_true(c.lines > 20); /* it did talk */
    assert_no_tokens_said(&c, world_server(w));
    assert_not_said(&c, "wonderland");
    assert_not_said(&c, "wrong-password");
    assert_not_said(&c, "test-secret");
    assert_not_said(&c, basic);
    world_free(w);
    free(c.text);
}

/* R11 */
static void no_secret_is_in_a_log_line_an_event_or_an_error(void **state) {
    (void)state;
    assert_secrets_stay_secret(TS_CLIENT_AUTH_PUBLIC, false);
    assert_secrets_stay_secret(TS_CLIENT_AUTH_PUBLIC, true);
    assert_secrets_stay_secret(TS_CLIENT_AUTH_BASIC, false);
    assert_secrets_stay_secret(TS_CLIENT_AUTH_POST, false);
}

/* R11: not even from a server that answers with it. */
static void a_token_that_comes_back_in_a_header_is_masked(void **state) {
    collector c = {.lock = PTHREAD_MUTEX_INITIALIZER};
    world_options options = {.client = TACIT_CLIENT_OPTIONS_INIT};
    tacit_token *token;
    char headers[512];
    world *w;

    (void)state;
    options.client.log = log_line;
    options.client.log_data = &c;
    options.client.log_level = TACIT_LOG_DEBUG;
    w = signed_in(&options);
    token = world_token(w);
    snprintf(headers, sizeof headers, "X-You-Sent: <%s>\nX-Marker: seen", tacit_token_value(token));
    server_fault_add(
        world_server(w), TS_API,
        &(ts_fault){.kind = TS_FAULT_ANSWER, .requests = 1, .status = 200, .headers = headers});
    assert_int_equal(world_get(w, "/api/x"), 200);

    assert_true(has_said(&c, "X-Marker: seen"));
    assert_not_said(&c, tacit_token_value(token));
    tacit_token_unref(token);
    world_free(w);
    free(c.text);
}

/* ------------------------------------------------------------------ where it goes */

/* R11: scheme, host and port make an origin; all else is another. */
static void the_token_goes_to_no_other_origin(void **state) {
    world *w = signed_in(NULL);
    ts_server *other = server_start(NULL); /* the same host, another port */
    char url[128];
    const char *colon = strrchr(server_url(world_server(w), ""), ':');
    static const struct {
        const char *format; /* with the port of the session's origin */
        tacit_status status;
    } cases[] = {
        {"https://127.0.0.1%s/api/x", TACIT_ERR_ORIGIN_NOT_ALLOWED},
        {"http://localhost%s/api/x", TACIT_ERR_ORIGIN_NOT_ALLOWED},
        {"http://127.0.0.2%s/api/x", TACIT_ERR_ORIGIN_NOT_ALLOWED},
        {"http://[::1]%s/api/x", TACIT_ERR_ORIGIN_NOT_ALLOWED},
        {"http://api.example%s/api/x", TACIT_ERR_INSECURE_URL},
        {"http://10.0.0.1%s/api/x", TACIT_ERR_INSECURE_URL},
        {"http://localhost.example%s/api/x", TACIT_ERR_INSECURE_URL},
        {"http://127.0.0.1.example%s/api/x", TACIT_ERR_INSECURE_URL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tacit_request request;
        tacit_error error;
        tacit_response *response;
        tacit_status status;

        snprintf(url, sizeof url, cases[i].format, colon);
        request = request_to(url);
        status = tacit_send(world_session(w), &request, &response, &error);
        if (status != cases[i].status) fail_msg("%s: %s", url, tacit_status_name(status));
        assert_null(response);
    }
    assert_int_equal(
        tacit_get(world_session(w), server_url(other, "/api/x"), &(tacit_response *){NULL}, NULL),
        TACIT_ERR_ORIGIN_NOT_ALLOWED);
    assert_int_equal(server_counters(other).connections, 0);
    assert_int_equal(server_counters(world_server(w)).api_requests, 0);
    server_stop(other);
    world_free(w);
}

/* R11 */
static void an_origin_over_http_beyond_loopback_is_refused(void **state) {
    static const char *const bad[] = {"http://api.example", "http://10.0.0.1:8080",
                                      "http://localhost.example", "http://[fe80::1]"};
    world *w = world_new(NULL);
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;

    (void)state;
    options.client_id = "test-client";
    options.store = world_store(w);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *origins[] = {bad[i], NULL};
        tacit_error error;

        options.origins = origins;
        assert_null(tacit_session_open(world_client(w), world_provider(w), &options, &error));
        if (error.status != TACIT_ERR_INSECURE_URL)
            fail_msg("%s: %s", bad[i], tacit_status_name(error.status));
    }
    world_free(w);
}

/* R11: a hop to another origin goes without the token, and its 401 is just the answer. */
static void a_foreign_401_is_the_answer_and_renews_nothing(void **state) {
    world *w = signed_in(NULL);
    ts_server *other = server_start(NULL);
    ts_record record;

    (void)state;
    server_redirect(world_server(w), TS_API, 1, 302, server_url(other, "/api/elsewhere"));
    assert_int_equal(world_get(w, "/api/x"), 401);

    assert_int_equal(server_record_count(other, TS_API), 1);
    assert_true(server_record(other, TS_API, 0, &record));
    assert_string_equal(record.authorization, "");
    assert_int_equal(server_counters(world_server(w)).refresh_grants, 0);
    server_record_free(&record);
    server_stop(other);
    world_free(w);
}

/* R11: neither the refresh token nor a password follows a redirect, not even to the same server. */
static void the_token_endpoint_is_never_redirected(void **state) {
    static const int statuses[] = {301, 302, 303, 307, 308};
    ts_server *other = server_start(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        world *w = signed_in(NULL);
        tacit_error error;

        server_redirect(world_server(w), TS_TOKEN_ENDPOINT, 1, statuses[i],
                        server_url(i % 2 == 0 ? other : world_server(w), "/token"));
        assert_int_not_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, &error),
                             TACIT_OK);
        assert_false(error.sign_in_required);
        assert_int_equal(server_counters(world_server(w)).token_requests, 2);
        server_redirect(world_server(w), TS_TOKEN_ENDPOINT, 1, statuses[i],
                        server_url(other, "/token"));
        assert_int_not_equal(
            tacit_sign_in_with_password(world_session(w), "alice", "wonderland", NULL, &error),
            TACIT_OK);
        world_free(w);
    }
    assert_int_equal(server_counters(other).connections, 0);
    server_stop(other);
}

/* R11: no part of a token is in a URL. */
static void no_request_line_carries_a_token(void **state) {
    world *w = signed_in(NULL);
    ts_server *server = world_server(w);
    ts_record record;

    (void)state;
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, NULL), TACIT_OK);

    for (int part = TS_TOKEN_ENDPOINT; part <= TS_REVOCATION; part++)
        for (size_t i = 0; server_record(server, (ts_part)part, i, &record); i++) {
            assert_null(strchr(record.path, '?'));
            server_record_free(&record);
        }
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_secret_is_in_a_log_line_an_event_or_an_error),
        cmocka_unit_test(a_token_that_comes_back_in_a_header_is_masked),
        cmocka_unit_test(the_token_goes_to_no_other_origin),
        cmocka_unit_test(an_origin_over_http_beyond_loopback_is_refused),
        cmocka_unit_test(a_foreign_401_is_the_answer_and_renews_nothing),
        cmocka_unit_test(the_token_endpoint_is_never_redirected),
        cmocka_unit_test(no_request_line_carries_a_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
