/* A profile's session, open, with what it stands on. One in a process. */
#ifndef CLI_CONNECTION_H
#define CLI_CONNECTION_H

#include <tacit/tacit.h>

#include "options.h"
#include "profile.h"

typedef struct connection {
    const profile *profile;
    tacit_store *store, *previous;
    tacit_client *client;
    tacit_session *session;
} connection;

/* Whether --store takes it, and what to say where it does not. */
bool connection_knows_store(const char *choice);
#define NO_SUCH_STORE                                                                              \
    "The store is none of \"default\", \"keyring\", \"kernel\" and \"file:DIRECTORY,KEYFILE\"."

/* further_origins may be NULL. A signal ends what goes on from now on. Whatever it answers,
 * connection_close() it. It complains for itself. */
exit_code connection_open(connection *connection, const profile *profile,
                          const text_list *further_origins);
/* The same, and what the sign-in `from` keeps in another store moves here. */
exit_code connection_open_from(connection *connection, const profile *profile,
                               const struct profile *from);
/* Reads the store; the same about it. */
exit_code connection_load(connection *connection);
/* Waits for what a refresh under way brings, so that it is saved. EXIT_STORE: it was not, and the
 * user was told; else code. */
exit_code connection_close(connection *connection, exit_code code);

/* All of a command on the sign-in of that name: opens, has it used, closes. */
typedef exit_code (*connection_use_fn)(connection *connection, const void *options);
exit_code connection_use(const char *name, const text_list *further_origins, connection_use_fn use,
                         const void *options);

/* Whether the store is in trouble, so that what is new may be in memory only. */
bool connection_store_failed(tacit_error *error);

#endif
