/*
 * Batches on flash, until they are delivered.
 *
 * What was appended survives the death of the process and of the power at any byte: a frame is written with one write and
 * fdatasync(), a new file and its directory entry with fsync(). What was delivered is forgotten by removing whole files, without
 * waiting for the disk and without any write of its own; so after a crash some batches come a second time, under their old keys.
 * One write per batch, none while the network is there.
 *
 * Used by one thread.
 */
#ifndef DEVICE_SPOOL_H
#define DEVICE_SPOOL_H

#include "batch.h"

typedef struct spool spool;

/* Reads what is there; seen gets every batch, oldest first. What is torn at the end is cut off. bytes_max: for all files.
 * NULL: errno says why. */
spool *spool_open(const char *directory, size_t bytes_max,
                  void (*seen)(const batch *b, void *seen_data), void *seen_data);
void spool_close(spool *s);

bool spool_is_empty(const spool *s);
/* Before a batch is made that is to be appended: gives up the oldest ones where it would not fit. */
void spool_make_room(spool *s);
/* Readings given up since the last call; the next batch tells. */
uint32_t spool_take_dropped(spool *s);
/* Behind all others; on the disk when it returns. false: as before, and errno. */
bool spool_append(spool *s, const batch *b);
/* The oldest. false: there is none, or its file cannot be opened now. What is damaged is given up. */
bool spool_peek(spool *s, batch *b);
/* The oldest was delivered. */
void spool_pop(spool *s);

#endif
