/* Transfers that wait: for a writer that is full, for a reader that has nothing, or because somebody
 * said so. */
#include "loop_fixture.h"

#include <jansson.h>

#define LARGE 1000000
#define LARGE_PATH "/api/bytes?n=1000000"

/* A writer that knows what is to come: the alphabet, over and over. */
typedef struct writer {
    size_t received;
    int calls, pauses;
    int pause_every; /* so many calls; 0: never */
    bool pauses_once;
} writer;

static size_t write_alphabet(const char *data, size_t size, void *write_data) {
    writer *w = write_data;
    w->calls++;
    if (w->pause_every > 0 && w->calls % w->pause_every == 0) {
        if (w->pauses_once) w->pause_every = 0;
        w->pauses++;
        return TACIT_WRITE_PAUSE;
    }
    for (size_t i = 0; i < size; i++) assert_int_equal(data[i], 'a' + (w->received + i) % 26);
    w->received += size;
    return size;
}

/* A reader of the alphabet. */
typedef struct reader {
    size_t place, size;
    int calls, pauses;
    int pause_every;
} reader;

static size_t read_alphabet(char *buffer, size_t capacity, void *read_data) {
    reader *r = read_data;
    r->calls++;
    if (r->pause_every > 0 && r->calls % r->pause_every == 0) {
        r->pauses++;
        return TACIT_READ_PAUSE;
    }
    size_t count = r->size - r->place;
    if (count > capacity) count = capacity;
    for (size_t i = 0; i < count; i++) buffer[i] = (char)('a' + (r->place + i) % 26);
    r->place += count;
    return count;
}

static void prepare_download(exchange *e, loop_fixture *t, const char *path, writer *w) {
    prepare(e, t, path);
    e->request.write = write_alphabet;
    e->request.write_data = w;
    e->request.may_pause = true;
}

static void prepare_upload(exchange *e, loop_fixture *t, reader *r) {
    prepare(e, t, "/api/echo");
    e->request.method = "POST";
    e->request.read = read_alphabet;
    e->request.read_data = r;
    e->request.response_bytes_max = (size_t)4 * 1024 * 1024;
    e->request.may_pause = true;
}

/* The size of what arrived, where it is the alphabet. */
static size_t echoed_size(const exchange *e) {
    assert_int_equal(e->status, TACIT_OK);
    assert_int_equal(e->answer.status, 200);
    json_t *echoed = json_loads(e->answer.body.data, 0, NULL);
    assert_non_null(echoed);
    const char *body = json_string_value(json_object_get(echoed, "body"));
    size_t size = strlen(body);
    for (size_t i = 0; i < size; i++) assert_int_equal(body[i], 'a' + i % 26);
    json_decref(echoed);
    return size;
}

/* Resumes whenever it has stopped, until it has finished. */
static void resume_until_finished(loop_fixture *t, exchange *e, const int *pauses) {
    int64_t deadline = ti_clock_boot_ms(&t->f->clock) + 20000;
    for (int seen = 0; e->finished == 0;) {
        assert_true(ti_clock_boot_ms(&t->f->clock) < deadline);
        if (*pauses > seen) {
            seen = *pauses;
            ti_loop_resume(t->loop, &e->transfer);
        } else {
            ti_loop_run(t->loop, deadline);
        }
    }
}

/*
 * What comes
 */

static void paused_writer_gets_nothing_until_it_is_resumed(void **state) {
    loop_fixture *t = *state;
    writer w = {.pause_every = 1, .pauses_once = true};
    exchange e;
    prepare_download(&e, t, LARGE_PATH, &w);
    assert_int_equal(start(&e), TACIT_OK);
    while (w.pauses == 0) run_for(t, 1);

    run_for(t, 100);
    assert_int_equal(w.calls, 1);
    assert_int_equal(w.received, 0);
    assert_int_equal(e.finished, 0);
    ti_loop_resume(t->loop, &e.transfer);
    run_until(t, 1);

    assert_int_equal(e.status, TACIT_OK);
    assert_int_equal(w.received, LARGE);
    dispose(&e);
}

static void writer_may_pause_over_and_over(void **state) {
    loop_fixture *t = *state;
    const int every[] = {2, 3, 7};
    for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
        writer w = {.pause_every = every[i]};
        exchange e;
        prepare_download(&e, t, LARGE_PATH, &w);
        assert_int_equal(start(&e), TACIT_OK);

        resume_until_finished(t, &e, &w.pauses);

        assert_int_equal(e.status, TACIT_OK);
        assert_int_equal(w.received, LARGE);
        assert_true(w.pauses > 0);
        dispose(&e);
    }
}

/* Nothing more will come over the wire that could set it going. */
static void writer_that_paused_with_the_last_byte_is_served(void **state) {
    loop_fixture *t = *state;
    static const char *const paths[] = {"/api/bytes?n=26", "/api/bytes?n=16384"};
    for (int i = 0; i < 2; i++) {
        writer w = {.pause_every = 1, .pauses_once = true};
        exchange e;
        prepare_download(&e, t, paths[i], &w);
        assert_int_equal(start(&e), TACIT_OK);
        while (w.pauses == 0) run_for(t, 1);
        run_for(t, 50);
        assert_int_equal(e.finished, 0);

        ti_loop_resume(t->loop, &e.transfer);
        run_until(t, i + 1);

        assert_int_equal(e.status, TACIT_OK);
        assert_int_equal(w.received, i == 0 ? 26 : 16384);
        dispose(&e);
    }
}

static void compressed_answer_may_pause_too(void **state) {
    loop_fixture *t = *state;
    server_fault_add(t->server, TS_API, &(ts_fault){.kind = TS_FAULT_GZIP, .requests = 1});
    writer w = {.pause_every = 2};
    exchange e;
    prepare_download(&e, t, LARGE_PATH, &w);
    e.request.accept_encoding = true;
    assert_int_equal(start(&e), TACIT_OK);

    resume_until_finished(t, &e, &w.pauses);

    assert_int_equal(e.status, TACIT_OK);
    assert_string_equal(ti_http_answer_header(&e.answer, "Content-Encoding", 0), "gzip");
    assert_int_equal(w.received, LARGE);
    assert_true(w.pauses > 0);
    dispose(&e);
}

/* What came meanwhile is given to the writer by the resume itself. */
static size_t pause_then_refuse(const char *data, size_t size, void *write_data) {
    (void)data;
    (void)size;
    int *calls = write_data;
    return ++*calls == 1 ? TACIT_WRITE_PAUSE : 0;
}

static void writer_that_refuses_after_its_pause_ends_the_transfer(void **state) {
    loop_fixture *t = *state;
    static const char *const paths[] = {"/api/bytes?n=26", LARGE_PATH};
    for (int i = 0; i < 2; i++) {
        int calls = 0;
        exchange e;
        prepare(&e, t, paths[i]);
        e.request.write = pause_then_refuse;
        e.request.write_data = &calls;
        e.request.may_pause = true;
        assert_int_equal(start(&e), TACIT_OK);
        while (calls == 0) run_for(t, 1);

        ti_loop_resume(t->loop, &e.transfer);
        run_until(t, i + 1);

        assert_int_equal(e.status, TACIT_ERR_CANCELLED);
        assert_int_equal(calls, 2);
        dispose(&e);
    }
}

static void one_that_waits_holds_nobody_up(void **state) {
    loop_fixture *t = *state;
    writer w = {.pause_every = 1, .pauses_once = true};
    exchange waiting, other;
    prepare_download(&waiting, t, LARGE_PATH, &w);
    prepare(&other, t, "/nothing");
    assert_int_equal(start(&waiting), TACIT_OK);
    while (w.pauses == 0) run_for(t, 1);

    for (int i = 1; i <= 3; i++) {
        assert_int_equal(start(&other), TACIT_OK);
        run_until(t, i);
    }

    ti_loop_resume(t->loop, &waiting.transfer);
    run_until(t, 4);
    assert_int_equal(w.received, LARGE);
    dispose(&waiting);
    dispose(&other);
}

/*
 * From outside
 */

static void paused_before_it_begins_it_delivers_nothing(void **state) {
    loop_fixture *t = *state;
    writer w = {.pause_every = 0};
    exchange e;
    prepare_download(&e, t, LARGE_PATH, &w);
    assert_int_equal(start(&e), TACIT_OK);

    ti_loop_pause(t->loop, &e.transfer);
    ti_loop_pause(t->loop, &e.transfer);
    run_for(t, 100);
    assert_int_equal(w.calls, 0);
    assert_int_equal(e.finished, 0);
    ti_loop_resume(t->loop, &e.transfer);
    run_until(t, 1);

    assert_int_equal(w.received, LARGE);
    dispose(&e);
}

static void pause_in_the_middle_stops_what_comes(void **state) {
    loop_fixture *t = *state;
    writer w = {.pause_every = 0};
    exchange e;
    prepare_download(&e, t, "/api/bytes?n=10000000", &w);
    assert_int_equal(start(&e), TACIT_OK);
    while (w.received == 0) ti_loop_run(t->loop, ti_clock_boot_ms(&t->f->clock) + 1000);

    ti_loop_pause(t->loop, &e.transfer);
    size_t received = w.received;
    run_for(t, 100);
    assert_int_equal(w.received, received);
    assert_int_equal(e.finished, 0);
    ti_loop_resume(t->loop, &e.transfer);
    ti_loop_resume(t->loop, &e.transfer);
    run_until(t, 1);

    assert_int_equal(e.status, TACIT_OK);
    assert_int_equal(w.received, 10000000);
    dispose(&e);
}

static void pause_after_the_writers_own_takes_one_resume(void **state) {
    loop_fixture *t = *state;
    writer w = {.pause_every = 1, .pauses_once = true};
    exchange e;
    prepare_download(&e, t, LARGE_PATH, &w);
    assert_int_equal(start(&e), TACIT_OK);
    while (w.pauses == 0) run_for(t, 1);

    ti_loop_pause(t->loop, &e.transfer);
    run_for(t, 50);
    assert_int_equal(w.calls, 1);
    ti_loop_resume(t->loop, &e.transfer);
    run_until(t, 1);

    assert_int_equal(w.received, LARGE);
    dispose(&e);
}

static void collected_answer_may_be_paused(void **state) {
    loop_fixture *t = *state;
    exchange e;
    prepare(&e, t, "/api/bytes?n=50000");
    assert_int_equal(start(&e), TACIT_OK);

    ti_loop_pause(t->loop, &e.transfer);
    run_for(t, 50);
    assert_int_equal(e.finished, 0);
    ti_loop_resume(t->loop, &e.transfer);
    run_until(t, 1);

    assert_int_equal(e.status, TACIT_OK);
    assert_int_equal(e.answer.body.size, 50000);
    dispose(&e);
}

static void paused_transfer_can_be_stopped(void **state) {
    loop_fixture *t = *state;
    writer w = {.pause_every = 1, .pauses_once = true};
    exchange e;
    prepare_download(&e, t, LARGE_PATH, &w);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(start(&e), TACIT_OK);
        if (i == 1) ti_loop_pause(t->loop, &e.transfer);
        while (i == 0 && w.pauses == 0) run_for(t, 1);

        ti_loop_stop(t->loop, &e.transfer, TACIT_ERR_CANCELLED, &e.error);

        assert_int_equal(e.error.status, TACIT_ERR_CANCELLED);
        assert_int_equal(w.received, 0);
    }
    ti_loop_resume(t->loop, &e.transfer); /* there is nothing to resume, or to pause */
    ti_loop_pause(t->loop, &e.transfer);
    run_for(t, 10);
    assert_int_equal(e.finished, 0);
    /* and the next one with that handle is not paused */
    assert_int_equal(start(&e), TACIT_OK);
    run_until(t, 1);
    assert_int_equal(w.received, LARGE);
    dispose(&e);
}

/*
 * What goes
 */

static void reader_may_pause_over_and_over(void **state) {
    loop_fixture *t = *state;
    const struct {
        size_t size;
        int64_t said;
        int pause_every;
    } cases[] = {{LARGE, LARGE, 2}, {LARGE, 0, 2}, {LARGE, 0, 5}, {26, 26, 1}, {26, 0, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reader r = {.size = cases[i].size, .pause_every = cases[i].pause_every};
        exchange e;
        prepare_upload(&e, t, &r);
        e.request.read_size = cases[i].said;
        assert_int_equal(start(&e), TACIT_OK);
        if (r.pause_every == 1) { /* always, until it was once */
            while (r.pauses == 0) run_for(t, 1);
            run_for(t, 50);
            assert_int_equal(r.calls, 1);
            r.pause_every = 0;
            ti_loop_resume(t->loop, &e.transfer);
        }

        resume_until_finished(t, &e, &r.pauses);

        assert_int_equal(echoed_size(&e), cases[i].size);
        assert_true(r.pauses > 0);
        dispose(&e);
    }
}

static void upload_paused_from_outside_goes_on(void **state) {
    loop_fixture *t = *state;
    reader r = {.size = LARGE};
    exchange e;
    prepare_upload(&e, t, &r);
    e.request.read_size = LARGE;
    assert_int_equal(start(&e), TACIT_OK);

    ti_loop_pause(t->loop, &e.transfer);
    run_for(t, 50);
    assert_int_equal(r.calls, 0);
    ti_loop_resume(t->loop, &e.transfer);
    run_until(t, 1);

    assert_int_equal(echoed_size(&e), LARGE);
    dispose(&e);
}

static void reader_of_a_form_may_pause(void **state) {
    loop_fixture *t = *state;
    const int64_t said[] = {LARGE, 0};
    for (int i = 0; i < 2; i++) {
        reader r = {.size = LARGE, .pause_every = 2};
        const tacit_part part = {.struct_size = sizeof part,
                                 .name = "r",
                                 .read = read_alphabet,
                                 .read_size = said[i],
                                 .read_data = &r};
        const tacit_part *const parts[] = {&part, NULL};
        exchange e;
        prepare_upload(&e, t, &r);
        e.request.read = NULL;
        e.request.parts = parts;
        assert_int_equal(start(&e), TACIT_OK);

        resume_until_finished(t, &e, &r.pauses);

        assert_int_equal(e.status, TACIT_OK);
        json_t *echoed = json_loads(e.answer.body.data, 0, NULL);
        const char *body = json_string_value(json_object_get(echoed, "body"));
        const char *content = strstr(body, "\r\n\r\n");
        assert_non_null(content);
        for (size_t n = 0; n < LARGE; n++) assert_int_equal(content[4 + n], 'a' + n % 26);
        assert_memory_equal(content + 4 + LARGE, "\r\n--", 4);
        assert_true(r.pauses > 0);
        json_decref(echoed);
        dispose(&e);
    }
}

static void who_may_not_pause_is_cancelled(void **state) {
    loop_fixture *t = *state;
    writer w = {.pause_every = 1};
    reader r = {.size = 26, .pause_every = 1};
    exchange download, upload;
    prepare_download(&download, t, LARGE_PATH, &w);
    prepare_upload(&upload, t, &r);
    download.request.may_pause = upload.request.may_pause = false;

    assert_int_equal(start(&download), TACIT_OK);
    assert_int_equal(start(&upload), TACIT_OK);
    run_until(t, 2);

    assert_int_equal(download.status, TACIT_ERR_CANCELLED);
    assert_int_equal(upload.status, TACIT_ERR_CANCELLED);
    dispose(&download);
    dispose(&upload);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        LOOP_TEST(paused_writer_gets_nothing_until_it_is_resumed),
        LOOP_TEST(writer_may_pause_over_and_over),
        LOOP_TEST(writer_that_paused_with_the_last_byte_is_served),
        LOOP_TEST(compressed_answer_may_pause_too),
        LOOP_TEST(writer_that_refuses_after_its_pause_ends_the_transfer),
        LOOP_TEST(one_that_waits_holds_nobody_up),
        LOOP_TEST(paused_before_it_begins_it_delivers_nothing),
        LOOP_TEST(pause_in_the_middle_stops_what_comes),
        LOOP_TEST(pause_after_the_writers_own_takes_one_resume),
        LOOP_TEST(collected_answer_may_be_paused),
        LOOP_TEST(paused_transfer_can_be_stopped),
        LOOP_TEST(reader_may_pause_over_and_over),
        LOOP_TEST(upload_paused_from_outside_goes_on),
        LOOP_TEST(reader_of_a_form_may_pause),
        LOOP_TEST(who_may_not_pause_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
