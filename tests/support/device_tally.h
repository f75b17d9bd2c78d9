/* What a server has taken from one device: that every reading came once and in order, and which are missing. */
#ifndef TS_DEVICE_TALLY_H
#define TS_DEVICE_TALLY_H

#include "support/server.h"

#include <stdint.h>

enum { TALLY_RUNS_MAX = 64 };

typedef struct tally {
    long readings, undated;
    long missing;      /* between those that came */
    long dropped;      /* as the device tells, behind what was left */
    long most_dropped; /* of one batch */
    long runs;
    struct {
        int64_t run;  /* its number */
        int64_t next; /* behind the last reading that came */
    } of_run[TALLY_RUNS_MAX];
    int64_t first_unix_ms, last_unix_ms; /* of the readings with a date */
} tally;

/* Fails the test where a reading came twice or out of order, or a key stood for two batches. */
tally tally_of(ts_server *server);
/* The same once so many runs have been heard of. */
tally tally_await_runs(ts_server *server, long runs, int timeout_ms);

#endif
