#include "platform/store_file_format.h"

#include "base/error.h"
#include "platform/os.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, MAGIC_SIZE = 8, KEY_MARK_SIZE = 8 };

/* Where each part of the header begins. */
enum {
    AT_VERSION = MAGIC_SIZE,
    AT_KIND = 9,
    AT_LOG2_N = 10,
    AT_R = 11,
    AT_P = 12,
    AT_SALT = 16,
    AT_NAME = 32,
    AT_KEY_MARK = 64,
    AT_NONCE = 72,
    AT_SIZE = 84
};

/* What a file may ask of this machine: 128 MiB of memory and about two seconds. */
enum { LOG2_N_MIN = 10, LOG2_N_MAX = 17, R_MAX = 8, P_MAX = 4 };

static const char magic[MAGIC_SIZE] = {'T', 'a', 'c', 'i', 't', 'R', 'e', 'c'};

bool ti_key_recipe_equal(const ti_key_recipe *a, const ti_key_recipe *b) {
    return a->kind == b->kind && a->log2_n == b->log2_n && a->r == b->r && a->p == b->p &&
           memcmp(a->salt, b->salt, sizeof a->salt) == 0;
}

static size_t record_size_of(const unsigned char *header) {
    const unsigned char *at = header + AT_SIZE;

    return (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
}

static tacit_status corrupt(tacit_error *error, const char *what) {
    return ti_error_set(error, TACIT_ERR_STORE_CORRUPT, "%s", what);
}

static tacit_status inspect_size(const unsigned char *header, size_t size, tacit_error *error) {
    size_t expected = TI_SEALED_HEADER_SIZE + record_size_of(header) + TI_CRYPTO_TAG_SIZE;

    if (size < expected)
        return ti_error_set(error, TACIT_ERR_STORE_CORRUPT, "is cut short: %zu of %zu bytes", size,
                            expected);
    if (size > expected) return corrupt(error, "is damaged: there are bytes behind its end");
    return TACIT_OK;
}

static tacit_status inspect_name(const unsigned char *header, const char *name,
                                 tacit_error *error) {
    unsigned char digest[TI_SHA256_SIZE];

    if (!ti_crypto_sha256(name, strlen(name), digest))
        return ti_error_set(error, TACIT_ERR_STORE_FAILED, "cannot be read without memory");
    if (memcmp(header + AT_NAME, digest, sizeof digest) != 0)
        return corrupt(error, "belongs to another sign-in; it was renamed or copied there");
    return TACIT_OK;
}

static tacit_status read_recipe(const unsigned char *header, ti_key_recipe *recipe,
                                tacit_error *error) {
    memset(recipe, 0, sizeof *recipe);
    if (header[AT_KIND] == TI_KEY_RANDOM) return TACIT_OK;
    if (header[AT_KIND] != TI_KEY_SCRYPT)
        return corrupt(error, "is damaged, or made by a later version of tacit");
    recipe->kind = TI_KEY_SCRYPT;
    recipe->log2_n = header[AT_LOG2_N];
    recipe->r = header[AT_R];
    recipe->p = header[AT_P];
    memcpy(recipe->salt, header + AT_SALT, sizeof recipe->salt);
    if (recipe->log2_n < LOG2_N_MIN || recipe->log2_n > LOG2_N_MAX || recipe->r < 1 ||
        recipe->r > R_MAX || recipe->p < 1 || recipe->p > P_MAX)
        return corrupt(error, "asks for more work than a passphrase may cost");
    return TACIT_OK;
}

tacit_status ti_sealed_inspect(const void *file, size_t size, const char *name,
                               ti_key_recipe *recipe, tacit_error *error) {
    const unsigned char *header = file;
    tacit_status status;

    if (size == 0) return corrupt(error, "is empty");
    if (memcmp(header, magic, size < MAGIC_SIZE ? size : MAGIC_SIZE) != 0)
        return corrupt(error, "is not a record of tacit");
    if (size > AT_VERSION && header[AT_VERSION] > VERSION)
        return ti_error_set(error, TACIT_ERR_STORE_CORRUPT,
                            "was made by a later version of tacit (format %d, this one reads %d)",
                            header[AT_VERSION], VERSION);
    if (size < TI_SEALED_HEADER_SIZE)
        return ti_error_set(error, TACIT_ERR_STORE_CORRUPT, "is cut short: %zu bytes", size);
    if (header[AT_VERSION] != VERSION) return corrupt(error, "is damaged: it has no version");
    status = inspect_size(header, size, error);
    if (status == TACIT_OK) status = inspect_name(header, name, error);
    return status == TACIT_OK ? read_recipe(header, recipe, error) : status;
}

/* Says which key it is without saying anything of it: the key is as random as the hash, or as slow
 * to guess as scrypt makes it. */
static bool key_mark(const unsigned char key[TI_CRYPTO_KEY_SIZE],
                     unsigned char mark[KEY_MARK_SIZE]) {
    static const char purpose[] = "tacit record: key";
    unsigned char hashed[sizeof purpose + TI_CRYPTO_KEY_SIZE], digest[TI_SHA256_SIZE];
    bool ok;

    memcpy(hashed, purpose, sizeof purpose);
    memcpy(hashed + sizeof purpose, key, TI_CRYPTO_KEY_SIZE);
    ok = ti_crypto_sha256(hashed, sizeof hashed, digest);
    if (ok) memcpy(mark, digest, KEY_MARK_SIZE);
    ti_os_wipe(hashed, sizeof hashed);
    return ok;
}

/* A sentence for what a crypto library rarely does. */
static tacit_status explain(ti_crypto_result result, tacit_error *error) {
    switch (result) {
    case TI_CRYPTO_OK:
        return TACIT_OK;
    case TI_CRYPTO_MISMATCH:
        return corrupt(error, "is damaged: its seal does not fit");
    case TI_CRYPTO_UNSUPPORTED:
    case TI_CRYPTO_FAILED:
        break;
    }
    return ti_error_set(error, TACIT_ERR_STORE_FAILED,
                        "cannot be sealed or opened: there is no memory, or the crypto library "
                        "has no AES-256-GCM");
}

tacit_status ti_sealed_open(const void *file, size_t size,
                            const unsigned char key[TI_CRYPTO_KEY_SIZE], char **record,
                            size_t *record_size, tacit_error *error) {
    const unsigned char *header = file;
    size_t text_size = size - TI_SEALED_HEADER_SIZE - TI_CRYPTO_TAG_SIZE;
    unsigned char mark[KEY_MARK_SIZE];
    char *text;
    tacit_status status;

    if (!key_mark(key, mark)) return explain(TI_CRYPTO_FAILED, error);
    if (memcmp(mark, header + AT_KEY_MARK, sizeof mark) != 0)
        return corrupt(error, header[AT_KIND] == TI_KEY_SCRYPT
                                  ? "was sealed with another passphrase"
                                  : "was sealed with another key");
    text = malloc(text_size + 1);
    if (text == NULL) return explain(TI_CRYPTO_FAILED, error);
    status =
        explain(ti_crypto_open(key, header + AT_NONCE, header, TI_SEALED_HEADER_SIZE,
                               header + TI_SEALED_HEADER_SIZE, text_size, (unsigned char *)text),
                error);
    if (status != TACIT_OK) {
        free(text);
        return status;
    }
    *record = text;
    *record_size = text_size;
    return TACIT_OK;
}

static bool write_header(const ti_key_recipe *recipe, const char *name,
                         const unsigned char key[TI_CRYPTO_KEY_SIZE], size_t record_size,
                         unsigned char *header) {
    memset(header, 0, TI_SEALED_HEADER_SIZE);
    memcpy(header, magic, sizeof magic);
    header[AT_VERSION] = VERSION;
    header[AT_KIND] = (unsigned char)recipe->kind;
    header[AT_LOG2_N] = recipe->log2_n;
    header[AT_R] = recipe->r;
    header[AT_P] = recipe->p;
    memcpy(header + AT_SALT, recipe->salt, sizeof recipe->salt);
    for (int i = 0; i < 4; i++) header[AT_SIZE + i] = (unsigned char)(record_size >> (24 - 8 * i));
    return ti_crypto_sha256(name, strlen(name), header + AT_NAME) &&
           key_mark(key, header + AT_KEY_MARK) &&
           ti_os_random(header + AT_NONCE, TI_CRYPTO_NONCE_SIZE);
}

tacit_status ti_sealed_make(const ti_key_recipe *recipe, const char *name,
                            const unsigned char key[TI_CRYPTO_KEY_SIZE], const char *record,
                            size_t record_size, ti_buffer *file, tacit_error *error) {
    size_t size = TI_SEALED_HEADER_SIZE + record_size + TI_CRYPTO_TAG_SIZE;
    unsigned char *header;

    ti_buffer_clear(file);
    if (!ti_buffer_reserve(file, size)) return explain(TI_CRYPTO_FAILED, error);
    header = (unsigned char *)file->data;
    if (!write_header(recipe, name, key, record_size, header))
        return ti_error_set(error, TACIT_ERR_STORE_FAILED,
                            "cannot be sealed: the system has no random numbers");
    file->size = size;
    return explain(ti_crypto_seal(key, header + AT_NONCE, header, TI_SEALED_HEADER_SIZE, record,
                                  record_size, header + TI_SEALED_HEADER_SIZE),
                   error);
}
