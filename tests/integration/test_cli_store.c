/* tacit store move: a sign-in is kept in another store, whatever happens on the way. */
#include "support/cli.h"
#include "support/keyring.h"
#include "support/unit.h"

#include <tacit/tacit.h>

#include <fcntl.h>
#include <glob.h>
#include <jansson.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* "file:DIRECTORY,KEYFILE" below the test's directory; freed with the third call after. */
static const char *files(const cli *w, const char *name) {
    static char texts[3][256];
    static int next;
    char *text = texts[next++ % 3];

    snprintf(text, sizeof texts[0], "file:%s/%s,%s/%s.key", w->directory, name, w->directory, name);
    return text;
}

/* NULL: in the default one. */
static bool is_kept_in(const cli *w, const char *name, const char *store) {
    json_t *profile = json_load_file(cli_profile_path(w, name), 0, NULL);
    const char *kept = json_string_value(json_object_get(profile, "store"));
    bool same = kept == NULL || store == NULL ? kept == store : strcmp(kept, store) == 0;

    assert_non_null(profile);
    json_decref(profile);
    return same;
}

static void assert_kept_in(const cli *w, const char *name, const char *store) {
    if (!is_kept_in(w, name, store)) fail_msg("it is kept in another store");
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

static void make_immutable(const char *path, bool yes) {
    int file = open(path, O_RDONLY | O_CLOEXEC), flags = 0;

    assert_true(file >= 0);
    if (ioctl(file, FS_IOC_GETFLAGS, &flags) == 0) {
        flags = yes ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
        if (ioctl(file, FS_IOC_SETFLAGS, &flags) != 0) flags = 0;
    }
    close(file);
    if (yes && !(flags & FS_IMMUTABLE_FL)) skip(); /* root's, and not on every file system */
}

/* The record of a file store below the test's directory; freed with the next call. */
static const char *record_path(const cli *w, const char *name) {
    static char path[512];
    glob_t found;

    snprintf(path, sizeof path, "%s/%s/*.record", w->directory, name);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    snprintf(path, sizeof path, "%s", found.gl_pathv[0]);
    globfree(&found);
    return path;
}

/* Where the command's threads take turns, a failure is mostly known before its end. */
static void run_on_one_processor(cpu_set_t *before) {
    cpu_set_t one;
    int first = 0;

    assert_int_equal(sched_getaffinity(0, sizeof *before, before), 0);
    while (!CPU_ISSET(first, before)) first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
}

/* What is left cannot be used, so that the profile must not go on naming its store. */
static void a_leftover_that_cannot_be_erased_stops_nothing(void **state) {
    enum { TIMES = 12 };
    cpu_set_t processors;
    cli *w = *state;
    json_t *before;
    int kept = 0;

    cli_login(w, "work");
    assert_run(CLI(w, NULL, "store", "move", "work", "--to", files(w, "a")), 0, "", "");
    make_immutable(record_path(w, "a"), true);
    before = json_load_file(cli_profile_path(w, "work"), 0, NULL);
    run_on_one_processor(&processors);
    for (int i = 0; i < TIMES; i++) {
        cli_run run = CLI(w, NULL, "store", "move", "work", "--to", files(w, "b"));

        kept += is_kept_in(w, "work", files(w, "b")) && (run.code == 0 || run.code == 6);
        cli_run_free(&run);
        assert_int_equal(json_dump_file(before, cli_profile_path(w, "work"), 0), 0);
    }
    sched_setaffinity(0, sizeof processors, &processors);
    make_immutable(record_path(w, "a"), false);
    json_decref(before);

    assert_int_equal(kept, TIMES);
    assert_run(CLI(w, NULL, "store", "move", "work", "--to", files(w, "b")), 0, "", "");
    assert_works(w, "work");
}

/* ------------------------------------------------------------------ with a keyring */

static int begin_with_keyring(void **state) {
    cli *w;

    cli_begin(state);
    w = *state;
    w->keyring = true;
    keyring_home_make();
    keyring_bus_start();
    keyring_service_start(KEYRING_PASSWORD);
    return 0;
}

static int end_with_keyring(void **state) {
    keyring_service_stop();
    keyring_bus_stop();
    keyring_home_remove();
    return cli_end(state);
}

static void one_place_with_two_names_is_no_second_sign_in(void **state) {
    cli *w = *state;

    cli_login(w, "work");
    assert_run(CLI(w, NULL, "store", "move", "work", "--to", "keyring"), 0, "", "");
    assert_kept_in(w, "work", "keyring");
    assert_works(w, "work");
    assert_run(CLI(w, NULL, "store", "move", "work", "--to", "default"), 0, "", "");
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
        cmocka_unit_test_setup_teardown(a_leftover_that_cannot_be_erased_stops_nothing, cli_begin,
                                        cli_end),
    };
    const struct CMUnitTest with_keyring[] = {
        cmocka_unit_test_setup_teardown(one_place_with_two_names_is_no_second_sign_in,
                                        begin_with_keyring, end_with_keyring),
    };
    tacit_error error;
    int failed;

    if (!cli_is_there()) return 0;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    tacit_store_unref(tacit_store_keyring("org.tacit.cli", &error));
    if (error.status == TACIT_ERR_UNSUPPORTED) return failed; /* built without libsecret */
    return failed + cmocka_run_group_tests(with_keyring, NULL, NULL);
}
