/*
 * Watches the memory that one source file asks for: counts, fails from the n-th request on, and
 * keeps what a block held when it was given back. A unit test includes this, then the .c file that
 * it tests, whose malloc(), realloc() and free() are then these. (No linker trick, so that it works
 * the same with every sanitizer and every linker.)
 */
#ifndef TEST_ALLOCATOR_H
#define TEST_ALLOCATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct {
    size_t made; /* requests that were granted */
    size_t left; /* so many more are granted; SIZE_MAX: all */
    const void *watched;
    size_t watched_size;
    bool gone;                     /* the watched block was given back ... */
    unsigned char last[64 * 1024]; /* ... and held this */
} allocator = {.left = SIZE_MAX};

static inline void allocator_reset(void) {
    memset(&allocator, 0, sizeof allocator);
    allocator.left = SIZE_MAX;
}

static inline void allocator_watch(const void *block, size_t size) {
    allocator.watched = block;
    allocator.watched_size = size;
    allocator.gone = false;
}

/* The watched block was given back, and nothing but zeros was in it. */
static inline bool allocator_saw_wiped(void) {
    for (size_t i = 0; i < allocator.watched_size; i++) {
        if (allocator.last[i] != 0) return false;
    }
    return allocator.gone;
}

static inline bool allocator_grants(void) {
    if (allocator.left == 0) return false;
    if (allocator.left != SIZE_MAX) allocator.left--;
    allocator.made++;
    return true;
}

static inline void allocator_look(const void *block) {
    if (!block || block != allocator.watched) return;
    memcpy(allocator.last, block, allocator.watched_size);
    allocator.watched = NULL;
    allocator.gone = true;
}

static inline void *allocator_malloc(size_t size) {
    return allocator_grants() ? malloc(size) : NULL;
}

static inline void *allocator_realloc(void *block, size_t size) {
    if (!allocator_grants()) return NULL;
    allocator_look(block);
    return realloc(block, size);
}

static inline void allocator_free(void *block) {
    allocator_look(block);
    free(block);
}

#define malloc(size) allocator_malloc(size)
#define realloc(block, size) allocator_realloc(block, size)
#define free(block) allocator_free(block)

#endif
