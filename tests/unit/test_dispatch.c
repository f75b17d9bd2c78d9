#include "session/dispatch.h"

#include "session/library_thread.h"

#include "tests/support/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { STACK_BYTES = 256 * 1024, MANY = 500, LONG_MS = 20000 };

/* ------------------------------------------------------------------ items, and what became of them */

typedef struct log {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    int numbers[4 * MANY];
    int count, inside, inside_max;
    bool shut;            /* items wait inside */
    int marked;           /* ran on a library thread */
    ti_dispatch *free_it; /* by the next item */
} log;

typedef struct item {
    ti_dispatch_item base;
    log *log;
    ti_dispatch *pushes_to; /* another item, when it runs; NULL: none */
    int number;
} item;

static const ti_clock clock_of_the_system;

static log *new_log(void) {
    log *l = calloc(1, sizeof *l);

    assert_non_null(l);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    return l;
}

static void free_log(log *l) {
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static void push(ti_dispatch *d, log *l, int number, ti_dispatch *pushes_to);

static ti_dispatch *note(log *l, int number) {
    ti_dispatch *free_it;

    pthread_mutex_lock(&l->lock);
    if (++l->inside > l->inside_max) l->inside_max = l->inside;
    if (ti_on_library_thread()) l->marked++;
    pthread_cond_broadcast(&l->changed);
    while (l->shut) pthread_cond_wait(&l->changed, &l->lock);
    l->numbers[l->count++] = number;
    l->inside--;
    free_it = l->free_it;
    l->free_it = NULL;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    return free_it;
}

static void run(ti_dispatch_item *base) {
    item *self = (item *)base;
    log *l = self->log;
    ti_dispatch *pushes_to = self->pushes_to;
    int number = self->number;

    free(self);
    if (pushes_to != NULL) {
        push(pushes_to, l, number + 1, NULL);
        ti_dispatch_kick(pushes_to);
    }
    ti_dispatch_free(note(l, number));
}

static void push(ti_dispatch *d, log *l, int number, ti_dispatch *pushes_to) {
    item *i = calloc(1, sizeof *i);

    if (i == NULL) abort();
    i->base.run = run;
    i->log = l;
    i->number = number;
    i->pushes_to = pushes_to;
    ti_dispatch_push(d, &i->base);
}

static void push_and_kick(ti_dispatch *d, log *l, int number) {
    push(d, l, number, NULL);
    ti_dispatch_kick(d);
}

static void set_shut(log *l, bool shut) {
    pthread_mutex_lock(&l->lock);
    l->shut = shut;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static void wait_count(log *l, int count) {
    pthread_mutex_lock(&l->lock);
    while (l->count < count) pthread_cond_wait(&l->changed, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

static void wait_inside(log *l) {
    pthread_mutex_lock(&l->lock);
    while (l->inside == 0) pthread_cond_wait(&l->changed, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

static int count_of(log *l) {
    int count;

    pthread_mutex_lock(&l->lock);
    count = l->count;
    pthread_mutex_unlock(&l->lock);
    return count;
}

static ti_dispatch *new_dispatch(tacit_post_fn post, void *data) {
    ti_dispatch *d = ti_dispatch_new(&clock_of_the_system, STACK_BYTES, post, data);

    assert_non_null(d);
    return d;
}

static bool stop(ti_dispatch *d, int64_t ms) {
    return ti_dispatch_stop(d, ti_clock_deadline(&clock_of_the_system, ms));
}

/* ------------------------------------------------------------------ on the library's thread */

static void items_run_in_order_on_a_library_thread(void **state) {
    ti_dispatch *d = new_dispatch(NULL, NULL);
    log *l = new_log();

    (void)state;
    for (int i = 0; i < MANY; i++) push_and_kick(d, l, i);
    assert_true(stop(d, LONG_MS));

    assert_int_equal(l->count, MANY);
    assert_int_equal(l->marked, MANY);
    for (int i = 0; i < MANY; i++) assert_int_equal(l->numbers[i], i);
    ti_dispatch_free(d);
    free_log(l);
}

typedef struct pusher {
    ti_dispatch *dispatch;
    log *log;
    int first;
} pusher;

static void *push_many(void *data) {
    pusher *p = data;

    for (int i = 0; i < MANY; i++) push_and_kick(p->dispatch, p->log, p->first + i);
    return NULL;
}

static void items_of_several_threads_run_one_at_a_time_each_in_its_order(void **state) {
    ti_dispatch *d = new_dispatch(NULL, NULL);
    log *l = new_log();
    pthread_t threads[4];
    pusher pushers[4];
    int next[4];

    (void)state;
    for (int t = 0; t < 4; t++) {
        pushers[t] = (pusher){d, l, t * MANY};
        next[t] = t * MANY;
        assert_int_equal(pthread_create(&threads[t], NULL, push_many, &pushers[t]), 0);
    }
    for (int t = 0; t < 4; t++) pthread_join(threads[t], NULL);
    assert_true(stop(d, LONG_MS));

    assert_int_equal(l->count, 4 * MANY);
    assert_int_equal(l->inside_max, 1);
    for (int i = 0; i < l->count; i++)
        assert_int_equal(l->numbers[i], next[l->numbers[i] / MANY]++);
    ti_dispatch_free(d);
    free_log(l);
}

static void item_may_push_another(void **state) {
    ti_dispatch *d = new_dispatch(NULL, NULL);
    log *l = new_log();

    (void)state;
    push(d, l, 1, d);
    ti_dispatch_kick(d);
    wait_count(l, 2);
    assert_true(stop(d, LONG_MS));
    assert_int_equal(l->numbers[0], 1);
    assert_int_equal(l->numbers[1], 2);
    ti_dispatch_free(d);
    free_log(l);
}

static void stop_gives_up_at_its_deadline(void **state) {
    ti_dispatch *d = new_dispatch(NULL, NULL);
    log *l = new_log();

    (void)state;
    set_shut(l, true);
    push_and_kick(d, l, 1);
    wait_inside(l);
    assert_false(stop(d, 10));
    set_shut(l, false);
    assert_true(stop(d, LONG_MS));
    assert_int_equal(l->count, 1);
    ti_dispatch_free(d);
    free_log(l);
}

static void after_stop_items_run_where_they_are_kicked(void **state) {
    ti_dispatch *d = new_dispatch(NULL, NULL);
    log *l = new_log();

    (void)state;
    push_and_kick(d, l, 1);
    assert_true(stop(d, LONG_MS));
    push_and_kick(d, l, 2);

    assert_int_equal(count_of(l), 2);
    assert_int_equal(l->marked, 1);
    ti_dispatch_free(d);
    free_log(l);
}

static void dispatch_may_be_freed_on_its_own_thread(void **state) {
    ti_dispatch *d = new_dispatch(NULL, NULL);
    log *l = new_log();

    (void)state;
    set_shut(l, true);
    push_and_kick(d, l, 1);
    wait_inside(l);
    l->free_it = d;
    push(d, l, 2, NULL);
    set_shut(l, false);
    wait_count(l, 2);
    free_log(l);
}

static void freeing_without_a_stop_runs_what_is_queued(void **state) {
    log *l = new_log();

    (void)state;
    for (int i = 0; i < 50; i++) {
        ti_dispatch *d = new_dispatch(NULL, NULL);

        push_and_kick(d, l, 2 * i);
        push_and_kick(d, l, 2 * i + 1);
        ti_dispatch_free(d);
    }
    wait_count(l, 100);
    free_log(l);
}

static void dispatch_that_was_never_used_starts_no_thread(void **state) {
    ti_dispatch *d = new_dispatch(NULL, NULL);

    (void)state;
    ti_dispatch_kick(d);
    assert_true(stop(d, 0));
    ti_dispatch_free(d);
    ti_dispatch_free(NULL);
}

/* ------------------------------------------------------------------ through the app's post */

typedef struct loop {
    void (*run[8])(void *job);
    void *job[8];
    int count;
    bool takes, at_once;
} loop;

static bool post(void (*fn)(void *job), void *job, void *data) {
    loop *l = data;

    if (!l->takes) return false;
    if (l->at_once) {
        fn(job);
        return true;
    }
    l->run[l->count] = fn;
    l->job[l->count++] = job;
    return true;
}

static void run_loop(loop *l) {
    for (int i = 0; i < l->count; i++) l->run[i](l->job[i]);
    l->count = 0;
}

static void posted_items_wait_for_the_loop_in_one_job(void **state) {
    loop app = {.takes = true};
    ti_dispatch *d = new_dispatch(post, &app);
    log *l = new_log();

    (void)state;
    for (int i = 0; i < 3; i++) push_and_kick(d, l, i);
    assert_int_equal(app.count, 1);
    assert_int_equal(count_of(l), 0);
    run_loop(&app);
    assert_int_equal(count_of(l), 3);
    assert_int_equal(l->marked, 0);
    push_and_kick(d, l, 3);
    assert_int_equal(app.count, 1);
    run_loop(&app);

    for (int i = 0; i < 4; i++) assert_int_equal(l->numbers[i], i);
    assert_true(stop(d, LONG_MS));
    ti_dispatch_free(d);
    free_log(l);
}

/* A session that talks without end does not hold the loop. */
static void what_a_posted_item_pushes_is_posted_anew(void **state) {
    loop app = {.takes = true};
    ti_dispatch *d = new_dispatch(post, &app);
    log *l = new_log();

    (void)state;
    push(d, l, 1, d);
    ti_dispatch_kick(d);
    app.run[0](app.job[0]);
    assert_int_equal(count_of(l), 1);
    assert_int_equal(app.count, 2);
    app.run[1](app.job[1]);
    assert_int_equal(count_of(l), 2);
    ti_dispatch_free(d);
    free_log(l);
}

static void post_may_run_the_job_at_once(void **state) {
    loop app = {.takes = true, .at_once = true};
    ti_dispatch *d = new_dispatch(post, &app);
    log *l = new_log();

    (void)state;
    push_and_kick(d, l, 1);
    push_and_kick(d, l, 2);
    assert_int_equal(count_of(l), 2);
    ti_dispatch_free(d);
    free_log(l);
}

/* A loop on a thread of its own, whose job is over before post has returned. */
typedef struct quick_loop {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    void (*run)(void *job);
    void *job; /* NULL: none */
    int jobs_over, inside, inside_max, posts;
    bool ends;
} quick_loop;

static void *run_quick_loop(void *data) {
    quick_loop *l = data;

    pthread_mutex_lock(&l->lock);
    while (!l->ends || l->job != NULL) {
        void *job = l->job;

        if (job == NULL) {
            pthread_cond_wait(&l->changed, &l->lock);
            continue;
        }
        l->job = NULL;
        pthread_mutex_unlock(&l->lock);
        l->run(job);
        pthread_mutex_lock(&l->lock);
        l->jobs_over++;
        pthread_cond_broadcast(&l->changed);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static bool post_to_quick_loop(void (*run)(void *job), void *job, void *data) {
    quick_loop *l = data;
    bool first;

    pthread_mutex_lock(&l->lock);
    first = l->posts++ == 0;
    if (++l->inside > l->inside_max) l->inside_max = l->inside;
    l->run = run;
    l->job = job;
    pthread_cond_broadcast(&l->changed);
    while (first && l->jobs_over == 0) pthread_cond_wait(&l->changed, &l->lock);
    l->inside--;
    pthread_mutex_unlock(&l->lock);
    return true;
}

static void post_is_called_by_one_thread_at_a_time(void **state) {
    quick_loop app = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    ti_dispatch *d = new_dispatch(post_to_quick_loop, &app);
    log *l = new_log();
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, run_quick_loop, &app), 0);
    push(d, l, 1, d);
    ti_dispatch_kick(d);
    wait_count(l, 2);
    pthread_mutex_lock(&app.lock);
    app.ends = true;
    pthread_cond_broadcast(&app.changed);
    pthread_mutex_unlock(&app.lock);
    pthread_join(thread, NULL);

    assert_int_equal(app.posts, 2);
    assert_int_equal(app.inside_max, 1);
    ti_dispatch_free(d);
    free_log(l);
}

static void refused_posts_run_on_a_library_thread(void **state) {
    loop app = {.takes = false};
    ti_dispatch *d = new_dispatch(post, &app);
    log *l = new_log();

    (void)state;
    push_and_kick(d, l, 1);
    wait_count(l, 1);
    assert_true(stop(d, LONG_MS));
    assert_int_equal(l->marked, 1);
    ti_dispatch_free(d);
    free_log(l);
}

static void posted_job_may_come_after_the_free(void **state) {
    loop app = {.takes = true};
    ti_dispatch *d = new_dispatch(post, &app);
    log *l = new_log();

    (void)state;
    push_and_kick(d, l, 1);
    assert_true(stop(d, LONG_MS));
    ti_dispatch_free(d);
    run_loop(&app);
    assert_int_equal(count_of(l), 1);
    free_log(l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_run_in_order_on_a_library_thread),
        cmocka_unit_test(items_of_several_threads_run_one_at_a_time_each_in_its_order),
        cmocka_unit_test(item_may_push_another),
        cmocka_unit_test(stop_gives_up_at_its_deadline),
        cmocka_unit_test(after_stop_items_run_where_they_are_kicked),
        cmocka_unit_test(dispatch_may_be_freed_on_its_own_thread),
        cmocka_unit_test(freeing_without_a_stop_runs_what_is_queued),
        cmocka_unit_test(dispatch_that_was_never_used_starts_no_thread),
        cmocka_unit_test(posted_items_wait_for_the_loop_in_one_job),
        cmocka_unit_test(what_a_posted_item_pushes_is_posted_anew),
        cmocka_unit_test(post_may_run_the_job_at_once),
        cmocka_unit_test(post_is_called_by_one_thread_at_a_time),
        cmocka_unit_test(refused_posts_run_on_a_library_thread),
        cmocka_unit_test(posted_job_may_come_after_the_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
