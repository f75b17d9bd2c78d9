#include "call/parts.h"

#include <stdlib.h>

#include "base/error.h"

static bool read_part(tacit_part *part, const tacit_part *source, tacit_error *error) {
    return ti_struct_read(part, sizeof *part, source, "a part of request->parts", "TACIT_PART_INIT",
                          error);
}

/* libcurl escapes quotes; what ends a line it would let through (RFC 7578 section 4.2). */
static bool is_one_line(const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7f) return false;
    }
    return true;
}

static const char *wrong_text(const tacit_part *part) {
    if (part->name == NULL || part->name[0] == '\0') return "has no name";
    if (!is_one_line(part->name)) return "has a control character in its name";
    if (part->file_name != NULL && !is_one_line(part->file_name)) {
        return "has a control character in its file_name";
    }
    if (part->content_type == NULL) return NULL;
    if (part->content_type[0] == '\0') return "has an empty content_type";
    return is_one_line(part->content_type) ? NULL : "has a control character in its content_type";
}

static const char *wrong_content(const tacit_part *part) {
    int sources = (part->data != NULL) + (part->file != NULL) + (part->read != NULL);

    if (sources == 0) return "has neither data nor file nor read";
    if (sources > 1) return "has more than one of data, file and read";
    if (part->data == NULL && part->size > 0) return "has a size, but no data";
    return part->file != NULL && part->file[0] == '\0' ? "has an empty file" : NULL;
}

static tacit_status check_part(const tacit_part *source, size_t number, tacit_error *error) {
    tacit_part part;
    const char *wrong;

    if (!read_part(&part, source, error)) return TACIT_ERR_INVALID_ARGUMENT;
    wrong = wrong_text(&part);
    if (wrong == NULL) wrong = wrong_content(&part);
    if (wrong == NULL) return TACIT_OK;
    return ti_error_set(error, TACIT_ERR_INVALID_ARGUMENT, "request->parts[%zu] %s", number, wrong);
}

tacit_status ti_parts_check(const tacit_part *const *parts, tacit_error *error) {
    for (size_t i = 0; parts != NULL && parts[i] != NULL; i++) {
        tacit_status status = check_part(parts[i], i, error);

        if (status != TACIT_OK) return status;
    }
    return TACIT_OK;
}

bool ti_parts_streamed(const tacit_part *const *parts) {
    for (; parts != NULL && *parts != NULL; parts++) {
        tacit_part part;

        if (read_part(&part, *parts, NULL) && part.read != NULL) return true;
    }
    return false;
}

bool ti_parts_rewindable(const tacit_part *const *parts) {
    for (; parts != NULL && *parts != NULL; parts++) {
        tacit_part part;

        if (read_part(&part, *parts, NULL) && part.read != NULL && part.rewind == NULL) {
            return false;
        }
    }
    return true;
}

/* ------------------------------------------------------------------ while they are sent */

typedef struct item {
    tacit_part part; /* as it is sent: its callbacks are those below */
    tacit_read_fn read;
    tacit_rewind_fn rewind;
    void *data;
    bool begun;
    bool *any_begun;
} item;

struct ti_parts {
    const tacit_part **list; /* behind the items */
    size_t count;
    item items[];
};

static size_t read_item(char *buffer, size_t capacity, void *data) {
    item *one = data;

    one->begun = *one->any_begun = true;
    return one->read(buffer, capacity, one->data);
}

static bool rewind_item(void *data) {
    item *one = data;

    if (!one->begun) return true;
    if (one->rewind == NULL || !one->rewind(one->data)) return false;
    one->begun = false;
    return true;
}

static void fill(item *one, const tacit_part *source) {
    *one = (item){.begun = false};
    read_part(&one->part, source, NULL);
    if (one->part.read == NULL) return;
    one->read = one->part.read;
    one->rewind = one->part.rewind;
    one->data = one->part.read_data;
    one->part.read = read_item;
    one->part.rewind = rewind_item;
    one->part.read_data = one;
}

ti_parts *ti_parts_new(const tacit_part *const *parts, bool *begun) {
    size_t count = 0;
    ti_parts *made;

    while (parts[count] != NULL) count++;
    made = malloc(sizeof *made + count * sizeof(item) + (count + 1) * sizeof *made->list);
    if (made == NULL) return NULL;
    made->count = count;
    made->list = (const tacit_part **)(void *)(made->items + count);
    for (size_t i = 0; i < count; i++) {
        fill(&made->items[i], parts[i]);
        made->items[i].any_begun = begun;
        made->list[i] = &made->items[i].part;
    }
    made->list[count] = NULL;
    return made;
}

void ti_parts_free(ti_parts *parts) {
    free(parts);
}

const tacit_part *const *ti_parts_list(const ti_parts *parts) {
    return parts->list;
}

bool ti_parts_rewind(ti_parts *parts) {
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->items[i].read != NULL && !rewind_item(&parts->items[i])) return false;
    }
    return true;
}
