/* The wall clock beyond January 2038, where 31 bits of seconds end: a device is in use for long, and its time_t may have 32 bits. */
#include "support/unit.h"
#include "support/world.h"

#define TWENTY_YEARS_MS (INT64_C(20) * 366 * 24 * 60 * 60 * 1000)
#define HOUR_MS 3600000

static void a_sign_in_beyond_2038_outlives_a_restart(void **state) {
    world *w = world_new(&(world_options){.clock = true});
    tacit_token *token;

    (void)state;
    world_wall_step(w, TWENTY_YEARS_MS);
    world_sign_in(w);

    world_restart(w);
    assert_int_equal(world_get(w, "/api/x"), 200);

    token = world_token(w);
    assert_non_null(token);
    assert_in_range(tacit_token_expires_in_s(token), 3500, 3600);
    tacit_token_unref(token);
    assert_int_equal(server_counters(world_server(w)).refreshes_ok, 0);
    world_free(w);
}

static void its_token_is_renewed_in_time(void **state) {
    world *w = world_new(&(world_options){.clock = true});

    (void)state;
    world_wall_step(w, TWENTY_YEARS_MS);
    world_sign_in(w);

    world_clock_move(w, HOUR_MS - 1000);

    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sign_in_beyond_2038_outlives_a_restart),
        cmocka_unit_test(its_token_is_renewed_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
