/* What tokens need of their client even after it is gone: the clock, and the log from which they are masked. */
#ifndef TI_CONTEXT_H
#define TI_CONTEXT_H

#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"

typedef struct ti_context {
    atomic_uint refs;
    atomic_uint_fast64_t token_ids; /* the last that was given out */
    ti_clock clock;
    ti_log log;
} ti_context;

ti_context *ti_context_new(const tacit_client_options *options); /* NULL: no memory */
ti_context *ti_context_ref(ti_context *context);
void ti_context_unref(ti_context *context);

#endif
