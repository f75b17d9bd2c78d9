/* One try to hand a batch to the server. */
#ifndef DEVICE_DELIVERY_H
#define DEVICE_DELIVERY_H

#include "batch.h"
#include "settings.h"

#include <tacit/tacit.h>

typedef enum fate {
    DELIVERED,
    REFUSED,  /* for good: the same readings would be refused again */
    NOT_SENT, /* surely */
    UNKNOWN   /* or it was answered that it has to come again */
} fate;

typedef struct delivery {
    fate fate;
    int retry_after_s; /* 0: the server did not say */
    char message[384]; /* unless it was delivered */
} delivery;

/* Waits for settings->timeout_ms at most. */
delivery delivery_try(tacit_session *session, const settings *s, const batch *b, int64_t ahead_ms);

#endif
