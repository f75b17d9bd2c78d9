/*
 * bob is signed in, and somebody tries to sign alice in. Where that fails, nothing may have happened.
 *
 *     scene s = scene_begin(NULL, false);
 *     ...
 *     assert_clear(&error, TACIT_ERR_PROTOCOL, "what was wrong");
 *     assert_nothing_happened(&s);
 *     scene_end(&s);
 */
#ifndef TS_SCENE_H
#define TS_SCENE_H

#include "support/fake_store.h"
#include "support/world.h"

typedef struct scene {
    world *world; /* with an injected clock; its sessions ask for the scope openid */
    ts_server *server;
    fake_store *store;
    char *access, *refresh, *record; /* of bob; record NULL: nobody is signed in */
    size_t saved;
} scene;

scene scene_begin(const ts_options *server, bool from_issuer);
scene scene_begin_signed_out(const ts_options *server, bool from_issuer);
void scene_end(scene *scene);

/* bob, or nobody, is signed in as before; nothing was saved; what was granted is revoked. */
void assert_nothing_happened(scene *scene);
/* A sentence for a person: nothing that a terminal obeys, no body. why: for who reads the failure. */
void assert_clear(const tacit_error *error, tacit_status status, const char *why);

/* ID tokens that no sign-in may take: members as in ts_options.id_token_members. */
typedef struct bad_id_token {
    const char *members, *why;
} bad_id_token;
enum { BAD_ID_TOKENS = 17, BAD_NONCES = 3 /* of them, at the end */ };
extern const bad_id_token bad_id_tokens[BAD_ID_TOKENS];

#endif
