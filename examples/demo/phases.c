#include "phases.h"

#include "load.h"
#include "pause.h"
#include "timeline.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_MS = 15 * 1000, CALM_MS = 2000, SETTLE_MS = 2000, CROWD_TRIES = 3 };

static bool count_now(demo *demo, server_counts *counts) {
    if (control_counts(demo->control, counts)) return true;
    fprintf(stderr, "\nThe server's counters cannot be read.\n");
    return false;
}

static bool is_settled(void *data) {
    server_counts counts;
    return control_counts(data, &counts) && counts.api_requests == counts.api_200 + counts.api_401;
}

/* While no request is under way. The server counts an answer a moment after it is here. */
static bool count(demo *demo, server_counts *counts) {
    pause_until(is_settled, demo->control, SETTLE_MS);
    return count_now(demo, counts);
}

static bool command(demo *demo, const char *json) {
    if (control_command(demo->control, json)) return true;
    fprintf(stderr, "\nThe server did not obey %s\n", json);
    return false;
}

static void add(demo *demo, const char *what, long expected, long counted) {
    report_add(demo->report, what, REPORT_EXACTLY, expected, counted);
}

static void add_at_least(demo *demo, const char *what, long expected, long counted) {
    report_add(demo->report, what, REPORT_AT_LEAST, expected, counted);
}

static void start_load(demo *demo, load *load) {
    load_start(load, demo->app.session, demo->app.url, demo->settings.threads);
}

bool phase_sign_in(demo *demo) {
    server_counts after;
    tacit_error error;

    timeline_heading("1. Sign in, once, with a password");
    if (tacit_sign_in_with_password(demo->app.session, APP_USER, APP_PASSWORD, NULL, &error)) {
        return app_failed("signing in", &error);
    }
    if (!pause_ms(1000) || !count(demo, &after)) return false;
    add(demo, "sign in: password grants", 1, after.sign_ins);
    return true;
}

bool phase_lifetimes(demo *demo) {
    const settings *settings = &demo->settings;
    server_counts before, after;
    load load;

    timeline_heading("2. %d threads of requests for %d s; access tokens live %d s",
                     settings->threads, settings->steady_s, settings->lifetime_s);
    if (!count(demo, &before)) return false;
    if (settings->spoil && !command(demo, "{\"refuse_api\":{\"requests\":1}}")) return false;
    start_load(demo, &load);
    bool whole = pause_ms(settings->steady_s * 1000);
    load_stop(&load);
    if (!whole || !count(demo, &after)) return false;

    long renewals = after.refreshes - before.refreshes;
    add(demo, "several lifetimes: 401s at the API", 0, after.api_401 - before.api_401);
    add(demo, "requests answered, of those sent", load.answered + load.refused + load.failed,
        after.api_200 - before.api_200);
    add_at_least(demo, "renewals in the background", settings->steady_s / settings->lifetime_s,
                 renewals);
    return true;
}

typedef struct crowd_wait {
    demo *demo;
    uint64_t generation;
    long wanted;
} crowd_wait;

static bool has_newer_token(void *data) {
    const crowd_wait *wait = data;
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;

    tacit_session_get_stats(wait->demo->app.session, &stats);
    return stats.generation > wait->generation;
}

/* So that no renewal of its own falls into what follows. */
static bool wait_for_fresh_token(demo *demo) {
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;

    tacit_session_get_stats(demo->app.session, &stats);
    crowd_wait wait = {.demo = demo, .generation = stats.generation};
    if (pause_until(has_newer_token, &wait, PATIENCE_MS)) return true;
    if (!pause_interrupted()) fprintf(stderr, "\nNo new token came.\n");
    return false;
}

static bool all_are_held(void *data) {
    const crowd_wait *wait = data;
    server_counts counts;

    return control_counts(wait->demo->control, &counts) && counts.held >= wait->wanted;
}

/* The API keeps its 401s back until it has one for everybody. */
static bool meet_401_together(demo *demo, load *crowd) {
    crowd_wait wait = {.demo = demo, .wanted = crowd->thread_count};

    if (!command(demo, "{\"close_gate\":{\"part\":\"api\",\"place\":1},"
                       "\"revoke_access_tokens\":true,"
                       "\"fault\":{\"part\":\"token\",\"kind\":\"none\",\"requests\":1,"
                       "\"delay_before_ms\":700}}")) {
        return false;
    }
    load_go(crowd);
    pause_until(all_are_held, &wait, PATIENCE_MS);
    return command(demo, "{\"open_gate\":\"api\"}");
}

static int crowd_size(const settings *settings) {
    int allowed = load_files_allow();
    return allowed < settings->crowd ? allowed : settings->crowd;
}

/* How many there were; 0: it could not go on. */
static int send_crowd(demo *demo, int wanted) {
    load crowd;
    int size = load_gather(&crowd, demo->app.session, demo->app.url, wanted);
    bool ok = meet_401_together(demo, &crowd);

    load_go(&crowd);
    load_stop(&crowd);
    return ok && !pause_interrupted() ? size : 0;
}

/* Where the machine took so long that a renewal was due by time as well, once more. */
bool phase_crowd(demo *demo) {
    int64_t due_ms = demo->settings.lifetime_s * 1000 - settings_lead_s(&demo->settings) * 1000;
    int wanted = crowd_size(&demo->settings), size;
    server_counts before, after;
    int64_t began_ms;
    int tries = 0;

    timeline_heading("3. The access token is revoked: %d requests meet the 401 together%s", wanted,
                     wanted < demo->settings.crowd ? " (file limit)" : "");
    do {
        if (!wait_for_fresh_token(demo) || !count(demo, &before)) return false;
        began_ms = pause_now_ms();
        size = send_crowd(demo, wanted);
        if (!size || !count(demo, &after)) return false;
    } while (pause_now_ms() - began_ms > due_ms && ++tries < CROWD_TRIES);

    add(demo, "access token revoked: 401s met", size, after.api_401 - before.api_401);
    add(demo, "refreshes for all of them", 1, after.refreshes - before.refreshes);
    add(demo, "requests answered after all", size, after.api_200 - before.api_200);
    return true;
}

static bool live_through_outage(demo *demo, server_counts *back) {
    char json[64];

    snprintf(json, sizeof json, "{\"authorization_away_ms\":%d}", demo->settings.away_s * 1000);
    if (!pause_ms(1000) || !command(demo, json)) return false;
    timeline_note("server gone", true);
    if (!pause_ms(demo->settings.away_s * 1000)) return false;
    timeline_note("server back", false);
    return wait_for_fresh_token(demo) && count_now(demo, back) && pause_ms(CALM_MS);
}

bool phase_outage(demo *demo) {
    server_counts before, back, after;
    long failed_before = demo->app.failed_renewals;
    load load;

    timeline_heading("4. The authorization server is gone for %d s; the API stays",
                     demo->settings.away_s);
    if (!count(demo, &before)) return false;
    start_load(demo, &load);
    bool whole = live_through_outage(demo, &back);
    load_stop(&load);
    if (!whole || !count(demo, &after)) return false;

    add_at_least(demo, "no authorization server: failed renewals *", 1,
                 demo->app.failed_renewals - failed_before);
    add(demo, "signed out by it *", 0, demo->app.sign_outs + load.failed_for_good);
    add(demo, "requests failed while the token lived *", 0, load.failed_with_a_token);
    add(demo, "refresh tokens refused", 0, after.refreshes_refused - before.refreshes_refused);
    add_at_least(demo, "requests answered when it was back", 1, after.api_200 - back.api_200);
    return true;
}

bool phase_continue(demo *demo) {
    server_counts before, after;
    load load;

    timeline_heading("5. A new process goes on with what the keyring holds");
    add(demo, "second process: signed in by the keyring *", 1,
        demo->app.state == TACIT_STATE_SIGNED_IN);
    if (!count(demo, &before)) return false;
    start_load(demo, &load);
    bool whole = pause_ms(demo->settings.again_s * 1000);
    load_stop(&load);
    if (!whole || !count(demo, &after)) return false;

    add(demo, "sign-ins it took", 0, after.sign_ins - 1);
    add(demo, "requests answered, of those sent", load.answered + load.refused + load.failed,
        after.api_200 - before.api_200);
    add_at_least(demo, "renewals with the keyring's refresh token", 1,
                 after.refreshes - before.refreshes);
    return true;
}

/* With another state directory, and so with no memory but the keyring's. */
static bool keyring_is_empty(demo *demo, bool *empty) {
    const settings *settings = &demo->settings;
    char *metadata = control_metadata(demo->control), state_dir[512];
    app other;

    snprintf(state_dir, sizeof state_dir, "%s/other", settings->state_dir);
    bool ok = metadata && app_open(&other, settings->server_url, metadata, state_dir, 0);
    free(metadata);
    if (!ok) return false;
    *empty = other.state == TACIT_STATE_SIGNED_OUT;
    return app_close(&other);
}

bool phase_sign_out(demo *demo) {
    server_counts before, after;
    tacit_error error;
    bool empty = false;

    timeline_heading("6. Sign out");
    if (!count(demo, &before)) return false;
    if (tacit_sign_out(demo->app.session, TACIT_TIMEOUT_DEFAULT, &error)) {
        return app_failed("signing out", &error);
    }
    if (!pause_ms(1000) || !count(demo, &after) || !keyring_is_empty(demo, &empty)) return false;

    add_at_least(demo, "sign out: tokens revoked", 1, after.revocations - before.revocations);
    add(demo, "refresh tokens that still work", 0, after.live_refresh_tokens);
    add(demo, "access tokens that still work", 0, after.live_access_tokens);
    add(demo, "records left in the keyring *", 0, !empty);
    add(demo, "all the time: grants at once, at most", 1, after.most_grants_at_once);
    add(demo, "spent refresh tokens used again", 0, after.reused_refresh_tokens);
    return true;
}
