/* A batch as the server gets it. */
#ifndef DEVICE_MESSAGE_H
#define DEVICE_MESSAGE_H

#include "batch.h"

enum { MESSAGE_KEY_BYTES = 80 };

/* Names the batch for ever, in every life of the process: the value of Idempotency-Key. */
void message_key(const batch *b, char key[MESSAGE_KEY_BYTES]);
/* JSON; yours to free(). ahead_ms: CLOCK_UNKNOWN leaves the readings without a date. NULL: no memory. */
char *message_text(const char *device, const batch *b, int64_t ahead_ms);

#endif
