#include "frame.h"

#include <unistd.h>

/* "TSP1"; then the size of the batch, the checksum of all that follows it, first_segment, the batch. */
#define MAGIC UINT32_C(0x31505354)

enum { SIZE_AT = 4, CHECKSUM_AT = 8, CHECKED_FROM = 12 };

/* CRC-32 (ISO-HDLC): any burst of up to 32 bits is seen. Bit by bit, since a second has 1 KB at most. */
static uint32_t checksum(const unsigned char *bytes, size_t size, uint32_t seed) {
    uint32_t crc = ~seed;

    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (UINT32_C(0xEDB88320) & -(crc & 1));
    }
    return ~crc;
}

/* The size is checked too: it stands before what is summed. */
static uint32_t sum_of(const unsigned char *frame, size_t size) {
    return checksum(frame + CHECKED_FROM, FRAME_HEAD_BYTES - CHECKED_FROM + size, (uint32_t)size);
}

size_t frame_encode(const frame *f, unsigned char bytes[FRAME_BYTES_MAX]) {
    size_t size = batch_encode(&f->batch, bytes + FRAME_HEAD_BYTES);

    put_u32(bytes, MAGIC);
    put_u32(bytes + SIZE_AT, (uint32_t)size);
    put_u32(bytes + CHECKED_FROM, f->first_segment);
    put_u32(bytes + CHECKSUM_AT, sum_of(bytes, size));
    return FRAME_HEAD_BYTES + size;
}

size_t frame_read(frame *f, int file, off_t at) {
    unsigned char bytes[FRAME_BYTES_MAX];
    ssize_t there = pread(file, bytes, sizeof bytes, at);
    size_t size;

    if (there < FRAME_HEAD_BYTES || get_u32(bytes) != MAGIC) return 0;
    size = get_u32(bytes + SIZE_AT);
    if (size > (size_t)there - FRAME_HEAD_BYTES) return 0;
    if (get_u32(bytes + CHECKSUM_AT) != sum_of(bytes, size)) return 0;
    f->first_segment = get_u32(bytes + CHECKED_FROM);
    return batch_decode(&f->batch, bytes + FRAME_HEAD_BYTES, size) ? FRAME_HEAD_BYTES + size : 0;
}
