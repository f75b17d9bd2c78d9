/* Answers, whole, odd, too large and half. */
#include "transport_fixture.h"

#include "support/raw_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define HELLO "Content-Length: 5\r\n\r\nhello"

/* One GET (or `request`) to a server that answers so. */
static tacit_status ask(fixture *f, const raw_options *options, const ti_http_request *request) {
    if (!f->transport) fixture_start(f);
    raw_server *server = raw_server_start(options);
    assert_non_null(server);
    tacit_status status = fixture_send(f, TI_HANDLE_POOLED, raw_server_url(server), request);
    raw_server_stop(server);
    return status;
}

static tacit_status ask_for(fixture *f, const char *answer) {
    return ask(f, &(raw_options){.answer = answer, .then = RAW_CLOSE}, NULL);
}

static void head_and_body_are_collected(void **state) {
    fixture *f = *state;

    assert_int_equal(ask_for(f, OK "X-A: 1\r\nx-b:\t two words \t\r\nX-A: 3\r\nX-Empty:\r\n" HELLO),
                     TACIT_OK);

    assert_int_equal(f->answer.status, 200);
    assert_true(f->answer.sent);
    assert_string_equal(f->answer.body.data, "hello");
    assert_string_equal(ti_http_answer_header(&f->answer, "x-a", 0), "1");
    assert_string_equal(ti_http_answer_header(&f->answer, "X-A", 1), "3");
    assert_null(ti_http_answer_header(&f->answer, "X-A", 2));
    assert_string_equal(ti_http_answer_header(&f->answer, "X-B", 0), "two words");
    assert_string_equal(ti_http_answer_header(&f->answer, "X-Empty", 0), "");
    assert_null(ti_http_answer_header(&f->answer, "X", 0));
    assert_null(ti_http_answer_header(&f->answer, "HTTP/1.1 200 OK", 0));
    assert_null(ti_http_answer_header(&f->answer, "", 0));
}

static void a_cleared_answer_has_no_headers(void **state) {
    fixture *f = *state;
    ti_http_answer none = TI_HTTP_ANSWER_INIT;
    assert_null(ti_http_answer_header(&none, "X-A", 0));
    ti_http_answer_free(&none);

    assert_int_equal(ask_for(f, OK "X-A: 1\r\n" HELLO), TACIT_OK);
    assert_int_equal(ask_for(f, "HTTP/1.1 204 No Content\r\nX-B: 1\r\n\r\n"), TACIT_OK);

    assert_null(ti_http_answer_header(&f->answer, "X-A", 0));
    assert_string_equal(ti_http_answer_header(&f->answer, "X-B", 0), "1");
    assert_int_equal(f->answer.body.size, 0);
}

static void what_is_secret_stays_so(void **state) {
    fixture *f = *state;
    f->answer.body.secret = true;

    assert_int_equal(ask_for(f, OK HELLO), TACIT_OK);

    assert_true(f->answer.body.secret);
    ti_http_answer_free(&f->answer);
    assert_true(f->answer.body.secret);
}

static void interim_answers_drop_out(void **state) {
    fixture *f = *state;

    assert_int_equal(
        ask_for(f, "HTTP/1.1 103 Early Hints\r\nX-A: early\r\n\r\n" OK "X-B: 2\r\n" HELLO),
        TACIT_OK);

    assert_int_equal(f->answer.status, 200);
    assert_null(ti_http_answer_header(&f->answer, "X-A", 0));
    assert_string_equal(ti_http_answer_header(&f->answer, "X-B", 0), "2");
}

static void trailers_are_no_headers(void **state) {
    fixture *f = *state;

    assert_int_equal(ask_for(f, OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
                                   "X-Trailer: 1\r\n\r\n"),
                     TACIT_OK);

    assert_string_equal(f->answer.body.data, "hello");
    assert_null(ti_http_answer_header(&f->answer, "X-Trailer", 0));
}

static void retry_after_is_read(void **state) {
    fixture *f = *state;

    assert_int_equal(ask_for(f, "HTTP/1.1 503 Busy\r\nRetry-After: 17\r\n" HELLO), TACIT_OK);
    assert_int_equal(f->answer.retry_after_s, 17);
    assert_int_equal(ask_for(f, "HTTP/1.1 503 Busy\r\nRetry-After: 99999999999\r\n" HELLO), 0);
    assert_int_equal(f->answer.retry_after_s, INT32_MAX);
    assert_int_equal(ask_for(f, "HTTP/1.1 503 Busy\r\nRetry-After: soon\r\n" HELLO), TACIT_OK);
    assert_int_equal(f->answer.retry_after_s, 0);
    assert_int_equal(
        ask_for(f, "HTTP/1.1 429 No\r\nRetry-After: Sat, 01 Jan 2022 00:00:00 GMT\r\n" HELLO), 0);
    assert_int_equal(f->answer.retry_after_s, 0);
}

static void redirects_are_answers(void **state) {
    fixture *f = *state;

    assert_int_equal(ask_for(f, "HTTP/1.1 302 Found\r\nLocation: /b\r\n" HELLO), TACIT_OK);

    assert_int_equal(f->answer.status, 302);
    assert_string_equal(ti_http_answer_header(&f->answer, "Location", 0), "/b");
}

/*
 * Limits
 */

static void a_body_over_the_limit_is_refused(void **state) {
    fixture *f = *state;
    const ti_http_request exact = {.response_bytes_max = 5}, less = {.response_bytes_max = 4};
    const char *const answers[] = {OK HELLO, OK "\r\nhello",
                                   OK "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n"
                                      "0\r\n\r\n"};
    for (size_t i = 0; i < 3; i++) {
        const raw_options options = {.answer = answers[i], .then = RAW_CLOSE};

        assert_int_equal(ask(f, &options, &exact), TACIT_OK);
        assert_int_equal(f->answer.body.size, 5);
        assert_int_equal(ask(f, &options, &less), TACIT_ERR_TOO_LARGE);
        assert_true(f->answer.body.size <= 4);
        assert_int_equal(f->answer.status, 200);
    }
}

static void the_transport_has_a_limit_of_its_own(void **state) {
    fixture *f = *state;
    f->options.response_bytes_max = 3;

    assert_int_equal(ask_for(f, OK HELLO), TACIT_ERR_TOO_LARGE);
}

/* Many lines of the same, up to size bytes. */
static char *long_head(const char *begin, const char *line, size_t size) {
    char *text = malloc(size + 64);
    assert_non_null(text);
    char *at = text + sprintf(text, "%s", begin);
    while ((size_t)(at - text) < size) at += sprintf(at, "%s", line);
    sprintf(at, "\r\n");
    return text;
}

static void a_head_over_the_limit_is_refused(void **state) {
    fixture *f = *state;
    char *fits = long_head("HTTP/1.1 204 No Content\r\n", "X-A: 0123456789abcdef\r\n", 200 * 1024);
    char *too_large = long_head(OK, "X-A: 0123456789abcdef\r\n", 257 * 1024);
    char *interim =
        long_head("", "HTTP/1.1 102 Processing\r\nX-A: 0123456789abcdef\r\n\r\n", 257 * 1024);

    assert_int_equal(ask_for(f, fits), TACIT_OK);
    assert_string_equal(ti_http_answer_header(&f->answer, "X-A", 5000), "0123456789abcdef");
    assert_int_equal(ask_for(f, too_large), TACIT_ERR_TOO_LARGE);
    assert_int_equal(ask_for(f, interim), TACIT_ERR_TOO_LARGE);

    free(fits);
    free(too_large);
    free(interim);
}

/*
 * A body that goes elsewhere
 */

typedef struct sink {
    char text[64];
    size_t size, refuse_at;
} sink;

static size_t sink_write(const char *data, size_t size, void *user_data) {
    sink *s = user_data;
    if (s->refuse_at && s->size + size >= s->refuse_at) return 0;
    assert_true(s->size + size < sizeof s->text);
    memcpy(s->text + s->size, data, size);
    s->size += size;
    return size;
}

static void only_2xx_bodies_are_written_without_a_limit(void **state) {
    fixture *f = *state;
    sink s = {.size = 0};
    const ti_http_request request = {
        .write = sink_write, .write_data = &s, .response_bytes_max = 1};

    assert_int_equal(ask(f, &(raw_options){.answer = OK HELLO}, &request), TACIT_OK);
    assert_string_equal(s.text, "hello");
    assert_int_equal(f->answer.body.size, 0);
    s = (sink){.size = 0};
    assert_int_equal(
        ask(f, &(raw_options){.answer = "HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\n!"}, &request),
        TACIT_OK);

    assert_int_equal(s.size, 0);
    assert_string_equal(f->answer.body.data, "!");
}

static void a_write_that_refuses_ends_the_send(void **state) {
    fixture *f = *state;
    sink s = {.refuse_at = 1};
    const ti_http_request request = {.write = sink_write, .write_data = &s};

    assert_int_equal(ask(f, &(raw_options){.answer = OK HELLO}, &request), TACIT_ERR_CANCELLED);

    assert_int_equal(f->error.http_status, 200);
}

/*
 * Failures
 */

static void half_an_answer_is_an_unknown_outcome(void **state) {
    fixture *f = *state;
    const raw_options cases[] = {
        {.then = RAW_CLOSE},
        {.then = RAW_RESET},
        {.answer = "HTTP/1.1 200", .then = RAW_CLOSE},
        {.answer = OK "X-A: 1\r\n", .then = RAW_RESET},
        {.answer = OK "Content-Length: 9\r\n\r\nhello", .then = RAW_CLOSE},
        {.answer = OK "Content-Length: 9\r\n\r\nhello", .then = RAW_RESET},
        {.answer = OK "Transfer-Encoding: chunked\r\n\r\n9\r\nhel", .then = RAW_CLOSE},
        {.answer = "HTTP/1.1 100 Continue\r\n\r\n", .then = RAW_CLOSE},
        {.answer = "SSH-2.0-OpenSSH_9\r\n\r\n", .then = RAW_CLOSE},
        {.answer = OK "X-A: 1\r\n", .then = RAW_CLOSE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tacit_status status = ask(f, &cases[i], NULL);

        if (status != TACIT_ERR_NETWORK) fail_msg("case %zu: %s", i, f->error.message);
        assert_true(f->answer.sent);
        assert_true(f->error.outcome_unknown);
        assert_true(f->error.retryable);
        assert_true(f->error.message[0]);
        assert_int_equal(f->error.http_status, f->answer.status);
        assert_int_equal(f->answer.status, (i >= 3 && i <= 6) || i == 9 ? 200 : 0);
    }
}

static void a_refused_connection_is_nothing_sent(void **state) {
    fixture *f = *state;
    fixture_start(f);
    raw_server *server = raw_server_start(&(raw_options){.then = RAW_CLOSE});
    assert_non_null(server);
    char url[64];
    snprintf(url, sizeof url, "%s", raw_server_url(server));
    raw_server_stop(server);

    tacit_status status = fixture_send(f, TI_HANDLE_POOLED, url, NULL);

    assert_int_equal(status, TACIT_ERR_NETWORK);
    assert_int_equal(f->error.os_error, ECONNREFUSED);
    assert_false(f->answer.sent);
    assert_false(f->error.outcome_unknown);
}

/* A listener that accepts nobody, with its queue full: nothing answers the next SYN. */
static void a_connection_that_is_not_made_times_out(void **state) {
    fixture *f = *state;
    f->options.connect_timeout_ms = 150;
    fixture_start(f);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fillers[4];
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    for (int i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fillers[i], (struct sockaddr *)&address, size);
    }
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(address.sin_port));

    tacit_status status = fixture_send(f, TI_HANDLE_POOLED, url, NULL);

    for (int i = 0; i < 4; i++) close(fillers[i]);
    close(listener);
    assert_int_equal(status, TACIT_ERR_TIMEOUT);
    assert_false(f->error.outcome_unknown);
}

static void a_kept_connection_that_died_is_replaced(void **state) {
    fixture *f = *state;
    fixture_start(f);
    raw_server *server = raw_server_start(&(raw_options){.answer = OK HELLO, .then = RAW_CLOSE});
    assert_non_null(server);

    for (int i = 0; i < 3; i++) {
        assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, raw_server_url(server), NULL), TACIT_OK);
    }

    assert_int_equal(raw_server_connections(server), 3);
    raw_server_stop(server);
}

static void an_error_does_not_stay_for_the_next_send(void **state) {
    fixture *f = *state;

    assert_int_equal(ask(f, &(raw_options){.then = RAW_RESET}, NULL), TACIT_ERR_NETWORK);
    assert_int_equal(ask_for(f, OK HELLO), TACIT_OK);

    assert_int_equal(f->error.status, TACIT_OK);
    assert_string_equal(f->error.message, "");
    assert_false(f->error.outcome_unknown);
}

/*
 * The log
 */

typedef struct lines {
    char text[32 * 1024];
    size_t size;
} lines;

static void keep_line(tacit_log_level level, const char *message, void *data) {
    lines *l = data;
    assert_int_equal(level, TACIT_LOG_DEBUG);
    l->size += (size_t)snprintf(l->text + l->size, sizeof l->text - l->size, "%s\n", message);
    assert_true(l->size < sizeof l->text);
}

static void the_debug_log_shows_answers_and_no_secrets(void **state) {
    fixture *f = *state;
    lines l = {.size = 0};
    f->log.fn = keep_line;
    f->log.data = &l;
    f->log.level = TACIT_LOG_DEBUG;
    const ti_http_request request = {.authorization = "Authorization: Bearer secret-1",
                                     .body = "secret-2",
                                     .body_size = 8,
                                     .has_body = true};

    assert_int_equal(ask(f,
                         &(raw_options){.answer = OK "X-A: shown\r\nSet-Cookie: id=secret-3\r\n"
                                                     "Content-Length: 8\r\n\r\nsecret-4"},
                         &request),
                     TACIT_OK);

    assert_non_null(strstr(l.text, "libcurl: "));
    assert_non_null(strstr(l.text, "< HTTP/1.1 200 OK\n"));
    assert_non_null(strstr(l.text, "< X-A: shown\n"));
    assert_null(strstr(l.text, "secret-"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(head_and_body_are_collected),
        FIXTURE_TEST(a_cleared_answer_has_no_headers),
        FIXTURE_TEST(what_is_secret_stays_so),
        FIXTURE_TEST(interim_answers_drop_out),
        FIXTURE_TEST(trailers_are_no_headers),
        FIXTURE_TEST(retry_after_is_read),
        FIXTURE_TEST(redirects_are_answers),
        FIXTURE_TEST(a_body_over_the_limit_is_refused),
        FIXTURE_TEST(the_transport_has_a_limit_of_its_own),
        FIXTURE_TEST(a_head_over_the_limit_is_refused),
        FIXTURE_TEST(only_2xx_bodies_are_written_without_a_limit),
        FIXTURE_TEST(a_write_that_refuses_ends_the_send),
        FIXTURE_TEST(half_an_answer_is_an_unknown_outcome),
        FIXTURE_TEST(a_refused_connection_is_nothing_sent),
        FIXTURE_TEST(a_connection_that_is_not_made_times_out),
        FIXTURE_TEST(a_kept_connection_that_died_is_replaced),
        FIXTURE_TEST(an_error_does_not_stay_for_the_next_send),
        FIXTURE_TEST(the_debug_log_shows_answers_and_no_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
