/*
 * The Keychain of macOS: a generic password for each record.
 *
 * Properties: the item's service is the application, its account a hash of the key: keys of any length
 * and in any letters are kept apart exactly. Its value is a head and the record, so that it is never
 * empty, and that what somebody else wrote there is seen.
 */
#include <tacit/store.h>

#include "platform/store_keychain_items.h"
#include "platform/store_keychain_status.h"
#include "platform/store_keyring.h"

#include "base/buffer.h"
#include "base/error.h"
#include "platform/crypto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "TACITM1\n" /* what it is, and the version of its form */
#define HEAD_SIZE (sizeof HEAD - 1)

typedef struct keychain_store {
    char *application_id;
    ti_keychain keychain;
    tacit_error error; /* of the last call */
} keychain_store;

static CFStringRef create_string(const char *text) {
    return CFStringCreateWithCString(kCFAllocatorDefault, text, kCFStringEncodingUTF8);
}

static void release_object(CFTypeRef object) {
    if (object != NULL) CFRelease(object);
}

/* NULL: no memory. */
static CFStringRef create_account(const char *key) {
    unsigned char digest[TI_SHA256_SIZE];
    char text[2 * TI_SHA256_SIZE + 1];

    if (!ti_crypto_sha256(key, strlen(key), digest)) return NULL;
    for (size_t i = 0; i < sizeof digest; i++) snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return create_string(text);
}

static tacit_status copy_record(keychain_store *self, CFTypeRef value, char **record,
                                size_t *size) {
    const UInt8 *bytes;
    size_t all;

    if (value == NULL || CFGetTypeID(value) != CFDataGetTypeID())
        return ti_keychain_status(errSecDecode, &self->error);
    bytes = CFDataGetBytePtr(value);
    all = (size_t)CFDataGetLength(value);
    if (all < HEAD_SIZE || memcmp(bytes, HEAD, HEAD_SIZE) != 0)
        return ti_error_set(&self->error, TACIT_ERR_STORE_CORRUPT,
                            "its item holds something else than what was saved");
    *size = all - HEAD_SIZE;
    *record = malloc(*size + 1);
    if (*record == NULL) return ti_keychain_status(errSecAllocate, &self->error);
    memcpy(*record, bytes + HEAD_SIZE, *size);
    return TACIT_OK;
}

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    keychain_store *self = data;
    CFStringRef account = create_account(key);
    CFTypeRef value = NULL;
    tacit_status status = ti_keychain_status(
        account == NULL ? errSecAllocate : ti_keychain_read(&self->keychain, account, &value),
        &self->error);

    if (status == TACIT_OK) status = copy_record(self, value, record, size);
    release_object(value);
    release_object(account);
    return status;
}

/* The bytes stay the buffer's, which is wiped. NULL: no memory. */
static CFDataRef create_value(ti_buffer *value, const char *record, size_t size) {
    if (!ti_buffer_append(value, HEAD, HEAD_SIZE) || !ti_buffer_append(value, record, size))
        return NULL;
    return CFDataCreateWithBytesNoCopy(kCFAllocatorDefault, (const UInt8 *)value->data,
                                       (CFIndex)value->size, kCFAllocatorNull);
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    keychain_store *self = data;
    ti_buffer bytes = TI_BUFFER_SECRET;
    CFStringRef account = create_account(key);
    CFDataRef value = create_value(&bytes, record, size);
    OSStatus status = errSecAllocate;

    if (account != NULL && value != NULL)
        status = ti_keychain_write(&self->keychain, account, value);
    release_object(value);
    release_object(account);
    ti_buffer_free(&bytes);
    return ti_keychain_status(status, &self->error);
}

static tacit_status erase(void *data, const char *key) {
    keychain_store *self = data;
    CFStringRef account = create_account(key);
    OSStatus status =
        account == NULL ? errSecAllocate : ti_keychain_remove(&self->keychain, account);

    release_object(account);
    return ti_keychain_status(status == errSecItemNotFound ? errSecSuccess : status, &self->error);
}

static const char *last_error(void *data, int *os_error) {
    const keychain_store *self = data;

    *os_error = 0; /* what the Keychain answers is none */
    return self->error.status == TACIT_ERR_STORE_NOT_FOUND ? NULL : self->error.message;
}

/* ------------------------------------------------------------------ the store object */

static void release(void *data) {
    keychain_store *self = data;

    if (self == NULL) return;
    release_object(self->keychain.service);
    release_object(self->keychain.label);
    release_object(self->keychain.group);
    free(self->application_id);
    free(self);
}

static CFStringRef create_label(const char *application_id) {
    ti_buffer text = TI_BUFFER_INIT;
    CFStringRef label = NULL;

    if (ti_buffer_append_string(&text, application_id) &&
        ti_buffer_append_string(&text, " sign-in"))
        label = create_string(text.data);
    ti_buffer_free(&text);
    return label;
}

static keychain_store *keychain_new(const tacit_store_keychain_options *options) {
    keychain_store *self = calloc(1, sizeof *self);

    if (self == NULL) return NULL;
    self->application_id = strdup(options->application_id);
    self->keychain.data_protection = options->data_protection || options->access_group != NULL;
    self->keychain.service = create_string(options->application_id);
    self->keychain.label = create_label(options->application_id);
    if (options->access_group != NULL) self->keychain.group = create_string(options->access_group);
    if (self->application_id != NULL && self->keychain.service != NULL &&
        self->keychain.label != NULL &&
        (self->keychain.group != NULL) == (options->access_group != NULL))
        return self;
    release(self);
    return NULL;
}

static const char *describe(const ti_keychain *keychain) {
    if (!keychain->data_protection) return "the user's keychain, encrypted with its password";
    return keychain->group != NULL
               ? "the data-protection keychain, for programs of its access group on this Mac only"
               : "the data-protection keychain, for this program on this Mac only";
}

static tacit_store *store_of(keychain_store *self, tacit_error *error) {
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;

    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    ops.release = release;
    ops.last_error = last_error;
    ops.application_id = self->application_id;
    ops.description = describe(&self->keychain);
    return tacit_store_custom(&ops, self, error);
}

/* Core Foundation makes no string of anything else. */
static bool is_utf8(const char *text) {
    CFStringRef string = create_string(text);

    release_object(string);
    return string != NULL;
}

static bool check(const tacit_store_keychain_options *options, tacit_error *error) {
    if (options->application_id == NULL || *options->application_id == '\0')
        return ti_error_argument(error, "options->application_id", "is NULL or empty"), false;
    if (!is_utf8(options->application_id))
        return ti_error_argument(error, "options->application_id", "is not UTF-8"), false;
    if (options->access_group != NULL &&
        (*options->access_group == '\0' || !is_utf8(options->access_group)))
        return ti_error_argument(error, "options->access_group", "is empty or not UTF-8"), false;
    return true;
}

tacit_store *tacit_store_keychain(const tacit_store_keychain_options *options, tacit_error *error) {
    tacit_store_keychain_options own;
    keychain_store *self;
    tacit_store *store;

    ti_error_clear(error);
    if (!ti_struct_read(&own, sizeof own, options, "options", "TACIT_STORE_KEYCHAIN_OPTIONS_INIT",
                        error) ||
        !check(&own, error))
        return NULL;
    self = keychain_new(&own);
    if (self == NULL) return ti_error_no_memory(error), NULL;
    store = store_of(self, error);
    if (store == NULL) release(self);
    return store;
}

tacit_store *tacit_store_keyring(const char *application_id, tacit_error *error) {
    tacit_store_keychain_options options = TACIT_STORE_KEYCHAIN_OPTIONS_INIT;

    if (application_id == NULL || *application_id == '\0')
        return ti_error_argument(error, "application_id", "is NULL or empty"), NULL;
    options.application_id = application_id;
    return tacit_store_keychain(&options, error);
}

/* Whether it can be used shows with the first call. */
ti_keyring_presence ti_keyring_look(void) {
    return TI_KEYRING_PRESENT;
}
