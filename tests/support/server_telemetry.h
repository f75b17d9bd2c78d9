/*
 * POST /api/telemetry, as a server takes readings of devices: a batch is taken once for each Idempotency-Key, and what comes again
 * under a key is answered like the first. Batches are {"run": N, "readings": [{"seq": N, ...}, ...]}.
 */
#ifndef TS_SERVER_TELEMETRY_H
#define TS_SERVER_TELEMETRY_H

#include "support/server.h"

typedef struct ts_telemetry_counters {
    long batches, readings; /* taken */
    long repeats;           /* batches that came again */
    long conflicts;         /* ... with other readings than the first time */
} ts_telemetry_counters;

ts_telemetry_counters server_telemetry(ts_server *server);
/* The body of a batch that was taken, in the order of taking; yours. NULL: there are not as many. */
char *server_telemetry_batch(ts_server *server, size_t index);
/* Waits until so many readings were taken. false: not within timeout_ms. */
bool server_telemetry_wait(ts_server *server, long readings, int timeout_ms);

#endif
