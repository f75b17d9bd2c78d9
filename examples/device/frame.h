/* How a batch lies in a file: behind its length and a checksum, so that a frame is whole or not there. */
#ifndef DEVICE_FRAME_H
#define DEVICE_FRAME_H

#include "batch.h"

#include <sys/types.h>

typedef struct frame {
    uint32_t first_segment; /* older segments had been given up when this was written */
    batch batch;
} frame;

enum { FRAME_HEAD_BYTES = 16 };
#define FRAME_BYTES_MAX (FRAME_HEAD_BYTES + BATCH_BYTES_MAX)

size_t frame_encode(const frame *f, unsigned char bytes[FRAME_BYTES_MAX]);
/* The frame at this place of the file; how many bytes it takes there. 0: there is none that is whole. */
size_t frame_read(frame *f, int file, off_t at);

#endif
