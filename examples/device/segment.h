/* One file of the spool: frames one after the other. Older files have lower numbers. */
#ifndef DEVICE_SEGMENT_H
#define DEVICE_SEGMENT_H

#include "frame.h"

typedef struct segment {
    uint32_t number;
    off_t size;        /* of the frames that are whole */
    off_t read_at;     /* the first that is not delivered */
    uint32_t readings; /* not delivered, with those whose loss its frames are to tell */
} segment;

/* Of a file's name; false: it is none of ours. */
bool segment_number(const char *name, uint32_t *number);
/* The file, to be closed; -1 and errno. */
int segment_open(int directory, uint32_t number, int flags);
void segment_remove(int directory, uint32_t number);
/* Appends a frame and waits for the disk. false: the file is as long as before, and errno. */
bool segment_append(segment *s, int file, const frame *f);

#endif
