/* The test server itself, with plain libcurl: what it promises is what all other tests build on. */
#include "support/fixture.h"
#include "support/server.h"
#include "support/unit.h"

#include <curl/curl.h>
#include <jansson.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_MS = 20000 };

/*
 * A small client
 */

typedef struct reply {
    CURLcode code;
    long status;
    char *body, *headers;
    size_t body_size, headers_size;
} reply;

static size_t append(char **text, size_t *size, const char *data, size_t more) {
    char *longer = realloc(*text, *size + more + 1);

    if (!longer) return 0;
    memcpy(longer + *size, data, more);
    *size += more;
    longer[*size] = '\0';
    *text = longer;
    return more;
}

static size_t take_body(char *data, size_t size, size_t count, void *to) {
    reply *reply = to;
    return append(&reply->body, &reply->body_size, data, size * count);
}

static size_t take_header(char *data, size_t size, size_t count, void *to) {
    reply *reply = to;
    return append(&reply->headers, &reply->headers_size, data, size * count);
}

/* token and form may be NULL. The strings of the reply are never NULL. */
static reply perform(CURL *curl, const char *url, const char *token, const char *form) {
    reply reply = {.body = calloc(1, 1), .headers = calloc(1, 1)};
    char *line = NULL;

    if (token) assert_true(asprintf(&line, "Authorization: Bearer %s", token) > 0);
    struct curl_slist *headers = line ? curl_slist_append(NULL, line) : NULL;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)PATIENCE_MS);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply);
    if (form) curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, form);
    reply.code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    curl_slist_free_all(headers);
    free(line);
    return reply;
}

static reply ask(ts_server *server, const char *path, const char *token, const char *form) {
    CURL *curl = curl_easy_init();
    reply reply = perform(curl, server_url(server, path), token, form);

    curl_easy_cleanup(curl);
    return reply;
}

static void reply_free(reply *reply) {
    free(reply->body);
    free(reply->headers);
}

/* The reply is freed. */
static void assert_status(reply reply, long status) {
    assert_int_equal(reply.code, CURLE_OK);
    assert_int_equal(reply.status, status);
    reply_free(&reply);
}

static void assert_header(reply reply, long status, const char *header) {
    assert_non_null(strstr(reply.headers, header));
    assert_status(reply, status);
}

static void assert_fails(reply reply, CURLcode code) {
    assert_int_equal(reply.code, code);
    reply_free(&reply);
}

static reply ask_refresh(ts_server *server, const char *refresh_token) {
    char *form = NULL;

    assert_true(asprintf(&form, "grant_type=refresh_token&client_id=test-client&refresh_token=%s",
                         refresh_token) > 0);
    reply reply = ask(server, "/token", NULL, form);
    free(form);
    return reply;
}

typedef struct tokens {
    char *access, *refresh; /* refresh NULL: none in the answer */
} tokens;

static char *json_member(const char *body, const char *name) {
    json_t *json = json_loads(body, 0, NULL);
    const char *text = json_string_value(json_object_get(json, name));
    char *copy = text ? strdup(text) : NULL;

    json_decref(json);
    return copy;
}

static tokens tokens_of(reply reply) {
    tokens tokens = {json_member(reply.body, "access_token"),
                     json_member(reply.body, "refresh_token")};

    assert_status(reply, 200);
    assert_non_null(tokens.access);
    return tokens;
}

static tokens sign_in(ts_server *server) {
    return tokens_of(ask(server, "/token", NULL,
                         "grant_type=password&client_id=test-client&username=alice"
                         "&password=wonderland&scope=read"));
}

static void tokens_free(tokens *tokens) {
    free(tokens->access);
    free(tokens->refresh);
}

static ts_server *start(void **state, const ts_options *options) {
    ts_server *server = server_start(options);

    assert_non_null(server);
    *state = server;
    return server;
}

static int stop(void **state) {
    server_stop(*state);
    return 0;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A request in the background. */
typedef struct background {
    ts_server *server;
    const char *path, *token;
    char *refresh; /* then it is a refresh */
    pthread_t thread;
    reply reply;
} background;

static void *run_in_background(void *data) {
    background *job = data;

    job->reply = job->refresh ? ask_refresh(job->server, job->refresh)
                              : ask(job->server, job->path, job->token, NULL);
    return NULL;
}

static void begin(background *job) {
    assert_int_equal(pthread_create(&job->thread, NULL, run_in_background, job), 0);
}

static reply finish(background *job) {
    pthread_join(job->thread, NULL);
    return job->reply;
}

/*
 * Tokens
 */

static void api_wants_a_live_token(void **state) {
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server);

    reply ok = ask(server, "/api/things", tokens.access, NULL);
    reply without = ask(server, "/api/things", NULL, NULL);
    reply wrong = ask(server, "/api/things", "nonsense", NULL);
    reply refresh_token = ask(server, "/api/things", tokens.refresh, NULL);

    assert_string_equal(ok.body, "{\"ok\":true}");
    assert_status(ok, 200);
    assert_null(strstr(without.headers, "error="));
    assert_header(without, 401, "WWW-Authenticate: Bearer realm=\"api\"");
    assert_header(wrong, 401, "error=\"invalid_token\"");
    assert_status(refresh_token, 401);
    ts_counters counters = server_counters(server);
    assert_int_equal(counters.api_requests, 4);
    assert_true(server_wait_counter(server, TS_COUNTER(api_401), 3, PATIENCE_MS));
    assert_int_equal(counters.password_grants, 1);
    assert_int_equal(counters.live_access_tokens, 1);
    tokens_free(&tokens);
}

static void access_token_ends_with_its_lifetime(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.access_lifetime_ms = 0;
    ts_server *server = start(state, &options);
    char *access;
    char *refresh = server_sign_in(server, "alice", NULL, &access);

    assert_status(ask(server, "/api/x", access, NULL), 401);
    assert_int_equal(server_counters(server).live_access_tokens, 0);
    assert_true(server_refresh_token_is_live(server, refresh));
    free(access);
    free(refresh);
}

static void refresh_rotates_and_both_access_tokens_live(void **state) {
    ts_server *server = start(state, NULL);
    tokens first = sign_in(server);

    tokens second = tokens_of(ask_refresh(server, first.refresh));

    assert_non_null(second.refresh);
    assert_string_not_equal(second.refresh, first.refresh);
    assert_string_not_equal(second.access, first.access);
    assert_status(ask(server, "/api/x", first.access, NULL), 200);
    assert_status(ask(server, "/api/x", second.access, NULL), 200);
    assert_false(server_refresh_token_is_live(server, first.refresh));
    assert_true(server_refresh_token_is_live(server, second.refresh));
    char *newest = server_newest_refresh_token(server);
    assert_string_equal(newest, second.refresh);
    free(newest);
    tokens_free(&first);
    tokens_free(&second);
}

static void reuse_of_a_spent_token_revokes_the_family(void **state) {
    ts_server *server = start(state, NULL);
    tokens first = sign_in(server), other = sign_in(server);
    tokens second = tokens_of(ask_refresh(server, first.refresh));

    reply reused = ask_refresh(server, first.refresh);

    assert_string_equal(reused.body, "{\"error\":\"invalid_grant\"}");
    assert_status(reused, 400);
    assert_status(ask_refresh(server, second.refresh), 400);
    assert_status(ask(server, "/api/x", second.access, NULL), 401);
    assert_status(ask(server, "/api/x", other.access, NULL), 200);
    ts_counters counters = server_counters(server);
    assert_int_equal(counters.reuse_detections, 1);
    assert_int_equal(counters.refreshes_ok, 1);
    assert_int_equal(counters.refreshes_refused, 2);
    assert_int_equal(counters.refresh_grants, 3);
    tokens_free(&first);
    tokens_free(&second);
    tokens_free(&other);
}

static void without_reuse_detection_the_family_lives_on(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.detect_reuse = false;
    ts_server *server = start(state, &options);
    tokens first = sign_in(server);
    tokens second = tokens_of(ask_refresh(server, first.refresh));

    assert_status(ask_refresh(server, first.refresh), 400);
    assert_status(ask_refresh(server, second.refresh), 200);
    tokens_free(&first);
    tokens_free(&second);
}

static void grace_gives_the_same_successor_until_that_is_spent(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.grace_ms = 60000;
    ts_server *server = start(state, &options);
    tokens first = sign_in(server);
    tokens second = tokens_of(ask_refresh(server, first.refresh));

    tokens again = tokens_of(ask_refresh(server, first.refresh));

    assert_string_equal(again.refresh, second.refresh);
    assert_string_not_equal(again.access, second.access);
    assert_int_equal(server_counters(server).grace_uses, 1);
    assert_status(ask_refresh(server, second.refresh), 200);
    assert_status(ask_refresh(server, first.refresh), 400);
    assert_int_equal(server_counters(server).reuse_detections, 1);
    tokens_free(&first);
    tokens_free(&second);
    tokens_free(&again);
}

static void grace_can_give_a_fresh_successor(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.grace_ms = 60000;
    options.grace_same_successor = false;
    ts_server *server = start(state, &options);
    tokens first = sign_in(server);
    tokens second = tokens_of(ask_refresh(server, first.refresh));

    tokens again = tokens_of(ask_refresh(server, first.refresh));

    assert_string_not_equal(again.refresh, second.refresh);
    assert_true(server_refresh_token_is_live(server, again.refresh));
    assert_true(server_refresh_token_is_live(server, second.refresh));
    tokens_free(&first);
    tokens_free(&second);
    tokens_free(&again);
}

static void grace_ends(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.grace_ms = 1;
    ts_server *server = start(state, &options);
    tokens first = sign_in(server);
    tokens second = tokens_of(ask_refresh(server, first.refresh));
    int64_t spent_by_ms = now_ms();

    while (now_ms() <= spent_by_ms + 1) continue;

    assert_status(ask_refresh(server, first.refresh), 400);
    tokens_free(&first);
    tokens_free(&second);
}

static void without_rotation_the_refresh_token_stays(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.rotate = false;
    ts_server *server = start(state, &options);
    tokens first = sign_in(server);

    tokens second = tokens_of(ask_refresh(server, first.refresh));
    options.repeat_refresh_token = true;
    server_configure(server, &options);
    tokens third = tokens_of(ask_refresh(server, first.refresh));

    assert_null(second.refresh);
    assert_string_equal(third.refresh, first.refresh);
    tokens_free(&first);
    tokens_free(&second);
    tokens_free(&third);
}

static void refresh_can_end_older_access_tokens(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.refresh_ends_older_access = true;
    ts_server *server = start(state, &options);
    tokens first = sign_in(server), other = sign_in(server);

    tokens second = tokens_of(ask_refresh(server, first.refresh));

    assert_status(ask(server, "/api/x", first.access, NULL), 401);
    assert_status(ask(server, "/api/x", second.access, NULL), 200);
    assert_status(ask(server, "/api/x", other.access, NULL), 200);
    tokens_free(&first);
    tokens_free(&second);
    tokens_free(&other);
}

static void token_answer_follows_the_options(void **state) {
    static const struct {
        const char *expires_in, *extra;
        int lifetime_ms;
        const char *expected; /* in the body; NULL: no expires_in there */
    } cases[] = {
        {NULL, NULL, 60000, "\"expires_in\":60"},
        {NULL, NULL, 1500, "\"expires_in\":2"},
        {"", NULL, 60000, NULL},
        {"\"3600\"", NULL, 60000, "\"expires_in\":\"3600\""},
        {"59.5", NULL, 60000, "\"expires_in\":59.5"},
        {NULL, "{\"refresh_in\":7}", 60000, "\"refresh_in\":7"},
        {NULL, "{\"token_type\":\"bearer\"}", 60000, "\"token_type\":\"bearer\""},
    };
    ts_server *server = start(state, NULL);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ts_options options = TS_OPTIONS_INIT;
        options.expires_in = cases[i].expires_in;
        options.extra_members = cases[i].extra;
        options.access_lifetime_ms = cases[i].lifetime_ms;
        server_configure(server, &options);
        reply reply = ask(server, "/token", NULL,
                          "grant_type=client_credentials&client_id=test-client&scope=a+b%21");
        assert_non_null(strstr(reply.body, "\"scope\":\"a b!\""));
        assert_null(strstr(reply.body, "refresh_token"));
        if (cases[i].expected)
            assert_non_null(strstr(reply.body, cases[i].expected));
        else
            assert_null(strstr(reply.body, "expires_in"));
        assert_status(reply, 200);
    }
    assert_int_equal(server_counters(server).client_credentials_grants, 7);
}

static void tokens_have_the_size_and_shape_asked_for(void **state) {
    static const size_t sizes[] = {64, 1024, 16384};
    ts_options options = TS_OPTIONS_INIT;
    options.token_size = 16384; /* the largest, when it starts: it sets the size of buffers */
    ts_server *server = start(state, &options);

    for (size_t i = 0; i < 2 * (sizeof sizes / sizeof *sizes); i++) {
        options.token_size = sizes[i / 2];
        options.jwt = i % 2;
        server_configure(server, &options);
        tokens tokens = sign_in(server);
        const char *dot = strchr(tokens.access, '.');
        assert_int_equal(strlen(tokens.refresh), sizes[i / 2]);
        if (options.jwt)
            assert_true(dot && strchr(dot + 1, '.') && !strchr(tokens.access, '='));
        else
            assert_null(dot);
        if (!options.jwt || sizes[i / 2] > 512) {
            assert_int_equal(strlen(tokens.access), sizes[i / 2]);
        }
        assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
        tokens_free(&tokens);
    }
}

static void client_authentication_is_checked(void **state) {
    static const char post[] = "grant_type=client_credentials&client_id=test-client"
                               "&client_secret=test-secret";
    static const char none[] = "grant_type=client_credentials&client_id=test-client";
    ts_options options = TS_OPTIONS_INIT;
    options.client_auth = TS_CLIENT_AUTH_POST;
    ts_server *server = start(state, &options);

    assert_status(ask(server, "/token", NULL, post), 200);
    assert_status(ask(server, "/token", NULL, none), 401);
    options.client_auth = TS_CLIENT_AUTH_BASIC;
    options.client_secret = "s:e c";
    server_configure(server, &options);
    reply refused = ask(server, "/token", NULL, post);
    assert_string_equal(refused.body, "{\"error\":\"invalid_client\"}");
    assert_header(refused, 401, "WWW-Authenticate: Basic");
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_USERPWD, "test-client:s%3Ae+c");
    assert_status(perform(curl, server_url(server, "/token"), NULL, none), 200);
    curl_easy_setopt(curl, CURLOPT_USERPWD, "test-client:wrong");
    assert_status(perform(curl, server_url(server, "/token"), NULL, none), 401);
    curl_easy_cleanup(curl);
}

static void token_endpoint_refuses_what_it_does_not_know(void **state) {
    static const struct {
        const char *form, *error;
    } cases[] = {
        {"client_id=test-client", "invalid_request"},
        {"client_id=test-client&grant_type=magic", "unsupported_grant_type"},
        {"client_id=test-client&grant_type=refresh_token", "invalid_request"},
        {"client_id=test-client&grant_type=refresh_token&refresh_token=x", "invalid_grant"},
        {"client_id=test-client&grant_type=password&username=alice&password=x", "invalid_grant"},
        {"client_id=other&grant_type=client_credentials", "invalid_client"},
        {"grant_type=client_credentials", "invalid_client"},
    };
    ts_server *server = start(state, NULL);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reply reply = ask(server, "/token", NULL, cases[i].form);
        char *error = json_member(reply.body, "error");
        assert_string_equal(error, cases[i].error);
        free(error);
        assert_true(reply.status == 400 || reply.status == 401);
        reply_free(&reply);
    }
    assert_status(ask(server, "/token", NULL, NULL), 405);
}

static void revocation_ends_a_family_or_one_access_token(void **state) {
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server);
    tokens_free(&tokens);
    tokens = sign_in(server);
    char form[256];

    snprintf(form, sizeof form, "client_id=test-client&token=%s", tokens.access);
    assert_status(ask(server, "/revoke", NULL, form), 200);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 401);
    assert_true(server_refresh_token_is_live(server, tokens.refresh));
    snprintf(form, sizeof form, "client_id=test-client&token=%s", tokens.refresh);
    assert_status(ask(server, "/revoke", NULL, form), 200);
    assert_status(ask_refresh(server, tokens.refresh), 400);
    assert_status(ask(server, "/revoke", NULL, "client_id=test-client&token=unknown"), 200);
    assert_int_equal(server_counters(server).revocations, 2);
    assert_int_equal(server_counters(server).revocation_requests, 3);
    assert_int_equal(server_counters(server).reuse_detections, 0);
    assert_int_equal(server_counters(server).live_access_tokens, 1);
    tokens_free(&tokens);
}

static void revocation_on_command(void **state) {
    ts_server *server = start(state, NULL);
    tokens first = sign_in(server);

    server_revoke_access_tokens(server);
    assert_status(ask(server, "/api/x", first.access, NULL), 401);
    tokens second = tokens_of(ask_refresh(server, first.refresh));
    assert_status(ask(server, "/api/x", second.access, NULL), 200);
    server_revoke_family(server);
    assert_status(ask(server, "/api/x", second.access, NULL), 401);
    assert_status(ask_refresh(server, second.refresh), 400);
    tokens_free(&first);
    tokens_free(&second);
}

static void metadata_names_the_endpoints(void **state) {
    ts_server *server = start(state, NULL);

    reply reply = ask(server, "/.well-known/oauth-authorization-server", NULL, NULL);
    char *endpoint = json_member(reply.body, "token_endpoint");

    assert_string_equal(reply.body, server_provider_json(server));
    assert_string_equal(endpoint, server_url(server, "/token"));
    free(endpoint);
    assert_status(reply, 200);
    assert_status(ask(server, "/elsewhere", NULL, NULL), 404);
}

/*
 * The API
 */

static void api_echoes(void **state) {
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server);

    reply echo = ask(server, "/api/echo", tokens.access, "some=body");
    reply who = ask(server, "/api/whoami", tokens.access, NULL);
    reply bytes = ask(server, "/api/bytes?n=100000", tokens.access, NULL);

    char *method = json_member(echo.body, "method"), *body = json_member(echo.body, "body");
    assert_string_equal(method, "POST");
    assert_string_equal(body, "some=body");
    assert_non_null(strstr(echo.body, tokens.access));
    assert_string_equal(who.body, "{\"user\":\"alice\",\"scope\":\"read\"}");
    assert_int_equal(bytes.body_size, 100000);
    free(method);
    free(body);
    assert_status(echo, 200);
    assert_status(who, 200);
    assert_status(bytes, 200);
    tokens_free(&tokens);
}

static void slow_requests_are_counted(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.slow_ms = 20;
    ts_server *server = start(state, &options);
    tokens tokens = sign_in(server);
    int64_t start_ms = now_ms();

    assert_status(ask(server, "/api/slow?ms=60", tokens.access, NULL), 200);

    assert_true(now_ms() - start_ms >= 60);
    assert_true(server_wait_counter(server, TS_COUNTER(api_slow), 1, PATIENCE_MS));
    tokens_free(&tokens);
}

static void requests_are_recorded(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    options.record_limit = 2;
    ts_server *server = start(state, &options);
    tokens tokens = sign_in(server);
    CURL *curl = curl_easy_init();
    ts_record record;

    for (int i = 0; i < 3; i++) {
        assert_status(perform(curl, server_url(server, "/api/x"), tokens.access, NULL), 200);
    }

    curl_easy_cleanup(curl);
    assert_int_equal(server_record_count(server, TS_API), 2);
    assert_true(server_record(server, TS_TOKEN_ENDPOINT, 0, &record));
    assert_string_equal(record.method, "POST");
    assert_non_null(strstr(record.body, "grant_type=password&"));
    assert_int_equal(record.connection, 1);
    server_record_free(&record);
    assert_true(server_record(server, TS_API, 1, &record));
    assert_string_equal(record.path, "/api/x");
    assert_string_equal(record.authorization + strlen("Bearer "), tokens.access);
    assert_non_null(strstr(record.headers, "Accept: */*\n"));
    assert_int_equal(record.connection, 2); /* kept alive */
    server_record_free(&record);
    assert_false(server_record(server, TS_API, 2, &record));
    server_counters_reset(server);
    assert_int_equal(server_record_count(server, TS_API), 0);
    assert_int_equal(server_counters(server).api_requests, 0);
    tokens_free(&tokens);
}

/*
 * Faults
 */

static void fault_applies_to_the_next_requests_only(void **state) {
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server);

    server_fail(server, TS_API, 2, 500);
    server_fail(server, TS_API, 1, 404);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 500);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 500);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 404);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    server_fail(server, TS_API, 0, 503);
    for (int i = 0; i < 4; i++) assert_status(ask(server, "/api/x", tokens.access, NULL), 503);
    assert_status(ask_refresh(server, tokens.refresh), 200);
    server_faults_clear(server, TS_API);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    tokens_free(&tokens);
}

static void fault_can_be_for_a_path(void **state) {
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server);
    ts_fault fault = {.kind = TS_FAULT_ANSWER, .path = "/api/a", .status = 418};

    server_fault_add(server, TS_API, &fault);

    assert_status(ask(server, "/api/b", tokens.access, NULL), 200);
    assert_status(ask(server, "/api/a", tokens.access, NULL), 418);
    assert_status(ask(server, "/api/ab", tokens.access, NULL), 418);
    tokens_free(&tokens);
}

static void faults_give_any_answer(void **state) {
    ts_server *server = start(state, NULL);
    char date[40];
    ts_fault fault = {.kind = TS_FAULT_ANSWER,
                      .requests = 1,
                      .status = 207,
                      .headers = "X-One: 1\nX-Two:  2",
                      .body = "hello"};
    server_http_date(120, date);
    server_fail_oauth(server, 1, 400, "invalid_scope");
    server_fail_retry_after(server, TS_TOKEN_ENDPOINT, 1, 429, "7");
    server_fail_retry_after(server, TS_TOKEN_ENDPOINT, 1, 503, date);
    server_captive_portal(server, TS_TOKEN_ENDPOINT, 1);
    server_redirect(server, TS_TOKEN_ENDPOINT, 1, 307, "http://127.0.0.1:1/x");
    server_fault_add(server, TS_TOKEN_ENDPOINT, &fault);

    reply reply = ask_refresh(server, "x");
    assert_string_equal(reply.body, "{\"error\":\"invalid_scope\"}");
    assert_status(reply, 400);
    assert_header(ask_refresh(server, "x"), 429, "Retry-After: 7\r\n");
    reply = ask_refresh(server, "x");
    assert_in_range(curl_getdate(date, NULL), time(NULL) + 100, time(NULL) + 120);
    assert_header(reply, 503, date);
    reply = ask_refresh(server, "x");
    assert_non_null(strstr(reply.body, "<html>"));
    assert_header(reply, 200, "Content-Type: text/html");
    assert_header(ask_refresh(server, "x"), 307, "Location: http://127.0.0.1:1/x\r\n");
    reply = ask_refresh(server, "x");
    assert_string_equal(reply.body, "hello");
    assert_non_null(strstr(reply.headers, "X-One: 1\r\n"));
    assert_header(reply, 207, "X-Two: 2\r\n");
    assert_int_equal(server_counters(server).refresh_grants, 0);
}

static void api_refuses_with_any_challenge(void **state) {
    static const struct {
        ts_challenge challenge;
        const char *header;
    } cases[] = {
        {TS_CHALLENGE_INVALID_TOKEN, "error=\"invalid_token\""},
        {TS_CHALLENGE_INSUFFICIENT_SCOPE, "error=\"insufficient_scope\""},
        {TS_CHALLENGE_BASIC, "WWW-Authenticate: Basic"},
        {TS_CHALLENGE_NEGOTIATE, "WWW-Authenticate: Negotiate"},
    };
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        server_refuse_api(server, 1, cases[i].challenge);
        assert_header(ask(server, "/api/x", tokens.access, NULL), 401, cases[i].header);
    }
    server_refuse_api(server, 1, TS_CHALLENGE_NONE);
    reply bare = ask(server, "/api/x", tokens.access, NULL);
    assert_null(strstr(bare.headers, "WWW-Authenticate"));
    assert_status(bare, 401);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    assert_true(server_wait_counter(server, TS_COUNTER(api_401), 5, PATIENCE_MS));
    tokens_free(&tokens);
}

static void connection_closed_before_processing_spends_nothing(void **state) {
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server);

    server_close_connections(server, TS_TOKEN_ENDPOINT, 1, false);

    assert_fails(ask_refresh(server, tokens.refresh), CURLE_GOT_NOTHING);
    assert_true(server_refresh_token_is_live(server, tokens.refresh));
    assert_status(ask_refresh(server, tokens.refresh), 200);
    tokens_free(&tokens);
}

static void connection_closed_after_processing_loses_the_successor(void **state) {
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server);

    server_close_connections(server, TS_TOKEN_ENDPOINT, 1, true);

    assert_fails(ask_refresh(server, tokens.refresh), CURLE_GOT_NOTHING);
    assert_false(server_refresh_token_is_live(server, tokens.refresh));
    assert_int_equal(server_counters(server).refreshes_ok, 1);
    assert_status(ask_refresh(server, tokens.refresh), 400);
    tokens_free(&tokens);
}

static void reset_comes_in_the_middle_of_the_answer(void **state) {
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server);
    ts_fault fault = {.kind = TS_FAULT_RESET, .requests = 1};

    server_fault_add(server, TS_API, &fault);
    reply reply = ask(server, "/api/bytes?n=1000", tokens.access, NULL);

    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body_size, 500);
    assert_fails(reply, CURLE_RECV_ERROR);
    server_fault_add(server, TS_TOKEN_ENDPOINT, &fault);
    assert_fails(ask_refresh(server, tokens.refresh), CURLE_RECV_ERROR);
    assert_false(server_refresh_token_is_live(server, tokens.refresh));
    tokens_free(&tokens);
}

static void trickled_answer_is_whole(void **state) {
    ts_server *server = start(state, NULL);
    tokens first = sign_in(server);
    ts_fault fast = {.kind = TS_FAULT_TRICKLE, .requests = 1};
    ts_fault slow = {.kind = TS_FAULT_TRICKLE, .requests = 1, .trickle_ms = 2};

    server_fault_add(server, TS_TOKEN_ENDPOINT, &fast);
    server_fault_add(server, TS_API, &slow);
    tokens second = tokens_of(ask_refresh(server, first.refresh));
    int64_t start_ms = now_ms();
    reply reply = ask(server, "/api/x", second.access, NULL);

    assert_true(now_ms() - start_ms >= 2 * 11);
    assert_string_equal(reply.body, "{\"ok\":true}");
    assert_status(reply, 200);
    tokens_free(&first);
    tokens_free(&second);
}

static void odd_bodies(void **state) {
    ts_server *server = start(state, NULL);
    tokens first = sign_in(server);
    ts_fault oversized = {.kind = TS_FAULT_OVERSIZED, .requests = 1, .size = 2000000};
    ts_fault nested = {.kind = TS_FAULT_NESTED, .requests = 1, .size = 1000};
    ts_fault zipped = {.kind = TS_FAULT_GZIP, .requests = 2};
    server_fault_add(server, TS_TOKEN_ENDPOINT, &oversized);
    server_fault_add(server, TS_TOKEN_ENDPOINT, &nested);
    server_fault_add(server, TS_API, &zipped);

    reply reply = ask_refresh(server, "x");
    char *padding = json_member(reply.body, "padding");
    assert_int_equal(strlen(padding), 2000000);
    free(padding);
    assert_status(reply, 200);
    reply = ask_refresh(server, "x");
    assert_int_equal(reply.body_size, 2000);
    assert_int_equal(strspn(reply.body, "["), 1000);
    assert_status(reply, 200);
    reply = ask(server, "/api/whoami", first.access, NULL);
    assert_memory_equal(reply.body, "\x1f\x8b", 2);
    assert_header(reply, 200, "Content-Encoding: gzip\r\n");
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    reply = perform(curl, server_url(server, "/api/whoami"), first.access, NULL);
    assert_string_equal(reply.body, "{\"user\":\"alice\",\"scope\":\"read\"}");
    assert_status(reply, 200);
    curl_easy_cleanup(curl);
    tokens_free(&first);
}

static void delays_are_kept(void **state) {
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server);
    ts_fault before = {.requests = 1, .delay_before_ms = 40};
    ts_fault both = {.requests = 1, .delay_before_ms = 30, .delay_after_ms = 30};
    server_fault_add(server, TS_API, &before);
    server_fault_add(server, TS_TOKEN_ENDPOINT, &both);
    int64_t start_ms = now_ms();

    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    assert_true(now_ms() - start_ms >= 40);
    start_ms = now_ms();
    assert_status(ask_refresh(server, tokens.refresh), 200);
    assert_true(now_ms() - start_ms >= 60);
    tokens_free(&tokens);
}

/*
 * Gates, and the server's life
 */

static void gate_before_processing_holds_the_flight(void **state) {
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server);
    background refresh = {.server = server, .refresh = tokens.refresh};

    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    begin(&refresh);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    assert_true(server_refresh_token_is_live(server, tokens.refresh));
    assert_int_equal(server_counters(server).concurrent_grants, 1);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    server_gate_open(server, TS_TOKEN_ENDPOINT);

    assert_status(finish(&refresh), 200);
    assert_false(server_refresh_token_is_live(server, tokens.refresh));
    assert_int_equal(server_counters(server).held, 0);
    tokens_free(&tokens);
}

static void gate_before_the_answer_releases_in_order(void **state) {
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server), other = sign_in(server);
    background jobs[2] = {{.server = server, .refresh = tokens.refresh},
                          {.server = server, .refresh = other.refresh}};

    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    begin(&jobs[0]);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    assert_false(server_refresh_token_is_live(server, tokens.refresh));
    begin(&jobs[1]);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 2, PATIENCE_MS));
    assert_false(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 3, 1));
    server_gate_release(server, TS_TOKEN_ENDPOINT, 1);
    assert_status(finish(&jobs[0]), 200);
    assert_int_equal(server_counters(server).held, 1);
    server_gate_open(server, TS_TOKEN_ENDPOINT);

    assert_status(finish(&jobs[1]), 200);
    assert_int_equal(server_counters(server).peak_concurrent_grants, 2);
    tokens_free(&tokens);
    tokens_free(&other);
}

static void many_requests_can_be_held(void **state) {
    enum { JOBS = 32 };
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server);
    background jobs[JOBS];

    server_gate_close(server, TS_API, TS_BEFORE_ANSWER);
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (background){.server = server, .path = "/api/x", .token = tokens.access};
        begin(&jobs[i]);
    }
    assert_true(server_gate_waiters(server, TS_API, JOBS, PATIENCE_MS));
    server_gate_open(server, TS_API);

    for (int i = 0; i < JOBS; i++) assert_status(finish(&jobs[i]), 200);
    tokens_free(&tokens);
}

static void stopping_releases_what_is_held(void **state) {
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server);
    background held = {.server = server, .refresh = tokens.refresh};
    background slow = {.server = server, .path = "/api/slow?ms=600000", .token = tokens.access};

    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    begin(&held);
    begin(&slow);
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    assert_true(server_wait_counter(server, TS_COUNTER(api_requests), 1, PATIENCE_MS));
    server_go_away(server);

    /* Answered or cut off: either way it is over. */
    reply over = finish(&held);
    reply_free(&over);
    over = finish(&slow);
    reply_free(&over);
    tokens_free(&tokens);
}

static void server_goes_away_and_comes_back_with_its_state(void **state) {
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server);

    server_go_away(server);
    server_go_away(server);
    assert_fails(ask(server, "/api/x", tokens.access, NULL), CURLE_COULDNT_CONNECT);
    assert_fails(ask_refresh(server, tokens.refresh), CURLE_COULDNT_CONNECT);
    assert_true(server_come_back(server));
    assert_true(server_come_back(server));
    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    assert_status(ask_refresh(server, tokens.refresh), 200);
    tokens_free(&tokens);
}

static void control_drives_the_server(void **state) {
    ts_server *server = start(state, NULL);
    tokens tokens = sign_in(server);

    assert_status(ask(server, "/__control", NULL,
                      "{\"fault\":{\"part\":\"api\",\"kind\":\"answer\",\"requests\":1,"
                      "\"status\":503},\"options\":{\"access_lifetime_ms\":0}}"),
                  200);
    assert_status(ask(server, "/api/x", tokens.access, NULL), 503);
    assert_status(
        ask(server, "/__control", NULL, "{\"refuse_api\":{\"requests\":1,\"challenge\":3}}"), 200);
    assert_header(ask(server, "/api/x", tokens.access, NULL), 401, "Basic");
    assert_status(ask(server, "/api/x", tokens.access, NULL), 200);
    struct tokens stillborn = sign_in(server);
    assert_status(ask(server, "/api/x", stillborn.access, NULL), 401);
    reply counters = ask(server, "/__control", NULL, NULL);
    assert_non_null(strstr(counters.body, "\"password_grants\":2"));
    assert_non_null(strstr(counters.body, "\"api_requests\":4"));
    assert_status(counters, 200);
    assert_status(ask(server, "/__control", NULL, "{\"revoke_family\":true}"), 200);
    assert_status(ask_refresh(server, tokens.refresh), 400);
    assert_status(ask(server, "/__control", NULL, "[1]"), 400);
    assert_status(ask(server, "/__control", NULL, "nonsense"), 400);
    tokens_free(&tokens);
    tokens_free(&stillborn);
}

static void control_sends_the_server_away_for_a_while(void **state) {
    ts_server *server = start(state, NULL);
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    long status = 0;

    assert_status(ask(server, "/__control", NULL, "{\"away_ms\":300}"), 200);
    while (status != CURLE_COULDNT_CONNECT && now_ms() < deadline_ms) {
        reply reply = ask(server, "/x", NULL, NULL);
        status = reply.code;
        reply_free(&reply);
    }
    assert_int_equal(status, CURLE_COULDNT_CONNECT);
    while (status != 404 && now_ms() < deadline_ms) {
        reply reply = ask(server, "/x", NULL, NULL);
        status = reply.code ? 0 : reply.status;
        reply_free(&reply);
    }
    assert_int_equal(status, 404);
}

static void tls_certificates(void **state) {
    static const struct {
        fixture_certificate certificate;
        CURLcode code;
    } cases[] = {
        {FIXTURE_CERTIFICATE_GOOD, CURLE_OK},
        {FIXTURE_CERTIFICATE_WRONG_HOST, CURLE_PEER_FAILED_VERIFICATION},
        {FIXTURE_CERTIFICATE_UNKNOWN_CA, CURLE_PEER_FAILED_VERIFICATION},
        {FIXTURE_CERTIFICATE_FORGED, CURLE_SSL_CONNECT_ERROR}, /* so says libcurl with OpenSSL */
        {FIXTURE_CERTIFICATE_EXPIRED, CURLE_PEER_FAILED_VERIFICATION},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *directory = fixture_directory_new();
        fixture_tls tls;
        assert_true(fixture_tls_new(&tls, directory, cases[i].certificate));
        ts_options options = TS_OPTIONS_INIT;
        options.tls_cert = tls.cert_file;
        options.tls_key = tls.key_file;
        ts_server *server = start(state, &options);
        CURL *curl = curl_easy_init();
        curl_easy_setopt(curl, CURLOPT_CAINFO, tls.ca_file);
        reply reply = perform(curl, server_url(server, "/api/x"), "x", NULL);
        assert_int_equal(reply.status, cases[i].code == CURLE_OK ? 401 : 0);
        assert_fails(reply, cases[i].code);
        curl_easy_cleanup(curl);
        server_stop(server);
        *state = NULL;
        fixture_tls_free(&tls);
        fixture_directory_free(directory);
    }
}

/*
 * Child programs
 */

static void child_program_is_run_and_bounded(void **state) {
    static const char *const environment[] = {"TACIT_TEST_WORD=hello", NULL};
    static const char *const prints[] = {"sh", "-c", "echo $TACIT_TEST_WORD; cat; exit 3", NULL};
    static const char *const hangs[] = {"sleep", "600", NULL};
    static const char *const silent[] = {"sh", "-c", "exec >&- 2>&-; exec sleep 600", NULL};
    static const char *const missing[] = {"/no/such/program", NULL};
    fixture_run run;
    (void)state;

    assert_true(fixture_run_program(prints, environment, PATIENCE_MS, &run));
    assert_int_equal(run.exit_code, 3);
    assert_string_equal(run.output, "hello\n");
    assert_false(run.timed_out);
    fixture_run_free(&run);
    assert_true(fixture_run_program(hangs, NULL, 50, &run));
    assert_true(run.timed_out);
    assert_int_equal(run.signal, 9);
    fixture_run_free(&run);
    assert_true(fixture_run_program(silent, NULL, 50, &run));
    assert_true(run.timed_out);
    fixture_run_free(&run);
    assert_false(fixture_run_program(missing, NULL, PATIENCE_MS, &run));
}

int main(void) {
#define WITH_SERVER(name) cmocka_unit_test_teardown(name, stop)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(api_wants_a_live_token),
        WITH_SERVER(access_token_ends_with_its_lifetime),
        WITH_SERVER(refresh_rotates_and_both_access_tokens_live),
        WITH_SERVER(reuse_of_a_spent_token_revokes_the_family),
        WITH_SERVER(without_reuse_detection_the_family_lives_on),
        WITH_SERVER(grace_gives_the_same_successor_until_that_is_spent),
        WITH_SERVER(grace_can_give_a_fresh_successor),
        WITH_SERVER(grace_ends),
        WITH_SERVER(without_rotation_the_refresh_token_stays),
        WITH_SERVER(refresh_can_end_older_access_tokens),
        WITH_SERVER(token_answer_follows_the_options),
        WITH_SERVER(tokens_have_the_size_and_shape_asked_for),
        WITH_SERVER(client_authentication_is_checked),
        WITH_SERVER(token_endpoint_refuses_what_it_does_not_know),
        WITH_SERVER(revocation_ends_a_family_or_one_access_token),
        WITH_SERVER(revocation_on_command),
        WITH_SERVER(metadata_names_the_endpoints),
        WITH_SERVER(api_echoes),
        WITH_SERVER(slow_requests_are_counted),
        WITH_SERVER(requests_are_recorded),
        WITH_SERVER(fault_applies_to_the_next_requests_only),
        WITH_SERVER(fault_can_be_for_a_path),
        WITH_SERVER(faults_give_any_answer),
        WITH_SERVER(api_refuses_with_any_challenge),
        WITH_SERVER(connection_closed_before_processing_spends_nothing),
        WITH_SERVER(connection_closed_after_processing_loses_the_successor),
        WITH_SERVER(reset_comes_in_the_middle_of_the_answer),
        WITH_SERVER(trickled_answer_is_whole),
        WITH_SERVER(odd_bodies),
        WITH_SERVER(delays_are_kept),
        WITH_SERVER(gate_before_processing_holds_the_flight),
        WITH_SERVER(gate_before_the_answer_releases_in_order),
        WITH_SERVER(many_requests_can_be_held),
        WITH_SERVER(stopping_releases_what_is_held),
        WITH_SERVER(server_goes_away_and_comes_back_with_its_state),
        WITH_SERVER(control_drives_the_server),
        WITH_SERVER(control_sends_the_server_away_for_a_while),
        WITH_SERVER(tls_certificates),
        cmocka_unit_test(child_program_is_run_and_bounded),
    };
#undef WITH_SERVER

    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
