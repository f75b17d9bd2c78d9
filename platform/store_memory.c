/* A store in memory. Its functions are called one at a time, so the list needs no lock. */
#include <tacit/store.h>

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

typedef struct entry {
    struct entry *next;
    char *key;
    ti_secret *record;
} entry;

typedef struct memory {
    entry *entries;
} memory;

/* The link that leads to the entry, or the one at the end of the list. */
static entry **find(memory *self, const char *key) {
    entry **link = &self->entries;

    while (*link != NULL && strcmp((*link)->key, key) != 0) link = &(*link)->next;
    return link;
}

static void remove_entry(entry **link) {
    entry *gone = *link;

    *link = gone->next;
    ti_secret_unref(gone->record);
    free(gone->key);
    free(gone);
}

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    entry *found = *find(data, key);

    if (found == NULL) return TACIT_ERR_STORE_NOT_FOUND;
    *size = ti_secret_size(found->record);
    *record = malloc(*size + 1);
    if (*record == NULL) return TACIT_ERR_STORE_FAILED;
    memcpy(*record, ti_secret_data(found->record), *size);
    return TACIT_OK;
}

static bool add_entry(entry **link, const char *key) {
    entry *added = calloc(1, sizeof *added);

    if (added == NULL) return false;
    added->key = strdup(key);
    if (added->key == NULL) {
        free(added);
        return false;
    }
    *link = added;
    return true;
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    entry **link = find(data, key);
    ti_secret *secret = ti_secret_new(record, size);

    if (secret == NULL) return TACIT_ERR_STORE_FAILED;
    if (*link == NULL && !add_entry(link, key)) {
        ti_secret_unref(secret);
        return TACIT_ERR_STORE_FAILED;
    }
    ti_secret_unref((*link)->record);
    (*link)->record = secret;
    return TACIT_OK;
}

static tacit_status erase(void *data, const char *key) {
    entry **link = find(data, key);

    if (*link != NULL) remove_entry(link);
    return TACIT_OK;
}

static void release(void *data) {
    memory *self = data;

    while (self->entries != NULL) remove_entry(&self->entries);
    free(self);
}

tacit_store *tacit_store_memory(void) {
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;
    memory *self = calloc(1, sizeof *self);
    tacit_store *store;

    if (self == NULL) return NULL;
    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    ops.release = release;
    ops.description = "the memory of this process, until it ends";
    ops.process_only = true;
    store = tacit_store_custom(&ops, self, NULL);
    if (store == NULL) release(self);
    return store;
}
