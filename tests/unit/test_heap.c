/* The heap against the plainest thing that does the same: an array that is searched. */
#include "support/unit.h"

#include "base/heap.h"

#include <stdlib.h>

enum { NODES = 200 };

typedef struct scene {
    ti_heap heap;
    ti_heap_node nodes[NODES];
} scene;

static int64_t earliest(const scene *s) {
    int64_t due = INT64_MAX;

    for (size_t i = 0; i < NODES; i++)
        if (s->nodes[i].place != 0 && s->nodes[i].due_boot_ms < due) due = s->nodes[i].due_boot_ms;
    return due;
}

static size_t inside(const scene *s) {
    size_t count = 0;

    for (size_t i = 0; i < NODES; i++) count += s->nodes[i].place != 0;
    return count;
}

static void the_first_is_always_the_earliest(void **state) {
    (void)state;
    scene s = {.heap = {.nodes = NULL}};

    assert_true(ti_heap_reserve(&s.heap, NODES));
    srand(1);
    for (int i = 0; i < 20000; i++) {
        ti_heap_node *node = &s.nodes[rand() % NODES];
        int64_t due = rand() % 50;

        if (node->place == 0)
            ti_heap_put(&s.heap, node, due);
        else if (rand() % 2 == 0)
            ti_heap_take(&s.heap, node);
        else
            ti_heap_move(&s.heap, node, due);
        assert_int_equal(ti_heap_due(&s.heap), earliest(&s));
        assert_int_equal(s.heap.count, inside(&s));
    }
    ti_heap_free(&s.heap);
}

static void what_is_taken_out_comes_in_order(void **state) {
    (void)state;
    scene s = {.heap = {.nodes = NULL}};
    int64_t before = -1;

    assert_true(ti_heap_reserve(&s.heap, NODES));
    for (size_t i = 0; i < NODES; i++) ti_heap_put(&s.heap, &s.nodes[i], (int64_t)(i * 7919 % 101));

    for (size_t i = 0; i < NODES; i++) {
        ti_heap_node *node = ti_heap_first(&s.heap);

        assert_true(node->due_boot_ms >= before);
        before = node->due_boot_ms;
        ti_heap_take(&s.heap, node);
    }

    assert_null(ti_heap_first(&s.heap));
    assert_int_equal(ti_heap_due(&s.heap), INT64_MAX);
    ti_heap_free(&s.heap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_is_always_the_earliest),
        cmocka_unit_test(what_is_taken_out_comes_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
