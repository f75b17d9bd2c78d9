#include "session/record_terms.h"

#include "base/strings.h"
#include "oauth/json.h"
#include "session/record_use.h"

#include <stddef.h>
#include <stdlib.h>

static const struct {
    const char *name;
    size_t offset;
} times[] = {
    {"refresh_expires_unix_ms", offsetof(ti_record_terms, refresh_expires_wall_ms)},
    {"refresh_lifetime_ms", offsetof(ti_record_terms, refresh_lifetime_ms)},
};
enum { TIMES = sizeof times / sizeof times[0] };

static const char fingerprint_name[] = "fingerprint";

static int64_t *time_of(const ti_record_terms *terms, size_t i) {
    return (int64_t *)((char *)terms + times[i].offset);
}

void ti_record_terms_free(ti_record_terms *terms) {
    if (terms == NULL) return;
    ti_strings_free(terms->fingerprint);
    free(terms);
}

/* ------------------------------------------------------------------ lines */

/* A header line has any bytes, and JSON has characters: each byte is the character of its number, as in ISO 8859-1. */
static json_t *line_to_json(const char *line) {
    ti_buffer text = TI_BUFFER_SECRET;
    json_t *made = NULL;

    ti_buffer_reserve(&text, 1); /* an empty one is text, too */
    for (; *line != '\0'; line++) {
        unsigned char c = (unsigned char)*line;
        char two[] = {(char)(0xC0 | c >> 6), (char)(0x80 | (c & 0x3F))};

        if (c < 0x80)
            ti_buffer_append(&text, line, 1);
        else
            ti_buffer_append(&text, two, sizeof two);
    }
    if (!text.failed) made = json_stringn(text.data, text.size);
    ti_buffer_free(&text);
    return made;
}

/* One byte of a line, off the text. false: there is none of that number, or it would end the line (R11: whoever wrote the record). What
 * else apps put into headers is read as it was written. */
static bool next_byte(const char **text, unsigned char *byte) {
    unsigned char c = (unsigned char)**text;

    if (c >= 0x80) {
        if (c != 0xC2 && c != 0xC3) return false;
        c = (unsigned char)((c & 3) << 6 | (*++*text & 0x3F)); /* jansson takes UTF-8 only */
    }
    ++*text;
    *byte = c;
    return c != '\r' && c != '\n' && c != '\0';
}

/* "Name: value" or "Name:", with a name that is visible. */
static bool is_line(const char *line) {
    size_t name = 0;

    while (line[name] > ' ' && line[name] <= '~' && line[name] != ':') name++;
    return name > 0 && line[name] == ':';
}

static ti_record_reading read_line(const json_t *item, char **line) {
    size_t size = json_string_length(item), at = 0;
    const char *text = json_string_value(item);
    unsigned char byte;

    if (text == NULL) return TI_RECORD_FOREIGN;
    *line = malloc(size + 1);
    if (*line == NULL) return TI_RECORD_NO_MEMORY;
    (*line)[0] = '\0';
    for (const char *end = text + size; text < end;) {
        if (!next_byte(&text, &byte)) return TI_RECORD_FOREIGN;
        (*line)[at++] = (char)byte;
        (*line)[at] = '\0';
    }
    return is_line(*line) ? TI_RECORD_READ : TI_RECORD_FOREIGN;
}

static ti_record_reading read_lines(const json_t *list, ti_record_terms *terms) {
    size_t count = json_array_size(list);
    ti_record_reading result = TI_RECORD_READ;

    if (!json_is_array(list)) return TI_RECORD_FOREIGN;
    terms->fingerprint = calloc(count + 1, sizeof *terms->fingerprint);
    if (terms->fingerprint == NULL) return TI_RECORD_NO_MEMORY;
    for (size_t i = 0; i < count && result == TI_RECORD_READ; i++)
        result = read_line(json_array_get(list, i), &terms->fingerprint[i]);
    return result;
}

static bool put_lines(json_t *root, char *const *lines) {
    json_t *list = json_array();

    if (json_object_set_new(root, fingerprint_name, list) != 0) return false;
    for (; *lines != NULL; lines++)
        if (json_array_append_new(list, line_to_json(*lines)) != 0) return false;
    return true;
}

/* ------------------------------------------------------------------ all of it */

bool ti_record_terms_put(json_t *root, const ti_record_terms *terms) {
    if (terms == NULL) return true;
    for (size_t i = 0; i < TIMES; i++) {
        int64_t value = *time_of(terms, i);

        if (value >= 0 && json_object_set_new(root, times[i].name, json_integer(value)) != 0)
            return false;
    }
    if (!ti_record_use_put(root, &terms->use)) return false;
    return terms->fingerprint == NULL || put_lines(root, terms->fingerprint);
}

static bool says_something(const json_t *root) {
    for (size_t i = 0; i < TIMES; i++)
        if (json_object_get(root, times[i].name) != NULL) return true;
    return ti_record_has_use(root) || json_object_get(root, fingerprint_name) != NULL;
}

ti_record_reading ti_record_terms_get(const json_t *root, ti_record_terms **terms) {
    const json_t *lines = json_object_get(root, fingerprint_name);
    ti_record_reading result;

    *terms = NULL;
    if (!says_something(root)) return TI_RECORD_READ;
    *terms = calloc(1, sizeof **terms);
    if (*terms == NULL) return TI_RECORD_NO_MEMORY;
    for (size_t i = 0; i < TIMES; i++) {
        int64_t *value = time_of(*terms, i);

        *value = -1;
        if (json_object_get(root, times[i].name) != NULL &&
            !ti_record_get_integer(root, times[i].name, 0, value))
            return TI_RECORD_FOREIGN;
    }
    result = ti_record_use_get(root, &(*terms)->use);
    return lines == NULL || result != TI_RECORD_READ ? result : read_lines(lines, *terms);
}
