#include "support/plain_client.h"

#include "support/unit.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

reply ask_with_lines(CURL *curl, const char *url, struct curl_slist *headers, const char *body) {
    reply reply = {.body = calloc(1, 1), .headers = calloc(1, 1)};

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)PATIENCE_MS);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply);
    if (body) curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, body);
    reply.code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    return reply;
}

reply ask_with(CURL *curl, const char *url, const char *token, const char *form) {
    struct curl_slist *headers = NULL;
    char *line = NULL;
    reply reply;

    if (token) {
        assert_true(asprintf(&line, "Authorization: Bearer %s", token) > 0);
        headers = curl_slist_append(NULL, line);
    }
    reply = ask_with_lines(curl, url, headers, form);
    curl_slist_free_all(headers);
    free(line);
    return reply;
}

reply ask(ts_server *server, const char *path, const char *token, const char *form) {
    CURL *curl = curl_easy_init();
    reply reply = ask_with(curl, server_url(server, path), token, form);

    curl_easy_cleanup(curl);
    return reply;
}

reply ask_refresh(ts_server *server, const char *refresh_token) {
    char *form = NULL;

    assert_true(asprintf(&form, "grant_type=refresh_token&client_id=test-client&refresh_token=%s",
                         refresh_token) > 0);
    reply reply = ask(server, "/token", NULL, form);
    free(form);
    return reply;
}

void reply_free(reply *reply) {
    free(reply->body);
    free(reply->headers);
}

void assert_status(reply reply, long status) {
    assert_int_equal(reply.code, CURLE_OK);
    assert_int_equal(reply.status, status);
    reply_free(&reply);
}

void assert_header(reply reply, long status, const char *header) {
    assert_non_null(strstr(reply.headers, header));
    assert_status(reply, status);
}

void assert_fails(reply reply, CURLcode code) {
    assert_int_equal(reply.code, code);
    reply_free(&reply);
}

char *json_member(const char *body, const char *name) {
    json_t *json = json_loads(body, 0, NULL);
    const char *text = json_string_value(json_object_get(json, name));
    char *copy = text ? strdup(text) : NULL;

    json_decref(json);
    return copy;
}

reply ask_form(ts_server *server, const char *path, const char *begin, const char *value) {
    char form[1024];

    assert_in_range(snprintf(form, sizeof form, "%s%s", begin, value), 0, sizeof form - 1);
    return ask(server, path, NULL, form);
}

void assert_error(reply reply, const char *error) {
    char *given = json_member(reply.body, "error");

    assert_non_null(given);
    assert_string_equal(given, error);
    free(given);
    assert_status(reply, 400);
}

void assert_member(const char *json, const char *name, const char *value) {
    char *given = json_member(json, name);

    if (!given || strcmp(given, value) != 0) fail_msg("%s is %s", name, given ? given : "(none)");
    free(given);
}

tokens tokens_of(reply reply) {
    tokens tokens = {json_member(reply.body, "access_token"),
                     json_member(reply.body, "refresh_token")};

    assert_status(reply, 200);
    assert_non_null(tokens.access);
    return tokens;
}

tokens sign_in(ts_server *server) {
    return tokens_of(ask(server, "/token", NULL,
                         "grant_type=password&client_id=test-client&username=alice"
                         "&password=wonderland&scope=read"));
}

void tokens_free(tokens *tokens) {
    free(tokens->access);
    free(tokens->refresh);
}

static void *run_in_background(void *data) {
    background *job = data;

    job->reply = job->refresh ? ask_refresh(job->server, job->refresh)
                              : ask(job->server, job->path, job->token, NULL);
    return NULL;
}

void begin_request(background *job) {
    assert_int_equal(pthread_create(&job->thread, NULL, run_in_background, job), 0);
}

reply finish_request(background *job) {
    pthread_join(job->thread, NULL);
    return job->reply;
}

int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

ts_server *start_server(void **state, const ts_options *options) {
    ts_server *server = server_start(options);

    assert_non_null(server);
    *state = server;
    return server;
}

int stop_server(void **state) {
    server_stop(*state);
    return 0;
}
