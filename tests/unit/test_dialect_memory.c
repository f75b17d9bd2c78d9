/* A dialect is read whole or not at all: whichever allocation fails, the error says so and nothing is
 * left behind (the sanitizers look). jansson's allocations count, libcurl's do not. */
#include "tests/support/unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static size_t left; /* so many more are granted */

static bool is_granted(void) {
    if (left == 0) return false;
    left--;
    return true;
}

static void *counted_malloc(size_t size) {
    return is_granted() ? malloc(size) : NULL;
}

static void *counted_calloc(size_t count, size_t size) {
    return is_granted() ? calloc(count, size) : NULL;
}

static char *counted_strdup(const char *text) {
    return is_granted() ? strdup(text) : NULL;
}

#undef strdup
#define calloc(count, size) counted_calloc(count, size)
#define strdup(text) counted_strdup(text)
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "oauth/dialect.c"
#include "oauth/dialect_fields.c"
#include "oauth/dialect_request.c"
#include "oauth/place.c"
/* NOLINTEND(bugprone-suspicious-include) */
#undef calloc
#undef strdup

static const char text[] =
    "{\"sign_in\":{\"url\":\"https://a.example/\",\"fields\":{\"u\":{\"e\":\"{username}\"},"
    "\"n\":[1,1.5,true,\"x\"]},\"headers\":[\"A: b\",\"C: d\"]},"
    "\"refresh\":{\"send\":\"cookie\",\"field\":\"rt\",\"method\":\"PUT\"},"
    "\"sign_out\":{\"url\":\"https://a.example/out\",\"token\":\"access_token\"},"
    "\"response\":{\"access_token\":\"/t\",\"error\":\"/e\"},"
    "\"signed_out_statuses\":[401,403],\"signed_out_errors\":[\"x\",\"y\"],"
    "\"reuse_errors\":[\"z\"],\"sliding_header\":\"X-Token\",\"fingerprint\":[\"A\",\"B\"]}";

static void each_allocation_may_fail(void **state) {
    (void)state;
    ti_dialect *whole, *read = NULL;
    json_t *value;
    size_t n;
    left = SIZE_MAX;
    json_set_alloc_funcs(counted_malloc, free);
    value = json_loads(text, 0, NULL);
    whole = ti_dialect_parse(value, NULL);
    assert_non_null(whole);

    for (n = 0; read == NULL; n++) {
        tacit_error error = {.status = TACIT_OK};
        left = n;

        read = ti_dialect_parse(value, &error);

        left = SIZE_MAX;
        if (read == NULL) assert_int_equal(error.status, TACIT_ERR_NO_MEMORY);
    }

    assert_true(n > 30);
    assert_true(ti_dialect_equal(read, whole));
    ti_dialect_free(read);
    ti_dialect_free(whole);
    json_decref(value);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
