#include "base/heap.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 16 };

bool ti_heap_reserve(ti_heap *heap, size_t count) {
    size_t capacity = heap->capacity == 0 ? FIRST_CAPACITY : heap->capacity;
    ti_heap_node **nodes;

    while (capacity <= count) capacity *= 2; /* nodes[0] is not used */
    if (capacity == heap->capacity) return true;
    nodes = realloc(heap->nodes, capacity * sizeof *nodes);
    if (nodes == NULL) return false;
    heap->nodes = nodes;
    heap->capacity = capacity;
    return true;
}

void ti_heap_free(ti_heap *heap) {
    free(heap->nodes);
    *heap = (ti_heap){.nodes = NULL};
}

ti_heap_node *ti_heap_first(const ti_heap *heap) {
    return heap->count == 0 ? NULL : heap->nodes[1];
}

int64_t ti_heap_due(const ti_heap *heap) {
    return heap->count == 0 ? INT64_MAX : heap->nodes[1]->due_boot_ms;
}

static void place(ti_heap *heap, size_t at, ti_heap_node *node) {
    heap->nodes[at] = node;
    node->place = at;
}

static void move_up(ti_heap *heap, ti_heap_node *node, size_t at) {
    while (at > 1 && heap->nodes[at / 2]->due_boot_ms > node->due_boot_ms) {
        place(heap, at, heap->nodes[at / 2]);
        at /= 2;
    }
    place(heap, at, node);
}

static void move_down(ti_heap *heap, ti_heap_node *node, size_t at) {
    for (;;) {
        size_t child = 2 * at;

        if (child > heap->count) break;
        if (child < heap->count &&
            heap->nodes[child + 1]->due_boot_ms < heap->nodes[child]->due_boot_ms)
            child++;
        if (heap->nodes[child]->due_boot_ms >= node->due_boot_ms) break;
        place(heap, at, heap->nodes[child]);
        at = child;
    }
    place(heap, at, node);
}

/* Where the node belongs that stands, or is to stand, at `at`. */
static void settle(ti_heap *heap, ti_heap_node *node, size_t at) {
    if (at > 1 && heap->nodes[at / 2]->due_boot_ms > node->due_boot_ms)
        move_up(heap, node, at);
    else
        move_down(heap, node, at);
}

void ti_heap_put(ti_heap *heap, ti_heap_node *node, int64_t due_boot_ms) {
    node->due_boot_ms = due_boot_ms;
    heap->count++;
    move_up(heap, node, heap->count);
}

void ti_heap_take(ti_heap *heap, ti_heap_node *node) {
    size_t at = node->place;
    ti_heap_node *last = heap->nodes[heap->count];

    node->place = 0;
    heap->count--;
    if (node != last) settle(heap, last, at);
}

void ti_heap_move(ti_heap *heap, ti_heap_node *node, int64_t due_boot_ms) {
    node->due_boot_ms = due_boot_ms;
    settle(heap, node, node->place);
}
