#include "support/store_user.h"

#include "support/unit.h"

#include <string.h>

#define HANG_MS 50000
#define STACK_BYTES (256 * 1024) /* as in a client */

void store_user_open(store_user *user, tacit_store *store) {
    assert_non_null(store);
    user->clock = (ti_clock){.injected = {0}};
    user->store = store;
    user->calls = ti_store_calls_new(&user->clock, STACK_BYTES);
    assert_non_null(user->calls);
}

void store_user_close(store_user *user) {
    assert_true(ti_store_calls_stop(user->calls, ti_clock_deadline(&user->clock, HANG_MS)));
    ti_store_calls_free(user->calls);
    tacit_store_unref(user->store);
}

static const ti_store_late never_late = {.fn = NULL};

tacit_status store_user_save(store_user *user, const char *key, const void *bytes, size_t size) {
    ti_buffer record = TI_BUFFER_SECRET;
    bool overdue;
    tacit_status status;

    assert_true(ti_buffer_append(&record, bytes, size));
    status =
        ti_store_save(user->calls, user->store, key, &record, HANG_MS, never_late, &overdue, NULL);
    ti_buffer_free(&record);
    return status;
}

tacit_status store_user_erase(store_user *user, const char *key) {
    bool overdue;

    return ti_store_erase(user->calls, user->store, key, HANG_MS, never_late, &overdue, NULL);
}

tacit_status store_user_load(store_user *user, const char *key, ti_buffer *record) {
    bool overdue;

    return ti_store_load(user->calls, user->store, key, HANG_MS, never_late, record, &overdue,
                         NULL);
}

void assert_stored(store_user *user, const char *key, const void *bytes, size_t size) {
    ti_buffer record = TI_BUFFER_SECRET;

    assert_int_equal(store_user_load(user, key, &record), TACIT_OK);
    assert_int_equal(record.size, size);
    if (size > 0) assert_memory_equal(record.data, bytes, size);
    ti_buffer_free(&record);
}

void assert_stored_text(store_user *user, const char *key, const char *text) {
    assert_stored(user, key, text, strlen(text));
}

void assert_not_stored(store_user *user, const char *key) {
    ti_buffer record = TI_BUFFER_SECRET;

    assert_int_equal(store_user_load(user, key, &record), TACIT_ERR_STORE_NOT_FOUND);
    ti_buffer_free(&record);
}
