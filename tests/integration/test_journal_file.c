/* The journal's file as others leave it: damaged, replaced, restored, lost; and directories in which there can be none. */
#include "tests/support/fake_store.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/journal_bytes.h"

enum { PATIENCE_MS = WORLD_PATIENCE_MS, SIZE = TI_JOURNAL_FILE_SIZE };

/* Signed in, with a record and its journal. */
typedef struct scene {
    fake_store *store;
    world *world;
    char *path; /* the journal's */
} scene;

static char *find_journal(const char *directory) {
    DIR *listing = opendir(directory);
    const struct dirent *entry;
    char *found = NULL;

    assert_non_null(listing);
    while ((entry = readdir(listing)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        assert_null(found); /* one identity, one file */
        assert_string_equal(strrchr(entry->d_name, '.'), ".journal");
        found = fixture_path(directory, entry->d_name);
    }
    closedir(listing);
    return found;
}

static scene new_scene(void) {
    scene s = {.store = fake_store_new()};

    s.world = world_new(&(world_options){.store = fake_store_handle(s.store)});
    world_sign_in(s.world);
    world_restart(s.world);
    s.path = find_journal(world_state_dir(s.world));
    assert_non_null(s.path);
    assert_int_equal(tacit_session_load(world_session(s.world), PATIENCE_MS, NULL, NULL), TACIT_OK);
    server_counters_reset(world_server(s.world));
    return s;
}

static void free_scene(scene *s) {
    world_free(s->world);
    fake_store_free(s->store);
    free(s->path);
}

static void read_journal(const scene *s, unsigned char bytes[SIZE]) {
    FILE *file = fopen(s->path, "rb");

    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, SIZE, file), SIZE);
    fclose(file);
}

static void write_journal(const scene *s, const void *bytes, size_t size) {
    FILE *file = fopen(s->path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static tacit_status load(const scene *s, tacit_error *error) {
    return tacit_session_load(world_session(s->world), PATIENCE_MS, NULL, error);
}

static tacit_status refresh(const scene *s, tacit_error *error) {
    return tacit_session_refresh(world_session(s->world), PATIENCE_MS, error);
}

/* Nobody is signed out by it, nothing is sent, and the record stays. */
static void assert_refused_with(const scene *s, tacit_status status, const char *words) {
    char *before = fake_store_record(s->store), *after;
    tacit_error error;

    world_restart(s->world);
    assert_int_equal(load(s, &error), status);
    if (strstr(error.message, words) == NULL) fail_msg("%s", error.message);
    if (strstr(error.message, world_state_dir(s->world)) == NULL) fail_msg("%s", error.message);
    assert_int_equal(refresh(s, &error), status);
    assert_int_equal(tacit_session_get_state(world_session(s->world)), TACIT_STATE_UNKNOWN);
    assert_int_equal(server_counters(world_server(s->world)).token_requests, 0);
    after = fake_store_record(s->store);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void assert_works(const scene *s) {
    tacit_error error;

    if (load(s, &error) != TACIT_OK || refresh(s, &error) != TACIT_OK)
        fail_msg("%s", error.message);
    assert_int_equal(world_get(s->world, "/api/x"), 200);
}

/* ------------------------------------------------------------------ files */

static void file_and_directory_are_the_users_own(void **state) {
    scene s = new_scene();
    struct stat found;

    (void)state;
    assert_int_equal(stat(s.path, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0600);
    assert_int_equal(found.st_size, SIZE);
    free_scene(&s);
}

typedef struct damage {
    const char *why;
    size_t keep;        /* of the file */
    size_t from, until; /* overwritten with 'x' */
    const char *words;
} damage;

static void damaged_journals_are_left_as_they_are_until_a_sign_out(void **state) {
    static const damage cases[] = {
        {"empty", 0, 0, 0, "damaged"},
        {"cut short", 300, 0, 0, "damaged"},
        {"overwritten", SIZE, 0, SIZE, "damaged"},
        {"both slots", SIZE, 100, 700, "damaged"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene s = new_scene();
        unsigned char good[SIZE], bytes[SIZE], after[SIZE];
        struct stat found;
        tacit_error error;

        read_journal(&s, good);
        memcpy(bytes, good, sizeof bytes);
        memset(bytes + cases[i].from, 'x', cases[i].until - cases[i].from);
        write_journal(&s, bytes, cases[i].keep);
        assert_refused_with(&s, TACIT_ERR_STORE_CORRUPT, cases[i].words);
        assert_int_equal(tacit_sign_in_with_tokens(world_session(s.world), "a", 60, "r", &error),
                         TACIT_ERR_STORE_CORRUPT);
        assert_int_equal(stat(s.path, &found), 0);
        assert_int_equal(found.st_size, cases[i].keep);
        if (cases[i].keep == SIZE) {
            read_journal(&s, after);
            assert_memory_equal(bytes, after, SIZE);
        }

        assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, &error), TACIT_OK);
        assert_null(fake_store_record(s.store));
        world_sign_in(s.world);
        assert_works(&s);
        world_restart(s.world);
        assert_works(&s);
        free_scene(&s);
    }
}

static void journal_of_a_later_version_is_left_alone_until_a_sign_out(void **state) {
    scene s = new_scene();
    unsigned char bytes[SIZE], hash[TI_SHA256_SIZE];
    tacit_error error;

    (void)state;
    read_journal(&s, bytes);
    for (size_t at = 0; at < SIZE; at += TI_JOURNAL_SLOT_SIZE) {
        bytes[at + 8] = 9;
        assert_true(ti_crypto_sha256(bytes + at, TI_JOURNAL_SLOT_SIZE - 16, hash));
        memcpy(bytes + at + TI_JOURNAL_SLOT_SIZE - 16, hash, 16);
    }
    write_journal(&s, bytes, SIZE);
    assert_refused_with(&s, TACIT_ERR_STORE_CORRUPT, "later version");

    if (tacit_sign_out(world_session(s.world), PATIENCE_MS, &error) != TACIT_OK)
        fail_msg("%s", error.message);
    world_restart(s.world);
    world_sign_in(s.world);
    assert_works(&s);
    free_scene(&s);
}

/* The other slot has what was before. */
static void one_damaged_slot_costs_nothing(void **state) {
    (void)state;
    for (size_t at = 0; at < SIZE; at += TI_JOURNAL_SLOT_SIZE) {
        scene s = new_scene();
        unsigned char bytes[SIZE];

        assert_works(&s);
        world_restart(s.world);
        read_journal(&s, bytes);
        memset(bytes + at + 40, 'x', 100);
        write_journal(&s, bytes, SIZE);
        world_restart(s.world);
        assert_works(&s);
        free_scene(&s);
    }
}

static void lost_and_restored_journals_cost_nothing(void **state) {
    scene s = new_scene();
    unsigned char old[SIZE];

    (void)state;
    read_journal(&s, old);
    assert_works(&s);
    world_restart(s.world);
    write_journal(&s, old, SIZE);
    world_restart(s.world);
    assert_works(&s);
    world_lose_journals(s.world);
    assert_works(&s);
    world_restart(s.world);
    world_lose_journals(s.world);
    assert_works(&s);
    assert_int_equal(server_counters(world_server(s.world)).reuse_detections, 0);
    free_scene(&s);
}

static void files_that_others_may_use_are_refused(void **state) {
    scene s = new_scene();

    (void)state;
    assert_int_equal(chmod(s.path, 0644), 0);
    assert_refused_with(&s, TACIT_ERR_STORE_FAILED, "chmod");
    assert_int_equal(chmod(s.path, 0600), 0);
    assert_int_equal(chmod(world_state_dir(s.world), 0777), 0);
    assert_refused_with(&s, TACIT_ERR_STORE_FAILED, "chmod");
    assert_int_equal(chmod(world_state_dir(s.world), 0700), 0);
    world_restart(s.world);
    assert_works(&s);
    free_scene(&s);
}

static void foreign_owner_is_refused(void **state) {
    scene s = new_scene();

    (void)state;
    if (chown(s.path, 65534, 65534) == 0) { /* only root may give it away */
        assert_refused_with(&s, TACIT_ERR_STORE_FAILED, "another user");
        assert_int_equal(chown(s.path, getuid(), getgid()), 0);
    }
    assert_int_equal(unlink(s.path), 0);
    assert_int_equal(symlink("/dev/null", s.path), 0);
    assert_refused_with(&s, TACIT_ERR_STORE_FAILED, "symbolic link");
    assert_int_equal(unlink(s.path), 0);
    assert_works(&s);
    free_scene(&s);
}

/* ------------------------------------------------------------------ an older record */

/* Each look at the store comes some time after the one before was done: the clock goes on meanwhile. */
static bool is_sign_in_required_by_now(void *data) {
    world *w = data;
    tacit_error error;

    world_clock_move(w, 4000);
    return tacit_session_refresh(world_session(w), PATIENCE_MS, &error) ==
               TACIT_ERR_SIGN_IN_REQUIRED &&
           error.sign_in_required;
}

/* R2, R7: its refresh token was replaced, and perhaps somebody lives with the newer one. */
static void restored_record_is_not_sent(void **state) {
    fake_store *store = fake_store_new();
    world *w = world_new(&(world_options){.store = fake_store_handle(store), .clock = true});
    scene s = {.store = store, .world = w};
    char *old;
    tacit_error error;

    (void)state;
    world_sign_in(w);
    old = fake_store_record(store);
    assert_int_equal(refresh(&s, NULL), TACIT_OK);
    world_restart(w);
    fake_store_put(store, old);
    server_counters_reset(world_server(w));
    world_restart(w);
    assert_int_equal(refresh(&s, &error), TACIT_ERR_STORE_UNAVAILABLE);
    assert_true(error.retryable);
    world_wait(is_sign_in_required_by_now, w, "the user is asked");
    assert_int_equal(server_counters(world_server(w)).token_requests, 0);
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_IN);
    free(old);
    free_scene(&s);
}

/* The newer record comes back, from whoever had it. */
static void restored_record_is_forgotten_when_the_newer_one_comes_back(void **state) {
    scene s = new_scene();
    char *old = fake_store_record(s.store), *newer;
    tacit_error error;

    (void)state;
    assert_works(&s);
    newer = fake_store_record(s.store);
    world_close(s.world, PATIENCE_MS);
    fake_store_put(s.store, old);
    world_restart(s.world);
    assert_int_equal(refresh(&s, &error), TACIT_ERR_STORE_UNAVAILABLE);
    fake_store_put(s.store, newer);
    usleep(2100 * 1000); /* R8 */
    assert_works(&s);
    free(old);
    free(newer);
    free_scene(&s);
}

/* Whoever holds the head saves it again. */
static void head_in_memory_outlives_its_record(void **state) {
    scene s = new_scene();
    char *old = fake_store_record(s.store), *now;

    (void)state;
    assert_works(&s);
    fake_store_put(s.store, old);
    assert_works(&s);
    now = fake_store_record(s.store);
    assert_true(fake_record_generation(now) > fake_record_generation(old) + 1);
    assert_int_equal(server_counters(world_server(s.world)).reuse_detections, 0);
    free(old);
    free(now);
    free_scene(&s);
}

static int get_until_signed_in(const scene *s) {
    int status = 0;

    for (int i = 0; i < 200 && status != 200; i++) {
        status = world_get(s->world, "/api/x");
        usleep(50 * 1000);
    }
    return status;
}

/* R6: it lies behind a lock that the store does not tell of. Whoever asks on has it as soon as it is there; until then nobody waits. */
static void hidden_record_is_found_when_it_shows(void **state) {
    scene s = new_scene();
    size_t loads;

    (void)state;
    fake_store_fail(s.store, FAKE_LOAD, TACIT_ERR_STORE_NOT_FOUND);
    world_restart(s.world);
    assert_int_equal(load(&s, NULL), TACIT_OK);
    assert_int_equal(tacit_session_get_state(world_session(s.world)), TACIT_STATE_SIGNED_OUT);
    loads = fake_store_calls(s.store, FAKE_LOAD);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(world_get(s.world, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
        usleep(10 * 1000);
    }
    assert_in_range(fake_store_calls(s.store, FAKE_LOAD) - loads, 1, 2);

    fake_store_gate_close(s.store, FAKE_LOAD);
    usleep(2100 * 1000);
    assert_int_equal(world_get(s.world, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_true(fake_store_gate_waiter(s.store, FAKE_LOAD));
    assert_int_equal(world_get(s.world, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    fake_store_gate_open(s.store, FAKE_LOAD);
    world_assert_events(s.world, TACIT_EVENT_LOADED, 3); /* each start has one */
    world_assert_events(s.world, TACIT_EVENT_SIGNED_OUT, 0);

    fake_store_fail(s.store, FAKE_LOAD, TACIT_OK);
    assert_int_equal(get_until_signed_in(&s), 200);
    assert_int_equal(refresh(&s, NULL), TACIT_OK);
    world_assert_events(s.world, TACIT_EVENT_SIGNED_IN, 2);
    assert_int_equal(server_counters(world_server(s.world)).password_grants, 0);
    free_scene(&s);
}

/* R7: after a sign-in over another it is looked at four times, and a store that keeps nothing is not asked for ever. */
static void store_that_forgets_is_looked_at_a_few_times(void **state) {
    scene s = new_scene();
    size_t saves;

    (void)state;
    world_sign_in(s.world);
    fake_store_fail(s.store, FAKE_LOAD, TACIT_ERR_STORE_NOT_FOUND);
    saves = fake_store_calls(s.store, FAKE_SAVE);
    usleep(800 * 1000);
    saves = fake_store_calls(s.store, FAKE_SAVE) - saves;
    if (saves == 0 || saves > 3) fail_msg("%zu saves", saves);
    fake_store_fail(s.store, FAKE_LOAD, TACIT_OK);
    free_scene(&s);
}

/* ------------------------------------------------------------------ two clients, as if in two processes */

static bool is_signed_in(void *data) {
    return tacit_session_get_state(data) == TACIT_STATE_SIGNED_IN;
}

static void sign_in_of_another_is_found_by_whoever_asks(void **state) {
    scene s = new_scene();
    tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;
    tacit_session_options session_options = TACIT_SESSION_OPTIONS_INIT;
    tacit_session *other;
    tacit_client *client;
    size_t loads;

    (void)state;
    assert_int_equal(load(&s, NULL), TACIT_OK);
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);
    loads = fake_store_calls(s.store, FAKE_LOAD);
    assert_int_equal(world_get(s.world, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);

    options.state_dir = world_state_dir(s.world);
    client = tacit_client_new(&options, NULL);
    session_options.client_id = "test-client";
    session_options.store = world_store(s.world);
    other = tacit_session_open(client, world_provider(s.world), &session_options, NULL);
    assert_int_equal(tacit_session_load(other, PATIENCE_MS, NULL, NULL), TACIT_OK);
    usleep(20 * 1000);
    /* The journal was enough to see that nothing had changed. */
    assert_int_equal(fake_store_calls(s.store, FAKE_LOAD), loads + 1);
    assert_int_equal(tacit_sign_in_with_password(other, "alice", "wonderland", NULL, NULL),
                     TACIT_OK);

    usleep(2100 * 1000);
    assert_int_equal(world_get(s.world, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    world_wait(is_signed_in, world_session(s.world), "the other's sign-in is found");
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    world_assert_events(s.world, TACIT_EVENT_LOADED, 2); /* each start has one */
    tacit_session_close(other, PATIENCE_MS);
    assert_int_equal(tacit_client_shutdown(client, PATIENCE_MS, NULL), TACIT_OK);
    tacit_client_unref(client);
    free_scene(&s);
}

/* What the journal says is older than the record by then. */
static void sign_in_between_journal_and_record_is_seen(void **state) {
    scene s = new_scene();
    char *record = fake_store_record(s.store);
    char *others = fake_record_with(record, "sign_in_id", "\"000102030405060708090a0b0c0d0e0f\"");

    (void)state;
    fake_store_gate_close(s.store, FAKE_LOAD);
    world_restart(s.world);
    assert_true(fake_store_gate_waiter(s.store, FAKE_LOAD));
    fake_store_put(s.store, others);
    world_lose_journals(s.world); /* which would name the other, too */
    fake_store_gate_open(s.store, FAKE_LOAD);
    assert_int_equal(load(&s, NULL), TACIT_OK);
    assert_int_equal(tacit_session_get_state(world_session(s.world)), TACIT_STATE_SIGNED_IN);
    free(record);
    free(others);
    free_scene(&s);
}

/* ------------------------------------------------------------------ directories */

static world *world_in(const char *state_dir, fake_store *store) {
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;

    client.state_dir = state_dir;
    return world_new(&(world_options){.client = client, .store = fake_store_handle(store)});
}

static void missing_directories_are_made_for_the_user_alone(void **state) {
    char *directory = fixture_directory_new(), *deep = fixture_path(directory, "a/b/c");
    fake_store *store = fake_store_new();
    world *w = world_in(deep, store);
    struct stat found;
    char *path;

    (void)state;
    assert_int_equal(tacit_session_load(world_session(w), PATIENCE_MS, NULL, NULL), TACIT_OK);
    assert_int_equal(access(deep, F_OK), -1); /* nothing to write yet */
    world_sign_in(w);
    assert_int_equal(stat(deep, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0700);
    path = find_journal(deep);
    assert_non_null(path);
    world_free(w);
    free(path);
    free(deep);
    fixture_directory_free(directory);
    fake_store_free(store);
}

static void directory_that_cannot_be_is_named(void **state) {
    char *directory = fixture_directory_new(), *file = fixture_path(directory, "file");
    char *below = fixture_path(directory, "file/state");
    fake_store *store = fake_store_new();
    FILE *made = fopen(file, "w");
    tacit_error error;
    world *w;

    (void)state;
    assert_non_null(made);
    fclose(made);
    w = world_in(below, store);
    assert_int_equal(tacit_sign_in_with_tokens(world_session(w), "access", 60, "refresh", &error),
                     TACIT_ERR_STORE_FAILED);
    if (strstr(error.message, below) == NULL) fail_msg("%s", error.message);
    assert_int_not_equal(error.os_error, 0);
    assert_null(fake_store_record(store));
    world_free(w);
    free(below);
    free(file);
    fixture_directory_free(directory);
    fake_store_free(store);
}

static void no_directory_at_all_is_said(void **state) {
    fake_store *store = fake_store_new();
    tacit_error error;
    world *w;

    (void)state;
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    w = world_in("", store); /* as good as none */
    assert_int_equal(tacit_sign_in_with_tokens(world_session(w), "access", 60, "refresh", &error),
                     TACIT_ERR_STORE_FAILED);
    if (strstr(error.message, "state_dir") == NULL) fail_msg("%s", error.message);
    assert_null(fake_store_record(store));
    world_free(w);
    fake_store_free(store);
}

static size_t count_descriptors(void) {
    DIR *listing = opendir("/proc/self/fd");
    size_t count = 0;

    assert_non_null(listing);
    while (readdir(listing) != NULL) count++;
    closedir(listing);
    return count;
}

/* Its name is a hash, whatever the account is called. Nobody who is idle has it open. */
static void accounts_of_any_name_have_journals_of_their_own(void **state) {
    static char huge[10 * 1024 + 1];
    const char *accounts[] = {"../../etc/passwd", "/", "..", "a\nb\x01", "A", "a", huge};
    size_t count = sizeof accounts / sizeof *accounts;
    fake_store *store = fake_store_new();
    world *w = world_new(&(world_options){.store = fake_store_handle(store)});
    tacit_session *sessions[sizeof accounts / sizeof *accounts];
    const struct dirent *entry;
    size_t found = 0, descriptors;
    DIR *listing;

    (void)state;
    assert_int_equal(tacit_sign_in_with_tokens(world_session(w), "access", 60, "refresh", NULL),
                     TACIT_OK);
    fake_store_put(store, NULL);
    count++; /* that of the world's own session */
    descriptors = count_descriptors();
    memset(huge, 'h', sizeof huge - 1);
    for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++) {
        tacit_error error;

        sessions[i] = world_open(w, accounts[i], NULL);
        if (tacit_sign_in_with_tokens(sessions[i], "access", 60, "refresh", &error) != TACIT_OK)
            fail_msg("%s", error.message);
        fake_store_put(store, NULL); /* it has room for one */
    }
    listing = opendir(world_state_dir(w));
    assert_non_null(listing);
    while ((entry = readdir(listing)) != NULL)
        if (entry->d_name[0] != '.') found++;
    closedir(listing);
    assert_int_equal(found, count);
    for (int tries = 0; count_descriptors() > descriptors;
         tries++) { /* the last turn ends behind its caller */
        if (tries == 500)
            fail_msg("%zu descriptors, and %zu before", count_descriptors(), descriptors);
        usleep(10 * 1000);
    }
    for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++)
        tacit_session_close(sessions[i], PATIENCE_MS);
    world_free(w);
    fake_store_free(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_and_directory_are_the_users_own),
        cmocka_unit_test(damaged_journals_are_left_as_they_are_until_a_sign_out),
        cmocka_unit_test(journal_of_a_later_version_is_left_alone_until_a_sign_out),
        cmocka_unit_test(one_damaged_slot_costs_nothing),
        cmocka_unit_test(lost_and_restored_journals_cost_nothing),
        cmocka_unit_test(files_that_others_may_use_are_refused),
        cmocka_unit_test(foreign_owner_is_refused),
        cmocka_unit_test(restored_record_is_not_sent),
        cmocka_unit_test(restored_record_is_forgotten_when_the_newer_one_comes_back),
        cmocka_unit_test(head_in_memory_outlives_its_record),
        cmocka_unit_test(hidden_record_is_found_when_it_shows),
        cmocka_unit_test(store_that_forgets_is_looked_at_a_few_times),
        cmocka_unit_test(sign_in_of_another_is_found_by_whoever_asks),
        cmocka_unit_test(sign_in_between_journal_and_record_is_seen),
        cmocka_unit_test(missing_directories_are_made_for_the_user_alone),
        cmocka_unit_test(directory_that_cannot_be_is_named),
        cmocka_unit_test(no_directory_at_all_is_said),
        cmocka_unit_test(accounts_of_any_name_have_journals_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
