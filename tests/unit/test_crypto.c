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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_matches_the_examples_of_the_standard),
        cmocka_unit_test(sha256_pads_every_length_right),
        cmocka_unit_test(sha256_of_a_million_letters),
        cmocka_unit_test(sha256_of_nothing_needs_no_pointer),
        cmocka_unit_test(sha256_takes_any_alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
