/* The first line is a pointer, the rest a document. */
#include "oauth/json_pointer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oauth/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

static bool is_in(json_t *value, const json_t *wanted) {
    size_t index;
    const char *name;
    json_t *member;
    if (value == wanted) return true;
    json_array_foreach(value, index, member) {
        if (is_in(member, wanted)) return true;
    }
    json_object_foreach(value, name, member) {
        if (is_in(member, wanted)) return true;
    }
    return false;
}

static void check(json_t *root, const char *pointer) {
    json_t *found = ti_json_pointer_find(root, pointer);
    json_t *holder = ti_json_pointer_holder(root, pointer);
    require(!found || is_in(root, found));
    require(!holder || is_in(root, holder));
    if (!ti_json_pointer_is_valid(pointer)) require(!found && !holder);
    if (found && found != root) require(holder && is_in(holder, found));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
    if (!newline) return 0;
    size_t pointer_size = (size_t)(newline - data);
    char *pointer = strndup((const char *)data, pointer_size);
    json_t *root;
    ti_json_result result = ti_json_load((const char *)newline + 1, size - pointer_size - 1,
                                         JSON_DECODE_ANY, &root, NULL);
    if (pointer && result == TI_JSON_OK) check(root, pointer);
    ti_json_wipe_and_free(root);
    free(pointer);
    return 0;
}
