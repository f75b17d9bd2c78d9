#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_BYTES = 8 + sizeof ".spool" };

static void name_of(uint32_t number, char name[NAME_BYTES]) {
    snprintf(name, NAME_BYTES, "%08" PRIx32 ".spool", number);
}

bool segment_number(const char *name, uint32_t *number) {
    char again[NAME_BYTES];

    if (sscanf(name, "%8" SCNx32, number) != 1) return false;
    name_of(*number, again);
    return strcmp(name, again) == 0;
}

int segment_open(int directory, uint32_t number, int flags) {
    char name[NAME_BYTES];

    name_of(number, name);
    return openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

void segment_remove(int directory, uint32_t number) {
    char name[NAME_BYTES];

    name_of(number, name);
    unlinkat(directory, name, 0);
}

static bool write_all(int file, const unsigned char *bytes, size_t size, off_t at) {
    while (size > 0) {
        ssize_t written = pwrite(file, bytes, size, at);

        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes += written;
        size -= (size_t)written;
        at += written;
    }
    return true;
}

bool segment_append(segment *s, int file, const frame *f) {
    unsigned char bytes[FRAME_BYTES_MAX];
    size_t size = frame_encode(f, bytes);
    int why;

    if (write_all(file, bytes, size, s->size) && fdatasync(file) == 0) {
        s->size += (off_t)size;
        s->readings += f->batch.count + f->batch.dropped;
        return true;
    }
    why = errno;
    if (ftruncate(file, s->size) != 0) (void)0; /* the checksum tells, or the batch comes twice */
    errno = why;
    return false;
}
