/*
 * A store of plain files that several processes share, which fails and hangs as a test says. Its faults are this process's own: another
 * process may work with the same files meanwhile.
 */
#ifndef TS_PLAIN_STORE_H
#define TS_PLAIN_STORE_H

#include <tacit/store.h>

typedef struct plain_store plain_store;

typedef enum plain_call {
    PLAIN_LOAD = 0,
    PLAIN_SAVE = 1,
    PLAIN_ERASE = 2,
    PLAIN_CALLS = 3
} plain_call;

/* The directory exists. NULL: no memory. */
plain_store *plain_store_new(const char *directory);
/* The same, with lock and journal in the directory too. */
plain_store *plain_store_new_with_lock(const char *directory);
/* Not files, but another store behind the same faults, with that one's lock where it has one; takes the reference. */
plain_store *plain_store_over(tacit_store *store);
void plain_store_free(plain_store *store);           /* when nothing uses its handle any more */
tacit_store *plain_store_handle(plain_store *store); /* borrowed */

/* Such calls fail with status and change nothing; TACIT_OK: they work again. */
void plain_store_fail(plain_store *store, plain_call call, tacit_status status);
/* Such calls wait inside, before they do anything, until they may go on. */
void plain_store_hold(plain_store *store, plain_call call, bool held);

/* The text of the only record in the directory; yours. NULL: there is none. */
char *plain_store_record(const char *directory);
/* Something else in its place, as a backup that is put back. */
void plain_store_put(const char *directory, const char *record);
/* Takes all records away, as a user might. */
void plain_store_clear(const char *directory);

#endif
