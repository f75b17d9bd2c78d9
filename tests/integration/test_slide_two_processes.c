/* Two processes whose API answers renew the token of one sign-in. */
#include "support/apps.h"
#include "support/plain_store.h"
#include "support/unit.h"

#include <stdlib.h>

/* A token is old enough after two of them; the others are for a slow machine. */
enum { LIFETIME_S = 10 };

static ts_options sliding_server(void) {
    ts_options server = TS_OPTIONS_INIT;

    server.metadata_members = "{\"dialect\":{\"sliding_header\":\"Authorization\"}}";
    server.jwt = true;
    server.access_lifetime_ms = LIFETIME_S * 1000;
    server.sliding_header = "Authorization";
    return server;
}

/* Both are signed in, with an access token and nothing else. */
static apps sliding_apps(void) {
    ts_options server = sliding_server();
    apps p = apps_new(&server, NULL);
    char *access;
    json_t *answer;

    server_revoke_family(p.server);
    free(server_sign_in(p.server, "carol", NULL, &access));
    answer = app_ask(p.a, "sign-in-with %s", access);
    assert_true(answer_is(answer, "TACIT_OK"));
    json_decref(answer);
    free(access);
    json_decref(ask_error(p.b, "get /api/whoami", "TACIT_ERR_SIGNED_OUT"));
    ask_user(p.b, "carol");
    return p;
}

static void slide_on(apps *p, bool on, bool ends_older) {
    ts_options server = server_options(p->server);

    server.sliding_header = on ? "Authorization" : NULL;
    server.sliding_ends_older_access = ends_older;
    server_configure(p->server, &server);
}

/* One answer brings a token, when the current one is old enough. */
static void slide_once(apps *p, app *app, bool ends_older) {
    long slides = stat_of(app, "slides");

    while (stat_of(app, "expires_in_s") > LIFETIME_S - 3) a_moment();
    slide_on(p, true, ends_older);
    ask_user(app, "carol");
    slide_on(p, false, false);
    assert_int_equal(stat_of(app, "slides"), slides + 1);
}

/* Of the record; 0: there is none. */
static long record_generation(const apps *p) {
    char *text = plain_store_record(p->directory);
    json_t *record = text == NULL ? NULL : json_loads(text, 0, NULL);
    long generation = answer_number(record, "generation");

    json_decref(record);
    free(text);
    return generation;
}

static void await_record_after(const apps *p, long generation) {
    for (int waited = 0; record_generation(p) <= generation; waited += 300) {
        if (waited > APPS_PATIENCE_MS) fail_msg("it is not saved");
        a_moment();
    }
}

/* The other one's token is refused: it takes the new one from the store, and asks nobody. */
static void what_slid_in_one_the_other_adopts(void **state) {
    (void)state;
    apps p = sliding_apps();
    long token_requests = server_counters(p.server).token_requests;
    long before = record_generation(&p);

    slide_once(&p, p.a, true);
    await_record_after(&p, before);
    ask_user(p.b, "carol");

    assert_int_equal(stat_of(p.b, "slides"), 0);
    assert_in_range(stat_of(p.b, "adoptions"), 1, 10);
    assert_int_equal(stat_of(p.b, "events.sign_in_required"), 0);
    assert_int_equal(server_counters(p.server).token_requests, token_requests);
    apps_free(&p);
}

/* Though its own slides made its generations run ahead of those of the record. */
static void a_refused_token_gives_way_to_what_the_other_saved(void **state) {
    (void)state;
    apps p = sliding_apps();
    long before;

    for (int i = 0; i < 3; i++) slide_once(&p, p.b, false); /* saved once, within a minute */
    ask_user(p.a, "carol");
    before = record_generation(&p);
    slide_once(&p, p.a, true);
    await_record_after(&p, before);
    ask_user(p.b, "carol");
    ask_user(p.a, "carol");

    assert_int_equal(stat_of(p.a, "events.sign_in_required"), 0);
    assert_int_equal(stat_of(p.b, "events.sign_in_required"), 0);
    apps_free(&p);
}

/* Each with its own answers, for longer than a token lives; one is killed then, and what the other leaves behind serves the next. */
static void each_slides_for_itself(void **state) {
    (void)state;
    apps p = sliding_apps();
    long token_requests = server_counters(p.server).token_requests;
    json_t *a, *b;

    slide_on(&p, true, false);
    ask_ok(p.a, "start 4 20");
    ask_ok(p.b, "start 4 20");
    await_stat(p.a, "slides", 12);
    await_stat(p.b, "slides", 12);
    a = app_ask(p.a, "stop");
    b = app_ask(p.b, "stop");
    assert_int_equal(stat_of(p.b, "events.sign_in_required"), 0);
    app_kill(p.a);
    assert_true(app_free(p.b));
    p.b = apps_start(&p, NULL);
    ask_user(p.b, "carol");

    assert_int_equal(answer_number(a, "errors") + answer_number(a, "unauthorized"), 0);
    assert_int_equal(answer_number(b, "errors") + answer_number(b, "unauthorized"), 0);
    assert_int_equal(server_counters(p.server).token_requests, token_requests);
    json_decref(a);
    json_decref(b);
    apps_free(&p);
}

/* What it was about to save is lost; the refresh token is not. */
static void a_death_during_the_save_costs_nothing_but_the_token(void **state) {
    (void)state;
    ts_options server = sliding_server();
    apps p = apps_new(&server, (const char *const[]){"--reactive", NULL});
    long before = record_generation(&p), get;

    ask_ok(p.a, "hold save");
    for (int tries = 0; stat_of(p.a, "slides") == 0; tries++) {
        if (tries > APPS_PATIENCE_MS / 300) fail_msg("it does not slide");
        get = app_send(p.a, "get /api/x");
        await_ok(p.a, get);
        a_moment();
    }
    a_moment(); /* it is in the middle of the save now, or it comes to the same */
    app_kill(p.a);
    slide_on(&p, false, false);
    server_revoke_access_tokens(p.server);
    json_decref(ask_patiently(p.b, "get /api/x"));
    ask_user(p.b, "alice");

    assert_int_equal(server_counters(p.server).refreshes_ok, 1);
    assert_int_equal(server_counters(p.server).reuse_detections, 0);
    assert_true(record_generation(&p) > before);
    assert_true(apps_have_live_record(&p));
    apps_free(&p);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_slid_in_one_the_other_adopts),
        cmocka_unit_test(a_refused_token_gives_way_to_what_the_other_saved),
        cmocka_unit_test(each_slides_for_itself),
        cmocka_unit_test(a_death_during_the_save_costs_nothing_but_the_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
