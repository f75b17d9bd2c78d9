/* Threads that make requests of an app's API at once, each one after the other. */
#ifndef E2E_ASKERS_H
#define E2E_ASKERS_H

#include "e2e/backend_app.h"

typedef struct askers askers;

typedef struct askers_tally {
    long granted;  /* answers 200 */
    long required; /* told TACIT_ERR_SIGN_IN_REQUIRED: a thread's last request */
    long others;   /* something else, too */
    int other;     /* one of them: an HTTP status, or minus a tacit_status */
} askers_tally;

/* Each asks at least once, and again until this time (of now_ms()) or until it gets something else
 * than 200. */
askers *askers_start(backend_app *app, int threads, int64_t until_ms);
askers_tally askers_join(askers *askers);

#endif
