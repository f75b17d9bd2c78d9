/* Who waits for a sign-in or a sign-out. NULL stands for an app's own thread; an asynchronous call has one of these, and with it a thread
 * of the library that may wait. */
#ifndef TI_CALLER_H
#define TI_CALLER_H

#include <stdbool.h>

typedef struct ti_caller {
    bool cancelled; /* guarded by the identity's lock; set by ti_job_cancel_caller() */
} ti_caller;

#endif
