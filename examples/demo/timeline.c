/*
 * Properties: one thread prints, and what is on the screen is whole lines, but for the row of the
 *   current second.
 * Operation: the thread looks ten times a second at the session and the server's counters, and adds
 *   up what it saw into a row; when the second is over the row stays and the next begins. Others
 *   leave notes and a heading, which finishes the row early.
 * Safety: the lock is not held while the server is asked.
 */
#include "timeline.h"

#include "control.h"
#include "pause.h"
#include "terminal.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LOOK_EVERY_MS = 100, NOTES_SIZE = 22, HEADING_SIZE = 120 };

typedef struct row {
    long second;
    uint64_t most_waiting;
    char notes[NOTES_SIZE];
    bool notes_are_bad;
} row;

static struct timeline {
    /* set at the beginning, then read-only */
    timeline_subject subject;
    int64_t lifetime_ms;
    control *control;
    pthread_t thread;

    /* the timeline's thread only */
    server_counts now, before; /* before: when the row began */
    uint64_t generation;
    int64_t expires_in_s; /* as the session said it last, in whole seconds */
    int64_t expires_at_ms;

    pthread_mutex_t lock;
    pthread_cond_t heading_printed;
    /* guarded by lock */
    bool ending;
    row row;
    char heading[HEADING_SIZE]; /* to be printed; "": none */
} timeline = {.lock = PTHREAD_MUTEX_INITIALIZER, .heading_printed = PTHREAD_COND_INITIALIZER};

/* The session tells whole seconds, rounded down: at the moment the number changes it is exact. */
static void look_at_token(void) {
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;

    tacit_session_get_stats(timeline.subject.session, &stats);
    if (stats.generation == timeline.generation && stats.expires_in_s == timeline.expires_in_s) {
        return;
    }
    timeline.generation = stats.generation;
    timeline.expires_in_s = stats.expires_in_s;
    timeline.expires_at_ms = pause_now_ms() + (stats.expires_in_s + 1) * 1000;
}

static int64_t token_left_ms(void) {
    int64_t left_ms = timeline.expires_at_ms - pause_now_ms();

    if (timeline.generation == 0 || left_ms < 0) return 0;
    return left_ms < timeline.lifetime_ms ? left_ms : timeline.lifetime_ms;
}

static void print_token(void) {
    int64_t left_ms = token_left_ms();
    char bar[TERMINAL_BAR_SIZE], name[24] = "-";
    style style = left_ms > timeline.lifetime_ms / 2 ? STYLE_GOOD : STYLE_WARNING;

    if (left_ms == 0) style = STYLE_BAD;
    if (timeline.generation)
        snprintf(name, sizeof name, "#%llu", (unsigned long long)timeline.generation);
    terminal_bar(bar, (int)(left_ms * 1000 / timeline.lifetime_ms));
    printf("%5s  %s%s%s%3d.%d s", name, terminal_style(style), bar, terminal_style(STYLE_PLAIN),
           (int)(left_ms / 1000), (int)(left_ms % 1000 / 100));
}

static void print_number(int width, long number, style style) {
    printf("%s%*ld%s", terminal_style(number ? style : STYLE_DIM), width, number,
           terminal_style(STYLE_PLAIN));
}

/* At most 79 columns: a terminal of 80 must not wrap it. */
static void print_row_locked(void) {
    const row *row = &timeline.row;

    if (terminal_is_live()) printf("\r\033[K");
    printf("%3ld s", row->second);
    print_token();
    print_number(6, timeline.now.api_200 - timeline.before.api_200, STYLE_PLAIN);
    print_number(6, timeline.now.api_401 - timeline.before.api_401, STYLE_BAD);
    print_number(6, (long)row->most_waiting, STYLE_WARNING);
    if (row->notes[0]) {
        printf("  %s%s%s", terminal_style(row->notes_are_bad ? STYLE_BAD : STYLE_GOOD), row->notes,
               terminal_style(STYLE_PLAIN));
    }
    fflush(stdout);
}

static long second_now(void) {
    return (long)((pause_now_ms() - timeline.subject.began_ms) / 1000);
}

static void begin_row_locked(void) {
    timeline.row = (row){.second = second_now()};
    timeline.before = timeline.now;
}

static void finish_row_locked(void) {
    print_row_locked();
    printf("\n");
    begin_row_locked();
}

static bool row_shows_something_locked(void) {
    const row *row = &timeline.row;
    return row->notes[0] || row->most_waiting || timeline.now.api_200 != timeline.before.api_200 ||
           timeline.now.api_401 != timeline.before.api_401;
}

static void print_heading_locked(void) {
    if (row_shows_something_locked()) finish_row_locked();
    if (terminal_is_live()) printf("\r\033[K");
    printf("\n%s%s%s\n", terminal_style(STYLE_BOLD), timeline.heading, terminal_style(STYLE_PLAIN));
    printf("%s%-5s%5s  %-20s%7s%6s%6s%6s%s\n", terminal_style(STYLE_DIM), "time", "token",
           "its life", "left", "200s", "401s", "wait", terminal_style(STYLE_PLAIN));
    fflush(stdout);
    begin_row_locked();
    timeline.heading[0] = '\0';
    pthread_cond_broadcast(&timeline.heading_printed);
}

/* true: it shall look again. */
static bool look(void) {
    tacit_client_stats stats = TACIT_CLIENT_STATS_INIT;
    server_counts counts;

    if (control_counts(timeline.control, &counts)) timeline.now = counts;
    tacit_client_get_stats(timeline.subject.client, &stats);
    look_at_token();

    pthread_mutex_lock(&timeline.lock);
    if (stats.calls_waiting > timeline.row.most_waiting) {
        timeline.row.most_waiting = stats.calls_waiting;
    }
    if (timeline.heading[0])
        print_heading_locked();
    else if (second_now() != timeline.row.second || timeline.ending)
        finish_row_locked();
    else if (terminal_is_live())
        print_row_locked();
    bool ending = timeline.ending;
    pthread_mutex_unlock(&timeline.lock);
    return !ending;
}

static void *run(void *data) {
    (void)data;
    while (look()) nanosleep(&(struct timespec){.tv_nsec = LOOK_EVERY_MS * 1000000L}, NULL);
    return NULL;
}

bool timeline_begin(const timeline_subject *subject) {
    timeline.subject = *subject;
    timeline.lifetime_ms = (int64_t)subject->lifetime_s * 1000;
    timeline.control = control_new(subject->server_url);
    bool ok = timeline.control && control_counts(timeline.control, &timeline.now);
    begin_row_locked(); /* nobody else is there yet */
    ok = ok && pthread_create(&timeline.thread, NULL, run, NULL) == 0;
    if (!ok) control_free(timeline.control);
    return ok;
}

void timeline_end(void) {
    pthread_mutex_lock(&timeline.lock);
    timeline.ending = true;
    pthread_mutex_unlock(&timeline.lock);
    pthread_join(timeline.thread, NULL);
    control_free(timeline.control);
}

void timeline_heading(const char *format, ...) {
    va_list arguments;

    pthread_mutex_lock(&timeline.lock);
    va_start(arguments, format);
    vsnprintf(timeline.heading, sizeof timeline.heading, format, arguments);
    va_end(arguments);
    while (timeline.heading[0]) pthread_cond_wait(&timeline.heading_printed, &timeline.lock);
    pthread_mutex_unlock(&timeline.lock);
}

/* The same words twice in a second are said once; what has no room is left out. */
void timeline_note(const char *text, bool is_bad) {
    pthread_mutex_lock(&timeline.lock);
    row *row = &timeline.row;
    size_t length = strlen(row->notes);
    bool fits = length + strlen(text) + sizeof ", " <= sizeof row->notes;

    if (fits && !strstr(row->notes, text)) {
        snprintf(row->notes + length, sizeof row->notes - length, "%s%s", length ? ", " : "", text);
        row->notes_are_bad = row->notes_are_bad || is_bad;
    }
    pthread_mutex_unlock(&timeline.lock);
}
