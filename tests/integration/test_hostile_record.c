/* A store that holds something else than a record of ours: a clear error, and it stays as it is. */
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

/* A record as it was saved, and a world that starts from a store which holds something else. */
typedef struct scene {
    fake_store *store;
    world *world;
    char *good;
} scene;

/* Starts again from a store that holds something else, and has read it. */
static void restart_from_garbage(const scene *s) {
    fake_store_put(s->store, "");
    world_restart(s->world);
    assert_int_equal(tacit_session_load(world_session(s->world), PATIENCE_MS, NULL, NULL),
                     TACIT_ERR_STORE_CORRUPT);
}

static scene new_scene(void) {
    scene s = {.store = fake_store_new()};

    s.world = signed_in(&(world_options){.store = fake_store_handle(s.store), .clock = true});
    s.good = fake_store_record(s.store);
    restart_from_garbage(&s);
    server_counters_reset(world_server(s.world));
    return s;
}

/* After all that the good record is read, and works. */
static void free_scene(scene *s) {
    fake_store_put(s->store, s->good);
    assert_int_equal(tacit_session_load(world_session(s->world), PATIENCE_MS, NULL, NULL),
                     TACIT_OK);
    assert_int_equal(tacit_session_get_state(world_session(s->world)), TACIT_STATE_SIGNED_IN);
    assert_int_equal(world_get(s->world, "/api/x"), 200);
    assert_int_equal(fake_store_calls(s->store, FAKE_ERASE), 0);
    world_free(s->world);
    fake_store_free(s->store);
    free(s->good);
}

static void assert_untouched(const scene *s, const char *record) {
    char *now = fake_store_record(s->store);

    assert_string_equal(now, record);
    free(now);
}

static void expect_corrupt(const scene *s, const char *record, const char *why) {
    tacit_session_state state;
    tacit_error error;

    fake_store_put(s->store, record);
    if (tacit_session_load(world_session(s->world), PATIENCE_MS, &state, &error) !=
        TACIT_ERR_STORE_CORRUPT)
        fail_msg("%s: %s", why, tacit_status_name(error.status));
    assert_int_equal(state, TACIT_STATE_UNKNOWN);
    assert_non_null(strstr(error.message, "left as it is"));
    assert_false(error.sign_in_required);
    assert_untouched(s, record);
    assert_int_equal(server_counters(world_server(s->world)).requests, 0);
}

static void expect_corrupt_with(const scene *s, const char *member, const char *json) {
    char *record = fake_record_with(s->good, member, json);

    expect_corrupt(s, record, json);
    free(record);
}

/* ------------------------------------------------------------------ bytes */

static void a_record_cut_at_any_byte_is_corrupt(void **state) {
    scene s = new_scene();
    size_t size = strlen(s.good);

    (void)state;
    for (size_t cut = 0; cut < size; cut++) {
        char *record = strdup(s.good);

        record[cut] = '\0';
        expect_corrupt(&s, record, "cut");
        free(record);
    }
    free_scene(&s);
}

/* From a seed, so that a failure comes again. */
static unsigned next_random(unsigned *random) {
    *random = *random * 1103515245u + 12345u;
    return *random >> 16;
}

static void random_bytes_are_corrupt(void **state) {
    scene s = new_scene();
    unsigned random = 1;

    (void)state;
    for (int round = 0; round < 300; round++) {
        char record[200];
        size_t size = next_random(&random) % sizeof record;

        for (size_t i = 0; i < size; i++) record[i] = (char)(1 + next_random(&random) % 255);
        record[size] = '\0';
        expect_corrupt(&s, record, "random");
    }
    free_scene(&s);
}

/* One byte of a good record is another: corrupt, or a record, but nothing worse. */
static void a_flipped_byte_does_no_harm(void **state) {
    scene s = new_scene();
    unsigned random = 2;
    size_t size = strlen(s.good);

    (void)state;
    for (size_t i = 0; i < size; i++) {
        char *record = strdup(s.good);
        tacit_status status;

        record[i] = (char)(1 + next_random(&random) % 255);
        fake_store_put(s.store, record);
        world_restart(s.world);
        status = tacit_session_load(world_session(s.world), PATIENCE_MS, NULL, NULL);
        if (status != TACIT_OK && status != TACIT_ERR_STORE_CORRUPT)
            fail_msg("byte %zu: %s", i, tacit_status_name(status));
        if (status == TACIT_ERR_STORE_CORRUPT) assert_untouched(&s, record);
        free(record);
    }
    restart_from_garbage(&s);
    free_scene(&s);
}

static void huge_and_deeply_nested_records_are_corrupt(void **state) {
    scene s = new_scene();
    size_t size = (size_t)2 << 20;
    char *record = malloc(size + 1);

    (void)state;
    memset(record, '[', size);
    record[size] = '\0';
    expect_corrupt(&s, record, "nested");
    memset(record, ' ', size);
    memcpy(record + size - strlen(s.good), s.good, strlen(s.good));
    expect_corrupt(&s, record, "huge");
    record[100000] = '\0';
    memset(record, '[', 50000);
    memset(record + 50000, ']', 50000);
    expect_corrupt(&s, record, "nested, and closed");
    free(record);
    free_scene(&s);
}

/* ------------------------------------------------------------------ members */

static void records_of_others_are_corrupt(void **state) {
    static const char *const members[][2] = {
        {"tacit_record", "2"},
        {"tacit_record", "0"},
        {"tacit_record", "\"1\""},
        {"tacit_record", "null"},
        {"issuer", "\"https://x\""},
        {"issuer", "null"},
        {"client_id", "\"other\""},
        {"client_id", "[]"},
        {"sign_in_id", "\"\""},
        {"sign_in_id", "\"0123\""},
        {"sign_in_id", "7"},
        {"sign_in_id", "\"00000000000000000000000000000000\""},
        {"generation", "0"},
        {"generation", "-1"},
        {"generation", "1.5"},
        {"generation", "\"1\""},
        {"refused", "null"},
        {"refused", "\"no\""},
        {"refresh_token", "\"\""},
        {"refresh_token", "7"},
        {"refresh_token", "[\"x\"]"},
        {"id_token", "\"\""},
        {"id_token", "null"},
        {"id_token", "7"},
        {"id_token", "{}"},
        {"id_token", "\"a b\""},
        {"id_token", "\"a\\r\\nb\""},
        {"id_token", "\"\\u00e4\""},
        {"renewal", "null"},
        {"renewal", "true"},
        {"renewal", "\"by magic\""},
        {"renewal", "\"client_credentials\""},
        {"refresh_expires_unix_ms", "-1"},
        {"refresh_lifetime_ms", "9223372036854775807"},
        {"use", "7"},
        {"use", "{\"age_ms\":1}"},
        {"fingerprint", "null"},
        {"fingerprint", "[\"A: b\\r\\nX-Evil: y\"]"},
    };
    scene s = new_scene();

    (void)state;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        expect_corrupt_with(&s, members[i][0], members[i][1]);
    free_scene(&s);
}

#define ACCESS_TOKEN(view, value, generation, expires, lifetime)                                   \
    "[{\"view\":\"" view "\",\"value\":" value ",\"generation\":" generation                       \
    ",\"expires_unix_ms\":" expires ",\"lifetime_ms\":" lifetime "}]"

/* R11: nothing from the store may end a header line and begin another. */
static void access_tokens_that_are_none_are_corrupt(void **state) {
    static const char *const lists[] = {
        "[7]",
        "[{}]",
        ACCESS_TOKEN("v", "\"\"", "1", "1", "1"),
        ACCESS_TOKEN("v", "7", "1", "1", "1"),
        ACCESS_TOKEN("v", "\"a\\r\\nX-Evil: y\"", "1", "1", "1"),
        ACCESS_TOKEN("v", "\"a\\nb\"", "1", "1", "1"),
        ACCESS_TOKEN("v", "\"a\\rb\"", "1", "1", "1"),
        ACCESS_TOKEN("v", "\"a b\"", "1", "1", "1"),
        ACCESS_TOKEN("v", "\"\\u00e4\"", "1", "1", "1"),
        ACCESS_TOKEN("a-view-name-that-is-much-longer-than-any-view-name-can-ever-be-by-far",
                     "\"a\"", "1", "1", "1"),
        ACCESS_TOKEN("v", "\"a\"", "0", "1", "1"),
        ACCESS_TOKEN("v", "\"a\"", "1", "-2", "1"),
        ACCESS_TOKEN("v", "\"a\"", "1", "1", "-2"),
        ACCESS_TOKEN("v", "\"a\"", "1", "null", "1"),
        ACCESS_TOKEN("v", "\"a\"", "1", "1", "1.5"),
    };
    scene s = new_scene();

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        expect_corrupt_with(&s, "access_tokens", lists[i]);
    free_scene(&s);
}

static bool has_token_request(void *server) {
    return server_record_count(server, TS_TOKEN_ENDPOINT) > 0;
}

/* A refresh token goes into a form, where nothing can end a line. */
static void a_refresh_token_with_line_ends_stays_within_its_field(void **state) {
    scene s = new_scene();
    char *record = fake_record_with(s.good, "refresh_token", "\"a\\r\\nX-Evil: y&scope=all\"");
    ts_record seen;

    (void)state;
    fake_store_put(s.store, record);
    assert_int_equal(tacit_session_load(world_session(s.world), PATIENCE_MS, NULL, NULL), TACIT_OK);
    tacit_session_refresh(world_session(s.world), TACIT_NO_WAIT, NULL);
    world_wait(has_token_request, world_server(s.world), "the refresh token is sent");
    wait_sign_in_required(s.world); /* no server knows that token */

    assert_true(server_record(world_server(s.world), TS_TOKEN_ENDPOINT, 0, &seen));
    assert_null(strstr(seen.headers, "X-Evil"));
    assert_null(strstr(seen.body, "scope=all"));
    assert_null(strchr(seen.body, '\n'));
    server_record_free(&seen);
    free(record);
    world_free(s.world);
    fake_store_free(s.store);
    free(s.good);
}

/* ------------------------------------------------------------------ numbers */

static char *with_numbers(const scene *s, const char *expires, const char *lifetime) {
    char *begin = strstr(s->good, "\"access_tokens\":"), *view = strstr(begin, "\"view\":\"");
    char list[512];

    snprintf(list, sizeof list,
             "[{\"view\":\"%.*s\",\"value\":\"a\",\"generation\":1,\"expires_unix_ms\":%s,"
             "\"lifetime_ms\":%s}]",
             (int)strcspn(view + 8, "\""), view + 8, expires, lifetime);
    return fake_record_with(s->good, "access_tokens", list);
}

/* R13: whatever the numbers are, and whatever the clock says. */
static void absurd_times_do_not_overflow(void **state) {
    static const char *const numbers[] = {"-1", "0", "1", "9007199254740993",
                                          "9223372036854775807"};
    static const int64_t steps_ms[] = {0, -1000000, -((int64_t)60 * 365 * 24 * 3600 * 1000)};
    enum { NUMBERS = sizeof numbers / sizeof *numbers };
    scene s = new_scene();

    (void)state;
    for (size_t step = 0; step < sizeof steps_ms / sizeof *steps_ms; step++)
        for (size_t i = 0; i < (size_t)NUMBERS * NUMBERS; i++) {
            char *record = with_numbers(&s, numbers[i / NUMBERS], numbers[i % NUMBERS]);
            tacit_status status;

            world_wall_step(s.world, steps_ms[step]);
            fake_store_put(s.store, record);
            world_restart(s.world);
            status = tacit_session_load(world_session(s.world), PATIENCE_MS, NULL, NULL);
            assert_true(status == TACIT_OK || status == TACIT_ERR_STORE_CORRUPT);
            assert_true(stats_of(s.world).expires_in_s >= -1);
            world_wall_step(s.world, -steps_ms[step]);
            free(record);
        }
    restart_from_garbage(&s);
    free_scene(&s);
}

/* The next generation must be one that can be saved and read again. */
static void a_generation_without_successors_is_corrupt(void **state) {
    scene s = new_scene();

    (void)state;
    expect_corrupt_with(&s, "generation", "9223372036854775807");
    expect_corrupt_with(&s, "generation", "9223372036854775806");
    free_scene(&s);
}

/* ------------------------------------------------------------------ how often it is read */

static void *load_elsewhere(void *world) {
    tacit_session_load(world_session(world), PATIENCE_MS, NULL, NULL);
    return NULL;
}

/* Whoever waits for a load that is under way gets what it brings; that asks for no further one. */
static void a_load_that_is_waited_for_is_made_once(void **state) {
    fake_store *store = fake_store_new();
    pthread_t thread;
    world *w;

    (void)state;
    fake_store_put(store, "garbage");
    fake_store_gate_close(store, FAKE_LOAD);
    w = world_new(&(world_options){.store = fake_store_handle(store), .clock = true});
    assert_true(fake_store_gate_waiter(store, FAKE_LOAD));
    assert_int_equal(pthread_create(&thread, NULL, load_elsewhere, w), 0);
    wait_waiters(w, 1);
    fake_store_gate_open(store, FAKE_LOAD);
    pthread_join(thread, NULL);
    look_a_while();

    assert_int_equal(fake_store_calls(store, FAKE_LOAD), 1);
    world_free(w);
    fake_store_free(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_cut_at_any_byte_is_corrupt),
        cmocka_unit_test(random_bytes_are_corrupt),
        cmocka_unit_test(a_flipped_byte_does_no_harm),
        cmocka_unit_test(huge_and_deeply_nested_records_are_corrupt),
        cmocka_unit_test(records_of_others_are_corrupt),
        cmocka_unit_test(access_tokens_that_are_none_are_corrupt),
        cmocka_unit_test(a_refresh_token_with_line_ends_stays_within_its_field),
        cmocka_unit_test(absurd_times_do_not_overflow),
        cmocka_unit_test(a_generation_without_successors_is_corrupt),
        cmocka_unit_test(a_load_that_is_waited_for_is_made_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
