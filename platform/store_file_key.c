#include "platform/store_file_key.h"

#include "base/error.h"
#include "base/secret.h"
#include "platform/os.h"

#include <stdlib.h>
#include <string.h>

/* What a passphrase costs: 32 MiB and about a tenth of a second, once for each salt. */
enum { LOG2_N = 15, R = 8, P = 1 };

/* Records of one store have few salts: each process that met none of them draws one. */
#define DERIVED_MAX 8

/* A key that scrypt made of the passphrase. */
typedef struct derived {
    ti_key_recipe recipe;
    ti_secret *key; /* NULL: none */
} derived;

struct ti_key_source {
    /* set at creation, then read-only; one of the three */
    char *directory, *name; /* of the key file */
    ti_secret *passphrase;
    tacit_status (*get_key)(void *, unsigned char *);
    void *key_data;

    derived derived[DERIVED_MAX]; /* those that proved right, the last at `newest` */
    size_t newest;
    bool synced; /* the key file's name is on the disk */
};

/* ------------------------------------------------------------------ the sources */

static bool split(const char *path, ti_key_source *source) {
    const char *slash = strrchr(path, '/');
    size_t size = slash == path ? 1 : (size_t)(slash - path);

    source->directory = strndup(path, size);
    source->name = strdup(slash + 1);
    return source->directory != NULL && source->name != NULL;
}

ti_key_source *ti_key_source_of_file(const char *path) {
    ti_key_source *source = calloc(1, sizeof *source);

    if (source == NULL || split(path, source)) return source;
    ti_key_source_free(source);
    return NULL;
}

ti_key_source *ti_key_source_of_passphrase(const char *passphrase) {
    ti_key_source *source = calloc(1, sizeof *source);

    if (source == NULL) return NULL;
    source->passphrase = ti_secret_from_string(passphrase);
    if (source->passphrase != NULL) return source;
    ti_key_source_free(source);
    return NULL;
}

ti_key_source *ti_key_source_of_app(tacit_status (*get_key)(void *, unsigned char *), void *data) {
    ti_key_source *source = calloc(1, sizeof *source);

    if (source == NULL) return NULL;
    source->get_key = get_key;
    source->key_data = data;
    return source;
}

void ti_key_source_free(ti_key_source *source) {
    if (source == NULL) return;
    for (size_t i = 0; i < DERIVED_MAX; i++) ti_secret_unref(source->derived[i].key);
    ti_secret_unref(source->passphrase);
    free(source->name);
    free(source->directory);
    free(source);
}

char *ti_key_source_describe(const ti_key_source *source) {
    ti_buffer text = TI_BUFFER_INIT;

    if (source->passphrase != NULL) return strdup("a key from a passphrase");
    if (source->get_key != NULL) return strdup("a key from the app");
    ti_buffer_append_string(&text, "the key in ");
    ti_buffer_append_string(&text, source->directory);
    if (strcmp(source->directory, "/") != 0) ti_buffer_append_string(&text, "/");
    ti_buffer_append_string(&text, source->name);
    if (text.failed) ti_buffer_free(&text);
    return text.data;
}

/* ------------------------------------------------------------------ the key file */

static tacit_status read_key(const ti_directory *directory, const char *name,
                             unsigned char key[TI_CRYPTO_KEY_SIZE], tacit_error *error) {
    ti_buffer bytes = TI_BUFFER_SECRET;
    tacit_status status = ti_directory_read(directory, name, TI_CRYPTO_KEY_SIZE, &bytes, error);

    if (status == TACIT_OK && bytes.size != TI_CRYPTO_KEY_SIZE)
        status = ti_error_set(error, TACIT_ERR_STORE_CORRUPT, "%s/%s has %zu bytes, a key has %d",
                              directory->path, name, bytes.size, TI_CRYPTO_KEY_SIZE);
    if (status == TACIT_OK) memcpy(key, bytes.data, TI_CRYPTO_KEY_SIZE);
    ti_buffer_free(&bytes);
    return status;
}

/* TACIT_ERR_STORE_NOT_FOUND: there is none. */
static tacit_status find_key(const ti_key_source *source, unsigned char key[TI_CRYPTO_KEY_SIZE],
                             tacit_error *error) {
    ti_directory directory;
    tacit_status status =
        ti_directory_open(&directory, source->directory, TI_DIRECTORY_TRUSTED, false, error);

    if (status != TACIT_OK) return status;
    status = read_key(&directory, source->name, key, error);
    ti_directory_close(&directory);
    return status;
}

/* The key may come back: it may lie on something that is not plugged in. */
static tacit_status key_is_gone(const ti_key_source *source, tacit_error *error) {
    return ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                        "the key file %s/%s is not there, and without it nothing can be read",
                        source->directory, source->name);
}

/* What lies there afterwards counts: another process may have been faster. */
static tacit_status make_key(const ti_key_source *source, unsigned char key[TI_CRYPTO_KEY_SIZE],
                             tacit_error *error) {
    ti_directory directory;
    tacit_status status =
        ti_directory_open(&directory, source->directory, TI_DIRECTORY_TRUSTED, true, error);

    if (status != TACIT_OK) return status;
    if (ti_os_random(key, TI_CRYPTO_KEY_SIZE))
        status = ti_directory_create(&directory, source->name, key, TI_CRYPTO_KEY_SIZE, error);
    else
        status =
            ti_error_set(error, TACIT_ERR_STORE_FAILED, "there are no random numbers for a key");
    if (status == TACIT_OK) status = read_key(&directory, source->name, key, error);
    ti_directory_close(&directory);
    return status;
}

static tacit_status find_or_make_key(const ti_key_source *source, const ti_directory *records,
                                     unsigned char key[TI_CRYPTO_KEY_SIZE], tacit_error *error) {
    tacit_status status = find_key(source, key, error);
    bool in_use;

    if (status != TACIT_ERR_STORE_NOT_FOUND) return status;
    status = ti_directory_holds(records, TI_RECORD_ENDING, &in_use, error);
    if (status != TACIT_OK) return status;
    if (!in_use) return make_key(source, key, error);
    /* Who made both between the two looks, made the key first. */
    status = find_key(source, key, error);
    return status == TACIT_ERR_STORE_NOT_FOUND ? key_is_gone(source, error) : status;
}

/* Nothing is sealed with a key that a power loss could take: whoever made it may have died before
 * the last step, and left a second name for it. */
static tacit_status sync_key(ti_key_source *source, tacit_error *error) {
    ti_directory directory;
    tacit_status status;

    if (source->synced) return TACIT_OK;
    status = ti_directory_open(&directory, source->directory, TI_DIRECTORY_TRUSTED, false, error);
    if (status == TACIT_ERR_STORE_NOT_FOUND) return key_is_gone(source, error);
    if (status != TACIT_OK) return status;
    ti_directory_clean(&directory, source->name);
    status = ti_directory_sync(&directory, error);
    ti_directory_close(&directory);
    source->synced = status == TACIT_OK;
    return status;
}

/* ------------------------------------------------------------------ the passphrase */

static const derived *find_derived(const ti_key_source *source, const ti_key_recipe *recipe) {
    for (size_t i = 0; i < DERIVED_MAX; i++) {
        const derived *each = &source->derived[i];

        if (each->key != NULL && ti_key_recipe_equal(&each->recipe, recipe)) return each;
    }
    return NULL;
}

static tacit_status derive(const ti_key_source *source, const ti_key_recipe *recipe,
                           unsigned char key[TI_CRYPTO_KEY_SIZE], tacit_error *error) {
    const derived *known = find_derived(source, recipe);
    ti_crypto_result result;

    if (known != NULL) {
        memcpy(key, ti_secret_data(known->key), TI_CRYPTO_KEY_SIZE);
        return TACIT_OK;
    }
    result = ti_crypto_scrypt(ti_secret_data(source->passphrase),
                              ti_secret_size(source->passphrase), recipe->salt, sizeof recipe->salt,
                              recipe->log2_n, recipe->r, recipe->p, key);
    if (result == TI_CRYPTO_OK) return TACIT_OK;
    return ti_error_set(error, TACIT_ERR_STORE_FAILED,
                        "no key could be made of the passphrase: there is no memory (it takes %d "
                        "MiB), or the crypto library has no scrypt",
                        128 * recipe->r * (1 << recipe->log2_n) >> 20);
}

static bool is_current(const ti_key_recipe *recipe) {
    return recipe->log2_n == LOG2_N && recipe->r == R && recipe->p == P;
}

/* The newest that proved right, since that saves work: but only with the cost of today. */
static tacit_status derive_for_sealing(ti_key_source *source, ti_key_recipe *recipe,
                                       unsigned char key[TI_CRYPTO_KEY_SIZE], tacit_error *error) {
    const derived *newest = &source->derived[source->newest];
    tacit_status status;

    if (newest->key != NULL && is_current(&newest->recipe)) {
        *recipe = newest->recipe;
        memcpy(key, ti_secret_data(newest->key), TI_CRYPTO_KEY_SIZE);
        return TACIT_OK;
    }
    *recipe = (ti_key_recipe){.kind = TI_KEY_SCRYPT, .log2_n = LOG2_N, .r = R, .p = P};
    if (!ti_os_random(recipe->salt, sizeof recipe->salt))
        return ti_error_set(error, TACIT_ERR_STORE_FAILED,
                            "there are no random numbers for a salt");
    status = derive(source, recipe, key, error);
    if (status == TACIT_OK) ti_key_was_right(source, recipe, key);
    return status;
}

void ti_key_was_right(ti_key_source *source, const ti_key_recipe *recipe,
                      const unsigned char key[TI_CRYPTO_KEY_SIZE]) {
    derived *slot;

    if (recipe->kind != TI_KEY_SCRYPT || find_derived(source, recipe) != NULL) return;
    source->newest = (source->newest + 1) % DERIVED_MAX;
    slot = &source->derived[source->newest];
    ti_secret_unref(slot->key);
    slot->recipe = *recipe;
    slot->key = ti_secret_new(key, TI_CRYPTO_KEY_SIZE); /* without memory it is made again */
}

/* ------------------------------------------------------------------ the app */

/* Its answer is the store's, but only where it can be: "not found" would deny the record. */
static tacit_status ask_app(const ti_key_source *source, unsigned char key[TI_CRYPTO_KEY_SIZE],
                            tacit_error *error) {
    tacit_status status = source->get_key(source->key_data, key);

    switch (status) {
    case TACIT_OK:
        return TACIT_OK;
    case TACIT_ERR_STORE_LOCKED:
    case TACIT_ERR_STORE_UNAVAILABLE:
    case TACIT_ERR_STORE_CORRUPT:
    case TACIT_ERR_STORE_FAILED:
        return ti_error_set(error, status, "the app's get_key answered %s",
                            tacit_status_name(status));
    default:
        return ti_error_set(error, TACIT_ERR_STORE_FAILED,
                            "the app's get_key answered %s, which it may not",
                            tacit_status_name(status));
    }
}

/* ------------------------------------------------------------------ both ways */

tacit_status ti_key_for_opening(ti_key_source *source, const ti_key_recipe *recipe,
                                unsigned char key[TI_CRYPTO_KEY_SIZE], tacit_error *error) {
    tacit_status status;

    if (source->passphrase != NULL && recipe->kind != TI_KEY_SCRYPT)
        return ti_error_set(
            error, TACIT_ERR_STORE_CORRUPT,
            "the record was sealed with a key, and the store was given a passphrase");
    if (source->passphrase == NULL && recipe->kind == TI_KEY_SCRYPT)
        return ti_error_set(
            error, TACIT_ERR_STORE_CORRUPT,
            "the record was sealed with a passphrase, and the store was given a key");
    if (source->passphrase != NULL) return derive(source, recipe, key, error);
    if (source->get_key != NULL) return ask_app(source, key, error);
    status = find_key(source, key, error);
    return status == TACIT_ERR_STORE_NOT_FOUND ? key_is_gone(source, error) : status;
}

tacit_status ti_key_for_sealing(ti_key_source *source, const ti_directory *records,
                                ti_key_recipe *recipe, unsigned char key[TI_CRYPTO_KEY_SIZE],
                                tacit_error *error) {
    tacit_status status;

    *recipe = (ti_key_recipe){.kind = TI_KEY_RANDOM};
    if (source->passphrase != NULL) return derive_for_sealing(source, recipe, key, error);
    if (source->get_key != NULL) return ask_app(source, key, error);
    status = find_or_make_key(source, records, key, error);
    return status == TACIT_OK ? sync_key(source, error) : status;
}
