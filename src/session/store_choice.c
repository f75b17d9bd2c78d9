#include "session/store_choice.h"

#include "base/buffer.h"
#include "base/error.h"
#include "platform/crypto.h"
#include "platform/store_file_directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_BYTES = 16, TEXT_MAX = 64 };

static const char *const texts[TI_CHOICES] = {
    [TI_CHOICE_KEYRING] = "tacit 1 keyring\n", [TI_CHOICE_FILE] = "tacit 1 file\n"};

char *ti_choice_name(const char *application_id, const char *ending) {
    unsigned char digest[TI_SHA256_SIZE];
    size_t size = 2 * HASH_BYTES + strlen(ending) + 1;
    char *name = malloc(size);

    if (name == NULL) return NULL;
    if (!ti_crypto_sha256(application_id, strlen(application_id), digest)) {
        free(name);
        return NULL;
    }
    for (int i = 0; i < HASH_BYTES; i++) snprintf(name + 2 * i, 3, "%02x", digest[i]);
    memcpy(name + 2 * HASH_BYTES, ending, strlen(ending) + 1);
    return name;
}

/* Whole, or it is from a later version. */
static ti_choice parse(const char *text, size_t size) {
    for (int i = 0; i < TI_CHOICES; i++)
        if (size == strlen(texts[i]) && memcmp(text, texts[i], size) == 0) return (ti_choice)i;
    return TI_CHOICE_NONE;
}

static tacit_status read_in(const ti_directory *directory, const char *name, ti_choice *choice,
                            tacit_error *error) {
    ti_buffer text = TI_BUFFER_INIT;
    tacit_status status = ti_directory_read(directory, name, TEXT_MAX, &text, error);

    if (status == TACIT_OK) *choice = parse(text.data, text.size);
    ti_buffer_free(&text);
    if (status == TACIT_OK && *choice == TI_CHOICE_NONE)
        return ti_error_set(error, TACIT_ERR_STORE_CORRUPT,
                            "%s/%s, which says in which store the sign-in is, says nothing that "
                            "this version understands",
                            directory->path, name);
    return status;
}

static tacit_status read_from(const char *path, const char *name, ti_choice *choice,
                              tacit_error *error) {
    ti_directory directory;
    tacit_status status = ti_directory_open(&directory, path, TI_DIRECTORY_OURS, false, error);

    if (status != TACIT_OK) return status;
    status = read_in(&directory, name, choice, error);
    ti_directory_close(&directory);
    return status;
}

tacit_status ti_choice_recall(const char *directory, const char *application_id, ti_choice *choice,
                              tacit_error *error) {
    char *name = ti_choice_name(application_id, ".store");
    tacit_status status;

    *choice = TI_CHOICE_NONE;
    if (name == NULL) return ti_error_set(error, TACIT_ERR_STORE_FAILED, "there is no memory");
    status = read_from(directory, name, choice, error);
    free(name);
    return status == TACIT_ERR_STORE_NOT_FOUND ? ti_error_clear(error) : status;
}

static void write_to(const char *path, const char *name, const char *text) {
    tacit_error ignored;
    ti_directory directory;

    if (ti_directory_open(&directory, path, TI_DIRECTORY_OURS, true, &ignored) != TACIT_OK) return;
    ti_directory_create(&directory, name, text, strlen(text), &ignored);
    ti_directory_close(&directory);
}

void ti_choice_remember(const char *directory, const char *application_id, ti_choice choice) {
    char *name = ti_choice_name(application_id, ".store");

    if (name == NULL) return;
    write_to(directory, name, texts[choice]);
    free(name);
}
