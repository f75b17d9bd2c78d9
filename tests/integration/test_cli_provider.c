/* tacit provider check, and a sign-in with a server that is not quite OAuth. */
#include "support/cli.h"
#include "support/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its own routes, JSON, tokens below /data/tokens. */
#define HOME_MADE                                                                                  \
    "{\"token_endpoint\":\"https://api.example.com/refresh\",\"dialect\":{"                        \
    "\"sign_in\":{\"url\":\"https://api.example.com/login\","                                      \
    "\"fields\":{\"email\":\"{username}\",\"password\":\"{password}\"}},"                          \
    "\"refresh\":{\"send\":\"json\",\"field\":\"refreshToken\"},"                                  \
    "\"response\":{\"access_token\":\"/data/tokens/access\","                                      \
    "\"refresh_token\":\"/data/tokens/refresh\"},"                                                 \
    "\"signed_out_statuses\":[401]}}"

#define TOKENS                                                                                     \
    "{\"data\":{\"tokens\":{\"access\":\"acce-0123456789abcdef\","                                 \
    "\"refresh\":\"refr-0123456789abcdef\"}}}"

/* Its path; valid until the test ends. */
static const char *write_file(const cli *w, const char *name, const char *text) {
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    FILE *file;

    snprintf(path, sizeof paths[0], "%s/%s", w->directory, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* ------------------------------------------------------------------ the provider */

static void a_provider_is_explained_without_a_request(void **state) {
    cli *w = *state;
    const char *path = write_file(w, "p.json", HOME_MADE);

    assert_run(CLI(w, NULL, "provider", "check", path), 0,
               "POST https://api.example.com/refresh; the refresh token in JSON, as refreshToken",
               "");
    assert_run(CLI(w, NULL, "provider", "check", path), 0, "in JSON: email, password", "");
    assert_run(CLI(w, NULL, "provider", "check", path), 0, "status 401", "");
    assert_run(CLI(w, NULL, "provider", "check", path), 0, "not told of a sign-out", "");
    assert_run(CLI(w, HOME_MADE, "provider", "check", "-"), 0, "refreshToken", "");
    assert_run(CLI(w, NULL, "provider", "check", path, "--json"), 0, "\"sign-in\": \"POST", "");
    assert_run(CLI(w, server_provider_json(w->server), "provider", "check", "-"), 0, "RFC 7009",
               "");
    assert_int_equal(server_counters(w->server).requests, 0);
}

static void what_the_provider_should_not_do_is_noted(void **state) {
    static const struct {
        const char *dialect, *note;
    } rows[] = {
        {"\"refresh\":{\"method\":\"GET\",\"send\":\"query\",\"allow_refresh_token_in_url\":true}",
         "travels in a URL"},
        {"\"sign_in\":{\"url\":\"https://a.example/l\",\"method\":\"GET\","
         "\"fields\":{\"p\":\"{password}\"}}",
         "password travels in a URL"},
        {"\"refresh\":{\"send\":\"bearer\"}", "Only the error invalid_grant"},
        {"\"refresh\":{\"send\":\"json\"},\"signed_out_statuses\":[401,403]", "firewall"},
        {"\"sign_in\":{\"url\":\"https://a.example/l\",\"fields\":{\"u\":\"{username}\"}}",
         "sends no password"},
        {"\"sign_out\":{\"url\":\"https://a.example/o\",\"send\":\"bearer\","
         "\"token\":\"access_token\"}",
         "the server is not told"},
    };
    cli *w = *state;
    char json[512];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(json, sizeof json, "{\"token_endpoint\":\"https://a.example/t\",\"dialect\":{%s}}",
                 rows[i].dialect);
        assert_run(CLI(w, json, "provider", "check", "-"), 0, rows[i].note, "");
    }
    assert_run(CLI(w,
                   "{\"dialect\":{\"sign_in\":{\"url\":\"https://a.example/l\"},"
                   "\"sliding_header\":\"X-New\"}}",
                   "provider", "check", "-"),
               0, "Nothing but the API's answers", "");
}

static void fields_in_fields_are_named(void **state) {
    cli *w = *state;
    cli_run run =
        CLI(w,
            "\xEF\xBB\xBF{\"token_endpoint\":\"https://a.example/t\",\r\n\"dialect\":{\"sign_in\":{"
            "\"url\":\"https://a.example/l\",\"fields\":{\"user\":{\"email\":\"{username}\","
            "\"password\":\"{password}\"},\"app\":1}}}}",
            "provider", "check", "-");

    assert_int_equal(run.code, 0);
    assert_non_null(strstr(run.out, "in JSON: user.email, user.password, app"));
    assert_null(strstr(run.out, "no password"));
    cli_run_free(&run);
}

/* What only looks like a refusal, or is named as one, is not remarked on. */
static void an_error_that_passes_is_not_remarked_on(void **state) {
    static const char *const answers[] = {"HTTP/1.1 503 No\r\n\r\n", "HTTP/1.1 429 No\r\n\r\n",
                                          "HTTP/1.1 401 No\r\n\r\n<html>"};
    cli *w = *state;
    const char *path = write_file(w, "p.json", HOME_MADE);

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        cli_run run = CLI(w, answers[i], "provider", "check", path, "--answer", "-");

        assert_int_equal(run.code, 0);
        assert_non_null(strstr(run.out, "verdict            error"));
        assert_null(strstr(run.out, "ends no sign-in"));
        cli_run_free(&run);
    }
}

static void what_cannot_be_used_is_named_with_its_place(void **state) {
    static const struct {
        const char *json, *place;
    } rows[] = {
        {"{\"token_endpoint\":\"https://a.example/"
         "t\",\"dialect\":{\"refresh\":{\"sent\":\"json\"}}}",
         "/dialect/refresh/sent"},
        {"{\"token_endpoint\":\"https://a.example/"
         "t\",\"dialect\":{\"refresh\":{\"send\":\"query\"}}}",
         "allow_refresh_token_in_url"},
        {"{\"token_endpoint\":\"http://a.example/t\"}", "token_endpoint"},
        {"{\"token_endpoint\":\n", "line 2"},
        {"[]", "p.json"},
    };
    cli *w = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path = write_file(w, "p.json", rows[i].json);

        assert_run(CLI(w, NULL, "provider", "check", path), 1, "", rows[i].place);
        assert_run(CLI(w, NULL, "provider", "check", path), 1, "", path);
    }
    assert_run(CLI(w, NULL, "provider", "check", "/nowhere"), 1, "", "/nowhere");
    assert_run(CLI(w, "", "provider", "check", "-"), 1, "", "standard input: it is empty");
    assert_run(CLI(w, NULL, "provider"), 2, "", "check");
    assert_run(CLI(w, NULL, "provider", "look", "p.json"), 2, "", "check");
    assert_run(CLI(w, NULL, "provider", "check", "-", "--answer", "-"), 2, "", "standard input");
    assert_run(CLI(w, NULL, "provider", "check", "-", "--kind", "token"), 2, "", "--kind");
}

/* ------------------------------------------------------------------ its answers */

static void an_answer_is_read_and_its_tokens_are_masked(void **state) {
    cli *w = *state;
    const char *path = write_file(w, "p.json", HOME_MADE);
    const char *alone = write_file(w, "alone", TOKENS);
    const char *whole =
        write_file(w, "whole", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" TOKENS);
    const char *refused = write_file(w, "refused",
                                     "HTTP/1.1 401 Unauthorized\r\n"
                                     "Content-Type: application/json\r\n\r\n{\"statusCode\":401}");
    const char *const files[] = {alone, whole};

    for (int i = 0; i < 2; i++) {
        assert_run(CLI(w, NULL, "provider", "check", path, "--answer", files[i]), 0, "acce", "");
        assert_run(
            CLI(w, NULL, "provider", "check", path, "--answer", files[i], "--kind", "sign-in"), 0,
            "refr", "");
    }
    assert_run(CLI(w, TOKENS, "provider", "check", path, "--answer", "-", "--json"), 0,
               "\"verdict\": \"token\"", "");
    assert_run(CLI(w, NULL, "provider", "check", path, "--answer", refused, "--answer", alone), 0,
               "signed out", "");
    assert_int_equal(server_counters(w->server).requests, 0);
}

static void what_an_answer_lacks_is_noted(void **state) {
    static const struct {
        const char *dialect, *kind, *answer, *shown;
    } rows[] = {
        {"", "sign-in", "{\"access_token\":\"0123456789\"}", "has to sign in again"},
        {"", "refresh", "{\"access_token\":\"0123456789\"}", "How long the token lives"},
        {"", "refresh", "HTTP/1.1 403 No\r\n\r\n{\"error\":\"Over.\"}", "ends no sign-in"},
        {"\"refreshes_per_hour_max\":10", "refresh",
         "{\"access_token\":\"0123456789\",\"expires_in\":60}", "refreshes_per_hour_max"},
        {"", "api", "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer error=\"invalid_token\"\r\n\r\n",
         "refuses_token      yes"},
        {"\"sliding_header\":\"X-New\"", "api",
         "HTTP/1.1 200 OK\r\nX-New: Bearer newt-0123456789abcdef\r\n\r\n", "newt***"},
        {"\"sliding_header\":\"X-New\"", "api", "HTTP/1.1 200 OK\r\n\r\n", "no newer token"},
    };
    cli *w = *state;
    char json[256];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(json, sizeof json, "{\"token_endpoint\":\"https://a.example/t\",\"dialect\":{%s}}",
                 rows[i].dialect);
        assert_run(CLI(w, rows[i].answer, "provider", "check", write_file(w, "p.json", json),
                       "--kind", rows[i].kind, "--answer", "-"),
                   0, rows[i].shown, "");
    }
}

static void no_run_prints_a_whole_token(void **state) {
    cli *w = *state;
    cli_run run = CLI(w, TOKENS, "provider", "check", write_file(w, "p.json", HOME_MADE), "--kind",
                      "sign-in", "--answer", "-", "--json");

    assert_int_equal(run.code, 0);
    assert_null(strstr(run.out, "0123456789abcdef"));
    cli_run_free(&run);
}

static void an_answer_that_says_nothing_shows_where_to_look(void **state) {
    cli *w = *state;
    const char *path =
        write_file(w, "p.json", "{\"token_endpoint\":\"https://api.example.com/refresh\"}");
    const char *cookie = write_file(w, "cookie",
                                    "HTTP/2 200\r\nSet-Cookie: rt=0123; HttpOnly\r\n\r\n"
                                    "{\"data\":{\"a/b\":\"0123456789abcdef0123\"}}");

    assert_run(CLI(w,
                   "{\"it\":{\"at\":\"0123456789abcdef0123\",\"for\":\"a user\","
                   "\"until\":\"2030-01-31T12:00:00.000Z\"}}",
                   "provider", "check", path, "--answer", "-"),
               1, "What may be one: /it/at.", "");
    assert_run(CLI(w, NULL, "provider", "check", path, "--answer", cookie), 1,
               "/data/a~1b, the cookie rt.", "");
    assert_run(CLI(w, "HTTP/1.1 204 No Content\r\nSet-Cookie: rt=0123\r\n", "provider", "check",
                   path, "--answer", "-"),
               1, "What may be one: the cookie rt.", ""); /* the copy ended too early */
    assert_run(CLI(w, "<html>", "provider", "check", path, "--answer", "-"), 0, "web page", "");
    assert_run(CLI(w, NULL, "provider", "check", path, "--answer", "/dev/null"), 1, NULL,
               "/dev/null: it is empty");
    assert_run(CLI(w, NULL, "provider", "check", path, "--answer", "/nowhere"), 1, NULL,
               "/nowhere");
}

/* ------------------------------------------------------------------ a sign-in with it */

/* The password grant of the tests' server, as a dialect's; yours. */
static json_t *new_sign_in(const cli *w) {
    return json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:s}}", "url", server_url(w->server, "/token"),
                     "body", "form", "fields", "grant_type", "password", "username", "{username}",
                     "password", "{password}", "client_id", "{client_id}");
}

/* Takes json over. */
static const char *write_json(const cli *w, json_t *json) {
    char *text = json_dumps(json, 0);
    const char *path = write_file(w, "dialect.json", text);

    free(text);
    json_decref(json);
    return path;
}

static const char *write_dialect(const cli *w) {
    json_t *sign_out =
        json_pack("{s:s, s:s, s:s, s:{s:s}}", "url", server_url(w->server, "/revoke"), "send",
                  "form", "field", "token", "fields", "client_id", "{client_id}");

    return write_json(w,
                      json_pack("{s:s, s:{s:o, s:o, s:[s]}}", "token_endpoint",
                                server_url(w->server, "/token"), "dialect", "sign_in",
                                new_sign_in(w), "sign_out", sign_out, "fingerprint", "User-Agent"));
}

static void a_sign_in_goes_by_the_dialect(void **state) {
    cli *w = *state;
    const char *path = write_dialect(w), *api = server_url(w->server, "/api/whoami");
    ts_options options = server_options(w->server);
    json_t *profile;

    options.client_id = "tacit";
    server_configure(w->server, &options);
    assert_run(CLI(w, "alice\nwrong\n", "login", "--provider", path, "--origin",
                   server_url(w->server, "")),
               5, "", NULL);
    assert_run(CLI(w, "alice\nwonderland\n", "login", "--provider", path, "--origin",
                   server_url(w->server, "")),
               0, "", "Signed in");
    profile = json_load_file(cli_profile_path(w, "default"), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(profile, "client_id")), "tacit");
    assert_string_equal(json_string_value(json_object_get(profile, "grant")), "password");
    json_decref(profile);

    assert_run(CLI(w, NULL, "request", api), 0, "alice", "");
    server_revoke_access_tokens(w->server);
    assert_run(CLI(w, NULL, "request", api), 0, "alice", "");
    assert_int_equal(server_counters(w->server).refreshes_ok, 1);
    assert_run(CLI(w, NULL, "status"), 0, server_url(w->server, "/token"), "");
    assert_run(CLI(w, NULL, "logout"), 0, "", "");
    assert_int_equal(server_counters(w->server).live_refresh_tokens, 0);
}

/* Yours. */
static char *token_of(cli *w) {
    cli_run run = CLI(w, NULL, "token");
    char *token;

    assert_int_equal(run.code, 0);
    token = strndup(run.out, run.out_size - 1);
    cli_run_free(&run);
    return token;
}

static void a_request_renews_a_token_that_slides(void **state) {
    cli *w = *state;
    const char *path = write_json(w, json_pack("{s:{s:o, s:s}}", "dialect", "sign_in",
                                               new_sign_in(w), "sliding_header", "X-New-Token"));
    ts_options options = server_options(w->server);
    char *first, *later;

    options.client_id = "tacit";
    options.sliding_header = "X-New-Token";
    options.jwt = true;
    options.access_lifetime_ms = 20000;
    server_configure(w->server, &options);
    assert_run(CLI(w, "alice\nwonderland\n", "login", "--provider", path, "--origin",
                   server_url(w->server, "")),
               0, "", "Signed in");
    first = token_of(w);
    options.access_lifetime_ms = 3600000;
    server_configure(w->server, &options);
    later = token_of(w);
    while (strcmp(first, later) == 0) { /* it is worth it when a tenth of the life is over */
        free(later);
        assert_run(CLI(w, NULL, "request", server_url(w->server, "/api/whoami")), 0, "alice", "");
        later = token_of(w);
    }

    assert_true(server_access_token_is_live(w->server, later));
    assert_int_equal(server_counters(w->server).refresh_grants, 0);
    free(first);
    free(later);
}

static void a_login_names_the_file_that_it_cannot_use(void **state) {
    cli *w = *state;
    const char *path = write_file(
        w, "bad.json",
        "{\"token_endpoint\":\"https://a.example/t\",\"dialect\":{\"refresh\":{\"sent\":1}}}");

    assert_run(CLI(w, NULL, "login", "--provider", path, "--client-id", "c", "--password"), 2, "",
               "bad.json: /dialect/refresh/sent");
    assert_run(CLI(w, NULL, "login", "--provider",
                   write_file(w, "plain.json", "{\"token_endpoint\":\"https://a.example/t\"}")),
               2, "", "--client-id");
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, cli_begin, cli_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        SCENE(a_provider_is_explained_without_a_request),
        SCENE(what_the_provider_should_not_do_is_noted),
        SCENE(fields_in_fields_are_named),
        SCENE(an_error_that_passes_is_not_remarked_on),
        SCENE(what_cannot_be_used_is_named_with_its_place),
        SCENE(an_answer_is_read_and_its_tokens_are_masked),
        SCENE(what_an_answer_lacks_is_noted),
        SCENE(no_run_prints_a_whole_token),
        SCENE(an_answer_that_says_nothing_shows_where_to_look),
        SCENE(a_sign_in_goes_by_the_dialect),
        SCENE(a_request_renews_a_token_that_slides),
        SCENE(a_login_names_the_file_that_it_cannot_use),
    };

    return cli_is_there() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
