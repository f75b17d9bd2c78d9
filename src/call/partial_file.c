#include "call/partial_file.h"

#include "platform/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART ".part"
#define ETAG ".part.etag"
enum { HASH_DIGITS = 16, ETAG_BYTES = TI_VALIDATOR_SIZE + HASH_DIGITS + 2 };

bool ti_partial_init(ti_partial_file *partial, const char *file) {
    size_t size = strlen(file);
    char *names = malloc(2 * size + sizeof PART + sizeof ETAG);

    if (names == NULL) return false;
    *partial = (ti_partial_file){
        .file = file, .path = names, .etag = names + size + sizeof PART, .fd = -1};
    memcpy(partial->path, file, size);
    memcpy(partial->path + size, PART, sizeof PART);
    memcpy(partial->etag, file, size);
    memcpy(partial->etag + size, ETAG, sizeof ETAG);
    return true;
}

void ti_partial_free(ti_partial_file *partial) {
    if (partial->fd >= 0) ti_file_close(partial->fd);
    free(partial->path);
    *partial = (ti_partial_file){.fd = -1};
}

/* ------------------------------------------------------------------ content */

bool ti_partial_open(ti_partial_file *partial) {
    if (ti_file_is_replaceable(partial->file)) partial->fd = ti_file_claim(partial->path);
    return partial->fd >= 0;
}

size_t ti_partial_write(ti_partial_file *partial, uint64_t at, const char *bytes, size_t size) {
    return ti_file_write(partial->fd, at, bytes, size);
}

bool ti_partial_truncate(ti_partial_file *partial, uint64_t size) {
    return ti_file_truncate(partial->fd, size);
}

bool ti_partial_size(const ti_partial_file *partial, uint64_t *size) {
    return ti_file_size(partial->fd, size);
}

bool ti_partial_keep(ti_partial_file *partial) {
    if (!ti_file_move(partial->fd, partial->path, partial->file)) return false;
    ti_partial_remove_etag(partial);
    return true;
}

void ti_partial_remove(ti_partial_file *partial) {
    ti_file_remove(partial->etag);
    ti_file_remove(partial->path);
}

/* ------------------------------------------------------------------ how to ask for the rest */

void ti_partial_remove_etag(const ti_partial_file *partial) {
    ti_file_remove(partial->etag);
}

void ti_partial_write_etag(const ti_partial_file *partial, const char *validator,
                           uint64_t source_hash) {
    char text[ETAG_BYTES + 1];
    int size = snprintf(text, sizeof text, "%s\n%016" PRIx64 "\n", validator, source_hash);

    ti_partial_remove_etag(partial);
    ti_file_make(partial->etag, text, (size_t)size);
}

bool ti_partial_read_etag(const ti_partial_file *partial, uint64_t source_hash,
                          char validator[TI_VALIDATOR_SIZE]) {
    char text[ETAG_BYTES + 1], expected[HASH_DIGITS + 3];
    ptrdiff_t got = ti_file_read_all(partial->etag, text, sizeof text - 1);
    const char *end;
    size_t size;

    if (got <= 0) return false;
    text[got] = '\0';
    end = strchr(text, '\n');
    snprintf(expected, sizeof expected, "\n%016" PRIx64 "\n", source_hash);
    if (end == NULL || strcmp(end, expected) != 0) return false;
    size = (size_t)(end - text);
    if (size == 0 || size >= TI_VALIDATOR_SIZE) return false;
    memcpy(validator, text, size);
    validator[size] = '\0';
    return true;
}
