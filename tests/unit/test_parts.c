/* What may be in a form, and what else a request with one, or with a file, may have. */
#include "call/parts.h"
#include "request_fixture.h"

#include <stdio.h>
#include <string.h>

#define URL "https://api.example.com/"

static size_t read_one(char *buffer, size_t capacity, void *read_data) {
    int *reads = read_data;

    assert_true(capacity > 0);
    buffer[0] = 'x';
    (*reads)++;
    return 1;
}

static bool rewind_it(void *read_data) {
    int *reads = read_data;

    *reads = 0;
    return true;
}

static bool refuse_to_rewind(void *read_data) {
    (void)read_data;
    return false;
}

static tacit_part part_with(const char *name, const void *data, size_t size) {
    return (tacit_part){
        .struct_size = sizeof(tacit_part), .name = name, .data = data, .size = size};
}

static void parts_are_checked(void **state) {
    (void)state;
    static const struct {
        tacit_part part;
        bool good;
    } rows[] = {
        {{.name = "a", .data = "x", .size = 1}, true},
        {{.name = "a", .data = ""}, true},
        {{.name = "a \"quoted\"; name=b", .data = ""}, true},
        {{.name = "caf\xc3\xa9", .data = ""}, true},
        {{.name = "a", .file = "/tmp/x"}, true},
        {{.name = "a", .read = read_one}, true},
        {{.name = "a", .data = "x", .size = 1, .file_name = "f", .content_type = "a/b; c=\"d\""},
         true},

        {{.data = "x", .size = 1}, false},
        {{.name = "", .data = "x", .size = 1}, false},
        {{.name = "a"}, false},
        {{.name = "a", .size = 1}, false},
        {{.name = "a", .file = "/tmp/x", .size = 1}, false},
        {{.name = "a", .file = ""}, false},
        {{.name = "a", .data = "x", .file = "/tmp/x"}, false},
        {{.name = "a", .data = "x", .read = read_one}, false},
        {{.name = "a", .file = "/tmp/x", .read = read_one}, false},
        {{.name = "a\r\nX: y", .data = ""}, false},
        {{.name = "a\n", .data = ""}, false},
        {{.name = "a\x7f", .data = ""}, false},
        {{.name = "a", .data = "", .file_name = "f\r\n"}, false},
        {{.name = "a", .data = "", .content_type = "a/b\r\nX: y"}, false},
        {{.name = "a", .data = "", .content_type = ""}, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tacit_part first = part_with("first", "", 0), part = rows[i].part;
        const tacit_part *parts[] = {&first, &part, NULL};
        tacit_error error = TACIT_ERROR_INIT;
        tacit_status expected = rows[i].good ? TACIT_OK : TACIT_ERR_INVALID_ARGUMENT;

        part.struct_size = sizeof part;
        if (ti_parts_check(parts, &error) != expected) fail_msg("row %zu", i);
        if (!rows[i].good) assert_non_null(strstr(error.message, "request->parts[1]"));
    }
    assert_int_equal(ti_parts_check(NULL, NULL), TACIT_OK);
}

static void a_part_without_its_size_is_refused(void **state) {
    (void)state;
    tacit_part part = {.name = "a", .data = ""};
    const tacit_part *parts[] = {&part, NULL};
    tacit_request request = request_to(URL);

    request.parts = parts;
    expect_refused(&request, "TACIT_PART_INIT");
}

static void a_form_is_the_only_body(void **state) {
    (void)state;
    static const char *const type[] = {"content-type: text/plain", NULL};
    tacit_part part = part_with("a", "", 0);
    const tacit_part *parts[] = {&part, NULL};
    tacit_request plain = request_to(URL), body, read, head, typed;
    tacit_request checked;

    plain.parts = parts;
    assert_int_equal(ti_request_read(&checked, &plain, NULL), TACIT_OK);
    assert_string_equal(checked.method, "POST");
    assert_true(ti_request_has_body(&checked));

    body = read = head = typed = plain;
    body.body = "x";
    expect_refused(&body, "request->parts");
    read.read = read_one;
    expect_refused(&read, "request->parts");
    head.method = "HEAD";
    expect_refused(&head, "request->method");
    typed.headers = type;
    expect_refused(&typed, "Content-Type");
}

static void a_form_streams_where_a_part_is_read(void **state) {
    (void)state;
    static const tacit_part memory = {.struct_size = sizeof memory, .name = "a", .data = ""};
    static const tacit_part file = {.struct_size = sizeof file, .name = "a", .file = "/tmp/x"};
    static const tacit_part once = {.struct_size = sizeof once, .name = "a", .read = read_one};
    static const tacit_part again = {
        .struct_size = sizeof again, .name = "a", .read = read_one, .rewind = rewind_it};
    static const struct {
        const tacit_part *parts[3];
        bool streamed, rewindable;
    } rows[] = {
        {{&memory, &file}, false, true}, {{&memory, &again}, true, true},
        {{&again, &once}, true, false},  {{&once, &memory}, true, false},
        {{&again, &again}, true, true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tacit_request checked, request = request_to(URL);
        ti_exchange_plan plan;

        request.parts = rows[i].parts;
        assert_int_equal(ti_request_read(&checked, &request, NULL), TACIT_OK);
        plan = ti_request_plan(&checked);
        assert_true(plan.body);
        assert_int_equal(plan.streamed, rows[i].streamed);
        assert_int_equal(plan.rewindable, rows[i].rewindable);
    }
}

static void only_parts_that_were_begun_are_rewound(void **state) {
    (void)state;
    int read = 0, untouched = 0;
    tacit_part first = {.struct_size = sizeof first,
                        .name = "a",
                        .read = read_one,
                        .rewind = rewind_it,
                        .read_data = &read};
    tacit_part second = {.struct_size = sizeof second,
                         .name = "b",
                         .read = read_one,
                         .rewind = refuse_to_rewind,
                         .read_data = &untouched};
    tacit_part third = part_with("c", "d", 1);
    const tacit_part *parts[] = {&first, &second, &third, NULL};
    bool begun = false;
    ti_parts *made = ti_parts_new(parts, &begun);
    const tacit_part *const *list = ti_parts_list(made);
    char byte;

    assert_string_equal(list[2]->name, "c");
    assert_memory_equal(list[2]->data, "d", 1);
    assert_null(list[3]);
    assert_false(begun);
    assert_int_equal(list[0]->read(&byte, 1, list[0]->read_data), 1);
    assert_true(begun);
    assert_int_equal(read, 1);
    assert_true(ti_parts_rewind(made));
    assert_int_equal(read, 0);

    list[1]->read(&byte, 1, list[1]->read_data);
    assert_false(ti_parts_rewind(made));
    ti_parts_free(made);
    ti_parts_free(NULL);
}

static void a_file_is_the_only_place_for_the_answer(void **state) {
    (void)state;
    static const char *const range[] = {"range: bytes=0-1", NULL};
    static const char *const if_range[] = {"If-Range: \"x\"", NULL};
    tacit_request plain = request_to(URL), empty, both, head, ranged, checked;

    plain.file = "/tmp/x";
    assert_int_equal(ti_request_read(&checked, &plain, NULL), TACIT_OK);

    empty = both = head = ranged = plain;
    empty.file = "";
    expect_refused(&empty, "request->file");
    both.write = (tacit_write_fn)1;
    expect_refused(&both, "request->write");
    head.method = "HEAD";
    expect_refused(&head, "request->file");
    ranged.headers = range;
    expect_refused(&ranged, "Range");
    ranged.headers = if_range;
    expect_refused(&ranged, "If-Range");
    ranged.file = NULL; /* else it is the caller's business */
    assert_int_equal(ti_request_read(&checked, &ranged, NULL), TACIT_OK);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_checked),
        cmocka_unit_test(a_part_without_its_size_is_refused),
        cmocka_unit_test(a_form_is_the_only_body),
        cmocka_unit_test(a_form_streams_where_a_part_is_read),
        cmocka_unit_test(only_parts_that_were_begun_are_rewound),
        cmocka_unit_test(a_file_is_the_only_place_for_the_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
