#include "support/store_contract.h"

#include "support/store_contract_cases.h"

#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

void contract_save_text(store_user *user, const char *key, const char *text) {
    assert_int_equal(store_user_save(user, key, text, strlen(text)), TACIT_OK);
}

char *contract_binary(size_t size) {
    char *bytes = malloc(size + 1);
    unsigned state = 12345;

    for (size_t i = 0; i < size; i++) {
        state = state * 1103515245 + 12345;
        bytes[i] = (char)(state >> 16);
    }
    return bytes;
}

static int set_up(void **state) {
    const store_contract *contract = *state;
    contract_case *self = calloc(1, sizeof *self);

    self->contract = contract;
    store_user_open(&self->user, contract->make(contract->data));
    *state = self;
    return 0;
}

static int tear_down(void **state) {
    contract_case *self = *state;

    store_user_close(&self->user);
    free(self);
    return 0;
}

#define CASE(name)                                                                                 \
    { #name, name, set_up, tear_down, (void *)contract }

int store_contract_run(const store_contract *contract) {
    const struct CMUnitTest tests[] = {
        CASE(records_of_all_sizes_come_back),
        CASE(the_largest_record_comes_back_and_one_byte_more_loses_nothing),
        CASE(text_comes_back_as_it_was),
        CASE(nuls_are_bytes_like_others),
        CASE(a_save_replaces),
        CASE(what_was_never_saved_is_not_found),
        CASE(erase_is_fine_with_nothing_there),
        CASE(keys_are_compared_exactly),
        CASE(keys_may_hold_any_character),
        CASE(long_keys_differ_in_their_last_byte),
        CASE(many_keys_live_side_by_side),
        CASE(another_store_object_finds_the_records),
        CASE(threads_do_not_disturb_each_other),
        CASE(processes_do_not_disturb_each_other),
        CASE(a_locked_store_is_not_an_empty_one),
        CASE(a_store_that_is_away_comes_back_as_it_was),
        CASE(a_damaged_record_is_corrupt_until_it_is_replaced),
        CASE(a_load_that_hangs_is_left_behind),
        CASE(a_save_that_hangs_ends_late_and_whole),
    };

    return cmocka_run_group_tests_name(contract->name, tests, NULL, NULL);
}
