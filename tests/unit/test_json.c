#include "oauth/json.h"

#include "tests/support/unit.h"

#include <string.h>

static ti_json_result load(const char *text, json_t **value) {
    return ti_json_load(text, strlen(text), 0, value, NULL);
}

static void values_are_wiped_before_they_are_given_up(void **state) {
    (void)state;
    json_t *root, *top, *nested;
    assert_int_equal(load("{\"a\":\"secret\",\"b\":[{\"c\":\"hidden\"}],\"d\":1}", &root),
                     TI_JSON_OK);
    top = json_incref(json_object_get(root, "a"));
    nested = json_incref(json_object_get(json_array_get(json_object_get(root, "b"), 0), "c"));

    ti_json_wipe_and_free(root);

    assert_memory_equal(json_string_value(top), "\0\0\0\0\0\0", 6);
    assert_memory_equal(json_string_value(nested), "\0\0\0\0\0\0", 6);
    json_decref(top);
    json_decref(nested);
    ti_json_wipe_and_free(NULL);
}

static void depth_is_checked_before_parsing(void **state) {
    (void)state;
    char text[2 * (TI_JSON_DEPTH_MAX + 1)];
    json_t *value;
    memset(text, '[', TI_JSON_DEPTH_MAX + 1);
    memset(text + TI_JSON_DEPTH_MAX + 1, ']', TI_JSON_DEPTH_MAX + 1);

    assert_int_equal(ti_json_load(text, sizeof text, 0, &value, NULL), TI_JSON_TOO_LARGE);
    assert_null(value);
    assert_int_equal(ti_json_load(text + 1, sizeof text - 2, 0, &value, NULL), TI_JSON_OK);
    ti_json_wipe_and_free(value);
}

static void brackets_in_strings_are_no_depth(void **state) {
    (void)state;
    json_t *value;

    assert_int_equal(load("[\"[[[[[[[[[[[[[[[[[\\\"[[[[[[[[[[[[[[[[[[[[[[[[\\\\\"]", &value),
                     TI_JSON_OK);

    ti_json_wipe_and_free(value);
}

static void size_is_checked_before_parsing(void **state) {
    (void)state;
    size_t size = TI_JSON_SIZE_MAX + 1;
    char *text = malloc(size);
    json_t *value;
    assert_non_null(text);
    memset(text, ' ', size);
    memcpy(text, "[]", 2);

    assert_int_equal(ti_json_load(text, size, 0, &value, NULL), TI_JSON_TOO_LARGE);
    assert_int_equal(ti_json_load(text, size - 1, 0, &value, NULL), TI_JSON_OK);

    ti_json_wipe_and_free(value);
    free(text);
}

static void a_syntax_error_says_where(void **state) {
    (void)state;
    json_t *value;
    json_error_t where;

    assert_int_equal(ti_json_load("{\n \"a\" 1}", 9, 0, &value, &where), TI_JSON_INVALID);

    assert_int_equal(where.line, 2);
    assert_null(value);
}

static size_t allocations_left;

static void *failing_malloc(size_t size) {
    if (allocations_left == 0) return NULL;
    allocations_left--;
    return malloc(size);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    static const char text[] = "{\"a\":[1,2.5,\"text\"],\"b\":{\"c\":null}}";
    ti_json_result result = TI_JSON_NO_MEMORY;
    json_t *value;
    size_t granted = 0;

    json_set_alloc_funcs(failing_malloc, free);
    for (; result != TI_JSON_OK && granted < 100; granted++) {
        allocations_left = granted;
        result = load(text, &value);
        assert_true(result == TI_JSON_OK || value == NULL);
        /* Later ones jansson reports as syntax errors, some of them. */
        if (granted == 0) assert_int_equal(result, TI_JSON_NO_MEMORY);
    }
    allocations_left = 100;
    ti_json_wipe_and_free(value);
    json_set_alloc_funcs(malloc, free);

    assert_int_equal(result, TI_JSON_OK);
    assert_true(granted > 5);
}

static size_t allocations_made, allocation_that_fails;

static void *malloc_but_one(size_t size) {
    return ++allocations_made == allocation_that_fails ? NULL : malloc(size);
}

/* Jansson drops the bytes for which its buffer could not grow, and goes on. */
static void a_string_is_whole_or_there_is_none(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{\"refresh_token\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}",
        "[\"01234567\\n\\\"\\\\\\/\\u0041\\u00e4\\u20ac\\ud83d\\ude00\xc3\xa4\xe2\x82\xac 4\"]",
        "{\"a-name-that-is-longer-than-sixteen-bytes\":{\"a\":[[\"\"],\"x\"]},\"n\":1234567890}",
        "{\"twice\":\"0123456789012345678901234567890123456789\",\"twice\":\"x\"}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *whole = json_loads(texts[i], 0, NULL), *value;
        assert_int_equal(load(texts[i], &value), TI_JSON_OK);
        assert_true(json_equal(value, whole));
        ti_json_wipe_and_free(value);

        allocation_that_fails = 0;
        do {
            allocation_that_fails++;
            allocations_made = 0;
            json_set_alloc_funcs(malloc_but_one, free);
            ti_json_result result = load(texts[i], &value);
            json_set_alloc_funcs(malloc, free);
            assert_int_equal(result == TI_JSON_OK, value != NULL);
            if (value && !strstr(texts[i], "twice")) assert_true(json_equal(value, whole));
            ti_json_wipe_and_free(value);
        } while (allocations_made >= allocation_that_fails);
        json_decref(whole);
    }
}

static void numbers_may_be_strings(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool is_number;
        double number;
    } rows[] = {
        {"[3600]", true, 3600},
        {"[3599.7]", true, 3599.7},
        {"[\"3600\"]", true, 3600},
        {"[\"3.6e3\"]", true, 3600},
        {"[\" 12 \"]", true, 12},
        {"[\"-5\"]", true, -5},
        {"[\"\"]", false, 0},
        {"[\"3600s\"]", false, 0},
        {"[\"0x10\"]", false, 0},
        {"[\"NaN\"]", false, 0},
        {"[\"Infinity\"]", false, 0},
        {"[\"[1]\"]", false, 0},
        {"[null]", false, 0},
        {"[true]", false, 0},
        {"[[1]]", false, 0},
        {"[\"1e999\"]", false, 0},
        {"[\"99999999999999999999\"]", true, 1e20},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *value;
        double number = -1;
        assert_int_equal(load(rows[i].text, &value), TI_JSON_OK);

        bool is_number = ti_json_number(json_array_get(value, 0), &number);

        if (is_number != rows[i].is_number || (is_number && number != rows[i].number)) {
            fail_msg("%s reads as %g", rows[i].text, number);
        }
        ti_json_wipe_and_free(value);
    }
    double number;
    assert_false(ti_json_number(NULL, &number));
}

static void strings_with_a_nul_are_none(void **state) {
    (void)state;
    static const char text[] = "{\"a\":\"x\\u0000y\",\"b\":\"z\",\"c\":1}";
    json_t *value;
    assert_int_equal(ti_json_load(text, strlen(text), JSON_ALLOW_NUL, &value, NULL), TI_JSON_OK);

    assert_null(ti_json_string(value, "a"));
    assert_string_equal(ti_json_string(value, "b"), "z");
    assert_null(ti_json_string(value, "c"));
    assert_null(ti_json_string(value, "d"));
    assert_null(ti_json_string(NULL, "a"));

    ti_json_wipe_and_free(value);
}

static void contradictions_are_seen(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool contradicts;
        const char *why;
    } rows[] = {
        {"{\"t\":\"1\",\"t\":\"2\"}", true, "two values"},
        {"{\"t\":\"1\",\"t\":\"1\"}", false, "the same twice"},
        {"{\"t\" : \"1\" , \"x\":[1,{\"y\":\"t\"}], \"t\":\"2\"}", true, "with others between"},
        {"{\"t\":\"1\",\"a\":{\"t\":\"2\"}}", false, "in different objects"},
        {"{\"a\":{\"t\":\"1\"},\"b\":{\"t\":\"2\"}}", false, "in siblings"},
        {"{\"a\":{\"t\":\"1\",\"t\":\"2\"}}", true, "in a nested object"},
        {"[{\"t\":\"1\"},{\"t\":\"2\"}]", false, "in elements"},
        {"{\"t\":\"1\",\"x\":\"t\",\"y\":\"2\"}", false, "the name as a value"},
        {"{\"t\":[\"1\",\"2\"]}", false, "strings in an array"},
        {"{\"t\":\"1\",\"tt\":\"2\"}", false, "a longer name"},
        {"{\"t\":\"\\\"\",\"t\":\"\\\\\"}", true, "with escapes"},
        {"{\"t\":null,\"t\":\"1\"}", false, "null and a value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (ti_json_contradicts(rows[i].text, strlen(rows[i].text), "t") != rows[i].contradicts) {
            fail_msg("%s: %s", rows[i].why, rows[i].text);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_wiped_before_they_are_given_up),
        cmocka_unit_test(depth_is_checked_before_parsing),
        cmocka_unit_test(brackets_in_strings_are_no_depth),
        cmocka_unit_test(size_is_checked_before_parsing),
        cmocka_unit_test(a_syntax_error_says_where),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(a_string_is_whole_or_there_is_none),
        cmocka_unit_test(numbers_may_be_strings),
        cmocka_unit_test(strings_with_a_nul_are_none),
        cmocka_unit_test(contradictions_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
