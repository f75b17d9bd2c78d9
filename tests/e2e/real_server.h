/* The authorization server of server.mjs, in a process of its own, for one test program. */
#ifndef E2E_REAL_SERVER_H
#define E2E_REAL_SERVER_H

#include "support/plain_client.h"

typedef struct real_server real_server;

/* These two are a cmocka group's setup and teardown: *state is the server. */
int real_server_start(void **state);
int real_server_stop(void **state);

const char *real_server_issuer(const real_server *server);
char *real_server_url(const real_server *server, const char *path); /* issuer + path; yours */
const char *real_server_directory(const real_server *server); /* for files; gone with the server */
char *real_server_script(const char *name); /* of a script beside server.mjs; yours */

/* How often whoever calls itself so asked for the path, or for anything where path is NULL. */
long real_server_requests(const real_server *server, const char *agent, const char *path);

/* As a plain client would, past the library. secret: "id:secret"; NULL for a public client. */
reply real_server_post(const real_server *server, const char *path, const char *secret,
                       const char *form);
/* Whether the server says that the token is good for something (RFC 7662). */
bool real_server_knows(const real_server *server, const char *token);
reply real_server_replay(const real_server *server, const char *refresh_token);

#endif
