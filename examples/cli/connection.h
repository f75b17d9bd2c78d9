/* A profile's session, open, with what it stands on. One in a process. */
#ifndef CLI_CONNECTION_H
#define CLI_CONNECTION_H

#include <tacit/tacit.h>

#include "options.h"
#include "profile.h"

typedef struct connection {
    const profile *profile;
    tacit_store *store;
    tacit_client *client;
    tacit_session *session;
} connection;

/* further_origins may be NULL. A signal ends what goes on from now on. Whatever it answers,
 * connection_close() it. It complains for itself. */
exit_code connection_open(connection *connection, const profile *profile,
                          const text_list *further_origins);
/* Opens, and reads the store; the same about it. */
exit_code connection_begin(connection *connection, const profile *profile,
                           const text_list *further_origins);
/* Waits for what a refresh under way brings, so that it is saved. EXIT_STORE: it was not, and the
 * user was told; else code. */
exit_code connection_close(connection *connection, exit_code code);

/* Whether the store is in trouble, so that what is new may be in memory only. */
bool connection_store_failed(tacit_error *error);

#endif
