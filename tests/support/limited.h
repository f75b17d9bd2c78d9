/*
 * A world whose session has limits, on a clock of the test's own: it moves without a word to any client, so that a request may be the
 * first to notice. Header only; one at a time.
 */
#ifndef TS_LIMITED_H
#define TS_LIMITED_H

#include "support/fake_store.h"
#include "support/seen.h"
#include "support/sending.h"

#include <stdatomic.h>
#include <stdlib.h>

#define SECOND_MS INT64_C(1000)
#define HOUR_MS (3600 * SECOND_MS)
#define DAY_MS (24 * HOUR_MS)

static struct { atomic_int_fast64_t boot_ms, wall_ms; } limited_clock;

static int64_t limited_boot_ms(void *data) {
    (void)data;
    return atomic_load(&limited_clock.boot_ms);
}

static int64_t limited_wall_ms(void *data) {
    (void)data;
    return atomic_load(&limited_clock.wall_ms);
}

static const tacit_clock limited_clock_ops = {.struct_size = sizeof limited_clock_ops,
                                              .boot_ms = limited_boot_ms,
                                              .wall_ms = limited_wall_ms};

static tacit_log_fn limited_log; /* of the clients; NULL: they log nothing */

typedef struct limited {
    fake_store *store;
    world *world;
    ts_server *server;
} limited;

static inline world_options limited_options(const limited *l, int max_idle_s, int max_age_s) {
    world_options options = {.store = fake_store_handle(l->store)};

    options.client = (tacit_client_options)TACIT_CLIENT_OPTIONS_INIT;
    options.client.clock = &limited_clock_ops;
    options.client.log = limited_log;
    options.client.refresh_timeout_ms = 24 * HOUR_MS; /* the clock may jump while one waits */
    options.client.store_timeout_ms = 24 * HOUR_MS;
    options.session = (tacit_session_options)TACIT_SESSION_OPTIONS_INIT;
    options.session.max_idle_s = max_idle_s;
    options.session.max_age_s = max_age_s;
    return options;
}

/* Signed in as alice. The store has a lock and a journal. */
static inline limited limited_new(const ts_options *server, int max_idle_s, int max_age_s) {
    limited l = {.store = fake_store_new()};
    world_options options = limited_options(&l, max_idle_s, max_age_s);

    atomic_store(&limited_clock.boot_ms, HOUR_MS);
    atomic_store(&limited_clock.wall_ms, INT64_C(1767225600) * 1000);
    options.server = server;
    l.world = world_new(&options);
    l.server = world_server(l.world);
    world_sign_in(l.world);
    server_counters_reset(l.server);
    return l;
}

static inline void limited_free(limited *l) {
    world_free(l->world);
    fake_store_free(l->store);
}

/* Another process, as far as tacit can tell; and its session, which renews nothing by itself. */
static inline tacit_client *other_client(const limited *l) {
    tacit_client_options options = limited_options(l, 0, 0).client;
    tacit_client *client;

    options.state_dir = world_state_dir(l->world);
    client = tacit_client_new(&options, NULL);
    assert_non_null(client);
    return client;
}

static inline tacit_session *other_session(const limited *l, tacit_client *client) {
    tacit_session_options options = limited_options(l, 0, 0).session;
    tacit_session *session;

    options.client_id = "test-client";
    options.store = fake_store_handle(l->store);
    options.policy = TACIT_POLICY_REACTIVE;
    session = tacit_session_open(client, world_provider(l->world), &options, NULL);
    assert_non_null(session);
    assert_int_equal(tacit_session_load(session, WORLD_PATIENCE_MS, NULL, NULL), TACIT_OK);
    return session;
}

/* Both clocks, as time passes; nobody is told. */
static inline void pass_quietly(int64_t ms) {
    atomic_fetch_add(&limited_clock.boot_ms, ms);
    atomic_fetch_add(&limited_clock.wall_ms, ms);
}

static inline void pass(const limited *l, int64_t ms) {
    pass_quietly(ms);
    tacit_client_clock_moved(world_client(l->world));
}

static inline void step_wall(const limited *l, int64_t ms) {
    atomic_fetch_add(&limited_clock.wall_ms, ms);
    tacit_client_clock_moved(world_client(l->world));
}

static inline bool record_is_gone(void *data) {
    const limited *l = data;
    char *record = fake_store_record(l->store);
    bool gone = record == NULL;

    free(record);
    return gone;
}

static inline bool nothing_lives(void *data) {
    const limited *l = data;

    return server_counters(l->server).live_refresh_tokens == 0;
}

/* Told once, with a message that names the limit; nobody gets a token; the record is erased and the refresh token revoked. */
static inline void assert_ended(limited *l, const char *limit) {
    tacit_token *token = NULL;
    world_event event;
    tacit_error error;

    world_wait_event(l->world, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_true(world_event_at(l->world, TACIT_EVENT_SIGN_IN_REQUIRED, 0, &event));
    assert_int_equal(event.event.state, TACIT_STATE_SIGNED_OUT);
    assert_int_equal(event.event.generation, 0);
    assert_non_null(strstr(event.message, limit));
    assert_int_equal(event.error.status, TACIT_ERR_SIGN_IN_REQUIRED);
    assert_non_null(strstr(event.error.message, limit));
    assert_int_equal(tacit_session_get_state(world_session(l->world)), TACIT_STATE_SIGNED_OUT);
    assert_int_equal(world_get_error(l->world, "/api/x", &error), -TACIT_ERR_SIGN_IN_REQUIRED);
    assert_true(error.sign_in_required);
    assert_int_equal(
        tacit_session_token(world_session(l->world), 0, TACIT_TIMEOUT_DEFAULT, &token, NULL),
        TACIT_ERR_SIGN_IN_REQUIRED);
    assert_null(token);
    world_wait(record_is_gone, l, "the record to be erased");
    world_wait(nothing_lives, l, "the refresh token to be revoked");
    look_a_while();
    world_assert_events(l->world, TACIT_EVENT_SIGN_IN_REQUIRED, 1);
    assert_int_equal(world_event_count(l->world, TACIT_EVENT_SIGNED_OUT), 0);
}

static inline void assert_goes_on(limited *l) {
    look_a_while();
    assert_int_equal(world_event_count(l->world, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    assert_int_equal(world_get(l->world, "/api/x"), 200);
}

/* A further session of the sign-in; close it yourself. */
static inline tacit_session *open_beside(const limited *l, int max_idle_s, int max_age_s) {
    tacit_session_options options = limited_options(l, max_idle_s, max_age_s).session;
    tacit_error error;
    tacit_session *session;

    options.client_id = "test-client";
    options.store = fake_store_handle(l->store);
    session =
        tacit_session_open(world_client(l->world), world_provider(l->world), &options, &error);
    if (session == NULL) fail_msg("%s", error.message);
    return session;
}

#endif
