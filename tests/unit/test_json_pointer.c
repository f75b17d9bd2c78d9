#include "oauth/json_pointer.h"

#include "support/unit.h"

#include <string.h>

/* RFC 6901 section 5, and what may go wrong. */
static const char document[] =
    "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
    "\"k\\\"l\":6,\" \":7,\"m~n\":8,\"~1\":9,\"deep\":{\"er\":{\"0\":10}},\"n\":null}";

static const struct {
    const char *pointer, *found; /* found NULL: nothing */
} rows[] = {
    {"/foo", "[\"bar\",\"baz\"]"},
    {"/foo/0", "\"bar\""},
    {"/foo/1", "\"baz\""},
    {"/", "0"},
    {"/a~1b", "1"},
    {"/c%d", "2"},
    {"/e^f", "3"},
    {"/g|h", "4"},
    {"/i\\j", "5"},
    {"/k\"l", "6"},
    {"/ ", "7"},
    {"/m~0n", "8"},
    {"/~01", "9"}, /* ~01 is ~1, not / */
    {"/deep/er/0", "10"},
    {"/n", "null"},
    {"/foo/2", NULL},
    {"/foo/00", NULL},
    {"/foo/01", NULL},
    {"/foo/-", NULL},
    {"/foo/-1", NULL},
    {"/foo/+1", NULL},
    {"/foo/1 ", NULL},
    {"/foo/", NULL},
    {"/foo/4294967296", NULL},
    {"/foo/18446744073709551616", NULL},
    {"/foo/bar", NULL},
    {"/foo/0/x", NULL},
    {"/fo", NULL},
    {"/fooo", NULL},
    {"/Foo", NULL},
    {"/deep/er/0/", NULL},
    {"/n/x", NULL},
    {"foo", NULL},
    {"#/foo", NULL},
    {"/m~n", NULL},
    {"/m~", NULL},
    {"/a~2b", NULL},
};

static void finds_what_the_rfc_says(void **state) {
    (void)state;
    json_t *root = json_loads(document, 0, NULL);
    assert_non_null(root);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *expected = rows[i].found ? json_loads(rows[i].found, JSON_DECODE_ANY, NULL) : NULL;

        json_t *found = ti_json_pointer_find(root, rows[i].pointer);

        if (expected ? !json_equal(found, expected) : found != NULL) {
            fail_msg("%s", rows[i].pointer);
        }
        json_decref(expected);
    }
    assert_ptr_equal(ti_json_pointer_find(root, ""), root);
    assert_null(ti_json_pointer_find(NULL, "/foo"));
    assert_null(ti_json_pointer_find(NULL, ""));
    json_decref(root);
}

static void finds_what_holds_it(void **state) {
    (void)state;
    json_t *root = json_loads(document, 0, NULL);
    assert_non_null(root);

    assert_ptr_equal(ti_json_pointer_holder(root, "/deep"), root);
    assert_ptr_equal(ti_json_pointer_holder(root, "/absent"), root);
    assert_ptr_equal(ti_json_pointer_holder(root, "/deep/er"), json_object_get(root, "deep"));
    assert_null(ti_json_pointer_holder(root, "/absent/er"));
    assert_null(ti_json_pointer_holder(root, ""));
    assert_null(ti_json_pointer_holder(root, "deep/er"));
    json_decref(root);
}

static void knows_a_pointer_that_is_none(void **state) {
    (void)state;
    static const char *const good[] = {"", "/", "//", "/a", "/~0~1", "/a b"};
    static const char *const bad[] = {"a", "#", "#/a", "/~", "/~2", "/a~", "/a/~ "};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(ti_json_pointer_is_valid(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(ti_json_pointer_is_valid(bad[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_the_rfc_says),
        cmocka_unit_test(finds_what_holds_it),
        cmocka_unit_test(knows_a_pointer_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
