/*
 * A slot: "tacitjnl", version, number, boot id, the two clocks when it was written, the journal, the backoff, the storm guard, the
 * refreshes of the last hour, whether the record was moved; then zeros, and at its end the first bytes of the SHA-256 of all before.
 * Integers are little endian. What a version adds stands behind what was there before, and is nothing where it is zero.
 */
#include "session/journal_bytes.h"

#include <string.h>

enum { VERSION = 1, CHECKSUM_SIZE = 16, BODY_SIZE = TI_JOURNAL_SLOT_SIZE - CHECKSUM_SIZE };

static const int64_t ahead_max_ms = 3600 * 1000;
static const int64_t earliest_ms = INT64_MIN / 2; /* differences of times are times too */
static const char magic[8] = {'t', 'a', 'c', 'i', 't', 'j', 'n', 'l'};

/* ------------------------------------------------------------------ one field after the other */

/* Either writes fields into bytes or reads them from there, so that the layout is stated once. */
typedef struct cursor {
    unsigned char *bytes;
    size_t at;
    bool reading;
} cursor;

static void number64(cursor *c, uint64_t *value) {
    unsigned char *bytes = c->bytes + c->at;

    if (c->reading) {
        *value = 0;
        for (int i = 7; i >= 0; i--) *value = *value << 8 | bytes[i];
    } else {
        for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(*value >> 8 * i);
    }
    c->at += 8;
}

static void signed64(cursor *c, int64_t *value) {
    uint64_t bits = (uint64_t)*value;

    number64(c, &bits);
    *value = (int64_t)bits;
}

static void unsigned_int(cursor *c, unsigned *value) {
    uint64_t wide = *value;

    number64(c, &wide);
    *value = (unsigned)wide;
}

static void signed_int(cursor *c, int *value) {
    int64_t wide = *value;

    signed64(c, &wide);
    *value = (int)wide;
}

static void flag(cursor *c, bool *value) {
    unsigned wide = *value;

    unsigned_int(c, &wide);
    *value = wide != 0;
}

static void octets(cursor *c, void *value, size_t size) {
    if (c->reading)
        memcpy(value, c->bytes + c->at, size);
    else
        memcpy(c->bytes + c->at, value, size);
    c->at += size;
}

/* ------------------------------------------------------------------ the layout */

typedef struct slot {
    char magic[sizeof magic];
    unsigned version;
    uint64_t number;
    ti_journal_clocks written;
    ti_journal_image image;
} slot;

static void journal_fields(cursor *c, ti_journal *journal) {
    int state = (int)journal->state;

    signed_int(c, &state);
    journal->state = (ti_journal_state)state;
    octets(c, journal->sign_in_id.bytes, sizeof journal->sign_in_id.bytes);
    number64(c, &journal->generation);
    number64(c, &journal->reserved);
    signed64(c, &journal->writer);
    unsigned_int(c, &journal->attempts);
    signed64(c, &journal->posted_boot_ms);
    octets(c, journal->head.bytes, sizeof journal->head.bytes);
    octets(c, journal->posted.bytes, sizeof journal->posted.bytes);
}

static void backoff_fields(cursor *c, ti_shared_backoff *backoff) {
    int status = (int)backoff->status;

    unsigned_int(c, &backoff->failures);
    flag(c, &backoff->retried_early);
    signed64(c, &backoff->retry_boot_ms);
    signed64(c, &backoff->refuse_until_boot_ms);
    signed_int(c, &status);
    backoff->status = (tacit_status)status;
    signed_int(c, &backoff->http_status);
}

static void storm_fields(cursor *c, ti_storm *storm) {
    for (size_t i = 0; i < TI_STORM_HOURLY_MAX; i++) signed64(c, &storm->at_boot_ms[i]);
    unsigned_int(c, &storm->next);
    unsigned_int(c, &storm->count);
    unsigned_int(c, &storm->blocks);
    signed64(c, &storm->blocked_until_boot_ms);
}

static void rate_fields(cursor *c, ti_grant_rate *rate) {
    unsigned_int(c, &rate->limit);
    signed64(c, &rate->newest_boot_ms);
    octets(c, rate->counts, sizeof rate->counts);
}

static void fields(cursor *c, slot *s) {
    octets(c, s->magic, sizeof s->magic);
    unsigned_int(c, &s->version);
    number64(c, &s->number);
    octets(c, s->written.boot_id, sizeof s->written.boot_id);
    signed64(c, &s->written.boot_ms);
    signed64(c, &s->written.wall_ms);
    journal_fields(c, &s->image.journal);
    backoff_fields(c, &s->image.backoff);
    storm_fields(c, &s->image.storm);
    signed64(c, &s->image.look_until_boot_ms);
    rate_fields(c, &s->image.rate);
    flag(c, &s->image.journal.moved);
}

/* ------------------------------------------------------------------ writing */

size_t ti_journal_slot_offset(uint64_t number) {
    return number % 2 * TI_JOURNAL_SLOT_SIZE;
}

static bool checksum(const unsigned char *bytes, unsigned char sum[CHECKSUM_SIZE]) {
    unsigned char hash[TI_SHA256_SIZE];

    if (!ti_crypto_sha256(bytes, BODY_SIZE, hash)) return false;
    memcpy(sum, hash, CHECKSUM_SIZE);
    return true;
}

bool ti_journal_write_bytes(const ti_journal_image *image, const ti_journal_clocks *now,
                            uint64_t number, unsigned char bytes[TI_JOURNAL_SLOT_SIZE]) {
    cursor c = {.bytes = bytes};
    slot s = {.version = VERSION, .number = number, .written = *now, .image = *image};

    memcpy(s.magic, magic, sizeof magic);
    memset(bytes, 0, TI_JOURNAL_SLOT_SIZE);
    fields(&c, &s);
    return checksum(bytes, bytes + BODY_SIZE);
}

/* ------------------------------------------------------------------ reading */

static int64_t carried_over(int64_t boot_ms, int64_t shift_ms, int64_t now_boot_ms) {
    if (boot_ms == 0) return 0;
    if (__builtin_add_overflow(boot_ms, shift_ms, &boot_ms) || boot_ms < earliest_ms) return 0;
    return boot_ms - now_boot_ms > ahead_max_ms ? now_boot_ms + ahead_max_ms : boot_ms;
}

/* Of a boot whose name the system does not tell nobody knows. */
static bool is_same_boot(const ti_journal_clocks *then, const ti_journal_clocks *now) {
    static const unsigned char none[sizeof now->boot_id];

    return memcmp(then->boot_id, now->boot_id, sizeof none) == 0 &&
           memcmp(now->boot_id, none, sizeof none) != 0;
}

/* By how much the boot clock of then differs from that of now. */
static bool find_shift(const ti_journal_clocks *then, const ti_journal_clocks *now,
                       int64_t *shift_ms) {
    int64_t then_booted, now_booted;

    *shift_ms = 0;
    if (is_same_boot(then, now)) return true;
    return !__builtin_sub_overflow(then->wall_ms, then->boot_ms, &then_booted) &&
           !__builtin_sub_overflow(now->wall_ms, now->boot_ms, &now_booted) &&
           !__builtin_sub_overflow(then_booted, now_booted, shift_ms);
}

static void carry_over_times(const slot *s, const ti_journal_clocks *now, ti_journal_image *image) {
    int64_t shift;

    if (!find_shift(&s->written, now, &shift)) {
        image->backoff = (ti_shared_backoff){.failures = 0};
        image->storm = (ti_storm){.blocks = 0};
        image->rate = (ti_grant_rate){.limit = 0};
        image->journal.posted_boot_ms = 0;
        image->look_until_boot_ms = 0;
        return;
    }
    image->journal.posted_boot_ms =
        carried_over(image->journal.posted_boot_ms, shift, now->boot_ms);
    image->backoff.retry_boot_ms = carried_over(image->backoff.retry_boot_ms, shift, now->boot_ms);
    image->backoff.refuse_until_boot_ms =
        carried_over(image->backoff.refuse_until_boot_ms, shift, now->boot_ms);
    image->look_until_boot_ms = carried_over(image->look_until_boot_ms, shift, now->boot_ms);
    image->storm.blocked_until_boot_ms =
        carried_over(image->storm.blocked_until_boot_ms, shift, now->boot_ms);
    for (size_t i = 0; i < TI_STORM_HOURLY_MAX; i++)
        image->storm.at_boot_ms[i] = carried_over(image->storm.at_boot_ms[i], shift, now->boot_ms);
    image->rate.newest_boot_ms = carried_over(image->rate.newest_boot_ms, shift, now->boot_ms);
    image->written_boot_ms = carried_over(s->written.boot_ms, shift, now->boot_ms);
}

/* What a checksum does not promise: that whoever wrote it made sense. */
static bool makes_sense(const slot *s) {
    const ti_journal_image *image = &s->image;
    const ti_journal *journal = &image->journal;

    return s->number < UINT64_MAX / 2 && journal->state >= TI_JOURNAL_IDLE &&
           journal->state <= TI_JOURNAL_SIGNED_OUT && journal->generation <= journal->reserved &&
           journal->writer >= 0 && journal->reserved < UINT64_MAX / 2 &&
           image->storm.count <= TI_STORM_HOURLY_MAX && image->storm.next < TI_STORM_HOURLY_MAX;
}

static ti_journal_reading read_slot(const unsigned char *bytes, slot *s) {
    unsigned char sum[CHECKSUM_SIZE], copy[TI_JOURNAL_SLOT_SIZE];
    cursor c = {.bytes = copy, .reading = true};

    memcpy(copy, bytes, sizeof copy);
    if (!checksum(copy, sum)) return TI_JOURNAL_NO_CHECKSUM;
    if (memcmp(sum, copy + BODY_SIZE, sizeof sum) != 0) return TI_JOURNAL_CORRUPT;
    *s = (slot){.number = 0};
    fields(&c, s);
    if (memcmp(s->magic, magic, sizeof magic) != 0) return TI_JOURNAL_CORRUPT;
    if (s->version != VERSION) return TI_JOURNAL_LATER;
    return makes_sense(s) ? TI_JOURNAL_READ : TI_JOURNAL_CORRUPT;
}

static bool is_blank(const unsigned char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0) return false;
    return size == TI_JOURNAL_FILE_SIZE;
}

ti_journal_reading ti_journal_read_bytes(const unsigned char *bytes, size_t size,
                                         const ti_journal_clocks *now, ti_journal_image *image,
                                         uint64_t *number) {
    ti_journal_reading result = TI_JOURNAL_CORRUPT;
    slot s;

    *image = (ti_journal_image){.journal = {.state = TI_JOURNAL_IDLE}};
    *number = 0;
    if (is_blank(bytes, size)) return TI_JOURNAL_NEW;
    for (size_t at = 0; at + TI_JOURNAL_SLOT_SIZE <= size && at < TI_JOURNAL_FILE_SIZE;
         at += TI_JOURNAL_SLOT_SIZE) {
        ti_journal_reading found = read_slot(bytes + at, &s);

        if (found == TI_JOURNAL_LATER || found == TI_JOURNAL_NO_CHECKSUM) return found;
        if (found != TI_JOURNAL_READ || (result == TI_JOURNAL_READ && s.number < *number)) continue;
        result = TI_JOURNAL_READ;
        *number = s.number;
        *image = s.image;
        carry_over_times(&s, now, image);
    }
    return result;
}
