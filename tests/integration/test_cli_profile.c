/* The tacit command: how it is called, and several of it at once. */
#include "support/cli.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tacit/store.h>

static void damage(const cli *w, const char *name, const char *text) {
    FILE *file = fopen(cli_profile_path(w, name), "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void names_are_no_paths(void **state) {
    static const char too_long[] =
        "a123456789a123456789a123456789a123456789a123456789a12345678912345";
    static const char *const bad[] = {"../x", "a/b",  ".hidden",     "",
                                      "a b",  "a\nb", "caf\xc3\xa9", too_long};
    cli *w = *state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_run(CLI(w, NULL, "status", bad[i]), 2, "", "tacit: ");
        assert_run(CLI(w, NULL, "login", server_url(w->server, ""), "--client-id", "c",
                       "--client-credentials", "--name", *bad[i] == '\0' ? "/" : bad[i]),
                   2, "", "tacit: ");
    }
    assert_int_equal(server_counters(w->server).requests, 0);
}

static void who_is_not_there_has_to_sign_in(void **state) {
    static const char *const commands[] = {"token", "status", "refresh", "logout"};
    cli *w = *state;

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        assert_run(CLI(w, NULL, commands[i], "nobody"), 3, "", "--name nobody");
    assert_run(CLI(w, NULL, "request", "nobody", "https://localhost/"), 3, "", "--name nobody");
    assert_run(CLI(w, NULL, "login", "--name", "nobody"), 2, "", "which server");
}

static void a_call_that_it_does_not_know_is_refused(void **state) {
    cli *w = *state;
    const char *url = server_url(w->server, "");

    assert_run(CLI(w, NULL, "nothing"), 2, "", "nothing");
    assert_run(CLI(w, NULL, "status", "--nonsense"), 2, "", "--nonsense");
    assert_run(CLI(w, NULL, "status", "-q"), 2, "", "-q");
    assert_run(CLI(w, NULL, "status", "--name"), 2, "", "--name");
    assert_run(CLI(w, NULL, "status", "--name", ""), 2, "", "--name");
    assert_run(CLI(w, NULL, "status", "a", "b"), 2, "", "\"b\"");
    assert_run(CLI(w, NULL, "token", "--min-valid", "soon"), 2, "", "--min-valid");
    assert_run(CLI(w, NULL, "token", "--min-valid", "-1"), 2, "", "--min-valid");
    assert_run(CLI(w, NULL, "token", "--min-valid", "99999999999"), 2, "", "--min-valid");
    assert_run(CLI(w, NULL, "request"), 2, "", "URL");
    assert_run(CLI(w, NULL, "request", "no-url"), 2, "", "no-url");
    assert_run(CLI(w, NULL, "login", url), 2, "", "--client-id");
    assert_run(CLI(w, NULL, "login", url, "--provider", "x", "--client-id", "c"), 2, "", "ISSUER");
    assert_run(CLI(w, NULL, "login", url, "--client-id", "c", "--device", "--browser"), 2, "",
               "--device");
    assert_run(CLI(w, NULL, "login", "--provider", "/nowhere", "--client-id", "c"), 2, "",
               "/nowhere");
    assert_run(CLI(w, NULL, "login", url, "--client-id", "c", "--device", "--store", "shelf"), 2,
               "", "keyring");
    assert_run(CLI(w, NULL, "login", "http://id.example.com", "--client-id", "c", "--device"), 1,
               "", "http");
    assert_run(CLI(w, NULL, "login", url, "--client-id", "c", "--client-secret-file", "/nowhere"),
               1, "", "/nowhere");
    assert_run(CLI(w, NULL, "--help"), 0, "Exit codes:", "");
    assert_run(CLI(w, NULL, "login", "--help"), 0, "Exit codes:", "");
    assert_run(CLI(w, NULL, "--version"), 0, "tacit ", "");
    assert_int_equal(server_counters(w->server).requests, 0);
}

static void a_damaged_profile_is_named_and_left_alone(void **state) {
    static const char *const damages[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"issuer\": \"https://a\"}",
        "{\"client_id\": 1, \"issuer\": \"https://a\"}",
        "null",
        "{\"client_id\": \"c\", \"issuer\": \"https://a\", \"origins\": [1]}",
        "{\"client_id\": \"c\", \"provider\": []}"};
    cli *w = *state;

    cli_login(w, "work");
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        damage(w, "work", damages[i]);
        assert_run(CLI(w, NULL, "token", "work"), 1, "", cli_profile_path(w, "work"));
        assert_run(CLI(w, NULL, "login", server_url(w->server, ""), "--client-id", "c", "--name",
                       "work", "--device"),
                   1, "", "damaged");
    }
    unlink(cli_profile_path(w, "work"));
    cli_login(w, "work");
    assert_run(CLI(w, NULL, "token", "work"), 0, "access-", "");
}

static void a_login_that_fails_leaves_nothing(void **state) {
    cli *w = *state;
    char path[512];

    cli_login(w, "first");
    snprintf(path, sizeof path, "%s/provider.json", w->directory);
    assert_run(CLI(w, "alice\nno\n", "login", "--provider", path, "--client-id", "test-client",
                   "--password", "--name", "second"),
               5, "", "tacit: ");
    assert_false(cli_has_profile(w, "second"));
    assert_run(CLI(w, "", "login", "--provider", path, "--client-id", "test-client", "--password",
                   "--name", "second"),
               2, "", "at its end");
    server_go_away(w->server);
    assert_run(CLI(w, "alice\nwonderland\n", "login", "--provider", path, "--client-id",
                   "test-client", "--password", "--name", "second"),
               4, "", "tacit: ");
    assert_true(server_come_back(w->server));
    assert_false(cli_has_profile(w, "second"));
    assert_true(cli_has_profile(w, "first"));
}

static void a_name_has_one_sign_in(void **state) {
    cli *w = *state;

    cli_login(w, "work");
    assert_run(CLI(w, NULL, "login", "https://id.example.com", "--client-id", "other", "--name",
                   "work", "--device"),
               2, "", "tacit logout work");
    assert_run(CLI(w, NULL, "token", "work"), 0, "access-", "");
    cli_login(w, "work"); /* the same again */
    cli_login(w, "home"); /* another name */
    assert_int_equal(server_counters(w->server).live_refresh_tokens, 2);
}

static void a_machine_signs_in_with_a_file(void **state) {
    cli *w = *state;
    ts_options options = server_options(w->server);
    char path[512];
    FILE *file;

    options.client_auth = TS_CLIENT_AUTH_BASIC;
    server_configure(w->server, &options);
    snprintf(path, sizeof path, "%s/secret", w->directory);
    file = fopen(path, "w");
    fputs("test-secret\n", file);
    fclose(file);
    assert_run(CLI(w, NULL, "login", server_url(w->server, ""), "--client-id", "test-client",
                   "--client-secret-file", path, "--name", "machine"),
               0, "", "chmod 600");
    assert_int_equal(server_counters(w->server).client_credentials_grants, 1);
    assert_run(CLI(w, NULL, "refresh", "machine"), 0, "", "generation 2");
    assert_run(CLI(w, NULL, "token", "machine"), 0, "access-", NULL);
    assert_run(CLI(w, NULL, "logout", "machine"), 0, "", NULL);
    assert_int_equal(server_counters(w->server).live_access_tokens, 1); /* of before the refresh */
}

static void two_logins_at_once_are_one_sign_in(void **state) {
    cli *w = *state;
    const char *url = server_url(w->server, "");
    const char *const arguments[] = {"login",       url,          "--client-id",
                                     "test-client", "--password", NULL};
    cli_run a, b;

    server_gate_close(w->server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    a = cli_start(w, "alice\nwonderland\n", arguments);
    b = cli_start(w, "alice\nwonderland\n", arguments);
    assert_true(server_gate_waiters(w->server, TS_TOKEN_ENDPOINT, 1, CLI_PATIENCE_MS));
    server_gate_open(w->server, TS_TOKEN_ENDPOINT);
    cli_await(&a);
    cli_await(&b);
    assert_run(a, 0, "", NULL);
    assert_run(b, 0, "", NULL);
    assert_run(CLI(w, NULL, "token"), 0, "access-", NULL);
    assert_int_equal(server_counters(w->server).live_refresh_tokens, 1);
}

static void eight_shells_renew_once(void **state) {
    const char *const arguments[] = {"token", NULL};
    cli *w = *state;
    ts_options options = server_options(w->server);
    char *first = NULL;
    cli_run runs[8];

    options.access_lifetime_ms = 1;
    server_configure(w->server, &options);
    cli_login(w, "default");
    options.access_lifetime_ms = 3600 * 1000;
    server_configure(w->server, &options);
    while (server_counters(w->server).live_access_tokens > 0) usleep(10000);
    usleep(1100 * 1000); /* expires_in counts whole seconds, for the command too */

    server_gate_close(w->server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    for (int i = 0; i < 8; i++) runs[i] = cli_start(w, NULL, arguments);
    assert_true(server_gate_waiters(w->server, TS_TOKEN_ENDPOINT, 1, CLI_PATIENCE_MS));
    server_gate_open(w->server, TS_TOKEN_ENDPOINT);
    for (int i = 0; i < 8; i++) {
        cli_await(&runs[i]);
        if (first == NULL) first = strdup(runs[i].out);
        assert_run(runs[i], 0, first, "");
    }
    assert_int_equal(server_counters(w->server).refresh_grants, 1);
    free(first);
}

/* Among the user's own: whose server has another address, and nothing stays. */
static void a_sign_in_may_lie_in_the_kernels_keyring(void **state) {
    cli *w = *state;
    char provider[512];
    tacit_error error;

    tacit_store_unref(tacit_store_kernel_keyring("org.example.TacitTest", &error));
    if (error.status == TACIT_ERR_UNSUPPORTED) skip();
    cli_login(w, "files");
    assert_run(CLI(w, NULL, "logout", "files"), 0, "", NULL);
    snprintf(provider, sizeof provider, "%s/provider.json", w->directory); /* by cli_login() */
    assert_run(CLI(w, "alice\nwonderland\n", "login", "--provider", provider, "--client-id",
                   "test-client", "--password", "--store", "kernel"),
               0, NULL, "kernel");

    assert_run(CLI(w, NULL, "token"), 0, "access-", "");
    assert_run(CLI(w, NULL, "refresh"), 0, "", "generation 2");
    assert_run(CLI(w, NULL, "logout"), 0, "", NULL);
    assert_run(CLI(w, NULL, "token"), 3, "", NULL);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, cli_begin, cli_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        SCENE(names_are_no_paths),
        SCENE(who_is_not_there_has_to_sign_in),
        SCENE(a_call_that_it_does_not_know_is_refused),
        SCENE(a_damaged_profile_is_named_and_left_alone),
        SCENE(a_login_that_fails_leaves_nothing),
        SCENE(a_name_has_one_sign_in),
        SCENE(a_machine_signs_in_with_a_file),
        SCENE(two_logins_at_once_are_one_sign_in),
        SCENE(eight_shells_renew_once),
        SCENE(a_sign_in_may_lie_in_the_kernels_keyring),
    };

    return cli_is_there() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
