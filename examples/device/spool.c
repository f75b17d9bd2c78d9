/*
 * Properties: frames are read in the order in which they were appended. Every frame says which segment was the oldest when it was
 * written; what the next life finds before that had been given up, and its loss was told, so that nothing is both lost and sent.
 *
 * Operation: segments [first, end) hold frames; [doomed, first) were given up and go once the frame that tells of it is on the disk.
 * Frames are appended to the last one, and a new one is begun when that is an eighth of the whole, or failed to be written.
 */
#include "spool.h"

#include "segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEGMENTS_MAX = 16, PARTS = 8 };

struct spool {
    int directory;
    int last; /* the last segment's file; -1: a new one comes next */
    size_t bytes_max;
    uint32_t doomed, first, end;
    uint32_t dropped;
    segment segments[SEGMENTS_MAX]; /* by number */
    size_t peeked_size;             /* of the oldest frame */
    uint32_t peeked_readings;
};

static segment *at(spool *s, uint32_t number) {
    return &s->segments[number % SEGMENTS_MAX];
}

static void close_last(spool *s) {
    if (s->last >= 0) close(s->last);
    s->last = -1;
}

/* ------------------------------------------------------------------ what is there */

typedef struct visitor {
    void (*seen)(const batch *b, void *seen_data);
    void *seen_data;
    uint32_t first_segment; /* the latest word */
} visitor;

/* Until the first frame that is not whole. */
static void scan(const spool *s, segment *g, visitor *v) {
    int file = segment_open(s->directory, g->number, O_RDONLY);
    frame f;

    for (size_t size; file >= 0 && (size = frame_read(&f, file, g->size)) != 0;) {
        g->size += (off_t)size;
        g->readings += f.batch.count + f.batch.dropped;
        if (f.first_segment > v->first_segment) v->first_segment = f.first_segment;
        v->seen(&f.batch, v->seen_data);
    }
    if (file >= 0) close(file);
}

typedef void (*entry_fn)(spool *s, uint32_t number, visitor *v);

static bool for_each_file(spool *s, entry_fn visit, visitor *v) {
    int copy = openat(s->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    uint32_t number;

    if (entries == NULL) {
        if (copy >= 0) close(copy);
        return false;
    }
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;)
        if (segment_number(entry->d_name, &number)) visit(s, number, v);
    closedir(entries);
    return true;
}

static void find_ends(spool *s, uint32_t number, visitor *v) {
    (void)v;
    if (number >= s->end) s->end = number + 1;
    if (number < s->first) s->first = number;
}

/* More than this spool can hold: somebody made it smaller. Or it was given up, and the loss told, in a life before. */
static void give_up_surplus(spool *s, uint32_t number, visitor *v) {
    segment g = {.number = number};

    if (number >= s->first) return;
    if (number >= v->first_segment) scan(s, &g, v);
    s->dropped += g.readings;
    segment_remove(s->directory, number);
}

static void skip_delivered(spool *s) {
    while (s->first < s->end && at(s, s->first)->read_at >= at(s, s->first)->size) {
        if (s->first == s->end - 1) close_last(s);
        segment_remove(s->directory, s->first++);
    }
}

/* Appending goes on behind the last frame that is whole. */
static void reopen_last(spool *s) {
    const segment *g = at(s, s->end - 1);
    struct stat about;

    if (s->first == s->end) return;
    s->last = segment_open(s->directory, g->number, O_RDWR);
    if (s->last < 0 || fstat(s->last, &about) != 0 || about.st_size == g->size) return;
    if (ftruncate(s->last, g->size) != 0) close_last(s);
}

static bool load(spool *s, visitor *v) {
    s->first = UINT32_MAX;
    if (!for_each_file(s, find_ends, v)) return false;
    if (s->end == 0) s->end = s->first = 1;
    if (s->end - s->first > SEGMENTS_MAX) s->first = s->end - SEGMENTS_MAX;
    for (uint32_t number = s->first; number < s->end; number++) {
        *at(s, number) = (segment){.number = number};
        scan(s, at(s, number), v);
    }
    if (!for_each_file(s, give_up_surplus, v)) return false;
    while (s->first < v->first_segment && s->first < s->end)
        segment_remove(s->directory, s->first++);
    reopen_last(s);
    skip_delivered(s);
    s->doomed = s->first;
    return true;
}

spool *spool_open(const char *directory, size_t bytes_max,
                  void (*seen)(const batch *b, void *seen_data), void *seen_data) {
    visitor v = {.seen = seen, .seen_data = seen_data};
    spool *s = calloc(1, sizeof *s);
    int why;

    if (s == NULL) return NULL;
    s->last = -1;
    s->bytes_max = bytes_max < PARTS * FRAME_BYTES_MAX ? PARTS * FRAME_BYTES_MAX : bytes_max;
    s->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->directory >= 0 && load(s, &v)) return s;
    why = errno;
    spool_close(s);
    errno = why;
    return NULL;
}

void spool_close(spool *s) {
    if (s == NULL) return;
    close_last(s);
    if (s->directory >= 0) close(s->directory);
    free(s);
}

bool spool_is_empty(const spool *s) {
    return s->first == s->end;
}

/* ------------------------------------------------------------------ appending */

static size_t used(spool *s) {
    size_t sum = 0;

    for (uint32_t number = s->first; number < s->end; number++) sum += (size_t)at(s, number)->size;
    return sum;
}

static void give_up_oldest(spool *s) {
    s->dropped += at(s, s->first)->readings;
    if (s->first == s->end - 1) close_last(s);
    s->first++;
}

void spool_make_room(spool *s) {
    while (s->first < s->end &&
           (used(s) + FRAME_BYTES_MAX > s->bytes_max || s->end - s->first == SEGMENTS_MAX))
        give_up_oldest(s);
}

uint32_t spool_take_dropped(spool *s) {
    uint32_t dropped = s->dropped;

    s->dropped = 0;
    return dropped;
}

static void remove_doomed(spool *s) {
    while (s->doomed < s->first) segment_remove(s->directory, s->doomed++);
}

static bool begin_segment(spool *s) {
    int file = segment_open(s->directory, s->end, O_RDWR | O_CREAT | O_TRUNC);

    if (file < 0) return false;
    if (fsync(s->directory) != 0) {
        close(file);
        return false;
    }
    close_last(s);
    s->last = file;
    *at(s, s->end) = (segment){.number = s->end};
    s->end++;
    return true;
}

/* Nobody knows what a file holds that failed to be written (after a failed fsync() not even the kernel): the next frame goes into
 * another one. On a full disk the doomed are given up at once. */
static void abandon_last(spool *s) {
    int why = errno;

    close_last(s);
    if (at(s, s->end - 1)->size == 0) segment_remove(s->directory, --s->end);
    remove_doomed(s);
    errno = why;
}

bool spool_append(spool *s, const batch *b) {
    frame f = {.first_segment = s->first, .batch = *b};

    if (s->last < 0 || (size_t)at(s, s->end - 1)->size + FRAME_BYTES_MAX > s->bytes_max / PARTS)
        if (!begin_segment(s)) return false;
    if (!segment_append(at(s, s->end - 1), s->last, &f)) {
        abandon_last(s);
        return false;
    }
    remove_doomed(s);
    return true;
}

/* ------------------------------------------------------------------ reading */

typedef enum sight { WHOLE, DAMAGED, NOT_NOW } sight;

static sight read_oldest(spool *s, frame *f) {
    const segment *g = at(s, s->first);
    int file = segment_open(s->directory, g->number, O_RDONLY);

    s->peeked_size = 0;
    if (file < 0) return errno == ENOENT ? DAMAGED : NOT_NOW;
    s->peeked_size = frame_read(f, file, g->read_at);
    close(file);
    s->peeked_readings = f->batch.count + f->batch.dropped;
    return s->peeked_size != 0 ? WHOLE : DAMAGED;
}

bool spool_peek(spool *s, batch *b) {
    frame f = {0};

    while (s->first < s->end) {
        sight seen = read_oldest(s, &f);

        if (seen == WHOLE) *b = f.batch;
        if (seen != DAMAGED) return seen == WHOLE;
        at(s, s->first)->read_at = at(s, s->first)->size; /* the disk has lost it */
        s->dropped += at(s, s->first)->readings;
        skip_delivered(s);
    }
    return false;
}

void spool_pop(spool *s) {
    segment *g = at(s, s->first);

    if (s->peeked_size == 0) return;
    g->read_at += (off_t)s->peeked_size;
    g->readings -= s->peeked_readings;
    s->peeked_size = 0;
    skip_delivered(s);
}
