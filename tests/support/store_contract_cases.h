/* The cases of the contract, for store_contract.c only. */
#ifndef TEST_STORE_CONTRACT_CASES_H
#define TEST_STORE_CONTRACT_CASES_H

#include "support/store_contract.h"

typedef struct contract_case {
    const store_contract *contract;
    store_user user;
} contract_case;

void contract_save_text(store_user *user, const char *key, const char *text);
/* size bytes of every value, in no order that a filter could like; free() them. */
char *contract_binary(size_t size);

/* store_contract_records.c */
void records_of_all_sizes_come_back(void **state);
void the_largest_record_comes_back_and_one_byte_more_loses_nothing(void **state);
void text_comes_back_as_it_was(void **state);
void nuls_are_bytes_like_others(void **state);
void a_save_replaces(void **state);
void what_was_never_saved_is_not_found(void **state);
void erase_is_fine_with_nothing_there(void **state);
/* store_contract_keys.c */
void keys_are_compared_exactly(void **state);
void keys_may_hold_any_character(void **state);
void long_keys_differ_in_their_last_byte(void **state);
void many_keys_live_side_by_side(void **state);
/* store_contract_sharing.c */
void another_store_object_finds_the_records(void **state);
void threads_do_not_disturb_each_other(void **state);
void processes_do_not_disturb_each_other(void **state);
/* store_contract_troubles.c */
void a_locked_store_is_not_an_empty_one(void **state);
void a_store_that_is_away_comes_back_as_it_was(void **state);
void a_damaged_record_is_corrupt_until_it_is_replaced(void **state);
void a_load_that_hangs_is_left_behind(void **state);
void a_save_that_hangs_ends_late_and_whole(void **state);

#endif
