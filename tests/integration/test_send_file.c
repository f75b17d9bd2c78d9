/* Answers that go into a file: whole or not at all, and from where the last one broke off. */
#include "support/fixture.h"
#include "support/raw_world.h"
#include "support/sending.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD(status, more) "HTTP/1.1 " status "\r\n" more "\r\n"
#define TAGGED "ETag: \"one\"\r\n"
#define DATES                                                                                      \
    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nLast-Modified: Sun, 06 Nov 1994 08:49:36 GMT\r\n"

/* What the server has, and how it sends it: whole, half of it, and the rest. */
#define TEXT "0123456789"
#define WHOLE(more) HEAD("200 OK", "Content-Length: 10\r\n" more) TEXT
#define HALF(more) HEAD("200 OK", "Content-Length: 10\r\n" more) "01234"
#define REST(more)                                                                                 \
    HEAD("206 Partial Content", "Content-Length: 5\r\nContent-Range: bytes 5-9/10\r\n" more)       \
    "567"                                                                                          \
    "89"
#define UNSATISFIABLE                                                                              \
    HEAD("416 Range Not Satisfiable", "Content-Length: 0\r\nContent-Range: bytes */5\r\n")
#define NOT_FOUND HEAD("404 Not Found", "Content-Length: 4\r\n") "gone"

/* A directory with the names that a download has in it. */
typedef struct place {
    char *directory, *file, *part, *etag;
} place;

static place place_new(void) {
    place here = {.directory = fixture_directory_new()};

    assert_non_null(here.directory);
    here.file = fixture_path(here.directory, "file");
    here.part = fixture_path(here.directory, "file.part");
    here.etag = fixture_path(here.directory, "file.part.etag");
    return here;
}

static void place_free(place *here) {
    free(here->file);
    free(here->part);
    free(here->etag);
    fixture_directory_free(here->directory);
}

static void put(const char *path, const char *text) {
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fputs(text, file) < 0, 0);
    assert_int_equal(fclose(file), 0);
}

/* NULL: the file is not there. */
static void assert_holds(const char *path, const char *text) {
    char found[100] = "";
    FILE *file = fopen(path, "r");

    if (text == NULL) {
        if (file != NULL) fail_msg("%s is there", path);
        return;
    }
    if (file == NULL) fail_msg("%s is not there", path);
    found[fread(found, 1, sizeof found - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(found, text);
}

static int files_in(const char *directory) {
    DIR *listing = opendir(directory);
    const struct dirent *entry;
    int count = 0;

    assert_non_null(listing);
    /* cppcheck-suppress readdirCalled */
    while ((entry = readdir(listing)) != NULL) {
        if (entry->d_name[0] != '.') count++;
    }
    closedir(listing);
    return count;
}

/* A server with these answers, each on a connection of its own, and where they go. */
typedef struct download {
    raw_world raw;
    place here;
    tacit_request request;
} download;

static download download_new(const char *const *answers) {
    download d = {.raw = raw_world_new(&(raw_options){.answers = answers, .then = RAW_CLOSE}),
                  .here = place_new()};

    d.request = request_to(raw_server_url(d.raw.server));
    d.request.file = d.here.file;
    return d;
}

static void download_free(download *d) {
    raw_world_free(&d->raw);
    place_free(&d->here);
}

static int fetched(download *d) {
    return status_of(d->raw.world, &d->request);
}

/* How many requests had such a line. */
static int requests_with(download *d, const char *line) {
    char *received = raw_server_received(d->raw.server);
    int count = 0;

    for (const char *at = received; (at = strstr(at, line)) != NULL; at++) count++;
    free(received);
    return count;
}

static void an_answer_takes_the_files_place(void **state) {
    (void)state;
    static const char *const answers[] = {WHOLE(TAGGED), NULL};
    download d = download_new(answers);
    tacit_response *response;
    struct stat facts;

    put(d.here.file, "old");
    response = must_send(d.raw.world, &d.request);

    assert_holds(d.here.file, TEXT);
    assert_string_equal(tacit_response_body(response), "");
    assert_int_equal(stat(d.here.file, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_int_equal(files_in(d.here.directory), 1);
    assert_int_equal(requests_with(&d, "Range"), 0);
    tacit_response_free(response);
    download_free(&d);
}

static void a_large_answer_arrives_whole(void **state) {
    (void)state;
    enum { SIZE = 3000000 };
    world *w = signed_in(NULL);
    place here = place_new();
    tacit_request request = request_to(server_url(world_server(w), "/api/bytes?n=3000000"));
    char *bytes = malloc(SIZE + 1);
    FILE *file;

    request.file = here.file;
    assert_int_equal(status_of(w, &request), 200);

    file = fopen(here.file, "r");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, SIZE + 1, file), SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        if (bytes[i] != (char)('a' + i % 26)) fail_msg("byte %zu", i);
    }
    fclose(file);
    free(bytes);
    place_free(&here);
    world_free(w);
}

static void an_empty_answer_makes_an_empty_file(void **state) {
    (void)state;
    static const char *const answers[] = {HEAD("200 OK", "Content-Length: 0\r\n"), NULL};
    download d = download_new(answers);

    put(d.here.file, "old");
    assert_int_equal(fetched(&d), 200);

    assert_holds(d.here.file, "");
    assert_int_equal(files_in(d.here.directory), 1);
    download_free(&d);
}

static void no_content_is_no_file(void **state) {
    (void)state;
    static const char *const answers[] = {HEAD("204 No Content", ""), NULL};
    download d = download_new(answers);

    put(d.here.file, "old");
    assert_int_equal(fetched(&d), 204);

    assert_holds(d.here.file, "old");
    assert_int_equal(files_in(d.here.directory), 1);
    download_free(&d);
}

static void an_answer_that_is_none_leaves_the_file(void **state) {
    (void)state;
    static const char *const answers[] = {NOT_FOUND, NULL};
    download d = download_new(answers);
    tacit_response *response;

    put(d.here.file, "old");
    response = must_send(d.raw.world, &d.request);

    assert_int_equal(tacit_response_status(response), 404);
    assert_string_equal(tacit_response_body(response), "gone");
    assert_holds(d.here.file, "old");
    assert_int_equal(files_in(d.here.directory), 1);
    tacit_response_free(response);
    download_free(&d);
}

static void a_401_and_a_redirect_come_before_the_file(void **state) {
    (void)state;
    world *w = signed_in(NULL);
    place here = place_new();
    tacit_request request = request_to(server_url(world_server(w), "/api/old"));
    tacit_response *response;

    server_redirect(world_server(w), TS_API, 1, 302, server_url(world_server(w), "/api/bytes?n=3"));
    server_refuse_api(world_server(w), 1, TS_CHALLENGE_INVALID_TOKEN);
    request.file = here.file;
    response = must_send(w, &request);

    assert_int_equal(tacit_response_status(response), 200);
    assert_int_equal(tacit_response_attempts(response), 2);
    assert_holds(here.file, "abc");
    tacit_response_free(response);
    place_free(&here);
    world_free(w);
}

static void half_an_answer_leaves_nothing(void **state) {
    (void)state;
    static const char *const answers[] = {HALF(TAGGED), NULL};
    download d = download_new(answers);

    put(d.here.file, "old");
    assert_true(must_fail(d.raw.world, &d.request, TACIT_ERR_NETWORK).outcome_unknown);

    assert_holds(d.here.file, "old");
    assert_int_equal(files_in(d.here.directory), 1);
    download_free(&d);
}

/* ------------------------------------------------------------------ the rest of it */

static void the_next_call_asks_for_the_rest(void **state) {
    (void)state;
    static const struct {
        const char *answers[3];
        const char *condition;
    } rows[] = {
        {{HALF(TAGGED), REST(TAGGED), NULL}, "If-Range: \"one\"\r\n"},
        {{HALF(DATES), REST(DATES), NULL}, "If-Range: Sun, 06 Nov 1994 08:49:36 GMT\r\n"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        download d = download_new(rows[i].answers);

        d.request.file_resume = true;
        must_fail(d.raw.world, &d.request, TACIT_ERR_NETWORK);
        assert_holds(d.here.part, "01234");
        assert_holds(d.here.file, NULL);

        assert_int_equal(fetched(&d), 206);
        assert_holds(d.here.file, TEXT);
        assert_int_equal(files_in(d.here.directory), 1);
        assert_int_equal(requests_with(&d, "Range: bytes=5-\r\n"), 1);
        assert_int_equal(requests_with(&d, rows[i].condition), 1);
        download_free(&d);
    }
}

/* A state that nobody can name again is of no use. */
static void without_a_strong_validator_nothing_stays(void **state) {
    (void)state;
    static const char *const heads[] = {
        HALF(""),
        HALF("ETag: W/\"one\"\r\n"),
        HALF("ETag: one\r\n"),
        HALF("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
        HALF("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
             "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
        HALF("ETag: W/\"one\"\r\n" DATES),
    };

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        const char *answers[] = {heads[i], NULL};
        download d = download_new(answers);

        d.request.file_resume = true;
        must_fail(d.raw.world, &d.request, TACIT_ERR_NETWORK);
        if (files_in(d.here.directory) != 0) fail_msg("row %zu", i);
        download_free(&d);
    }
}

static void what_changed_meanwhile_begins_anew(void **state) {
    (void)state;
    static const char *const answers[] = {HALF(TAGGED), WHOLE("ETag: \"two\"\r\n"), NULL};
    download d = download_new(answers);

    d.request.file_resume = true;
    must_fail(d.raw.world, &d.request, TACIT_ERR_NETWORK);
    assert_int_equal(fetched(&d), 200);

    assert_holds(d.here.file, TEXT);
    assert_int_equal(files_in(d.here.directory), 1);
    download_free(&d);
}

/* Answers to the question for the rest after which the whole is asked for, once. */
static void a_rest_that_does_not_fit_is_not_taken(void **state) {
    (void)state;
    static const char *const rests[] = {
        UNSATISFIABLE,
        HEAD("206 Partial Content", "Content-Length: 4\r\nContent-Range: bytes 6-9/10\r\n") "6789",
        HEAD("206 Partial Content", "Content-Length: 5\r\nContent-Range: bytes 5-9/*\r\n") "56789",
        HEAD("206 Partial Content", "Content-Length: 5\r\n") "56789",
        HEAD("206 Partial Content", "Content-Length: 5\r\nContent-Range: nonsense\r\n") "56789",
        HEAD("206 Partial Content", "Content-Length: 5\r\nContent-Range: bytes 5-9/10\r\n"
                                    "ETag: \"two\"\r\n") "wrong",
        HEAD("206 Partial Content", "Content-Length: 0\r\n"),
    };

    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
        const char *answers[] = {HALF(TAGGED), rests[i], WHOLE(TAGGED), NULL};
        download d = download_new(answers);
        tacit_response *response;

        d.request.file_resume = true;
        must_fail(d.raw.world, &d.request, TACIT_ERR_NETWORK);
        response = must_send(d.raw.world, &d.request);

        assert_int_equal(tacit_response_status(response), 200);
        assert_int_equal(tacit_response_attempts(response), 2);
        assert_int_equal(tacit_response_retries(response), 0);
        assert_holds(d.here.file, TEXT);
        assert_int_equal(requests_with(&d, "Range: bytes=5-\r\n"), 1);
        tacit_response_free(response);
        download_free(&d);
    }
}

/* There are servers that know Range, but not If-Range. */
static void the_rest_of_another_date_is_not_taken(void **state) {
    (void)state;
    static const char *const answers[] = {
        HALF(DATES), REST("Last-Modified: Sun, 06 Nov 1994 08:49:40 GMT\r\n"), WHOLE(DATES), NULL};
    download d = download_new(answers);

    d.request.file_resume = true;
    must_fail(d.raw.world, &d.request, TACIT_ERR_NETWORK);
    assert_int_equal(fetched(&d), 200);

    assert_holds(d.here.file, TEXT);
    assert_int_equal(requests_with(&d, "Range: bytes=5-\r\n"), 1);
    download_free(&d);
}

/* RFC 9110 section 15.3.7: a server may send less than it was asked for. */
static void less_than_the_rest_is_not_the_whole(void **state) {
    (void)state;
    static const char *const answers[] = {
        HALF(TAGGED),
        HEAD("206 Partial Content", "Content-Length: 2\r\nContent-Range: bytes 5-6/10\r\n") "56",
        HEAD("206 Partial Content", "Content-Length: 3\r\nContent-Range: bytes 7-9/10\r\n") "789",
        NULL};
    download d = download_new(answers);

    d.request.file_resume = true;
    must_fail(d.raw.world, &d.request, TACIT_ERR_NETWORK);
    must_fail(d.raw.world, &d.request, TACIT_ERR_NETWORK);
    assert_holds(d.here.part, "0123456");
    assert_int_equal(fetched(&d), 206);

    assert_holds(d.here.file, TEXT);
    download_free(&d);
}

static void a_part_that_nobody_asked_for_is_an_error(void **state) {
    (void)state;
    static const char *const answers[] = {REST(TAGGED), NULL};
    download d = download_new(answers);

    put(d.here.file, "old");
    must_fail(d.raw.world, &d.request, TACIT_ERR_NETWORK);

    assert_holds(d.here.file, "old");
    assert_int_equal(files_in(d.here.directory), 1);
    download_free(&d);
}

static void what_another_url_left_is_not_gone_on_with(void **state) {
    (void)state;
    static const char *const answers[] = {HALF(TAGGED), WHOLE(TAGGED), NULL};
    download d = download_new(answers);
    char url[200];

    d.request.file_resume = true;
    must_fail(d.raw.world, &d.request, TACIT_ERR_NETWORK);
    snprintf(url, sizeof url, "%sother", raw_server_url(d.raw.server));
    d.request.url = url;
    assert_int_equal(fetched(&d), 200);

    assert_int_equal(requests_with(&d, "Range:"), 0);
    assert_holds(d.here.file, TEXT);
    download_free(&d);
}

/* R16: the same address may have another file for another user. */
static void what_another_user_left_is_not_gone_on_with(void **state) {
    (void)state;
    static const char *const answers[] = {HALF(TAGGED), WHOLE(TAGGED), NULL};
    download d = download_new(answers);

    d.request.file_resume = true;
    must_fail(d.raw.world, &d.request, TACIT_ERR_NETWORK);
    assert_holds(d.here.part, "01234");
    world_sign_in(d.raw.world);

    assert_int_equal(fetched(&d), 200);
    assert_holds(d.here.file, TEXT);
    assert_int_equal(requests_with(&d, "Range:"), 0);
    download_free(&d);
}

static void an_error_leaves_what_there_is_to_go_on_with(void **state) {
    (void)state;
    static const char *const answers[] = {HALF(TAGGED), NOT_FOUND, REST(TAGGED), NULL};
    download d = download_new(answers);

    d.request.file_resume = true;
    must_fail(d.raw.world, &d.request, TACIT_ERR_NETWORK);
    assert_int_equal(fetched(&d), 404);
    assert_holds(d.here.part, "01234");
    assert_int_equal(fetched(&d), 206);

    assert_holds(d.here.file, TEXT);
    download_free(&d);
}

static void a_damaged_note_is_none(void **state) {
    (void)state;
    static const char *const notes[] = {"", "\"one\"", "\"one\"\n", "\n\n", "\"one\"\nxyz\n"};

    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        static const char *const answers[] = {WHOLE(TAGGED), NULL};
        download d = download_new(answers);

        put(d.here.part, "01234");
        put(d.here.etag, notes[i]);
        d.request.file_resume = true;
        assert_int_equal(fetched(&d), 200);
        assert_int_equal(requests_with(&d, "Range:"), 0);
        assert_holds(d.here.file, TEXT);
        download_free(&d);
    }
}

/* Without file_resume too: it is the same call. */
static void a_retry_goes_on_where_the_send_broke_off(void **state) {
    (void)state;
    static const char *const answers[] = {HALF(TAGGED), REST(TAGGED), NULL};
    download d = download_new(answers);
    tacit_response *response;

    d.request.retries_max = 1;
    response = must_send(d.raw.world, &d.request);

    assert_int_equal(tacit_response_status(response), 206);
    assert_int_equal(tacit_response_retries(response), 1);
    assert_holds(d.here.file, TEXT);
    assert_int_equal(requests_with(&d, "Range: bytes=5-\r\n"), 1);
    tacit_response_free(response);
    download_free(&d);
}

static void a_retry_without_a_validator_begins_anew(void **state) {
    (void)state;
    static const char *const answers[] = {HALF(""), WHOLE(""), NULL};
    download d = download_new(answers);

    d.request.retries_max = 1;
    assert_int_equal(fetched(&d), 200);

    assert_holds(d.here.file, TEXT);
    assert_int_equal(requests_with(&d, "Range:"), 0);
    download_free(&d);
}

/* ------------------------------------------------------------------ files that cannot be written */

static void what_cannot_be_opened_is_told_before_anything_is_sent(void **state) {
    (void)state;
    static const char *const answers[] = {WHOLE(TAGGED), NULL};
    static const struct {
        const char *name; /* in the directory */
        int os_error;
    } rows[] = {{"none/file", ENOENT}, {".", EISDIR},    {"linked", ELOOP},
                {"twice", EPERM},      {"pipe", EINVAL}, {"half", EPERM}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        download d = download_new(answers);
        char *path = fixture_path(d.here.directory, rows[i].name);
        char *linked = fixture_path(d.here.directory, "linked.part");
        char *twice = fixture_path(d.here.directory, "twice.part");
        char *pipe = fixture_path(d.here.directory, "pipe");
        char *half = fixture_path(d.here.directory, "half.part");
        tacit_error error;

        put(d.here.file, "precious");
        assert_int_equal(symlink(d.here.file, linked), 0);
        assert_int_equal(link(d.here.file, twice), 0);
        assert_int_equal(mkfifo(pipe, 0600), 0);
        assert_int_equal(mkfifo(half, 0600), 0);
        d.request.file = path;
        error = must_fail(d.raw.world, &d.request, TACIT_ERR_FILE);

        assert_int_equal(error.os_error, rows[i].os_error);
        assert_non_null(strstr(error.message, rows[i].name));
        assert_false(error.outcome_unknown);
        assert_int_equal(raw_server_requests(d.raw.server), 0);
        assert_holds(d.here.file, "precious");
        free(path);
        free(linked);
        free(twice);
        free(pipe);
        free(half);
        download_free(&d);
    }
}

static void a_second_writer_is_refused(void **state) {
    (void)state;
    static const char *const answers[] = {WHOLE(TAGGED), NULL};
    download d = download_new(answers);
    int fd = open(d.here.part, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(must_fail(d.raw.world, &d.request, TACIT_ERR_FILE).os_error, EBUSY);
    assert_holds(d.here.part, "");

    close(fd); /* the writer is gone */
    assert_int_equal(fetched(&d), 200);
    assert_holds(d.here.file, TEXT);
    download_free(&d);
}

/* As a full disk is: no byte beyond the limit. */
static void limit_files_to(rlim_t size) {
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size == RLIM_INFINITY ? limit.rlim_max : size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_leaves_the_file_as_it_was(void **state) {
    (void)state;
    for (int resume = 0; resume < 2; resume++) {
        static const char *const answers[] = {WHOLE(TAGGED), REST(TAGGED), NULL};
        download d = download_new(answers);
        tacit_error error;

        signal(SIGXFSZ, SIG_IGN);
        put(d.here.file, "old");
        d.request.file_resume = resume;
        limit_files_to(5);
        error = must_fail(d.raw.world, &d.request, TACIT_ERR_FILE);
        limit_files_to(RLIM_INFINITY);

        assert_int_equal(error.os_error, EFBIG);
        assert_int_equal(error.http_status, 200);
        assert_holds(d.here.file, "old");
        /* The note did not fit either, so that nobody can go on. */
        assert_int_equal(access(d.here.etag, F_OK), -1);
        if (!resume) assert_int_equal(files_in(d.here.directory), 1);
        download_free(&d);
    }
}

static void a_small_disk_keeps_what_is_there(void **state) {
    (void)state;
    static const char body[] = "0123456789012345678901234567890123456789"
                               "0123456789012345678901234567890123456789";
    static const char *const answers[] = {
        HEAD("200 OK", "Content-Length: 80\r\n" TAGGED) "012345678901234567890123456789012345678901"
                                                        "23456789012345678901234567890123456789",
        HEAD("206 Partial Content", "Content-Length: 40\r\nContent-Range: bytes "
                                    "40-79/80\r\n" TAGGED) "012345678901234567890123456789012345678"
                                                           "9",
        NULL};
    download d = download_new(answers);

    signal(SIGXFSZ, SIG_IGN);
    d.request.file_resume = true;
    limit_files_to(40);
    assert_int_equal(must_fail(d.raw.world, &d.request, TACIT_ERR_FILE).os_error, EFBIG);
    limit_files_to(RLIM_INFINITY);
    assert_int_equal(fetched(&d), 206);

    assert_holds(d.here.file, body);
    assert_int_equal(requests_with(&d, "Range: bytes=40-\r\n"), 1);
    download_free(&d);
}

/* ------------------------------------------------------------------ without waiting */

/* A call that is cancelled once half of the answer is there. */
typedef struct cancelled {
    sem_t half_is_there, over;
    tacit_status status;
} cancelled;

static bool tell_half(int64_t sent, int64_t to_send, int64_t received, int64_t to_receive,
                      void *data) {
    cancelled *c = data;

    (void)sent;
    (void)to_send;
    (void)to_receive;
    if (received == 5) sem_post(&c->half_is_there);
    return true;
}

static void on_done(tacit_call *call, tacit_response *response, const tacit_error *error,
                    void *data) {
    cancelled *c = data;

    (void)call;
    assert_null(response);
    c->status = error->status;
    sem_post(&c->over);
}

static void a_cancelled_call_leaves_what_the_next_can_go_on_with(void **state) {
    (void)state;
    for (int resume = 0; resume < 2; resume++) {
        place here = place_new();
        raw_world raw = raw_world_new(&(raw_options){.answer = HALF(TAGGED)}); /* and no more */
        tacit_request request = request_to(raw_server_url(raw.server));
        cancelled c = {.status = TACIT_OK};
        tacit_call *call;

        assert_int_equal(sem_init(&c.half_is_there, 0, 0) + sem_init(&c.over, 0, 0), 0);
        put(here.file, "old");
        request.file = here.file;
        request.file_resume = resume;
        request.retries_max = 5;
        request.progress = tell_half;
        request.progress_data = &c;
        call = tacit_send_async(world_session(raw.world), &request, on_done, &c, NULL);
        assert_non_null(call);
        while (sem_wait(&c.half_is_there) != 0) {
        }
        tacit_call_cancel(call);
        while (sem_wait(&c.over) != 0) {
        }

        assert_int_equal(c.status, TACIT_ERR_CANCELLED);
        assert_holds(here.file, "old");
        assert_holds(here.part, resume ? "01234" : NULL);
        assert_int_equal(files_in(here.directory), resume ? 3 : 1);
        tacit_call_unref(call);
        sem_destroy(&c.half_is_there);
        sem_destroy(&c.over);
        raw_world_free(&raw);
        place_free(&here);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_takes_the_files_place),
        cmocka_unit_test(a_large_answer_arrives_whole),
        cmocka_unit_test(an_empty_answer_makes_an_empty_file),
        cmocka_unit_test(no_content_is_no_file),
        cmocka_unit_test(an_answer_that_is_none_leaves_the_file),
        cmocka_unit_test(a_401_and_a_redirect_come_before_the_file),
        cmocka_unit_test(half_an_answer_leaves_nothing),
        cmocka_unit_test(the_next_call_asks_for_the_rest),
        cmocka_unit_test(without_a_strong_validator_nothing_stays),
        cmocka_unit_test(what_changed_meanwhile_begins_anew),
        cmocka_unit_test(a_rest_that_does_not_fit_is_not_taken),
        cmocka_unit_test(the_rest_of_another_date_is_not_taken),
        cmocka_unit_test(less_than_the_rest_is_not_the_whole),
        cmocka_unit_test(a_part_that_nobody_asked_for_is_an_error),
        cmocka_unit_test(what_another_url_left_is_not_gone_on_with),
        cmocka_unit_test(what_another_user_left_is_not_gone_on_with),
        cmocka_unit_test(an_error_leaves_what_there_is_to_go_on_with),
        cmocka_unit_test(a_damaged_note_is_none),
        cmocka_unit_test(a_retry_goes_on_where_the_send_broke_off),
        cmocka_unit_test(a_retry_without_a_validator_begins_anew),
        cmocka_unit_test(what_cannot_be_opened_is_told_before_anything_is_sent),
        cmocka_unit_test(a_second_writer_is_refused),
        cmocka_unit_test(a_full_disk_leaves_the_file_as_it_was),
        cmocka_unit_test(a_small_disk_keeps_what_is_there),
    };
    static const struct CMUnitTest without_waiting[] = {
        cmocka_unit_test(a_cancelled_call_leaves_what_the_next_can_go_on_with),
    };

    int failed = cmocka_run_group_tests_name("on this thread", tests, NULL, NULL);

    through_engine = true;
    failed += cmocka_run_group_tests_name("on the engine's", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("cancelled", without_waiting, NULL, NULL);
}
