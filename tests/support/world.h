/*
 * What most integration tests start from: the scriptable server, a client, a store, a session, and what the session told.
 *
 *     world *w = world_new(&(world_options){ .server = ..., .clock = true });
 *     world_sign_in(w);
 *     assert_int_equal(world_get(w, "/api/x"), 200);
 *     world_free(w);
 */
#ifndef TS_WORLD_H
#define TS_WORLD_H

#include <tacit/tacit.h>

#include "support/server.h"

#define WORLD_EVENTS_MAX 256
#define WORLD_PATIENCE_MS 20000 /* how long a test waits for what must come */

typedef struct world_event {
    tacit_event event; /* error points at the copy */
    tacit_error error;
    char message[256];
} world_event;

typedef struct world_options {
    const ts_options *server;    /* NULL: its defaults */
    tacit_client_options client; /* struct_size 0: defaults */
    tacit_session_options
        session; /* struct_size 0: defaults; client_id, origins, store and on_event are filled in */
    tacit_store *store; /* NULL: a memory store of its own */
    bool from_issuer;   /* the provider is named by its issuer, anew after a restart */
    bool clock;         /* an injected clock that stands still until world_clock_move() */
} world_options;

typedef struct world world;

world *world_new(
    const world_options *options); /* NULL options: the defaults. Fails the test where it cannot */
void world_free(world *world);

ts_server *world_server(world *world);
tacit_client *world_client(world *world);
tacit_provider *world_provider(world *world);
tacit_store *world_store(world *world);
const char *world_state_dir(world *world); /* where the journals are; removed with the world */
tacit_session *world_session(world *world);

/* Closes client and session, as a process that ends. What follows is world_restart() or world_free(). */
void world_end(world *world);
/* Closes client and session and makes new ones on the same server and store, as a restarted process would. */
void world_restart(world *world);
/* The same with another store, and the one before it (NULL: none): the app was updated. Both are borrowed. */
void world_restart_in(world *world, tacit_store *store, tacit_store *previous);
/* The journals of all records are lost, as when somebody cleans up. */
void world_lose_journals(world *world);
/* Closes the session alone; what follows is world_restart() or world_free(). */
tacit_status world_close(world *world, int timeout_ms);
/* A further session of the same client, with the same event recorder; close it yourself. */
tacit_session *world_open(world *world, const char *account, const char *scope);

/* By password; must succeed. */
void world_sign_in(world *world);
/* A GET through the session: its HTTP status, or minus its tacit_status. error may be NULL. */
int world_get(world *world, const char *path);
int world_get_error(world *world, const char *path, tacit_error *error);
int session_get(tacit_session *session, const char *url, tacit_error *error); /* ... through any */
/* The session's token now, without waiting; NULL: none. Yours to unref. */
tacit_token *world_token(world *world);

/* The injected clock (boot and wall together), and the wall clock alone. Tells the client. */
void world_clock_move(world *world, int64_t ms);
void world_wall_step(world *world, int64_t ms);
int64_t world_clock_now(world *world);

/* Events so far, of all sessions of the world; a copy of the index-th (from 0). */
size_t world_event_count(world *world, tacit_event_type type); /* 0: all */
bool world_event_at(world *world, tacit_event_type type, size_t index, world_event *event);
/* Waits until there were so many of the type; fails the test where they don't come. */
void world_wait_event(world *world, tacit_event_type type, size_t count);
/* The same, and fails the test where there were more. Events come a little after what they tell of. */
void world_assert_events(world *world, tacit_event_type type, size_t count);
/* Waits until condition holds, looking again whenever something may have changed; fails the test, naming what. */
void world_wait(bool (*condition)(void *data), void *data, const char *what);

#endif
