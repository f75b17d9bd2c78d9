/* What a session remembers of an origin that refuses tokens (R14). */
#include "session/session.h"
#include "session/view.h"

#include "support/unit.h"

static ti_origin_state states[1];
static tacit_session session = {.origin_states = states};

static int set_up(void **state) {
    (void)state;
    states[0] = (ti_origin_state){.accepted_id = 0};
    return 0;
}

static void accept(uint64_t id) {
    tacit_token token = {.id = id};

    ti_session_origin_accepted(&session, 0, &token);
}

static void refuse(uint64_t id) {
    tacit_token token = {.id = id};

    ti_session_origin_refused(&session, 0, &token);
}

static void fresh_token_refused_forces_no_more(void **state) {
    (void)state;
    accept(1);
    refuse(2);

    assert_false(ti_session_origin_may_force(&session, 0));
}

static void any_token_accepted_ends_it(void **state) {
    (void)state;
    refuse(2);
    accept(2);

    assert_true(ti_session_origin_may_force(&session, 0));
}

static void accepted_token_that_was_revoked_may_force(void **state) {
    (void)state;
    accept(2);
    refuse(2);

    assert_true(ti_session_origin_may_force(&session, 0));
}

/* A slow request meets two revocations, the others have moved on. */
static void late_refusal_of_an_older_token_says_nothing(void **state) {
    (void)state;
    accept(2);
    accept(3);
    refuse(2);

    assert_true(ti_session_origin_may_force(&session, 0));
}

static void late_acceptance_of_an_older_token_hides_no_newer_one(void **state) {
    (void)state;
    accept(3);
    accept(2);
    refuse(3);

    assert_true(ti_session_origin_may_force(&session, 0));
}

static void newest_token_accepted_once_more_ends_it(void **state) {
    (void)state;
    accept(3);
    refuse(4);
    accept(3);

    assert_true(ti_session_origin_may_force(&session, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fresh_token_refused_forces_no_more, set_up),
        cmocka_unit_test_setup(any_token_accepted_ends_it, set_up),
        cmocka_unit_test_setup(accepted_token_that_was_revoked_may_force, set_up),
        cmocka_unit_test_setup(late_refusal_of_an_older_token_says_nothing, set_up),
        cmocka_unit_test_setup(late_acceptance_of_an_older_token_hides_no_newer_one, set_up),
        cmocka_unit_test_setup(newest_token_accepted_once_more_ends_it, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
