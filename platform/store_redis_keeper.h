/*
 * Keeps what a store's lock objects hold in Redis from ending: one thread for all of them, which begins with the first that holds
 * something, and ends with the store.
 */
#ifndef TI_STORE_REDIS_KEEPER_H
#define TI_STORE_REDIS_KEEPER_H

#include "platform/store_redis_script.h"

typedef struct ti_redis_keeper ti_redis_keeper;
/* What one lock object holds: the lock, a life, or nothing. */
typedef struct ti_redis_lease ti_redis_lease;

/* NULL: no memory. server is borrowed. */
ti_redis_keeper *ti_redis_keeper_new(ti_redis_server *server, int lease_ms);
/* When no lease is open any more; what could not be given back ends by itself. Takes NULL. */
void ti_redis_keeper_free(ti_redis_keeper *keeper);
ti_redis_server *ti_redis_keeper_server(const ti_redis_keeper *keeper);

/* With an owner of its own, which holds nothing yet. */
tacit_status ti_redis_lease_open(ti_redis_keeper *keeper, const char *prefix, const char *key,
                                 ti_redis_lease **lease, tacit_error *error);
void ti_redis_lease_close(ti_redis_lease *lease); /* gives back what it holds; takes NULL */
const ti_redis_names *ti_redis_lease_names(const ti_redis_lease *lease);
const char *ti_redis_lease_owner(const ti_redis_lease *lease);

/* TACIT_ERR_BUSY: another has it. */
tacit_status ti_redis_lease_take(ti_redis_lease *lease, size_t journal_size, tacit_error *error);
/* Where Redis cannot be told now, the thread tells it as soon as it can. */
void ti_redis_lease_release(ti_redis_lease *lease);
/* What the next command claims. false: the lock is not taken, or was lost, or may have been: since boot time until_boot_ms it was not
 * renewed. */
bool ti_redis_lease_claim(ti_redis_lease *lease, ti_redis_claim *claim);
/* The same, and with time left for what is begun now. */
bool ti_redis_lease_is_held(ti_redis_lease *lease);

typedef enum ti_redis_holding {
    TI_REDIS_HELD,
    TI_REDIS_NOT_HELD, /* no lease of the keeper has taken it */
    TI_REDIS_LOST      /* one had, and does not know it yet */
} ti_redis_holding;
/* The claim of whichever lease has the lock of that name. */
ti_redis_holding ti_redis_keeper_claim(ti_redis_keeper *keeper, const ti_redis_names *names,
                                       ti_redis_claim *claim);

/* TACIT_ERR_BUSY: another lives by that number. */
tacit_status ti_redis_lease_begin_life(ti_redis_lease *lease, int64_t life, tacit_error *error);
void ti_redis_lease_end_life(ti_redis_lease *lease);

#endif
