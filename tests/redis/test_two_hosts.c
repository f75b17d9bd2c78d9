/*
 * Two machines work for one sign-in, whose record and lock are in a Redis between them; one is cut off from it in the middle of a
 * flight. Machines are network namespaces; the authorization server stays in reach.
 */
#include "platform/os.h"
#include "support/apps.h"
#include "support/fixture.h"
#include "support/redis.h"
#include "support/redis_hosts.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REDIS_PORT = 6379 /* the network is our own */ };

typedef struct fleet {
    apps apps;
    host_machine *machine_a, *machine_b;
} fleet;

static app *start_on(fleet *fleet, const host_machine *machine, int number) {
    char url[64];
    const char *const arguments[] = {"--redis", url, NULL};
    app *app;

    snprintf(url, sizeof url, "redis://" HOST_MIDDLE ":%d", number, REDIS_PORT);
    host_machine_enter(machine);
    app = app_start(&(app_options){.server = fleet->apps.server,
                                   .directory = fleet->apps.directory,
                                   .store = "redis",
                                   .arguments = arguments});
    host_machine_leave();
    assert_non_null(app);
    return app;
}

/* a has signed in, b has loaded that. */
static fleet fleet_new(int grace_ms) {
    static const char *const arguments[] = {
        "--port", "6379", "--bind", "10.213.1.1", "10.213.2.1", "--protected-mode", "no", NULL};
    ts_options options = TS_OPTIONS_INIT;
    fleet fleet = {.apps.directory = fixture_directory_new()};
    const char *port;

    options.username = options.password = NULL;
    options.grace_ms = grace_ms;
    options.refresh_ends_older_access = true; /* who holds an older token is in need */
    fleet.apps.server = server_start(&options);
    assert_non_null(fleet.apps.server);
    port = strrchr(server_url(fleet.apps.server, ""), ':') + 1;
    fleet.machine_a = host_machine_new(1, atoi(port));
    fleet.machine_b = host_machine_new(2, atoi(port));
    fleet.apps.redis = redis_start(arguments);
    fleet.apps.a = start_on(&fleet, fleet.machine_a, 1);
    ask_ok(fleet.apps.a, "sign-in alice");
    fleet.apps.b = start_on(&fleet, fleet.machine_b, 2);
    ask_ok(fleet.apps.b, "load");
    assert_state(fleet.apps.b, "signed_in");
    return fleet;
}

static void fleet_free(fleet *fleet) {
    host_machine *a = fleet->machine_a, *b = fleet->machine_b;

    apps_free(&fleet->apps);
    host_machine_free(a);
    host_machine_free(b);
}

static void assert_ok(json_t *answer) {
    if (!answer_is(answer, "TACIT_OK"))
        fail_msg("%s %s", answer_text(answer, "status"), answer_text(answer, "message"));
    json_decref(answer);
}

/* a has sent the refresh token, and the server has answered, when Redis is out of its reach; the number of the command. */
static long cut_off_during_a_flight(fleet *fleet) {
    apps *p = &fleet->apps;
    long refresh;

    server_gate_close(p->server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    refresh = app_send(p->a, "refresh 30000");
    assert_true(server_gate_waiters(p->server, TS_TOKEN_ENDPOINT, 1, APPS_PATIENCE_MS));
    host_machine_cut(fleet->machine_a, true);
    server_gate_open(p->server, TS_TOKEN_ENDPOINT);
    return refresh;
}

static void assert_one_sign_in(fleet *fleet) {
    apps *p = &fleet->apps;

    ask_user(p->a, "alice");
    ask_user(p->b, "alice");
    ask_ok(p->a, "refresh");
    ask_ok(p->b, "refresh");
    assert_true(apps_have_live_record(p));
    assert_int_equal(server_counters(p->server).reuse_detections, 0);
    assert_int_equal(stat_of(p->a, "events.sign_in_required"), 0);
    assert_int_equal(stat_of(p->b, "events.sign_in_required"), 0);
}

/* ------------------------------------------------------------------ */

static void two_machines_share_one_refresh(void **state) {
    fleet fleet = fleet_new(0);
    apps *p = &fleet.apps;
    long first, second;

    (void)state;
    server_revoke_access_tokens(p->server);
    server_gate_close(p->server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    first = app_send(p->a, "get /api/x 20000");
    assert_true(server_gate_waiters(p->server, TS_TOKEN_ENDPOINT, 1, APPS_PATIENCE_MS));
    second = app_send(p->b, "get /api/x 20000");
    a_moment();
    server_gate_open(p->server, TS_TOKEN_ENDPOINT);
    await_ok(p->a, first);
    await_ok(p->b, second);
    assert_int_equal(server_counters(p->server).refreshes_ok, 1);
    assert_one_sign_in(&fleet);
    fleet_free(&fleet);
}

/* The other takes over when the lease is over, within the grace; whoever comes back takes what it obtained. */
static void cut_off_during_a_flight_costs_nobody_the_sign_in_with_grace(void **state) {
    fleet fleet = fleet_new(30000);
    apps *p = &fleet.apps;
    int64_t began = ti_os_boot_ms();
    long refresh = cut_off_during_a_flight(&fleet);
    json_t *answer;

    (void)state;
    assert_ok(ask_patiently(p->b, "get /api/x"));
    assert_in_range(ti_os_boot_ms() - began, 1000, 4 * REDIS_LEASE_MS);
    assert_int_equal(server_counters(p->server).refresh_grants, 2);
    assert_int_equal(server_counters(p->server).grace_uses, 1);
    host_machine_cut(fleet.machine_a, false);
    answer = await_answer(p->a, refresh); /* it has its tokens, saved or not */
    json_decref(answer);
    assert_ok(ask_patiently(p->a, "get /api/x"));
    assert_one_sign_in(&fleet);
    fleet_free(&fleet);
}

/* A server that takes the second use of a refresh token for a theft ends the sign-in, and both say why. */
static void cut_off_during_a_flight_ends_the_sign_in_where_reuse_is_theft(void **state) {
    fleet fleet = fleet_new(0);
    apps *p = &fleet.apps;
    long refresh = cut_off_during_a_flight(&fleet);
    json_t *answer;
    app *later;

    (void)state;
    answer = ask_patiently(p->b, "get /api/x");
    assert_answer_lost(p->b, answer);
    json_decref(answer);
    assert_int_equal(server_counters(p->server).refresh_grants, 2);
    assert_int_equal(server_counters(p->server).reuse_detections, 1);
    host_machine_cut(fleet.machine_a, false);
    json_decref(await_answer(p->a, refresh));
    answer = ask_patiently(p->a, "get /api/x");
    assert_true(answer_flag(answer, "sign_in_required"));
    json_decref(answer);
    assert_in_range(server_counters(p->server).refresh_grants, 2,
                    3);            /* a may try what it got, once */
    ask_ok(p->a, "sign-in alice"); /* one signs in, for all */
    later = start_on(&fleet, fleet.machine_b, 2);
    ask_user(later, "alice");
    assert_true(app_free(later));
    fleet_free(&fleet);
}

/* Before anything was sent there is nothing to lose. */
static void cut_off_before_a_flight_nothing_is_sent(void **state) {
    fleet fleet = fleet_new(0);
    apps *p = &fleet.apps;
    json_t *answer;

    (void)state;
    server_revoke_access_tokens(p->server);
    host_machine_cut(fleet.machine_a, true);
    answer = app_ask(p->a, "get /api/x 6000");
    assert_false(answer_is(answer, "TACIT_OK"));
    assert_retryable(answer);
    json_decref(answer);
    assert_int_equal(server_counters(p->server).refresh_grants, 0);
    ask_user(p->b, "alice");
    host_machine_cut(fleet.machine_a, false);
    assert_ok(ask_patiently(p->a, "get /api/x"));
    assert_int_equal(server_counters(p->server).refresh_grants, 1);
    assert_one_sign_in(&fleet);
    fleet_free(&fleet);
}

/* A machine that stands still with the answer in its socket, for longer than the lock is lent, writes nothing over what came after. */
static void a_machine_that_stood_still_takes_what_came_meanwhile(void **state) {
    fleet fleet = fleet_new(30000);
    apps *p = &fleet.apps;
    long refresh;

    (void)state;
    server_gate_close(p->server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    refresh = app_send(p->a, "refresh 30000");
    assert_true(server_gate_waiters(p->server, TS_TOKEN_ENDPOINT, 1, APPS_PATIENCE_MS));
    app_freeze(p->a);
    server_gate_open(p->server, TS_TOKEN_ENDPOINT);
    assert_ok(ask_patiently(p->b, "get /api/x"));
    app_thaw(p->a);
    json_decref(await_answer(p->a, refresh));
    assert_ok(ask_patiently(p->a, "get /api/x"));
    assert_one_sign_in(&fleet);
    fleet_free(&fleet);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_machines_share_one_refresh),
        cmocka_unit_test(cut_off_during_a_flight_costs_nobody_the_sign_in_with_grace),
        cmocka_unit_test(cut_off_during_a_flight_ends_the_sign_in_where_reuse_is_theft),
        cmocka_unit_test(cut_off_before_a_flight_nothing_is_sent),
        cmocka_unit_test(a_machine_that_stood_still_takes_what_came_meanwhile),
    };

    if (!redis_is_installed()) {
        print_message("redis-server is not installed: nothing can be tested with it\n");
        return 0;
    }
    if (!hosts_are_possible()) return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
