/* max_idle_s and max_age_s where several processes share a sign-in. The other process is a client of its own. */
#include "support/limited.h"
#include "support/unit.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { IDLE_S = 600, PATIENCE_MS = WORLD_PATIENCE_MS, TICK_MS = 50 };
#define IDLE_MS (IDLE_S * SECOND_MS)
#define MARGIN_MS (IDLE_MS / 4) /* what a slow machine may take meanwhile */

typedef struct other {
    limited *of;
    tacit_client *client;
    tacit_session *session;
    atomic_int events[TACIT_EVENT_ANOMALY + 1];
    pthread_t ticker;
    atomic_bool over;
} other;

static void count_event(tacit_session *session, const tacit_event *event, void *data) {
    other *o = data;

    (void)session;
    if (event->type <= TACIT_EVENT_ANOMALY) atomic_fetch_add(&o->events[event->type], 1);
}

static int other_get(other *o) {
    return session_get(o->session, server_url(o->of->server, "/api/x"), NULL);
}

static void pass_for_both(limited *l, other *o, int64_t ms) {
    pass(l, ms);
    tacit_client_clock_moved(o->client);
}

/* Between the jumps time goes on as ever: whoever finds the turn taken asks for it again within 0.2 s. */
static void *tick(void *data) {
    other *o = data;

    while (!atomic_load(&o->over)) {
        pass_for_both(o->of, o, TICK_MS);
        nanosleep(&(struct timespec){.tv_nsec = TICK_MS * 1000000}, NULL);
    }
    return NULL;
}

static void other_open(other *o, limited *l, int max_idle_s, int max_age_s) {
    tacit_session_options options = limited_options(l, max_idle_s, max_age_s).session;
    const char *origins[] = {server_url(l->server, ""), NULL};
    tacit_session_state found;

    *o = (other){.of = l};
    o->client = other_client(l);
    options.client_id = "test-client";
    options.origins = origins;
    options.store = fake_store_handle(l->store);
    options.on_event = count_event;
    options.event_data = o;
    o->session = tacit_session_open(o->client, world_provider(l->world), &options, NULL);
    assert_non_null(o->session);
    assert_int_equal(tacit_session_load(o->session, PATIENCE_MS, &found, NULL), TACIT_OK);
    assert_int_equal(found, TACIT_STATE_SIGNED_IN);
    assert_int_equal(pthread_create(&o->ticker, NULL, tick, o), 0);
}

static void close_both(limited *l, other *o) {
    tacit_session_close(o->session, TACIT_NO_WAIT);
    assert_int_equal(tacit_client_shutdown(o->client, PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(tacit_client_shutdown(world_client(l->world), PATIENCE_MS, NULL), TACIT_OK);
    atomic_store(&o->over, true);
    pthread_join(o->ticker, NULL);
    tacit_client_unref(o->client);
    limited_free(l);
}

typedef struct use {
    const limited *of;
    int64_t boot_ms;
} use;

static bool record_knows(void *data) {
    const use *u = data;
    char *record = fake_store_record(u->of->store);
    json_t *json = json_loads(record, 0, NULL);
    const json_t *kept = json_object_get(json, "use");
    int64_t used_boot_ms = json_integer_value(json_object_get(kept, "boot_ms")) -
                           json_integer_value(json_object_get(kept, "idle_ms"));

    assert_non_null(kept);
    json_decref(json);
    free(record);
    return used_boot_ms >= u->boot_ms;
}

/* The other's request, which the record hears of at once, since it comes after a rest. */
static void other_uses_it(const limited *l, other *o) {
    use u = {l, atomic_load(&limited_clock.boot_ms)};

    assert_int_equal(other_get(o), 200);
    world_wait(record_knows, &u, "the record to know of the use");
}

static void what_another_process_uses_goes_on_here(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);
    other o;

    (void)state;
    other_open(&o, &l, IDLE_S, 0);
    /* Now and then the limit is reached here, as far as is known. */
    for (int i = 0; i < 12; i++) {
        pass_for_both(&l, &o, IDLE_MS / 4);
        other_uses_it(&l, &o);
        assert_int_equal(world_event_count(l.world, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    }

    assert_int_equal(world_get(l.world, "/api/x"), 200);
    assert_int_equal(o.events[TACIT_EVENT_SIGN_IN_REQUIRED], 0);
    close_both(&l, &o);
}

static bool is_told(void *data) {
    const limited *l = data;

    return world_event_count(l->world, TACIT_EVENT_SIGN_IN_REQUIRED) > 0;
}

static bool both_are_told(void *data) {
    other *o = data;

    return is_told(o->of) && atomic_load(&o->events[TACIT_EVENT_SIGN_IN_REQUIRED]) > 0;
}

static void and_what_nobody_uses_ends_for_all(void **state) {
    limited l = limited_new(NULL, IDLE_S, 0);
    other o;

    (void)state;
    other_open(&o, &l, IDLE_S, 0);
    pass_for_both(&l, &o, IDLE_MS / 2);
    other_uses_it(&l, &o);
    pass_for_both(&l, &o, IDLE_MS);
    world_wait(both_are_told, &o, "both to be told");
    world_wait(record_is_gone, &l, "the record to be erased");
    world_wait(nothing_lives, &l, "the refresh token to be revoked");

    assert_int_equal(world_get(l.world, "/api/x"), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(other_get(&o), -TACIT_ERR_SIGN_IN_REQUIRED);
    look_a_while();
    world_assert_events(l.world, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(world_event_count(l.world, TACIT_EVENT_SIGNED_OUT), 0);
    assert_int_equal(o.events[TACIT_EVENT_SIGN_IN_REQUIRED], 1);
    assert_int_equal(o.events[TACIT_EVENT_SIGNED_OUT], 0);
    close_both(&l, &o);
}

static bool has_followed(void *data) {
    const limited *l = data;

    return world_event_count(l->world, TACIT_EVENT_SIGNED_IN) > 1;
}

static bool one_lives(void *data) {
    const limited *l = data;

    return server_counters(l->server).live_refresh_tokens == 1;
}

/* R16: the limit is of a sign-in that is not the current one any more. */
static void a_newer_sign_in_of_another_process_is_not_ended(void **state) {
    limited l = limited_new(NULL, 0, IDLE_S);
    other o;

    (void)state;
    other_open(&o, &l, 0, IDLE_S);
    pass_for_both(&l, &o, IDLE_MS - MARGIN_MS);
    assert_int_equal(tacit_sign_in_with_password(o.session, "alice", "wonderland", NULL, NULL),
                     TACIT_OK);
    world_wait(one_lives, &l, "the replaced sign-in to be revoked");
    pass_for_both(&l, &o, MARGIN_MS);
    world_wait(has_followed, &l, "the other sign-in to be followed");

    assert_int_equal(world_event_count(l.world, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    assert_int_equal(world_get(l.world, "/api/x"), 200);
    assert_int_equal(other_get(&o), 200);
    assert_int_equal(server_counters(l.server).live_refresh_tokens, 1);
    close_both(&l, &o);
}

/* It ends nothing by itself, and hears of it as of any sign-out. */
static void a_process_without_limits_follows(void **state) {
    limited l = limited_new(NULL, 0, IDLE_S);
    other o;

    (void)state;
    other_open(&o, &l, 0, 0);
    pass_for_both(&l, &o, IDLE_MS);
    assert_ended(&l, "max_age_s");

    assert_int_equal(tacit_session_refresh(o.session, PATIENCE_MS, NULL), TACIT_ERR_SIGNED_OUT);
    assert_int_equal(other_get(&o), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_int_equal(server_counters(l.server).refresh_grants, 0);
    close_both(&l, &o);
}

/* The other has the turn, and is at the server; the limit waits for it, and so does who asks. */
static void a_refresh_under_way_elsewhere_is_waited_for(void **state) {
    limited l = limited_new(NULL, 0, IDLE_S);
    other o;

    (void)state;
    other_open(&o, &l, 0, 0);
    server_gate_close(l.server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    assert_int_equal(tacit_session_refresh(o.session, TACIT_NO_WAIT, NULL), TACIT_ERR_TIMEOUT);
    assert_true(server_gate_waiters(l.server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    pass(&l, IDLE_MS);
    look_a_while();
    assert_int_equal(world_event_count(l.world, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    server_gate_open(l.server, TS_TOKEN_ENDPOINT);

    assert_ended(&l, "max_age_s");
    close_both(&l, &o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_another_process_uses_goes_on_here),
        cmocka_unit_test(and_what_nobody_uses_ends_for_all),
        cmocka_unit_test(a_newer_sign_in_of_another_process_is_not_ended),
        cmocka_unit_test(a_process_without_limits_follows),
        cmocka_unit_test(a_refresh_under_way_elsewhere_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
