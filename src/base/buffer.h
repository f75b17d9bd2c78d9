/*
 * Bytes that grow. A failed append leaves the buffer as it was and is remembered in `failed`, so
 * that a row of appends needs one check at its end.
 */
#ifndef TI_BUFFER_H
#define TI_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ti_buffer {
    char *data; /* NUL-terminated where not NULL */
    size_t size, capacity;
    bool secret; /* growing and freeing wipe what was there */
    bool failed; /* an append found no memory */
} ti_buffer;

#define TI_BUFFER_INIT                                                                             \
    { .data = NULL }
#define TI_BUFFER_SECRET                                                                           \
    { .secret = true }

bool ti_buffer_reserve(ti_buffer *buffer, size_t more);
bool ti_buffer_append(ti_buffer *buffer, const void *bytes, size_t size);
bool ti_buffer_append_string(ti_buffer *buffer, const char *text);
/* name=value, both encoded as application/x-www-form-urlencoded, with & before it where something
 * precedes it. */
bool ti_buffer_append_form(ti_buffer *buffer, const char *name, const char *value,
                           size_t value_size);
bool ti_buffer_append_form_encoded(ti_buffer *buffer, const char *text, size_t size);
void ti_buffer_clear(
    ti_buffer *buffer); /* empties; keeps the memory (wiped where secret) and forgets `failed` */
void ti_buffer_free(ti_buffer *buffer); /* back to TI_BUFFER_INIT, `secret` kept */

#endif
