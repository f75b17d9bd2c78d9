/*
 * Two machines with one record, whose lock lies in the store and is a lease: it ends when its holder stands still, or is cut off.
 * Whatever happens, no refresh token is sent again once an answer with its successor was recorded, and nobody is signed out unless
 * the server said so.
 */
#include "tests/support/calls.h"
#include "tests/support/shared_store.h"
#include "tests/support/unit.h"
#include "tests/support/world.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS, SOON_MS = 5000 };

/* ------------------------------------------------------------------ two machines */

typedef struct scene {
    fleet *fleet;
    fleet_machine *one, *other;
    world *world;           /* one's */
    tacit_client *client;   /* the other's */
    tacit_session *session; /* ... */
} scene;

static void open_other(scene *s) {
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    const char *origins[] = {server_url(world_server(s->world), ""), NULL};

    client.state_dir = world_state_dir(s->world);
    s->client = tacit_client_new(&client, NULL);
    assert_non_null(s->client);
    options.client_id = "test-client";
    options.origins = origins;
    options.store = fleet_store(s->other);
    s->session = tacit_session_open(s->client, world_provider(s->world), &options, NULL);
    assert_non_null(s->session);
}

/* Both are signed in, and the server counts from now. */
static scene new_scene(const ts_options *server) {
    scene s = {.fleet = fleet_new()};

    s.one = fleet_join(s.fleet);
    s.other = fleet_join(s.fleet);
    s.world = world_new(&(world_options){.server = server, .store = fleet_store(s.one)});
    world_sign_in(s.world);
    open_other(&s);
    assert_int_equal(tacit_session_load(s.session, PATIENCE_MS, NULL, NULL), TACIT_OK);
    assert_int_equal(tacit_session_get_state(s.session), TACIT_STATE_SIGNED_IN);
    server_counters_reset(world_server(s.world));
    return s;
}

static void close_other(scene *s) {
    tacit_session_close(s->session, TACIT_NO_WAIT);
    assert_int_equal(tacit_client_shutdown(s->client, PATIENCE_MS, NULL), TACIT_OK);
    tacit_client_unref(s->client);
}

static void free_scene(scene *s) {
    assert_int_equal(fleet_intrusions(s->fleet), 0);
    fleet_mend(s->one);
    fleet_mend(s->other);
    close_other(s);
    world_free(s->world);
    fleet_free(s->fleet);
}

static ts_counters counters(const scene *s) {
    return server_counters(world_server(s->world));
}

static tacit_status refresh(tacit_session *session, tacit_error *error) {
    return tacit_session_refresh(session, SOON_MS, error);
}

static void must_refresh(tacit_session *session) {
    tacit_error error;

    if (refresh(session, &error) != TACIT_OK) fail_msg("%s", error.message);
}

static bool is_signed_in(void *session) {
    return tacit_session_get_state(session) == TACIT_STATE_SIGNED_IN;
}

/* The time has come to look again, on both. */
static void nudge(const scene *s) {
    tacit_client_network_changed(world_client(s->world));
    tacit_client_network_changed(s->client);
}

/* The store has what the server gave last. */
static bool is_saved(void *data) {
    const scene *s = data;
    char *newest = server_newest_refresh_token(world_server(s->world));
    char *record = fleet_record(s->fleet);
    bool saved = record != NULL && strstr(record, newest) != NULL;

    free(record);
    free(newest);
    if (!saved) nudge(s);
    return saved;
}

/* ... and nothing is left to be done. */
static bool is_settled(void *data) {
    const scene *s = data;
    ti_journal_image image;

    return fleet_journal(s->fleet, &image) == TI_JOURNAL_READ &&
           image.journal.state == TI_JOURNAL_IDLE && image.journal.writer == 0;
}

/* What must be true after every story: both machines go on with the same sign-in, and no successor was ever passed over. */
static void assert_both_go_on(scene *s, long grace_uses) {
    nudge(s);
    world_wait(is_saved, s, "the newest refresh token is in the store");
    must_refresh(world_session(s->world));
    must_refresh(s->session);
    must_refresh(world_session(s->world));
    world_wait(is_settled, s, "the journal says so");

    assert_int_equal(counters(s).reuse_detections, 0);
    assert_int_equal(counters(s).grace_uses, grace_uses);
    assert_int_equal(counters(s).refreshes_refused, 0);
    assert_int_equal(world_event_count(s->world, TACIT_EVENT_SIGNED_OUT), 0);
    assert_int_equal(world_event_count(s->world, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    assert_true(is_signed_in(s->session));
}

/* A refresh on a thread of its own. */
typedef struct errand {
    pthread_t thread;
    tacit_session *session;
    tacit_error error;
} errand;

static void *run_errand(void *data) {
    errand *e = data;

    tacit_session_refresh(e->session, PATIENCE_MS, &e->error);
    return NULL;
}

static void begin(errand *e, tacit_session *session) {
    e->session = session;
    assert_int_equal(pthread_create(&e->thread, NULL, run_errand, e), 0);
}

static tacit_status end(errand *e) {
    pthread_join(e->thread, NULL);
    return e->error.status;
}

/* ------------------------------------------------------------------ one flight */

static void two_machines_in_need_at_once_are_one_refresh(void **state) {
    scene s = new_scene(NULL);
    errand first, second;

    (void)state;
    server_gate_close(world_server(s.world), TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    begin(&first, world_session(s.world));
    assert_true(server_gate_waiters(world_server(s.world), TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    begin(&second, s.session);
    for (unsigned asked = fleet_takes(s.other); fleet_takes(s.other) < asked + 3;)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* it was busy thrice */
    assert_int_equal(counters(&s).token_requests, 1);
    server_gate_open(world_server(s.world), TS_TOKEN_ENDPOINT);

    assert_int_equal(end(&first), TACIT_OK);
    assert_int_equal(end(&second), TACIT_OK);
    assert_int_equal(counters(&s).peak_concurrent_grants, 1);
    assert_both_go_on(&s, 0);
    free_scene(&s);
}

/* ------------------------------------------------------------------ the lease ends, and nobody came */

static void a_lease_that_ends_costs_neither_a_token_nor_the_sign_in(void **state) {
    static const struct {
        fleet_moment moment;
        bool sent;
        const char *why;
    } cases[] = {
        {FLEET_BEFORE_POSTED, false, "what could not be noted is not sent"},
        {FLEET_AFTER_POSTED, false, "it stood still behind the note, and does not send"},
        {FLEET_BEFORE_ANSWERED, true, "memory has the answer"},
        {FLEET_AFTER_ANSWERED, true, "memory has the answer, and the journal says so"},
        {FLEET_BEFORE_SAVE, true, "the save came too late"},
        {FLEET_AFTER_SAVE, true, "the record is there"},
        {FLEET_BEFORE_IDLE, true, "only the last word is missing"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scene s = new_scene(NULL);
        tacit_error error;
        tacit_status status;

        print_message("%s\n", cases[i].why);
        fleet_fate_at(s.one, cases[i].moment, FLEET_LEASE_ENDS);
        status = refresh(world_session(s.world), &error);
        fleet_wait_fate(s.one);

        if (cases[i].sent) {
            assert_int_equal(status, TACIT_OK);
        } else {
            assert_int_equal(status, TACIT_ERR_STORE_UNAVAILABLE);
            assert_true(error.retryable);
            assert_non_null(strstr(error.message, "the fleet's store"));
        }
        assert_int_equal(counters(&s).token_requests, cases[i].sent);
        if (!cases[i].sent) nudge(&s), must_refresh(world_session(s.world));
        assert_both_go_on(&s, 0);
        free_scene(&s);
    }
}

/* ------------------------------------------------------------------ a note's reply is lost, and nothing else */

static tacit_status sign_in(world *w, tacit_error *error) {
    return tacit_sign_in_with_password(world_session(w), "alice", "wonderland", NULL, error);
}

static tacit_status refresh_first(scene *s) {
    return refresh(world_session(s->world), NULL);
}

static tacit_status sign_in_again(scene *s) {
    return sign_in(s->world, NULL);
}

/* Nobody asks the one for anything more: its turn ends all the same, and soon. */
static void a_note_that_is_not_heard_of_keeps_nobody_out(void **state) {
    static const struct {
        fleet_moment moment;
        tacit_status (*act)(scene *);
        tacit_status expected;
        const char *why;
    } cases[] = {
        {FLEET_AFTER_POSTED, refresh_first, TACIT_ERR_STORE_UNAVAILABLE, "it is not sent"},
        {FLEET_AFTER_ANSWERED, refresh_first, TACIT_OK, "the save tells that it was"},
        {FLEET_AFTER_ANSWERED, sign_in_again, TACIT_ERR_STORE_UNAVAILABLE, "the earlier one stays"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scene s = new_scene(NULL);

        print_message("%s\n", cases[i].why);
        fleet_fate_at(s.one, cases[i].moment, FLEET_REPLY_LOST);
        assert_int_equal(cases[i].act(&s), cases[i].expected);
        fleet_wait_fate(s.one);

        must_refresh(s.session);

        assert_both_go_on(&s, 0);
        free_scene(&s);
    }
}

/* ------------------------------------------------------------------ ... and another took over */

static void what_was_noted_and_not_sent_another_sends(void **state) {
    scene s = new_scene(NULL);

    (void)state;
    fleet_fate_at(s.one, FLEET_AFTER_POSTED, FLEET_IS_CUT_OFF);
    assert_int_equal(refresh(world_session(s.world), NULL), TACIT_ERR_STORE_UNAVAILABLE);
    assert_int_equal(counters(&s).token_requests, 0);

    must_refresh(s.session);
    fleet_mend(s.one);

    assert_both_go_on(&s, 0);
    free_scene(&s);
}

static ts_options with_grace(void) {
    ts_options options = TS_OPTIONS_INIT;

    options.grace_ms = 60000;
    return options;
}

/* A grant of one's is out; the server has answered it, or not, and one cannot be reached any more. */
static void cut_off_with_a_grant_out(scene *s, ts_gate_place place, errand *e) {
    ts_server *server = world_server(s->world);

    server_gate_close(server, TS_TOKEN_ENDPOINT, place);
    begin(e, world_session(s->world));
    assert_true(server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    fleet_fate_now(s->one, FLEET_IS_CUT_OFF);
    server_gate_let_pass(server, TS_TOKEN_ENDPOINT);
}

/* R2, R7: the other could not know of the answer, and had it repeated; what it saved is the newer one, and stays. */
static void who_comes_back_follows_who_took_over(void **state) {
    ts_options server = with_grace();
    scene s = new_scene(&server);
    char *before, *after;
    errand e;

    (void)state;
    fleet_without_fence(s.fleet); /* nothing but the library's own care keeps the record */
    cut_off_with_a_grant_out(&s, TS_BEFORE_ANSWER, &e);
    must_refresh(s.session);
    before = fleet_record(s.fleet);
    server_gate_open(world_server(s.world), TS_TOKEN_ENDPOINT);

    assert_int_equal(end(&e), TACIT_OK); /* from memory */
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    fleet_mend(s.one);
    nudge(&s);
    world_wait_event(s.world, TACIT_EVENT_STORE_RECOVERED, 1);
    after = fleet_record(s.fleet);
    assert_string_equal(after, before);
    assert_both_go_on(&s, 1);
    free(before);
    free(after);
    free_scene(&s);
}

/* Nobody took over: what memory has is saved. */
static void who_comes_back_alone_saves_what_it_has(void **state) {
    scene s = new_scene(NULL);
    errand e;

    (void)state;
    cut_off_with_a_grant_out(&s, TS_BEFORE_ANSWER, &e);
    server_gate_open(world_server(s.world), TS_TOKEN_ENDPOINT);
    assert_int_equal(end(&e), TACIT_OK);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    world_wait_event(s.world, TACIT_EVENT_STORE_FAILED, 1);

    fleet_mend(s.one);

    assert_both_go_on(&s, 0);
    assert_int_equal(world_event_count(s.world, TACIT_EVENT_STORE_RECOVERED), 1);
    free_scene(&s);
}

/* R5: the journal says that the answer came, and its machine lives. */
static void a_recorded_answer_keeps_the_others_from_sending(void **state) {
    scene s = new_scene(NULL);
    tacit_error error;

    (void)state;
    fleet_fate_at(s.one, FLEET_BEFORE_SAVE, FLEET_IS_CUT_OFF);
    must_refresh(world_session(s.world));
    fleet_wait_fate(s.one);

    assert_int_equal(refresh(s.session, &error), TACIT_ERR_STORE_UNAVAILABLE);

    assert_true(error.retryable);
    assert_int_equal(counters(&s).token_requests, 1);
    fleet_mend(s.one);
    assert_both_go_on(&s, 0);
    free_scene(&s);
}

/* ... and when it is believed dead, one attempt is made; it was not dead, and follows. */
static void who_was_believed_dead_follows(void **state) {
    ts_options server = with_grace();
    scene s = new_scene(&server);

    (void)state;
    fleet_fate_at(s.one, FLEET_BEFORE_SAVE, FLEET_IS_CUT_OFF);
    must_refresh(world_session(s.world));
    fleet_wait_fate(s.one);
    fleet_life_ends(s.one);

    must_refresh(s.session);
    fleet_mend(s.one);

    assert_both_go_on(&s, 1);
    free_scene(&s);
}

/* A life that nobody believed in begins again with the next turn, though that could not save either. */
static void who_comes_back_is_believed_alive_again(void **state) {
    scene s = new_scene(NULL);

    (void)state;
    fleet_fate_at(s.one, FLEET_BEFORE_SAVE, FLEET_IS_CUT_OFF);
    must_refresh(world_session(s.world));
    fleet_wait_fate(s.one);
    fleet_life_ends(s.one);
    fleet_fate_at(s.one, FLEET_BEFORE_SAVE, FLEET_IS_CUT_OFF);
    fleet_mend(s.one);
    nudge(&s);
    fleet_wait_fate(s.one);

    assert_int_equal(refresh(s.session, NULL), TACIT_ERR_STORE_UNAVAILABLE);

    assert_int_equal(counters(&s).token_requests, 1);
    fleet_mend(s.one);
    assert_both_go_on(&s, 0);
    free_scene(&s);
}

/* R6: the server refused a token that another had spent meanwhile. Whoever lost the lock does not know that, and asks again. */
static void a_refusal_without_the_lock_ends_nothing(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    scene s;
    errand e;

    (void)state;
    server.detect_reuse = false;
    s = new_scene(&server);
    cut_off_with_a_grant_out(&s, TS_BEFORE_PROCESSING, &e);
    must_refresh(s.session);
    server_gate_open(world_server(s.world), TS_TOKEN_ENDPOINT);

    assert_int_equal(end(&e), TACIT_ERR_STORE_UNAVAILABLE);
    assert_true(is_signed_in(world_session(s.world)));
    fleet_mend(s.one);
    nudge(&s);
    must_refresh(world_session(s.world));
    assert_int_equal(counters(&s).refreshes_refused, 1);
    assert_int_equal(world_event_count(s.world, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
    free_scene(&s);
}

static bool finds_the_sign_in(void *data) {
    const scene *s = data;

    nudge(s);
    tacit_session_load(s->session, TACIT_NO_WAIT, NULL, NULL);
    return is_signed_in(s->session);
}

/* The server took the other's retry for what it was not; the answer that counts was only out of reach. */
static void who_was_refused_too_soon_is_signed_in_again(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    tacit_error error;
    scene s;
    errand e;

    (void)state;
    server.detect_reuse = false;
    s = new_scene(&server);
    cut_off_with_a_grant_out(&s, TS_BEFORE_ANSWER, &e);
    assert_int_equal(refresh(s.session, &error), TACIT_ERR_SIGN_IN_REQUIRED);
    assert_true(error.outcome_unknown);
    server_gate_open(world_server(s.world), TS_TOKEN_ENDPOINT);
    assert_int_equal(end(&e), TACIT_OK);

    fleet_mend(s.one);

    world_wait(is_saved, &s, "the answer is saved after all");
    world_wait(finds_the_sign_in, &s, "the other finds it");
    must_refresh(s.session);
    must_refresh(world_session(s.world));
    free_scene(&s);
}

static bool is_renewed(void *session) {
    return tacit_session_refresh(session, TACIT_TIMEOUT_DEFAULT, NULL) == TACIT_OK;
}

static void a_sign_in_here_is_found_there_at_the_next_need(void **state) {
    scene s = new_scene(NULL);
    tacit_error error;

    (void)state;
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(refresh(s.session, &error), TACIT_ERR_SIGNED_OUT);
    world_sign_in(s.world);

    world_wait(is_renewed, s.session, "the other goes on with it");
    free_scene(&s);
}

/* ------------------------------------------------------------------ the store is away */

static void assert_told(world *w, const char *says) {
    world_event event;

    world_wait_event(w, TACIT_EVENT_STORE_FAILED, 1);
    assert_true(world_event_at(w, TACIT_EVENT_STORE_FAILED, 0, &event));
    assert_non_null(strstr(event.error.message, says));
}

static void a_start_without_the_store_waits_for_it(void **state) {
    static const struct {
        fleet_fate fate;
        tacit_status status;
        const char *says;
    } cases[] = {
        {FLEET_IS_CUT_OFF, TACIT_ERR_STORE_UNAVAILABLE,
         "The lock between processes cannot be had in the fleet's store: the line is dead."},
        {FLEET_IS_CORRUPT, TACIT_ERR_STORE_CORRUPT, "something else is there"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scene s = new_scene(NULL);
        tacit_error error;

        fleet_fate_now(s.one, cases[i].fate);
        world_restart(s.world);
        assert_int_equal(tacit_session_load(world_session(s.world), PATIENCE_MS, NULL, &error),
                         cases[i].status);
        assert_int_equal(tacit_session_get_state(world_session(s.world)), TACIT_STATE_UNKNOWN);
        assert_told(s.world, cases[i].says);

        fleet_mend(s.one);
        nudge(&s);

        world_wait(is_signed_in, world_session(s.world), "the store was read");
        assert_both_go_on(&s, 0);
        free_scene(&s);
    }
}

/* The token at hand goes on, and nothing is sent that could not be noted. */
static void a_refresh_without_the_store_is_tried_again(void **state) {
    scene s = new_scene(NULL);
    tacit_error error;

    (void)state;
    fleet_fate_now(s.one, FLEET_IS_CUT_OFF);
    assert_int_equal(refresh(world_session(s.world), &error), TACIT_ERR_STORE_UNAVAILABLE);

    assert_non_null(strstr(error.message, "the line is dead"));
    assert_true(error.retryable);
    assert_int_equal(counters(&s).token_requests, 0);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    fleet_mend(s.one);
    nudge(&s);
    assert_both_go_on(&s, 0);
    free_scene(&s);
}

/* The turn in which the lease ended may go on for a moment, and find that out. */
static bool renews(void *data) {
    const scene *s = data;

    nudge(s);
    return refresh(world_session(s->world), NULL) == TACIT_OK;
}

static void a_sign_in_without_the_store_leaves_the_earlier_one(void **state) {
    static const struct {
        fleet_moment moment;
        fleet_fate fate;
        const char *why;
    } cases[] = {
        {FLEET_NEVER, FLEET_IS_CUT_OFF, "away from the start"},
        {FLEET_BEFORE_ANSWERED, FLEET_IS_CUT_OFF, "the head could not be noted"},
        {FLEET_BEFORE_ANSWERED, FLEET_LEASE_ENDS, "the head came too late"},
        {FLEET_AFTER_ANSWERED, FLEET_ANSWER_LOST, "the head was noted, and nobody knows"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scene s = new_scene(NULL);
        char *record = fleet_record(s.fleet), *later;
        tacit_error error;

        print_message("%s\n", cases[i].why);
        if (cases[i].moment == FLEET_NEVER)
            fleet_fate_now(s.one, cases[i].fate);
        else
            fleet_fate_at(s.one, cases[i].moment, cases[i].fate);
        assert_int_equal(sign_in(s.world, &error), TACIT_ERR_STORE_UNAVAILABLE);
        assert_true(error.retryable);
        assert_true(is_signed_in(world_session(s.world)));
        fleet_fate_now(s.one, FLEET_LEASE_ENDS); /* at last */
        nudge(&s);
        refresh(s.session, &error); /* may fail, but ends nothing */
        assert_int_not_equal(tacit_session_get_state(s.session), TACIT_STATE_SIGNED_OUT);

        fleet_mend(s.one);
        world_wait(renews, &s, "it goes on with the earlier sign-in");
        nudge(&s);
        must_refresh(s.session);
        must_refresh(world_session(s.world));

        assert_int_equal(counters(&s).reuse_detections, 0);
        assert_true(is_signed_in(world_session(s.world)));
        assert_int_equal(world_event_count(s.world, TACIT_EVENT_SIGNED_OUT), 0);
        assert_int_equal(world_event_count(s.world, TACIT_EVENT_SIGN_IN_REQUIRED), 0);
        later = fleet_record(s.fleet);
        assert_memory_equal(strstr(later, "\"sign_in_id\""), strstr(record, "\"sign_in_id\""), 40);
        free(later);
        free(record);
        free_scene(&s);
    }
}

static bool is_erased(void *data) {
    const scene *s = data;
    char *record = fleet_record(s->fleet);
    bool erased = record == NULL;

    free(record);
    if (!erased) nudge(s);
    return erased;
}

/* It is over here and at the server at once; the record goes when it can be reached. */
static void a_sign_out_without_the_store_is_made_up_for(void **state) {
    static const struct {
        fleet_moment moment;
        fleet_fate fate;
    } cases[] = {{FLEET_NEVER, FLEET_IS_CUT_OFF},
                 {FLEET_BEFORE_SIGNED_OUT, FLEET_IS_CUT_OFF},
                 {FLEET_AFTER_SIGNED_OUT, FLEET_LEASE_ENDS}};
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        scene s = new_scene(NULL);
        ti_journal_image image;
        tacit_error error;

        if (cases[i].moment == FLEET_NEVER)
            fleet_fate_now(s.one, cases[i].fate);
        else
            fleet_fate_at(s.one, cases[i].moment, cases[i].fate);
        assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, &error),
                         TACIT_ERR_STORE_UNAVAILABLE);
        assert_int_equal(tacit_session_get_state(world_session(s.world)), TACIT_STATE_SIGNED_OUT);
        assert_true(counters(&s).revocations > 0);

        fleet_mend(s.one);

        world_wait(is_erased, &s, "the record is erased");
        assert_int_equal(fleet_journal(s.fleet, &image), TI_JOURNAL_READ);
        assert_int_equal(image.journal.state, TI_JOURNAL_SIGNED_OUT);
        free_scene(&s);
    }
}

/* R16: what the other signed in with meanwhile is not what was to go. */
static void a_late_sign_out_spares_the_others_sign_in(void **state) {
    scene s = new_scene(NULL);
    tacit_error error;

    (void)state;
    fleet_without_fence(s.fleet);
    fleet_fate_now(s.one, FLEET_IS_CUT_OFF);
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, &error),
                     TACIT_ERR_STORE_UNAVAILABLE);
    if (tacit_sign_in_with_password(s.session, "alice", "wonderland", NULL, &error) != TACIT_OK)
        fail_msg("%s", error.message);

    fleet_mend(s.one);
    nudge(&s);

    world_wait(is_signed_in, world_session(s.world), "the newer sign-in is found");
    must_refresh(s.session);
    must_refresh(world_session(s.world));
    free_scene(&s);
}

/* ------------------------------------------------------------------ others */

static void who_has_the_lock_is_waited_for(void **state) {
    scene s = new_scene(NULL);
    errand e;

    (void)state;
    fleet_hold(s.fleet);
    begin(&e, world_session(s.world));
    for (unsigned asked = fleet_takes(s.one); fleet_takes(s.one) < asked + 2;)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_int_equal(counters(&s).token_requests, 0);
    fleet_let_go(s.fleet);

    assert_int_equal(end(&e), TACIT_OK);
    assert_both_go_on(&s, 0);
    free_scene(&s);
}

/* What could not be saved does not keep anybody from closing. */
static void closing_does_not_wait_for_the_store(void **state) {
    scene s = new_scene(NULL);

    (void)state;
    fleet_fate_at(s.one, FLEET_BEFORE_ANSWERED, FLEET_IS_CUT_OFF);
    must_refresh(world_session(s.world));
    world_wait_event(s.world, TACIT_EVENT_STORE_FAILED, 1);

    assert_int_equal(tacit_session_close(tacit_session_ref(world_session(s.world)), SOON_MS),
                     TACIT_OK);
    assert_int_equal(tacit_client_shutdown(world_client(s.world), SOON_MS, NULL), TACIT_OK);

    free_scene(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_machines_in_need_at_once_are_one_refresh),
        cmocka_unit_test(a_lease_that_ends_costs_neither_a_token_nor_the_sign_in),
        cmocka_unit_test(a_note_that_is_not_heard_of_keeps_nobody_out),
        cmocka_unit_test(what_was_noted_and_not_sent_another_sends),
        cmocka_unit_test(who_comes_back_follows_who_took_over),
        cmocka_unit_test(who_comes_back_alone_saves_what_it_has),
        cmocka_unit_test(a_recorded_answer_keeps_the_others_from_sending),
        cmocka_unit_test(who_was_believed_dead_follows),
        cmocka_unit_test(who_comes_back_is_believed_alive_again),
        cmocka_unit_test(a_refusal_without_the_lock_ends_nothing),
        cmocka_unit_test(who_was_refused_too_soon_is_signed_in_again),
        cmocka_unit_test(a_sign_in_here_is_found_there_at_the_next_need),
        cmocka_unit_test(a_start_without_the_store_waits_for_it),
        cmocka_unit_test(a_refresh_without_the_store_is_tried_again),
        cmocka_unit_test(a_sign_in_without_the_store_leaves_the_earlier_one),
        cmocka_unit_test(a_sign_out_without_the_store_is_made_up_for),
        cmocka_unit_test(a_late_sign_out_spares_the_others_sign_in),
        cmocka_unit_test(who_has_the_lock_is_waited_for),
        cmocka_unit_test(closing_does_not_wait_for_the_store),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
