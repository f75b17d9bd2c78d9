/* How long a sign-in has lasted and rested, over restarts, reboots and steps of the wall clock. */
#include "session/use.h"

#include "tests/support/unit.h"

#include <string.h>

#define MIN_MS (INT64_C(60) * 1000)
#define HOUR_MS (60 * MIN_MS)
#define DAY_MS (24 * HOUR_MS)
#define WALL_MS (INT64_C(1767225600) * 1000) /* 2026 */

static const char *const first_boot = "the first boot!", *const second_boot = "the second one!",
                         *const no_boot = "";

static ti_journal_clocks clocks(const char *boot, int64_t boot_ms, int64_t wall_ms) {
    ti_journal_clocks at = {.boot_ms = boot_ms, .wall_ms = wall_ms};

    memcpy(at.boot_id, boot, strlen(boot));
    return at;
}

static int64_t age_ms(const ti_use *use, const ti_journal_clocks *now) {
    return now->boot_ms - use->began_boot_ms;
}

static int64_t idle_ms(const ti_use *use, const ti_journal_clocks *now) {
    return now->boot_ms - atomic_load(&use->used_boot_ms);
}

/* Signed in at the boot's second hour, used an hour later, written after another two. */
static ti_kept_use written(const char *boot, int64_t wall_ms) {
    ti_journal_clocks at = clocks(boot, 5 * HOUR_MS, wall_ms);
    ti_kept_use kept;
    ti_use use;

    ti_use_begin(&use, 2 * HOUR_MS);
    atomic_store(&use.used_boot_ms, 3 * HOUR_MS);
    ti_use_write(&use, &at, &kept);
    assert_true(kept.known);
    assert_int_equal(kept.age_ms, 3 * HOUR_MS);
    assert_int_equal(kept.idle_ms, 2 * HOUR_MS);
    return kept;
}

typedef struct restart_case {
    const char *boot_before, *boot_after;
    int64_t boot_ms, wall_ms; /* at the restart */
    int64_t since_ms;         /* what counts as passed */
    bool unproven;
    const char *why;
} restart_case;

static void a_restart_takes_nothing_from_what_has_passed(void **state) {
    static const char a[] = "the first boot!", b[] = "the second one!", none[] = "";
    static const restart_case cases[] = {
        {a, a, 5 * HOUR_MS, WALL_MS, 0, false, "at once"},
        {a, a, 6 * HOUR_MS, WALL_MS + HOUR_MS, HOUR_MS, false, "in the same boot"},
        {a, a, 6 * HOUR_MS, WALL_MS + DAY_MS, HOUR_MS, false, "... the wall clock stepped forward"},
        {a, a, 6 * HOUR_MS, WALL_MS - DAY_MS, HOUR_MS, false, "... or back"},
        {a, a, 6 * HOUR_MS, 0, HOUR_MS, false, "... as far as it goes"},
        {a, b, MIN_MS, WALL_MS + HOUR_MS, HOUR_MS, false, "in another: the wall clock"},
        {a, b, 9 * HOUR_MS, WALL_MS + 10 * HOUR_MS, 10 * HOUR_MS, false, "... up for longer"},
        {a, b, HOUR_MS, WALL_MS + MIN_MS, HOUR_MS, true, "never less than the system is up"},
        {a, b, HOUR_MS, WALL_MS - DAY_MS, HOUR_MS, true, "a clock that was set back"},
        {a, b, MIN_MS, 0, MIN_MS, true, "a device that knows no time"},
        {a, a, MIN_MS, WALL_MS + HOUR_MS, HOUR_MS, false,
         "the boot clock began anew: another boot"},
        {none, none, 6 * HOUR_MS, WALL_MS + 3 * HOUR_MS, 3 * HOUR_MS, false,
         "a system that does not tell its boots apart: the wall clock"},
        {none, none, 6 * HOUR_MS, WALL_MS, HOUR_MS, true, "... and never less than is certain"},
        {none, none, 4 * HOUR_MS, WALL_MS, 4 * HOUR_MS, true, "... after a boot for certain"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const restart_case *c = &cases[i];
        ti_kept_use kept = written(c->boot_before, WALL_MS);
        ti_journal_clocks now = clocks(c->boot_after, c->boot_ms, c->wall_ms);
        ti_use use;

        ti_use_read(&use, &kept, &now);
        print_message("%s\n", c->why);
        assert_true(ti_use_is_known(&use));
        assert_int_equal(age_ms(&use, &now), 3 * HOUR_MS + c->since_ms);
        assert_int_equal(idle_ms(&use, &now), 2 * HOUR_MS + c->since_ms);
        assert_int_equal(use.began_wall_ms != TI_NEVER, c->unproven);
    }
}

static void a_clock_set_right_shows_what_has_passed(void **state) {
    ti_kept_use kept = written(first_boot, WALL_MS);
    ti_journal_clocks started = clocks(second_boot, MIN_MS, 0);
    ti_journal_clocks set = clocks(second_boot, 2 * MIN_MS, WALL_MS + DAY_MS);
    ti_use use;

    (void)state;
    ti_use_read(&use, &kept, &started);
    ti_use_clock_stepped(&use, &set);

    assert_int_equal(age_ms(&use, &set), 3 * HOUR_MS + DAY_MS);
    assert_int_equal(idle_ms(&use, &set), 2 * HOUR_MS + DAY_MS);
}

static void a_use_since_the_start_stays_where_it_was(void **state) {
    ti_kept_use kept = written(first_boot, WALL_MS);
    ti_journal_clocks started = clocks(second_boot, MIN_MS, 0);
    ti_journal_clocks set = clocks(second_boot, 3 * MIN_MS, WALL_MS + DAY_MS);
    ti_use use;

    (void)state;
    ti_use_read(&use, &kept, &started);
    atomic_store(&use.used_boot_ms, 2 * MIN_MS);
    ti_use_clock_stepped(&use, &set);

    assert_int_equal(age_ms(&use, &set), 3 * HOUR_MS + DAY_MS);
    assert_int_equal(idle_ms(&use, &set), MIN_MS);
}

static void a_step_that_still_proves_nothing_leaves_the_question_open(void **state) {
    ti_kept_use kept = written(first_boot, WALL_MS);
    ti_journal_clocks started = clocks(second_boot, MIN_MS, 0);
    ti_journal_clocks half = clocks(second_boot, 2 * MIN_MS, WALL_MS - 1);
    ti_journal_clocks set = clocks(second_boot, 3 * MIN_MS, WALL_MS + HOUR_MS);
    ti_use use;

    (void)state;
    ti_use_read(&use, &kept, &started);
    ti_use_clock_stepped(&use, &half);
    assert_int_equal(age_ms(&use, &half), 3 * HOUR_MS + 2 * MIN_MS);

    ti_use_clock_stepped(&use, &set);
    assert_int_equal(age_ms(&use, &set), 4 * HOUR_MS);
}

static void only_the_first_proof_counts(void **state) {
    ti_kept_use kept = written(first_boot, WALL_MS);
    ti_journal_clocks started = clocks(second_boot, MIN_MS, 0);
    ti_journal_clocks set = clocks(second_boot, 2 * MIN_MS, WALL_MS + HOUR_MS);
    ti_journal_clocks wrong = clocks(second_boot, 3 * MIN_MS, WALL_MS + 365 * DAY_MS);
    ti_use use;

    (void)state;
    ti_use_read(&use, &kept, &started);
    ti_use_clock_stepped(&use, &set);
    ti_use_clock_stepped(&use, &wrong);

    assert_int_equal(age_ms(&use, &wrong), 4 * HOUR_MS + MIN_MS);
}

static void a_step_changes_nothing_where_all_is_proven(void **state) {
    ti_journal_clocks later = clocks(first_boot, 3 * HOUR_MS, WALL_MS + 365 * DAY_MS);
    ti_use use;

    (void)state;
    ti_use_begin(&use, 2 * HOUR_MS);
    ti_use_clock_stepped(&use, &later);

    assert_int_equal(age_ms(&use, &later), HOUR_MS);
    assert_int_equal(idle_ms(&use, &later), HOUR_MS);
}

/* Ten boots with a clock that knows no time: each counts what it was up, and the day is found out at last. */
static void what_is_unproven_is_carried_over_further_restarts(void **state) {
    ti_kept_use kept = written(first_boot, WALL_MS);
    ti_journal_clocks now;
    ti_use use;

    (void)state;
    for (int i = 0; i < 10; i++) {
        now = clocks(i % 2 == 0 ? second_boot : first_boot, MIN_MS, 0);
        ti_use_read(&use, &kept, &now);
        assert_int_equal(age_ms(&use, &now), 3 * HOUR_MS + (i + 1) * MIN_MS);
        ti_use_write(&use, &now, &kept);
    }
    now = clocks("the last of them", MIN_MS, WALL_MS + DAY_MS);
    ti_use_read(&use, &kept, &now);

    assert_int_equal(age_ms(&use, &now), 3 * HOUR_MS + DAY_MS);
    assert_int_equal(use.began_wall_ms, TI_NEVER);
}

/* In the same boot, where the boot clock alone would leave it at that. */
static void what_is_unproven_stays_so_over_a_restart_in_one_boot(void **state) {
    ti_kept_use kept = written(first_boot, WALL_MS);
    ti_journal_clocks started = clocks(second_boot, MIN_MS, 0);
    ti_journal_clocks again = clocks(second_boot, 2 * MIN_MS, MIN_MS);
    ti_journal_clocks set = clocks(second_boot, 3 * MIN_MS, WALL_MS + DAY_MS);
    ti_use use;

    (void)state;
    ti_use_read(&use, &kept, &started);
    ti_use_write(&use, &started, &kept);
    ti_use_read(&use, &kept, &again);
    assert_int_equal(age_ms(&use, &again), 3 * HOUR_MS + 2 * MIN_MS);
    ti_use_clock_stepped(&use, &set);

    assert_int_equal(age_ms(&use, &set), 3 * HOUR_MS + DAY_MS);
}

static void the_later_use_and_the_earlier_beginning_count(void **state) {
    ti_use use, other;

    (void)state;
    ti_use_begin(&use, 2 * HOUR_MS);
    ti_use_begin(&other, HOUR_MS);
    atomic_store(&other.used_boot_ms, 3 * HOUR_MS);
    ti_use_merge(&use, &other);
    assert_int_equal(use.began_boot_ms, HOUR_MS);
    assert_int_equal(atomic_load(&use.used_boot_ms), 3 * HOUR_MS);

    ti_use_begin(&other, 2 * HOUR_MS);
    ti_use_merge(&use, &other);
    assert_int_equal(use.began_boot_ms, HOUR_MS);
    assert_int_equal(atomic_load(&use.used_boot_ms), 3 * HOUR_MS);
}

static void nothing_is_written_of_what_nobody_knows(void **state) {
    ti_journal_clocks now = clocks(no_boot, HOUR_MS, WALL_MS);
    ti_kept_use kept;
    ti_use use;

    (void)state;
    ti_use_unknown(&use);
    ti_use_write(&use, &now, &kept);

    assert_false(ti_use_is_known(&use));
    assert_false(kept.known);
}

/* Both are written down under one reading of the clock, after which a request may have come. */
static void a_use_after_the_clock_was_read_is_one_of_now(void **state) {
    ti_journal_clocks now = clocks(first_boot, HOUR_MS, WALL_MS);
    ti_kept_use kept;
    ti_use use;

    (void)state;
    ti_use_begin(&use, HOUR_MS);
    atomic_store(&use.used_boot_ms, HOUR_MS + 3);
    ti_use_write(&use, &now, &kept);

    assert_int_equal(kept.idle_ms, 0);
}

/* What a record may hold at most (2^53) overflows nothing. */
static void the_largest_numbers_are_far_from_an_overflow(void **state) {
    int64_t most = INT64_C(1) << 53;
    ti_kept_use kept = {.known = true, .age_ms = most, .idle_ms = most};
    ti_journal_clocks now = clocks(second_boot, most, 0);
    ti_use use;

    (void)state;
    kept.at = clocks(first_boot, most, most);
    ti_use_read(&use, &kept, &now);
    ti_use_clock_stepped(&use, &now);
    ti_use_write(&use, &now, &kept);

    assert_true(kept.age_ms >= most && kept.idle_ms >= most);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_takes_nothing_from_what_has_passed),
        cmocka_unit_test(a_clock_set_right_shows_what_has_passed),
        cmocka_unit_test(a_use_since_the_start_stays_where_it_was),
        cmocka_unit_test(a_step_that_still_proves_nothing_leaves_the_question_open),
        cmocka_unit_test(only_the_first_proof_counts),
        cmocka_unit_test(a_step_changes_nothing_where_all_is_proven),
        cmocka_unit_test(what_is_unproven_is_carried_over_further_restarts),
        cmocka_unit_test(what_is_unproven_stays_so_over_a_restart_in_one_boot),
        cmocka_unit_test(the_later_use_and_the_earlier_beginning_count),
        cmocka_unit_test(nothing_is_written_of_what_nobody_knows),
        cmocka_unit_test(a_use_after_the_clock_was_read_is_one_of_now),
        cmocka_unit_test(the_largest_numbers_are_far_from_an_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
