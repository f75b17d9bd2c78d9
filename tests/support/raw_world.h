/* A session whose only origin sends bytes as they are given. */
#ifndef TS_RAW_WORLD_H
#define TS_RAW_WORLD_H

#include "support/raw_server.h"
#include "support/sending.h"

/* A session whose only origin is a server that sends these bytes. */
typedef struct raw_world {
    raw_server *server;
    world *world;
} raw_world;

static inline raw_world raw_world_new(const raw_options *answer) {
    raw_world raw = {.server = raw_server_start(answer)};
    world_options options = {.session = TACIT_SESSION_OPTIONS_INIT};
    const char *origins[2] = {NULL};

    assert_non_null(raw.server);
    origins[0] = raw_server_url(raw.server);
    options.session.origins = origins;
    raw.world = signed_in(&options);
    return raw;
}

static inline void raw_world_free(raw_world *raw) {
    world_free(raw->world);
    raw_server_stop(raw->server);
}

#endif
