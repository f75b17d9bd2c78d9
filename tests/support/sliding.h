/* A world whose server slides: no refresh token, and a new access token in the header of API answers. */
#ifndef TS_SLIDING_H
#define TS_SLIDING_H

#include "support/fake_store.h"
#include "support/seen.h"
#include "support/sending.h"

#include <stdlib.h>

#define SLIDING_DIALECT "{\"dialect\":{\"sliding_header\":\"Authorization\"}}"

enum { SLIDING_LIFETIME_S = 1800 };

/* Tokens of half an hour; the server does not slide before sliding_turn(). The clock is injected. */
static inline ts_options sliding_server(void) {
    ts_options server = TS_OPTIONS_INIT;

    server.metadata_members = SLIDING_DIALECT;
    server.jwt = true;
    server.access_lifetime_ms = SLIDING_LIFETIME_S * 1000;
    return server;
}

static inline void sliding_sign_in(world *w, const char *user) {
    tacit_error error;
    char *access;

    free(server_sign_in(world_server(w), user, NULL, &access));
    if (tacit_sign_in_with_tokens(world_session(w), access, 0, NULL, &error) != TACIT_OK)
        fail_msg("%s", error.message);
    free(access);
}

/* NULL: a memory store. alice is signed in, without a refresh token. */
static inline world *sliding_world_in(const ts_options *server, tacit_store *store) {
    world *w = world_new(&(world_options){.server = server, .store = store, .clock = true});

    sliding_sign_in(w, "alice");
    return w;
}

static inline world *sliding_world(void) {
    ts_options server = sliding_server();

    return sliding_world_in(&server, NULL);
}

static inline void sliding_turn(world *w, bool on) {
    ts_options server = server_options(world_server(w));

    server.sliding_header = on ? "Authorization" : NULL;
    server_configure(world_server(w), &server);
}

/* Time goes by, for the server's new tokens too. */
static inline void sliding_pass(world *w, int seconds) {
    ts_options server = server_options(world_server(w));

    server.jwt_ahead_s += seconds;
    server_configure(world_server(w), &server);
    world_clock_move(w, (int64_t)seconds * 1000);
}

/* An answer brings a token: so much later, when it is worth it. */
static inline void sliding_slide(world *w, int seconds) {
    uint64_t slides = stats_of(w).slides;

    sliding_pass(w, seconds);
    sliding_turn(w, true);
    assert_int_equal(world_get(w, "/api/x"), 200);
    sliding_turn(w, false);
    assert_int_equal(stats_of(w).slides, slides + 1);
}

#endif
