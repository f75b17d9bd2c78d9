/* What is due first: a binary heap of nodes that lie inside what they belong to. Not thread-safe. */
#ifndef TI_HEAP_H
#define TI_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ti_heap_node {
    int64_t due_boot_ms;
    size_t place; /* from 1; 0: it is in no heap */
} ti_heap_node;

/* All zero is empty. */
typedef struct ti_heap {
    ti_heap_node **nodes; /* from 1; nodes[1] is due first */
    size_t count, capacity;
} ti_heap;

/* Room for so many nodes in all, so that putting them in cannot fail. false: no memory. */
bool ti_heap_reserve(ti_heap *heap, size_t count);
void ti_heap_free(ti_heap *heap);

/* NULL: it is empty. */
ti_heap_node *ti_heap_first(const ti_heap *heap);
/* TI_NEVER (INT64_MAX): it is empty. */
int64_t ti_heap_due(const ti_heap *heap);

/* There is room for it. */
void ti_heap_put(ti_heap *heap, ti_heap_node *node, int64_t due_boot_ms);
void ti_heap_take(ti_heap *heap, ti_heap_node *node);
/* Of one that is in it. */
void ti_heap_move(ti_heap *heap, ti_heap_node *node, int64_t due_boot_ms);

#endif
