/* The end of a refresh token where several processes share a sign-in. The other process is a client of its own. */
#include "support/limited.h"
#include "support/unit.h"

enum { PATIENCE_MS = WORLD_PATIENCE_MS, HOUR_S = 3600, DAY_S = 24 * HOUR_S };

static const char lives_for_a_day[] = "{\"refresh_expires_in\":86400}";

static void pass_for_both(const limited *l, tacit_client *client, int64_t ms) {
    pass(l, ms);
    tacit_client_clock_moved(client);
}

/* The other may find the turn taken, and asks for it again after up to 0.2 s of this clock. */
static void take_over(const limited *l, tacit_client *client, tacit_session *session,
                      const tacit_token *before) {
    tacit_status status = TACIT_ERR_TIMEOUT;
    tacit_token *newer = NULL;

    for (int i = 0; i < 1000 && status == TACIT_ERR_TIMEOUT; i++) {
        status = tacit_session_renew(session, before, TACIT_NO_WAIT, &newer, NULL);
        pass_for_both(l, client, 200);
        look_a_while();
    }
    assert_int_equal(status, TACIT_OK);
    tacit_token_unref(newer);
}

/* One renews, the other takes it over; then either may be the one that is left. */
static void what_another_process_put_off_is_renewed_here(void **state) {
    enum { TIMES = 3 };
    ts_options server = TS_OPTIONS_INIT;
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;
    tacit_client *client;
    tacit_session *other;
    limited l;

    (void)state;
    server.extra_members = lives_for_a_day;
    l = limited_new(&server, 0, 0);
    client = other_client(&l);
    other = other_session(&l, client);
    for (int i = 0; i < TIMES; i++) {
        tacit_token *before = NULL;

        assert_int_equal(tacit_session_token(other, 0, PATIENCE_MS, &before, NULL), TACIT_OK);
        pass_for_both(&l, client, HOUR_MS / 6);
        assert_int_equal(tacit_session_refresh(world_session(l.world), PATIENCE_MS, NULL),
                         TACIT_OK);
        take_over(&l, client, other, before);
        tacit_token_unref(before);
    }

    tacit_session_get_stats(other, &stats);
    assert_int_equal(stats.adoptions, TIMES);
    assert_int_equal(server_counters(l.server).refresh_grants, TIMES);
    assert_in_range(stats.sign_in_ends_in_s, DAY_S - 60, DAY_S);
    assert_in_range(stats.refresh_due_in_s, 18 * HOUR_S - 660, 18 * HOUR_S - 300);
    tacit_session_close(other, PATIENCE_MS);
    assert_int_equal(tacit_client_shutdown(client, PATIENCE_MS, NULL), TACIT_OK);
    tacit_client_unref(client);
    limited_free(&l);
}

static bool is_saved_anew(void *data) {
    const limited *l = data;
    char *record = fake_store_record(l->store);
    bool anew = fake_record_generation(record) > 1;

    free(record);
    return anew;
}

/* Which says nothing of how long the refresh token lives. */
static void what_slides_in_another_process_leaves_the_renewal_alone(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;
    tacit_token *before = NULL;
    tacit_client *client;
    tacit_session *other;
    limited l;

    (void)state;
    server.metadata_members = "{\"dialect\":{\"sliding_header\":\"Authorization\"}}";
    server.jwt = true;
    server.extra_members = lives_for_a_day;
    l = limited_new(&server, 0, 0);
    client = other_client(&l);
    other = other_session(&l, client);
    assert_int_equal(tacit_session_token(other, 0, PATIENCE_MS, &before, NULL), TACIT_OK);
    pass_for_both(&l, client, HOUR_MS / 6);
    server = server_options(l.server);
    server.sliding_header = "Authorization";
    server_configure(l.server, &server);
    assert_int_equal(world_get(l.world, "/api/x"), 200);
    world_wait(is_saved_anew, &l, "what slid to be saved");
    take_over(&l, client, other, before);

    tacit_session_get_stats(other, &stats);
    assert_int_equal(stats.adoptions, 1);
    assert_int_equal(server_counters(l.server).refresh_grants, 0);
    assert_in_range(stats.refresh_due_in_s, 17 * HOUR_S, 18 * HOUR_S);
    tacit_token_unref(before);
    tacit_session_close(other, PATIENCE_MS);
    assert_int_equal(tacit_client_shutdown(client, PATIENCE_MS, NULL), TACIT_OK);
    tacit_client_unref(client);
    limited_free(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_another_process_put_off_is_renewed_here),
        cmocka_unit_test(what_slides_in_another_process_leaves_the_renewal_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
