#include "unit/process_lock_fixture.h"

#include <sched.h>

static void hold_on(void *data) {
    hold(data);
}

static void lock_and_life_end_when_their_process_is_killed(void **state) {
    pid_t child = start_child(hold_on, *state);
    ti_process_lock *lock = open_lock(*state);

    assert_int_equal(try_lock(lock), TI_LOCK_BUSY);
    assert_true(lives(lock, LIFE));
    assert_int_equal(begin_life(lock, LIFE), TI_LOCK_BUSY);
    kill_child(child);

    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    assert_false(lives(lock, LIFE));
    assert_int_equal(begin_life(lock, LIFE), TI_LOCK_OK);
    ti_process_lock_close(lock);
}

static void stopped_process_keeps_both_and_nobody_waits(void **state) {
    int status;
    pid_t child = start_child(hold_on, *state);
    ti_process_lock *lock = open_lock(*state);
    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));

    assert_int_equal(try_lock(lock), TI_LOCK_BUSY);
    assert_true(lives(lock, LIFE));
    assert_string_equal(text_in(lock), "");

    kill_child(child);
    ti_process_lock_close(lock);
}

static void hold_and_let_go(void *data) {
    ti_process_lock *lock = hold(data);
    int os_error;
    MUST(ti_process_lock_write(lock, 0, "left", 4, true, &os_error) == TI_LOCK_OK);
    ti_process_lock_release(lock);
}

static void life_goes_on_after_the_turn(void **state) {
    pid_t child = start_child(hold_and_let_go, *state);
    ti_process_lock *lock = open_lock(*state);

    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    assert_string_equal(text_in(lock), "left");
    assert_true(lives(lock, LIFE));
    kill_child(child);
    assert_false(lives(lock, LIFE));

    ti_process_lock_close(lock);
}

#define TURNS 40
#define COMPETITORS 4

/* Adds one to a number in the file, TURNS times, each in a turn. */
static void count_turns(const place *here) {
    ti_process_lock *lock;
    int os_error, done = 0;
    while (done < TURNS) {
        unsigned count;
        size_t got;
        ti_lock_result result =
            ti_process_lock_open(here->directory, NAME, true, SIZE, &lock, &os_error);
        if (result == TI_LOCK_OK) result = ti_process_lock_try(lock, &os_error);
        MUST(result == TI_LOCK_OK || result == TI_LOCK_BUSY);
        if (result == TI_LOCK_OK) {
            MUST(ti_process_lock_read(lock, &count, sizeof count, &got, &os_error) == TI_LOCK_OK);
            MUST(got == sizeof count);
            sched_yield();
            count++;
            MUST(ti_process_lock_write(lock, 0, &count, sizeof count, false, &os_error) ==
                 TI_LOCK_OK);
            done++;
        }
        ti_process_lock_close(lock);
        if (result == TI_LOCK_BUSY) usleep(100);
    }
}

static void one_process_at_a_time_has_its_turn(void **state) {
    const place *here = *state;
    pid_t children[COMPETITORS];

    for (int i = 0; i < COMPETITORS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            count_turns(here);
            _exit(0);
        }
    }

    for (int i = 0; i < COMPETITORS; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    ti_process_lock *lock = open_lock(here);
    unsigned count;
    memcpy(&count, text_in(lock), sizeof count);
    assert_int_equal(count, TURNS * COMPETITORS);
    assert_int_equal(count_entries(here->directory), 1);
    ti_process_lock_close(lock);
}

/* Forks. */

typedef struct forking {
    const place *here;
    int told[2];  /* the orphan's process id */
    int alive[2]; /* ends with the test, and the orphan with it */
} forking;

static void hold_and_fork(void *data) {
    const forking *plan = data;
    hold(plan->here);
    pid_t orphan = fork();
    MUST(orphan >= 0);
    if (orphan > 0) return;

    char none;
    orphan = getpid();
    close(plan->alive[1]);
    MUST(write(plan->told[1], &orphan, sizeof orphan) == (ssize_t)sizeof orphan);
    MUST(read(plan->alive[0], &none, 1) == 0);
    _exit(0);
}

static void orphan_holds_nothing_of_its_dead_parent(void **state) {
    pid_t orphan;
    forking plan = {.here = *state};
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* orphans become ours */
    assert_int_equal(pipe2(plan.told, O_CLOEXEC), 0);
    assert_int_equal(pipe2(plan.alive, O_CLOEXEC), 0);
    pid_t parent = start_child(hold_and_fork, &plan);
    assert_int_equal(read(plan.told[0], &orphan, sizeof orphan), (ssize_t)sizeof orphan);
    ti_process_lock *lock = open_lock(*state);
    assert_int_equal(try_lock(lock), TI_LOCK_BUSY);
    assert_true(lives(lock, LIFE));

    kill_child(parent);

    assert_int_equal(waitpid(orphan, NULL, WNOHANG), 0); /* it is there */
    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    assert_false(lives(lock, LIFE));
    kill_child(orphan);
    ti_process_lock_close(lock);
    for (int i = 0; i < 2; i++) close(plan.told[i]), close(plan.alive[i]);
}

typedef struct inherited {
    const place *here;
    ti_process_lock *lock, *idle;
} inherited;

static void use_what_was_inherited(void *data) {
    const inherited *them = data;
    char byte;
    size_t got;
    int os_error;
    MUST(ti_process_lock_try(them->lock, &os_error) == TI_LOCK_FAILED && os_error == EBADF);
    MUST(ti_process_lock_read(them->lock, &byte, 1, &got, &os_error) == TI_LOCK_FAILED);
    MUST(ti_process_lock_write(them->lock, 0, "x", 1, true, &os_error) == TI_LOCK_FAILED);
    MUST(ti_process_lock_begin_life(them->lock, LIFE, &os_error) == TI_LOCK_FAILED);
    MUST(ti_process_lock_lives(them->lock, 1)); /* an error counts as alive */
    ti_process_lock_release(them->lock);
    ti_process_lock_end_life(them->lock);

    /* What it opens itself has their numbers now. */
    ti_process_lock *own = open_in_child(them->here);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ti_process_lock_close(them->lock);
    ti_process_lock_close(them->idle);
    MUST(fcntl(null, F_GETFD) >= 0);
    MUST(ti_process_lock_try(own, &os_error) == TI_LOCK_BUSY);
    MUST(ti_process_lock_lives(own, LIFE));
    ti_process_lock_close(own);
}

static void forked_child_cannot_touch_what_its_parent_holds(void **state) {
    ti_process_lock *first = open_lock(*state), *lock = open_lock(*state),
                    *other = open_lock(*state);
    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    assert_int_equal(begin_life(lock, LIFE), TI_LOCK_OK);
    inherited them = {*state, lock, first};

    run_child(use_what_was_inherited, &them);

    assert_int_equal(try_lock(other), TI_LOCK_BUSY);
    assert_true(lives(other, LIFE));
    assert_string_equal(text_in(lock), "");
    ti_process_lock_close(first);
    ti_process_lock_close(lock);
    assert_int_equal(try_lock(other), TI_LOCK_OK);
    assert_false(lives(other, LIFE));
    ti_process_lock_close(other);
}

int main(void) {
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        IN_PLACE(lock_and_life_end_when_their_process_is_killed),
        IN_PLACE(stopped_process_keeps_both_and_nobody_waits),
        IN_PLACE(life_goes_on_after_the_turn),
        IN_PLACE(one_process_at_a_time_has_its_turn),
        IN_PLACE(orphan_holds_nothing_of_its_dead_parent),
        IN_PLACE(forked_child_cannot_touch_what_its_parent_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
