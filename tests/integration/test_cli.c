/* The tacit command: a sign-in from login to logout. */
#include "support/cli.h"
#include "support/raw_server.h"
#include "support/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int begin(void **state) {
    cli_begin(state);
    cli_login(*state, "default");
    return 0;
}

static void a_profile_is_the_users_own(void **state) {
    cli *w = *state;
    struct stat about;
    json_t *json = json_load_file(cli_profile_path(w, "default"), 0, NULL);

    assert_int_equal(stat(cli_profile_path(w, "default"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_string_equal(json_string_value(json_object_get(json, "client_id")), "test-client");
    json_decref(json);
}

static void token_prints_a_live_one(void **state) {
    cli *w = *state;
    cli_run run = CLI(w, NULL, "token");

    assert_int_equal(run.code, 0);
    assert_int_equal(run.out[run.out_size - 1], '\n');
    run.out[run.out_size - 1] = '\0';
    assert_true(server_access_token_is_live(w->server, run.out));
    assert_string_equal(run.err, "");
    cli_run_free(&run);
    assert_run(CLI(w, NULL, "token", "default", "--header"), 0, "Bearer access-", NULL);
    assert_int_equal(server_counters(w->server).refresh_grants, 0);
}

static void an_old_token_is_renewed_before_it_is_printed(void **state) {
    cli *w = *state;

    assert_run(CLI(w, NULL, "token", "--min-valid", "100"), 0, "access-", NULL);
    assert_int_equal(server_counters(w->server).refresh_grants, 0);
    ts_options options = server_options(w->server);
    options.access_lifetime_ms = 1000;
    server_configure(w->server, &options);
    assert_run(CLI(w, NULL, "refresh"), 0, "", "generation 2");
    while (server_counters(w->server).live_access_tokens > 1) usleep(10000);
    assert_run(CLI(w, NULL, "token"), 0, "access-", NULL);
    assert_true(server_counters(w->server).refresh_grants >= 2);
}

static void a_request_meets_a_401_with_a_new_token(void **state) {
    cli *w = *state;

    server_revoke_access_tokens(w->server);
    assert_run(CLI(w, NULL, "request", server_url(w->server, "/api/whoami")), 0, "alice", "");
    assert_int_equal(server_counters(w->server).refresh_grants, 1);
    assert_run(CLI(w, NULL, "status"), 0, "generation  2", "");
}

static void a_request_says_what_it_was_told(void **state) {
    cli *w = *state;
    char file[512], data[520];
    FILE *body;

    assert_run(CLI(w, NULL, "request", "default", "PUT", server_url(w->server, "/api/echo"), "-H",
                   "X-A: b", "-d", "hallo", "-i"),
               0, "\"method\":\"PUT\"", "");
    assert_run(CLI(w, NULL, "request", server_url(w->server, "/api/echo"), "-H", "X-A: b", "-i"), 0,
               "HTTP 200\r\nDate: ", "");
    assert_run(CLI(w, NULL, "request", server_url(w->server, "/api/echo"), "-H", "X-A: b"), 0,
               "\"X-A\":\"b\"", "");
    assert_run(CLI(w, "of the input", "request", server_url(w->server, "/api/echo"), "-d", "@-"), 0,
               "\"body\":\"of the input\"", "");
    snprintf(file, sizeof file, "%s/body", w->directory);
    snprintf(data, sizeof data, "@%s", file);
    body = fopen(file, "w");
    assert_int_equal(fwrite("a\0b\nc", 1, 5, body), 5);
    fclose(body);
    server_revoke_access_tokens(w->server); /* it is sent twice */
    assert_run(CLI(w, NULL, "request", server_url(w->server, "/api/echo"), "-d", data), 0,
               "\"body_size\":5", "");
    assert_run(CLI(w, NULL, "request", server_url(w->server, "/api/echo"), "-d", "@/nowhere"), 1,
               NULL, "/nowhere");
}

static size_t size_of(const char *path) {
    struct stat about;

    return stat(path, &about) == 0 ? (size_t)about.st_size : 0;
}

static void bodies_arrive_byte_for_byte(void **state) {
    cli *w = *state;
    char file[512];
    cli_run run;

    snprintf(file, sizeof file, "%s/output", w->directory);
    run = CLI(w, NULL, "request", server_url(w->server, "/api/bytes?n=3000000"));
    assert_int_equal(run.code, 0);
    assert_int_equal(run.out_size, 3000000);
    assert_run(CLI(w, NULL, "request", server_url(w->server, "/api/bytes?n=3000000"), "-o", file),
               0, "", "");
    assert_int_equal(size_of(file), 3000000);
    FILE *copy = fopen(file, "r");
    char *bytes = malloc(3000000);
    assert_int_equal(fread(bytes, 1, 3000000, copy), 3000000);
    assert_memory_equal(bytes, run.out, 3000000);
    fclose(copy);
    free(bytes);
    cli_run_free(&run);
    assert_run(CLI(w, NULL, "request", server_url(w->server, "/nothing"), "-o", file), 22, NULL,
               "404");
    assert_int_equal(size_of(file), 3000000); /* a failure leaves it alone */
    assert_run(CLI(w, NULL, "request", server_url(w->server, "/api/x"), "-o", "/nowhere/file"), 1,
               NULL, "/nowhere/file");
    assert_run(CLI(w, NULL, "request", server_url(w->server, "/api/x"), "-o", "/dev/full"), 1, NULL,
               "/dev/full");
}

static void what_is_no_whole_file_is_written_as_it_comes(void **state) {
    cli *w = *state;
    const char *url = server_url(w->server, "/api/x");
    ts_fault part = {.kind = TS_FAULT_ANSWER, .requests = 1, .body = "part", .status = 206};
    char file[512];

    snprintf(file, sizeof file, "%s/part", w->directory);
    server_fault_add(w->server, TS_API, &part);
    assert_run(CLI(w, NULL, "request", url, "-H", "range: bytes=0-3", "-o", file), 0, "", "");
    assert_int_equal(size_of(file), 4);
    assert_run(CLI(w, NULL, "request", "HEAD", url, "-o", file), 0, "", "");
    assert_int_equal(size_of(file), 4);
    assert_run(CLI(w, NULL, "request", url, "-H", "If-Range: \"a\"", "-C", "-o", file), 2, "",
               "--continue");
}

static void a_form_is_sent_as_a_browser_would(void **state) {
    cli *w = *state;
    char file[512], field[600];
    const char *echo = server_url(w->server, "/api/echo");
    FILE *content;
    cli_run run;

    snprintf(file, sizeof file, "%s/notes.txt", w->directory);
    snprintf(field, sizeof field, "notes=@%s", file);
    content = fopen(file, "w");
    fputs("on the disk", content);
    fclose(content);
    run = CLI(w, NULL, "request", echo, "-F", "title=a=b", "--form", field);
    assert_int_equal(run.code, 0);
    assert_non_null(strstr(run.out, "multipart/form-data; boundary="));
    assert_non_null(strstr(run.out, "name=\\\"title\\\"\\r\\n\\r\\na=b\\r\\n"));
    assert_non_null(strstr(run.out, "filename=\\\"notes.txt\\\""));
    assert_non_null(strstr(run.out, "on the disk"));
    cli_run_free(&run);
    assert_run(CLI(w, NULL, "request", echo, "-F", "a=@/nowhere"), 1, "", "/nowhere");
    assert_run(CLI(w, NULL, "request", echo, "-F", "nothing"), 2, "", "nothing");
    assert_run(CLI(w, NULL, "request", echo, "-F", "a=@"), 2, "", "NAME=@FILE");
    assert_run(CLI(w, NULL, "request", echo, "-F", "a=b", "-d", "c"), 2, "", "two bodies");
}

static void what_fails_for_a_moment_is_tried_again(void **state) {
    cli *w = *state;
    const char *url = server_url(w->server, "/api/x");

    server_fail(w->server, TS_API, 1, 503);
    assert_run(CLI(w, NULL, "request", url, "--retry", "1"), 0, NULL, "");
    server_fail(w->server, TS_API, 1, 503);
    assert_run(CLI(w, NULL, "request", url), 22, NULL, "503");
    assert_run(CLI(w, NULL, "request", url, "--retry", "-1"), 2, "", "--retry");
    assert_run(CLI(w, NULL, "request", url, "--retry", "once"), 2, "", "--retry");
}

static void a_download_goes_on_where_it_broke_off(void **state) {
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nETag: \"one\"\r\nContent-Length: 9\r\n\r\n"
        "abcd",
        "HTTP/1.1 206 Partial Content\r\nETag: \"one\"\r\n"
        "Content-Length: 5\r\nContent-Range: bytes 4-8/9\r\n\r\n"
        "efghi",
        NULL};
    cli *w = *state;
    raw_server *server = raw_server_start(&(raw_options){.answers = answers, .then = RAW_CLOSE});
    const char *url = raw_server_url(server);
    char file[512], part[520], *received;

    snprintf(file, sizeof file, "%s/download", w->directory);
    snprintf(part, sizeof part, "%s.part", file);
    assert_run(CLI(w, NULL, "request", url, "--continue"), 2, "", "--output");
    assert_run(CLI(w, NULL, "request", url, "--origin", url, "-C", "-o", file), 4, "", "");
    assert_int_equal(size_of(part), 4);

    assert_run(CLI(w, NULL, "request", url, "--origin", url, "-C", "-o", file), 0, "", "");
    received = raw_server_received(server);
    assert_non_null(strstr(received, "Range: bytes=4-\r\n"));
    assert_int_equal(size_of(file), 9);
    assert_int_equal(size_of(part), 0);
    free(received);
    raw_server_stop(server);
}

static void a_token_goes_nowhere_else(void **state) {
    cli *w = *state;
    ts_server *other = server_start(NULL);

    assert_run(CLI(w, NULL, "request", server_url(other, "/api/x")), 1, "", "--origin");
    assert_int_equal(server_counters(other).requests, 0);
    assert_run(
        CLI(w, NULL, "request", server_url(other, "/__control"), "--origin", server_url(other, "")),
        0, "requests", "");
    server_stop(other);
}

static void status_needs_no_server(void **state) {
    cli *w = *state;
    cli_run run;
    json_t *json;

    server_counters_reset(w->server);
    assert_run(CLI(w, NULL, "status"), 0, "state       signed in", "");
    assert_int_equal(server_counters(w->server).requests, 0);
    server_go_away(w->server);
    run = CLI(w, NULL, "status", "--json");
    assert_int_equal(run.code, 0);
    json = json_loads(run.out, JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "state")), "signed_in");
    assert_string_equal(json_string_value(json_object_get(json, "name")), "default");
    assert_non_null(strstr(json_string_value(json_object_get(json, "store")), w->directory));
    assert_int_equal(json_integer_value(json_object_get(json, "generation")), 1);
    assert_in_range(json_integer_value(json_object_get(json, "expires_in")), 3500, 3600);
    assert_in_range(json_integer_value(json_object_get(json, "due_in")), 3440, 3540);
    assert_true(json_is_null(json_object_get(json, "last_error")));
    json_decref(json);
    cli_run_free(&run);
    assert_run(CLI(w, NULL, "refresh"), 4, "", "tacit: ");
    assert_run(CLI(w, NULL, "status"), 0, "signed in", "");
    assert_true(server_come_back(w->server));
}

/* And not the refresh token, which has days. */
static void status_says_when_the_access_token_is_due(void **state) {
    cli *w = *state;
    ts_options options = server_options(w->server);
    cli_run run;
    json_t *json;

    options.extra_members = "{\"refresh_expires_in\":604800}";
    server_configure(w->server, &options);
    assert_run(CLI(w, "alice\nwonderland\n", "login"), 0, "", "default");
    run = CLI(w, NULL, "status", "--json");
    json = json_loads(run.out, JSON_REJECT_DUPLICATES, NULL);
    assert_in_range(json_integer_value(json_object_get(json, "due_in")), 3440, 3540);
    assert_in_range(json_integer_value(json_object_get(json, "sign_in_ends_in")), 604700, 604800);
    json_decref(json);
    cli_run_free(&run);
}

static void a_refused_refresh_token_needs_a_new_sign_in(void **state) {
    cli *w = *state;

    server_revoke_family(w->server);
    assert_run(CLI(w, NULL, "refresh"), 3, "", "tacit login --name default");
    assert_run(CLI(w, NULL, "status"), 3, "signed out", "");
    assert_run(CLI(w, "alice\nwonderland\n", "login"), 0, "", "default"); /* as before */
    assert_run(CLI(w, NULL, "token"), 0, "access-", "");
}

static void logout_revokes_and_forgets(void **state) {
    cli *w = *state;
    char *refresh_token = server_newest_refresh_token(w->server);

    assert_run(CLI(w, NULL, "logout", "--keep-profile"), 0, "", "");
    assert_false(server_refresh_token_is_live(w->server, refresh_token));
    assert_true(cli_has_profile(w, "default"));
    assert_run(CLI(w, NULL, "token"), 3, "", "tacit login --name default");
    assert_run(CLI(w, NULL, "logout"), 0, "", "");
    assert_false(cli_has_profile(w, "default"));
    assert_run(CLI(w, NULL, "logout"), 3, "", "no sign-in");
    free(refresh_token);
}

static void logout_forgets_without_a_server_too(void **state) {
    cli *w = *state;

    server_go_away(w->server);
    assert_run(CLI(w, NULL, "logout"), 4, "", "forgotten");
    assert_false(cli_has_profile(w, "default"));
    assert_true(server_come_back(w->server));
}

static void secrets_stay_in_the_store(void **state) {
    cli *w = *state;
    char *refresh_token, *access;
    cli_run run = CLI(w, NULL, "token");

    access = strndup(run.out, run.out_size - 1);
    unlink(run.out_path); /* asked for */
    cli_run_free(&run);
    assert_run(CLI(w, NULL, "request", server_url(w->server, "/api/whoami"), "-i"), 0, "alice", "");
    assert_run(CLI(w, NULL, "status", "--json"), 0, "{", "");
    assert_run(CLI(w, "alice\nwrong password\n", "login"), 5, "", "tacit: ");
    refresh_token = server_newest_refresh_token(w->server);
    assert_true(cli_finds(w, "test-client"));
    assert_false(cli_finds(w, "wonderland"));
    assert_false(cli_finds(w, "wrong password"));
    assert_false(cli_finds(w, refresh_token));
    assert_false(cli_finds(w, access));
    assert_run(CLI(w, NULL, "token"), 0, access, ""); /* the failed login left it alone */
    free(refresh_token);
    free(access);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, begin, cli_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        SCENE(a_profile_is_the_users_own),
        SCENE(token_prints_a_live_one),
        SCENE(an_old_token_is_renewed_before_it_is_printed),
        SCENE(a_request_meets_a_401_with_a_new_token),
        SCENE(a_request_says_what_it_was_told),
        SCENE(bodies_arrive_byte_for_byte),
        SCENE(what_is_no_whole_file_is_written_as_it_comes),
        SCENE(a_form_is_sent_as_a_browser_would),
        SCENE(what_fails_for_a_moment_is_tried_again),
        SCENE(a_download_goes_on_where_it_broke_off),
        SCENE(a_token_goes_nowhere_else),
        SCENE(status_needs_no_server),
        SCENE(status_says_when_the_access_token_is_due),
        SCENE(a_refused_refresh_token_needs_a_new_sign_in),
        SCENE(logout_revokes_and_forgets),
        SCENE(logout_forgets_without_a_server_too),
        SCENE(secrets_stay_in_the_store),
    };

    return cli_is_there() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
