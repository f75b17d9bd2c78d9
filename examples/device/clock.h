/* Two clocks: one that counts from boot and is never set, one that says what time it is, and may be in 1970. */
#ifndef DEVICE_CLOCK_H
#define DEVICE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* How far the wall clock is ahead of the boot clock, where nobody knows. */
#define CLOCK_UNKNOWN INT64_MIN

typedef struct boot_id {
    unsigned char bytes[16];
} boot_id;

/* Milliseconds since boot, the time in suspend included. */
int64_t clock_boot_ms(void);
/* Unix time of the moment when the boot clock was 0, as the wall clock has it now. */
int64_t clock_ahead_ms(void);
/* The same, CLOCK_UNKNOWN while the wall clock is before this program was written. */
int64_t clock_right_ahead_ms(void);
/* The kernel's name of this boot, the same for all processes; random where it has none. */
bool clock_boot_id(boot_id *id);

#endif
