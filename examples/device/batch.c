#include "batch.h"

#include <string.h>

void put_u32(unsigned char *bytes, uint32_t value) {
    for (int i = 0; i < 4; i++) bytes[i] = (unsigned char)(value >> 8 * i);
}

void put_i64(unsigned char *bytes, int64_t value) {
    put_u32(bytes, (uint32_t)(uint64_t)value);
    put_u32(bytes + 4, (uint32_t)((uint64_t)value >> 32));
}

uint32_t get_u32(const unsigned char *bytes) {
    uint32_t value = 0;

    for (int i = 3; i >= 0; i--) value = value << 8 | bytes[i];
    return value;
}

int64_t get_i64(const unsigned char *bytes) {
    return (int64_t)((uint64_t)get_u32(bytes + 4) << 32 | get_u32(bytes));
}

size_t batch_encode(const batch *b, unsigned char bytes[BATCH_BYTES_MAX]) {
    unsigned char *at = bytes + BATCH_HEAD_BYTES;

    memcpy(bytes, b->boot.bytes, 16);
    put_i64(bytes + 16, b->run_boot_ms);
    put_u32(bytes + 24, b->number);
    put_u32(bytes + 28, b->dropped);
    put_i64(bytes + 32, b->ahead_ms);
    put_u32(bytes + 40, b->count);
    for (uint32_t i = 0; i < b->count; i++, at += BATCH_READING_BYTES) {
        put_u32(at, b->readings[i].seq);
        put_u32(at + 4, (uint32_t)b->readings[i].value);
        put_i64(at + 8, b->readings[i].at_boot_ms);
    }
    return (size_t)(at - bytes);
}

bool batch_decode(batch *b, const unsigned char *bytes, size_t size) {
    const unsigned char *at = bytes + BATCH_HEAD_BYTES;

    if (size < BATCH_HEAD_BYTES) return false;
    memcpy(b->boot.bytes, bytes, 16);
    b->run_boot_ms = get_i64(bytes + 16);
    b->number = get_u32(bytes + 24);
    b->dropped = get_u32(bytes + 28);
    b->ahead_ms = get_i64(bytes + 32);
    b->count = get_u32(bytes + 40);
    if (b->count > BATCH_READINGS_MAX) return false;
    if (size != BATCH_HEAD_BYTES + (size_t)b->count * BATCH_READING_BYTES) return false;
    for (uint32_t i = 0; i < b->count; i++, at += BATCH_READING_BYTES) {
        b->readings[i].seq = get_u32(at);
        b->readings[i].value = (int32_t)get_u32(at + 4);
        b->readings[i].at_boot_ms = get_i64(at + 8);
    }
    return true;
}
