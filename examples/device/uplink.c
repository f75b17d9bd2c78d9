/*
 * Properties: readings reach the server in their order, each under one key only. A batch that the server may have seen keeps its
 * content and its key, in memory, on flash and in the next life, until somebody answers for it (outcome_unknown decides); one that
 * surely was not sent is opened again, and more readings join it.
 *
 * Operation: batches come from the spool, then the sealed one, then what is open. Online a reading lives in memory only; one that is
 * older than flush_ms goes to the spool, and so does everything when the process ends. Requests are synchronous, with a short
 * timeout: that bounds how late a reading is written, and a thread that waits is what a server that hangs costs. Signing in takes
 * minutes and is asynchronous.
 *
 * Safety: all of it belongs to the uplink's thread.
 */
#include "uplink.h"

#include "backoff.h"
#include "delivery.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { IDLE_MS = 60000, DISK_PAUSE_MS = 5000 };

struct uplink {
    uplink_parts parts;
    pthread_t thread;
    backoff backoff;
    int64_t disk_retry_boot_ms;
    batch open;   /* may still grow */
    batch sealed; /* may have been sent */
    bool has_sealed;
    uint32_t next_number;
};

/* ------------------------------------------------------------------ sealing */

static void seal(uplink *u) {
    u->sealed = u->open;
    u->sealed.boot = u->parts.boot;
    u->sealed.run_boot_ms = u->parts.run_boot_ms;
    u->sealed.number = u->next_number++;
    u->sealed.ahead_ms = clock_right_ahead_ms();
    u->sealed.dropped += spool_take_dropped(u->parts.spool);
    u->has_sealed = true;
    u->open.count = 0;
    u->open.dropped = 0;
}

/* It was not sent: nobody knows its number. */
static void unseal(uplink *u) {
    u->open = u->sealed;
    u->next_number = u->sealed.number;
    u->has_sealed = false;
}

/* ------------------------------------------------------------------ to the disk */

static bool has_readings(const uplink *u) {
    return u->has_sealed || u->open.count > 0;
}

static int64_t flush_due_boot_ms(const uplink *u) {
    const batch *oldest = u->has_sealed ? &u->sealed : &u->open;
    int64_t due = oldest->readings[0].at_boot_ms + u->parts.settings->flush_ms;

    if (u->open.count == BATCH_READINGS_MAX) due = 0;
    return due > u->disk_retry_boot_ms ? due : u->disk_retry_boot_ms;
}

static bool append_sealed(uplink *u) {
    if (!spool_append(u->parts.spool, &u->sealed)) {
        display_show(u->parts.display, "trouble", "the spool cannot be written: %s",
                     strerror(errno));
        u->disk_retry_boot_ms = clock_boot_ms() + DISK_PAUSE_MS;
        return false;
    }
    u->has_sealed = false;
    return true;
}

static void spool_everything(uplink *u) {
    if (u->has_sealed) {
        spool_make_room(u->parts.spool);
        if (!append_sealed(u)) return;
    }
    if (u->open.count == 0) return;
    spool_make_room(u->parts.spool);
    seal(u);
    append_sealed(u);
}

/* ------------------------------------------------------------------ to the server */

static bool has_work(const uplink *u) {
    return has_readings(u) || !spool_is_empty(u->parts.spool);
}

static delivery deliver(uplink *u, const batch *b) {
    return delivery_try(account_session(u->parts.account), u->parts.settings, b,
                        dates_ahead_ms(u->parts.dates, &u->parts.boot, b));
}

static void heed(uplink *u, const delivery *d) {
    if (d->fate == DELIVERED) {
        backoff_end(&u->backoff);
        display_show(u->parts.display, "online", "telemetry arrives");
    } else if (d->fate == REFUSED) {
        display_show(u->parts.display, "trouble", "the server refuses readings: %s", d->message);
    } else {
        backoff_failed(&u->backoff, clock_boot_ms(), d->retry_after_s);
        display_show(u->parts.display, "offline", "%s", d->message);
    }
}

static void send_spooled(uplink *u) {
    delivery d;
    batch b;

    if (!spool_peek(u->parts.spool, &b)) {
        if (!spool_is_empty(u->parts.spool)) backoff_failed(&u->backoff, clock_boot_ms(), 0);
        return;
    }
    d = deliver(u, &b);
    if (d.fate == DELIVERED || d.fate == REFUSED) spool_pop(u->parts.spool);
    heed(u, &d);
}

static void send_fresh(uplink *u) {
    delivery d;
    bool repeated = u->has_sealed;

    if (!repeated) seal(u);
    d = deliver(u, &u->sealed);
    if (d.fate == DELIVERED || d.fate == REFUSED)
        u->has_sealed = false;
    else if (d.fate == NOT_SENT && !repeated)
        unseal(u);
    heed(u, &d);
}

static void send_next(uplink *u) {
    if (!spool_is_empty(u->parts.spool))
        send_spooled(u);
    else
        send_fresh(u);
}

/* ------------------------------------------------------------------ the thread */

static int64_t earlier(int64_t one, int64_t other) {
    return one < other ? one : other;
}

/* One look at everything there is to do; when the next is due. */
static int64_t look(uplink *u) {
    int64_t due, now = clock_boot_ms();
    bool ready = account_is_ready(u->parts.account, &due);

    if (ready && has_work(u) && now >= u->backoff.until_boot_ms) send_next(u);
    if (has_readings(u) && clock_boot_ms() >= flush_due_boot_ms(u)) spool_everything(u);
    due = earlier(due, now + IDLE_MS);
    if (has_readings(u)) due = earlier(due, flush_due_boot_ms(u));
    if (ready && has_work(u)) due = earlier(due, u->backoff.until_boot_ms);
    return due;
}

/* Until nothing is left, or the disk takes no more. */
static void save_all(uplink *u) {
    bool more;

    do {
        mailbox_take(u->parts.mailbox, &u->open);
        more = u->open.count == BATCH_READINGS_MAX;
        spool_everything(u);
    } while (more && !u->has_sealed);
}

static void *run(void *data) {
    uplink *u = data;
    int64_t due = 0;

    for (unsigned news; ((news = mailbox_wait(u->parts.mailbox, due)) & NEWS_STOP) == 0;) {
        if (news & NEWS_CLOCK) {
            backoff_end(&u->backoff);
            account_try_again(u->parts.account);
        }
        mailbox_take(u->parts.mailbox, &u->open);
        due = look(u);
    }
    save_all(u);
    return NULL;
}

static bool start_thread(uplink *u) {
    size_t stack = (size_t)u->parts.settings->stack_bytes;
    pthread_attr_t attributes;
    bool started;

    if (stack < (size_t)PTHREAD_STACK_MIN) stack = (size_t)PTHREAD_STACK_MIN;
    pthread_attr_init(&attributes);
    started = pthread_attr_setstacksize(&attributes, stack) == 0 &&
              pthread_create(&u->thread, &attributes, run, u) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

uplink *uplink_start(const uplink_parts *parts) {
    uplink *u = calloc(1, sizeof *u);

    if (u == NULL) return NULL;
    u->parts = *parts;
    memcpy(&u->backoff.chance, parts->boot.bytes, sizeof u->backoff.chance);
    if (start_thread(u)) return u;
    free(u);
    return NULL;
}

void uplink_join(uplink *u) {
    if (u == NULL) return;
    pthread_join(u->thread, NULL);
    free(u);
}
