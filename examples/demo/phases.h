/* The six things the demo shows, in order. Each adds its rows to the report. */
#ifndef DEMO_PHASES_H
#define DEMO_PHASES_H

#include "app.h"
#include "control.h"
#include "report.h"

typedef struct settings {
    const char *server_url, *report_path, *state_dir;
    int lifetime_s; /* of the server's access tokens */
    int threads, crowd;
    int steady_s, away_s, again_s;
    bool spoil; /* the API refuses a good token: the table must show it */
} settings;

/* So long before the end of a token the app renews it. */
static inline int settings_lead_s(const settings *settings) {
    return settings->lifetime_s * 2 / 5;
}

typedef struct demo {
    settings settings;
    app app;
    control *control;
    report *report;
} demo;

/* false: it could not go on (with a sentence on stderr), or Ctrl-C. A count that differs is no
 * reason to stop. */
bool phase_sign_in(demo *demo);
bool phase_lifetimes(demo *demo);
bool phase_crowd(demo *demo);
bool phase_outage(demo *demo);
/* in a second process */
bool phase_continue(demo *demo);
bool phase_sign_out(demo *demo);

#endif
