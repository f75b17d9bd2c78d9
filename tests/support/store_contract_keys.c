/* No key is taken for another. */
#include "support/store_contract_cases.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

/* Saves all under their own name, so that two keys taken for one show. */
static void keep_apart(store_user *user, const char *const *keys, size_t count) {
    char text[32];

    for (size_t i = 0; i < count; i++) {
        snprintf(text, sizeof text, "record %zu", i);
        contract_save_text(user, keys[i], text);
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(text, sizeof text, "record %zu", i);
        assert_stored_text(user, keys[i], text);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(store_user_erase(user, keys[i]), TACIT_OK);
        assert_not_stored(user, keys[i]);
        if (i + 1 < count) {
            snprintf(text, sizeof text, "record %zu", i + 1);
            assert_stored_text(user, keys[i + 1], text);
        }
    }
}

void keys_are_compared_exactly(void **state) {
    store_user *user = &((contract_case *)*state)->user;
    static const char *const keys[] = {
        "https://login.example/ Client user", "https://login.example/ client user",
        "https://login.example/ client User", "https://login.example/ client user ",
        "https://login.example/ client use",  "https://login.example/ client use%",
        "https://login.example/ client *",    "https://login.example/",
    };

    keep_apart(user, keys, sizeof keys / sizeof *keys);
}

void keys_may_hold_any_character(void **state) {
    store_user *user = &((contract_case *)*state)->user;
    static const char *const keys[] = {
        "../../etc/passwd",
        "/",
        "%s%n%d",
        "a=b;c=d&e",
        "\"quoted\" 'quoted' `quoted`",
        "back\\slash $HOME ~ {} [] () <> | ^ # ! ? , : @ +",
        "\xc3\xa4\xc3\xb6\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80",
        "a\xcc\x88", /* a letter and its mark: not the same as the letter in one */
        "\xc3\xa4",
        "-",
    };

    keep_apart(user, keys, sizeof keys / sizeof *keys);
}

void long_keys_differ_in_their_last_byte(void **state) {
    store_user *user = &((contract_case *)*state)->user;
    static char first[10001], second[10001];
    const char *keys[] = {first, second};

    memset(first, 'k', 10000);
    memcpy(second, first, 10000);
    second[9999] = 'l';

    keep_apart(user, keys, 2);
}

void many_keys_live_side_by_side(void **state) {
    store_user *user = &((contract_case *)*state)->user;
    char keys[16][16];
    const char *list[16];

    for (size_t i = 0; i < 16; i++) {
        snprintf(keys[i], sizeof keys[i], "many %zu", i);
        list[i] = keys[i];
    }

    keep_apart(user, list, 16);
}
