/*
 * tacit-device CONFIG: measures every second, signs in once, and sends what it measured whenever it can.
 *
 * The main loop waits for nothing but the sensor, the next second or a signal: neither disk nor network can hold it up, so that it is
 * the one to feed a watchdog. The uplink is a thread of its own.
 */
#include "dates.h"
#include "sensor.h"
#include "uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STEP_MIN_MS = 1000, REFRESH_PATIENCE_MS = 1500 };

typedef struct device {
    settings settings;
    display *display;
    mailbox *mailbox;
    dates dates;
    spool *spool;
    account *account;
    uplink *uplink;
    boot_id boot;
    int64_t run_boot_ms;
} device;

/* ------------------------------------------------------------------ the main loop */

static void measure(const device *d, uint32_t seq) {
    reading r = {
        .seq = seq, .at_boot_ms = clock_boot_ms(), .value = sensor_read(d->settings.sensor)};

    mailbox_push(d->mailbox, &r);
}

/* NTP has come, or someone with a watch: whatever waits for better times need not wait any longer. */
static void watch_clock(const device *d, int64_t *ahead_ms) {
    int64_t now_ahead_ms = clock_ahead_ms();
    int64_t step_ms = now_ahead_ms - *ahead_ms;

    if (step_ms >= STEP_MIN_MS || step_ms <= -STEP_MIN_MS) mailbox_tell(d->mailbox, NEWS_CLOCK);
    *ahead_ms = now_ahead_ms;
}

/* false: a signal came first. */
static bool wait_until(int64_t boot_ms, const sigset_t *signals) {
    for (int64_t left_ms; (left_ms = boot_ms - clock_boot_ms()) > 0;) {
        struct timespec left = {.tv_sec = (time_t)(left_ms / 1000),
                                .tv_nsec = (long)(left_ms % 1000) * 1000000L};

        if (sigtimedwait(signals, NULL, &left) >= 0) return false;
    }
    return sigtimedwait(signals, NULL, &(struct timespec){0}) < 0;
}

static void run(const device *d, const sigset_t *signals) {
    int64_t next_boot_ms = clock_boot_ms(), ahead_ms = clock_ahead_ms();

    for (uint32_t seq = 0; wait_until(next_boot_ms, signals); seq++) {
        watch_clock(d, &ahead_ms);
        measure(d, seq);
        next_boot_ms += d->settings.interval_ms;
        if (next_boot_ms < clock_boot_ms()) next_boot_ms = clock_boot_ms(); /* it was suspended */
    }
}

/* ------------------------------------------------------------------ beginning and end */

static bool fail(const char *what) {
    fprintf(stderr, "tacit-device: %s: %s\n", what, strerror(errno));
    return false;
}

/* Made where it is missing; its name, too, outlives a loss of power, as far as the file system has a call for that. */
static bool make_directory(const char *path) {
    char parent[512];
    int file;

    if (mkdir(path, 0700) != 0) return errno == EEXIST;
    snprintf(parent, sizeof parent, "%s/..", path);
    file = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file >= 0) {
        fsync(file);
        close(file);
    }
    return true;
}

/* Two processes would number their batches in one spool: the lock lasts as long as the process. */
static bool take_directory(const char *path) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char lock[512];
    int file;

    if (!make_directory(path)) return fail(path);
    snprintf(lock, sizeof lock, "%s/device.lock", path);
    file = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return (file >= 0 && fcntl(file, F_SETLK, &whole) == 0) || fail(lock);
}

static bool open_spool(device *d) {
    d->spool =
        spool_open(d->settings.directory, (size_t)d->settings.spool_bytes, dates_note, &d->dates);
    return d->spool != NULL || fail("the spool");
}

static bool start(device *d) {
    if (!clock_boot_id(&d->boot)) return fail("no random numbers");
    d->run_boot_ms = clock_boot_ms();
    if (!take_directory(d->settings.directory) || !open_spool(d)) return false;
    d->display = display_new(d->settings.status_file);
    d->mailbox = mailbox_new();
    if (d->display == NULL || d->mailbox == NULL) return fail("memory");
    d->account = account_open(&d->settings, d->display, d->mailbox);
    if (d->account == NULL) return false;
    uplink_parts parts = {.settings = &d->settings,
                          .display = d->display,
                          .mailbox = d->mailbox,
                          .account = d->account,
                          .spool = d->spool,
                          .dates = &d->dates,
                          .boot = d->boot,
                          .run_boot_ms = d->run_boot_ms};
    d->uplink = uplink_start(&parts);
    return d->uplink != NULL || fail("the uplink");
}

/* false: tacit is not through yet, and goes on using what is there. */
static bool stop(device *d) {
    if (d->uplink != NULL) {
        mailbox_tell(d->mailbox, NEWS_STOP);
        account_close(d->account);
        uplink_join(d->uplink);
        display_show(d->display, "stopped", "what was not sent is in the spool");
    }
    if (!account_free(d->account, REFRESH_PATIENCE_MS)) return false;
    mailbox_free(d->mailbox);
    display_free(d->display);
    spool_close(d->spool);
    settings_free(&d->settings);
    return true;
}

/* Taken by sigtimedwait() alone, in whatever thread they might have come; a second one changes nothing, as the end is bounded. */
static void block(sigset_t *signals) {
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
}

int main(int argc, char **argv) {
    device d = {.spool = NULL};
    sigset_t signals;
    bool started;

    if (argc != 2) {
        fprintf(stderr, "usage: tacit-device CONFIG\n");
        return 2;
    }
    block(&signals);
    if (!settings_read(&d.settings, argv[1])) return 2;
    started = start(&d);
    if (started) run(&d, &signals);
    if (!stop(&d)) _exit(started ? 0 : 1); /* exit() would clean up under threads that run */
    return started ? 0 : 1;
}
