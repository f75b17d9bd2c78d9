/* What the programs of this directory share: a signed-in app that has one thread, on which its loop
 * runs and everything of tacit's arrives. */
#ifndef APP_H
#define APP_H

#include <tacit/tacit.h>

/* Arguments: ISSUER CLIENT_ID ORIGIN PATH. post hands a job to the loop, quit makes the loop end, both
 * with data; post is called on any thread, quit on this one. false: it cannot start, and has said why. */
bool app_begin(int argc, char **argv, tacit_post_fn post, void (*quit)(void *data), void *data);

/* When the loop has ended. This waits for the network and the store, never for the loop; but jobs may
 * have been posted meanwhile: run them, they are the last words of the calls that were under way.
 * false: something hangs, and may still post; what post needs must be there as long as the process. */
bool app_shut_down(void);

/* Then. The program's exit code. */
int app_end(void);

#endif
