#include "support/device_tally.h"

#include "support/server_telemetry.h"
#include "support/unit.h"

#include <jansson.h>
#include <stdlib.h>

static int64_t number(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);

    if (!json_is_integer(value)) fail_msg("%s is no number", name);
    return json_integer_value(value);
}

static void add_date(tally *t, const json_t *date) {
    if (!json_is_integer(date)) {
        t->undated++;
        return;
    }
    if (t->first_unix_ms == 0) t->first_unix_ms = json_integer_value(date);
    t->last_unix_ms = json_integer_value(date);
}

/* A run's readings leave it oldest first: what comes has no gap but what was given up. */
static void add_batch(tally *t, const json_t *batch) {
    const json_t *readings = json_object_get(batch, "readings"), *reading;
    int64_t run = number(batch, "run");
    long dropped = (long)number(batch, "dropped");
    size_t index;

    if (t->runs == 0 || t->of_run[t->runs - 1].run != run) {
        if (t->runs > 0) assert_true(run > t->of_run[t->runs - 1].run);
        assert_true(t->runs < TALLY_RUNS_MAX);
        t->of_run[t->runs++].run = run;
    }
    t->dropped += dropped;
    if (dropped > t->most_dropped) t->most_dropped = dropped;
    json_array_foreach(readings, index, reading) {
        int64_t seq = number(reading, "seq"), *next = &t->of_run[t->runs - 1].next;

        if (seq < *next)
            fail_msg("reading %lld where %lld is next", (long long)seq, (long long)*next);
        t->missing += (long)(seq - *next);
        *next = seq + 1;
        t->readings++;
        add_date(t, json_object_get(reading, "unix_ms"));
    }
}

tally tally_of(ts_server *server) {
    tally t = {.runs = 0};
    char *body;

    for (size_t i = 0; (body = server_telemetry_batch(server, i)) != NULL; i++) {
        json_t *batch = json_loads(body, 0, NULL);

        assert_non_null(batch);
        add_batch(&t, batch);
        json_decref(batch);
        free(body);
    }
    assert_int_equal(server_telemetry(server).conflicts, 0);
    assert_int_equal(server_telemetry(server).readings, t.readings);
    return t;
}

tally tally_await_runs(ts_server *server, long runs, int timeout_ms) {
    tally t = tally_of(server);

    while (t.runs < runs) {
        if (!server_telemetry_wait(server, t.readings + 1, timeout_ms))
            fail_msg("%ld runs of %ld", t.runs, runs);
        t = tally_of(server);
    }
    return t;
}
