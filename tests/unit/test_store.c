#include "support/forgetful_store.h"
#include "support/unit.h"

#include "session/store.h"

#include <string.h>

#include <tacit/store.h>

static void count_release(void *data) {
    ++*(int *)data;
}

static tacit_store_ops full_ops(void) {
    tacit_store_ops ops = forgetful_store_ops;

    ops.release = count_release;
    ops.description = "a shoe box";
    return ops;
}

static void refused(tacit_store_ops ops, const char *named) {
    int released = 0;
    tacit_error error;

    assert_null(tacit_store_custom(&ops, &released, &error));

    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, named));
    assert_int_equal(released, 0);
}

static void incomplete_ops_are_refused_and_named(void **state) {
    tacit_store_ops ops;

    (void)state;
    ops = full_ops(), ops.load = NULL;
    refused(ops, "load");
    ops = full_ops(), ops.save = NULL;
    refused(ops, "save");
    ops = full_ops(), ops.erase = NULL;
    refused(ops, "erase");
    ops = full_ops(), ops.struct_size = 0;
    refused(ops, "TACIT_STORE_OPS_INIT");
    ops = full_ops(), ops.struct_size = offsetof(tacit_store_ops, erase);
    refused(ops, "erase");
    assert_null(tacit_store_custom(NULL, NULL, NULL));
}

static void release_comes_once_with_the_last_reference(void **state) {
    int released = 0;
    tacit_store_ops ops = full_ops();
    tacit_store *store = tacit_store_custom(&ops, &released, NULL);

    (void)state;
    assert_ptr_equal(tacit_store_ref(store), store);
    tacit_store_unref(store);
    assert_int_equal(released, 0);

    tacit_store_unref(store);

    assert_int_equal(released, 1);
}

static void ops_and_description_are_copied(void **state) {
    int released = 0;
    char description[] = "a drawer";
    tacit_store_ops ops = full_ops();
    tacit_store *store;

    (void)state;
    ops.description = description;
    store = tacit_store_custom(&ops, &released, NULL);
    memset(description, 'x', 3);
    memset(&ops, 0, sizeof ops);

    assert_string_equal(tacit_store_describe(store), "a drawer");
    assert_ptr_equal(store->ops.load, forgetful_store_ops.load);
    tacit_store_unref(store);
}

static void every_store_has_a_description(void **state) {
    tacit_store_ops ops = full_ops();
    tacit_store *own, *memory = tacit_store_memory();

    (void)state;
    ops.description = NULL;
    ops.release = NULL;
    own = tacit_store_custom(&ops, NULL, NULL);

    assert_true(strlen(tacit_store_describe(own)) > 0);
    assert_true(strlen(tacit_store_describe(memory)) > 0);
    assert_string_equal(tacit_store_describe(NULL), "");
    tacit_store_unref(own);
    tacit_store_unref(memory);
}

static void null_is_no_store(void **state) {
    (void)state;
    assert_null(tacit_store_ref(NULL));
    tacit_store_unref(NULL);
}

static void the_keyring_wants_an_application_id(void **state) {
    tacit_error error;

    (void)state;
    assert_null(tacit_store_keyring(NULL, &error));
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_null(tacit_store_keyring("", &error));
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_null(tacit_store_default(NULL, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(incomplete_ops_are_refused_and_named),
        cmocka_unit_test(release_comes_once_with_the_last_reference),
        cmocka_unit_test(ops_and_description_are_copied),
        cmocka_unit_test(every_store_has_a_description),
        cmocka_unit_test(null_is_no_store),
        cmocka_unit_test(the_keyring_wants_an_application_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
