/* A provider that is named by its issuer: what it costs, what it does without network, and what it does not believe. */
#include "support/fake_store.h"
#include "support/fixture.h"
#include "support/journal.h"
#include "support/unit.h"
#include "support/world.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECOND_MS = 1000, DAY_MS = 24 * 3600 * SECOND_MS };

/* Renews only when it is told to, with a clock that stands still. */
static world *named_world(const ts_options *server) {
    world_options options = {.server = server, .from_issuer = true, .clock = true};

    options.session = (tacit_session_options)TACIT_SESSION_OPTIONS_INIT;
    options.session.policy = TACIT_POLICY_REACTIVE;
    return world_new(&options);
}

static tacit_error the_error;

static tacit_status refresh(world *w) {
    return tacit_session_refresh(world_session(w), WORLD_PATIENCE_MS, &the_error);
}

static void refresh_ok(world *w) {
    if (refresh(w) != TACIT_OK) fail_msg("it cannot be renewed: %s", the_error.message);
}

static tacit_status sign_in(world *w) {
    return tacit_sign_in_with_password(world_session(w), "alice", "wonderland", NULL, &the_error);
}

static tacit_session_state load(world *w) {
    tacit_session_state state = TACIT_STATE_UNKNOWN;

    assert_int_equal(tacit_session_load(world_session(w), WORLD_PATIENCE_MS, &state, NULL),
                     TACIT_OK);
    return state;
}

static long metadata_requests(world *w) {
    return server_counters(world_server(w)).metadata_requests;
}

/* Since the last time. */
static void assert_requests(world *w, long metadata, long tokens) {
    ts_counters counters = server_counters(world_server(w));

    assert_int_equal(counters.metadata_requests, metadata);
    assert_int_equal(counters.token_requests, tokens);
    assert_true(counters.requests <= 3);
    server_counters_reset(world_server(w));
}

/* A world that is signed in, whose counters begin now. */
static world *signed_in_world(const ts_options *server) {
    world *w = named_world(server);

    world_sign_in(w);
    server_counters_reset(world_server(w));
    return w;
}

/* The file of the cache; yours. NULL: there is none. */
static char *cache_path(world *w) {
    DIR *directory = opendir(world_state_dir(w));
    const struct dirent *entry;
    char *path = NULL;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL)
        if (strstr(entry->d_name, ".metadata") != NULL)
            path = fixture_path(world_state_dir(w), entry->d_name);
    closedir(directory);
    return path;
}

static void lose_cache(world *w) {
    char *path = cache_path(w);

    assert_non_null(path);
    assert_int_equal(unlink(path), 0);
    free(path);
}

static void write_cache(world *w, const char *text) {
    char *path = cache_path(w);
    int fd;

    assert_non_null(path);
    fd = open(path, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    free(path);
}

/* ------------------------------------------------------------------ what it costs */

static void a_sign_in_discovers_with_one_request(void **state) {
    world *w = named_world(NULL);

    (void)state;
    assert_int_equal(load(w), TACIT_STATE_SIGNED_OUT);
    assert_requests(w, 0, 0);

    assert_int_equal(sign_in(w), TACIT_OK);

    assert_requests(w, 1, 1);
    refresh_ok(w);
    assert_requests(w, 0, 1);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
}

static void a_server_without_openid_is_found_with_two(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    world *w;

    (void)state;
    server.no_openid_configuration = true;
    w = named_world(&server);

    assert_int_equal(sign_in(w), TACIT_OK);

    assert_requests(w, 2, 1);
    world_clock_move(w, DAY_MS);
    refresh_ok(w);
    assert_int_equal(server_counters(world_server(w)).metadata_unchanged, 1);
    assert_requests(w, 1, 1); /* where it was found before */
    world_free(w);
}

static void a_restart_asks_for_nothing(void **state) {
    world *w = signed_in_world(NULL);

    (void)state;
    world_restart(w);
    refresh_ok(w);

    assert_requests(w, 0, 1);
    world_free(w);
}

static void a_day_later_one_conditional_request_is_enough(void **state) {
    world *w = signed_in_world(NULL);
    ts_record record;

    (void)state;
    world_clock_move(w, DAY_MS - SECOND_MS);
    refresh_ok(w);
    assert_requests(w, 0, 1);

    world_clock_move(w, SECOND_MS);
    refresh_ok(w);
    assert_int_equal(server_counters(world_server(w)).metadata_unchanged, 1);
    assert_true(server_record(world_server(w), TS_METADATA, 0, &record));
    assert_non_null(strstr(record.headers, "If-None-Match: \""));
    assert_null(strstr(record.headers, "Authorization"));
    server_record_free(&record);
    assert_requests(w, 1, 1);

    world_restart(w); /* the cache knows that it was asked for */
    refresh_ok(w);
    assert_requests(w, 0, 1);
    world_free(w);
}

static void what_the_server_changed_is_used_after_a_day(void **state) {
    world *w = signed_in_world(NULL);
    ts_options server = server_options(world_server(w));

    (void)state;
    server.metadata_members = "{\"revocation_endpoint\":null}";
    server_configure(world_server(w), &server);
    world_clock_move(w, DAY_MS);
    refresh_ok(w);
    assert_requests(w, 1, 1);

    world_restart(w);
    assert_int_equal(load(w), TACIT_STATE_SIGNED_IN);
    assert_int_equal(tacit_sign_out(world_session(w), WORLD_PATIENCE_MS, NULL), TACIT_OK);
    assert_int_equal(server_counters(world_server(w)).revocation_requests, 0);
    world_free(w);
}

/* RFC 8414 section 3.1 and OpenID Connect Discovery section 4.1 differ in where the path goes. */
static void an_issuer_may_have_a_path(void **state) {
    static const struct {
        const char *path;
        bool no_openid;
        const char *asked;
    } rows[] = {{"/tenant", false, "/tenant/.well-known/openid-configuration"},
                {"/tenant/", false, "/tenant/.well-known/openid-configuration"},
                {"/", false, "/.well-known/openid-configuration"},
                {"/tenant", true, "/.well-known/oauth-authorization-server/tenant"},
                {"/tenant/", true, "/.well-known/oauth-authorization-server/tenant"},
                {"/", true, "/.well-known/oauth-authorization-server"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        world *w = named_world(NULL);
        ts_options server = server_options(world_server(w));
        ts_record record;

        server.issuer = server_url(world_server(w), rows[i].path);
        server.no_openid_configuration = rows[i].no_openid;
        server_configure(world_server(w), &server);
        world_restart(w);

        if (sign_in(w) != TACIT_OK) fail_msg("%s: %s", rows[i].path, the_error.message);

        assert_true(server_record(world_server(w), TS_METADATA, rows[i].no_openid, &record));
        assert_string_equal(record.path, rows[i].asked);
        server_record_free(&record);
        world_free(w);
    }
}

/* ------------------------------------------------------------------ without network */

static void an_app_starts_offline_and_knows_whether_it_is_signed_in(void **state) {
    world *w = named_world(NULL);

    (void)state;
    server_go_away(world_server(w));
    assert_int_equal(load(w), TACIT_STATE_SIGNED_OUT);
    assert_int_equal(sign_in(w), TACIT_ERR_NETWORK);
    assert_true(the_error.retryable);
    assert_false(the_error.outcome_unknown);
    assert_true(server_come_back(world_server(w)));
    world_sign_in(w);

    server_go_away(world_server(w));
    world_restart(w);
    assert_int_equal(load(w), TACIT_STATE_SIGNED_IN);
    assert_int_equal(-world_get(w, "/api/x"), TACIT_ERR_NETWORK);

    lose_cache(w);
    world_restart(w);
    assert_int_equal(load(w), TACIT_STATE_SIGNED_IN);
    assert_true(server_come_back(world_server(w)));
    world_free(w);
}

/* Nothing is noted in the journal and nothing is posted: the refresh token is as good as before. */
static void a_refresh_that_finds_no_metadata_sends_nothing(void **state) {
    world *w = signed_in_world(NULL);
    world_event event;

    (void)state;
    lose_cache(w);
    world_restart(w);
    assert_int_equal(load(w), TACIT_STATE_SIGNED_IN);
    server_close_connections(world_server(w), TS_METADATA, 0, false);

    assert_int_equal(refresh(w), TACIT_ERR_NETWORK);

    assert_true(the_error.retryable);
    assert_false(the_error.outcome_unknown);
    assert_int_equal(server_counters(world_server(w)).token_requests, 0);
    world_wait_event(w, TACIT_EVENT_REFRESH_FAILED, 1);
    assert_true(world_event_at(w, TACIT_EVENT_REFRESH_FAILED, 0, &event));
    assert_int_equal(event.event.state, TACIT_STATE_SIGNED_IN);
    assert_int_equal(world_get(w, "/api/x"), 200); /* with the token that lives */

    server_faults_clear(world_server(w), TS_METADATA);
    world_clock_move(w, 2 * SECOND_MS); /* R8: nothing was sent */
    refresh_ok(w);
    assert_int_equal(server_counters(world_server(w)).reuse_detections, 0);
    world_free(w);
}

/* R8: a server that wants peace has it, from whoever comes. */
static void a_server_that_asks_for_patience_is_not_asked_again(void **state) {
    world *w = signed_in_world(NULL);

    (void)state;
    lose_cache(w);
    world_restart(w);
    assert_int_equal(load(w), TACIT_STATE_SIGNED_IN);
    server_fail_retry_after(world_server(w), TS_METADATA, 1, 429, "30");
    assert_int_equal(refresh(w), TACIT_ERR_SERVER);
    assert_int_equal(the_error.http_status, 429);

    world_clock_move(w, 20 * SECOND_MS);
    server_revoke_access_tokens(world_server(w));
    assert_int_equal(-world_get_error(w, "/api/x", &the_error), TACIT_ERR_SERVER);

    assert_int_equal(the_error.http_status, 429);
    assert_int_equal(metadata_requests(w), 1);
    world_clock_move(w, 11 * SECOND_MS);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
}

/* Every way in which metadata can be missing; fault, then what is said of it where nothing is known. */
static void close_it(ts_server *server) {
    server_close_connections(server, TS_METADATA, 0, false);
}

static void fail_with_500(ts_server *server) {
    server_fail(server, TS_METADATA, 0, 500);
}

static void fail_with_429(ts_server *server) {
    server_fail(server, TS_METADATA, 0, 429);
}

static void remove_it(ts_server *server) {
    server_fail(server, TS_METADATA, 0, 404);
}

static void show_a_portal(ts_server *server) {
    server_captive_portal(server, TS_METADATA, 0);
}

static void redirect_it(ts_server *server) {
    server_redirect(server, TS_METADATA, 0, 302, server_url(server, "/elsewhere"));
}

static void break_it(ts_server *server) {
    server_fault_add(server, TS_METADATA,
                     &(ts_fault){.kind = TS_FAULT_ANSWER, .body = "{\"issuer\":"});
}

static void blow_it_up(ts_server *server) {
    server_fault_add(server, TS_METADATA,
                     &(ts_fault){.kind = TS_FAULT_OVERSIZED, .size = (1 << 20) + 1});
}

static void nest_it(ts_server *server) {
    server_fault_add(server, TS_METADATA, &(ts_fault){.kind = TS_FAULT_NESTED, .size = 100000});
}

static void cut_it(ts_server *server) {
    server_fault_add(server, TS_METADATA, &(ts_fault){.kind = TS_FAULT_RESET});
}

static void name_another_issuer(ts_server *server) {
    server_fault_add(server, TS_METADATA,
                     &(ts_fault){.kind = TS_FAULT_ANSWER,
                                 .headers = "ETag: \"evil\"",
                                 .body = "{\"issuer\":\"https://evil.example\","
                                         "\"token_endpoint\":\"https://evil.example/token\"}"});
}

static const struct {
    void (*fault)(ts_server *server);
    tacit_status status;
    const char *why;
} troubles[] = {{close_it, TACIT_ERR_NETWORK, "no answer"},
                {cut_it, TACIT_ERR_NETWORK, "half an answer"},
                {fail_with_500, TACIT_ERR_SERVER, "500"},
                {fail_with_429, TACIT_ERR_SERVER, "429"},
                {remove_it, TACIT_ERR_PROTOCOL, "404 in both places"},
                {show_a_portal, TACIT_ERR_PROTOCOL, "HTML"},
                {redirect_it, TACIT_ERR_PROTOCOL, "a redirect"},
                {break_it, TACIT_ERR_PROTOCOL, "half a document"},
                {blow_it_up, TACIT_ERR_PROTOCOL, "more than 1 MiB"},
                {nest_it, TACIT_ERR_PROTOCOL, "nested"},
                {name_another_issuer, TACIT_ERR_PROTOCOL, "another issuer"}};
enum { TROUBLES = sizeof troubles / sizeof troubles[0] };

static void without_metadata_a_sign_in_says_what_stood_in_the_way(void **state) {
    (void)state;
    for (size_t i = 0; i < TROUBLES; i++) {
        world *w = named_world(NULL);
        ts_counters counters;

        troubles[i].fault(world_server(w));
        if (sign_in(w) != troubles[i].status)
            fail_msg("%s: %s", troubles[i].why, the_error.message);

        counters = server_counters(world_server(w));
        assert_int_equal(counters.token_requests, 0);
        assert_true(counters.requests <= 2); /* and nothing is followed */
        assert_true(the_error.message[0] != '\0' && the_error.retryable);
        assert_false(the_error.outcome_unknown);
        assert_null(strstr(the_error.message, "evil"));
        assert_null(cache_path(w));
        server_faults_clear(world_server(w), TS_METADATA);
        assert_int_equal(sign_in(w), TACIT_OK);
        world_free(w);
    }
}

static void what_is_known_is_used_on_and_its_server_left_alone_for_a_minute(void **state) {
    (void)state;
    for (size_t i = 0; i < TROUBLES; i++) {
        world *w = signed_in_world(NULL);
        ts_options before = server_options(world_server(w)), changed = before;
        long asked;

        changed.metadata_members = "{\"service_documentation\":\"https://as.example/\"}";
        server_configure(world_server(w), &changed); /* so that it has a body to lose */
        world_clock_move(w, DAY_MS);
        troubles[i].fault(world_server(w));
        if (refresh(w) != TACIT_OK) fail_msg("%s: %s", troubles[i].why, the_error.message);
        asked = metadata_requests(w);
        assert_in_range(asked, 1, 2);

        world_clock_move(w, 59 * SECOND_MS);
        refresh_ok(w);
        assert_int_equal(metadata_requests(w), asked);
        world_clock_move(w, 1 * SECOND_MS);
        refresh_ok(w);
        if (metadata_requests(w) != 2 * asked) fail_msg("%s", troubles[i].why);

        /* The cache was not spoiled either. */
        world_restart(w);
        refresh_ok(w);
        server_faults_clear(world_server(w), TS_METADATA);
        server_configure(world_server(w), &before);
        world_clock_move(w, 60 * SECOND_MS);
        refresh_ok(w);
        assert_int_equal(server_counters(world_server(w)).metadata_unchanged, 1);
        world_free(w);
    }
}

typedef struct refreshing {
    world *world;
    pthread_t thread;
    tacit_status status;
} refreshing;

static void *refresh_thread(void *data) {
    refreshing *r = data;

    r->status = tacit_session_refresh(world_session(r->world), TACIT_TIMEOUT_DEFAULT, NULL);
    return NULL;
}

/* The grant does not wait for long, since it can do without. */
static void a_server_that_does_not_answer_gets_five_seconds(void **state) {
    world *w = signed_in_world(NULL);
    refreshing r = {.world = w};

    (void)state;
    world_clock_move(w, DAY_MS);
    server_gate_close(world_server(w), TS_METADATA, TS_BEFORE_ANSWER);
    assert_int_equal(pthread_create(&r.thread, NULL, refresh_thread, &r), 0);
    assert_true(server_gate_waiters(world_server(w), TS_METADATA, 1, WORLD_PATIENCE_MS));
    assert_int_equal(server_counters(world_server(w)).token_requests, 0);

    world_clock_move(w, 5 * SECOND_MS);

    pthread_join(r.thread, NULL);
    assert_int_equal(r.status, TACIT_OK);
    world_free(w);
}

/* R2: a process that dies here has posted nothing. */
static void the_journal_speaks_of_no_grant_while_metadata_is_asked_for(void **state) {
    fake_store *store = fake_store_new();
    world *w = world_new(
        &(world_options){.store = fake_store_handle(store), .from_issuer = true, .clock = true});
    refreshing r = {.world = w};
    ti_journal_image image;

    (void)state;
    world_sign_in(w);
    lose_cache(w);
    world_restart(w);
    assert_int_equal(load(w), TACIT_STATE_SIGNED_IN);
    server_gate_close(world_server(w), TS_METADATA, TS_BEFORE_ANSWER);
    assert_int_equal(pthread_create(&r.thread, NULL, refresh_thread, &r), 0);
    assert_true(server_gate_waiters(world_server(w), TS_METADATA, 1, WORLD_PATIENCE_MS));

    journal_read(w, &image);

    assert_int_equal(image.journal.state, TI_JOURNAL_IDLE);
    assert_int_equal(image.journal.attempts, 0);
    server_gate_open(world_server(w), TS_METADATA);
    pthread_join(r.thread, NULL);
    assert_int_equal(r.status, TACIT_OK);
    world_free(w);
    fake_store_free(store);
}

/* R9, and refresh_timeout_ms. */
static void one_that_never_answered_gets_the_time_of_a_refresh(void **state) {
    world *w = signed_in_world(NULL);
    refreshing r = {.world = w};

    (void)state;
    lose_cache(w);
    world_restart(w);
    assert_int_equal(load(w), TACIT_STATE_SIGNED_IN);
    server_gate_close(world_server(w), TS_METADATA, TS_BEFORE_ANSWER);
    assert_int_equal(pthread_create(&r.thread, NULL, refresh_thread, &r), 0);
    assert_true(server_gate_waiters(world_server(w), TS_METADATA, 1, WORLD_PATIENCE_MS));
    assert_int_equal(world_get(w, "/api/x"), 200); /* requests go on meanwhile */

    world_clock_move(w, 30 * SECOND_MS);

    pthread_join(r.thread, NULL);
    assert_int_equal(r.status, TACIT_ERR_TIMEOUT);
    assert_int_equal(server_counters(world_server(w)).token_requests, 0);
    world_free(w);
}

/* ------------------------------------------------------------------ several at once */

typedef struct signing_in {
    tacit_session *session;
    pthread_t thread;
    tacit_status status;
} signing_in;

static void *sign_in_alice(void *data) {
    signing_in *s = data;

    s->status = tacit_sign_in_with_password(s->session, "alice", "wonderland", NULL, NULL);
    return NULL;
}

/* With one provider, in one process; each with a request of its own. */
static void sessions_that_discover_at_once_do_not_wait_for_each_other(void **state) {
    static const char *const accounts[] = {"a", "b", "c"};
    enum { COUNT = sizeof accounts / sizeof accounts[0] };
    world *w = named_world(NULL);
    signing_in all[COUNT];

    (void)state;
    server_gate_close(world_server(w), TS_METADATA, TS_BEFORE_ANSWER);
    for (int i = 0; i < COUNT; i++) {
        all[i].session = world_open(w, accounts[i], NULL);
        assert_int_equal(pthread_create(&all[i].thread, NULL, sign_in_alice, &all[i]), 0);
    }
    assert_true(server_gate_waiters(world_server(w), TS_METADATA, COUNT, WORLD_PATIENCE_MS));

    server_gate_release(world_server(w), TS_METADATA, 1); /* the others are held on */
    assert_true(
        server_wait_counter(world_server(w), TS_COUNTER(password_grants), 1, WORLD_PATIENCE_MS));
    assert_int_equal(server_counters(world_server(w)).held, COUNT - 1);
    server_gate_open(world_server(w), TS_METADATA);

    for (int i = 0; i < COUNT; i++) {
        pthread_join(all[i].thread, NULL);
        assert_int_equal(all[i].status, TACIT_OK);
        tacit_session_close(all[i].session, WORLD_PATIENCE_MS);
    }
    world_restart(w);
    assert_int_equal(sign_in(w), TACIT_OK); /* what they left in the cache serves */
    assert_int_equal(metadata_requests(w), COUNT);
    world_free(w);
}

/* ------------------------------------------------------------------ clocks */

/* R13: a wall clock that is wrong keeps nothing fresh for ever, and loses nothing. */
static void a_clock_from_before_the_answer_asks_again(void **state) {
    world *w = signed_in_world(NULL);

    (void)state;
    world_wall_step(w, -(int64_t)10 * 365 * DAY_MS);
    refresh_ok(w);
    assert_int_equal(server_counters(world_server(w)).metadata_unchanged, 1);
    assert_requests(w, 1, 1);

    world_restart(w);
    refresh_ok(w);
    assert_requests(w, 0, 1);
    world_wall_step(w, (int64_t)10 * 365 * DAY_MS);
    refresh_ok(w);
    assert_requests(w, 1, 1);
    world_free(w);
}

/* ------------------------------------------------------------------ cancelling, signing out */

static void *sign_in_thread(void *data) {
    refreshing *r = data;

    r->status =
        tacit_sign_in_with_password(world_session(r->world), "alice", "wonderland", NULL, NULL);
    return NULL;
}

static bool is_signed_in_as_nobody(void *data) {
    return tacit_session_get_state(world_session(data)) == TACIT_STATE_SIGNED_OUT;
}

static void a_sign_in_that_is_cancelled_while_it_discovers_sends_nothing(void **state) {
    world *w = named_world(NULL);
    refreshing r = {.world = w};

    (void)state;
    server_gate_close(world_server(w), TS_METADATA, TS_BEFORE_ANSWER);
    assert_int_equal(pthread_create(&r.thread, NULL, sign_in_thread, &r), 0);
    assert_true(server_gate_waiters(world_server(w), TS_METADATA, 1, WORLD_PATIENCE_MS));
    tacit_sign_in_cancel(world_session(w));
    pthread_join(r.thread, NULL);
    assert_int_equal(r.status, TACIT_ERR_CANCELLED);

    server_gate_open(world_server(w), TS_METADATA);
    assert_int_equal(tacit_sign_out(world_session(w), WORLD_PATIENCE_MS, NULL), TACIT_OK);
    world_wait(is_signed_in_as_nobody, w, "signed out");
    assert_int_equal(server_counters(world_server(w)).token_requests, 0);
    world_free(w);
}

static void signing_out_ends_a_refresh_that_discovers(void **state) {
    world *w = signed_in_world(NULL);
    refreshing r = {.world = w};
    char *token = server_newest_refresh_token(world_server(w));

    (void)state;
    lose_cache(w);
    world_restart(w);
    assert_int_equal(load(w), TACIT_STATE_SIGNED_IN);
    server_gate_close(world_server(w), TS_METADATA, TS_BEFORE_ANSWER);
    assert_int_equal(pthread_create(&r.thread, NULL, refresh_thread, &r), 0);
    assert_true(server_gate_waiters(world_server(w), TS_METADATA, 1, WORLD_PATIENCE_MS));
    assert_int_equal(tacit_sign_out(world_session(w), TACIT_NO_WAIT, NULL), TACIT_ERR_TIMEOUT);
    pthread_join(r.thread, NULL);
    assert_int_equal(r.status, TACIT_ERR_SIGNED_OUT);

    server_gate_open(world_server(w), TS_METADATA);
    assert_true(
        server_wait_counter(world_server(w), TS_COUNTER(revocations), 1, WORLD_PATIENCE_MS));
    assert_int_equal(server_counters(world_server(w)).token_requests, 0);
    assert_false(server_refresh_token_is_live(world_server(w), token));
    free(token);
    world_free(w);
}

/* Old metadata is good enough to say where to revoke. */
static void signing_out_asks_for_no_metadata_that_is_known(void **state) {
    world *w = signed_in_world(NULL);

    (void)state;
    world_restart(w);
    assert_int_equal(load(w), TACIT_STATE_SIGNED_IN);
    world_clock_move(w, 7 * (int64_t)DAY_MS);

    assert_int_equal(tacit_sign_out(world_session(w), WORLD_PATIENCE_MS, NULL), TACIT_OK);

    assert_int_equal(metadata_requests(w), 0);
    assert_true(server_counters(world_server(w)).revocations >= 1);
    world_free(w);
}

static void signing_out_without_metadata_is_reported_and_done(void **state) {
    world *w = signed_in_world(NULL);
    tacit_error error;

    (void)state;
    lose_cache(w);
    world_restart(w);
    assert_int_equal(load(w), TACIT_STATE_SIGNED_IN);
    server_close_connections(world_server(w), TS_METADATA, 0, false);

    assert_int_equal(tacit_sign_out(world_session(w), WORLD_PATIENCE_MS, &error),
                     TACIT_ERR_NETWORK);

    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    world_restart(w);
    assert_int_equal(load(w), TACIT_STATE_SIGNED_OUT);
    world_free(w);
}

/* ------------------------------------------------------------------ the cache */

/* As a device with a read-only disk has it. Root may write everywhere, but not below a file. */
static void without_a_place_for_the_cache_all_works(void **state) {
    world_options options = {.from_issuer = true, .clock = true};
    world *w;

    (void)state;
    options.client = (tacit_client_options)TACIT_CLIENT_OPTIONS_INIT;
    options.client.state_dir = "/dev/null/tacit";
    w = world_new(&options);
    assert_int_equal(sign_in(w), TACIT_OK);
    assert_requests(w, 1, 1);
    refresh_ok(w);
    assert_requests(w, 0, 1);

    world_restart(w);
    refresh_ok(w);
    assert_requests(w, 1, 1);
    world_free(w);
}

static void a_hostile_cache_is_not_believed_and_is_replaced(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        world *w = signed_in_world(NULL);
        const char *issuer = server_url(world_server(w), "");
        char anothers_metadata[1024], anothers_file[1024];
        const char *const texts[] = {"", "{\"issuer\":", anothers_metadata, anothers_file};

        snprintf(anothers_metadata, sizeof anothers_metadata,
                 "{\"issuer\":\"%s\",\"url\":\"%s/.well-known/openid-configuration\","
                 "\"etag\":\"\\\"x\\\"\",\"fetched_unix_ms\":9007199254740991,\"metadata\":"
                 "{\"issuer\":\"https://evil.example\","
                 "\"token_endpoint\":\"https://evil.example/token\"}}",
                 issuer, issuer);
        snprintf(anothers_file, sizeof anothers_file,
                 "{\"issuer\":\"https://evil.example\",\"url\":\"%s\",\"fetched_unix_ms\":1,"
                 "\"metadata\":{}}",
                 issuer);
        write_cache(w, texts[i]);
        world_restart(w);
        refresh_ok(w);
        assert_int_equal(server_counters(world_server(w)).metadata_unchanged, 0);
        assert_requests(w, 1, 1);

        world_restart(w);
        refresh_ok(w);
        assert_requests(w, 0, 1);
        world_free(w);
    }
}

/* What could be believed is, but a place or a header line of the cache's own making leads nowhere. */
static void a_cache_cannot_send_the_client_elsewhere(void **state) {
    world *w = signed_in_world(NULL);
    const char *issuer = server_url(world_server(w), "");
    char text[2048];

    (void)state;
    snprintf(text, sizeof text,
             "{\"issuer\":\"%s\",\"url\":\"%s/elsewhere\",\"etag\":\"x\\r\\nX-Evil: 1\","
             "\"fetched_unix_ms\":0,\"metadata\":%s}",
             issuer, issuer, server_provider_json(world_server(w)));
    write_cache(w, text);
    world_restart(w);

    refresh_ok(w);

    assert_int_equal(server_record_count(world_server(w), TS_OTHER), 0);
    assert_int_equal(server_counters(world_server(w)).metadata_unchanged, 0);
    assert_requests(w, 1, 1);
    world_free(w);
}

static void files_are_the_users_own(void **state) {
    world *w = signed_in_world(NULL);
    char *path = cache_path(w);
    struct stat facts;

    (void)state;
    assert_non_null(path);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    free(path);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sign_in_discovers_with_one_request),
        cmocka_unit_test(a_server_without_openid_is_found_with_two),
        cmocka_unit_test(a_restart_asks_for_nothing),
        cmocka_unit_test(a_day_later_one_conditional_request_is_enough),
        cmocka_unit_test(what_the_server_changed_is_used_after_a_day),
        cmocka_unit_test(an_issuer_may_have_a_path),
        cmocka_unit_test(an_app_starts_offline_and_knows_whether_it_is_signed_in),
        cmocka_unit_test(a_refresh_that_finds_no_metadata_sends_nothing),
        cmocka_unit_test(a_server_that_asks_for_patience_is_not_asked_again),
        cmocka_unit_test(without_metadata_a_sign_in_says_what_stood_in_the_way),
        cmocka_unit_test(what_is_known_is_used_on_and_its_server_left_alone_for_a_minute),
        cmocka_unit_test(a_server_that_does_not_answer_gets_five_seconds),
        cmocka_unit_test(the_journal_speaks_of_no_grant_while_metadata_is_asked_for),
        cmocka_unit_test(one_that_never_answered_gets_the_time_of_a_refresh),
        cmocka_unit_test(sessions_that_discover_at_once_do_not_wait_for_each_other),
        cmocka_unit_test(a_clock_from_before_the_answer_asks_again),
        cmocka_unit_test(a_sign_in_that_is_cancelled_while_it_discovers_sends_nothing),
        cmocka_unit_test(signing_out_ends_a_refresh_that_discovers),
        cmocka_unit_test(signing_out_asks_for_no_metadata_that_is_known),
        cmocka_unit_test(signing_out_without_metadata_is_reported_and_done),
        cmocka_unit_test(without_a_place_for_the_cache_all_works),
        cmocka_unit_test(a_hostile_cache_is_not_believed_and_is_replaced),
        cmocka_unit_test(a_cache_cannot_send_the_client_elsewhere),
        cmocka_unit_test(files_are_the_users_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
