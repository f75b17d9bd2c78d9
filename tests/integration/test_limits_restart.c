/* max_idle_s and max_age_s over restarts, reboots and steps of the wall clock; and what a record says of it. */
#include "support/limited.h"
#include "support/unit.h"

#include <jansson.h>

enum { IDLE_S = 600, PATIENCE_MS = WORLD_PATIENCE_MS };
#define IDLE_MS (IDLE_S * SECOND_MS)

/* The process ends as it should; time passes; it is started again. */
static void restart_after(limited *l, int64_t ms) {
    world_end(l->world);
    pass(l, ms);
    world_restart(l->world);
}

/* ... with the system. Its wall clock is `wall_ms` ahead of what it should be. */
static void reboot_after(limited *l, int64_t ms, int64_t wall_ms) {
    static int64_t
        reboots; /* each time a little earlier: no boot clock goes back but by a reboot */

    world_end(l->world);
    pass(l, ms);
    atomic_store(&limited_clock.boot_ms, 20 * SECOND_MS - reboots++);
    atomic_fetch_add(&limited_clock.wall_ms, wall_ms);
    world_restart(l->world);
}

static void assert_signed_in(limited *l) {
    tacit_session_state found;

    assert_int_equal(tacit_session_load(world_session(l->world), PATIENCE_MS, &found, NULL),
                     TACIT_OK);
    assert_int_equal(found, TACIT_STATE_SIGNED_IN);
    assert_goes_on(l);
}

/* Nothing is sent with what was found: neither a request nor a refresh. */
static void assert_found_over(limited *l, const char *limit) {
    world_event loaded;

    assert_int_equal(world_get(l->world, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_ended(l, limit);
    assert_int_equal(server_counters(l->server).api_requests, 0);
    assert_int_equal(server_counters(l->server).token_requests, 0);
    assert_true(world_event_at(l->world, TACIT_EVENT_LOADED,
                               world_event_count(l->world, TACIT_EVENT_LOADED) - 1, &loaded));
    assert_int_equal(loaded.event.state, TACIT_STATE_SIGNED_OUT);
    assert_int_equal(loaded.event.generation, 0);
}

/* ------------------------------------------------------------------ restarts */

static void a_record_over_its_limit_is_never_used(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0), old;

    (void)state;
    restart_after(&l, IDLE_MS);
    assert_found_over(&l, "max_idle_s");
    limited_free(&l);

    old = limited_new(NULL, 0, IDLE_S);
    restart_after(&old, IDLE_MS);
    assert_found_over(&old, "max_age_s");
    limited_free(&old);
}

static void loaded_comes_before_what_ended_it(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);
    size_t loaded = 0, required = 0;
    world_event event;

    (void)state;
    restart_after(&l, IDLE_MS);
    world_wait_event(l.world, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    for (size_t i = 0; world_event_at(l.world, 0, i, &event); i++) {
        if (event.event.type == TACIT_EVENT_LOADED) loaded = i;
        if (event.event.type == TACIT_EVENT_SIGN_IN_REQUIRED) required = i;
    }

    assert_true(loaded > 0 && loaded < required);
    limited_free(&l);
}

static void the_last_use_before_the_end_counts(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);

    (void)state;
    for (int i = 0; i < 3; i++) {
        pass(&l, IDLE_MS - 1);
        assert_int_equal(world_get(l.world, "/api/x"), 200);
        restart_after(&l, IDLE_MS - 1);
        assert_signed_in(&l);
    }
    limited_free(&l);
}

/* It was too soon after another to be saved at once. */
static void a_use_shortly_before_the_end_counts_too(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);

    (void)state;
    pass(&l, 10 * SECOND_MS);
    assert_int_equal(world_get(l.world, "/api/x"), 200);
    restart_after(&l, IDLE_MS - 1);

    assert_signed_in(&l);
    limited_free(&l);
}

static void a_restart_does_not_make_it_younger(void **state) {
    limited l = limited_new(NULL, 0, IDLE_S);

    (void)state;
    for (int i = 0; i < 3; i++) {
        restart_after(&l, IDLE_MS / 4);
        assert_signed_in(&l);
    }
    server_counters_reset(l.server);
    restart_after(&l, IDLE_MS / 4);

    assert_found_over(&l, "max_age_s");
    limited_free(&l);
}

/* An app that starts is not one that is used. */
static void opening_is_no_use(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);

    (void)state;
    for (int i = 0; i < 3; i++) {
        restart_after(&l, IDLE_MS / 4);
        assert_int_equal(tacit_session_load(world_session(l.world), PATIENCE_MS, NULL, NULL),
                         TACIT_OK);
    }
    restart_after(&l, IDLE_MS / 4);

    assert_found_over(&l, "max_idle_s");
    limited_free(&l);
}

/* ------------------------------------------------------------------ reboots and the wall clock */

static void the_wall_clock_counts_over_a_reboot(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);

    (void)state;
    reboot_after(&l, IDLE_MS - 1, 0);
    assert_signed_in(&l);
    server_counters_reset(l.server);
    reboot_after(&l, IDLE_MS, 0);

    assert_found_over(&l, "max_idle_s");
    limited_free(&l);
}

static void a_device_that_boots_in_1970_loses_nothing(void **state) {
    limited l = limited_new(NULL, IDLE_S, IDLE_S);
    int64_t wall_ms = atomic_load(&limited_clock.wall_ms);

    (void)state;
    reboot_after(&l, 60 * SECOND_MS, -wall_ms);
    assert_signed_in(&l);
    step_wall(&l, wall_ms); /* the time server answers */

    assert_goes_on(&l);
    limited_free(&l);
}

static void but_what_the_clock_then_shows_counts(void **state) {
    limited l = limited_new(NULL, 0, IDLE_S);
    int64_t wall_ms = atomic_load(&limited_clock.wall_ms);

    (void)state;
    reboot_after(&l, IDLE_MS, -wall_ms);
    assert_signed_in(&l);
    step_wall(&l, wall_ms);

    assert_ended(&l, "max_age_s");
    limited_free(&l);
}

/* Each time it is up for 20 s, which count. */
static void who_sets_the_clock_back_gains_only_what_it_was_off(void **state) {
    limited l = limited_new(NULL, 0, 99);

    (void)state;
    for (int i = 0; i < 4; i++) {
        reboot_after(&l, 0, -DAY_MS);
        assert_signed_in(&l);
    }
    server_counters_reset(l.server);
    reboot_after(&l, 0, -DAY_MS);

    assert_found_over(&l, "max_age_s");
    limited_free(&l);
}

static void steps_of_the_wall_clock_end_nothing(void **state) {
    static const int64_t steps_ms[] = {3650 * DAY_MS, -7300 * DAY_MS, HOUR_MS, -HOUR_MS};
    limited l = limited_new(NULL, IDLE_S, IDLE_S);

    (void)state;
    for (size_t i = 0; i < sizeof steps_ms / sizeof *steps_ms; i++) {
        step_wall(&l, steps_ms[i]);
        assert_goes_on(&l);
    }
    pass(&l, IDLE_MS);

    assert_ended(&l, "max_age_s");
    limited_free(&l);
}

/* In the same boot nobody asks the wall clock. */
static void nor_do_they_over_a_restart(void **state) {
    limited l = limited_new(NULL, IDLE_S, IDLE_S);

    (void)state;
    world_end(l.world);
    step_wall(&l, 3650 * DAY_MS);
    world_restart(l.world);
    assert_signed_in(&l);
    world_end(l.world);
    step_wall(&l, -7300 * DAY_MS);
    world_restart(l.world);

    assert_signed_in(&l);
    limited_free(&l);
}

/* The record was written by a clock that was 56 years behind; it is written again when that is known. */
static void a_step_is_written_down_before_the_next_reboot(void **state) {
    limited l;
    int64_t wall_ms;

    (void)state;
    l = limited_new(NULL, IDLE_S, 0);
    wall_ms = atomic_load(&limited_clock.wall_ms);
    world_end(l.world);
    atomic_store(&limited_clock.wall_ms, 0);
    world_restart(l.world);
    world_sign_in(l.world);
    step_wall(&l, wall_ms);
    pass(&l, 60 * SECOND_MS);
    assert_goes_on(&l);
    reboot_after(&l, 60 * SECOND_MS, 0);

    assert_signed_in(&l);
    limited_free(&l);
}

/* ------------------------------------------------------------------ what is written, and when */

static json_t *use_of(limited *l) {
    char *text = fake_store_record(l->store);
    json_t *record = json_loads(text, 0, NULL), *use;

    assert_non_null(record);
    use = json_incref(json_object_get(record, "use"));
    json_decref(record);
    free(text);
    return use;
}

static int64_t kept(limited *l, const char *member) {
    json_t *use = use_of(l);
    int64_t value;

    assert_non_null(use);
    value = json_integer_value(json_object_get(use, member));
    json_decref(use);
    return value;
}

static bool is_saved_again(void *data) {
    const limited *l = data;

    return fake_store_saved_count(l->store) > 1;
}

static void a_use_is_saved_now_and_then_and_not_with_each_request(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);

    (void)state;
    for (int s = 0; s < 240; s += 2) {
        pass(&l, 2 * SECOND_MS);
        assert_int_equal(world_get(l.world, "/api/x"), 200);
    }
    world_wait(is_saved_again, &l, "the use to be saved");
    look_a_while();

    assert_in_range(fake_store_saved_count(l.store), 2, 1 + 240 / 60);
    limited_free(&l);
}

/* A request after a rest is known to all at once; those in the minute after it at its end. */
static void what_a_crash_may_lose_is_bounded(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);

    (void)state;
    pass(&l, IDLE_MS / 2);
    assert_int_equal(world_get(l.world, "/api/x"), 200);
    world_wait(is_saved_again, &l, "the use to be saved");
    assert_int_equal(kept(&l, "age_ms"), IDLE_MS / 2);
    assert_int_equal(kept(&l, "idle_ms"), 0);
    limited_free(&l);
}

static void who_only_reads_writes_nothing(void **state) {
    limited l = limited_new(NULL, IDLE_S, IDLE_S);
    size_t before;

    (void)state;
    restart_after(&l, SECOND_MS);
    tacit_session_load(world_session(l.world), PATIENCE_MS, NULL, NULL);
    before = fake_store_saved_count(l.store);
    pass(&l, 120 * SECOND_MS);
    look_a_while();

    assert_int_equal(fake_store_saved_count(l.store), before);
    limited_free(&l);
}

static void without_limits_nothing_is_written(void **state) {
    limited l = limited_new(NULL, 0, 0);

    (void)state;
    assert_int_equal(world_get(l.world, "/api/x"), 200);
    assert_int_equal(tacit_session_refresh(world_session(l.world), PATIENCE_MS, NULL), TACIT_OK);

    assert_null(use_of(&l));
    limited_free(&l);
}

/* ------------------------------------------------------------------ other versions, other processes */

static bool has_use(void *data) {
    json_t *use = use_of(data);

    json_decref(use);
    return use != NULL;
}

static void put_without_use(limited *l) {
    char *text = fake_store_record(l->store), *without;
    json_t *record = json_loads(text, 0, NULL);

    assert_int_equal(json_object_del(record, "use"), 0);
    without = json_dumps(record, JSON_COMPACT);
    fake_store_put(l->store, without);
    free(without);
    json_decref(record);
    free(text);
}

static void a_record_of_an_earlier_version_counts_from_now(void **state) {
    limited l = limited_new(NULL, 0, IDLE_S);

    (void)state;
    world_end(l.world);
    pass(&l, IDLE_MS);
    put_without_use(&l);
    world_restart(l.world);
    assert_signed_in(&l);
    world_wait(has_use, &l, "the beginning to be saved");
    assert_int_equal(kept(&l, "age_ms"), 0);
    restart_after(&l, IDLE_MS - 1);
    assert_signed_in(&l);
    server_counters_reset(l.server);
    restart_after(&l, 1);

    assert_found_over(&l, "max_age_s");
    limited_free(&l);
}

/* A client without limits, as of a daemon: ends nothing, and keeps what it found. */
static void a_process_without_limits_hands_on_what_it_found(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);
    world_options options = limited_options(&l, 0, 0);
    tacit_session_options session = options.session;
    const char *origins[] = {server_url(l.server, ""), NULL};
    tacit_session *daemon;
    tacit_client *client;

    (void)state;
    world_end(l.world);
    pass(&l, IDLE_MS);
    options.client.state_dir = world_state_dir(l.world);
    client = tacit_client_new(&options.client, NULL);
    session.client_id = "test-client";
    session.origins = origins;
    session.store = fake_store_handle(l.store);
    daemon = tacit_session_open(client, world_provider(l.world), &session, NULL);
    assert_int_equal(tacit_session_refresh(daemon, PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(tacit_session_get_state(daemon), TACIT_STATE_SIGNED_IN);
    assert_int_equal(kept(&l, "idle_ms"), IDLE_MS);
    assert_int_equal(tacit_session_close(daemon, PATIENCE_MS), TACIT_OK);
    assert_int_equal(tacit_client_shutdown(client, PATIENCE_MS, NULL), TACIT_OK);
    tacit_client_unref(client);
    server_counters_reset(l.server);
    world_restart(l.world);

    assert_found_over(&l, "max_idle_s");
    limited_free(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_over_its_limit_is_never_used),
        cmocka_unit_test(loaded_comes_before_what_ended_it),
        cmocka_unit_test(the_last_use_before_the_end_counts),
        cmocka_unit_test(a_use_shortly_before_the_end_counts_too),
        cmocka_unit_test(a_restart_does_not_make_it_younger),
        cmocka_unit_test(opening_is_no_use),
        cmocka_unit_test(the_wall_clock_counts_over_a_reboot),
        cmocka_unit_test(a_device_that_boots_in_1970_loses_nothing),
        cmocka_unit_test(but_what_the_clock_then_shows_counts),
        cmocka_unit_test(who_sets_the_clock_back_gains_only_what_it_was_off),
        cmocka_unit_test(steps_of_the_wall_clock_end_nothing),
        cmocka_unit_test(nor_do_they_over_a_restart),
        cmocka_unit_test(a_step_is_written_down_before_the_next_reboot),
        cmocka_unit_test(a_use_is_saved_now_and_then_and_not_with_each_request),
        cmocka_unit_test(what_a_crash_may_lose_is_bounded),
        cmocka_unit_test(who_only_reads_writes_nothing),
        cmocka_unit_test(without_limits_nothing_is_written),
        cmocka_unit_test(a_record_of_an_earlier_version_counts_from_now),
        cmocka_unit_test(a_process_without_limits_hands_on_what_it_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
