/* What every store keeps to, as one group of cases that runs against any. */
#ifndef TEST_STORE_CONTRACT_H
#define TEST_STORE_CONTRACT_H

#include <tacit/store.h>

#include "support/store_user.h"

typedef struct store_contract {
    const char *name;
    /* A store; every one that it makes reaches the same records where persistent. Yours. */
    tacit_store *(*make)(void *data);
    void *data;
    bool persistent; /* another store object finds what was saved */
    /* What another process has to know to make such a store, for store_contract_worker(). NULL:
     * records are not shared with processes, or others are not tried. */
    const char *place;
    size_t
        room; /* what a record may have here, where that is less than the store takes. 0: it is not */

    /*
     * Troubles. Each is made with true and ended with false, while a store object that was made
     * before is in use. NULL: it cannot happen to this store, or not here; its case is skipped.
     */
    void (*lock)(void *data, bool locked); /* calls answer STORE_LOCKED */
    void (*away)(void *data, bool away);   /* calls answer STORE_UNAVAILABLE */
    void (*hang)(void *data, bool hangs);  /* calls do not return before it ends */
    /* What lies under the key cannot be read back from now on. */
    void (*damage)(void *data, const char *key);
    bool erases_always; /* lock and away do not keep it from erasing */
} store_contract;

/* The number of cases that failed. */
int store_contract_run(const store_contract *contract);

/* Called first by a main() whose contract has a place: the suite starts the program again to use the
 * same records from other processes. In such a one it does not return, and make gets the place. */
void store_contract_worker(int argc, char **argv, tacit_store *(*make)(const char *place));

#endif
