/* TACIT_EVENT_ANOMALY: what an app's security log is to know, and what it is not bothered with. */
#include "support/fake_store.h"
#include "support/jwt.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

#define DAY_MS (INT64_C(86400) * 1000)

/* ------------------------------------------------------------------ refused */

static world *signed_in_with(const char *extra_members, const char *metadata_members) {
    ts_options server = TS_OPTIONS_INIT;

    server.extra_members = extra_members;
    server.metadata_members = metadata_members;
    return signed_in(&(world_options){.clock = true, .server = &server});
}

static world *signed_in_for_a_day(void) {
    return signed_in_with("{\"refresh_expires_in\":86400}", NULL);
}

static void be_refused(world *w) {
    tacit_session_refresh(world_session(w), TACIT_NO_WAIT, NULL);
    wait_sign_in_required(w);
    world_wait_event(w, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
}

/* The anomaly came right before the end, which says the same of the server's answer. */
static void assert_anomaly_then_end(world *w, tacit_anomaly anomaly, const char *why) {
    size_t last = world_event_count(w, (tacit_event_type)0) - 1;
    world_event told, end;

    assert_true(world_event_at(w, (tacit_event_type)0, last - 1, &told));
    assert_true(world_event_at(w, (tacit_event_type)0, last, &end));
    if (told.event.type != TACIT_EVENT_ANOMALY || told.event.anomaly != anomaly)
        fail_msg("%s: event %d, anomaly %d", why, (int)told.event.type, (int)told.event.anomaly);
    world_assert_events(w, TACIT_EVENT_ANOMALY, 1);
    assert_int_equal(end.event.type, TACIT_EVENT_SIGN_IN_REQUIRED);
    assert_int_equal(end.event.anomaly, TACIT_ANOMALY_NONE);
    assert_int_equal(told.event.state, TACIT_STATE_SIGNED_IN);
    assert_string_equal(told.error.oauth_error, end.error.oauth_error);
    assert_string_equal(told.error.oauth_error_description, end.error.oauth_error_description);
}

static void a_refusal_within_the_lifetime_is_early(void **state) {
    world *w = signed_in_for_a_day();
    world_event end;

    (void)state;
    server_revoke_family(world_server(w));
    be_refused(w);

    assert_anomaly_then_end(w, TACIT_ANOMALY_REFUSED_EARLY, "revoked");
    assert_true(world_event_at(w, TACIT_EVENT_SIGN_IN_REQUIRED, 0, &end));
    assert_string_equal(end.error.oauth_error, "invalid_grant");
    assert_true(end.error.sign_in_required);
    world_free(w);
}

/* The clock comes to that point at once, and a little later what is due then is refused. */
static void a_refusal_at_the_end_of_the_lifetime_is_not(void **state) {
    static const struct {
        int64_t left_ms;
        size_t anomalies;
    } cases[] = {{3600000, 1}, {60000, 0}, {0, 0}, {-DAY_MS, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world *w = signed_in_for_a_day();

        server_revoke_family(world_server(w));
        world_clock_move(w, DAY_MS - cases[i].left_ms);
        wait_sign_in_required(w);
        world_wait_event(w, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
        world_assert_events(w, TACIT_EVENT_ANOMALY, cases[i].anomalies);
        world_free(w);
    }
}

static void a_refusal_of_unknown_lifetime_is_no_anomaly(void **state) {
    world *w = signed_in_with(NULL, NULL);

    (void)state;
    server_revoke_family(world_server(w));
    be_refused(w);

    assert_int_equal(world_event_count(w, TACIT_EVENT_ANOMALY), 0);
    world_free(w);
}

typedef struct reuse_case {
    const char *body;
    tacit_anomaly anomaly;
} reuse_case;

static void a_refresh_token_that_was_used_twice_is_told(void **state) {
    static const char dialect[] =
        "{\"dialect\":{\"reuse_errors\":[\"token_theft\",\"FAMILY GONE\"]}}";
    static const reuse_case cases[] = {
        {"{\"error\":\"token_theft\"}", TACIT_ANOMALY_REUSE},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"FAMILY GONE\"}",
         TACIT_ANOMALY_REUSE},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"Token reuse detected.\"}",
         TACIT_ANOMALY_REUSE},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"Maximum allowed refresh token reuse "
         "exceeded\"}",
         TACIT_ANOMALY_REUSE},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"Invalid Refresh Token: Already "
         "Used\"}",
         TACIT_ANOMALY_REUSE},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"It has already-been-used\"}",
         TACIT_ANOMALY_REUSE},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"Token is not active\"}",
         TACIT_ANOMALY_REFUSED_EARLY},
        {"{\"error\":\"invalid_grant\"}", TACIT_ANOMALY_REFUSED_EARLY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world *w = signed_in_with("{\"refresh_expires_in\":86400}", dialect);
        ts_fault fault = {.kind = TS_FAULT_ANSWER,
                          .status = 400,
                          .headers = "Content-Type: application/json",
                          .body = cases[i].body};

        server_fault_add(world_server(w), TS_TOKEN_ENDPOINT, &fault);
        be_refused(w);
        assert_anomaly_then_end(w, cases[i].anomaly, cases[i].body);
        world_free(w);
    }
}

/* ------------------------------------------------------------------ somebody else's */

/* Refresh answers with an access token of that subject; NULL: with one that is no JWT. */
static void answer_with_subject(world *w, const char *subject) {
    char claims[128], body[1024];
    ti_secret *token = NULL;
    ts_fault fault = {.kind = TS_FAULT_ANSWER,
                      .requests = 1,
                      .headers = "Content-Type: application/json",
                      .body = body};

    snprintf(claims, sizeof claims, "{\"sub\":%s}", subject == NULL ? "" : subject);
    if (subject != NULL) token = jwt_secret("{\"alg\":\"none\"}", claims, strlen(claims), ".c2ln");
    snprintf(body, sizeof body,
             "{\"access_token\":\"%.*s\",\"token_type\":\"Bearer\",\"expires_in\":3600}",
             token == NULL ? 6 : (int)ti_secret_size(token),
             token == NULL ? "opaque" : ti_secret_data(token));
    server_fault_add(world_server(w), TS_TOKEN_ENDPOINT, &fault);
    ti_secret_unref(token);
}

static void a_token_of_another_subject_is_told(void **state) {
    static const struct {
        const char *before, *after;
        bool told;
    } cases[] = {
        {"\"alice\"", "\"mallory\"", true},
        {"\"alice\"", "\"alice\"", false},
        {"42", "43", true},
        {"42", "42", false},
        {"42", "\"42\"", true},
        {"\"alice\"", NULL, false},
        {NULL, "\"mallory\"", false},
        {"\"alice\"", "null", false},
        {"{}", "[]", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        world *w = signed_in(&(world_options){.clock = true});
        world_event told;

        answer_with_subject(w, cases[i].before);
        assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
        answer_with_subject(w, cases[i].after);
        assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
        world_wait_event(w, TACIT_EVENT_REFRESHED, 2); /* it is used all the same */

        if (world_event_count(w, TACIT_EVENT_ANOMALY) != (cases[i].told ? 1 : 0))
            fail_msg("case %zu", i);
        if (cases[i].told) {
            assert_true(world_event_at(w, TACIT_EVENT_ANOMALY, 0, &told));
            assert_int_equal(told.event.anomaly, TACIT_ANOMALY_OTHER_SUBJECT);
            assert_null(told.event.error);
        }
        world_free(w);
    }
}

/* Which is not taken over, as ever. */
static void an_id_token_of_another_subject_is_told(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    world_options options = {.clock = true, .server = &server};
    world_event told;
    world *w;

    (void)state;
    options.session = (tacit_session_options)TACIT_SESSION_OPTIONS_INIT;
    options.session.scope = "openid";
    w = signed_in(&options);
    server.id_token_members = "{\"sub\":\"mallory\"}";
    server_configure(world_server(w), &server);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);

    world_wait_event(w, TACIT_EVENT_ANOMALY, 1);
    assert_true(world_event_at(w, TACIT_EVENT_ANOMALY, 0, &told));
    assert_int_equal(told.event.anomaly, TACIT_ANOMALY_OTHER_SUBJECT);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
}

static void another_sign_in_may_be_somebody_elses(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    world *w;

    (void)state;
    server.jwt = true;
    server.username = NULL;
    w = signed_in(&(world_options){.clock = true, .server = &server});
    assert_int_equal(tacit_sign_in_with_password(world_session(w), "bob", "wonderland", NULL, NULL),
                     TACIT_OK);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    world_wait_event(w, TACIT_EVENT_REFRESHED, 1);

    assert_int_equal(world_event_count(w, TACIT_EVENT_ANOMALY), 0);
    world_free(w);
}

/* ------------------------------------------------------------------ the clock */

static void a_wall_clock_that_jumps_is_told_once_to_every_session(void **state) {
    static const int64_t steps_ms[] = {60001, -3600000, 60000, -60000, 1000};
    world *w = signed_in(&(world_options){.clock = true});
    tacit_session *other = world_open(w, "another", NULL);
    world_event told;

    (void)state;
    for (size_t i = 0; i < sizeof steps_ms / sizeof *steps_ms; i++) {
        world_wall_step(w, steps_ms[i]);
        world_clock_move(w, DAY_MS / 1000); /* time that passes is no jump */
    }
    world_wait_event(w, TACIT_EVENT_ANOMALY, 4);
    look_a_while();

    world_assert_events(w, TACIT_EVENT_ANOMALY, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(world_event_at(w, TACIT_EVENT_ANOMALY, i, &told));
        assert_int_equal(told.event.anomaly, TACIT_ANOMALY_WALL_CLOCK_JUMPED);
    }
    assert_int_equal(world_get(w, "/api/x"), 200);
    tacit_session_close(other, PATIENCE_MS);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_within_the_lifetime_is_early),
        cmocka_unit_test(a_refusal_at_the_end_of_the_lifetime_is_not),
        cmocka_unit_test(a_refusal_of_unknown_lifetime_is_no_anomaly),
        cmocka_unit_test(a_refresh_token_that_was_used_twice_is_told),
        cmocka_unit_test(a_token_of_another_subject_is_told),
        cmocka_unit_test(an_id_token_of_another_subject_is_told),
        cmocka_unit_test(another_sign_in_may_be_somebody_elses),
        cmocka_unit_test(a_wall_clock_that_jumps_is_told_once_to_every_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
