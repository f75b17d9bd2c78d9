/* What tokens need of their client even after it is gone: the clock, the log from which they are masked, and whose they are. */
#ifndef TI_CONTEXT_H
#define TI_CONTEXT_H

#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "platform/os.h"

typedef struct ti_context {
    /* set at creation, then read-only */
    unsigned process; /* that made it */
    unsigned char boot_id[16];

    atomic_uint refs;
    atomic_uint_fast64_t token_ids; /* the last that was given out */
    ti_clock clock;
    ti_log log;
    /* The app's, once the client is made: nothing calls clock, log or post any more. */
    void (*release)(void *release_data);
    void *release_data;
} ti_context;

ti_context *ti_context_new(const tacit_client_options *options); /* NULL: no memory */
/* Made before a fork, by a parent: its lock may be held by a thread that is not here. */
static inline bool ti_context_forked(const ti_context *context) {
    return !ti_os_process_is(context->process);
}
ti_context *ti_context_ref(ti_context *context);
void ti_context_unref(ti_context *context);

#endif
