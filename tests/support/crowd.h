/* Many threads that each call one function of a world's session at once. */
#ifndef TS_CROWD_H
#define TS_CROWD_H

#include "support/world.h"

typedef struct crowd crowd;

typedef enum crowd_doing {
    CROWD_GET = 0,    /* a GET of /api/x */
    CROWD_TOKEN = 1,  /* tacit_session_token() */
    CROWD_RENEW = 2,  /* tacit_session_renew() of the token that is current when the crowd starts */
    CROWD_REFRESH = 3 /* tacit_session_refresh() */
} crowd_doing;

/* timeout_ms: of each call; -1 for its default. */
crowd *crowd_start(world *world, tacit_session *session, crowd_doing doing, int threads,
                   int timeout_ms);
/* Waits for all; then how many got this: an HTTP status for CROWD_GET (TACIT_OK for the others), or minus a tacit_status. */
void crowd_join(crowd *crowd);
int crowd_count(const crowd *crowd, int result);
/* The error of the index-th thread. */
const tacit_error *crowd_error(const crowd *crowd, int index);
void crowd_free(crowd *crowd);

#endif
