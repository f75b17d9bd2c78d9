#include "support/unit.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

static bool start_watched(pthread_t *thread, size_t stack_bytes, const char *name,
                          void *(*main)(void *), void *data);

/* The file under test, with threads that the system may refuse. */
#define ti_library_thread_start start_watched
#include "session/refresher.c"
#undef ti_library_thread_start

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STACK_BYTES = 256 * 1024, LONG_MS = 20000, MANY = 10000 };

static struct {
    bool refuse;
    int started;
} threads;

bool ti_library_thread_start(pthread_t *thread, size_t stack_bytes, const char *name,
                             void *(*main)(void *), void *data);

static bool start_watched(pthread_t *thread, size_t stack_bytes, const char *name,
                          void *(*main)(void *), void *data) {
    if (threads.refuse) return false;
    threads.started++;
    return ti_library_thread_start(thread, stack_bytes, name, main, data);
}

/* ------------------------------------------------------------------ tasks, and what became of them */

typedef struct scene {
    ti_clock clock;
    atomic_llong now;
    ti_refresher *refresher;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    int order[64];
    int runs, inside, inside_max, held, released;
    bool shut; /* tasks wait inside */
} scene;

typedef struct task {
    ti_task base;
    scene *scene;
    int number;
    bool going;          /* hold refuses */
    int64_t again_ms;    /* schedules itself for then, once; 0: not */
    bool frees;          /* its release frees the refresher */
    atomic_int inside;   /* of this one task */
    atomic_bool overlap; /* it was run by two threads at once */
} task;

static int64_t boot_ms(void *data) {
    return atomic_load(&((scene *)data)->now);
}

static bool hold(ti_task *base) {
    task *t = (task *)base;

    if (t->going) return false;
    pthread_mutex_lock(&t->scene->lock);
    t->scene->held++;
    pthread_mutex_unlock(&t->scene->lock);
    return true;
}

static void run(ti_task *base) {
    task *t = (task *)base;
    scene *s = t->scene;

    if (atomic_fetch_add(&t->inside, 1) > 0) atomic_store(&t->overlap, true);
    pthread_mutex_lock(&s->lock);
    if (++s->inside > s->inside_max) s->inside_max = s->inside;
    pthread_cond_broadcast(&s->changed);
    while (s->shut) pthread_cond_wait(&s->changed, &s->lock);
    s->inside--;
    if (s->runs < 64) s->order[s->runs] = t->number;
    s->runs++;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    atomic_fetch_sub(&t->inside, 1);
    if (t->again_ms == 0) return;
    ti_refresher_schedule(s->refresher, base, t->again_ms);
    t->again_ms = 0;
}

static void release(ti_task *base) {
    task *t = (task *)base;
    scene *s = t->scene;

    if (t->frees) ti_refresher_free(s->refresher);
    pthread_mutex_lock(&s->lock);
    s->released++;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static const ti_task_ops ops = {hold, run, release};

static task new_task(scene *s, int number) {
    return (task){.base = {.ops = &ops}, .scene = s, .number = number};
}

static void stepped(void *data) {
    (void)data;
}

/* The clock stands at 1000 until it is moved. */
static scene *new_scene(unsigned threads_max) {
    scene *s = calloc(1, sizeof *s);

    assert_non_null(s);
    threads.refuse = false;
    threads.started = 0;
    atomic_init(&s->now, 1000);
    s->clock.injected.boot_ms = boot_ms;
    s->clock.injected.clock_data = s;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    s->refresher = ti_refresher_new(&s->clock, threads_max, STACK_BYTES, stepped, NULL);
    assert_non_null(s->refresher);
    return s;
}

static void free_scene(scene *s) {
    ti_refresher_free(s->refresher);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static void move_to(scene *s, int64_t now) {
    atomic_store(&s->now, now);
    ti_refresher_wake(s->refresher);
}

static bool schedule(scene *s, task *t, int64_t due_boot_ms) {
    return ti_refresher_schedule(s->refresher, &t->base, due_boot_ms);
}

static void set_shut(scene *s, bool shut) {
    pthread_mutex_lock(&s->lock);
    s->shut = shut;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void wait_for(scene *s, const int *what, int count) {
    pthread_mutex_lock(&s->lock);
    while (*what < count) pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

/* ------------------------------------------------------------------ when */

static void tasks_run_in_the_order_of_their_times(void **state) {
    static const int64_t due_ms[] = {5000, 2000, 9000, 2001, 7000, 3000, 1999, 8000};
    static const int order[] = {6, 1, 3, 5, 0, 4, 7, 2};
    scene *s = new_scene(1);
    task tasks[8];

    (void)state;
    for (int i = 0; i < 8; i++) {
        tasks[i] = new_task(s, i);
        assert_true(schedule(s, &tasks[i], due_ms[i]));
    }
    assert_int_equal(s->runs, 0);
    move_to(s, 9000);
    wait_for(s, &s->released, 8);
    assert_memory_equal(s->order, order, sizeof order);
    free_scene(s);
}

static void task_waits_for_the_injected_clock(void **state) {
    scene *s = new_scene(2);
    task t = new_task(s, 1);

    (void)state;
    assert_true(schedule(s, &t, 1000 + LONG_MS));
    move_to(s, 999 + LONG_MS);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    pthread_mutex_lock(&s->lock);
    assert_int_equal(s->runs, 0);
    pthread_mutex_unlock(&s->lock);
    move_to(s, 1000 + LONG_MS);
    wait_for(s, &s->released, 1);
    free_scene(s);
}

static void earlier_time_wakes_the_thread_that_waits(void **state) {
    scene *s = new_scene(1);
    task late = new_task(s, 1), early = new_task(s, 2);

    (void)state;
    assert_true(schedule(s, &late, 1000 + 100 * LONG_MS));
    assert_true(schedule(s, &early, 1000));
    wait_for(s, &s->released, 1);
    assert_int_equal(s->order[0], 2);
    assert_true(schedule(s, &late, 1000));
    wait_for(s, &s->released, 2);
    free_scene(s);
}

static void later_time_does_not_put_off_an_earlier_one(void **state) {
    scene *s = new_scene(1);
    task t = new_task(s, 1);

    (void)state;
    assert_true(schedule(s, &t, 2000));
    assert_true(schedule(s, &t, 9000));
    assert_true(schedule(s, &t, TI_NEVER));
    move_to(s, 2000);
    wait_for(s, &s->released, 1);
    free_scene(s);
}

static void scheduling_while_it_runs_takes_effect_afterwards(void **state) {
    scene *s = new_scene(4);
    task t = new_task(s, 1);

    (void)state;
    set_shut(s, true);
    assert_true(schedule(s, &t, 0));
    wait_for(s, &s->inside, 1);
    assert_true(schedule(s, &t, 9000));
    assert_true(schedule(s, &t, 500));
    set_shut(s, false);
    wait_for(s, &s->released, 2);

    assert_int_equal(s->runs, 2);
    assert_false(t.overlap);
    free_scene(s);
}

static void task_may_schedule_itself(void **state) {
    scene *s = new_scene(2);
    task t = new_task(s, 1);

    (void)state;
    t.again_ms = 3000;
    assert_true(schedule(s, &t, 1000));
    wait_for(s, &s->released, 1);
    move_to(s, 3000);
    wait_for(s, &s->released, 2);
    free_scene(s);
}

/* ------------------------------------------------------------------ who */

static void no_thread_before_the_first_task(void **state) {
    scene *s = new_scene(4);

    (void)state;
    ti_refresher_wake(s->refresher);
    assert_int_equal(threads.started, 0);
    assert_true(ti_refresher_stop(s->refresher, 0));
    free_scene(s);
}

static void due_tasks_run_side_by_side_but_never_more_than_threads_max(void **state) {
    scene *s = new_scene(3);
    task tasks[40];

    (void)state;
    set_shut(s, true);
    for (int i = 0; i < 40; i++) {
        tasks[i] = new_task(s, i);
        assert_true(schedule(s, &tasks[i], 1000));
    }
    wait_for(s, &s->inside, 3);
    set_shut(s, false);
    wait_for(s, &s->released, 40);

    assert_int_equal(s->inside_max, 3);
    assert_true(ti_refresher_stop(s->refresher, TI_NEVER));
    assert_int_equal(threads.started, 3);
    free_scene(s);
}

static void owner_that_is_about_to_go_is_left_alone(void **state) {
    scene *s = new_scene(1);
    task going = new_task(s, 1), staying = new_task(s, 2);

    (void)state;
    going.going = true;
    assert_true(schedule(s, &going, 500));
    assert_true(schedule(s, &staying, 1000));
    wait_for(s, &s->released, 1);
    assert_int_equal(s->held, 1);
    assert_int_equal(s->order[0], 2);
    ti_refresher_forget(s->refresher, &going.base);
    free_scene(s);
}

static void forgotten_task_does_not_run(void **state) {
    scene *s = new_scene(1);
    task forgotten = new_task(s, 1), other = new_task(s, 2);

    (void)state;
    assert_true(schedule(s, &forgotten, 2000));
    assert_true(schedule(s, &other, 3000));
    ti_refresher_forget(s->refresher, &forgotten.base);
    memset(&forgotten, 0xAA, sizeof forgotten); /* it is gone */
    move_to(s, 3000);
    wait_for(s, &s->released, 1);
    assert_int_equal(s->order[0], 2);
    free_scene(s);
}

/* Nobody would run it: each call says so, until there is a thread. */
static void schedule_fails_as_long_as_there_is_no_thread(void **state) {
    scene *s = new_scene(1);
    task t = new_task(s, 1);

    (void)state;
    threads.refuse = true;
    assert_false(schedule(s, &t, 1000));
    assert_false(schedule(s, &t, 1000));
    assert_false(schedule(s, &t, 2000));
    threads.refuse = false;
    assert_true(schedule(s, &t, 2000));
    wait_for(s, &s->released, 1);
    free_scene(s);
}

/* ------------------------------------------------------------------ the end */

static void stop_waits_for_what_runs_until_its_deadline(void **state) {
    scene *s = new_scene(2);
    task running = new_task(s, 1), waiting = new_task(s, 2);

    (void)state;
    set_shut(s, true);
    assert_true(schedule(s, &running, 0));
    wait_for(s, &s->inside, 1);
    assert_true(schedule(s, &waiting, 5000));
    assert_false(ti_refresher_stop(s->refresher, 1000)); /* the injected now */
    move_to(s, 5000);
    set_shut(s, false);
    assert_true(ti_refresher_stop(s->refresher, TI_NEVER));
    assert_int_equal(s->runs, 1);
    ti_refresher_forget(s->refresher, &waiting.base);
    free_scene(s);
}

static void free_waits_for_what_runs(void **state) {
    scene *s = new_scene(2);
    task t = new_task(s, 1);

    (void)state;
    assert_true(schedule(s, &t, 0));
    wait_for(s, &s->runs, 1);
    free_scene(s); /* TSan and valgrind look at the rest */
}

static void last_task_may_free_the_refresher(void **state) {
    for (int i = 0; i < 20; i++) {
        scene *s = new_scene(3);
        task first = new_task(s, 1), last = new_task(s, 2);

        assert_true(schedule(s, &first, 0));
        wait_for(s, &s->released, 1);
        last.frees = true;
        assert_true(schedule(s, &last, 0));
        wait_for(s, &s->released, 2);
        pthread_mutex_lock(&s->lock); /* the thread has let go of it */
        pthread_mutex_unlock(&s->lock);
        pthread_cond_destroy(&s->changed);
        pthread_mutex_destroy(&s->lock);
        free(s);
    }
    (void)state;
}

/* ------------------------------------------------------------------ ten thousand */

static size_t count_moved(const task *tasks, size_t *places) {
    size_t moved = 0;

    for (size_t i = 0; i < MANY; i++) {
        if (tasks[i].base.node.place != places[i]) moved++;
        places[i] = tasks[i].base.node.place;
    }
    return moved;
}

static unsigned next_random(unsigned *random) {
    *random = *random * 1103515245u + 12345u;
    return *random >> 8;
}

/* Each operation moves as many tasks as the heap is deep, 14 for ten thousand. */
static void ten_thousand_tasks_cost_a_logarithm(void **state) {
    scene *s = new_scene(1);
    task *tasks = calloc(MANY, sizeof *tasks);
    size_t *places = calloc(MANY, sizeof *places), most = 0;
    unsigned random = 1;

    (void)state;
    assert_non_null(tasks);
    assert_non_null(places);
    for (int i = 0; i < MANY; i++) {
        tasks[i] = new_task(s, i);
        assert_true(schedule(s, &tasks[i], 1000000 + next_random(&random) % 1000000));
    }
    count_moved(tasks, places);
    for (int round = 0; round < 300; round++) {
        task *t = &tasks[next_random(&random) % MANY];
        size_t moved;

        ti_refresher_forget(s->refresher, &t->base);
        if ((moved = count_moved(tasks, places)) > most) most = moved;
        assert_true(schedule(s, t, 1000000 + next_random(&random) % 1000000));
        if ((moved = count_moved(tasks, places)) > most) most = moved;
        assert_true(schedule(s, t, 999999 - round)); /* to the very top */
        if ((moved = count_moved(tasks, places)) > most) most = moved;
    }
    assert_in_range(most, 2, 15);
    for (int i = 0; i < MANY; i++) ti_refresher_forget(s->refresher, &tasks[i].base);
    free_scene(s);
    free(places);
    free(tasks);
}

/* The heap's order, whatever happened to it. */
static void earliest_task_is_always_found(void **state) {
    scene *s = new_scene(1);
    task tasks[200];
    unsigned random = 5;
    ti_refresher *r = s->refresher;

    (void)state;
    for (int i = 0; i < 200; i++) tasks[i] = new_task(s, i);
    for (int round = 0; round < 5000; round++) {
        task *t = &tasks[next_random(&random) % 200];

        if (next_random(&random) % 3 == 0)
            ti_refresher_forget(r, &t->base);
        else
            assert_true(schedule(s, t, 1000000 + next_random(&random) % 1000));
        for (size_t i = 2; i <= r->heap.count; i++) {
            assert_true(r->heap.nodes[i / 2]->due_boot_ms <= r->heap.nodes[i]->due_boot_ms);
            assert_int_equal(r->heap.nodes[i]->place, i);
        }
    }
    for (int i = 0; i < 200; i++) ti_refresher_forget(r, &tasks[i].base);
    assert_int_equal(r->heap.count, 0);
    free_scene(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_run_in_the_order_of_their_times),
        cmocka_unit_test(task_waits_for_the_injected_clock),
        cmocka_unit_test(earlier_time_wakes_the_thread_that_waits),
        cmocka_unit_test(later_time_does_not_put_off_an_earlier_one),
        cmocka_unit_test(scheduling_while_it_runs_takes_effect_afterwards),
        cmocka_unit_test(task_may_schedule_itself),
        cmocka_unit_test(no_thread_before_the_first_task),
        cmocka_unit_test(due_tasks_run_side_by_side_but_never_more_than_threads_max),
        cmocka_unit_test(owner_that_is_about_to_go_is_left_alone),
        cmocka_unit_test(forgotten_task_does_not_run),
        cmocka_unit_test(schedule_fails_as_long_as_there_is_no_thread),
        cmocka_unit_test(stop_waits_for_what_runs_until_its_deadline),
        cmocka_unit_test(free_waits_for_what_runs),
        cmocka_unit_test(last_task_may_free_the_refresher),
        cmocka_unit_test(ten_thousand_tasks_cost_a_logarithm),
        cmocka_unit_test(earliest_task_is_always_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
