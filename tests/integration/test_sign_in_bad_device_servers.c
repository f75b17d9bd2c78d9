/* Sign-ins by device code with servers that are not what they should be. */
#include "support/scene.h"
#include "support/seen.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A sign-in by device code on a thread of its own; the injected clock is moved meanwhile. */
typedef struct device {
    scene *scene;
    pthread_t thread;
    tacit_error error;
    atomic_bool prompted, over;
    int prompts;
} device;

static void prompt(const char *user_code, const char *uri, const char *complete, int expires_in_s,
                   void *data) {
    device *d = data;
    (void)complete;

    if (!user_code || !uri || expires_in_s <= 0) abort();
    d->prompts++;
    atomic_store(&d->prompted, true);
}

static void *device_main(void *data) {
    device *d = data;
    tacit_sign_in_options options = TACIT_SIGN_IN_OPTIONS_INIT;

    options.device_prompt = prompt;
    options.user_data = d;
    tacit_sign_in_with_device_code(world_session(d->scene->world), &options, &d->error);
    atomic_store(&d->over, true);
    return NULL;
}

static void begin_device(device *d, scene *s) {
    *d = (device){.scene = s};
    assert_int_equal(pthread_create(&d->thread, NULL, device_main, d), 0);
}

static bool is_prompted_or_over(void *data) {
    device *d = data;
    return atomic_load(&d->prompted) || atomic_load(&d->over);
}

static void wait_prompt(device *d) {
    world_wait(is_prompted_or_over, d, "the user is asked to enter a code");
    assert_true(atomic_load(&d->prompted));
}

/* Second by second, since nobody knows when the pause before the next poll begins. */
static void pump_polls(device *d, long token_requests) {
    for (int i = 0; i < 500 && !atomic_load(&d->over); i++) {
        if (server_wait_counter(d->scene->server, TS_COUNTER(token_requests), token_requests, 20)) {
            return;
        }
        world_clock_move(d->scene->world, 1000);
    }
    assert_true(server_counters(d->scene->server).token_requests >= token_requests);
}

static bool is_over(void *data) {
    device *d = data;

    if (atomic_load(&d->over)) return true;
    world_clock_move(d->scene->world, 100);
    return false;
}

static tacit_error end_device(device *d) {
    world_wait(is_over, d, "the sign-in by device code ends");
    pthread_join(d->thread, NULL);
    return d->error;
}

/* The test's server counts real time, the session the injected one: it is told 5 s, and is never
 * too fast. */
static ts_options device_options(void) {
    ts_options options = TS_OPTIONS_INIT;

    options.device_interval = "0";
    options.device_members = "{\"interval\":5}";
    return options;
}

static void approve(const scene *s) {
    char *user_code = server_newest_user_code(s->server);

    assert_true(server_device_approve(s->server, user_code));
    free(user_code);
}

static void device_endpoint_that_answers_nonsense(void **state) {
    static const struct {
        ts_fault fault;
        tacit_status status;
    } bad[] = {
        {{.headers = "Content-Type: text/html", .body = "<h1>Hotel</h1>"}, TACIT_ERR_PROTOCOL},
        {{.body = "[]"}, TACIT_ERR_PROTOCOL},
        {{.body = "{\"device_code\":\"d\"}"}, TACIT_ERR_PROTOCOL},
        {{.body = "{\"device_code\":\"d\",\"user_code\":\"\\u001b[31m\","
                  "\"verification_uri\":\"https://x.example/\"}"},
         TACIT_ERR_PROTOCOL},
        {{.body = "{\"device_code\":\"d\",\"user_code\":\"u\","
                  "\"verification_uri\":\"javascript:alert(1)\"}"},
         TACIT_ERR_PROTOCOL},
        {{.status = 502, .body = "<html>Bad Gateway</html>"}, TACIT_ERR_SERVER},
        {{.status = 400, .body = "{\"error\":\"unauthorized_client\"}"}, TACIT_ERR_OAUTH},
        {{.status = 307, .headers = "Location: https://evil.example/"}, TACIT_ERR_PROTOCOL},
        {{.kind = TS_FAULT_CLOSE}, TACIT_ERR_NETWORK},
        {{.kind = TS_FAULT_NESTED, .size = 100000}, TACIT_ERR_PROTOCOL},
        {{.kind = TS_FAULT_OVERSIZED, .size = 3 * 1024 * 1024}, TACIT_ERR_TOO_LARGE},
    };
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        scene s = scene_begin(NULL, false);
        ts_fault fault = bad[i].fault;
        device d;
        if (!fault.kind) fault.kind = TS_FAULT_ANSWER;
        server_fault_add(s.server, TS_DEVICE, &fault);
        begin_device(&d, &s);
        tacit_error error = end_device(&d);
        assert_clear(&error, bad[i].status, fault.body ? fault.body : "no body");
        assert_int_equal(d.prompts, 0);
        assert_int_equal(server_counters(s.server).token_requests, 0);
        assert_nothing_happened(&s);
        scene_end(&s);
    }
}

static void trouble_between_polls_ends_nothing(void **state) {
    static const ts_fault trouble[] = {
        {.kind = TS_FAULT_ANSWER, .status = 502, .body = "<html>Bad Gateway</html>"},
        {.kind = TS_FAULT_ANSWER, .status = 503, .headers = "Retry-After: 7"},
        {.kind = TS_FAULT_ANSWER, .status = 429},
        {.kind = TS_FAULT_ANSWER, .headers = "Content-Type: text/html", .body = "<h1>Hotel</h1>"},
        {.kind = TS_FAULT_CLOSE},
        {.kind = TS_FAULT_RESET},
        {.kind = TS_FAULT_NESTED, .size = 100000},
        {.kind = TS_FAULT_ANSWER, .status = 400, .body = "{\"error\":\"slow_down\"}"},
    };
    ts_options options = device_options();
    scene s = scene_begin(&options, false);
    device d;
    (void)state;

    begin_device(&d, &s);
    wait_prompt(&d);
    pump_polls(&d, 1);
    for (size_t i = 0; i < sizeof trouble / sizeof *trouble; i++) {
        ts_fault fault = trouble[i];
        fault.requests = 1;
        server_fault_add(s.server, TS_TOKEN_ENDPOINT, &fault);
    }
    pump_polls(&d, 1 + sizeof trouble / sizeof *trouble);
    approve(&s);
    assert_int_equal(end_device(&d).status, TACIT_OK);
    assert_int_equal(d.prompts, 1);
    assert_int_equal(server_counters(s.server).device_grants, 1);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    scene_end(&s);
}

static bool is_polled(scene *s, long token_requests) {
    look_a_while();
    return server_counters(s->server).token_requests >= token_requests;
}

/* The first poll comes 5 s after the code, whatever the server calls an interval. */
static void interval_that_is_none_is_five_seconds(void **state) {
    static const char *const members[] = {
        "{\"interval\":\"junk\"}", "{\"interval\":null}",  "{\"interval\":-3}",
        "{\"interval\":0}",        "{\"interval\":[5]}",   "{\"interval\":\"\"}",
        "{\"interval\":false}",    "{\"interval\":\"0\"}",
    };
    (void)state;

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        ts_options options = device_options();
        options.device_members = members[i];
        scene s = scene_begin(&options, false);
        device d;
        begin_device(&d, &s);
        wait_prompt(&d);
        world_clock_move(s.world, 4900);
        assert_false(is_polled(&s, 1));
        approve(&s);
        assert_int_equal(end_device(&d).status, TACIT_OK);
        scene_end(&s);
    }
}

static void device_that_is_refused_leaves_nothing(void **state) {
    static const struct {
        const char *error;
        tacit_status status;
    } refusals[] = {
        {"access_denied", TACIT_ERR_ACCESS_DENIED}, {"expired_token", TACIT_ERR_EXPIRED},
        {"invalid_grant", TACIT_ERR_OAUTH},         {"invalid_client", TACIT_ERR_OAUTH},
        {"unauthorized_client", TACIT_ERR_OAUTH},
    };
    (void)state;

    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        ts_options options = device_options();
        scene s = scene_begin(&options, false);
        device d;
        server_fail_oauth(s.server, 1, 400, refusals[i].error);
        begin_device(&d, &s);
        wait_prompt(&d);
        tacit_error error = end_device(&d);
        assert_clear(&error, refusals[i].status, refusals[i].error);
        assert_int_equal(server_counters(s.server).token_requests, 1);
        assert_nothing_happened(&s);
        scene_end(&s);
    }
}

static void device_code_that_nobody_enters_expires(void **state) {
    ts_options options = device_options();
    device d;
    (void)state;

    options.device_expires_in_s = 12;
    scene s = scene_begin(&options, false);
    begin_device(&d, &s);
    wait_prompt(&d);
    tacit_error error = end_device(&d);
    assert_clear(&error, TACIT_ERR_EXPIRED, "nobody enters the code");
    assert_nothing_happened(&s);
    scene_end(&s);
}

static void id_token_of_a_device_is_checked_too(void **state) {
    (void)state;

    for (size_t i = 0; i < BAD_ID_TOKENS - BAD_NONCES; i++) {
        ts_options options = device_options();
        options.id_token_members = bad_id_tokens[i].members;
        scene s = scene_begin(&options, i % 2);
        device d;
        begin_device(&d, &s);
        wait_prompt(&d);
        approve(&s);
        tacit_error error = end_device(&d);
        assert_clear(&error, TACIT_ERR_PROTOCOL, bad_id_tokens[i].why);
        assert_int_equal(server_counters(s.server).device_grants, 1);
        assert_nothing_happened(&s);
        scene_end(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_endpoint_that_answers_nonsense),
        cmocka_unit_test(trouble_between_polls_ends_nothing),
        cmocka_unit_test(interval_that_is_none_is_five_seconds),
        cmocka_unit_test(device_that_is_refused_leaves_nothing),
        cmocka_unit_test(device_code_that_nobody_enters_expires),
        cmocka_unit_test(id_token_of_a_device_is_checked_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
