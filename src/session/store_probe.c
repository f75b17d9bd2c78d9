#include "session/store_probe.h"

#include "platform/os.h"
#include "session/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tacit/client.h>

enum { RECORD_SIZE = 4096, RANDOM_BYTES = 16 };

static bool random_text(char text[2 * RANDOM_BYTES + 1]) {
    unsigned char bytes[RANDOM_BYTES];

    if (!ti_os_random(bytes, sizeof bytes)) return false;
    for (int i = 0; i < RANDOM_BYTES; i++) snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static tacit_status compare(const tacit_store *store, const char *key, const char *record) {
    char *loaded = NULL;
    size_t size = 0;
    tacit_status status = store->ops.load(store->data, key, &loaded, &size);
    bool same = loaded != NULL && size == RECORD_SIZE && memcmp(loaded, record, size) == 0;

    tacit_free(loaded);
    if (status != TACIT_OK) return status;
    return same ? TACIT_OK : TACIT_ERR_STORE_FAILED;
}

/* What was saved is erased also where it did not come back. */
static tacit_status probe(const tacit_store *store, const char *key, const char *record) {
    tacit_status status = store->ops.save(store->data, key, record, RECORD_SIZE);
    tacit_status erased;

    if (status != TACIT_OK) return status;
    status = compare(store, key, record);
    erased = store->ops.erase(store->data, key);
    return status == TACIT_OK ? erased : status;
}

tacit_status ti_store_probe(tacit_store *store) {
    char text[2 * RANDOM_BYTES + 1], key[64], record[RECORD_SIZE];

    if (store->ops.record_size_max > 0 && store->ops.record_size_max < RECORD_SIZE)
        return TACIT_ERR_STORE_TOO_LARGE;
    if (!random_text(text)) return TACIT_ERR_STORE_FAILED;
    /* A sign-in's key has two spaces. Random, since other processes may probe at the same time. */
    snprintf(key, sizeof key, "probe-%s", text);
    for (size_t i = 0; i < sizeof record; i++) record[i] = text[i % (sizeof text - 1)];
    return probe(store, key, record);
}
