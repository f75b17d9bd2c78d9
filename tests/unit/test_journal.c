#include "session/journal.h"

#include "tests/support/unit.h"

#include <string.h>

static const ti_sign_in_id id_a = {{1}}, id_b = {{2}};

static ti_secret *secret(const char *text) {
    ti_secret *made = ti_secret_from_string(text);

    assert_non_null(made);
    return made;
}

static void post(ti_journal *journal, const char *refresh_token) {
    ti_secret *token = secret(refresh_token);

    assert_true(ti_journal_posted(journal, token) > 0);
    ti_secret_unref(token);
}

/* The ways into each state. */
static ti_journal idle(void) {
    ti_journal journal = {.saved = true};

    ti_journal_adopted(&journal, &id_a, 5);
    return journal;
}

static ti_journal posted(void) {
    ti_journal journal = idle();

    post(&journal, "r5");
    return journal;
}

static ti_journal answered(void) {
    ti_journal journal = posted();

    ti_journal_answered(&journal);
    return journal;
}

static ti_journal refused(void) {
    ti_journal journal = posted();

    ti_journal_not_sent(&journal);
    ti_journal_refused(&journal);
    return journal;
}

static ti_journal signed_out(void) {
    ti_journal journal = idle();

    ti_journal_signed_out(&journal);
    return journal;
}

/* ... and the steps out of it. */
static void sign_in(ti_journal *journal) {
    ti_journal_signed_in(journal, &id_b);
}

static void adopt_newer(ti_journal *journal) {
    ti_journal_adopted(journal, &id_a, 9);
}

static void adopt_another(ti_journal *journal) {
    ti_journal_adopted(journal, &id_b, 3);
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
        {"the record is lost", idle, ti_journal_lost, TI_JOURNAL_ANSWERED, false, 5},
        {"a save that had worked already", idle, ti_journal_saved, TI_JOURNAL_IDLE, true, 5},
        {"sign-out", idle, ti_journal_signed_out, TI_JOURNAL_SIGNED_OUT, true, 5},
        {"sign-in over a sign-in", idle, sign_in, TI_JOURNAL_ANSWERED, false, 1},
        {"another process was faster", idle, adopt_newer, TI_JOURNAL_IDLE, true, 9},
        {"another process signed in", idle, adopt_another, TI_JOURNAL_IDLE, true, 3},
        {"nothing was sent", posted, ti_journal_not_sent, TI_JOURNAL_IDLE, true, 5},
        {"the outcome is unknown", posted, ti_journal_unanswered, TI_JOURNAL_POSTED, true, 5},
        {"an answer", posted, ti_journal_answered, TI_JOURNAL_ANSWERED, false, 6},
        {"a refusal", posted, ti_journal_refused, TI_JOURNAL_REFUSED, true, 5},
        {"posted again", posted, post_again, TI_JOURNAL_POSTED, true, 5},
        {"lost meanwhile", posted, ti_journal_lost, TI_JOURNAL_POSTED, false, 5},
        {"saved meanwhile", posted, ti_journal_saved, TI_JOURNAL_POSTED, true, 5},
        {"signed out meanwhile", posted, ti_journal_signed_out, TI_JOURNAL_SIGNED_OUT, true, 5},
        {"the save", answered, ti_journal_saved, TI_JOURNAL_IDLE, true, 6},
        {"a grant before the save", answered, post_again, TI_JOURNAL_POSTED, false, 6},
        {"the older record is still there", answered, ti_journal_lost, TI_JOURNAL_ANSWERED, false,
         6},
        {"sign-out before the save", answered, ti_journal_signed_out, TI_JOURNAL_SIGNED_OUT, true,
         6},
        {"sign-in after a refusal", refused, sign_in, TI_JOURNAL_ANSWERED, false, 1},
        {"sign-out after a refusal", refused, ti_journal_signed_out, TI_JOURNAL_SIGNED_OUT, true,
         5},
        {"a newer record after a refusal", refused, adopt_newer, TI_JOURNAL_IDLE, true, 9},
        {"sign-in after a sign-out", signed_out, sign_in, TI_JOURNAL_ANSWERED, false, 1},
        {"sign-out again", signed_out, ti_journal_signed_out, TI_JOURNAL_SIGNED_OUT, true, 5},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ti_journal journal = cases[i].from();

        cases[i].step(&journal);
        if (journal.state != cases[i].state || journal.saved != cases[i].saved ||
            journal.generation != cases[i].generation)
            fail_msg("%s: state %d, saved %d, generation %llu", cases[i].why, (int)journal.state,
                     (int)journal.saved, (unsigned long long)journal.generation);
        assert_true(journal.reserved >= journal.generation);
    }
}

static void grant_that_changed_nothing_leaves_the_head_unsaved(void **state) {
    ti_journal journal = answered();

    (void)state;
    post(&journal, "r6");
    ti_journal_not_sent(&journal);
    assert_int_equal(journal.state, TI_JOURNAL_ANSWERED);
    assert_false(journal.saved);
}

/* R7: not after failures, unknown outcomes, losses, or what other processes obtained. */
static void reserved_generations_never_repeat(void **state) {
    ti_journal journal = idle();
    uint64_t before = 0;
    unsigned random = 7;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        ti_secret *token = secret(i % 3 == 0 ? "x" : "y");
        uint64_t reserved = ti_journal_posted(&journal, token);

        ti_secret_unref(token);
        assert_true(reserved > before);
        before = reserved;
        random = random * 1103515245u + 12345u;
        switch (random >> 16 & 7) {
        case 0:
            ti_journal_answered(&journal);
            assert_int_equal(journal.generation, reserved);
            break;
        case 1:
            ti_journal_answered(&journal);
            ti_journal_saved(&journal);
            break;
        case 2:
            ti_journal_unanswered(&journal);
            break;
        case 3:
            ti_journal_adopted(&journal, &id_a, journal.generation);
            break;
        case 4:
            ti_journal_adopted(&journal, &id_a, reserved + 2);
            before = reserved + 2;
            break;
        case 5:
            ti_journal_lost(&journal);
            break;
        case 6:
            ti_journal_refused(&journal);
            break;
        default:
            ti_journal_not_sent(&journal);
            break;
        }
    }
}

static void generations_begin_anew_with_another_sign_in(void **state) {
    ti_journal journal = answered();
    ti_secret *token = secret("r");

    (void)state;
    ti_journal_signed_in(&journal, &id_b);
    assert_int_equal(ti_journal_posted(&journal, token), 2);
    ti_journal_adopted(&journal, &id_a, 4);
    assert_int_equal(ti_journal_posted(&journal, token), 5);
    ti_secret_unref(token);
}

typedef struct lost_case {
    const char *why;
    void (*step)(ti_journal *journal);
    bool expected;
} lost_case;

static void nothing(ti_journal *journal) {
    (void)journal;
}

static void post_same(ti_journal *journal) {
    post(journal, "r5");
}

static void adopt_same_token(ti_journal *journal) {
    ti_journal_adopted(journal, &id_a, 9);
    post(journal, "r5");
}

/* After a lost answer a refusal may mean that the server had rotated, as long as it is about the same refresh token. */
static void lost_answer_is_remembered_for_its_refresh_token(void **state) {
    static const lost_case cases[] = {
        {"until something comes", nothing, true},
        {"sent again", post_same, true},
        {"sent again, and not even that", ti_journal_not_sent, true},
        {"a newer record with the same refresh token", adopt_same_token, true},
        {"another refresh token", post_again, false},
        {"an answer", ti_journal_answered, false},
        {"another sign-in", sign_in, false},
        {"signed out", ti_journal_signed_out, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ti_journal journal = posted();

        ti_journal_unanswered(&journal);
        cases[i].step(&journal);
        if (journal.answer_lost != cases[i].expected) fail_msg("%s", cases[i].why);
    }
}

/* R6: a server that does not rotate refuses the same token under any generation. */
static void adopting_remembers_which_refresh_token_was_refused(void **state) {
    ti_journal journal = posted(), before;

    (void)state;
    ti_journal_not_sent(&journal);
    before = journal;
    ti_journal_adopted(&journal, &id_a, 6);
    assert_memory_equal(journal.refresh_hash, before.refresh_hash, sizeof before.refresh_hash);
    ti_journal_adopted(&journal, &id_b, 6);
    assert_memory_not_equal(journal.refresh_hash, before.refresh_hash, sizeof before.refresh_hash);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_leads_where_the_list_of_states_says),
        cmocka_unit_test(grant_that_changed_nothing_leaves_the_head_unsaved),
        cmocka_unit_test(reserved_generations_never_repeat),
        cmocka_unit_test(generations_begin_anew_with_another_sign_in),
        cmocka_unit_test(lost_answer_is_remembered_for_its_refresh_token),
        cmocka_unit_test(adopting_remembers_which_refresh_token_was_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
