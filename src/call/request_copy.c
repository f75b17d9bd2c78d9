#include "call/request_copy.h"

#include <tacit/client.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* The block, filled from its beginning. Without memory it only counts, so that the same walk through
 * the request tells first how large it is, and then fills it. */
typedef struct block {
    char *memory; /* NULL: count */
    size_t size;
} block;

static void *place(block *b, const void *bytes, size_t size, size_t alignment) {
    size_t at = (b->size + alignment - 1) / alignment * alignment;

    b->size = at + size;
    if (b->memory == NULL) return NULL;
    if (size > 0) memcpy(b->memory + at, bytes, size);
    return b->memory + at;
}

static const char *place_text(block *b, const char *text) {
    return text == NULL ? NULL : place(b, text, strlen(text) + 1, 1);
}

/* NULL stays NULL, and an empty body is one. */
static const void *place_bytes(block *b, const void *bytes, size_t size) {
    return bytes == NULL ? NULL : place(b, bytes, size, 1);
}

/* A list as long as the given one. */
static void *place_list(block *b, const void *list, size_t count) {
    return place(b, list, (count + 1) * sizeof(void *), _Alignof(void *));
}

static const char *const *place_headers(block *b, const char *const *lines) {
    const char **list;
    size_t count = 0;

    if (lines == NULL) return NULL;
    while (lines[count] != NULL) count++;
    list = place_list(b, lines, count);
    for (size_t i = 0; i < count; i++) {
        const char *line = place_text(b, lines[i]);

        if (list != NULL) list[i] = line;
    }
    return list;
}

static const tacit_part *place_part(block *b, const tacit_part *source) {
    tacit_part part, *placed;

    ti_struct_read(&part, sizeof part, source, "part", "TACIT_PART_INIT", NULL);
    part.struct_size = sizeof part;
    placed = place(b, &part, sizeof part, _Alignof(tacit_part));
    part.name = place_text(b, part.name);
    part.file_name = place_text(b, part.file_name);
    part.content_type = place_text(b, part.content_type);
    part.file = place_text(b, part.file);
    part.data = place_bytes(b, part.data, part.size);
    if (placed != NULL) *placed = part;
    return placed;
}

static const tacit_part *const *place_parts(block *b, const tacit_part *const *parts) {
    const tacit_part **list;
    size_t count = 0;

    if (parts == NULL) return NULL;
    while (parts[count] != NULL) count++;
    list = place_list(b, (const void *)parts, count);
    for (size_t i = 0; i < count; i++) {
        const tacit_part *part = place_part(b, parts[i]);

        if (list != NULL) list[i] = part;
    }
    return list;
}

static tacit_request *place_request(block *b, const tacit_request *source) {
    tacit_request request = *source;
    tacit_request *placed = place(b, source, sizeof *source, _Alignof(tacit_request));

    request.method = place_text(b, source->method);
    request.url = place_text(b, source->url);
    request.file = place_text(b, source->file);
    request.headers = place_headers(b, source->headers);
    request.parts = place_parts(b, source->parts);
    if (source->body_release == NULL) {
        request.body = place_bytes(b, source->body, source->body_size);
    }
    if (placed != NULL) *placed = request;
    return placed;
}

tacit_request *ti_request_copy(const tacit_request *checked) {
    block counted = {.memory = NULL}, filled = {.memory = NULL};

    place_request(&counted, checked);
    filled.memory = malloc(counted.size);
    return filled.memory == NULL ? NULL : place_request(&filled, checked);
}

void ti_request_copy_free(tacit_request *copy) {
    tacit_free(copy);
}
