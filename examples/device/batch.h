/* Readings that travel together. Once a batch may have been sent it never changes: its key stands for exactly these readings. */
#ifndef DEVICE_BATCH_H
#define DEVICE_BATCH_H

#include "clock.h"

#include <stddef.h>

#define READING_NONE INT32_MIN /* the sensor did not answer */

enum { BATCH_READINGS_MAX = 60 };

typedef struct reading {
    uint32_t seq; /* 0, 1, 2 ... in each run: a gap is a loss */
    int32_t value;
    int64_t at_boot_ms;
} reading;

typedef struct batch {
    boot_id boot;
    int64_t run_boot_ms; /* when the process began, which tells runs of one boot apart */
    uint32_t number;     /* 0, 1, 2 ... in each run */
    uint32_t dropped;    /* readings that were lost before these, for want of room */
    int64_t ahead_ms;    /* of the wall clock when it was made; CLOCK_UNKNOWN */
    uint32_t count;
    reading readings[BATCH_READINGS_MAX];
} batch;

/* In bytes that are the same on every processor. */
enum { BATCH_HEAD_BYTES = 44, BATCH_READING_BYTES = 16 };
#define BATCH_BYTES_MAX (BATCH_HEAD_BYTES + BATCH_READINGS_MAX * BATCH_READING_BYTES)

size_t batch_encode(const batch *b, unsigned char bytes[BATCH_BYTES_MAX]);
/* false: these bytes are no batch. */
bool batch_decode(batch *b, const unsigned char *bytes, size_t size);

/* Numbers of 32 and 64 bits, the lowest byte first. */
void put_u32(unsigned char *bytes, uint32_t value);
void put_i64(unsigned char *bytes, int64_t value);
uint32_t get_u32(const unsigned char *bytes);
int64_t get_i64(const unsigned char *bytes);

#endif
