/* The parser of examples/server_sent_events: what WHATWG HTML, section "Server-sent events", asks of one. */
#include "examples/server_sent_events/event_stream.h"
#include "support/unit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_MAX_HERE = 64 };

/* The events as text: "type|id|data\n" each. */
typedef struct transcript {
    char text[1024];
    size_t size;
} transcript;

static void write_down(const sent_event *event, void *data) {
    transcript *t = data;

    assert_int_equal(event->data[event->data_size], '\0');
    t->size += (size_t)snprintf(t->text + t->size, sizeof t->text - t->size, "%s|%s|%s\n",
                                event->type, event->id, event->data);
    assert_true(t->size < sizeof t->text);
}

static event_stream *new_stream(transcript *t) {
    event_stream *stream;

    *t = (transcript){.size = 0};
    stream = event_stream_new(SIZE_MAX_HERE, write_down, t);
    assert_non_null(stream);
    return stream;
}

static void write_text(event_stream *stream, const char *text) {
    assert_true(event_stream_write(stream, text, strlen(text)));
}

/* ------------------------------------------------------------------ one connection */

typedef struct reading {
    const char *bytes;
    const char *events;
    const char *why;
} reading;

static const reading readings[] = {
    {"data: x\n\n", "message||x\n", "an event"},
    {"data:x\n\n", "message||x\n", "the space may be missing"},
    {"data:  x\n\n", "message|| x\n", "one space goes, a second stays"},
    {"data:\tx\n\n", "message||\tx\n", "a tab is no space"},
    {"data: x", "", "cut short"},
    {"data: x\n", "", "cut short before the empty line"},
    {"data: a\ndata: b\n\n", "message||a\nb\n", "lines"},
    {"data: a\n\ndata: b\n\n", "message||a\nmessage||b\n", "two"},
    {"data\n\n", "message||\n", "a name alone has an empty value"},
    {"data:\n\n", "message||\n", "empty data is data"},
    {"data\ndata\n\n", "message||\n\n", "two empty lines"},
    {"event: add\ndata: 1\n\ndata: 2\n\n", "add||1\nmessage||2\n", "the type is one event's"},
    {"event: add\n\ndata: 2\n\n", "message||2\n", "also where that had no data"},
    {"event:\ndata: 1\n\n", "message||1\n", "an empty type is none"},
    {"id: 7\ndata: 1\n\ndata: 2\n\n", "message|7|1\nmessage|7|2\n", "the id stays"},
    {"id: 7\ndata: 1\n\nid\ndata: 2\n\n", "message|7|1\nmessage||2\n", "until it is taken back"},
    {"id: 7\n\ndata: 2\n\n", "message|7|2\n", "an event without data has an id"},
    {": comment\ndata: 1\n:\n\n", "message||1\n", "comments"},
    {"Data: 1\ndatas: 2\ndat: 3\n data: 4\nfoo: 5\n\n", "", "other names"},
    {"data: a:b: c\n\n", "message||a:b: c\n", "the first colon counts"},
    {"data: 1\r\n\r\n", "message||1\n", "CRLF"},
    {"data: 1\r\r", "message||1\n", "CR"},
    {"data: 1\r\rdata: 2\n\ndata: 3\r\n\r\n", "message||1\nmessage||2\nmessage||3\n", "all three"},
    {"data: 1\n\r\n", "message||1\n", "LF, then CRLF"},
    {"data: 1\r\ndata: 2\n\r", "message||1\n2\n", "CRLF is one end"},
    {"\n\n\r\r\r\n", "", "nothing but ends"},
    {"\xEF\xBB\xBF"
     "data: 1\n\n",
     "message||1\n", "a byte order mark"},
    {"\xEF\xBB\xBF\xEF\xBB\xBF"
     "data: 1\n\ndata: 2\n\n",
     "message||2\n", "a second one is a part of the name"},
    {"\xEF\xBB"
     "data: 1\n\ndata: 2\n\n",
     "message||2\n", "so is half of one"},
    {"data: \xF0\x9F\x98\x80\n\n", "message||\xF0\x9F\x98\x80\n", "UTF-8"},
};

static void assert_reads(const reading *r, size_t cut) {
    size_t size = strlen(r->bytes);
    transcript t;
    event_stream *stream = new_stream(&t);

    for (size_t at = 0; at < size; at += cut)
        assert_true(event_stream_write(stream, r->bytes + at, size - at < cut ? size - at : cut));
    if (strcmp(t.text, r->events) != 0)
        fail_msg("%s, %zu bytes at a time: \"%s\", not \"%s\"", r->why, cut, t.text, r->events);
    event_stream_free(stream);
}

static void events_are_read_however_the_bytes_are_cut(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++)
        for (size_t cut = 1; cut <= strlen(readings[i].bytes); cut++)
            assert_reads(&readings[i], cut);
}

static void a_type_ends_at_its_first_nul(void **state) {
    static const char bytes[] = "event: \0a\ndata: 1\n\nevent: a\0b\ndata: 2\n\n";
    transcript t;
    event_stream *stream = new_stream(&t);

    (void)state;
    assert_true(event_stream_write(stream, bytes, sizeof bytes - 1));

    assert_string_equal(t.text, "message||1\na||2\n");
    event_stream_free(stream);
}

static void nul_is_data_but_no_id(void **state) {
    static const char bytes[] = "id: 1\ndata: a\n\nid: 2\0003\ndata: b\0c\n\n";
    transcript t;
    event_stream *stream = new_stream(&t);

    (void)state;
    assert_true(event_stream_write(stream, bytes, sizeof bytes - 1));

    assert_string_equal(t.text, "message|1|a\nmessage|1|b\n"); /* as far as %s goes */
    event_stream_free(stream);
}

/* ------------------------------------------------------------------ one connection after the other */

static void an_event_that_was_cut_short_is_forgotten_with_its_id(void **state) {
    transcript t;
    event_stream *stream = new_stream(&t);

    (void)state;
    write_text(stream, "id: 1\ndata: a\n\nid: 2\nevent: x\ndata: b\n");
    assert_string_equal(event_stream_last_id(stream), "1");
    event_stream_restart(stream);
    write_text(stream, "data: c\n\n");

    assert_string_equal(t.text, "message|1|a\nmessage|1|c\n");
    assert_string_equal(event_stream_last_id(stream), "1");
    event_stream_free(stream);
}

static void nothing_else_of_a_connection_is_left_to_the_next(void **state) {
    static const char *const rests[] = {"da", "\xEF", "data: x", "data: x\r", "event: e\n"};

    (void)state;
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
        transcript t;
        event_stream *stream = new_stream(&t);

        write_text(stream, rests[i]);
        event_stream_restart(stream);
        write_text(stream, "\xEF\xBB\xBF\ndata: 1\n\n");
        assert_string_equal(t.text, "message||1\n");
        event_stream_free(stream);
    }
}

static void the_server_says_how_long_to_wait(void **state) {
    static const struct {
        const char *value;
        int ms;
    } cases[] = {{"retry: 0", 0},
                 {"retry:2500", 2500},
                 {"retry: 99999999999", INT_MAX},
                 {"retry: 2147483647", INT_MAX},
                 {"retry: 2147483648", INT_MAX},
                 {"retry: -1", -1},
                 {"retry: 1s", -1},
                 {"retry: 1.5", -1},
                 {"retry", -1},
                 {"retry:  5", -1},
                 {"retry: 0010", 10}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        transcript t;
        event_stream *stream = new_stream(&t);

        write_text(stream, cases[i].value);
        assert_int_equal(event_stream_retry_ms(stream), -1); /* the line may go on */
        write_text(stream, "\n");
        assert_int_equal(event_stream_retry_ms(stream), cases[i].ms);
        event_stream_restart(stream);
        assert_int_equal(event_stream_retry_ms(stream), cases[i].ms);
        event_stream_free(stream);
    }
}

/* ------------------------------------------------------------------ bounds */

static void what_is_too_long_is_refused(void **state) {
    static const char *const lines[] = {":", "data: ", "id: ", "x"};
    char filler[SIZE_MAX_HERE];

    (void)state;
    memset(filler, 'x', sizeof filler);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        transcript t;
        event_stream *stream = new_stream(&t);

        write_text(stream, lines[i]);
        assert_true(event_stream_write(stream, filler, sizeof filler - strlen(lines[i])));
        assert_false(event_stream_write(stream, "x", 1));
        event_stream_restart(stream);
        write_text(stream, "data: 1\n\n"); /* and it goes on */
        assert_string_equal(t.text, "message||1\n");
        event_stream_free(stream);
    }
}

static void many_lines_are_no_way_around_it(void **state) {
    transcript t;
    event_stream *stream = new_stream(&t);

    (void)state;
    for (int i = 0; i < SIZE_MAX_HERE / 2; i++) write_text(stream, "data: x\n");
    assert_false(event_stream_write(stream, "data\n", 5));
    event_stream_free(stream);
    event_stream_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_read_however_the_bytes_are_cut),
        cmocka_unit_test(a_type_ends_at_its_first_nul),
        cmocka_unit_test(nul_is_data_but_no_id),
        cmocka_unit_test(an_event_that_was_cut_short_is_forgotten_with_its_id),
        cmocka_unit_test(nothing_else_of_a_connection_is_left_to_the_next),
        cmocka_unit_test(the_server_says_how_long_to_wait),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(many_lines_are_no_way_around_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
