/* Whether a sign-in of a realistic size survives its process, shown with a session. */
#ifndef CLI_ROUND_TRIP_H
#define CLI_ROUND_TRIP_H

#include <stdbool.h>

#include <tacit/tacit.h>

#define ROUND_TRIP_BYTES 4096 /* of tokens */

/* Opens the same store each time. NULL: error says why. */
typedef tacit_store *(*round_trip_store)(void *data, tacit_error *error);

/* Signs in with tokens of its own, opens the session again in another client, compares, and signs
 * out. state_dir: an empty directory. false: error says what was wrong. */
bool round_trip(const char *state_dir, round_trip_store store, void *data, tacit_error *error);

/* Opens a session with the store and loads it; nothing is saved. */
bool round_trip_load(const char *state_dir, tacit_store *store, tacit_error *error);

#endif
