/* When to try again. */
#ifndef DEVICE_BACKOFF_H
#define DEVICE_BACKOFF_H

#include <stdint.h>

typedef struct backoff {
    unsigned failures; /* in a row */
    int64_t until_boot_ms;
    uint64_t chance; /* so that a fleet does not come in step: anything that differs */
} backoff;

/* After min(60 s, 2^n s), of which a random half; not before retry_after_s, if the server said so (1 h at most). */
void backoff_failed(backoff *b, int64_t now_boot_ms, int retry_after_s);
/* It went well, or something has changed: at once. */
void backoff_end(backoff *b);

#endif
