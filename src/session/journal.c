#include "session/journal.h"

#include <string.h>

/* Where a grant leaves the journal that changed nothing. */
static void settle(ti_journal *journal) {
    journal->state = journal->saved ? TI_JOURNAL_IDLE : TI_JOURNAL_ANSWERED;
}

static void begin(ti_journal *journal, const ti_sign_in_id *id, uint64_t generation, bool saved) {
    *journal = (ti_journal){
        .sign_in_id = *id, .generation = generation, .reserved = generation, .saved = saved};
    settle(journal);
}

void ti_journal_signed_in(ti_journal *journal, const ti_sign_in_id *id) {
    begin(journal, id, 1, false);
}

void ti_journal_adopted(ti_journal *journal, const ti_sign_in_id *id, uint64_t generation) {
    ti_journal before = *journal;

    begin(journal, id, generation, true);
    if (!ti_sign_in_id_equal(&before.sign_in_id, id)) return;
    if (before.reserved > generation) journal->reserved = before.reserved;
    /* Where the server does not rotate, the newer record holds the same refresh token. */
    memcpy(journal->refresh_hash, before.refresh_hash, sizeof journal->refresh_hash);
    journal->answer_lost = before.answer_lost;
}

void ti_journal_signed_out(ti_journal *journal) {
    journal->state = TI_JOURNAL_SIGNED_OUT;
    journal->saved = true;
    journal->answer_lost = false;
}

uint64_t ti_journal_posted(ti_journal *journal, const ti_secret *refresh_token) {
    unsigned char hash[TI_SHA256_SIZE];

    if (!ti_crypto_sha256(ti_secret_data(refresh_token), ti_secret_size(refresh_token), hash))
        return 0;
    if (memcmp(hash, journal->refresh_hash, sizeof hash) != 0) journal->answer_lost = false;
    memcpy(journal->refresh_hash, hash, sizeof hash);
    journal->state = TI_JOURNAL_POSTED;
    return ++journal->reserved;
}

void ti_journal_not_sent(ti_journal *journal) {
    settle(journal);
}

void ti_journal_unanswered(ti_journal *journal) {
    journal->answer_lost = true;
}

void ti_journal_answered(ti_journal *journal) {
    journal->generation = journal->reserved;
    journal->saved = false;
    journal->answer_lost = false;
    journal->state = TI_JOURNAL_ANSWERED;
}

void ti_journal_refused(ti_journal *journal) {
    journal->state = TI_JOURNAL_REFUSED;
    journal->saved = true;
}

void ti_journal_saved(ti_journal *journal) {
    journal->saved = true;
    if (journal->state == TI_JOURNAL_ANSWERED) journal->state = TI_JOURNAL_IDLE;
}

void ti_journal_lost(ti_journal *journal) {
    journal->saved = false;
    if (journal->state == TI_JOURNAL_IDLE) journal->state = TI_JOURNAL_ANSWERED;
}
