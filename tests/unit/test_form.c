/* Forms: what the server gets of each kind of part, and what happens to those that fail. */
#include "transport_fixture.h"

#include "support/server.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A server that echoes, a file, and who may ask. */
typedef struct forms {
    fixture *f;
    ts_server *server;
    char directory[64], path[96];
    char *authorization;
    json_t *echoed; /* of the last send */
} forms;

static int set_up(void **state) {
    forms *t = calloc(1, sizeof *t);
    if (!t || fixture_set_up((void **)&t->f)) return -1;
    fixture_start(t->f);
    t->server = server_start(NULL);
    if (!t->server) return -1;
    char *access = NULL, *refresh = server_sign_in(t->server, "alice", "", &access);
    if (asprintf(&t->authorization, "Authorization: Bearer %s", access) < 0) return -1;
    free(refresh);
    free(access);
    strcpy(t->directory, "/tmp/tacit-form-XXXXXX");
    if (!mkdtemp(t->directory)) return -1;
    snprintf(t->path, sizeof t->path, "%s/a file.txt", t->directory);
    *state = t;
    return 0;
}

static int tear_down(void **state) {
    forms *t = *state;
    unlink(t->path);
    rmdir(t->directory);
    server_stop(t->server);
    free(t->authorization);
    json_decref(t->echoed);
    fixture_tear_down((void **)&t->f);
    free(t);
    return 0;
}

#define FORM_TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static tacit_status post_with(forms *t, ti_handle *handle, const char *method,
                              const tacit_part *const *parts) {
    const ti_http_request request = {
        .method = method, .authorization = t->authorization, .parts = parts};
    tacit_status status =
        fixture_send_with(t->f, handle, server_url(t->server, "/api/echo"), &request);
    json_decref(t->echoed);
    t->echoed = NULL;
    if (status) return status;
    assert_int_equal(t->f->answer.status, 200);
    t->echoed = json_loads(t->f->answer.body.data, 0, NULL);
    assert_non_null(t->echoed);
    return status;
}

static tacit_status post(forms *t, const tacit_part *const *parts) {
    ti_handle *handle = ti_handle_acquire(t->f->transport, TI_HANDLE_POOLED);
    tacit_status status = post_with(t, handle, NULL, parts);
    ti_handle_release(t->f->transport, handle);
    return status;
}

static const char *echoed_header(const forms *t, const char *name) {
    return json_string_value(json_object_get(json_object_get(t->echoed, "headers"), name));
}

/* expected: with | for the boundary's "--", and the lines' ends as they go over the wire. */
static void assert_form(const forms *t, const char *expected) {
    static const char prefix[] = "multipart/form-data; boundary=";
    const char *type = echoed_header(t, "Content-Type");
    assert_non_null(type);
    assert_memory_equal(type, prefix, sizeof prefix - 1);
    const char *boundary = type + sizeof prefix - 1;
    char whole[8192];
    size_t size = 0;
    for (const char *c = expected; *c; c++) {
        size += (size_t)(*c == '|' ? snprintf(whole + size, sizeof whole - size, "--%s", boundary)
                                   : snprintf(whole + size, sizeof whole - size, "%c", *c));
        assert_true(size < sizeof whole);
    }
    assert_string_equal(json_string_value(json_object_get(t->echoed, "body")), whole);
}

/* A reader of a text, which does something else where it is told to. */
typedef struct reader {
    const char *text;
    size_t place, step; /* step: at most so many at a time; 0: all */
    int rewinds;
    size_t answer; /* instead of a count; 0: none */
    void (*before)(void *data);
    void *data;
} reader;

static size_t read_text(char *buffer, size_t capacity, void *read_data) {
    reader *r = read_data;
    if (r->before) r->before(r->data);
    if (r->answer) return r->answer;
    size_t left = strlen(r->text) - r->place;
    if (left > capacity) left = capacity;
    if (r->step > 0 && left > r->step) left = r->step;
    for (size_t i = 0; i < left; i++) buffer[i] = r->text[r->place++];
    return left;
}

static bool rewind_text(void *read_data) {
    reader *r = read_data;
    r->place = 0;
    r->rewinds++;
    return true;
}

#define PART(...) (&(const tacit_part){.struct_size = sizeof(tacit_part), __VA_ARGS__})
#define FORM(...)                                                                                  \
    (const tacit_part *const[]) {                                                                  \
        __VA_ARGS__, NULL                                                                          \
    }

static void parts_arrive_as_they_are(void **state) {
    forms *t = *state;
    write_file(t->path, "from a file");
    reader r = {.text = "from a reader", .step = 3};

    assert_int_equal(post(t, FORM(PART(.name = "m", .data = "two\r\nlines", .size = 10),
                                  PART(.name = "f", .file = t->path),
                                  PART(.name = "r", .read = read_text, .read_size = 13,
                                       .read_data = &r, .content_type = "text/plain"),
                                  PART(.name = "n", .data = "{}", .size = 2, .file_name = "n.json",
                                       .content_type = "application/json"),
                                  PART(.name = "empty"))),
                     TACIT_OK);

    assert_form(t, "|\r\nContent-Disposition: form-data; name=\"m\"\r\n\r\ntwo\r\nlines\r\n"
                   "|\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a file.txt\"\r\n"
                   "Content-Type: application/octet-stream\r\n\r\nfrom a file\r\n"
                   "|\r\nContent-Disposition: form-data; name=\"r\"\r\n"
                   "Content-Type: text/plain\r\n\r\nfrom a reader\r\n"
                   "|\r\nContent-Disposition: form-data; name=\"n\"; filename=\"n.json\"\r\n"
                   "Content-Type: application/json\r\n\r\n{}\r\n"
                   "|\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n"
                   "|--\r\n");
    assert_string_equal(json_string_value(json_object_get(t->echoed, "method")), "POST");
    assert_null(echoed_header(t, "Expect"));
    assert_non_null(echoed_header(t, "Content-Length"));
}

static void reader_of_unknown_size_ends_when_it_says_so(void **state) {
    forms *t = *state;
    reader r = {.text = "as much as there is", .step = 4};

    assert_int_equal(post(t, FORM(PART(.name = "r", .read = read_text, .read_data = &r))),
                     TACIT_OK);

    assert_form(t, "|\r\nContent-Disposition: form-data; name=\"r\"\r\n\r\n"
                   "as much as there is\r\n|--\r\n");
    assert_string_equal(echoed_header(t, "Transfer-Encoding"), "chunked");
}

static void file_that_cannot_be_read_is_told_before_anything_is_sent(void **state) {
    forms *t = *state;
    char fifo[96];
    snprintf(fifo, sizeof fifo, "%s/fifo", t->directory);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    const struct {
        const char *path;
        int os_error;
    } cases[] = {{t->path, ENOENT}, {t->directory, EISDIR}, {fifo, EINVAL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(post(t, FORM(PART(.name = "m", .data = "x", .size = 1),
                                      PART(.name = "f", .file = cases[i].path))),
                         TACIT_ERR_FILE);

        assert_int_equal(t->f->error.os_error, cases[i].os_error);
        assert_non_null(strstr(t->f->error.message, cases[i].path));
        assert_false(t->f->error.outcome_unknown);
        assert_false(t->f->answer.sent);
    }
    assert_int_equal(server_counters(t->server).connections, 0);
    unlink(fifo);
}

static void cut_file(void *data) {
    const forms *t = data;
    assert_int_equal(truncate(t->path, 3), 0);
}

static void file_that_shrinks_meanwhile_ends_the_send(void **state) {
    forms *t = *state;
    write_file(t->path, "what was there at first");
    reader r = {.text = "x", .before = cut_file, .data = t};

    assert_int_equal(
        post(t, FORM(PART(.name = "r", .read = read_text, .read_size = 1, .read_data = &r),
                     PART(.name = "f", .file = t->path))),
        TACIT_ERR_FILE);

    assert_int_equal(t->f->error.os_error, EIO);
}

static void extend_file(void *data) {
    const forms *t = data;
    write_file(t->path, "first and more");
}

static void file_that_grows_meanwhile_is_sent_as_it_was(void **state) {
    forms *t = *state;
    write_file(t->path, "first");
    reader r = {.text = "x", .before = extend_file, .data = t};

    assert_int_equal(
        post(t, FORM(PART(.name = "r", .read = read_text, .read_size = 1, .read_data = &r),
                     PART(.name = "f", .file = t->path, .file_name = "f"))),
        TACIT_OK);

    assert_form(t, "|\r\nContent-Disposition: form-data; name=\"r\"\r\n\r\nx\r\n"
                   "|\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n"
                   "Content-Type: application/octet-stream\r\n\r\nfirst\r\n|--\r\n");
}

static void reader_that_breaks_its_word_is_stopped(void **state) {
    forms *t = *state;
    const struct {
        int64_t said;
        size_t answer;
    } cases[] = {
        {100, 0},               /* fewer */
        {10, 1000000},          /* more than it was asked for */
        {10, TACIT_READ_ABORT}, /* its own wish */
        {0, TACIT_READ_ABORT},
        {10, TACIT_READ_PAUSE}, /* which nobody allowed */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reader r = {.text = "ten bytes.", .answer = cases[i].answer};

        assert_int_equal(post(t, FORM(PART(.name = "r", .read = read_text, .read_data = &r,
                                           .read_size = cases[i].said))),
                         TACIT_ERR_CANCELLED);
    }
    reader more = {.text = "ten bytes. And more"}; /* is not asked for more than it said */
    assert_int_equal(
        post(t, FORM(PART(.name = "r", .read = read_text, .read_data = &more, .read_size = 10))),
        TACIT_OK);
    assert_form(t, "|\r\nContent-Disposition: form-data; name=\"r\"\r\n\r\nten bytes.\r\n|--\r\n");
}

/* libcurl sends again by itself where a kept connection turns out to be dead. */
static tacit_status post_on_dead_connection(forms *t, tacit_rewind_fn rewind, reader *r) {
    const ti_http_request get = {.authorization = t->authorization};
    ti_handle *handle = ti_handle_acquire(t->f->transport, TI_HANDLE_POOLED);
    const char *url = server_url(t->server, "/api/echo");
    assert_int_equal(fixture_send_with(t->f, handle, url, &get), TACIT_OK);
    server_close_connections(t->server, TS_API, 1, false);
    write_file(t->path, "file");
    tacit_status status = post_with(
        t, handle, NULL,
        FORM(PART(.name = "m", .data = "memory", .size = 6), PART(.name = "f", .file = t->path),
             PART(.name = "r", .read = read_text, .rewind = rewind, .read_data = r)));
    ti_handle_release(t->f->transport, handle);
    return status;
}

static void form_is_sent_again_from_its_start(void **state) {
    forms *t = *state;
    reader r = {.text = "reader"};

    assert_int_equal(post_on_dead_connection(t, rewind_text, &r), TACIT_OK);

    assert_int_equal(r.rewinds, 1);
    assert_form(t, "|\r\nContent-Disposition: form-data; name=\"m\"\r\n\r\nmemory\r\n"
                   "|\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a file.txt\"\r\n"
                   "Content-Type: application/octet-stream\r\n\r\nfile\r\n"
                   "|\r\nContent-Disposition: form-data; name=\"r\"\r\n\r\nreader\r\n|--\r\n");
}

static void form_that_cannot_be_rewound_is_not_sent_again(void **state) {
    forms *t = *state;
    reader r = {.text = "reader"};

    assert_int_equal(post_on_dead_connection(t, NULL, &r), TACIT_ERR_NETWORK);

    assert_true(t->f->error.outcome_unknown);
}

static void handle_sends_other_things_after_a_form(void **state) {
    forms *t = *state;
    ti_handle *handle = ti_handle_acquire(t->f->transport, TI_HANDLE_POOLED);
    const char *url = server_url(t->server, "/api/echo");
    const tacit_part *const *form = FORM(PART(.name = "m", .data = "x", .size = 1));
    const ti_http_request others[] = {
        {.authorization = t->authorization},
        {.authorization = t->authorization, .body = "body", .body_size = 4, .has_body = true},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(post_with(t, handle, i == 0 ? NULL : "PUT", form), TACIT_OK);
        assert_form(t, "|\r\nContent-Disposition: form-data; name=\"m\"\r\n\r\nx\r\n|--\r\n");
        const char *method = json_string_value(json_object_get(t->echoed, "method"));
        assert_string_equal(method, i == 0 ? "POST" : "PUT");

        assert_int_equal(fixture_send_with(t->f, handle, url, &others[i]), TACIT_OK);

        json_t *echoed = json_loads(t->f->answer.body.data, 0, NULL);
        method = json_string_value(json_object_get(echoed, "method"));
        assert_string_equal(method, i == 0 ? "GET" : "POST");
        const char *body = json_string_value(json_object_get(echoed, "body"));
        assert_string_equal(body, i == 0 ? "" : "body");
        assert_null(json_object_get(json_object_get(echoed, "headers"), "Content-Type"));
        json_decref(echoed);
    }
    ti_handle_release(t->f->transport, handle);
}

typedef struct progress {
    int64_t least, most; /* of what was told that there is to send */
} progress;

static bool on_progress(int64_t sent, int64_t to_send, int64_t received, int64_t to_receive,
                        void *data) {
    (void)sent, (void)received, (void)to_receive;
    progress *p = data;
    if (to_send < p->least) p->least = to_send;
    if (to_send > p->most) p->most = to_send;
    return true;
}

static void progress_knows_a_size_or_says_that_it_does_not(void **state) {
    forms *t = *state;
    for (int known = 0; known < 2; known++) {
        reader r = {.text = "from a reader"};
        progress told = {.least = INT64_MAX, .most = INT64_MIN};
        const ti_http_request request = {
            .authorization = t->authorization,
            .parts = FORM(
                PART(.name = "r", .read = read_text, .read_data = &r, .read_size = known ? 13 : 0)),
            .progress = on_progress,
            .progress_data = &told};

        assert_int_equal(
            fixture_send(t->f, TI_HANDLE_POOLED, server_url(t->server, "/api/echo"), &request),
            TACIT_OK);

        assert_int_equal(told.least, -1);
        if (known) assert_true(told.most > 13);
        if (!known) assert_int_equal(told.most, -1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FORM_TEST(parts_arrive_as_they_are),
        FORM_TEST(reader_of_unknown_size_ends_when_it_says_so),
        FORM_TEST(file_that_cannot_be_read_is_told_before_anything_is_sent),
        FORM_TEST(file_that_shrinks_meanwhile_ends_the_send),
        FORM_TEST(file_that_grows_meanwhile_is_sent_as_it_was),
        FORM_TEST(reader_that_breaks_its_word_is_stopped),
        FORM_TEST(form_is_sent_again_from_its_start),
        FORM_TEST(form_that_cannot_be_rewound_is_not_sent_again),
        FORM_TEST(handle_sends_other_things_after_a_form),
        FORM_TEST(progress_knows_a_size_or_says_that_it_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
