#include "support/forgetful_store.h"

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    (void)data, (void)key, (void)record, (void)size;
    return TACIT_ERR_STORE_NOT_FOUND;
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    (void)data, (void)key, (void)record, (void)size;
    return TACIT_OK;
}

static tacit_status erase(void *data, const char *key) {
    (void)data, (void)key;
    return TACIT_OK;
}

const tacit_store_ops forgetful_store_ops = {
    .struct_size = sizeof(tacit_store_ops), .load = load, .save = save, .erase = erase};
