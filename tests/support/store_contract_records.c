/* Records come back byte for byte, or are known not to be there. */
#include "support/store_contract_cases.h"

#include "session/store.h"
#include "support/unit.h"

#include <stdlib.h>

void records_of_all_sizes_come_back(void **state) {
    store_user *user = &((contract_case *)*state)->user;
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4096, 65536, 1 << 20, 3, 0};
    size_t max = user->store->ops.record_size_max;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *bytes;

        if (max > 0 && sizes[i] > max) continue;
        bytes = contract_binary(sizes[i]);
        assert_int_equal(store_user_save(user, "sizes", bytes, sizes[i]), TACIT_OK);
        assert_stored(user, "sizes", bytes, sizes[i]);
        free(bytes);
    }
}

void the_largest_record_comes_back_and_one_byte_more_loses_nothing(void **state) {
    contract_case *self = *state;
    store_user *user = &self->user;
    const tacit_store_ops *ops = &user->store->ops;
    size_t max = ops->record_size_max, room = self->contract->room;
    char *bytes;

    if (max == 0 || (room > 0 && room < max)) skip();
    bytes = contract_binary(max + 1);
    assert_int_equal(store_user_save(user, "largest", bytes, max), TACIT_OK);
    assert_stored(user, "largest", bytes, max);

    assert_int_equal(store_user_save(user, "largest", bytes, max + 1), TACIT_ERR_STORE_TOO_LARGE);
    assert_int_equal(ops->save(user->store->data, "largest", bytes, max + 1),
                     TACIT_ERR_STORE_TOO_LARGE); /* by itself, too */

    assert_stored(user, "largest", bytes, max);
    assert_int_equal(store_user_erase(user, "largest"), TACIT_OK);
    free(bytes);
}

void text_comes_back_as_it_was(void **state) {
    store_user *user = &((contract_case *)*state)->user;
    static const char *const texts[] = {
        "{\"refresh_token\":\"r\"}", " blanks \t\r\n\n ",  "gr\xc3\xbc\xc3\x9f",
        "not utf-8: \xff\xfe\x80",   "trailing newline\n",
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        contract_save_text(user, "texts", texts[i]);
        assert_stored_text(user, "texts", texts[i]);
    }
}

void nuls_are_bytes_like_others(void **state) {
    store_user *user = &((contract_case *)*state)->user;
    static const char bytes[] = "\0a\0\0b\0";

    assert_int_equal(store_user_save(user, "nuls", bytes, sizeof bytes), TACIT_OK);

    assert_stored(user, "nuls", bytes, sizeof bytes);
}

void a_save_replaces(void **state) {
    store_user *user = &((contract_case *)*state)->user;

    contract_save_text(user, "replaced", "a long first record");
    contract_save_text(user, "replaced", "second");
    assert_stored_text(user, "replaced", "second");

    assert_int_equal(store_user_erase(user, "replaced"), TACIT_OK);
    assert_not_stored(user, "replaced"); /* the first does not come to light */
}

void what_was_never_saved_is_not_found(void **state) {
    store_user *user = &((contract_case *)*state)->user;

    assert_not_stored(user, "never");
}

void erase_is_fine_with_nothing_there(void **state) {
    store_user *user = &((contract_case *)*state)->user;

    contract_save_text(user, "erased", "x");
    assert_int_equal(store_user_erase(user, "erased"), TACIT_OK);
    assert_not_stored(user, "erased");
    assert_int_equal(store_user_erase(user, "erased"), TACIT_OK);
    assert_int_equal(store_user_erase(user, "never there"), TACIT_OK);

    contract_save_text(user, "erased", "again");
    assert_stored_text(user, "erased", "again");
}
