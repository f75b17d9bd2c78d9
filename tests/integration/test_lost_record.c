/* Somebody took the record away, brought an old one back, or swept the journal up: while a process lives that knows better, and after. */
#include "support/apps.h"
#include "support/fixture.h"
#include "support/plain_store.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ts_options old_tokens_end(void) {
    ts_options options = TS_OPTIONS_INIT;

    options.refresh_ends_older_access = true; /* who holds an older token is in need */
    return options;
}

/* Not found without a mark is lost, not signed out. */
static void a_lost_record_is_saved_again(void **state) {
    apps p = apps_new(NULL, NULL);

    (void)state;
    plain_store_clear(p.directory);
    ask_ok(p.a, "refresh");

    assert_state(p.a, "signed_in");
    assert_true(apps_have_live_record(&p));
    ask_ok(p.b, "refresh");
    assert_int_equal(server_counters(p.server).reuse_detections, 0);
    apps_free(&p);
}

/* ------------------------------------------------------------------ an old record comes back */

/* A backup of the directory was put back. */
static void roll_back(apps *p, const char *record) {
    plain_store_put(p->directory, record);
}

static void who_holds_a_newer_record_saves_it_again(void **state) {
    ts_options options = old_tokens_end();
    apps p = apps_new(&options, NULL);
    char *old = plain_store_record(p.directory);

    (void)state;
    ask_ok(p.a, "refresh");
    roll_back(&p, old);
    assert_false(apps_have_live_record(&p));
    ask_ok(p.a, "refresh");

    assert_true(apps_have_live_record(&p));
    ask_user(p.b, "alice");
    assert_int_equal(server_counters(p.server).reuse_detections, 0);
    free(old);
    apps_free(&p);
}

/* Nobody holds the newer one, and the older one was replaced: to send it would be reuse. The store has half a minute to come up with the
 * newer one (test_journal_file.c); who does not wait so long signs in. */
static void an_old_record_that_nobody_knows_better_than_is_not_sent(void **state) {
    ts_options options = old_tokens_end();
    apps p = apps_new(&options, NULL);
    char *old = plain_store_record(p.directory);
    json_t *answer;
    app *later;

    (void)state;
    ask_ok(p.a, "refresh");
    a_moment(); /* until the journal says that it is saved */
    app_kill(p.a);
    app_kill(p.b);
    roll_back(&p, old);
    later = apps_start(&p, NULL);
    answer = ask_error(later, "get /api/x", "TACIT_ERR_STORE_UNAVAILABLE");

    assert_retryable(answer);
    a_moment();
    assert_int_equal(server_counters(p.server).refresh_grants, 1);
    ask_ok(later, "sign-in alice");
    ask_user(later, "alice");
    json_decref(answer);
    free(old);
    assert_true(app_free(later));
    apps_free(&p);
}

/* ------------------------------------------------------------------ no journal */

static void sweep_up(apps *p) {
    char *state = fixture_path(p->directory, "state");

    fixture_directory_free(state);
}

static void without_its_journal_the_newest_record_counts(void **state) {
    ts_options options = old_tokens_end();
    apps p = apps_new(&options, NULL);

    (void)state;
    for (int i = 0; i < 3; i++) {
        ask_ok(i % 2 == 0 ? p.a : p.b, "refresh");
        sweep_up(&p);
    }
    ask_user(p.a, "alice");
    ask_user(p.b, "alice");

    assert_int_equal(server_counters(p.server).refresh_grants, 3);
    assert_int_equal(stat_of(p.b, "generation"), 4);
    assert_int_equal(stat_of(p.a, "generation"), 4);
    ask_ok(p.a, "refresh");
    assert_int_equal(server_counters(p.server).reuse_detections, 0);
    apps_free(&p);
}

/* The mark is gone, and so is the record: whoever still holds the sign-in finds its tokens dead, and says so. */
static void a_sign_out_whose_mark_was_swept_up_still_ends_the_others(void **state) {
    apps p = apps_new(NULL, NULL);
    json_t *answer;

    (void)state;
    ask_ok(p.a, "sign-out");
    sweep_up(&p);
    answer = app_ask(p.b, "get /api/x 20000");

    assert_true(answer_flag(answer, "sign_in_required"));
    assert_state(p.b, "signed_out");
    json_decref(answer);
    apps_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_record_is_saved_again),
        cmocka_unit_test(who_holds_a_newer_record_saves_it_again),
        cmocka_unit_test(an_old_record_that_nobody_knows_better_than_is_not_sent),
        cmocka_unit_test(without_its_journal_the_newest_record_counts),
        cmocka_unit_test(a_sign_out_whose_mark_was_swept_up_still_ends_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
