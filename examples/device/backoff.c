#include "backoff.h"

enum { FIRST_MS = 1000, LONGEST_MS = 60000, LONGEST_ASKED_S = 3600 };

/* Up to most. Knuth's MMIX generator, whose upper bits are good enough for a pause. */
static int64_t draw_ms(backoff *b, int64_t most) {
    b->chance = b->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)(b->chance >> 33) % (most + 1);
}

void backoff_failed(backoff *b, int64_t now_boot_ms, int retry_after_s) {
    int64_t pause_ms = b->failures < 6 ? FIRST_MS << b->failures : LONGEST_MS;

    pause_ms = pause_ms / 2 + draw_ms(b, pause_ms / 2);
    if (retry_after_s > LONGEST_ASKED_S) retry_after_s = LONGEST_ASKED_S;
    if (pause_ms < (int64_t)retry_after_s * 1000) pause_ms = (int64_t)retry_after_s * 1000;
    if (b->failures < 6) b->failures++;
    b->until_boot_ms = now_boot_ms + pause_ms;
}

void backoff_end(backoff *b) {
    b->failures = 0;
    b->until_boot_ms = 0;
}
