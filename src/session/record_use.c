#include "session/record_use.h"

#include "oauth/json.h"

#include <stddef.h>

static const char member[] = "use", unproven[] = "unproven";

static const struct {
    const char *name;
    size_t offset;
} times[] = {
    {"age_ms", offsetof(ti_kept_use, age_ms)},
    {"idle_ms", offsetof(ti_kept_use, idle_ms)},
    {"unix_ms", offsetof(ti_kept_use, at.wall_ms)},
    {"boot_ms", offsetof(ti_kept_use, at.boot_ms)},
};
enum { TIMES = sizeof times / sizeof times[0] };

static int64_t *time_of(const ti_kept_use *use, size_t i) {
    return (int64_t *)((char *)use + times[i].offset);
}

static json_t *to_json(const ti_kept_use *use) {
    char id[TI_RECORD_HEX_SIZE];
    json_t *object = json_object();

    ti_record_to_hex(use->at.boot_id, id);
    for (size_t i = 0; i < TIMES; i++)
        if (json_object_set_new(object, times[i].name, json_integer(*time_of(use, i))) != 0)
            goto failed;
    if (json_object_set_new(object, "boot_id", json_string(id)) != 0) goto failed;
    if (use->unproven && json_object_set_new(object, unproven, json_true()) != 0) goto failed;
    return object;
failed:
    json_decref(object);
    return NULL;
}

bool ti_record_use_put(json_t *root, const ti_kept_use *use) {
    return !use->known || json_object_set_new(root, member, to_json(use)) == 0;
}

bool ti_record_has_use(const json_t *root) {
    return json_object_get(root, member) != NULL;
}

ti_record_reading ti_record_use_get(const json_t *root, ti_kept_use *use) {
    const json_t *object = json_object_get(root, member);
    const json_t *flag = json_object_get(object, unproven);

    *use = (ti_kept_use){.known = object != NULL, .unproven = json_is_true(flag)};
    if (object == NULL) return TI_RECORD_READ;
    for (size_t i = 0; i < TIMES; i++)
        if (!ti_record_get_integer(object, times[i].name, 0, time_of(use, i)))
            return TI_RECORD_FOREIGN;
    if (!ti_record_from_hex(ti_json_string(object, "boot_id"), use->at.boot_id))
        return TI_RECORD_FOREIGN;
    return flag == NULL || json_is_boolean(flag) ? TI_RECORD_READ : TI_RECORD_FOREIGN;
}
