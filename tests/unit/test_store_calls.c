#include "support/unit.h"

#include "session/library_thread.h"
#include "session/store_calls.h"

#include "base/clock.h"

#include <assert.h>
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LONG_MS 20000 /* never reached where the library is right */
#define STACK_BYTES (256 * 1024)

/* A store whose gate the test opens and shuts. */
typedef struct fake {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool shut;                     /* guarded by lock: a call waits inside */
    int inside, inside_max, calls; /* guarded by lock */
    int released;                  /* guarded by lock */
    long work_ns, work_step_ns;    /* how long a call takes, and how much more each of forty */
    tacit_status answer;
    size_t null_record_size; /* above 0: load answers no record, of this size */
    char saved[64];
    size_t saved_size;
    bool on_library_thread;
    pid_t thread; /* of the last call */
} fake;

static void fake_init(fake *self) {
    memset(self, 0, sizeof *self);
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->changed, NULL);
}

static void fake_open(fake *self) {
    pthread_mutex_lock(&self->lock);
    self->shut = false;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

static void fake_wait_inside(fake *self, int inside) {
    pthread_mutex_lock(&self->lock);
    while (self->inside != inside) pthread_cond_wait(&self->changed, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

static void fake_wait_released(fake *self) {
    pthread_mutex_lock(&self->lock);
    while (self->released == 0) pthread_cond_wait(&self->changed, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

static void fake_enter(fake *self) {
    long work_ns;

    pthread_mutex_lock(&self->lock);
    work_ns = self->work_ns + self->calls % 40 * self->work_step_ns;
    self->calls++;
    self->inside++;
    if (self->inside > self->inside_max) self->inside_max = self->inside;
    pthread_cond_broadcast(&self->changed);
    while (self->shut) pthread_cond_wait(&self->changed, &self->lock);
    pthread_mutex_unlock(&self->lock);
    if (work_ns > 0) nanosleep(&(struct timespec){.tv_nsec = work_ns}, NULL);
    self->on_library_thread = ti_on_library_thread();
    self->thread = gettid();
    pthread_mutex_lock(&self->lock);
    self->inside--;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

static tacit_status fake_load(void *data, const char *key, char **record, size_t *size) {
    fake *self = data;

    fake_enter(self);
    if (self->answer != TACIT_OK) return self->answer;
    *size = self->null_record_size > 0 ? self->null_record_size : strlen(key);
    *record = self->null_record_size > 0 ? NULL : malloc(*size);
    if (*record != NULL) memcpy(*record, key, *size);
    return TACIT_OK;
}

static tacit_status fake_save(void *data, const char *key, const char *record, size_t size) {
    fake *self = data;

    (void)key;
    fake_enter(self);
    assert(record != NULL && size <= sizeof self->saved);
    memcpy(self->saved, record, size);
    self->saved_size = size;
    return self->answer;
}

static tacit_status fake_erase(void *data, const char *key) {
    fake *self = data;

    (void)key;
    fake_enter(self);
    return self->answer;
}

static void fake_release(void *data) {
    fake *self = data;

    pthread_mutex_lock(&self->lock);
    self->released++;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

static tacit_store *fake_store(fake *self, size_t record_size_max) {
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;

    ops.load = fake_load;
    ops.save = fake_save;
    ops.erase = fake_erase;
    ops.release = fake_release;
    ops.record_size_max = record_size_max;
    ops.description = "the fake store";
    return tacit_store_custom(&ops, self, NULL);
}

/* Counts late answers. */
typedef struct lateness {
    atomic_int times;
    atomic_int status;
} lateness;

static void note_late(void *data, tacit_status status) {
    lateness *self = data;

    atomic_store(&self->status, (int)status);
    atomic_fetch_add(&self->times, 1);
}

typedef struct fixture {
    ti_clock clock;
    ti_store_calls *calls;
    fake fake;
    tacit_store *store;
    lateness late;
} fixture;

static int set_up(void **state) {
    fixture *self = calloc(1, sizeof *self);

    fake_init(&self->fake);
    self->calls = ti_store_calls_new(&self->clock, STACK_BYTES);
    self->store = fake_store(&self->fake, 0);
    *state = self;
    return self->calls == NULL || self->store == NULL;
}

static int tear_down(void **state) {
    fixture *self = *state;

    fake_open(&self->fake);
    if (self->calls != NULL) {
        assert_true(ti_store_calls_stop(self->calls, ti_clock_deadline(&self->clock, LONG_MS)));
        ti_store_calls_free(self->calls);
    }
    if (self->store != NULL) tacit_store_unref(self->store);
    fake_wait_released(&self->fake);
    assert_int_equal(self->fake.released, 1);
    pthread_cond_destroy(&self->fake.changed);
    pthread_mutex_destroy(&self->fake.lock);
    free(self);
    return 0;
}

static ti_store_late late_of(fixture *self) {
    return (ti_store_late){.fn = note_late, .data = &self->late};
}

static tacit_status erase(fixture *self, int timeout_ms, bool *overdue, tacit_error *error) {
    return ti_store_erase(self->calls, self->store, "key", timeout_ms, late_of(self), overdue,
                          error);
}

static void leave_a_call_behind(fixture *self) {
    bool overdue;

    self->fake.shut = true;
    assert_int_equal(erase(self, 5, &overdue, NULL), TACIT_ERR_STORE_UNAVAILABLE);
    assert_true(overdue);
    /* The helper may not have reached the store yet, however late. */
    fake_wait_inside(&self->fake, 1);
}

static void wait_for_late(fixture *self) {
    while (atomic_load(&self->late.times) == 0)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

static void load_replaces_the_record(void **state) {
    fixture *self = *state;
    ti_buffer record = TI_BUFFER_SECRET;
    bool overdue = true;
    tacit_error error;

    ti_buffer_append_string(&record, "what was there before");
    assert_int_equal(ti_store_load(self->calls, self->store, "the key", LONG_MS, late_of(self),
                                   &record, &overdue, &error),
                     TACIT_OK);

    assert_int_equal(record.size, strlen("the key"));
    assert_memory_equal(record.data, "the key", record.size);
    assert_true(record.secret);
    assert_false(overdue);
    assert_int_equal(error.status, TACIT_OK);
    assert_true(self->fake.on_library_thread);
    ti_buffer_free(&record);
}

static void a_failed_load_leaves_no_record(void **state) {
    fixture *self = *state;
    ti_buffer record = TI_BUFFER_SECRET;
    bool overdue;

    ti_buffer_append_string(&record, "what was there before");
    self->fake.answer = TACIT_ERR_STORE_CORRUPT;
    assert_int_equal(ti_store_load(self->calls, self->store, "key", LONG_MS, late_of(self), &record,
                                   &overdue, NULL),
                     TACIT_ERR_STORE_CORRUPT);

    assert_int_equal(record.size, 0);
    assert_null(record.data);
}

static void a_size_without_a_record_is_a_failure(void **state) {
    fixture *self = *state;
    ti_buffer record = TI_BUFFER_SECRET;
    bool overdue;

    self->fake.null_record_size = 7;

    assert_int_equal(ti_store_load(self->calls, self->store, "key", LONG_MS, late_of(self), &record,
                                   &overdue, NULL),
                     TACIT_ERR_STORE_FAILED);
    assert_null(record.data);
}

static tacit_status save(fixture *self, tacit_store *store, const char *bytes, size_t size,
                         tacit_error *error) {
    ti_buffer record = TI_BUFFER_SECRET;
    bool overdue = true;
    tacit_status status;

    if (size > 0) ti_buffer_append(&record, bytes, size);
    status =
        ti_store_save(self->calls, store, "key", &record, LONG_MS, late_of(self), &overdue, error);
    assert_false(overdue);
    ti_buffer_free(&record);
    return status;
}

static void save_hands_over_every_byte(void **state) {
    fixture *self = *state;

    assert_int_equal(save(self, self->store, "a\0b", 3, NULL), TACIT_OK);
    assert_int_equal(self->fake.saved_size, 3);
    assert_memory_equal(self->fake.saved, "a\0b", 3);

    assert_int_equal(save(self, self->store, NULL, 0, NULL), TACIT_OK);
    assert_int_equal(self->fake.saved_size, 0);
}

static void a_record_over_the_limit_never_reaches_the_store(void **state) {
    fixture *self = *state;
    fake small;
    tacit_store *store;
    tacit_error error;

    fake_init(&small);
    store = fake_store(&small, 3);

    assert_int_equal(save(self, store, "1234", 4, &error), TACIT_ERR_STORE_TOO_LARGE);
    assert_int_equal(small.calls, 0);
    assert_int_equal(save(self, store, "123", 3, &error), TACIT_OK);
    assert_int_equal(small.calls, 1);
    tacit_store_unref(store);
}

static void answers_come_through_where_they_are_legal(void **state) {
    fixture *self = *state;
    static const struct {
        tacit_status answer, load, save, erase;
    } rows[] = {
        {TACIT_ERR_STORE_NOT_FOUND, TACIT_ERR_STORE_NOT_FOUND, TACIT_ERR_STORE_FAILED,
         TACIT_ERR_STORE_FAILED},
        {TACIT_ERR_STORE_LOCKED, TACIT_ERR_STORE_LOCKED, TACIT_ERR_STORE_LOCKED,
         TACIT_ERR_STORE_LOCKED},
        {TACIT_ERR_STORE_UNAVAILABLE, TACIT_ERR_STORE_UNAVAILABLE, TACIT_ERR_STORE_UNAVAILABLE,
         TACIT_ERR_STORE_UNAVAILABLE},
        {TACIT_ERR_STORE_CORRUPT, TACIT_ERR_STORE_CORRUPT, TACIT_ERR_STORE_CORRUPT,
         TACIT_ERR_STORE_CORRUPT},
        {TACIT_ERR_STORE_TOO_LARGE, TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_TOO_LARGE,
         TACIT_ERR_STORE_FAILED},
        {TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_FAILED,
         TACIT_ERR_STORE_FAILED},
        {TACIT_ERR_CLOSED, TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_FAILED},
        {TACIT_ERR_NO_MEMORY, TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_FAILED,
         TACIT_ERR_STORE_FAILED},
        {(tacit_status)-1, TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_FAILED},
        {(tacit_status)9999, TACIT_ERR_STORE_FAILED, TACIT_ERR_STORE_FAILED,
         TACIT_ERR_STORE_FAILED},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_buffer record = TI_BUFFER_SECRET;
        tacit_error error;
        bool overdue;

        self->fake.answer = rows[i].answer;
        assert_int_equal(ti_store_load(self->calls, self->store, "key", LONG_MS, late_of(self),
                                       &record, &overdue, &error),
                         rows[i].load);
        assert_int_equal(error.status, rows[i].load);
        assert_non_null(strstr(error.message, "the fake store"));
        assert_int_equal(save(self, self->store, "x", 1, &error), rows[i].save);
        assert_int_equal(error.status, rows[i].save);
        assert_non_null(strstr(error.message, "the fake store"));
        assert_int_equal(erase(self, LONG_MS, &overdue, &error), rows[i].erase);
        assert_int_equal(error.status, rows[i].erase);
        assert_non_null(strstr(error.message, "the fake store"));
    }
    assert_int_equal(atomic_load(&self->late.times), 0);
}

static void an_illegal_answer_is_named(void **state) {
    fixture *self = *state;
    tacit_error error;
    bool overdue;

    self->fake.answer = TACIT_ERR_BUSY;
    erase(self, LONG_MS, &overdue, &error);

    assert_non_null(strstr(error.message, "TACIT_ERR_BUSY"));
}

static void a_hanging_call_is_left_behind(void **state) {
    fixture *self = *state;
    tacit_error error;
    bool overdue = false;

    self->fake.shut = true;
    assert_int_equal(erase(self, 5, &overdue, &error), TACIT_ERR_STORE_UNAVAILABLE);

    assert_true(overdue);
    assert_true(error.retryable);
    assert_non_null(strstr(error.message, "the fake store"));
    assert_int_equal(atomic_load(&self->late.times), 0);
}

static void a_store_with_an_overdue_call_gets_no_other(void **state) {
    fixture *self = *state;
    tacit_error error;
    bool overdue = true;

    leave_a_call_behind(self);
    assert_int_equal(erase(self, LONG_MS, &overdue, &error), TACIT_ERR_STORE_UNAVAILABLE);

    assert_false(overdue);
    assert_true(error.retryable);
    assert_int_equal(self->fake.calls, 1);
}

static void a_late_answer_opens_the_store_and_is_told_once(void **state) {
    fixture *self = *state;
    bool overdue;

    leave_a_call_behind(self);
    self->fake.answer = TACIT_ERR_STORE_LOCKED;
    fake_open(&self->fake);
    wait_for_late(self);

    self->fake.answer = TACIT_OK;
    assert_int_equal(erase(self, LONG_MS, &overdue, NULL), TACIT_OK);
    assert_int_equal(atomic_load(&self->late.times), 1);
    assert_int_equal(atomic_load(&self->late.status), TACIT_ERR_STORE_LOCKED);
}

static void an_illegal_late_answer_is_a_failure(void **state) {
    fixture *self = *state;

    leave_a_call_behind(self);
    self->fake.answer = TACIT_ERR_STORE_NOT_FOUND;
    fake_open(&self->fake);
    wait_for_late(self);

    assert_int_equal(atomic_load(&self->late.status), TACIT_ERR_STORE_FAILED);
}

static void call_again(void *data, tacit_status status) {
    fixture *self = data;
    bool overdue;

    note_late(&self->late, status);
    assert(ti_store_erase(self->calls, self->store, "key", LONG_MS, (ti_store_late){.fn = NULL},
                          &overdue, NULL) == TACIT_OK);
    atomic_fetch_add(&self->late.times, 1);
}

static void the_store_is_open_again_when_late_is_called(void **state) {
    fixture *self = *state;
    bool overdue;

    self->fake.shut = true;
    ti_store_erase(self->calls, self->store, "key", 5,
                   (ti_store_late){.fn = call_again, .data = self}, &overdue, NULL);
    fake_wait_inside(&self->fake, 1);
    fake_open(&self->fake);
    while (atomic_load(&self->late.times) < 2)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);

    assert_int_equal(self->fake.calls, 2);
}

static void an_overdue_load_drops_its_record(void **state) {
    fixture *self = *state;
    ti_buffer record = TI_BUFFER_SECRET;
    bool overdue;

    self->fake.shut = true;
    ti_store_load(self->calls, self->store, "key", 5, late_of(self), &record, &overdue, NULL);
    assert_true(overdue);
    fake_open(&self->fake);
    wait_for_late(self);

    assert_int_equal(atomic_load(&self->late.status), TACIT_OK);
    assert_null(record.data);
}

/* One thread that erases, and what it was answered. */
typedef struct eraser {
    fixture *fixture;
    int timeout_ms, times;
    tacit_status status;
    bool overdue;
    int failures, overdues;
} eraser;

static void *erase_on_thread(void *data) {
    eraser *self = data;

    for (int i = 0; i < self->times; i++) {
        self->status = erase(self->fixture, self->timeout_ms, &self->overdue, NULL);
        self->failures += self->status != TACIT_OK;
        self->overdues += self->overdue;
    }
    return NULL;
}

static void who_waits_for_the_gate_leaves_when_the_call_inside_is_overdue(void **state) {
    fixture *self = *state;
    eraser first = {.fixture = self, .timeout_ms = 100, .times = 1};
    eraser second = {.fixture = self, .timeout_ms = LONG_MS, .times = 1};
    pthread_t threads[2];
    int64_t began = ti_clock_boot_ms(&self->clock);

    self->fake.shut = true;
    pthread_create(&threads[0], NULL, erase_on_thread, &first);
    fake_wait_inside(&self->fake, 1);
    pthread_create(&threads[1], NULL, erase_on_thread, &second);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);

    assert_true(first.overdue);
    assert_false(second.overdue);
    assert_int_equal(second.status, TACIT_ERR_STORE_UNAVAILABLE);
    assert_true(ti_clock_boot_ms(&self->clock) - began < LONG_MS / 2);
    assert_int_equal(self->fake.calls, 1);
}

static void erase_from_many_threads(fixture *self) {
    eraser erasers[8];
    pthread_t threads[8];

    for (int i = 0; i < 8; i++) {
        erasers[i] = (eraser){.fixture = self, .timeout_ms = LONG_MS, .times = 20};
        pthread_create(&threads[i], NULL, erase_on_thread, &erasers[i]);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(erasers[i].failures, 0);
    }
}

static void a_store_gets_one_call_at_a_time(void **state) {
    fixture *self = *state;

    self->fake.work_ns = 20000;
    erase_from_many_threads(self);

    assert_int_equal(self->fake.inside_max, 1);
    assert_int_equal(self->fake.calls, 160);
}

static void callers_wait_for_the_gate_again_after_a_late_answer(void **state) {
    fixture *self = *state;

    leave_a_call_behind(self);
    fake_open(&self->fake);
    wait_for_late(self);

    self->fake.work_ns = 20000;
    erase_from_many_threads(self);
}

static void a_hanging_store_holds_up_no_other(void **state) {
    fixture *self = *state;
    fake other;
    tacit_store *store;
    bool overdue;

    fake_init(&other);
    store = fake_store(&other, 0);
    leave_a_call_behind(self);

    assert_int_equal(
        ti_store_erase(self->calls, store, "key", LONG_MS, late_of(self), &overdue, NULL),
        TACIT_OK);
    tacit_store_unref(store);
}

/* The call takes about as long as its deadline: some end before it and some after. */
static void late_is_called_for_each_overdue_call_and_no_other(void **state) {
    fixture *self = *state;
    eraser erasers[3];
    pthread_t threads[3];
    int overdues = 0;

    self->fake.work_ns = 700000;
    self->fake.work_step_ns = 15000;
    for (int round = 0; round < 40; round++) {
        for (int i = 0; i < 3; i++) {
            erasers[i] = (eraser){.fixture = self, .timeout_ms = 1, .times = 3};
            pthread_create(&threads[i], NULL, erase_on_thread, &erasers[i]);
        }
        for (int i = 0; i < 3; i++) {
            pthread_join(threads[i], NULL);
            overdues += erasers[i].overdues;
        }
    }
    assert_true(ti_store_calls_stop(self->calls, ti_clock_deadline(&self->clock, LONG_MS)));

    assert_int_equal(atomic_load(&self->late.times), overdues);
    assert_int_equal(self->fake.inside_max, 1);
}

static void after_stop_calls_are_turned_away(void **state) {
    fixture *self = *state;
    bool overdue = true;
    tacit_error error;

    assert_int_equal(erase(self, LONG_MS, &overdue, NULL), TACIT_OK);
    assert_true(ti_store_calls_stop(self->calls, ti_clock_deadline(&self->clock, LONG_MS)));

    assert_int_equal(erase(self, LONG_MS, &overdue, &error), TACIT_ERR_CLOSED);
    assert_false(overdue);
    assert_int_equal(self->fake.calls, 1);
}

static void stop_tells_of_a_call_that_hangs(void **state) {
    fixture *self = *state;
    int64_t now = ti_clock_boot_ms(&self->clock);

    leave_a_call_behind(self);
    assert_false(ti_store_calls_stop(self->calls, now));
    assert_false(ti_store_calls_stop(self->calls, now + 20));

    fake_open(&self->fake);
    assert_true(ti_store_calls_stop(self->calls, ti_clock_deadline(&self->clock, LONG_MS)));
    assert_int_equal(atomic_load(&self->late.times), 1);
}

static void what_hangs_outlives_the_calls_and_the_store(void **state) {
    fixture *self = *state;

    leave_a_call_behind(self);
    ti_store_calls_free(self->calls);
    tacit_store_unref(self->store);
    self->calls = NULL;
    self->store = NULL;
    assert_int_equal(self->fake.released, 0);

    fake_open(&self->fake);
    fake_wait_released(&self->fake);

    assert_int_equal(atomic_load(&self->late.times), 1);
}

static void free_calls(void *data, tacit_status status) {
    fixture *self = data;

    ti_store_calls_free(self->calls);
    self->calls = NULL;
    note_late(&self->late, status);
}

static void late_may_free_the_calls(void **state) {
    fixture *self = *state;
    bool overdue;

    assert_int_equal(erase(self, LONG_MS, &overdue, NULL), TACIT_OK);
    self->fake.shut = true;
    ti_store_erase(self->calls, self->store, "key", 5,
                   (ti_store_late){.fn = free_calls, .data = self}, &overdue, NULL);
    assert_true(overdue);
    fake_wait_inside(&self->fake, 1);
    fake_open(&self->fake);
    wait_for_late(self);

    assert_null(self->calls);
}

static int count_helpers(void) {
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    int count = 0;

    while ((task = readdir(tasks)) != NULL) {
        char path[300], name[32] = "";
        FILE *file;

        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        file = fopen(path, "r");
        if (file == NULL) continue;
        if (fgets(name, sizeof name, file) != NULL) count += strcmp(name, "tacit-store\n") == 0;
        fclose(file);
    }
    closedir(tasks);
    return count;
}

typedef struct loader {
    fixture *fixture;
    tacit_store *store;
} loader;

static void *erase_from_other_store(void *data) {
    loader *self = data;
    bool overdue;

    ti_store_erase(self->fixture->calls, self->store, "key", LONG_MS, (ti_store_late){.fn = NULL},
                   &overdue, NULL);
    return NULL;
}

static void few_threads_are_kept(void **state) {
    fixture *self = *state;
    fake fakes[6];
    loader loaders[6];
    pthread_t threads[6];

    /* Those of the test before that were left behind are about to end. */
    while (count_helpers() > 0) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    for (int i = 0; i < 6; i++) {
        fake_init(&fakes[i]);
        fakes[i].shut = true;
        loaders[i] = (loader){.fixture = self, .store = fake_store(&fakes[i], 0)};
        pthread_create(&threads[i], NULL, erase_from_other_store, &loaders[i]);
        fake_wait_inside(&fakes[i], 1);
    }
    assert_int_equal(count_helpers(), 6);
    for (int i = 0; i < 6; i++) {
        fake_open(&fakes[i]);
        pthread_join(threads[i], NULL);
        tacit_store_unref(loaders[i].store);
    }

    while (count_helpers() > 2) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(count_helpers(), 2);
}

static void threads_are_used_again(void **state) {
    fixture *self = *state;
    pid_t threads[20];
    int used_again = 0;
    bool overdue;

    for (int i = 0; i < 20; i++) {
        assert_int_equal(erase(self, LONG_MS, &overdue, NULL), TACIT_OK);
        threads[i] = self->fake.thread;
        for (int k = 0; k < i; k++) {
            if (threads[k] != threads[i]) continue;
            used_again++;
            break;
        }
    }

    /* Not 19: where the caller is back before the helper, the next call starts another. */
    assert_true(used_again > 0);
}

static void without_a_thread_the_store_stays_open(void **state) {
    fixture *self = *state;
    ti_store_calls *greedy = ti_store_calls_new(&self->clock, SIZE_MAX / 8 * 7);
    tacit_error error;
    bool overdue = true;

    assert_int_equal(
        ti_store_erase(greedy, self->store, "key", LONG_MS, late_of(self), &overdue, &error),
        TACIT_ERR_NO_MEMORY);
    assert_false(overdue);

    assert_int_equal(erase(self, LONG_MS, &overdue, NULL), TACIT_OK);
    ti_store_calls_free(greedy);
}

#define HOUR_MS 3600000

static atomic_llong moved_ms = 1000;

static int64_t moved_boot_ms(void *data) {
    (void)data;
    return atomic_load(&moved_ms);
}

static void a_moved_clock_ends_the_wait(void **state) {
    fixture *self = *state;
    eraser waiting = {.fixture = self, .timeout_ms = HOUR_MS, .times = 1};
    pthread_t thread;
    int64_t began = ti_clock_boot_ms(&self->clock);
    ti_clock system = self->clock;

    self->clock.injected = (tacit_clock){
        .struct_size = sizeof(tacit_clock), .boot_ms = moved_boot_ms, .wall_ms = moved_boot_ms};
    self->fake.shut = true;
    pthread_create(&thread, NULL, erase_on_thread, &waiting);
    fake_wait_inside(&self->fake, 1);
    atomic_fetch_add(&moved_ms, HOUR_MS);
    ti_store_calls_clock_moved(self->calls);
    pthread_join(thread, NULL);

    assert_true(waiting.overdue);
    assert_true(ti_clock_boot_ms(&system) - began < LONG_MS);
    fake_open(&self->fake);
    wait_for_late(self);
    /* No thread looks at the clock now. */
    assert_true(ti_store_calls_stop(self->calls, INT64_MAX));
    self->clock = system;
}

static void nothing_is_nothing_to_free(void **state) {
    (void)state;
    ti_store_calls_free(NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(load_replaces_the_record),
        CASE(a_failed_load_leaves_no_record),
        CASE(a_size_without_a_record_is_a_failure),
        CASE(save_hands_over_every_byte),
        CASE(a_record_over_the_limit_never_reaches_the_store),
        CASE(answers_come_through_where_they_are_legal),
        CASE(an_illegal_answer_is_named),
        CASE(a_hanging_call_is_left_behind),
        CASE(a_store_with_an_overdue_call_gets_no_other),
        CASE(a_late_answer_opens_the_store_and_is_told_once),
        CASE(an_illegal_late_answer_is_a_failure),
        CASE(the_store_is_open_again_when_late_is_called),
        CASE(an_overdue_load_drops_its_record),
        CASE(who_waits_for_the_gate_leaves_when_the_call_inside_is_overdue),
        CASE(a_store_gets_one_call_at_a_time),
        CASE(callers_wait_for_the_gate_again_after_a_late_answer),
        CASE(a_hanging_store_holds_up_no_other),
        CASE(late_is_called_for_each_overdue_call_and_no_other),
        CASE(after_stop_calls_are_turned_away),
        CASE(stop_tells_of_a_call_that_hangs),
        CASE(what_hangs_outlives_the_calls_and_the_store),
        CASE(late_may_free_the_calls),
        CASE(few_threads_are_kept),
        CASE(threads_are_used_again),
        CASE(without_a_thread_the_store_stays_open),
        CASE(a_moved_clock_ends_the_wait),
        cmocka_unit_test(nothing_is_nothing_to_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
