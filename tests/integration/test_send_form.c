/* Forms through a session: what arrives, and what is sent again after a 401, a redirect, a 503. */
#include "support/fixture.h"
#include "support/sending.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* A form as a browser would send it: a field, a file from disk, and one that comes in pieces. */
typedef struct form {
    char *directory, *path;
    stream stream;
    tacit_part field, file, streamed;
    const tacit_part *parts[4];
} form;

static void form_init(form *f) {
    FILE *file;

    *f = (form){.directory = fixture_directory_new(),
                .stream = {.size = 20000, .piece = 999},
                .field = TACIT_PART_INIT,
                .file = TACIT_PART_INIT,
                .streamed = TACIT_PART_INIT};
    assert_non_null(f->directory);
    f->path = fixture_path(f->directory, "notes.txt");
    file = fopen(f->path, "w");
    assert_non_null(file);
    fputs("on the disk", file);
    assert_int_equal(fclose(file), 0);

    f->field.name = "title";
    f->field.data = "a \"title\"";
    f->field.size = 9;
    f->file.name = "notes";
    f->file.file = f->path;
    f->file.content_type = "text/plain";
    f->streamed.name = "video";
    f->streamed.file_name = "v.bin";
    f->streamed.read = read_stream;
    f->streamed.rewind = rewind_stream;
    f->streamed.read_data = &f->stream;
    f->parts[0] = &f->field;
    f->parts[1] = &f->file;
    f->parts[2] = &f->streamed;
}

static void form_free(form *f) {
    free(f->path);
    fixture_directory_free(f->directory);
}

static tacit_request request_with(world *w, const form *f) {
    tacit_request request = request_to(server_url(world_server(w), "/api/x"));

    request.parts = f->parts;
    return request;
}

/* Behind the part's head, which has this in it. */
static const char *content_of(const ts_record *record, const char *in_head) {
    const char *head = strstr(record->body, in_head);
    const char *end = head == NULL ? NULL : strstr(head, "\r\n\r\n");

    if (end == NULL) fail_msg("no part has %s", in_head);
    return end + 4;
}

static void assert_starts(const char *text, const char *expected) {
    if (strncmp(text, expected, strlen(expected)) != 0) {
        fail_msg("\"%.40s\" does not begin with \"%s\"", text, expected);
    }
}

/* All three parts arrived whole, in the request with this number. */
static void assert_arrived(world *w, size_t index) {
    ts_record record = record_of(world_server(w), index);
    const char *streamed;

    assert_string_equal(record.method, "POST");
    assert_non_null(strstr(record.headers, "Content-Type: multipart/form-data; boundary="));
    assert_starts(content_of(&record, "name=\"title\""), "a \"title\"\r\n--");
    assert_starts(
        content_of(&record, "name=\"notes\"; filename=\"notes.txt\"\r\nContent-Type: text/plain"),
        "on the disk\r\n--");
    streamed = content_of(&record, "name=\"video\"; filename=\"v.bin\"");
    for (size_t i = 0; i < 20000; i++) {
        if (streamed[i] != (char)('a' + i % 26)) fail_msg("byte %zu", i);
    }
    assert_starts(streamed + 20000, "\r\n--");
    server_record_free(&record);
}

static void a_form_arrives_whole(void **state) {
    (void)state;
    for (int known = 0; known < 2; known++) {
        world *w = signed_in(NULL);
        tacit_request request;
        ts_record record;
        form f;

        form_init(&f);
        f.streamed.read_size = known ? 20000 : 0;
        request = request_with(w, &f);
        assert_int_equal(status_of(w, &request), 200);

        assert_arrived(w, 0);
        record = record_of(world_server(w), 0);
        assert_int_equal(strstr(record.headers, "Content-Length:") != NULL, known);
        server_record_free(&record);
        form_free(&f);
        world_free(w);
    }
}

static void a_form_is_sent_again_whole_after_a_401(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request request;
    tacit_response *response;
    form f;

    form_init(&f);
    request = request_with(w, &f);
    server_revoke_access_tokens(world_server(w));
    response = must_send(w, &request);

    assert_int_equal(tacit_response_status(response), 200);
    assert_int_equal(tacit_response_attempts(response), 2);
    assert_int_equal(f.stream.rewinds, 1);
    assert_arrived(w, 1);
    tacit_response_free(response);
    form_free(&f);
    world_free(w);
}

static void a_form_follows_a_redirect_that_wants_it(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request request;
    ts_record record;
    form f;

    form_init(&f);
    request = request_with(w, &f);
    server_redirect(world_server(w), TS_API, 1, 307, server_url(world_server(w), "/api/y"));
    assert_int_equal(status_of(w, &request), 200);
    assert_arrived(w, 1);

    server_redirect(world_server(w), TS_API, 1, 303, server_url(world_server(w), "/api/y"));
    assert_int_equal(status_of(w, &request), 200);
    record = record_of(world_server(w), 3);
    assert_string_equal(record.method, "GET");
    assert_int_equal(record.body_size, 0);
    assert_null(strstr(record.headers, "multipart"));
    server_record_free(&record);
    form_free(&f);
    world_free(w);
}

static void a_form_is_retried_whole_where_the_method_allows(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request request;
    ts_record record;
    form f;

    form_init(&f);
    request = request_with(w, &f);
    request.method = "PUT";
    request.retries_max = 1;
    server_fail(world_server(w), TS_API, 1, 503);
    assert_int_equal(status_of(w, &request), 200);

    assert_int_equal(f.stream.rewinds, 1);
    record = record_of(world_server(w), 1);
    assert_non_null(strstr(record.body, "name=\"video\""));
    assert_true(record.body_size > 20000);
    server_record_free(&record);
    form_free(&f);
    world_free(w);
}

static void a_part_that_cannot_be_rewound_says_so(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request request;
    tacit_error error;
    form f;

    form_init(&f);
    f.streamed.rewind = NULL;
    request = request_with(w, &f);
    server_revoke_access_tokens(world_server(w));
    error = must_fail(w, &request, TACIT_ERR_BODY_NOT_REPLAYABLE);

    assert_int_equal(error.http_status, 401);
    assert_true(error.retryable);
    form_free(&f);
    world_free(w);
}

static void a_form_without_callbacks_needs_no_rewind(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request request;
    ts_record record;
    form f;

    form_init(&f);
    f.parts[2] = NULL;
    request = request_with(w, &f);
    server_revoke_access_tokens(world_server(w));
    assert_int_equal(status_of(w, &request), 200);

    record = record_of(world_server(w), 1);
    assert_starts(content_of(&record, "name=\"notes\""), "on the disk\r\n--");
    server_record_free(&record);
    form_free(&f);
    world_free(w);
}

static void a_file_that_cannot_be_read_is_told_before_anything_is_sent(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request request;
    tacit_error error;
    form f;

    form_init(&f);
    assert_int_equal(remove(f.path), 0);
    request = request_with(w, &f);
    error = must_fail(w, &request, TACIT_ERR_FILE);

    assert_int_equal(error.os_error, ENOENT);
    assert_false(error.outcome_unknown);
    assert_int_equal(server_counters(world_server(w)).api_requests, 0);
    form_free(&f);
    world_free(w);
}

static void a_part_that_lies_about_its_size_stops_the_request(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_request request;
    form f;

    form_init(&f);
    f.streamed.read_size = 20001;
    request = request_with(w, &f);
    request.method = "PUT";
    request.retries_max = 3;
    must_fail(w, &request, TACIT_ERR_CANCELLED);
    assert_int_equal(f.stream.rewinds, 0);
    form_free(&f);

    form_init(&f);
    f.stream.abort = true;
    request = request_with(w, &f);
    must_fail(w, &request, TACIT_ERR_CANCELLED);
    assert_int_equal(f.stream.reads, 1);
    form_free(&f);
    world_free(w);
}

static void nothing_in_a_name_ends_its_line(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    tacit_part part = TACIT_PART_INIT;
    const tacit_part *parts[] = {&part, NULL};
    tacit_request request = request_to(server_url(world_server(w), "/api/x"));
    ts_record record;

    part.name = "a\"; filename=\"evil";
    part.data = "v";
    part.size = 1;
    request.parts = parts;
    assert_int_equal(status_of(w, &request), 200);
    record = record_of(world_server(w), 0);
    assert_null(strstr(record.body, "filename=\"evil\""));
    assert_starts(content_of(&record, "name=\"a"), "v\r\n--");
    server_record_free(&record);

    part.name = "a\r\nX-Injected: 1";
    must_fail(w, &request, TACIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(server_counters(world_server(w)).api_requests, 1);
    world_free(w);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_arrives_whole),
        cmocka_unit_test(a_form_is_sent_again_whole_after_a_401),
        cmocka_unit_test(a_form_follows_a_redirect_that_wants_it),
        cmocka_unit_test(a_form_is_retried_whole_where_the_method_allows),
        cmocka_unit_test(a_part_that_cannot_be_rewound_says_so),
        cmocka_unit_test(a_form_without_callbacks_needs_no_rewind),
        cmocka_unit_test(a_file_that_cannot_be_read_is_told_before_anything_is_sent),
        cmocka_unit_test(a_part_that_lies_about_its_size_stops_the_request),
        cmocka_unit_test(nothing_in_a_name_ends_its_line),
    };

    int failed = cmocka_run_group_tests_name("on this thread", tests, NULL, NULL);

    through_engine = true;
    return failed + cmocka_run_group_tests_name("on the engine's", tests, NULL, NULL);
}
