/* A sign-in that moves between real stores: encrypted files, the keyring of a desktop, the kernel's, and the default one. */
#include "support/fixture.h"
#include "support/kernel_keys.h"
#include "support/keyring.h"
#include "support/seen.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

static char application[64];

typedef enum kind { KEYRING, KERNEL, DEFAULT, FILES, OTHER_FILES, KINDS } kind;
static const char *const names[KINDS] = {"keyring", "kernel", "default", "files", "other files"};

typedef struct stores {
    tacit_store *of[KINDS]; /* NULL: not here */
    char *directories[2];
} stores;

static stores stores_new(void) {
    stores s = {.directories = {fixture_directory_new(), fixture_directory_new()}};

    s.of[KEYRING] = tacit_store_keyring(application, NULL);
    s.of[KERNEL] = tacit_store_kernel_keyring(application, NULL);
    s.of[DEFAULT] = tacit_store_default(application, NULL);
    s.of[FILES] = fixture_store_file(s.directories[0]);
    s.of[OTHER_FILES] = fixture_store_file(s.directories[1]);
    return s;
}

static void stores_free(stores *s) {
    for (int i = 0; i < KINDS; i++) tacit_store_unref(s->of[i]);
    for (int i = 0; i < 2; i++) fixture_directory_free(s->directories[i]);
}

static void restart_in(world *w, tacit_store *store, tacit_store *previous) {
    assert_int_equal(world_close(w, PATIENCE_MS), TACIT_OK);
    world_restart_in(w, store, previous);
}

static void assert_loads_as(world *w, tacit_session_state expected, const char *where) {
    tacit_session_state state;
    tacit_error error;

    if (tacit_session_load(world_session(w), PATIENCE_MS, &state, &error) != TACIT_OK)
        fail_msg("%s: %s", where, error.message);
    if (state != expected) fail_msg("%s: state %d", where, (int)state);
}

static void move(world *w, stores *s, kind from, kind to, bool refresh) {
    bool one_place = (from == KEYRING && to == DEFAULT) || (from == DEFAULT && to == KEYRING);

    print_message("  %s to %s\n", names[from], names[to]);
    restart_in(w, s->of[to], s->of[from]);
    assert_loads_as(w, TACIT_STATE_SIGNED_IN, names[to]);
    if (refresh) /* they are counted over all moves (R14) */
        assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    restart_in(w, s->of[from], NULL);
    assert_loads_as(w, one_place ? TACIT_STATE_SIGNED_IN : TACIT_STATE_SIGNED_OUT, names[from]);
    restart_in(w, s->of[to], NULL);
    assert_loads_as(w, TACIT_STATE_SIGNED_IN, names[to]);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(server_counters(world_server(w)).reuse_detections, 0);
}

static void from_each_store_to_each_other(void **state) {
    static const kind tour[] = {FILES,  KEYRING, OTHER_FILES, KERNEL,  KEYRING, DEFAULT,
                                KERNEL, FILES,   DEFAULT,     KEYRING, FILES};
    stores s = stores_new();
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;
    world_options options = {.store = s.of[FILES]};
    kind at = tour[0];
    world *w;

    (void)state;
    client.application_id = application;
    options.client = client;
    w = world_new(&options);
    world_sign_in(w);
    for (size_t i = 1; i < sizeof tour / sizeof tour[0]; i++) {
        if (s.of[tour[i]] == NULL || tour[i] == at) continue; /* not in this build, or kernel */
        move(w, &s, at, tour[i], i % 3 == 0);
        at = tour[i];
    }

    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_false(seen_any_refresh_token_twice(world_server(w)));
    world_free(w);
    if (s.of[KERNEL] != NULL) kernel_keys_forget(application);
    stores_free(&s);
}

/* Without files or a keyring there is nothing that test_store_move.c has not. */
static bool is_unsupported(void) {
    tacit_store *files = fixture_store_file("/"), *keyring = tacit_store_keyring("-", NULL);
    bool unsupported = files == NULL || keyring == NULL;

    tacit_store_unref(files);
    tacit_store_unref(keyring);
    return unsupported;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(from_each_store_to_each_other)};
    int failed;

    keyring_hanging_service_main(argc, argv);
    if (is_unsupported()) return 0;
    snprintf(application, sizeof application, "org.example.move-%d", (int)getpid());
    keyring_home_make();
    keyring_bus_start();
    keyring_service_start(KEYRING_PASSWORD);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    keyring_service_stop();
    keyring_bus_stop();
    keyring_home_remove();
    return failed;
}
