/*
 * Encrypted files: one for each record, "<hash of its key>.record", sealed as store_file_format
 * says, written as store_file_write says. Its functions are called one at a time.
 */
#include <tacit/store.h>

#include "base/buffer.h"
#include "base/error.h"
#include "platform/crypto.h"
#include "platform/os.h"
#include "platform/store_file_directory.h"
#include "platform/store_file_format.h"
#include "platform/store_file_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_DIGITS 32

typedef struct record_name {
    char text[NAME_DIGITS + sizeof TI_RECORD_ENDING];
} record_name;

typedef struct file_store {
    char *directory; /* absolute */
    ti_key_source *source;
    tacit_error error; /* of the last call */
    void (*key_release)(void *key_data);
    void *key_data;
} file_store;

/* Keys hold '/', and are longer than a name may be. */
static tacit_status name_of(const char *key, record_name *name, tacit_error *error) {
    unsigned char digest[TI_SHA256_SIZE];

    if (!ti_crypto_sha256(key, strlen(key), digest))
        return ti_error_set(error, TACIT_ERR_STORE_FAILED, "there is no memory");
    for (size_t i = 0; i < NAME_DIGITS / 2; i++) snprintf(name->text + 2 * i, 3, "%02x", digest[i]);
    memcpy(name->text + NAME_DIGITS, TI_RECORD_ENDING, sizeof TI_RECORD_ENDING);
    return TACIT_OK;
}

/* ------------------------------------------------------------------ load */

/* Says which file: "<name> is damaged". */
static tacit_status about(const record_name *name, tacit_status status, tacit_error *error) {
    return ti_error_set(error, status, "%s %s", name->text, error->message);
}

static tacit_status unseal(file_store *self, const record_name *name, const char *key,
                           const ti_buffer *file, char **record, size_t *size) {
    tacit_error *error = &self->error;
    unsigned char seal_key[TI_CRYPTO_KEY_SIZE];
    ti_key_recipe recipe;
    tacit_status status = ti_sealed_inspect(file->data, file->size, key, &recipe, error);

    if (status != TACIT_OK) return about(name, status, error);
    status = ti_key_for_opening(self->source, &recipe, seal_key, error);
    if (status == TACIT_OK) {
        status = ti_sealed_open(file->data, file->size, seal_key, record, size, error);
        if (status == TACIT_OK)
            ti_key_was_right(self->source, &recipe, seal_key);
        else
            about(name, status, error);
    }
    ti_os_wipe(seal_key, sizeof seal_key);
    return status;
}

static tacit_status load_from(file_store *self, const ti_directory *directory, const char *key,
                              char **record, size_t *size) {
    ti_buffer file = TI_BUFFER_INIT;
    record_name name;
    tacit_status status = name_of(key, &name, &self->error);

    if (status == TACIT_OK)
        status = ti_directory_read(directory, name.text, TI_SEALED_FILE_MAX, &file, &self->error);
    if (status == TACIT_OK) status = unseal(self, &name, key, &file, record, size);
    ti_buffer_free(&file);
    return status;
}

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    file_store *self = data;
    ti_directory directory;
    tacit_status status =
        ti_directory_open(&directory, self->directory, TI_DIRECTORY_OURS, false, &self->error);

    if (status != TACIT_OK) return status;
    status = load_from(self, &directory, key, record, size);
    ti_directory_close(&directory);
    return status;
}

/* ------------------------------------------------------------------ save and erase */

static tacit_status seal(file_store *self, const ti_directory *directory, const char *key,
                         const char *record, size_t size, ti_buffer *file) {
    unsigned char seal_key[TI_CRYPTO_KEY_SIZE];
    ti_key_recipe recipe;
    tacit_status status =
        ti_key_for_sealing(self->source, directory, &recipe, seal_key, &self->error);

    if (status == TACIT_OK)
        status = ti_sealed_make(&recipe, key, seal_key, record, size, file, &self->error);
    ti_os_wipe(seal_key, sizeof seal_key);
    return status;
}

static tacit_status save_to(file_store *self, const ti_directory *directory, const char *key,
                            const char *record, size_t size) {
    ti_buffer file = TI_BUFFER_INIT;
    record_name name;
    tacit_status status = name_of(key, &name, &self->error);

    if (status == TACIT_OK) status = seal(self, directory, key, record, size, &file);
    if (status == TACIT_OK)
        status = ti_directory_replace(directory, name.text, file.data, file.size, &self->error);
    ti_buffer_free(&file);
    return status;
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    file_store *self = data;
    ti_directory directory;
    tacit_status status;

    if (size > TI_SEALED_RECORD_MAX)
        return ti_error_set(&self->error, TACIT_ERR_STORE_TOO_LARGE, "it takes at most %zu bytes",
                            TI_SEALED_RECORD_MAX);
    status = ti_directory_open(&directory, self->directory, TI_DIRECTORY_OURS, true, &self->error);
    if (status != TACIT_OK) return status;
    status = save_to(self, &directory, key, record, size);
    ti_directory_close(&directory);
    return status;
}

static tacit_status erase(void *data, const char *key) {
    file_store *self = data;
    ti_directory directory;
    record_name name;
    tacit_status status = name_of(key, &name, &self->error);

    if (status == TACIT_OK)
        status =
            ti_directory_open(&directory, self->directory, TI_DIRECTORY_OURS, false, &self->error);
    if (status == TACIT_ERR_STORE_NOT_FOUND) return TACIT_OK;
    if (status != TACIT_OK) return status;
    status = ti_directory_remove(&directory, name.text, &self->error);
    ti_directory_close(&directory);
    return status;
}

static const char *last_error(void *data, int *os_error) {
    const file_store *self = data;

    if (self->error.status == TACIT_ERR_STORE_NOT_FOUND) return NULL; /* that says it all */
    *os_error = self->error.os_error;
    return self->error.message;
}

/* ------------------------------------------------------------------ the store object */

static void release(void *data) {
    file_store *self = data;

    if (self == NULL) return;
    if (self->key_release != NULL) self->key_release(self->key_data);
    ti_key_source_free(self->source);
    free(self->directory);
    free(self);
}

static ti_key_source *source_of(const tacit_store_file_options *options, const char *key_file) {
    if (options->passphrase != NULL) return ti_key_source_of_passphrase(options->passphrase);
    if (options->get_key != NULL) return ti_key_source_of_app(options->get_key, options->key_data);
    return ti_key_source_of_file(key_file);
}

/* From malloc(). NULL: the error says why. */
static char *absolute(const char *path, const char *argument, tacit_error *error) {
    char *made = ti_os_absolute_path(path);

    if (made == NULL) ti_error_path(error, argument);
    return made;
}

static bool begin(file_store *self, const tacit_store_file_options *options, tacit_error *error) {
    char *key_file = NULL;

    self->directory = absolute(options->directory, "options->directory", error);
    if (self->directory == NULL) return false;
    if (options->key_file != NULL) {
        key_file = absolute(options->key_file, "options->key_file", error);
        if (key_file == NULL) return false;
    }
    self->source = source_of(options, key_file);
    free(key_file);
    if (self->source == NULL) ti_error_no_memory(error);
    return self->source != NULL;
}

static char *describe(const file_store *self) {
    char *source = ti_key_source_describe(self->source);
    ti_buffer text = TI_BUFFER_INIT;

    if (source == NULL) return NULL;
    ti_buffer_append_string(&text, "files in ");
    ti_buffer_append_string(&text, self->directory);
    ti_buffer_append_string(&text, ", encrypted with ");
    ti_buffer_append_string(&text, source);
    free(source);
    if (text.failed) ti_buffer_free(&text);
    return text.data;
}

static bool options_read(tacit_store_file_options *options, const tacit_store_file_options *given,
                         tacit_error *error) {
    int sources;

    if (!ti_struct_read(options, sizeof *options, given, "options", "TACIT_STORE_FILE_OPTIONS_INIT",
                        error))
        return false;
    sources =
        (options->key_file != NULL) + (options->passphrase != NULL) + (options->get_key != NULL);
    if (options->directory == NULL || *options->directory == '\0')
        ti_error_argument(error, "options->directory", "is NULL or empty");
    else if (sources != 1)
        ti_error_argument(error, "options",
                          "names not exactly one of key_file, passphrase and get_key");
    else if (options->key_file != NULL && *options->key_file == '\0')
        ti_error_argument(error, "options->key_file", "is empty");
    else if (options->passphrase != NULL && *options->passphrase == '\0')
        ti_error_argument(error, "options->passphrase", "is empty");
    else
        return true;
    return false;
}

static tacit_store *store_of(file_store *self, tacit_error *error) {
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;
    char *description = describe(self);
    tacit_store *store;

    if (description == NULL) {
        ti_error_no_memory(error);
        return NULL;
    }
    ops.record_size_max = TI_SEALED_RECORD_MAX;
    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    ops.release = release;
    ops.last_error = last_error;
    ops.description = description;
    ops.lock_directory = self->directory;
    store = tacit_store_custom(&ops, self, error);
    free(description);
    return store;
}

tacit_store *tacit_store_file(const tacit_store_file_options *options, tacit_error *error) {
    tacit_store_file_options own;
    file_store *self;
    tacit_store *store;

    ti_error_clear(error);
    if (!options_read(&own, options, error)) return NULL;
    if (!ti_crypto_can_seal()) {
        ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                     "This build of tacit cannot encrypt files; it was made with "
                     "TACIT_CRYPTO=none.");
        return NULL;
    }
    self = calloc(1, sizeof *self);
    if (self == NULL) {
        ti_error_no_memory(error);
        return NULL;
    }
    store = begin(self, &own, error) ? store_of(self, error) : NULL;
    if (store == NULL) {
        release(self);
        return NULL;
    }
    self->key_release = own.key_release; /* taken over from here on */
    self->key_data = own.key_data;
    return store;
}
