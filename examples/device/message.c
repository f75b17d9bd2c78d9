#include "message.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

static void boot_text(const boot_id *boot, char text[33]) {
    for (int i = 0; i < 16; i++) snprintf(text + 2 * i, 3, "%02x", boot->bytes[i]);
}

void message_key(const batch *b, char key[MESSAGE_KEY_BYTES]) {
    char boot[33];

    boot_text(&b->boot, boot);
    snprintf(key, MESSAGE_KEY_BYTES, "%s-%" PRId64 "-%" PRIu32, boot, b->run_boot_ms, b->number);
}

static json_t *reading_json(const reading *r, int64_t ahead_ms) {
    json_t *value = r->value == READING_NONE ? json_null() : json_integer(r->value);
    json_t *date = ahead_ms == CLOCK_UNKNOWN ? json_null() : json_integer(ahead_ms + r->at_boot_ms);

    return json_pack("{s:I,s:I,s:o,s:o}", "seq", (json_int_t)r->seq, "boot_ms",
                     (json_int_t)r->at_boot_ms, "unix_ms", date, "value", value);
}

char *message_text(const char *device, const batch *b, int64_t ahead_ms) {
    json_t *readings = json_array(), *message;
    char boot[33], *text;
    bool ok = readings != NULL;

    for (uint32_t i = 0; i < b->count && ok; i++)
        ok = json_array_append_new(readings, reading_json(&b->readings[i], ahead_ms)) == 0;
    boot_text(&b->boot, boot);
    message = json_pack("{s:s,s:s,s:I,s:I,s:o}", "device", device, "boot", boot, "run",
                        (json_int_t)b->run_boot_ms, "dropped", (json_int_t)b->dropped, "readings",
                        readings);
    text = ok && message != NULL ? json_dumps(message, JSON_COMPACT) : NULL;
    json_decref(message);
    return text;
}
