/* A store's own words for a failure, on their way into the caller's error. */
#include "support/store_contract.h"

#include "support/unit.h"

#include <errno.h>
#include <string.h>

/* What the store answers next, and what it says of it. */
static struct {
    tacit_status answer;
    const char *words;
    int os_error;
    int asked;
} next;

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    (void)data, (void)key, (void)record, (void)size;
    return next.answer;
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    (void)data, (void)key, (void)record, (void)size;
    return next.answer;
}

static tacit_status erase(void *data, const char *key) {
    (void)data, (void)key;
    return next.answer;
}

static const char *last_error(void *data, int *os_error) {
    (void)data;
    next.asked++;
    if (next.os_error != 0) *os_error = next.os_error;
    return next.words;
}

static tacit_status try_save(tacit_error *error) {
    static const ti_store_late never_late = {.fn = NULL};
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;
    ti_buffer record = TI_BUFFER_SECRET;
    store_user user;
    tacit_status status;
    bool overdue;

    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    ops.last_error = last_error;
    ops.description = "a shoe box";
    store_user_open(&user, tacit_store_custom(&ops, NULL, NULL));
    status =
        ti_store_save(user.calls, user.store, "key", &record, 50000, never_late, &overdue, error);
    ti_buffer_free(&record);
    store_user_close(&user);
    return status;
}

static void expect(tacit_status expected, const char *message, int os_error) {
    tacit_error error;

    assert_int_equal(try_save(&error), expected);
    assert_int_equal(error.status, expected);
    assert_string_equal(error.message, message);
    assert_int_equal(error.os_error, os_error);
    assert_int_equal(try_save(NULL), expected);
}

static void the_stores_own_words_come_first(void **state) {
    (void)state;
    next.answer = TACIT_ERR_STORE_FAILED;
    next.words = "the mice were at it";
    next.os_error = ENOSPC;

    expect(TACIT_ERR_STORE_FAILED, "Could not save to a shoe box: the mice were at it.", ENOSPC);
}

static void without_words_the_status_is_explained(void **state) {
    (void)state;
    next.answer = TACIT_ERR_STORE_LOCKED;
    next.os_error = 0;
    next.words = NULL;
    expect(TACIT_ERR_STORE_LOCKED,
           "Could not save to a shoe box: it is locked; the user can unlock it.", 0);

    next.words = "";
    expect(TACIT_ERR_STORE_LOCKED,
           "Could not save to a shoe box: it is locked; the user can unlock it.", 0);
}

static void words_stand_on_one_line(void **state) {
    (void)state;
    next.answer = TACIT_ERR_STORE_CORRUPT;
    next.words = "a\nb\x1b[31m";

    expect(TACIT_ERR_STORE_CORRUPT, "Could not save to a shoe box: a b [31m.", 0);
}

static void words_do_not_hide_an_answer_that_may_not_be(void **state) {
    tacit_error error;

    (void)state;
    next.answer = TACIT_ERR_STORE_NOT_FOUND;
    next.words = "not here";

    assert_int_equal(try_save(&error), TACIT_ERR_STORE_FAILED);
    assert_non_null(strstr(error.message, "TACIT_ERR_STORE_NOT_FOUND"));
}

static void a_success_is_not_asked_why(void **state) {
    (void)state;
    next.answer = TACIT_OK;
    next.words = "stale";
    next.asked = 0;

    expect(TACIT_OK, "", 0);

    assert_int_equal(next.asked, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stores_own_words_come_first),
        cmocka_unit_test(without_words_the_status_is_explained),
        cmocka_unit_test(words_stand_on_one_line),
        cmocka_unit_test(words_do_not_hide_an_answer_that_may_not_be),
        cmocka_unit_test(a_success_is_not_asked_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
