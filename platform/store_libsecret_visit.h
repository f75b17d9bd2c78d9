/* A visit to the Secret Service: one session, for one call of a store. */
#ifndef TI_STORE_LIBSECRET_VISIT_H
#define TI_STORE_LIBSECRET_VISIT_H

#include <tacit/store.h>

#include "platform/store_keyring.h"
#include "platform/store_libsecret_library.h"

typedef struct ti_libsecret_visit {
    SecretService *service;
    GDBusConnection *connection;
    GMainContext *context; /* takes the signals that nobody reads */
    ti_keyring_presence
        missing; /* where begin failed: what is not there; PRESENT: it fails only now */
} ti_libsecret_visit;

/* Whether a process from which this one was forked has made a visit: then this one can make none. */
bool ti_libsecret_forked(void);

/* Waits for other visits of the process to end. To be ended whatever it answers.
 * TACIT_ERR_STORE_UNAVAILABLE: no bus, no service on it, or ti_libsecret_forked(). */
tacit_status ti_libsecret_visit_begin(ti_libsecret_visit *visit);
void ti_libsecret_visit_end(ti_libsecret_visit *visit);

/* What a store answers to an error of libsecret (NULL is one without a reason). Frees it. */
tacit_status ti_libsecret_status(GError *error);

#endif
