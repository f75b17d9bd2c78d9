/* What lies in a file of the encrypted store. What opens must be what was sealed; nothing else may
 * open, and no file may ask for more work than is within reason. */
#include "platform/store_file_format.h"

#include <stdlib.h>
#include <string.h>

#include <tacit/error.h>

#define NAME "https://i c default"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char key[TI_CRYPTO_KEY_SIZE] = "a key that everyone may know now";

static void require(bool holds) {
    if (!holds) abort();
}

static void check_recipe(const ti_key_recipe *recipe) {
    require(recipe->kind == TI_KEY_RANDOM || recipe->kind == TI_KEY_SCRYPT);
    if (recipe->kind != TI_KEY_SCRYPT) return;
    require(recipe->log2_n >= 10 && recipe->r > 0 && recipe->p > 0);
    require(((size_t)128 << recipe->log2_n) * recipe->r <= (size_t)128 << 20);
}

/* Sealed again, it opens again as the same. */
static void check_again(const ti_key_recipe *recipe, const char *record, size_t size) {
    ti_buffer file = TI_BUFFER_INIT;
    ti_key_recipe back;
    char *copy = NULL;
    size_t copy_size;

    require(ti_sealed_make(recipe, NAME, key, record, size, &file, NULL) == TACIT_OK);
    require(ti_sealed_inspect(file.data, file.size, NAME, &back, NULL) == TACIT_OK);
    require(ti_key_recipe_equal(&back, recipe));
    require(ti_sealed_open(file.data, file.size, key, &copy, &copy_size, NULL) == TACIT_OK);
    require(copy_size == size && memcmp(copy, record, size) == 0);
    free(copy);
    ti_buffer_free(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ti_key_recipe recipe;
    tacit_error error;
    char *record = NULL;
    size_t record_size = 0;
    tacit_status status = ti_sealed_inspect(data, size, NAME, &recipe, &error);

    if (status == TACIT_OK) {
        check_recipe(&recipe);
        status = ti_sealed_open(data, size, key, &record, &record_size, &error);
    }
    if (status == TACIT_OK) {
        check_again(&recipe, record, record_size);
    } else {
        require(status == TACIT_ERR_STORE_CORRUPT && record == NULL);
        require(error.status == status && error.message[0] != '\0');
    }
    free(record);
    return 0;
}
