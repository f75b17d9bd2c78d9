/*
 * The keyring of a Linux desktop: the Secret Service, through libsecret.
 *
 * Nothing here shows a prompt: where the service wants one, the answer is LOCKED. To libsecret NULL
 * does not mean absent; NOT_FOUND is said only of a keyring that is open, or was never there.
 */
#include <tacit/store.h>

#include "platform/store_libsecret_collection.h"

#include "base/buffer.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static const ti_libsecret_library *const lib = &ti_libsecret;

static const SecretSchema schema = {
    .name = "org.tacit.Record",
    .flags = SECRET_SCHEMA_NONE,
    .attributes = {{"application", SECRET_SCHEMA_ATTRIBUTE_STRING},
                   {"key", SECRET_SCHEMA_ATTRIBUTE_STRING}},
};

typedef struct keyring {
    char *application_id;
    char *label;                 /* what the person reads in a list of passwords */
    ti_keyring_presence missing; /* what the last call did not find */
} keyring;

/* Not every service compares attributes exactly. */
static bool is_for(SecretItem *item, const char *name, const char *value) {
    GHashTable *attributes = lib->secret_item_get_attributes(item);
    const char *found = lib->g_hash_table_lookup(attributes, name);
    bool same = found != NULL && strcmp(found, value) == 0;

    lib->g_hash_table_unref(attributes);
    return same;
}

static int compare_numbers(guint64 a, guint64 b) {
    return a < b ? -1 : a > b;
}

/* Times are in seconds, so two items may have the same; the path keeps the choice the same too. */
static bool is_newer(SecretItem *a, SecretItem *b) {
    int order = compare_numbers(lib->secret_item_get_modified(a), lib->secret_item_get_modified(b));

    if (order == 0)
        order = compare_numbers(lib->secret_item_get_created(a), lib->secret_item_get_created(b));
    if (order == 0)
        order = strcmp(lib->g_dbus_proxy_get_object_path((GDBusProxy *)a),
                       lib->g_dbus_proxy_get_object_path((GDBusProxy *)b));
    return order > 0;
}

/* What lies under one key: more than one item where something else, or a race, left another. */
typedef struct found {
    GList *items;
    SecretItem *newest; /* one of items; NULL: there are none */
} found;

static void found_free(found *self) {
    lib->g_list_free_full(self->items, lib->g_object_unref);
}

/* Takes out what is not under the key. TACIT_ERR_STORE_LOCKED: an item cannot be looked into. */
static tacit_status keep_matching(found *self, const keyring *keyring, const char *key) {
    GList *next;

    for (GList *link = self->items; link != NULL; link = next) {
        SecretItem *item = link->data;

        next = link->next;
        if (lib->secret_item_get_locked(item)) return TACIT_ERR_STORE_LOCKED;
        if (!is_for(item, "application", keyring->application_id) || !is_for(item, "key", key)) {
            self->items = lib->g_list_delete_link(self->items, link);
            lib->g_object_unref(item);
        } else if (self->newest == NULL || is_newer(item, self->newest)) {
            self->newest = item;
        }
    }
    return TACIT_OK;
}

static GHashTable *attributes_of(const keyring *keyring, const char *key) {
    return lib->secret_attributes_build(&schema, "application", keyring->application_id, "key", key,
                                        NULL);
}

/* TACIT_OK also where nothing is found. Otherwise nothing is to be freed. */
static tacit_status find(ti_libsecret_visit *visit, const keyring *keyring, const char *key,
                         found *found) {
    GError *error = NULL;
    GHashTable *attributes = attributes_of(keyring, key);
    tacit_status status;

    found->newest = NULL;
    found->items = lib->secret_service_search_sync(visit->service, &schema, attributes,
                                                   SECRET_SEARCH_ALL, NULL, &error);
    lib->g_hash_table_unref(attributes);
    if (error != NULL) return ti_libsecret_status(error);
    status = keep_matching(found, keyring, key);
    if (status != TACIT_OK) found_free(found);
    return status;
}

/* Nothing was found: is that so, or is it behind a lock? */
static tacit_status confirm_absent(ti_libsecret_visit *visit) {
    SecretCollection *collection;
    tacit_status status = ti_libsecret_default_collection(visit, &collection);

    if (status != TACIT_OK) return status;
    lib->g_object_unref(collection);
    return TACIT_ERR_STORE_NOT_FOUND;
}

static tacit_status copy_value(SecretItem *item, char **record, size_t *size) {
    SecretValue *value = lib->secret_item_get_secret(item);
    const char *bytes;

    if (value == NULL) return TACIT_ERR_STORE_CORRUPT;
    bytes = lib->secret_value_get(value, size);
    *record = malloc(*size + 1);
    if (*record != NULL) memcpy(*record, bytes, *size);
    lib->secret_value_unref(value);
    return *record == NULL ? TACIT_ERR_STORE_FAILED : TACIT_OK;
}

static tacit_status load_item(SecretItem *item, char **record, size_t *size) {
    GError *error = NULL;

    if (!lib->secret_item_load_secret_sync(item, NULL, &error)) return ti_libsecret_status(error);
    return copy_value(item, record, size);
}

static tacit_status load_visiting(ti_libsecret_visit *visit, const keyring *keyring,
                                  const char *key, char **record, size_t *size) {
    found found;
    tacit_status status = find(visit, keyring, key, &found);

    if (status != TACIT_OK) return status;
    if (found.newest == NULL) return confirm_absent(visit);
    status = load_item(found.newest, record, size);
    found_free(&found);
    return status;
}

/* Some services keep text as text only, and let the user see it. */
static SecretValue *value_of(const char *record, size_t size) {
    bool text = lib->g_utf8_validate(record, (gssize)size, NULL);

    return lib->secret_value_new(record, (gssize)size,
                                 text ? "text/plain" : "application/octet-stream");
}

static tacit_status create_item(ti_libsecret_visit *visit, keyring *keyring, const char *key,
                                SecretValue *value) {
    GError *error = NULL;
    SecretCollection *collection;
    SecretItem *item;
    GHashTable *attributes;
    tacit_status status = ti_libsecret_default_collection(visit, &collection);

    /* A collection is made with a prompt: that is for the user to do. */
    if (status == TACIT_ERR_STORE_NOT_FOUND) {
        keyring->missing = TI_KEYRING_NO_COLLECTION;
        return TACIT_ERR_STORE_UNAVAILABLE;
    }
    if (status != TACIT_OK) return status;
    attributes = attributes_of(keyring, key);
    item = lib->secret_item_create_sync(collection, &schema, attributes, keyring->label, value,
                                        SECRET_ITEM_CREATE_REPLACE, NULL, &error);
    lib->g_hash_table_unref(attributes);
    lib->g_object_unref(collection);
    if (item == NULL) return ti_libsecret_status(error);
    lib->g_object_unref(item);
    return TACIT_OK;
}

static tacit_status delete_items(const found *found, const SecretItem *keep) {
    for (GList *link = found->items; link != NULL; link = link->next) {
        GError *error = NULL;

        if (link->data != keep && !lib->secret_item_delete_sync(link->data, NULL, &error))
            return ti_libsecret_status(error);
    }
    return TACIT_OK;
}

/* In place: the newest stays the newest, also when a crash leaves the others. */
static tacit_status replace(const found *found, SecretValue *value) {
    GError *error = NULL;

    if (!lib->secret_item_set_secret_sync(found->newest, value, NULL, &error))
        return ti_libsecret_status(error);
    return delete_items(found, found->newest);
}

static tacit_status save_visiting(ti_libsecret_visit *visit, keyring *keyring, const char *key,
                                  SecretValue *value) {
    found found;
    tacit_status status = find(visit, keyring, key, &found);

    if (status != TACIT_OK) return status;
    if (found.newest == NULL) return create_item(visit, keyring, key, value);
    status = replace(&found, value);
    found_free(&found);
    return status;
}

static tacit_status erase_visiting(ti_libsecret_visit *visit, const keyring *keyring,
                                   const char *key) {
    found found;
    tacit_status status = find(visit, keyring, key, &found);

    if (status != TACIT_OK) return status;
    if (found.newest == NULL) {
        status = confirm_absent(visit);
        return status == TACIT_ERR_STORE_NOT_FOUND ? TACIT_OK : status;
    }
    status = delete_items(&found, NULL);
    found_free(&found);
    return status;
}

/* D-Bus carries UTF-8 only. */
static bool is_utf8(const char *text) {
    return lib->g_utf8_validate(text, -1, NULL);
}

/* false: the key cannot be asked for. */
static bool begin_call(keyring *self, const char *key) {
    self->missing = TI_KEYRING_PRESENT;
    return is_utf8(key);
}

static tacit_status begin_visit(keyring *self, ti_libsecret_visit *visit) {
    tacit_status status = ti_libsecret_visit_begin(visit);

    self->missing = visit->missing;
    return status;
}

static tacit_status load_once(keyring *self, const char *key, char **record, size_t *size) {
    ti_libsecret_visit visit;
    tacit_status status = begin_visit(self, &visit);

    if (status == TACIT_OK) status = load_visiting(&visit, self, key, record, size);
    ti_libsecret_visit_end(&visit);
    return status;
}

/* KWallet (5.103) and libsecret do not agree on about one in a hundred of the keys that they draw for a visit, and then cannot read
 * each other's secrets: the next visit has another. */
static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    tacit_status status;

    if (!begin_call(data, key)) return TACIT_ERR_STORE_FAILED;
    status = load_once(data, key, record, size);
    return status == TACIT_ERR_STORE_FAILED ? load_once(data, key, record, size) : status;
}

static tacit_status save_once(keyring *self, const char *key, SecretValue *value) {
    ti_libsecret_visit visit;
    tacit_status status = begin_visit(self, &visit);

    if (status == TACIT_OK) status = save_visiting(&visit, self, key, value);
    ti_libsecret_visit_end(&visit);
    return status;
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    SecretValue *value;
    tacit_status status;

    if (!begin_call(data, key)) return TACIT_ERR_STORE_FAILED;
    value = value_of(record, size);
    status = save_once(data, key, value);
    if (status == TACIT_ERR_STORE_FAILED) status = save_once(data, key, value); /* as above */
    lib->secret_value_unref(value);
    return status;
}

static tacit_status erase(void *data, const char *key) {
    ti_libsecret_visit visit;
    tacit_status status;

    if (!begin_call(data, key)) return TACIT_ERR_STORE_FAILED;
    status = begin_visit(data, &visit);
    if (status == TACIT_OK) status = erase_visiting(&visit, data, key);
    ti_libsecret_visit_end(&visit);
    return status;
}

static const char *last_error(void *data, int *os_error) {
    const keyring *self = data;

    *os_error = 0; /* none is behind these */
    switch (self->missing) {
    case TI_KEYRING_NO_BUS:
        return "there is no session bus to ask it on";
    case TI_KEYRING_NO_SERVICE:
        return "no keyring service is on the session bus; start or install one";
    case TI_KEYRING_NO_COLLECTION:
        return "it has no place for secrets yet; make one with the keyring's own program";
    default:
        return NULL;
    }
}

static void release(void *data) {
    keyring *self = data;

    if (self == NULL) return;
    free(self->label);
    free(self->application_id);
    free(self);
}

static keyring *keyring_new(const char *application_id) {
    keyring *self = calloc(1, sizeof *self);
    ti_buffer label = TI_BUFFER_INIT;

    if (self == NULL) return NULL;
    self->application_id = strdup(application_id);
    ti_buffer_append_string(&label, application_id);
    ti_buffer_append_string(&label, " sign-in");
    self->label = label.data;
    if (self->application_id != NULL && !label.failed) return self;
    release(self);
    return NULL;
}

static tacit_store *store_of(keyring *self, tacit_error *error) {
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;

    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    ops.release = release;
    ops.last_error = last_error;
    ops.application_id = self->application_id;
    ops.description = "the system's keyring (Secret Service), encrypted with the user's password";
    return tacit_store_custom(&ops, self, error);
}

tacit_store *tacit_store_keyring(const char *application_id, tacit_error *error) {
    keyring *self;
    tacit_store *store;

    ti_error_clear(error);
    if (application_id == NULL || *application_id == '\0') {
        ti_error_argument(error, "application_id", "is NULL or empty");
        return NULL;
    }
    if (!ti_libsecret_load()) {
        ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                     "There is no keyring library on this system: install libsecret "
                     "(libsecret-1.so.0, version 0.18 or later).");
        return NULL;
    }
    if (ti_libsecret_forked()) {
        ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                     "The process from which this one was forked has used the keyring, whose "
                     "library does not survive that: fork earlier, or exec after it.");
        return NULL;
    }
    if (!is_utf8(application_id)) {
        ti_error_argument(error, "application_id", "is not UTF-8");
        return NULL;
    }
    self = keyring_new(application_id);
    if (self == NULL) {
        ti_error_no_memory(error);
        return NULL;
    }
    store = store_of(self, error);
    if (store == NULL) release(self);
    return store;
}
