#include "session/journal.h"

#include "tests/support/unit.h"

#include <string.h>

static const ti_sign_in_id id_a = {{1}}, id_b = {{2}};

static ti_secret *secret(const char *text) {
    ti_secret *made = ti_secret_from_string(text);

    assert_non_null(made);
    return made;
}

enum { LIFE = 77, NOW_MS = 5000 };

/* With what this process holds: the head's token. */
static void post(ti_journal *journal, const char *refresh_token) {
    ti_secret *token = secret(refresh_token);

    assert_true(ti_journal_posted(journal, token, journal->generation, NOW_MS));
    ti_secret_unref(token);
}

/* The ways into each state. */
static ti_journal idle(void) {
    ti_journal journal = {.generation = 0};

    ti_journal_adopted(&journal, &id_a, 5, NULL);
    return journal;
}

static ti_journal posted(void) {
    ti_journal journal = idle();

    post(&journal, "r5");
    return journal;
}

static ti_journal answered(void) {
    ti_journal journal = posted();

    ti_journal_answered(&journal, NULL, LIFE);
    return journal;
}

static ti_journal refused(void) {
    ti_journal journal = posted();

    ti_journal_not_granted(&journal);
    ti_journal_refused(&journal);
    return journal;
}

static ti_journal signed_out(void) {
    ti_journal journal = idle();

    ti_journal_signed_out(&journal, &id_a);
    return journal;
}

/* ... and the steps out of it. */
static void sign_in(ti_journal *journal) {
    ti_journal_signed_in(journal, &id_b, NULL, LIFE);
}

static void sign_out(ti_journal *journal) {
    ti_journal_signed_out(journal, &id_a);
}

static void answer(ti_journal *journal) {
    ti_journal_answered(journal, NULL, LIFE);
}

static void lose(ti_journal *journal) {
    ti_journal_lost(journal, LIFE);
}

static void nothing(ti_journal *journal) {
    (void)journal;
}

static void adopt_same(ti_journal *journal) {
    ti_journal_adopted(journal, &id_a, journal->generation, NULL);
}

static void adopt_older(ti_journal *journal) {
    ti_journal_adopted(journal, &id_a, 4, NULL);
}

/* The writer of the head died; generation 4 is what the store has. */
static void take_over(ti_journal *journal) {
    ti_secret *token = secret("r4");

    assert_true(ti_journal_posted(journal, token, 4, NOW_MS));
    ti_secret_unref(token);
}

static void adopt_newer(ti_journal *journal) {
    ti_journal_adopted(journal, &id_a, 9, NULL);
}

static void adopt_another(ti_journal *journal) {
    ti_journal_adopted(journal, &id_b, 3, NULL);
}

static void post_again(ti_journal *journal) {
    post(journal, "again");
}

typedef struct transition {
    const char *why;
    ti_journal (*from)(void);
    void (*step)(ti_journal *journal);
    ti_journal_state state;
    bool saved;
    uint64_t generation;
} transition;

static void every_step_leads_where_the_list_of_states_says(void **state) {
    static const transition cases[] = {
        {"a grant is sent", idle, post_again, TI_JOURNAL_POSTED, true, 5},
        {"the record is lost", idle, lose, TI_JOURNAL_ANSWERED, false, 5},
        {"a save that had worked already", idle, ti_journal_saved, TI_JOURNAL_IDLE, true, 5},
        {"sign-out", idle, sign_out, TI_JOURNAL_SIGNED_OUT, true, 5},
        {"sign-in over a sign-in", idle, sign_in, TI_JOURNAL_ANSWERED, false, 1},
        {"another process was faster", idle, adopt_newer, TI_JOURNAL_IDLE, true, 9},
        {"another process signed in", idle, adopt_another, TI_JOURNAL_IDLE, true, 3},
        {"nothing was sent", posted, ti_journal_not_granted, TI_JOURNAL_IDLE, true, 5},
        {"the outcome is unknown", posted, nothing, TI_JOURNAL_POSTED, true, 5},
        {"an answer", posted, answer, TI_JOURNAL_ANSWERED, false, 6},
        {"a refusal", posted, ti_journal_refused, TI_JOURNAL_REFUSED, true, 5},
        {"a record of before", answered, adopt_older, TI_JOURNAL_ANSWERED, false, 6},
        {"the record after all", answered, adopt_same, TI_JOURNAL_IDLE, true, 6},
        {"its writer died", answered, take_over, TI_JOURNAL_POSTED, true, 4},
        {"posted again", posted, post_again, TI_JOURNAL_POSTED, true, 5},
        {"lost meanwhile", posted, lose, TI_JOURNAL_POSTED, false, 5},
        {"saved meanwhile", posted, ti_journal_saved, TI_JOURNAL_POSTED, true, 5},
        {"signed out meanwhile", posted, sign_out, TI_JOURNAL_SIGNED_OUT, true, 5},
        {"the save", answered, ti_journal_saved, TI_JOURNAL_IDLE, true, 6},
        {"a grant before the save", answered, post_again, TI_JOURNAL_POSTED, false, 6},
        {"the older record is still there", answered, lose, TI_JOURNAL_ANSWERED, false, 6},
        {"sign-out before the save", answered, sign_out, TI_JOURNAL_SIGNED_OUT, true, 6},
        {"sign-in after a refusal", refused, sign_in, TI_JOURNAL_ANSWERED, false, 1},
        {"sign-out after a refusal", refused, sign_out, TI_JOURNAL_SIGNED_OUT, true, 5},
        {"a newer record after a refusal", refused, adopt_newer, TI_JOURNAL_IDLE, true, 9},
        {"sign-in after a sign-out", signed_out, sign_in, TI_JOURNAL_ANSWERED, false, 1},
        {"sign-out again", signed_out, sign_out, TI_JOURNAL_SIGNED_OUT, true, 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ti_journal journal = cases[i].from();

        cases[i].step(&journal);
        if (journal.state != cases[i].state || ti_journal_is_saved(&journal) != cases[i].saved ||
            journal.generation != cases[i].generation)
            fail_msg("%s: state %d, saved %d, generation %llu", cases[i].why, (int)journal.state,
                     (int)ti_journal_is_saved(&journal), (unsigned long long)journal.generation);
        assert_true(journal.reserved >= journal.generation);
    }
}

static void grant_that_changed_nothing_leaves_the_head_unsaved(void **state) {
    ti_journal journal = answered();

    (void)state;
    post(&journal, "r6");
    ti_journal_not_granted(&journal);
    assert_int_equal(journal.state, TI_JOURNAL_ANSWERED);
    assert_int_equal(journal.writer, LIFE);
}

/* R7: not after failures, unknown outcomes, losses, or what other processes obtained. */
static void reserved_generations_never_repeat(void **state) {
    ti_journal journal = idle();
    uint64_t before = 0;
    unsigned random = 7;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        ti_secret *token = secret(i % 3 == 0 ? "x" : "y");
        uint64_t reserved;

        assert_true(ti_journal_posted(&journal, token, journal.generation, NOW_MS));
        reserved = journal.reserved;
        ti_secret_unref(token);
        assert_true(reserved > before);
        before = reserved;
        random = random * 1103515245u + 12345u;
        switch (random >> 16 & 7) {
        case 0:
            ti_journal_answered(&journal, NULL, LIFE);
            assert_int_equal(journal.generation, reserved);
            break;
        case 1:
            ti_journal_answered(&journal, NULL, LIFE);
            ti_journal_saved(&journal);
            break;
        case 2:
            break; /* nothing came */
        case 3:
            ti_journal_adopted(&journal, &id_a, journal.generation, NULL);
            break;
        case 4:
            ti_journal_adopted(&journal, &id_a, reserved + 2, NULL);
            before = reserved + 2;
            break;
        case 5:
            ti_journal_lost(&journal, LIFE);
            break;
        case 6:
            ti_journal_refused(&journal);
            break;
        default:
            ti_journal_not_granted(&journal);
            break;
        }
    }
}

static void generations_begin_anew_with_another_sign_in(void **state) {
    ti_journal journal = answered();

    (void)state;
    ti_journal_signed_in(&journal, &id_b, NULL, LIFE);
    post(&journal, "r");
    assert_int_equal(journal.reserved, 2);
    ti_journal_adopted(&journal, &id_a, 4, NULL);
    post(&journal, "r");
    assert_int_equal(journal.reserved, 5);
}

typedef struct count_case {
    const char *why;
    void (*step)(ti_journal *journal);
    unsigned attempts;
} count_case;

static void post_same(ti_journal *journal) {
    post(journal, "r5");
}

static void post_same_in_vain(ti_journal *journal) {
    post(journal, "r5");
    ti_journal_not_granted(journal);
}

static void adopt_same_token(ti_journal *journal) {
    ti_journal_adopted(journal, &id_a, 9, NULL);
    post(journal, "r5");
}

/* After a lost answer a refusal may mean that the server had rotated, as long as it is about the same refresh token. */
static void grants_without_an_answer_are_counted_for_their_refresh_token(void **state) {
    static const count_case cases[] = {
        {"until something comes", nothing, 1},
        {"sent again", post_same, 2},
        {"sent again, and answered with an error", post_same_in_vain, 1},
        {"answered with an error after all", ti_journal_not_granted, 0},
        {"a newer record with the same refresh token", adopt_same_token, 2},
        {"seen by another process", adopt_same, 1},
        {"the record lost, and saved again", lose, 1},
        {"another refresh token", post_again, 1},
        {"another's place taken, who died with an answer", take_over, 2},
        {"an answer", answer, 0},
        {"another sign-in", sign_in, 0},
        {"signed out", sign_out, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ti_journal journal = posted();

        cases[i].step(&journal);
        if (journal.attempts != cases[i].attempts)
            fail_msg("%s: %u", cases[i].why, journal.attempts);
    }
}

/* R6: a server that does not rotate refuses the same token under any generation. */
static void adopting_remembers_which_refresh_token_was_refused(void **state) {
    ti_journal journal = posted(), before;

    (void)state;
    ti_journal_not_granted(&journal);
    before = journal;
    ti_journal_adopted(&journal, &id_a, 6, NULL);
    assert_memory_equal(journal.posted.bytes, before.posted.bytes, sizeof before.posted.bytes);
    ti_journal_adopted(&journal, &id_b, 6, NULL);
    assert_memory_not_equal(journal.posted.bytes, before.posted.bytes, sizeof before.posted.bytes);
}

/* With the client's own credentials nothing was spent that the head's writer could have replaced. */
static void grant_without_a_refresh_token_falls_back_to_nothing(void **state) {
    static const ti_token_hash none = {{0}};
    ti_journal journal = answered();
    uint64_t generation = journal.generation, reserved = journal.reserved;

    (void)state;
    assert_true(ti_journal_posted(&journal, NULL, generation - 1, NOW_MS));
    assert_int_equal(journal.state, TI_JOURNAL_POSTED);
    assert_int_equal(journal.generation, generation);
    assert_int_equal(journal.reserved, reserved + 1);
    assert_int_equal(journal.writer, LIFE);
    assert_memory_equal(journal.posted.bytes, none.bytes, sizeof none.bytes);
    assert_int_equal(journal.attempts, 1);
    ti_journal_answered(&journal, NULL, LIFE + 1);
    assert_int_equal(journal.generation, reserved + 1);
    assert_int_equal(journal.writer, LIFE + 1);
    assert_int_equal(journal.attempts, 0);
}

/* Other access tokens for the same refresh token: until the record is there, the head is the one before. */
static void a_record_that_is_saved_anew_has_a_generation_of_its_own(void **state) {
    (void)state;
    ti_journal journal = idle();

    ti_journal_pass(&journal, 3);
    assert_int_equal(journal.reserved, 5);
    ti_journal_pass(&journal, 8);
    assert_int_equal(ti_journal_reserve(&journal, LIFE), 9);
    assert_int_equal(journal.generation, 5);
    assert_int_equal(journal.writer, LIFE);
    assert_int_equal(journal.state, TI_JOURNAL_ANSWERED);

    ti_journal_adopted(&journal, &id_a, 9, NULL);
    assert_int_equal(journal.generation, 9);
    assert_int_equal(journal.reserved, 9);
    assert_true(ti_journal_is_saved(&journal));
    assert_int_equal(journal.state, TI_JOURNAL_IDLE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_leads_where_the_list_of_states_says),
        cmocka_unit_test(grant_that_changed_nothing_leaves_the_head_unsaved),
        cmocka_unit_test(reserved_generations_never_repeat),
        cmocka_unit_test(generations_begin_anew_with_another_sign_in),
        cmocka_unit_test(grants_without_an_answer_are_counted_for_their_refresh_token),
        cmocka_unit_test(grant_without_a_refresh_token_falls_back_to_nothing),
        cmocka_unit_test(adopting_remembers_which_refresh_token_was_refused),
        cmocka_unit_test(a_record_that_is_saved_anew_has_a_generation_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
