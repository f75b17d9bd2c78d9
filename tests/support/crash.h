/*
 * Crash tests: apps are killed, and others go on where they were. Each lane is a thread with a server, a directory and apps of its own,
 * since most of a run is waiting.
 */
#ifndef TS_CRASH_H
#define TS_CRASH_H

#include "support/app.h"

typedef struct crash_lane {
    /* set by the test */
    const char *store; /* of the apps */
    int grace_ms;      /* of the server; 0: none */
    int index, count;  /* which lane of its kind this is */
    int step;          /* how many it goes on at once, where it counts */
    unsigned seed;
    long limit; /* runs at most; 0: as many as it takes */

    ts_server *server;
    char *directory;             /* fresh where a run wants it so */
    long runs, mid_flight, lost; /* kills; of these, between the post and the save; sign-ins lost */
    char problem[700];           /* the first; "": none */
} crash_lane;

/* Runs body for each lane, all at once, and fails the test with what went wrong in any. */
void crash_run(crash_lane *lanes, int count, void (*body)(crash_lane *lane));

/* false: a problem, which is kept. */
bool crash_check(crash_lane *lane, bool ok, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A new directory instead of the last one. */
bool crash_clean(crash_lane *lane);
/* NULL: a problem. */
app *crash_app(crash_lane *lane, bool with_die_shim);
/* Asks, and the answer must be TACIT_OK. */
bool crash_must(crash_lane *lane, app *app, const char *command);

/* After a kill: waits until the server is through with what the dead had sent. */
void crash_settle(crash_lane *lane);
/* Whether the record, of a plain store, is whole and holds a refresh token that the server would take. */
bool crash_record_is_live(crash_lane *lane);

/* Sees to it that a fresh app goes on where a dead one was. Asks `command` until it has a sign-in whose refresh token is the newest; or,
 * where the server gives no grace and the record's token was spent when the app began, until it says honestly that an answer was lost:
 * then it signs in again. false: a problem. */
bool crash_prove(crash_lane *lane, app *app, const char *command);

#endif
