/* Starting libcurl and jansson, once per process: the tests build on each other. */
#include "transport_fixture.h"

#include "support/server.h"

#include "support/allocator.h"

#include "transport/global.c"

static void unknown_flags_are_refused(void **state) {
    (void)state;
    tacit_error error;

    assert_int_equal(tacit_global_init(2, &error), TACIT_ERR_INVALID_ARGUMENT);

    assert_non_null(strstr(error.message, "flags"));
}

static void it_is_done_once(void **state) {
    (void)state;
    tacit_error error;

    assert_int_equal(tacit_global_init(TACIT_GLOBAL_WIPE_LIBRARY_MEMORY, &error), TACIT_OK);

    assert_int_equal(tacit_global_init(0, &error), TACIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(ti_global_init(&error), TACIT_OK);
}

static void what_the_libraries_free_is_wiped(void **state) {
    (void)state;
    json_t *token = json_string("a token in an answer");
    char *text = json_dumps(token, JSON_ENCODE_ANY);
    allocator_watch(text, strlen(text));

    json_malloc_t allocate;
    json_free_t give_back;
    json_get_alloc_funcs(&allocate, &give_back);
    give_back(text);

    assert_true(allocator_saw_wiped());
    json_decref(token);
    char *escaped = curl_easy_escape(NULL, "a token", 0);
    allocator_watch(escaped, strlen(escaped));
    curl_free(escaped);
    assert_true(allocator_saw_wiped());
}

static void growing_wipes_what_it_leaves(void **state) {
    (void)state;
    char *small = wiping_realloc(NULL, 16);
    assert_non_null(small);
    memcpy(small, "0123456789abcdef", 16);
    allocator_watch(small, 16);

    char *large = wiping_realloc(small, 4096);

    assert_non_null(large);
    assert_memory_equal(large, "0123456789abcdef", 16);
    assert_true(allocator_saw_wiped());
    wiping_free(large);
    wiping_free(NULL);
}

static void growing_without_memory_leaves_the_old_block(void **state) {
    (void)state;
    char *block = wiping_realloc(NULL, 16);
    assert_non_null(block);
    memcpy(block, "0123456789abcdef", 16);
    allocator.left = 0;

    assert_null(wiping_realloc(block, 32));

    allocator.left = SIZE_MAX;
    assert_memory_equal(block, "0123456789abcdef", 16);
    wiping_free(block);
}

static void requests_work_with_wiping_allocators(void **state) {
    fixture *f = *state;
    fixture_start(f);
    ts_server *server = server_start(NULL);
    assert_non_null(server);

    for (int i = 0; i < 3; i++) {
        assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, server_url(server, "/nothing"), NULL),
                         TACIT_OK);
    }

    assert_int_equal(f->answer.status, 404);
    server_stop(server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_flags_are_refused),
        cmocka_unit_test(it_is_done_once),
        cmocka_unit_test(what_the_libraries_free_is_wiped),
        cmocka_unit_test(growing_wipes_what_it_leaves),
        cmocka_unit_test(growing_without_memory_leaves_the_old_block),
        FIXTURE_TEST(requests_work_with_wiping_allocators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
