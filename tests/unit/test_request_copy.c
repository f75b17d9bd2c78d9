#include "call/request_copy.h"

#include "call/request.h"

#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

static size_t read_nothing(char *buffer, size_t capacity, void *read_data) {
    (void)buffer;
    (void)capacity;
    (void)read_data;
    return 0;
}

static void forget(void *data) {
    (void)data;
}

/* Text that is gone when the test says so. */
static char *passing(const char *text) {
    char *copy = strdup(text);

    assert_non_null(copy);
    return copy;
}

static void pass(char *text) {
    memset(text, '?', strlen(text));
    free(text);
}

static void nothing_of_the_original_is_needed(void **state) {
    (void)state;
    char *texts[] = {passing("PUT"),      passing("https://a.example/"),
                     passing("X-One: 1"), passing("X-Two: 2"),
                     passing("body"),     passing("/tmp/x")};
    const char **headers = calloc(3, sizeof *headers);
    tacit_request request = TACIT_REQUEST_INIT, *copy;

    headers[0] = texts[2];
    headers[1] = texts[3];
    request.method = texts[0];
    request.url = texts[1];
    request.headers = headers;
    request.body = texts[4];
    request.body_size = 4;
    request.file = texts[5];
    request.timeout_ms = 17;
    request.retries_max = 3;
    request.progress_data = &request;
    copy = ti_request_copy(&request);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) pass(texts[i]);
    free(headers);

    assert_non_null(copy);
    assert_string_equal(copy->method, "PUT");
    assert_string_equal(copy->url, "https://a.example/");
    assert_string_equal(copy->headers[0], "X-One: 1");
    assert_string_equal(copy->headers[1], "X-Two: 2");
    assert_null(copy->headers[2]);
    assert_memory_equal(copy->body, "body", 4);
    assert_int_equal(copy->body_size, 4);
    assert_string_equal(copy->file, "/tmp/x");
    assert_int_equal(copy->timeout_ms, 17);
    assert_int_equal(copy->retries_max, 3);
    assert_ptr_equal(copy->progress_data, &request);
    ti_request_copy_free(copy);
}

static void what_is_not_there_is_not_there_in_the_copy(void **state) {
    (void)state;
    tacit_request request = TACIT_REQUEST_INIT, *copy;

    request.method = "GET";
    copy = ti_request_copy(&request);

    assert_null(copy->url);
    assert_null(copy->headers);
    assert_null(copy->body);
    assert_null(copy->parts);
    assert_null(copy->file);
    ti_request_copy_free(copy);
    ti_request_copy_free(NULL);
}

static void an_empty_body_stays_one(void **state) {
    (void)state;
    tacit_request request = TACIT_REQUEST_INIT, *copy;

    request.method = "POST";
    request.body = "";
    copy = ti_request_copy(&request);

    assert_true(ti_request_has_body(copy));
    assert_int_equal(copy->body_size, 0);
    ti_request_copy_free(copy);
}

static void a_body_that_is_released_later_is_borrowed(void **state) {
    (void)state;
    static const char body[] = "as large as one likes";
    tacit_request request = TACIT_REQUEST_INIT, *copy;

    request.method = "POST";
    request.body = body;
    request.body_size = sizeof body - 1;
    request.body_release = forget;
    copy = ti_request_copy(&request);

    assert_ptr_equal(copy->body, body);
    ti_request_copy_free(copy);
}

static void parts_are_copied_whole(void **state) {
    (void)state;
    char *texts[] = {passing("photo"), passing("a.jpg"), passing("image/jpeg"), passing("b.bin"),
                     passing("data")};
    tacit_part *bytes = calloc(1, sizeof *bytes), *streamed = calloc(1, sizeof *streamed);
    tacit_part *file = calloc(1, sizeof *file);
    const tacit_part *parts[] = {bytes, streamed, file, NULL};
    tacit_request request = TACIT_REQUEST_INIT, *copy;

    *bytes = (tacit_part){.struct_size = sizeof *bytes,
                          .name = texts[0],
                          .file_name = texts[1],
                          .content_type = texts[2],
                          .data = texts[4],
                          .size = 4};
    *streamed = (tacit_part){
        .struct_size = sizeof *streamed, .name = "s", .read = read_nothing, .read_data = &request};
    *file = (tacit_part){.struct_size = sizeof *file, .name = "f", .file = texts[3]};
    request.method = "POST";
    request.parts = parts;
    copy = ti_request_copy(&request);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) pass(texts[i]);
    free(bytes);
    free(streamed);
    free(file);

    assert_string_equal(copy->parts[0]->name, "photo");
    assert_string_equal(copy->parts[0]->file_name, "a.jpg");
    assert_string_equal(copy->parts[0]->content_type, "image/jpeg");
    assert_memory_equal(copy->parts[0]->data, "data", 4);
    assert_int_equal(copy->parts[0]->size, 4);
    assert_ptr_equal(copy->parts[1]->read, read_nothing);
    assert_ptr_equal(copy->parts[1]->read_data, &request);
    assert_null(copy->parts[1]->data);
    assert_string_equal(copy->parts[2]->file, "b.bin");
    assert_null(copy->parts[3]);
    ti_request_copy_free(copy);
}

/* A program compiled against an older header. */
static void nothing_beyond_a_parts_struct_size_is_read(void **state) {
    (void)state;
    size_t size = offsetof(tacit_part, read);
    tacit_part *old = malloc(size);
    const tacit_part *parts[] = {old, NULL};
    tacit_part full = {.struct_size = size, .name = "n", .data = "v", .size = 1};
    tacit_request request = TACIT_REQUEST_INIT, *copy;

    memcpy(old, &full, size);
    request.method = "POST";
    request.parts = parts;
    copy = ti_request_copy(&request);
    free(old);

    assert_int_equal(copy->parts[0]->struct_size, sizeof(tacit_part));
    assert_null(copy->parts[0]->read);
    assert_string_equal(copy->parts[0]->name, "n");
    ti_request_copy_free(copy);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_of_the_original_is_needed),
        cmocka_unit_test(what_is_not_there_is_not_there_in_the_copy),
        cmocka_unit_test(an_empty_body_stays_one),
        cmocka_unit_test(a_body_that_is_released_later_is_borrowed),
        cmocka_unit_test(parts_are_copied_whole),
        cmocka_unit_test(nothing_beyond_a_parts_struct_size_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
