#include "platform/store_file_format.h"

#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "https://issuer.example client default"

static const unsigned char key[TI_CRYPTO_KEY_SIZE] = "0123456789abcdef0123456789abcdef";

/* Where things lie; stated here again, since files made today have to be read for ever. */
enum { VERSION_AT = 8, KIND_AT = 9, LOG2_N_AT = 10, R_AT = 11, P_AT = 12, BODY_AT = 88 };

static const ti_key_recipe random_key = {.kind = TI_KEY_RANDOM};

static ti_buffer sealed(const ti_key_recipe *recipe, const char *record, size_t size) {
    ti_buffer file = TI_BUFFER_INIT;

    assert_int_equal(ti_sealed_make(recipe, NAME, key, record, size, &file, NULL), TACIT_OK);
    return file;
}

/* Reads a file from a block of its size, so that a sanitizer sees what is read beyond it. */
static tacit_status read_file(const void *file, size_t size, const char *name,
                              const unsigned char *with, char **record, size_t *record_size,
                              tacit_error *error) {
    char *copy = malloc(size + (size == 0));
    ti_key_recipe recipe;
    tacit_status status;

    if (size > 0) memcpy(copy, file, size);
    status = ti_sealed_inspect(copy, size, name, &recipe, error);
    if (status == TACIT_OK) status = ti_sealed_open(copy, size, with, record, record_size, error);
    free(copy);
    return status;
}

static void assert_reads(const ti_buffer *file, const char *expected, size_t expected_size) {
    char *record = NULL;
    size_t size = 0;

    assert_int_equal(read_file(file->data, file->size, NAME, key, &record, &size, NULL), TACIT_OK);
    assert_int_equal(size, expected_size);
    if (size > 0) assert_memory_equal(record, expected, size);
    free(record);
}

static void assert_corrupt(const void *file, size_t size, const char *name,
                           const unsigned char *with, const char *sentence) {
    char *record = NULL;
    size_t record_size;
    tacit_error error;

    assert_int_equal(read_file(file, size, name, with, &record, &record_size, &error),
                     TACIT_ERR_STORE_CORRUPT);
    assert_null(record);
    if (strstr(error.message, sentence) == NULL)
        fail_msg("\"%s\" instead of \"... %s ...\"", error.message, sentence);
}

static void what_was_sealed_is_read_back(void **state) {
    static const size_t sizes[] = {0, 1, 100, 65536, TI_SEALED_RECORD_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *record = malloc(sizes[i] + 1);
        ti_buffer file;

        for (size_t k = 0; k < sizes[i]; k++) record[k] = (char)(k * 7);
        file = sealed(&random_key, record, sizes[i]);
        assert_true(file.size <= TI_SEALED_FILE_MAX);
        assert_reads(&file, record, sizes[i]);
        ti_buffer_free(&file);
        free(record);
    }
}

static void a_file_of_the_first_version_is_read_for_ever(void **state) {
    static const unsigned char file[] = {
        0x54, 0x61, 0x63, 0x69, 0x74, 0x52, 0x65, 0x63, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x38, 0xc2, 0x4f, 0xf5, 0x2a, 0xef, 0x80, 0x6e, 0x08, 0xaa, 0x77, 0xb4, 0x06,
        0xe3, 0x3f, 0x62, 0xe9, 0x0a, 0x27, 0x92, 0xab, 0x73, 0xbb, 0xdb, 0xb2, 0xbf, 0xc0, 0x1b,
        0x0a, 0xc5, 0x85, 0xd1, 0xf0, 0x7d, 0xbb, 0x8e, 0x9c, 0x5a, 0xe5, 0xde, 0x2f, 0x89, 0x27,
        0x63, 0x66, 0xb6, 0x8e, 0xa3, 0xfb, 0x2d, 0x8f, 0x42, 0x00, 0x00, 0x00, 0x0a, 0x42, 0xaa,
        0x2f, 0x8c, 0x7c, 0xb9, 0x77, 0x07, 0x07, 0xcc, 0x72, 0xf5, 0x0b, 0x03, 0x41, 0xbd, 0x88,
        0x0a, 0x52, 0x9f, 0xec, 0xaa, 0xe5, 0x32, 0x49, 0x80,
    };
    ti_buffer bytes = {.data = (char *)(uintptr_t)file, .size = sizeof file};

    (void)state;
    assert_reads(&bytes, "the record", 10);
}

static void the_record_cannot_be_seen_in_the_file(void **state) {
    ti_buffer file = sealed(&random_key, "refresh-token-0123456789", 24);

    (void)state;
    assert_null(memmem(file.data, file.size, "refresh", 7));
    assert_null(memmem(file.data, file.size, "https://issuer", 14));
    assert_null(memmem(file.data, file.size, key, 8));
    ti_buffer_free(&file);
}

static void the_same_record_is_never_sealed_the_same(void **state) {
    ti_buffer a = sealed(&random_key, "record", 6), b = sealed(&random_key, "record", 6);

    (void)state;
    assert_int_equal(a.size, b.size);
    assert_memory_not_equal(a.data + BODY_AT, b.data + BODY_AT, a.size - BODY_AT);
    ti_buffer_free(&a);
    ti_buffer_free(&b);
}

static void every_changed_bit_is_noticed(void **state) {
    ti_buffer file = sealed(&random_key, "record", 6);

    (void)state;
    for (size_t bit = 0; bit < 8 * file.size; bit++) {
        file.data[bit / 8] ^= (char)(1 << bit % 8);
        assert_corrupt(file.data, file.size, NAME, key, "");
        file.data[bit / 8] ^= (char)(1 << bit % 8);
    }
    assert_reads(&file, "record", 6);
    ti_buffer_free(&file);
}

static void every_cut_is_noticed(void **state) {
    ti_buffer file = sealed(&random_key, "record", 6);

    (void)state;
    assert_corrupt(file.data, 0, NAME, key, "is empty");
    for (size_t size = 1; size < file.size; size++)
        assert_corrupt(file.data, size, NAME, key, "is cut short");
    ti_buffer_free(&file);
}

static void each_trouble_has_its_sentence(void **state) {
    ti_key_recipe scrypt = {.kind = TI_KEY_SCRYPT, .log2_n = 15, .r = 8, .p = 1};
    unsigned char other_key[TI_CRYPTO_KEY_SIZE] = {1};
    ti_buffer file = sealed(&random_key, "record", 6), phrase = sealed(&scrypt, "record", 6);

    (void)state;
    assert_corrupt(file.data, file.size, NAME, other_key, "was sealed with another key");
    assert_corrupt(phrase.data, phrase.size, NAME, other_key, "was sealed with another passphrase");
    assert_corrupt(file.data, file.size, NAME "2", key, "belongs to another sign-in");
    assert_corrupt("{\"a\":1}", 7, NAME, key, "is not a record of tacit");
    assert_corrupt("T", 1, NAME, key, "is cut short");
    file.data[file.size - 1] ^= 1;
    assert_corrupt(file.data, file.size, NAME, key, "is damaged: its seal does not fit");
    ti_buffer_append(&file, "x", 1);
    assert_corrupt(file.data, file.size, NAME, key, "is damaged: there are bytes behind its end");
    file.data[VERSION_AT] = 2;
    assert_corrupt(file.data, file.size, NAME, key, "was made by a later version of tacit");
    assert_corrupt(file.data, 20, NAME, key, "was made by a later version of tacit");
    file.data[VERSION_AT] = 0;
    assert_corrupt(file.data, file.size, NAME, key, "is damaged: it has no version");
    ti_buffer_free(&file);
    ti_buffer_free(&phrase);
}

static void a_file_cannot_ask_for_endless_work(void **state) {
    static const struct {
        unsigned char log2_n, r, p;
        bool taken;
    } cases[] = {
        {15, 8, 1, true},   {10, 1, 1, true},  {17, 8, 4, true},  {18, 8, 1, false},
        {255, 8, 1, false}, {9, 8, 1, false},  {0, 8, 1, false},  {15, 9, 1, false},
        {15, 0, 1, false},  {15, 8, 5, false}, {15, 8, 0, false}, {63, 255, 255, false},
    };
    ti_key_recipe scrypt = {.kind = TI_KEY_SCRYPT, .log2_n = 15, .r = 8, .p = 1, .salt = "salt"};
    ti_buffer file = sealed(&scrypt, "record", 6);
    ti_key_recipe recipe;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        file.data[LOG2_N_AT] = (char)cases[i].log2_n;
        file.data[R_AT] = (char)cases[i].r;
        file.data[P_AT] = (char)cases[i].p;
        assert_int_equal(ti_sealed_inspect(file.data, file.size, NAME, &recipe, NULL),
                         cases[i].taken ? TACIT_OK : TACIT_ERR_STORE_CORRUPT);
        if (cases[i].taken) assert_memory_equal(recipe.salt, scrypt.salt, sizeof recipe.salt);
    }
    file.data[KIND_AT] = 2;
    assert_corrupt(file.data, file.size, NAME, key, "or made by a later version");
    ti_buffer_free(&file);
}

static void a_recipe_comes_back_whole(void **state) {
    ti_key_recipe scrypt = {.kind = TI_KEY_SCRYPT, .log2_n = 12, .r = 7, .p = 3}, back;
    ti_buffer file;

    (void)state;
    for (size_t i = 0; i < sizeof scrypt.salt; i++) scrypt.salt[i] = (unsigned char)(200 + i);
    file = sealed(&scrypt, "record", 6);

    assert_int_equal(ti_sealed_inspect(file.data, file.size, NAME, &back, NULL), TACIT_OK);

    assert_true(ti_key_recipe_equal(&back, &scrypt));
    back.salt[15] ^= 1;
    assert_false(ti_key_recipe_equal(&back, &scrypt));
    ti_buffer_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_sealed_is_read_back),
        cmocka_unit_test(a_file_of_the_first_version_is_read_for_ever),
        cmocka_unit_test(the_record_cannot_be_seen_in_the_file),
        cmocka_unit_test(the_same_record_is_never_sealed_the_same),
        cmocka_unit_test(every_changed_bit_is_noticed),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(each_trouble_has_its_sentence),
        cmocka_unit_test(a_file_cannot_ask_for_endless_work),
        cmocka_unit_test(a_recipe_comes_back_whole),
    };

    if (!ti_crypto_can_seal()) return 0; /* unit/test_store_file has what is left then */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
