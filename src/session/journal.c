#include "session/journal.h"

#include <string.h>

/* Where a grant leaves the journal that changed nothing. */
static void settle(ti_journal *journal) {
    journal->state = ti_journal_is_saved(journal) ? TI_JOURNAL_IDLE : TI_JOURNAL_ANSWERED;
}

static bool hash_of(const ti_secret *refresh_token, ti_token_hash *hash) {
    unsigned char digest[TI_SHA256_SIZE];

    *hash = (ti_token_hash){{0}};
    if (refresh_token == NULL ||
        !ti_crypto_sha256(ti_secret_data(refresh_token), ti_secret_size(refresh_token), digest))
        return false;
    memcpy(hash->bytes, digest, sizeof hash->bytes);
    return true;
}

static bool is_same(const ti_token_hash *a, const ti_token_hash *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool ti_token_hash_is_of(const ti_token_hash *hash, const ti_secret *refresh_token) {
    ti_token_hash of;

    return hash_of(refresh_token, &of) && is_same(&of, hash);
}

static void begin(ti_journal *journal, const ti_sign_in_id *id, uint64_t generation,
                  int64_t writer) {
    *journal = (ti_journal){
        .sign_in_id = *id, .generation = generation, .reserved = generation, .writer = writer};
    settle(journal);
}

void ti_journal_pass(ti_journal *journal, uint64_t generation) {
    if (journal->reserved < generation) journal->reserved = generation;
}

uint64_t ti_journal_reserve(ti_journal *journal, int64_t life) {
    ti_journal_lost(journal, life); /* until it is there, the store has an older one */
    return ++journal->reserved;
}

void ti_journal_signed_in(ti_journal *journal, const ti_sign_in_id *id,
                          const ti_secret *refresh_token, int64_t life) {
    begin(journal, id, 1, life);
    hash_of(refresh_token, &journal->head);
}

/* Attempts stay: where the server does not rotate, the newer record holds the same refresh token. */
void ti_journal_adopted(ti_journal *journal, const ti_sign_in_id *id, uint64_t generation,
                        const ti_secret *refresh_token) {
    if (!ti_sign_in_id_equal(&journal->sign_in_id, id)) {
        begin(journal, id, generation, 0);
    } else {
        if (generation < journal->generation) return; /* it is stale: the head is elsewhere */
        journal->generation = generation;
        if (journal->reserved < generation) journal->reserved = generation;
        journal->writer = 0;
        settle(journal);
    }
    hash_of(refresh_token, &journal->head);
}

void ti_journal_signed_out(ti_journal *journal, const ti_sign_in_id *id) {
    if (!ti_sign_in_id_equal(&journal->sign_in_id, id)) begin(journal, id, 0, 0);
    journal->state = TI_JOURNAL_SIGNED_OUT;
    journal->writer = 0;
    journal->attempts = 0;
    journal->moved = false;
}

bool ti_journal_posted(ti_journal *journal, const ti_secret *refresh_token, uint64_t generation,
                       int64_t now_boot_ms) {
    ti_token_hash hash;

    if (!hash_of(refresh_token, &hash) && refresh_token != NULL) return false;
    if (!is_same(&hash, &journal->posted)) journal->attempts = 0;
    journal->posted = hash;
    if (refresh_token != NULL && generation < journal->generation) {
        journal->generation = generation;
        journal->head = hash;
        journal->writer = 0; /* only what the store holds is posted then */
        journal->attempts++; /* what the writer sent */
    }
    journal->attempts++;
    journal->posted_boot_ms = now_boot_ms;
    journal->reserved++;
    journal->state = TI_JOURNAL_POSTED;
    return true;
}

void ti_journal_not_granted(ti_journal *journal) {
    if (journal->attempts > 0) journal->attempts--;
    settle(journal);
}

void ti_journal_answered(ti_journal *journal, const ti_secret *refresh_token, int64_t life) {
    journal->generation = journal->reserved;
    if (refresh_token != NULL) hash_of(refresh_token, &journal->head);
    journal->writer = life;
    journal->attempts = 0;
    settle(journal);
}

void ti_journal_refused(ti_journal *journal) {
    journal->state = TI_JOURNAL_REFUSED;
    journal->writer = 0;
}

void ti_journal_saved(ti_journal *journal) {
    journal->writer = 0;
    if (journal->state == TI_JOURNAL_ANSWERED) journal->state = TI_JOURNAL_IDLE;
}

void ti_journal_lost(ti_journal *journal, int64_t life) {
    journal->writer = life;
    if (journal->state == TI_JOURNAL_IDLE) journal->state = TI_JOURNAL_ANSWERED;
}

bool ti_journal_is_live(const ti_journal *journal) {
    return journal->state != TI_JOURNAL_SIGNED_OUT && journal->state != TI_JOURNAL_REFUSED &&
           !ti_sign_in_id_is_none(&journal->sign_in_id);
}

bool ti_journal_is_saved(const ti_journal *journal) {
    return journal->writer == 0;
}
