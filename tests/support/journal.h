/* The journal of a world with one identity, as another process would read and write it. */
#ifndef TS_JOURNAL_H
#define TS_JOURNAL_H

#include "session/journal_bytes.h"

#include "support/world.h"

/* "<state_dir>/<hash>.journal"; yours. NULL: there is none. */
char *journal_path(world *world);
/* What its newest slot says; that slot's number. There must be one. */
uint64_t journal_read(world *world, ti_journal_image *image);
/* Writes the next slot, with the world's clock. */
void journal_write(world *world, const ti_journal_image *image);

#endif
