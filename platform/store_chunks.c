/*
 * Properties. The head, an entry of the record's own name, holds the beginning of the record, its
 * size, a digest, and names the set whose entries hold the rest: name/set/0, 1, 2 ... Each save
 * draws a new set and writes the head last, in one step. So who dies in the middle of a save leaves the
 * old record or the new one, whole, and perhaps entries that no head names; the next save or
 * erasure sweeps them away. What is swept is never the set that the head names.
 *
 * Operation. A load that runs beside a save may find the head, and then its set no longer: it looks
 * at the head again. Only where that is as it was is the record damaged.
 */
#include "platform/store_chunks.h"

#include "platform/crypto.h"
#include "platform/os.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The head: magic, size, set, digest, and the record's beginning. */
#define MAGIC "TACITC1\n"
#define MAGIC_SIZE (sizeof MAGIC - 1)
#define SET_SIZE 8
#define SIZE_AT MAGIC_SIZE
#define SET_AT (SIZE_AT + 4)
#define DIGEST_AT (SET_AT + SET_SIZE)
#define HEAD_SIZE (DIGEST_AT + TI_SHA256_SIZE)
static_assert(HEAD_SIZE < TI_CHUNKS_ENTRY_MIN, "the head fits into the smallest entry");

#define LOADS_MAX 8

typedef struct head {
    size_t size; /* of the record */
    unsigned char set[SET_SIZE], digest[TI_SHA256_SIZE];
} head;

static void write_size(unsigned char *bytes, size_t size) {
    for (int i = 0; i < 4; i++) bytes[i] = (unsigned char)(size >> (24 - 8 * i));
}

static size_t read_size(const unsigned char *bytes) {
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

static bool append_head(ti_buffer *entry, const head *head) {
    unsigned char bytes[HEAD_SIZE];
    memcpy(bytes, MAGIC, MAGIC_SIZE);
    write_size(bytes + SIZE_AT, head->size);
    memcpy(bytes + SET_AT, head->set, SET_SIZE);
    memcpy(bytes + DIGEST_AT, head->digest, TI_SHA256_SIZE);
    return ti_buffer_append(entry, bytes, sizeof bytes);
}

static bool read_head(const ti_buffer *entry, head *head) {
    const unsigned char *bytes = (const unsigned char *)entry->data;
    if (entry->size < HEAD_SIZE || memcmp(bytes, MAGIC, MAGIC_SIZE) != 0) return false;
    head->size = read_size(bytes + SIZE_AT);
    memcpy(head->set, bytes + SET_AT, SET_SIZE);
    memcpy(head->digest, bytes + DIGEST_AT, TI_SHA256_SIZE);
    return head->size <= TI_CHUNKS_RECORD_MAX;
}

/* Over the name and the set as well: what was put together from other records is none. */
static bool digest_of(const char *name, const unsigned char *set, const char *record, size_t size,
                      unsigned char digest[TI_SHA256_SIZE]) {
    ti_buffer all = TI_BUFFER_SECRET;
    bool made = ti_buffer_append(&all, name, strlen(name) + 1) &&
                ti_buffer_append(&all, set, SET_SIZE) && ti_buffer_append(&all, record, size) &&
                ti_crypto_sha256(all.data, all.size, digest);
    ti_buffer_free(&all);
    return made;
}

/* "name/", "name/set/" or, with an index, the name of an entry. From malloc(). */
static char *new_name(const char *name, const unsigned char *set, int index) {
    size_t length = strlen(name), size = length + TI_CHUNKS_SUFFIX_SIZE;
    char *made = malloc(size), *end = made;
    if (!made) return NULL;
    end += snprintf(made, size, "%s/", name);
    for (int i = 0; set && i < SET_SIZE; i++) end += snprintf(end, 3, "%02x", set[i]);
    if (set) *end++ = '/';
    *end = '\0';
    if (index >= 0) snprintf(end, size - (size_t)(end - made), "%d", index);
    return made;
}

static tacit_status get_chunk(const ti_shelf *shelf, const char *name, const head *head, int index,
                              ti_buffer *entry) {
    char *chunk = new_name(name, head->set, index);
    if (!chunk) return TACIT_ERR_STORE_FAILED;
    ti_buffer_clear(entry);
    tacit_status status = shelf->get(shelf->data, chunk, entry);
    free(chunk);
    return status;
}

/* TACIT_ERR_STORE_CORRUPT: they are not what the head says, or not any more. */
static tacit_status append_chunks(const ti_shelf *shelf, const char *name, const head *head,
                                  ti_buffer *record) {
    ti_buffer entry = TI_BUFFER_SECRET;
    tacit_status status = TACIT_OK;
    for (int i = 0; status == TACIT_OK && record->size < head->size; i++) {
        status = get_chunk(shelf, name, head, i, &entry);
        if (status == TACIT_ERR_STORE_NOT_FOUND) status = TACIT_ERR_STORE_CORRUPT;
        if (status != TACIT_OK) break;
        if (entry.size == 0 || entry.size > head->size - record->size) {
            status = TACIT_ERR_STORE_CORRUPT;
        } else if (!ti_buffer_append(record, entry.data, entry.size)) {
            status = TACIT_ERR_STORE_FAILED;
        }
    }
    ti_buffer_free(&entry);
    return status;
}

static tacit_status check_digest(const char *name, const head *head, const ti_buffer *record) {
    unsigned char digest[TI_SHA256_SIZE];
    if (!digest_of(name, head->set, record->data, record->size, digest))
        return TACIT_ERR_STORE_FAILED;
    return memcmp(digest, head->digest, sizeof digest) == 0 ? TACIT_OK : TACIT_ERR_STORE_CORRUPT;
}

static tacit_status load_by_head(const ti_shelf *shelf, const char *name, const ti_buffer *entry,
                                 ti_buffer *record) {
    head head;
    if (!read_head(entry, &head)) return TACIT_ERR_STORE_CORRUPT;
    size_t begun = entry->size - HEAD_SIZE;
    if (begun > head.size) return TACIT_ERR_STORE_CORRUPT;
    ti_buffer_clear(record);
    if (!ti_buffer_reserve(record, head.size) ||
        !ti_buffer_append(record, entry->data + HEAD_SIZE, begun)) {
        return TACIT_ERR_STORE_FAILED;
    }
    tacit_status status = append_chunks(shelf, name, &head, record);
    return status == TACIT_OK ? check_digest(name, &head, record) : status;
}

static bool is_same(const ti_buffer *a, const ti_buffer *b) {
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

/* before: the head of a try that found it damaged. */
static tacit_status try_to_load(const ti_shelf *shelf, const char *name, ti_buffer *before,
                                ti_buffer *record) {
    ti_buffer entry = TI_BUFFER_SECRET;
    tacit_status status = shelf->get(shelf->data, name, &entry);
    if (status == TACIT_OK && before->size > 0 && is_same(&entry, before)) {
        status = TACIT_ERR_STORE_CORRUPT;
    } else if (status == TACIT_OK) {
        status = load_by_head(shelf, name, &entry, record);
        if (status == TACIT_ERR_STORE_CORRUPT && entry.size > 0) status = TACIT_ERR_BUSY;
    }
    ti_buffer_free(before);
    *before = entry;
    return status;
}

tacit_status ti_chunks_load(const ti_shelf *shelf, const char *name, char **record, size_t *size) {
    ti_buffer before = TI_BUFFER_SECRET, whole = TI_BUFFER_SECRET;
    tacit_status status = TACIT_ERR_BUSY;
    for (int i = 0; status == TACIT_ERR_BUSY && i < LOADS_MAX; i++) {
        status = try_to_load(shelf, name, &before, &whole);
    }
    ti_buffer_free(&before);
    if (status == TACIT_OK) {
        *record = whole.data;
        *size = whole.size;
        return TACIT_OK;
    }
    ti_buffer_free(&whole);
    return status == TACIT_ERR_BUSY ? TACIT_ERR_STORE_UNAVAILABLE
                                    : status; /* others save all the time */
}

static tacit_status sweep(const ti_shelf *shelf, const char *prefix, const char *kept) {
    return prefix ? shelf->sweep(shelf->data, prefix, kept) : TACIT_ERR_STORE_FAILED;
}

static tacit_status put_chunk(const ti_shelf *shelf, const char *name, const head *head, int index,
                              const char *bytes, size_t size) {
    char *chunk = new_name(name, head->set, index);
    if (!chunk) return TACIT_ERR_STORE_FAILED;
    tacit_status status = shelf->put(shelf->data, chunk, bytes, size);
    free(chunk);
    return status;
}

static tacit_status put_chunks(const ti_shelf *shelf, const char *name, const head *head,
                               const char *rest, size_t size) {
    tacit_status status = TACIT_OK;
    for (int i = 0; status == TACIT_OK && size > 0; i++) {
        size_t part = size < shelf->entry_max ? size : shelf->entry_max;
        status = put_chunk(shelf, name, head, i, rest, part);
        rest += part;
        size -= part;
    }
    return status;
}

static tacit_status put_head(const ti_shelf *shelf, const char *name, const head *head,
                             const char *beginning, size_t size) {
    ti_buffer entry = TI_BUFFER_SECRET;
    tacit_status status = TACIT_ERR_STORE_FAILED;
    if (append_head(&entry, head) && ti_buffer_append(&entry, beginning, size))
        status = shelf->put(shelf->data, name, entry.data, entry.size);
    ti_buffer_free(&entry);
    return status;
}

static tacit_status save_in_set(const ti_shelf *shelf, const char *name, const head *head,
                                const char *record) {
    size_t room = shelf->entry_max - HEAD_SIZE, begun = head->size < room ? head->size : room;
    char *own = new_name(name, head->set, -1), *all = new_name(name, NULL, -1);
    tacit_status status = TACIT_ERR_STORE_FAILED;
    if (own && all) {
        status = put_chunks(shelf, name, head, record + begun, head->size - begun);
        if (status != TACIT_OK) {
            sweep(shelf, own, NULL);
        } else {
            /* Where this fails, it may have come about all the same: its set stays. And what cannot
             * be swept now, the next one sweeps. */
            status = put_head(shelf, name, head, record, begun);
            if (status == TACIT_OK) sweep(shelf, all, own);
        }
    }
    free(all);
    free(own);
    return status;
}

tacit_status ti_chunks_save(const ti_shelf *shelf, const char *name, const char *record,
                            size_t size) {
    head head = {.size = size};
    assert(shelf->entry_max >= TI_CHUNKS_ENTRY_MIN);
    if (size > TI_CHUNKS_RECORD_MAX) return TACIT_ERR_STORE_TOO_LARGE;
    if (!ti_os_random(head.set, SET_SIZE) ||
        !digest_of(name, head.set, record, size, head.digest)) {
        return TACIT_ERR_STORE_FAILED;
    }
    return save_in_set(shelf, name, &head, record);
}

/* The head first: from then on there is no record. Without one, too, there may be what the dead left. */
tacit_status ti_chunks_erase(const ti_shelf *shelf, const char *name) {
    char *all = new_name(name, NULL, -1);
    tacit_status status = all ? shelf->remove(shelf->data, name) : TACIT_ERR_STORE_FAILED;
    if (status == TACIT_OK) status = sweep(shelf, all, NULL);
    free(all);
    return status;
}
