/* examples/device without a network, without a token, and with a server that is in no mood. */
#include "support/device.h"
#include "support/device_tally.h"
#include "support/unit.h"

#include <time.h>

static const char fast[] = "\"interval_ms\":20,\"flush_ms\":100,\"timeout_ms\":3000";

/* ------------------------------------------------------------------ without a network */

static void online_nothing_is_written(void **state) {
    device d = device_new(&(device_options){.settings = "\"interval_ms\":20"});

    (void)state;
    device_sign_in(&d);
    for (int i = 0; i < 20; i++) {
        device_await_readings(&d, 1);
        assert_int_equal(device_spool_files(&d), 0);
    }
    device_terminate(&d, 1);
    device_free(&d);
}

static void what_was_measured_offline_arrives_once_and_in_order(void **state) {
    device d = device_new(&(device_options){.settings = fast});
    tally t;

    (void)state;
    device_sign_in(&d);
    server_go_away(d.server);
    device_await_words(&d, "offline: ");
    device_await_spool_files(&d, 1);
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL); /* that is what it is about */
    assert_true(server_come_back(d.server));
    device_await_readings(&d, 60);
    device_await_empty_spool(&d);
    device_terminate(&d, 1);

    t = tally_of(d.server);
    assert_int_equal(t.missing + t.dropped, 0);
    device_free(&d);
}

static void a_full_spool_tells_what_it_lost(void **state) {
    device d = device_new(&(device_options){.settings = "\"interval_ms\":1,\"flush_ms\":20,"
                                                        "\"timeout_ms\":3000,\"spool_bytes\":1"});
    tally t;

    (void)state;
    device_sign_in(&d);
    server_go_away(d.server);
    device_await_words(&d, "offline: ");
    device_await_spool_files(&d, 8);
    nanosleep(&(struct timespec){.tv_nsec = 500 * 1000000L}, NULL);
    assert_true(server_come_back(d.server));
    device_await_readings(&d, 1);
    device_await_empty_spool(&d);
    device_terminate(&d, 1);

    t = tally_of(d.server);
    assert_true(t.missing > 0);
    /* The batch that was on its way when the network went may have arrived, and be given up all the same, with what it told. */
    assert_in_range(t.dropped, t.missing, t.missing + 60 + t.most_dropped);
    device_free(&d);
}

static void the_servers_pauses_are_kept(void **state) {
    device d = device_new(&(device_options){.settings = fast});
    long requests;

    (void)state;
    device_sign_in(&d);
    device_await_empty_spool(&d);
    server_fail_retry_after(d.server, TS_API, 1, 503, "2");
    device_await_words(&d, "the server answers 503");
    requests = server_counters(d.server).api_requests;
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL); /* nothing happens in it */
    assert_int_equal(server_counters(d.server).api_requests, requests);
    device_await_readings(&d, 50);
    device_terminate(&d, 1);

    assert_int_equal(tally_of(d.server).missing, 0);
    device_free(&d);
}

static void readings_that_nobody_wants_hold_up_nothing(void **state) {
    device d = device_new(&(device_options){.settings = "\"interval_ms\":20,\"timeout_ms\":3000"});

    (void)state;
    device_sign_in(&d);
    server_fail(d.server, TS_API, 1, 422);
    device_await_words(&d, "the server refuses readings");
    device_await_readings(&d, 5);
    device_terminate(&d, 1);
    device_free(&d);
}

/* To a log-in page, for instance, which says 200 to the GET that would follow. */
static void a_redirect_is_no_receipt(void **state) {
    device d = device_new(&(device_options){.settings = fast});

    (void)state;
    device_sign_in(&d);
    device_await_empty_spool(&d);
    server_redirect(d.server, TS_API, 1, 302, "/api/page");
    device_await_words(&d, "the server answers 302");
    device_await_readings(&d, 50);
    device_terminate(&d, 1);

    assert_int_equal(tally_of(d.server).missing, 0);
    device_free(&d);
}

/* ------------------------------------------------------------------ without a sign-in */

static void a_sign_in_that_was_revoked_is_asked_for_again(void **state) {
    device d = device_new(&(device_options){.settings = fast});
    tally t;

    (void)state;
    device_sign_in(&d);
    server_revoke_family(d.server);
    device_await_spool_files(&d, 1);
    device_approve(&d, 2);
    device_await_readings(&d, 60);
    device_terminate(&d, 1);

    t = tally_of(d.server);
    assert_int_equal(t.missing + t.dropped, 0);
    assert_int_equal(t.runs, 1);
    device_free(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(online_nothing_is_written),
        cmocka_unit_test(what_was_measured_offline_arrives_once_and_in_order),
        cmocka_unit_test(a_full_spool_tells_what_it_lost),
        cmocka_unit_test(the_servers_pauses_are_kept),
        cmocka_unit_test(readings_that_nobody_wants_hold_up_nothing),
        cmocka_unit_test(a_redirect_is_no_receipt),
        cmocka_unit_test(a_sign_in_that_was_revoked_is_asked_for_again),
    };

    return device_is_there() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
