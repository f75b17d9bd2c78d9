/*
 * tacit-demo first|second --server URL --report FILE --state-dir DIR [options]
 *
 * The demo's two processes. run.sh starts the server and a keyring, and then one after the other;
 * the report goes from the first to the second in a file, the sign-in in the keyring.
 */
#include "pause.h"
#include "phases.h"
#include "terminal.h"
#include "timeline.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GIVE_UP_MS = 3000 };

static const char usage[] =
    "tacit-demo first|second --server URL --report FILE --state-dir DIR [options]\n"
    "  --lifetime-s N   of the server's access tokens, default 5\n"
    "  --threads N      that send requests, default 8\n"
    "  --crowd N        requests that meet a 401 together, default 1000\n"
    "  --steady-s N     over several lifetimes, default 17\n"
    "  --away-s N       without authorization server, default 7\n"
    "  --again-s N      in the second process, default 6\n"
    "  --spoil          the API refuses a good token: the table must show it\n";

static bool take_number(int *number, const char *value) {
    char *end;
    long given = strtol(value, &end, 10);

    if (end == value || *end || given < 1 || given > 100000) return false;
    *number = (int)given;
    return true;
}

static bool take_option(settings *settings, const char *name, const char *value) {
    const struct {
        const char *name;
        const char **text;
        int *number;
    } options[] = {
        {"--server", &settings->server_url, NULL},   {"--report", &settings->report_path, NULL},
        {"--state-dir", &settings->state_dir, NULL}, {"--lifetime-s", NULL, &settings->lifetime_s},
        {"--threads", NULL, &settings->threads},     {"--crowd", NULL, &settings->crowd},
        {"--steady-s", NULL, &settings->steady_s},   {"--away-s", NULL, &settings->away_s},
        {"--again-s", NULL, &settings->again_s},
    };

    for (size_t i = 0; value && i < sizeof options / sizeof *options; i++) {
        if (strcmp(name, options[i].name) != 0) continue;
        if (options[i].number) return take_number(options[i].number, value);
        *options[i].text = value;
        return true;
    }
    return false;
}

static bool take_arguments(settings *settings, char **arguments) {
    while (*arguments) {
        if (strcmp(*arguments, "--spoil") == 0) {
            settings->spoil = true;
            arguments++;
        } else if (take_option(settings, arguments[0], arguments[1])) {
            arguments += 2;
        } else {
            return false;
        }
    }
    return settings->server_url && settings->report_path && settings->state_dir;
}

static bool begin(demo *demo) {
    const settings *settings = &demo->settings;

    json_object_seed(0); /* jansson seeds lazily, which threads would race for */
    demo->control = control_new(settings->server_url);
    demo->report = report_open(settings->report_path);
    char *metadata = demo->control ? control_metadata(demo->control) : NULL;
    bool ok = demo->report && metadata;

    if (!ok) fprintf(stderr, "There is no server at %s, or no report.\n", settings->server_url);
    ok = ok && app_open(&demo->app, settings->server_url, metadata, settings->state_dir,
                        settings_lead_s(settings));
    free(metadata);
    if (!ok) return false;
    ok = timeline_begin(&(timeline_subject){.server_url = settings->server_url,
                                            .client = demo->app.client,
                                            .session = demo->app.session,
                                            .began_ms = report_began_ms(demo->report),
                                            .lifetime_s = settings->lifetime_s});
    if (!ok) app_close(&demo->app);
    return ok;
}

/* What cannot go on leaves nothing behind in the keyring. */
static bool end(demo *demo, bool ok) {
    if (!ok) tacit_sign_out(demo->app.session, GIVE_UP_MS, NULL);
    timeline_end();
    return app_close(&demo->app) && ok && report_save(demo->report);
}

static bool run_first(demo *demo) {
    if (!begin(demo)) return false;
    bool ok =
        phase_sign_in(demo) && phase_lifetimes(demo) && phase_crowd(demo) && phase_outage(demo);
    return end(demo, ok);
}

static bool run_second(demo *demo) {
    if (!begin(demo)) return false;
    bool ok = phase_continue(demo) && phase_sign_out(demo);
    return end(demo, ok) && report_print(demo->report);
}

int main(int argc, char **argv) {
    demo demo = {.settings = {.lifetime_s = 5,
                              .threads = 8,
                              .crowd = 1000,
                              .steady_s = 17,
                              .away_s = 7,
                              .again_s = 6}};
    bool is_first = argc > 1 && strcmp(argv[1], "first") == 0;
    bool is_second = argc > 1 && strcmp(argv[1], "second") == 0;

    if (!(is_first || is_second) || !take_arguments(&demo.settings, argv + 2)) {
        fprintf(stderr, "%s", usage);
        return 2;
    }
    pause_watch_signals();
    terminal_begin();
    bool ok = is_first ? run_first(&demo) : run_second(&demo);
    report_free(demo.report);
    control_free(demo.control);
    if (pause_interrupted()) return 130;
    return ok ? 0 : 1;
}
