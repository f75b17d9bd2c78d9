/* A session whose record lies in an encrypted file. */
#include "support/unit.h"
#include "support/world.h"

#include "platform/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 64, KEY_SIZE = 32 };

typedef struct place {
    char root[PATH_SIZE], records[PATH_SIZE], key_file[PATH_SIZE];
    tacit_store *store;
    world *world;
} place;

static int set_up(void **state) {
    place *here = calloc(1, sizeof *here);
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;

    snprintf(here->root, PATH_SIZE, "/tmp/tacit-test-XXXXXX");
    assert_non_null(mkdtemp(here->root));
    snprintf(here->records, PATH_SIZE, "%.32s/records", here->root);
    snprintf(here->key_file, PATH_SIZE, "%.32s/key", here->root);
    options.directory = here->records;
    options.key_file = here->key_file;
    here->store = tacit_store_file(&options, NULL);
    assert_non_null(here->store);
    here->world = world_new(&(world_options){.store = here->store});
    *state = here;
    return 0;
}

static int tear_down(void **state) {
    place *here = *state;
    char command[PATH_SIZE + 16];

    world_free(here->world);
    tacit_store_unref(here->store);
    snprintf(command, sizeof command, "rm -rf %s", here->root);
    assert_int_equal(system(command), 0);
    free(here);
    return 0;
}

static void a_sign_in_survives_the_process(void **state) {
    world *world = ((place *)*state)->world;

    world_sign_in(world);
    world_restart(world);

    assert_int_equal(world_get(world, "/api/x"), 200);
}

static bool has_record(const place *here) {
    char command[PATH_SIZE + 64];

    snprintf(command, sizeof command, "find %.40s -name '*.record*' | grep -q .", here->records);
    return system(command) == 0;
}

static void after_a_sign_out_nothing_is_left(void **state) {
    place *here = *state;
    tacit_session_state found = TACIT_STATE_UNKNOWN;

    world_sign_in(here->world);
    assert_true(has_record(here));
    assert_int_equal(tacit_sign_out(world_session(here->world), WORLD_PATIENCE_MS, NULL), TACIT_OK);
    assert_false(has_record(here));

    world_restart(here->world);
    assert_int_equal(
        tacit_session_load(world_session(here->world), WORLD_PATIENCE_MS, &found, NULL), TACIT_OK);
    assert_int_equal(found, TACIT_STATE_SIGNED_OUT);
}

static void swap_key(const char *path, char key[KEY_SIZE]) {
    FILE *file = fopen(path, "r+b");
    char before[KEY_SIZE];

    assert_non_null(file);
    assert_int_equal(fread(before, 1, KEY_SIZE, file), KEY_SIZE);
    rewind(file);
    assert_int_equal(fwrite(key, 1, KEY_SIZE, file), KEY_SIZE);
    assert_int_equal(fclose(file), 0);
    memcpy(key, before, KEY_SIZE);
}

/* Nobody is signed out by it, nothing is overwritten, and the sentence says what to look at. */
static void a_wrong_key_is_an_error_that_passes(void **state) {
    place *here = *state;
    char key[KEY_SIZE] = "another key";
    tacit_error error;

    world_sign_in(here->world);
    swap_key(here->key_file, key);
    world_restart(here->world);
    assert_int_equal(
        tacit_session_load(world_session(here->world), WORLD_PATIENCE_MS, NULL, &error),
        TACIT_ERR_STORE_CORRUPT);
    assert_non_null(strstr(error.message, "was sealed with another key"));
    assert_non_null(strstr(error.message, here->records));
    assert_true(world_get(here->world, "/api/x") < 0);

    swap_key(here->key_file, key);
    world_restart(here->world);

    assert_int_equal(world_get(here->world, "/api/x"), 200);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_sign_in_survives_the_process),
        CASE(after_a_sign_out_nothing_is_left),
        CASE(a_wrong_key_is_an_error_that_passes),
    };

    if (!ti_crypto_can_seal()) return 0; /* unit/test_store_file has what is left then */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
