#include "base/error.h"

#include "support/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An error that says something in every field. */
static tacit_error full_error(void) {
    tacit_error error;
    memset(&error, 'x', sizeof error);
    error.oauth_error[sizeof error.oauth_error - 1] = '\0';
    error.oauth_error_description[sizeof error.oauth_error_description - 1] = '\0';
    error.message[sizeof error.message - 1] = '\0';
    error.status = TACIT_ERR_OAUTH;
    error.http_status = 400;
    error.os_error = EIO;
    error.retry_after_s = 7;
    error.retryable = error.sign_in_required = error.outcome_unknown = true;
    return error;
}

static void assert_success(const tacit_error *error) {
    assert_int_equal(error->status, TACIT_OK);
    assert_int_equal(error->http_status, 0);
    assert_int_equal(error->os_error, 0);
    assert_int_equal(error->retry_after_s, 0);
    assert_false(error->retryable);
    assert_false(error->sign_in_required);
    assert_false(error->outcome_unknown);
    for (size_t i = 0; i < sizeof error->reserved; i++) assert_int_equal(error->reserved[i], 0);
    assert_string_equal(error->oauth_error, "");
    assert_string_equal(error->oauth_error_description, "");
    assert_string_equal(error->message, "");
}

/* What a program may conclude from each status. */
static const struct {
    int number;
    tacit_status status;
    const char *name;
    bool retryable;
} statuses[] = {
    {0, TACIT_OK, "TACIT_OK", false},
    {1, TACIT_ERR_INVALID_ARGUMENT, "TACIT_ERR_INVALID_ARGUMENT", false},
    {2, TACIT_ERR_NO_MEMORY, "TACIT_ERR_NO_MEMORY", true},
    {3, TACIT_ERR_UNSUPPORTED, "TACIT_ERR_UNSUPPORTED", false},
    {4, TACIT_ERR_REENTRANT, "TACIT_ERR_REENTRANT", false},
    {5, TACIT_ERR_FORKED, "TACIT_ERR_FORKED", false},
    {6, TACIT_ERR_CLOSED, "TACIT_ERR_CLOSED", false},
    {7, TACIT_ERR_CANCELLED, "TACIT_ERR_CANCELLED", false},
    {8, TACIT_ERR_BUSY, "TACIT_ERR_BUSY", true},
    {20, TACIT_ERR_NETWORK, "TACIT_ERR_NETWORK", true},
    {21, TACIT_ERR_TLS, "TACIT_ERR_TLS", true},
    {22, TACIT_ERR_TIMEOUT, "TACIT_ERR_TIMEOUT", true},
    {23, TACIT_ERR_INSECURE_URL, "TACIT_ERR_INSECURE_URL", false},
    {24, TACIT_ERR_ORIGIN_NOT_ALLOWED, "TACIT_ERR_ORIGIN_NOT_ALLOWED", false},
    {25, TACIT_ERR_TOO_LARGE, "TACIT_ERR_TOO_LARGE", false},
    {26, TACIT_ERR_BODY_NOT_REPLAYABLE, "TACIT_ERR_BODY_NOT_REPLAYABLE", false},
    {27, TACIT_ERR_FILE, "TACIT_ERR_FILE", false},
    {40, TACIT_ERR_SIGN_IN_REQUIRED, "TACIT_ERR_SIGN_IN_REQUIRED", false},
    {41, TACIT_ERR_SIGNED_OUT, "TACIT_ERR_SIGNED_OUT", false},
    {42, TACIT_ERR_SERVER, "TACIT_ERR_SERVER", true},
    {43, TACIT_ERR_OAUTH, "TACIT_ERR_OAUTH", false},
    {44, TACIT_ERR_PROTOCOL, "TACIT_ERR_PROTOCOL", true},
    {45, TACIT_ERR_REFRESH_STORM, "TACIT_ERR_REFRESH_STORM", true},
    {46, TACIT_ERR_ACCESS_DENIED, "TACIT_ERR_ACCESS_DENIED", false},
    {47, TACIT_ERR_EXPIRED, "TACIT_ERR_EXPIRED", false},
    {60, TACIT_ERR_STORE_NOT_FOUND, "TACIT_ERR_STORE_NOT_FOUND", false},
    {61, TACIT_ERR_STORE_LOCKED, "TACIT_ERR_STORE_LOCKED", true},
    {62, TACIT_ERR_STORE_UNAVAILABLE, "TACIT_ERR_STORE_UNAVAILABLE", true},
    {63, TACIT_ERR_STORE_CORRUPT, "TACIT_ERR_STORE_CORRUPT", false},
    {64, TACIT_ERR_STORE_TOO_LARGE, "TACIT_ERR_STORE_TOO_LARGE", false},
    {65, TACIT_ERR_STORE_FAILED, "TACIT_ERR_STORE_FAILED", true},
};
#define STATUS_COUNT (sizeof statuses / sizeof statuses[0])

static void numbers_and_names_are_part_of_the_abi(void **state) {
    (void)state;
    size_t next = 0;
    for (int number = -3; number < 200; number++) {
        bool known = next < STATUS_COUNT && statuses[next].number == number;
        const char *expected = known ? statuses[next].name : "TACIT_ERR_UNKNOWN";
        if (known) assert_int_equal(statuses[next++].status, number);
        assert_string_equal(tacit_status_name((tacit_status)number), expected);
    }
    assert_int_equal(next, STATUS_COUNT);
}

static void set_decides_from_the_status_and_forgets_the_rest(void **state) {
    (void)state;
    for (size_t i = 1; i < STATUS_COUNT; i++) {
        tacit_error error = full_error();

        assert_int_equal(ti_error_set(&error, statuses[i].status, "%s, %d", "one", 2),
                         statuses[i].status);

        bool sign_in = statuses[i].status == TACIT_ERR_SIGN_IN_REQUIRED;
        if (error.retryable != statuses[i].retryable) fail_msg("%s", statuses[i].name);
        if (error.sign_in_required != sign_in) fail_msg("%s", statuses[i].name);
        assert_int_equal(error.status, statuses[i].status);
        assert_string_equal(error.message, "one, 2");
        error.status = TACIT_OK;
        error.retryable = error.sign_in_required = false;
        error.message[0] = '\0';
        assert_success(&error);
    }
}

static void clear_resets_everything(void **state) {
    (void)state;
    tacit_error error = full_error();

    assert_int_equal(ti_error_clear(&error), TACIT_OK);

    assert_success(&error);
}

static void every_function_takes_a_null_error(void **state) {
    (void)state;
    tacit_error from = full_error();
    size_t source = 0, target;

    assert_int_equal(ti_error_clear(NULL), TACIT_OK);
    assert_int_equal(ti_error_set(NULL, TACIT_ERR_TLS, "text"), TACIT_ERR_TLS);
    assert_int_equal(ti_error_no_memory(NULL), TACIT_ERR_NO_MEMORY);
    assert_int_equal(ti_error_argument(NULL, "url", "is NULL"), TACIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(ti_error_copy(NULL, &from), TACIT_ERR_OAUTH);
    assert_int_equal(ti_error_copy(NULL, NULL), TACIT_OK);
    assert_false(ti_struct_read(&target, sizeof target, &source, "options", "MACRO", NULL));
}

static void no_memory_says_so(void **state) {
    (void)state;
    tacit_error error = full_error();

    assert_int_equal(ti_error_no_memory(&error), TACIT_ERR_NO_MEMORY);

    assert_int_equal(error.status, TACIT_ERR_NO_MEMORY);
    assert_string_equal(error.message, "Out of memory.");
}

static void argument_is_named(void **state) {
    (void)state;
    tacit_error error;

    ti_error_argument(&error, "options->client_id", "is NULL");

    assert_string_equal(error.message, "options->client_id is NULL");
}

static void copy_is_by_value(void **state) {
    (void)state;
    tacit_error from = full_error(), error;

    assert_int_equal(ti_error_copy(&error, &from), TACIT_ERR_OAUTH);
    assert_memory_equal(&error, &from, sizeof error);

    assert_int_equal(ti_error_copy(&error, NULL), TACIT_OK);
    assert_success(&error);
}

static void set_may_quote_the_error_it_replaces(void **state) {
    (void)state;
    tacit_error error;
    ti_error_set(&error, TACIT_ERR_NETWORK, "the cause");

    ti_error_set(&error, TACIT_ERR_TIMEOUT, "Too late: %s", error.message);

    assert_string_equal(error.message, "Too late: the cause");
}

static void long_sentence_is_cut_at_a_character(void **state) {
    (void)state;
    static const struct {
        size_t ascii; /* so many letters, then the character, then more */
        const char *character;
        size_t expected;
        const char *why;
    } cases[] = {
        {382, "\xC3\xA9", 382, "two bytes, the second does not fit"},
        {381, "\xC3\xA9", 383, "two bytes that just fit"},
        {381, "\xE2\x82\xAC", 381, "three bytes, the last does not fit"},
        {382, "\xE2\x82\xAC", 382, "three bytes, the first fits"},
        {380, "\xF0\x9F\x94\x91", 380, "four bytes, the last does not fit"},
        {379, "\xF0\x9F\x94\x91", 383, "four bytes that just fit"},
        {383, "\xF0\x9F\x94\x91", 383, "nothing of it fits"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tacit_error error;
        char letters[400];
        memset(letters, 'a', sizeof letters);
        letters[cases[i].ascii] = '\0';

        ti_error_set(&error, TACIT_ERR_OAUTH, "%s%sand more", letters, cases[i].character);

        if (strlen(error.message) != cases[i].expected) {
            fail_msg("%s: %zu bytes", cases[i].why, strlen(error.message));
        }
    }
}

static void text_is_cut_and_made_printable(void **state) {
    (void)state;
    static const struct {
        size_t size;
        const char *text, *expected, *why;
    } cases[] = {
        {8, NULL, "", "NULL"},
        {8, "", "", "nothing"},
        {1, "abc", "", "no room"},
        {8, "1234567", "1234567", "just fits"},
        {8, "12345678", "1234567", "one too many"},
        {8, "123456\xC3\xA9", "123456", "cut before a character of two bytes"},
        {8, "12345\xC3\xA9", "12345\xC3\xA9", "which fits here"},
        {3, "\xF0\x9F\x94\x91", "", "the first character does not fit"},
        {4, "\x80\x80\x80\x80\x80", "\x80\x80\x80", "not UTF-8: cut anywhere"},
        {8, "\x80\x80\x80\x80\x80\x80\x80\x80\x80", "\x80\x80\x80\x80\x80\x80\x80",
         "nor with more of it"},
        {16, "a\r\nb\tc\x1B[1m\x7F", "a  b c [1m ", "control characters"},
        {16,
         "a\xC2\x9B"
         "1m\xC2\x85",
         "a  1m  ", "and those beyond ASCII"},
        {16, "\xC2\xA0\xC3\x85", "\xC2\xA0\xC3\x85", "whose neighbours stay"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char target[16];
        memset(target, '#', sizeof target);
        ti_error_text(target, cases[i].size, cases[i].text);
        if (strcmp(target, cases[i].expected) != 0) fail_msg("%s: \"%s\"", cases[i].why, target);
        for (size_t k = cases[i].size; k < sizeof target; k++) assert_int_equal(target[k], '#');
    }
}

static void text_without_room_is_left_alone(void **state) {
    (void)state;
    char target = '#';

    ti_error_text(&target, 0, "abc");

    assert_int_equal(target, '#');
}

static void text_is_not_read_beyond_what_is_needed(void **state) {
    (void)state;
    char *text = malloc(4); /* without a NUL: the sanitizers see a read behind it */
    char target[4];
    memcpy(text, "abcd", 4);

    ti_error_text(target, sizeof target, text);

    assert_string_equal(target, "abc");
    free(text);
}

typedef struct sample {
    size_t struct_size;
    int first, second;
    const char *third;
} sample;

/* A struct as another version of the library knows it: on the heap, and no byte longer. */
static sample *sample_of_size(size_t size) {
    sample whole = {.struct_size = size, .first = 1, .second = 2, .third = "3"};
    char *bytes = malloc(size);
    memset(bytes, 'x', size);
    memcpy(bytes, &whole, size < sizeof whole ? size : sizeof whole);
    return (sample *)(void *)bytes;
}

static void struct_of_any_version_is_read(void **state) {
    (void)state;
    static const struct {
        size_t size;
        int first, second;
        bool third;
        const char *why;
    } cases[] = {
        {sizeof(sample), 1, 2, true, "the same version"},
        {sizeof(sample) + 24, 1, 2, true, "a newer app: its new fields are not known"},
        {offsetof(sample, third), 1, 2, false, "an older app: the new field is zero"},
        {offsetof(sample, second), 1, 0, false, "a still older one"},
        {sizeof(size_t), 0, 0, false, "nothing but the size"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sample *source = sample_of_size(cases[i].size), target;
        tacit_error error = TACIT_ERROR_INIT;
        memset(&target, 'y', sizeof target);

        bool read = ti_struct_read(&target, sizeof target, source, "options", "MACRO", &error);

        if (!read || target.first != cases[i].first || target.second != cases[i].second ||
            (target.third != NULL) != cases[i].third) {
            fail_msg("%s", cases[i].why);
        }
        assert_int_equal(target.struct_size, cases[i].size);
        assert_success(&error);
        free(source);
    }
}

static void struct_without_size_is_refused_with_the_macro_to_use(void **state) {
    (void)state;
    for (size_t size = 0; size < sizeof(size_t); size++) {
        sample source = {.struct_size = size, .first = 1}, target = {.first = 5};
        tacit_error error;

        assert_false(ti_struct_read(&target, sizeof target, &source, "options",
                                    "TACIT_CLIENT_OPTIONS_INIT", &error));

        assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, "options->struct_size"));
        assert_non_null(strstr(error.message, "TACIT_CLIENT_OPTIONS_INIT"));
        assert_int_equal(target.first, 0);
    }
}

static void missing_struct_is_refused(void **state) {
    (void)state;
    sample target;
    tacit_error error;

    assert_false(ti_struct_read(&target, sizeof target, NULL, "options", "MACRO", &error));

    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_string_equal(error.message, "options is NULL");
}

static void struct_of_any_version_is_filled(void **state) {
    (void)state;
    static const struct {
        size_t size, filled;
        const char *why;
    } cases[] = {
        {sizeof(sample), sizeof(sample), "the same version"},
        {sizeof(sample) + 8, sizeof(sample), "a newer app with one more field"},
        {sizeof(sample) + 24, sizeof(sample), "a newer app: its new fields are left alone"},
        {offsetof(sample, second), offsetof(sample, second), "an older app"},
        {sizeof(size_t), sizeof(size_t), "nothing but the size"},
    };
    const sample source = {.struct_size = 999, .first = 11, .second = 12, .third = "13"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sample *target = sample_of_size(cases[i].size), *before = sample_of_size(cases[i].size);

        ti_struct_write(target, &source, sizeof source);

        size_t filled = cases[i].filled, head = sizeof(size_t);
        assert_int_equal(target->struct_size, cases[i].size);
        if (memcmp((char *)target + head, (const char *)&source + head, filled - head) != 0 ||
            memcmp((char *)target + filled, (char *)before + filled, cases[i].size - filled) != 0) {
            fail_msg("%s", cases[i].why);
        }
        free(before);
        free(target);
    }
}

static void nothing_to_fill_is_left_alone(void **state) {
    (void)state;
    const sample source = {.struct_size = sizeof source, .first = 11};
    sample target = {.struct_size = 0, .first = 1};

    ti_struct_write(NULL, &source, sizeof source);
    ti_struct_write(&target, &source, sizeof source);

    assert_int_equal(target.struct_size, 0);
    assert_int_equal(target.first, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_names_are_part_of_the_abi),
        cmocka_unit_test(set_decides_from_the_status_and_forgets_the_rest),
        cmocka_unit_test(clear_resets_everything),
        cmocka_unit_test(every_function_takes_a_null_error),
        cmocka_unit_test(no_memory_says_so),
        cmocka_unit_test(argument_is_named),
        cmocka_unit_test(copy_is_by_value),
        cmocka_unit_test(set_may_quote_the_error_it_replaces),
        cmocka_unit_test(long_sentence_is_cut_at_a_character),
        cmocka_unit_test(text_is_cut_and_made_printable),
        cmocka_unit_test(text_without_room_is_left_alone),
        cmocka_unit_test(text_is_not_read_beyond_what_is_needed),
        cmocka_unit_test(struct_of_any_version_is_read),
        cmocka_unit_test(struct_without_size_is_refused_with_the_macro_to_use),
        cmocka_unit_test(missing_struct_is_refused),
        cmocka_unit_test(struct_of_any_version_is_filled),
        cmocka_unit_test(nothing_to_fill_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
