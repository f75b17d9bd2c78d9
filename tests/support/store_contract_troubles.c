/* What goes wrong is said, overwrites nothing, and is over when it is over. */
#include "support/store_contract_cases.h"

#include "support/unit.h"

#include <pthread.h>

static tacit_status load_status(store_user *user, const char *key) {
    ti_buffer record = TI_BUFFER_SECRET;
    tacit_status status = store_user_load(user, key, &record);

    ti_buffer_free(&record);
    return status;
}

static void load_and_save_answer(store_user *user, const char *key, tacit_status expected) {
    assert_int_equal(load_status(user, key), expected);
    assert_int_equal(store_user_save(user, key, "must not get there", 18), expected);
    assert_int_equal(load_status(user, key), expected);
}

static void all_answer(store_user *user, const char *key, tacit_status expected) {
    load_and_save_answer(user, key, expected);
    assert_int_equal(store_user_erase(user, key), expected);
}

static void troubled_answer(const store_contract *contract, store_user *user, const char *key,
                            tacit_status expected) {
    if (contract->erases_always)
        load_and_save_answer(user, key, expected);
    else
        all_answer(user, key, expected);
}

/* Also to a store object that is made meanwhile. */
static void anyone_is_answered(contract_case *self, const char *key, tacit_status expected) {
    store_user other;

    troubled_answer(self->contract, &self->user, key, expected);
    if (!self->contract->persistent) return;
    store_user_open(&other, self->contract->make(self->contract->data));
    troubled_answer(self->contract, &other, key, expected);
    store_user_close(&other);
}

static void trouble_passes(contract_case *self, void (*trouble)(void *, bool),
                           tacit_status expected) {
    store_user *user = &self->user;
    void *data = self->contract->data;

    if (trouble == NULL) skip();
    contract_save_text(user, "kept", "before the trouble");
    trouble(data, true);
    anyone_is_answered(self, "kept", expected);
    trouble(data, false);

    assert_stored_text(user, "kept", "before the trouble");
    assert_not_stored(user, "never");
    contract_save_text(user, "kept", "after it");
    trouble(data, true); /* again: an answer that was good once must not be remembered */
    anyone_is_answered(self, "kept", expected);
    trouble(data, false);
    assert_stored_text(user, "kept", "after it");
    assert_int_equal(store_user_erase(user, "kept"), TACIT_OK);
    assert_not_stored(user, "kept");
}

void a_locked_store_is_not_an_empty_one(void **state) {
    contract_case *self = *state;

    trouble_passes(self, self->contract->lock, TACIT_ERR_STORE_LOCKED);
}

void a_store_that_is_away_comes_back_as_it_was(void **state) {
    contract_case *self = *state;

    trouble_passes(self, self->contract->away, TACIT_ERR_STORE_UNAVAILABLE);
}

void a_damaged_record_is_corrupt_until_it_is_replaced(void **state) {
    contract_case *self = *state;
    store_user *user = &self->user;

    if (self->contract->damage == NULL) skip();
    contract_save_text(user, "damaged", "a record");
    contract_save_text(user, "beside", "another record");
    self->contract->damage(self->contract->data, "damaged");

    assert_int_equal(load_status(user, "damaged"), TACIT_ERR_STORE_CORRUPT);
    assert_int_equal(load_status(user, "damaged"), TACIT_ERR_STORE_CORRUPT); /* it was left alone */
    assert_stored_text(user, "beside", "another record");
    contract_save_text(user, "damaged", "a sign-in later");
    assert_stored_text(user, "damaged", "a sign-in later");

    self->contract->damage(self->contract->data, "damaged");
    assert_int_equal(store_user_erase(user, "damaged"), TACIT_OK);
    assert_not_stored(user, "damaged");
    assert_stored_text(user, "beside", "another record");
    assert_int_equal(store_user_erase(user, "beside"), TACIT_OK);
}

/* ------------------------------------------------------------------ calls that hang */

#define SHORT_MS 150
#define LONG_MS 50000

/* What an overdue call answered in the end. */
typedef struct lateness {
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool is_told;        /* guarded by lock */
    tacit_status status; /* guarded by lock */
} lateness;

#define LATENESS_INIT                                                                              \
    { .lock = PTHREAD_MUTEX_INITIALIZER, .told = PTHREAD_COND_INITIALIZER }

static void tell(void *data, tacit_status status) {
    lateness *self = data;

    pthread_mutex_lock(&self->lock);
    self->is_told = true;
    self->status = status;
    pthread_cond_signal(&self->told);
    pthread_mutex_unlock(&self->lock);
}

static tacit_status wait_for_late_answer(lateness *self) {
    tacit_status status;

    pthread_mutex_lock(&self->lock);
    while (!self->is_told) pthread_cond_wait(&self->told, &self->lock);
    status = self->status;
    pthread_mutex_unlock(&self->lock);
    return status;
}

static void is_left_behind(tacit_status status, bool overdue, const tacit_error *error) {
    assert_int_equal(status, TACIT_ERR_STORE_UNAVAILABLE);
    assert_true(overdue);
    assert_true(error->retryable);
}

/* While one call hangs, nobody else waits for it. */
static void others_are_turned_away(store_user *user) {
    int64_t deadline = ti_clock_deadline(&user->clock, LONG_MS);

    all_answer(user, "hung", TACIT_ERR_STORE_UNAVAILABLE);
    all_answer(user, "not hung", TACIT_ERR_STORE_UNAVAILABLE);
    assert_true(ti_clock_boot_ms(&user->clock) < deadline);
}

void a_load_that_hangs_is_left_behind(void **state) {
    contract_case *self = *state;
    store_user *user = &self->user;
    lateness late = LATENESS_INIT;
    ti_buffer record = TI_BUFFER_SECRET;
    tacit_error error;
    tacit_status status;
    bool overdue;

    if (self->contract->hang == NULL) skip();
    contract_save_text(user, "hung", "the record");
    self->contract->hang(self->contract->data, true);
    status = ti_store_load(user->calls, user->store, "hung", SHORT_MS,
                           (ti_store_late){.fn = tell, .data = &late}, &record, &overdue, &error);
    is_left_behind(status, overdue, &error);
    others_are_turned_away(user);
    self->contract->hang(self->contract->data, false);

    wait_for_late_answer(&late);
    assert_stored_text(user, "hung", "the record");
    assert_not_stored(user, "not hung");
    assert_int_equal(store_user_erase(user, "hung"), TACIT_OK);
}

void a_save_that_hangs_ends_late_and_whole(void **state) {
    contract_case *self = *state;
    store_user *user = &self->user;
    lateness late = LATENESS_INIT;
    ti_buffer record = TI_BUFFER_SECRET;
    tacit_error error;
    tacit_status status;
    bool overdue;

    if (self->contract->hang == NULL) skip();
    contract_save_text(user, "hung", "before");
    self->contract->hang(self->contract->data, true);
    ti_buffer_append_string(&record, "after");
    status = ti_store_save(user->calls, user->store, "hung", &record, SHORT_MS,
                           (ti_store_late){.fn = tell, .data = &late}, &overdue, &error);
    ti_buffer_free(&record);
    is_left_behind(status, overdue, &error);
    others_are_turned_away(user);
    self->contract->hang(self->contract->data, false);

    status = wait_for_late_answer(&late);
    assert_stored_text(user, "hung", status == TACIT_OK ? "after" : "before");
    assert_int_equal(store_user_erase(user, "hung"), TACIT_OK);
}
