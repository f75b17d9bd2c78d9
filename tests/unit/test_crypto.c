#include "platform/crypto.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static void assert_sha256(const void *data, size_t size, const char *expected, const char *what) {
    unsigned char digest[TI_SHA256_SIZE];
    char hex[2 * TI_SHA256_SIZE + 1];
    assert_true(ti_crypto_sha256(data, size, digest));
    for (size_t i = 0; i < TI_SHA256_SIZE; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    if (strcmp(hex, expected) != 0) fail_msg("%s: %s", what, hex);
}

static void sha256_matches_the_examples_of_the_standard(void **state) {
    (void)state;
    static const struct {
        const char *text, *digest;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
         "lmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_sha256(cases[i].text, strlen(cases[i].text), cases[i].digest, cases[i].text);
    }
}

/* Padding takes one block or two, and the length may fill the last one to the byte. */
static void sha256_pads_every_length_right(void **state) {
    (void)state;
    static const struct {
        size_t size;
        const char *digest;
    } cases[] = {
        {0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {1, "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"},
        {3, "ce562c676ea7aba9812f54db146b0096011bf3e423edfb0a6f8fb2b02674a801"},
        {54, "5556be1c204be4be0266d24d065b006343ecd327c0adbc0c98db3a359eb7a9b6"},
        {55, "16fa57a0a3423a715d594516339f36189d6b5f93754a9714fef202616a9fabfe"},
        {56, "c37b44e5f1b18554b36966f4f8e08bfbf3164c4b6c10374d12d89850892073c5"},
        {57, "12b234922502022f755ab8550a3d4e202ad39c81d961a4f59ec39d5fd83d15a7"},
        {63, "bbba992d2c85af960fb2987a1fd05e0aa82a3db3c740dd8982a9e273b75e36a3"},
        {64, "66bd4633ed6f71c4ecfa4763bf7ba1c8ec7612de9aa6c0578a7b675207c71e0b"},
        {65, "9f7dc47107b750a1f3d35db5d9547f24ef40da5b731b9540d4f43710a154f6c9"},
        {119, "a3ed307b730fa77c07531300c6e4a282330011d4d4caf6bb7b63ae05950f4b66"},
        {120, "8e3b15d9fea7472655aa069620b7f8c2e55ee1499f763200a7515fe826e99d20"},
        {127, "44480fb9672845177f5368a08b69ea263275f2a5ec42e06a933370fe0d2968a4"},
        {128, "e462c130fef8c97e34f7dc3ff3ad2f8b3533ab849af21c10531552a2852387a4"},
        {129, "aa7ea4e8bf89146aeb67ff195fd8182a0e504c9d580aa7af8d2c862e14b98405"},
        {1000, "095ecb62e30793ab4b954cd6a0586d0cc91f7ea5b1332694d8da780e98676d78"},
    };
    unsigned char data[1000];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)(i * 7 + 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char what[30];
        snprintf(what, sizeof what, "%zu bytes", cases[i].size);
        assert_sha256(data, cases[i].size, cases[i].digest, what);
    }
}

static void sha256_of_a_million_letters(void **state) {
    (void)state;
    static char data[1000000];
    memset(data, 'a', sizeof data);

    assert_sha256(data, sizeof data,
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", "a million");
}

static void sha256_of_nothing_needs_no_pointer(void **state) {
    (void)state;

    assert_sha256(NULL, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                  "NULL");
}

static void sha256_takes_any_alignment(void **state) {
    (void)state;
    char data[80] = "";
    for (size_t shift = 0; shift < 8; shift++) {
        memcpy(data + shift, "abc", 3);
        assert_sha256(data + shift, 3,
                      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "shift");
    }
}

/* The bytes of a text of hexadecimal digits. */
static size_t bytes_of(const char *hex, unsigned char *bytes) {
    size_t size = strlen(hex) / 2;
    for (size_t i = 0; i < size; i++) {
        unsigned byte = 0;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        bytes[i] = (unsigned char)byte;
    }
    return size;
}

#define ZERO_KEY "0000000000000000000000000000000000000000000000000000000000000000"
#define ZERO_NONCE "000000000000000000000000"

/* Test cases 13 to 16 of the submission of GCM to NIST: those for keys of 256 bits. */
static const struct {
    const char *key, *nonce, *bound, *text, *sealed;
} gcm_cases[] = {
    {ZERO_KEY, ZERO_NONCE, "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {ZERO_KEY, ZERO_NONCE, "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
     "b094dac5d93471bdec1a502270e3cc6c"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void sealing_matches_the_examples_of_the_standard(void **state) {
    (void)state;
    if (!ti_crypto_can_seal()) skip();
    for (size_t i = 0; i < sizeof gcm_cases / sizeof gcm_cases[0]; i++) {
        unsigned char key[TI_CRYPTO_KEY_SIZE], nonce[TI_CRYPTO_NONCE_SIZE], bound[64], text[64];
        unsigned char expected[80], sealed[80], opened[64];
        size_t size = bytes_of(gcm_cases[i].text, text);
        size_t bound_size = bytes_of(gcm_cases[i].bound, bound);
        bytes_of(gcm_cases[i].key, key);
        bytes_of(gcm_cases[i].nonce, nonce);
        assert_int_equal(bytes_of(gcm_cases[i].sealed, expected), size + TI_CRYPTO_TAG_SIZE);

        assert_int_equal(ti_crypto_seal(key, nonce, bound, bound_size, text, size, sealed),
                         TI_CRYPTO_OK);
        assert_memory_equal(sealed, expected, size + TI_CRYPTO_TAG_SIZE);
        assert_int_equal(ti_crypto_open(key, nonce, bound, bound_size, sealed, size, opened),
                         TI_CRYPTO_OK);
        if (size > 0) assert_memory_equal(opened, text, size);
    }
}

/* Whatever is changed by one bit: key, nonce, what is bound, text or tag. */
static void a_changed_bit_breaks_the_seal(void **state) {
    (void)state;
    if (!ti_crypto_can_seal()) skip();
    enum { SIZE = 20, BOUND = 5 };
    /* key, nonce, bound, sealed: side by side, so that one loop reaches them all */
    unsigned char
        all[TI_CRYPTO_KEY_SIZE + TI_CRYPTO_NONCE_SIZE + BOUND + SIZE + TI_CRYPTO_TAG_SIZE];
    unsigned char *nonce = all + TI_CRYPTO_KEY_SIZE, *bound = nonce + TI_CRYPTO_NONCE_SIZE;
    unsigned char *sealed = bound + BOUND, text[SIZE], nothing[SIZE] = {0};
    for (size_t i = 0; i < sizeof all; i++) all[i] = (unsigned char)(3 * i);
    memset(text, 'x', sizeof text);
    assert_int_equal(ti_crypto_seal(all, nonce, bound, BOUND, text, SIZE, sealed), TI_CRYPTO_OK);

    for (size_t bit = 0; bit < 8 * sizeof all; bit++) {
        all[bit / 8] ^= (unsigned char)(1 << bit % 8);
        memset(text, 'y', sizeof text);
        assert_int_equal(ti_crypto_open(all, nonce, bound, BOUND, sealed, SIZE, text),
                         TI_CRYPTO_MISMATCH);
        assert_memory_equal(text, nothing, SIZE);
        all[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    assert_int_equal(ti_crypto_open(all, nonce, bound, BOUND, sealed, SIZE, text), TI_CRYPTO_OK);
    assert_int_equal(ti_crypto_open(all, nonce, bound, BOUND - 1, sealed, SIZE, text),
                     TI_CRYPTO_MISMATCH);
}

static void scrypt_matches_the_examples_of_the_standard(void **state) {
    (void)state;
    if (!ti_crypto_can_seal()) skip();
    static const struct { /* RFC 7914 section 12; the last one takes a gigabyte */
        const char *passphrase, *salt;
        unsigned log2_n, r, p;
        const char *key;
    } cases[] = {
        {"", "", 4, 1, 1, "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"},
        {"password", "NaCl", 10, 8, 16,
         "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"},
        {"pleaseletmein", "SodiumChloride", 14, 8, 1,
         "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char expected[TI_CRYPTO_KEY_SIZE], key[TI_CRYPTO_KEY_SIZE];
        bytes_of(cases[i].key, expected);

        assert_int_equal(ti_crypto_scrypt(cases[i].passphrase, strlen(cases[i].passphrase),
                                          (const unsigned char *)cases[i].salt,
                                          strlen(cases[i].salt), cases[i].log2_n, cases[i].r,
                                          cases[i].p, key),
                         TI_CRYPTO_OK);
        assert_memory_equal(key, expected, sizeof key);
    }
}

/* N = 2^17 and r = 8, the most that a store takes from a file: the crypto library's own bound of
 * memory, 32 MiB, is lower. */
static void scrypt_gets_the_memory_that_it_needs(void **state) {
    (void)state;
    unsigned char salt[16] = {1}, key[TI_CRYPTO_KEY_SIZE];
    if (!ti_crypto_can_seal()) skip();

    assert_int_equal(ti_crypto_scrypt("p", 1, salt, sizeof salt, 17, 8, 1, key), TI_CRYPTO_OK);
    assert_int_equal(ti_crypto_scrypt("p", 1, salt, sizeof salt, 10, 1, 4, key), TI_CRYPTO_OK);
}

static void scrypt_refuses_what_makes_no_sense(void **state) {
    (void)state;
    unsigned char salt[16] = {1}, key[TI_CRYPTO_KEY_SIZE], nothing[TI_CRYPTO_KEY_SIZE] = {0};
    if (!ti_crypto_can_seal()) skip();
    memset(key, 'x', sizeof key);

    assert_int_equal(ti_crypto_scrypt("p", 1, salt, sizeof salt, 10, 0, 1, key), TI_CRYPTO_FAILED);

    assert_memory_equal(key, nothing, sizeof key);
    assert_int_equal(ti_crypto_scrypt("p", 1, salt, sizeof salt, 0, 8, 1, key), TI_CRYPTO_FAILED);
    assert_int_equal(ti_crypto_scrypt("p", 1, salt, sizeof salt, 64, 8, 1, key), TI_CRYPTO_FAILED);
}

static void a_build_that_cannot_seal_says_so(void **state) {
    (void)state;
    unsigned char key[TI_CRYPTO_KEY_SIZE] = {0}, nonce[TI_CRYPTO_NONCE_SIZE] = {0};
    unsigned char sealed[1 + TI_CRYPTO_TAG_SIZE], text[1];
    if (ti_crypto_can_seal()) skip();

    assert_int_equal(ti_crypto_seal(key, nonce, "", 0, "x", 1, sealed), TI_CRYPTO_UNSUPPORTED);
    assert_int_equal(ti_crypto_open(key, nonce, "", 0, sealed, 1, text), TI_CRYPTO_UNSUPPORTED);
    assert_int_equal(ti_crypto_scrypt("", 0, nonce, sizeof nonce, 10, 8, 1, key),
                     TI_CRYPTO_UNSUPPORTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_matches_the_examples_of_the_standard),
        cmocka_unit_test(sha256_pads_every_length_right),
        cmocka_unit_test(sha256_of_a_million_letters),
        cmocka_unit_test(sha256_of_nothing_needs_no_pointer),
        cmocka_unit_test(sha256_takes_any_alignment),
        cmocka_unit_test(sealing_matches_the_examples_of_the_standard),
        cmocka_unit_test(a_changed_bit_breaks_the_seal),
        cmocka_unit_test(scrypt_matches_the_examples_of_the_standard),
        cmocka_unit_test(scrypt_gets_the_memory_that_it_needs),
        cmocka_unit_test(scrypt_refuses_what_makes_no_sense),
        cmocka_unit_test(a_build_that_cannot_seal_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
