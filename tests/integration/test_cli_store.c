/* tacit store move: a sign-in is kept in another store, whatever happens on the way. */
#include "support/cli.h"
#include "support/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* "file:DIRECTORY,KEYFILE" below the test's directory; freed with the third call after. */
static const char *files(const cli *w, const char *name) {
    static char texts[3][256];
    static int next;
    char *text = texts[next++ % 3];

    snprintf(text, sizeof texts[0], "file:%s/%s,%s/%s.key", w->directory, name, w->directory, name);
    return text;
}

static void assert_kept_in(const cli *w, const char *name, const char *store) {
    json_t *profile = json_load_file(cli_profile_path(w, name), 0, NULL);
    const char *kept = json_string_value(json_object_get(profile, "store"));

    assert_non_null(profile);
    if (store == NULL)
        assert_null(kept);
    else
        assert_string_equal(kept, store);
    json_decref(profile);
}

/* With what was signed in with once: nothing was granted anew but by refreshes. */
static void assert_works(cli *w, const char *name) {
    assert_run(CLI(w, NULL, "refresh", name), 0, NULL, NULL);
    assert_run(CLI(w, NULL, "request", name, server_url(w->server, "/api/whoami")), 0, "alice", "");
    assert_int_equal(server_counters(w->server).password_grants, 1);
    assert_int_equal(server_counters(w->server).reuse_detections, 0);
}

static void a_sign_in_moves_to_and_fro(void **state) {
    cli *w = *state;

    cli_login(w, "work");
    assert_run(CLI(w, NULL, "store", "move", "work", "--to", files(w, "a")), 0, "", "");
    assert_kept_in(w, "work", files(w, "a"));
    assert_works(w, "work");
    assert_run(CLI(w, NULL, "store", "move", "--name", "work", "--to", files(w, "b")), 0, "", "");
    assert_kept_in(w, "work", files(w, "b"));
    assert_works(w, "work");
    assert_run(CLI(w, NULL, "store", "move", "work", "--to", "default"), 0, "", "");
    assert_kept_in(w, "work", NULL);
    assert_works(w, "work");
    assert_run(CLI(w, NULL, "store", "move", "work", "--to", "default"), 0, "", "already");
    assert_run(CLI(w, NULL, "logout", "work"), 0, "", "");
}

/* Interrupted between the move and the profile. */
static void what_was_interrupted_is_finished(void **state) {
    cli *w = *state;
    json_t *before;

    cli_login(w, "work");
    before = json_load_file(cli_profile_path(w, "work"), 0, NULL);
    assert_run(CLI(w, NULL, "store", "move", "work", "--to", files(w, "a")), 0, "", "");
    assert_int_equal(json_dump_file(before, cli_profile_path(w, "work"), 0), 0);
    assert_run(CLI(w, NULL, "token", "work"), 3, "", "tacit login --name work");
    assert_run(CLI(w, NULL, "store", "move", "work", "--to", files(w, "a")), 0, "", "");

    assert_kept_in(w, "work", files(w, "a"));
    assert_works(w, "work");
    json_decref(before);
}

static void a_store_that_fails_loses_nothing(void **state) {
    cli *w = *state;
    char in_the_way[256];

    cli_login(w, "work");
    snprintf(in_the_way, sizeof in_the_way, "file:%s,%s/key", cli_profile_path(w, "work"),
             w->directory);
    assert_run(CLI(w, NULL, "store", "move", "work", "--to", in_the_way), 6, "", "tacit: ");
    assert_kept_in(w, "work", NULL);
    assert_works(w, "work");
    assert_run(CLI(w, NULL, "store", "move", "work", "--to", files(w, "a")), 0, "", "");
    assert_works(w, "work");
}

static void another_sign_in_is_not_overwritten(void **state) {
    cli *w = *state;
    char provider[256];
    json_t *first;

    cli_login(w, "work");
    first = json_load_file(cli_profile_path(w, "work"), 0, NULL);
    assert_int_equal(remove(cli_profile_path(w, "work")), 0);
    snprintf(provider, sizeof provider, "%s/provider.json", w->directory);
    assert_run(CLI(w, "alice\nwonderland\n", "login", "--provider", provider, "--client-id",
                   "test-client", "--password", "--name", "work", "--store", files(w, "a")),
               0, NULL, NULL);
    assert_int_equal(json_dump_file(first, cli_profile_path(w, "work"), 0), 0);
    assert_run(CLI(w, NULL, "store", "move", "work", "--to", files(w, "a")), 1, "", "Both");

    assert_kept_in(w, "work", NULL);
    assert_run(CLI(w, NULL, "refresh", "work"), 0, NULL, NULL);
    assert_run(CLI(w, NULL, "logout", "work", "--keep-profile"), 0, "", "");
    assert_run(CLI(w, NULL, "store", "move", "work", "--to", files(w, "a")), 0, "", "");
    assert_run(CLI(w, NULL, "refresh", "work"), 0, NULL, NULL);
    json_decref(first);
}

static void there_must_be_something_to_move(void **state) {
    cli *w = *state;

    assert_run(CLI(w, NULL, "store", "move", "nobody", "--to", "default"), 3, "", "nobody");
    assert_run(CLI(w, NULL, "store", "move"), 2, "", "--to");
    assert_run(CLI(w, NULL, "store", "--to", "default"), 2, "", "move");
    assert_run(CLI(w, NULL, "store", "--help"), 0, "--from", "");
    cli_login(w, "work");
    assert_run(CLI(w, NULL, "store", "move", "work", "--to", "shelf"), 2, "", "keyring");
    assert_run(
        CLI(w, NULL, "store", "move", "work", "--from", files(w, "b"), "--to", files(w, "a")), 3,
        "", "Nobody");
    assert_kept_in(w, "work", NULL);
    assert_works(w, "work");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sign_in_moves_to_and_fro, cli_begin, cli_end),
        cmocka_unit_test_setup_teardown(what_was_interrupted_is_finished, cli_begin, cli_end),
        cmocka_unit_test_setup_teardown(a_store_that_fails_loses_nothing, cli_begin, cli_end),
        cmocka_unit_test_setup_teardown(another_sign_in_is_not_overwritten, cli_begin, cli_end),
        cmocka_unit_test_setup_teardown(there_must_be_something_to_move, cli_begin, cli_end),
    };

    return cli_is_there() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
