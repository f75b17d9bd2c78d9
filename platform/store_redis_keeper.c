/*
 * Properties: a lease says that it holds the lock only while Redis cannot have ended it: until lease_ms after the last command that
 * renewed it was *sent*. The clock counts time spent suspended. Redis checks each write again, so that a clock that goes wrong costs a
 * refresh at most, and no record.
 *
 * Operation: the thread visits each lease at a third of its time, and one with which something went wrong after a twelfth. A release or
 * the end of a life that did not get through stays with the thread as a debt, and the lease with it, until it got through or has ended
 * by itself. A take that was not answered may be done late, behind the release that was to undo it: its debt is paid again and again,
 * for as long as a lock is lent.
 *
 * Safety: the fields of all leases are guarded by the keeper's lock, which nobody holds while Redis is asked. A lease is freed by whoever
 * comes last: the lock object, or the thread with a visit or a debt.
 */
#include "platform/store_redis_keeper.h"

#include "base/error.h"
#include "platform/os.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STACK_BYTES = 256 * 1024 };

struct ti_redis_keeper {
    /* set at creation, then read-only */
    ti_redis_server *server;
    int lease_ms, renewal_timeout_ms;
    ti_os_timer *timer;

    pthread_mutex_t lock;
    ti_redis_lease *leases; /* guarded by lock */
    bool started, stopping; /* guarded by lock */
    pthread_t thread;       /* set once, before started */
};

struct ti_redis_lease {
    /* set at creation, then read-only */
    ti_redis_keeper *keeper;
    ti_redis_names names;
    char owner[TI_REDIS_OWNER_SIZE];

    /* guarded by the keeper's lock */
    ti_redis_lease *next;
    bool open, visited; /* by the lock object; by the thread, at the moment */
    int64_t number;     /* of the last command */
    bool taken, lost;   /* taken: until it is released, lost or not */
    int64_t fence, until_boot_ms;
    int64_t life; /* 0: none */
    bool owes_release, owes_end;
    int64_t release_number, end_number; /* of the last command that they are to undo */
    int64_t ended_life, debt_until_boot_ms;
    int64_t unheard_until_boot_ms; /* a take that was not answered may be done until then */
    bool silent;                   /* Redis, when it was last asked for the lock, or told of it */
    int64_t due_boot_ms;           /* of the next visit */
};

/* ------------------------------------------------------------------ the thread's work */

/* For that long from now on, at least. */
static bool holds_locked(const ti_redis_lease *lease, int ms) {
    return lease->taken && !lease->lost && ti_os_boot_ms() + ms < lease->until_boot_ms;
}

static bool has_work_locked(const ti_redis_lease *lease) {
    return (lease->taken && !lease->lost) || lease->life != 0 || lease->owes_release ||
           lease->owes_end;
}

static void claim_locked(ti_redis_lease *lease, ti_redis_claim *claim) {
    memcpy(claim->owner, lease->owner, sizeof claim->owner);
    claim->fence = lease->fence;
    claim->number = ++lease->number;
}

static void visit_soon_locked(ti_redis_lease *lease, int64_t now, int part) {
    int64_t due = now + lease->keeper->lease_ms / part;

    if (lease->due_boot_ms > due || lease->due_boot_ms <= now) lease->due_boot_ms = due;
}

/* What Redis was not told, or not for certain, stays a debt as long as there is something to give back. */
static void owe_release_locked(ti_redis_lease *lease) {
    lease->owes_release = true;
    lease->release_number = lease->number;
    lease->debt_until_boot_ms = ti_os_boot_ms() + lease->keeper->lease_ms;
}

static void owe_end_locked(ti_redis_lease *lease, int64_t life) {
    lease->owes_end = true;
    lease->end_number = lease->number;
    lease->ended_life = life;
    lease->debt_until_boot_ms = ti_os_boot_ms() + lease->keeper->lease_ms;
}

static bool is_answer(tacit_status status) {
    return status == TACIT_OK || status == TACIT_ERR_BUSY;
}

static bool settled(tacit_status status, const ti_redis_lease *lease) {
    return is_answer(status) || ti_os_boot_ms() >= lease->debt_until_boot_ms;
}

static bool is_unheard_locked(const ti_redis_lease *lease) {
    return ti_os_boot_ms() < lease->unheard_until_boot_ms;
}

static bool renew_lock_locked(ti_redis_lease *lease) {
    ti_redis_keeper *keeper = lease->keeper;
    int64_t sent = ti_os_boot_ms();
    ti_redis_claim claim;
    tacit_status status;

    claim_locked(lease, &claim);
    pthread_mutex_unlock(&keeper->lock);
    status = ti_redis_renew(keeper->server, &lease->names, &claim, keeper->lease_ms,
                            keeper->renewal_timeout_ms, NULL);
    pthread_mutex_lock(&keeper->lock);
    if (!lease->taken || lease->fence != claim.fence) return true; /* released meanwhile */
    if (status == TACIT_OK) lease->until_boot_ms = sent + keeper->lease_ms;
    if (status == TACIT_ERR_BUSY) lease->lost = true;
    return status == TACIT_OK || lease->lost;
}

static bool renew_life_locked(ti_redis_lease *lease) {
    ti_redis_keeper *keeper = lease->keeper;
    int64_t life = lease->life;
    ti_redis_claim claim;
    tacit_status status;

    claim_locked(lease, &claim);
    pthread_mutex_unlock(&keeper->lock);
    status = ti_redis_live(keeper->server, &lease->names, life, &claim, keeper->lease_ms,
                           keeper->renewal_timeout_ms, NULL);
    pthread_mutex_lock(&keeper->lock);
    if (lease->life != life) owe_end_locked(lease, life); /* perhaps this began it again */
    return status == TACIT_OK || status == TACIT_ERR_BUSY;
}

/* false: Redis is out of reach. */
static bool release_locked(ti_redis_lease *lease) {
    ti_redis_keeper *keeper = lease->keeper;
    ti_redis_claim claim;
    tacit_status status;

    claim_locked(lease, &claim);
    pthread_mutex_unlock(&keeper->lock);
    status =
        ti_redis_release(keeper->server, &lease->names, &claim, keeper->renewal_timeout_ms, NULL);
    pthread_mutex_lock(&keeper->lock);
    lease->silent = !is_answer(status);
    if (claim.number > lease->release_number && !is_unheard_locked(lease) && settled(status, lease))
        lease->owes_release = false;
    return !lease->silent;
}

static bool end_life_locked(ti_redis_lease *lease) {
    ti_redis_keeper *keeper = lease->keeper;
    int64_t life = lease->ended_life;
    ti_redis_claim claim;
    tacit_status status;

    claim_locked(lease, &claim);
    pthread_mutex_unlock(&keeper->lock);
    status = ti_redis_end_life(keeper->server, &lease->names, life, &claim,
                               keeper->renewal_timeout_ms, NULL);
    pthread_mutex_lock(&keeper->lock);
    if (claim.number > lease->end_number && settled(status, lease)) lease->owes_end = false;
    return !lease->owes_end;
}

static void visit_locked(ti_redis_lease *lease) {
    ti_redis_keeper *keeper = lease->keeper;
    bool ok = true;

    lease->visited = true;
    lease->due_boot_ms = ti_os_boot_ms() + keeper->lease_ms / 3;
    if (lease->taken && !lease->lost) ok = renew_lock_locked(lease);
    if (ok && lease->owes_release) ok = release_locked(lease);
    if (ok && lease->life != 0) ok = renew_life_locked(lease);
    if (ok && lease->owes_end) ok = end_life_locked(lease);
    if (!ok || lease->owes_release) visit_soon_locked(lease, ti_os_boot_ms(), 12);
    lease->visited = false;
}

/* ------------------------------------------------------------------ the thread */

static void free_lease(ti_redis_lease *lease) {
    ti_redis_names_free(&lease->names);
    free(lease);
}

/* Those that nobody needs any more; of the others the one that is due first. NULL: none. */
static ti_redis_lease *first_due_locked(ti_redis_keeper *keeper) {
    ti_redis_lease *first = NULL, **link = &keeper->leases;

    while (*link != NULL) {
        ti_redis_lease *lease = *link;

        if (!lease->open && !has_work_locked(lease)) {
            *link = lease->next;
            free_lease(lease);
            continue;
        }
        if (has_work_locked(lease) && (first == NULL || lease->due_boot_ms < first->due_boot_ms))
            first = lease;
        link = &lease->next;
    }
    return first;
}

static void *keep(void *data) {
    ti_redis_keeper *keeper = data;

    pthread_mutex_lock(&keeper->lock);
    while (!keeper->stopping) {
        ti_redis_lease *lease = first_due_locked(keeper);
        int64_t due = lease != NULL ? lease->due_boot_ms : TI_OS_TIMER_NEVER;

        if (due <= ti_os_boot_ms()) {
            visit_locked(lease);
            continue;
        }
        pthread_mutex_unlock(&keeper->lock);
        ti_os_timer_wait(keeper->timer, due);
        pthread_mutex_lock(&keeper->lock);
    }
    pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

/* With all signals blocked, so that the app's handlers never run on it. */
static bool start_thread(ti_redis_keeper *keeper) {
    pthread_attr_t attributes;
    sigset_t all, before;
    bool ok;

    if (pthread_attr_init(&attributes) != 0) return false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ok = pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
         pthread_create(&keeper->thread, &attributes, keep, keeper) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return ok;
}

static tacit_status start(ti_redis_keeper *keeper, tacit_error *error) {
    bool started;

    pthread_mutex_lock(&keeper->lock);
    if (!keeper->started) keeper->started = start_thread(keeper);
    started = keeper->started;
    pthread_mutex_unlock(&keeper->lock);
    return started ? ti_error_clear(error)
                   : ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                                  "the system gives no thread to keep the lock with");
}

/* ------------------------------------------------------------------ the keeper */

ti_redis_keeper *ti_redis_keeper_new(ti_redis_server *server, int lease_ms) {
    ti_redis_keeper *keeper = calloc(1, sizeof *keeper);
    int timeout_ms = ti_redis_server_timeout_ms(server);

    if (keeper == NULL) return NULL;
    keeper->server = server;
    keeper->lease_ms = lease_ms;
    keeper->renewal_timeout_ms = timeout_ms < lease_ms / 3 ? timeout_ms : lease_ms / 3;
    keeper->timer = ti_os_timer_new();
    if (keeper->timer != NULL && pthread_mutex_init(&keeper->lock, NULL) == 0) return keeper;
    ti_os_timer_free(keeper->timer);
    free(keeper);
    return NULL;
}

void ti_redis_keeper_free(ti_redis_keeper *keeper) {
    if (keeper == NULL) return;
    pthread_mutex_lock(&keeper->lock);
    keeper->stopping = true;
    pthread_mutex_unlock(&keeper->lock);
    ti_os_timer_wake(keeper->timer);
    if (keeper->started) pthread_join(keeper->thread, NULL);
    while (keeper->leases != NULL) {
        ti_redis_lease *next = keeper->leases->next;

        free_lease(keeper->leases);
        keeper->leases = next;
    }
    pthread_mutex_destroy(&keeper->lock);
    ti_os_timer_free(keeper->timer);
    free(keeper);
}

ti_redis_server *ti_redis_keeper_server(const ti_redis_keeper *keeper) {
    return keeper->server;
}

/* ------------------------------------------------------------------ leases */

static bool draw_owner(char owner[TI_REDIS_OWNER_SIZE]) {
    unsigned char random[(TI_REDIS_OWNER_SIZE - 1) / 2];

    if (!ti_os_random(random, sizeof random)) return false;
    for (size_t i = 0; i < sizeof random; i++) snprintf(owner + 2 * i, 3, "%02x", random[i]);
    return true;
}

tacit_status ti_redis_lease_open(ti_redis_keeper *keeper, const char *prefix, const char *key,
                                 ti_redis_lease **lease, tacit_error *error) {
    ti_redis_lease *made = calloc(1, sizeof *made);

    *lease = NULL;
    if (made == NULL || !ti_redis_names_make(&made->names, prefix, key)) {
        free(made);
        return ti_error_no_memory(error);
    }
    if (!draw_owner(made->owner)) {
        free_lease(made);
        return ti_error_set(error, TACIT_ERR_STORE_FAILED, "the system has no random numbers");
    }
    made->keeper = keeper;
    made->open = true;
    pthread_mutex_lock(&keeper->lock);
    made->next = keeper->leases;
    keeper->leases = made;
    pthread_mutex_unlock(&keeper->lock);
    *lease = made;
    return ti_error_clear(error);
}

static void remove_locked(ti_redis_lease *lease) {
    ti_redis_lease **link = &lease->keeper->leases;

    while (*link != lease) link = &(*link)->next;
    *link = lease->next;
}

void ti_redis_lease_close(ti_redis_lease *lease) {
    ti_redis_keeper *keeper;
    bool last;

    if (lease == NULL) return;
    keeper = lease->keeper;
    ti_redis_lease_release(lease);
    ti_redis_lease_end_life(lease);
    pthread_mutex_lock(&keeper->lock);
    lease->open = false;
    last = !lease->visited && !has_work_locked(lease);
    if (last) remove_locked(lease);
    pthread_mutex_unlock(&keeper->lock);
    if (last) free_lease(lease);
}

const ti_redis_names *ti_redis_lease_names(const ti_redis_lease *lease) {
    return &lease->names;
}

const char *ti_redis_lease_owner(const ti_redis_lease *lease) {
    return lease->owner;
}

/* ------------------------------------------------------------------ the lock */

/* Whatever is to be undone of it. false: nothing. */
static bool not_taken_locked(ti_redis_lease *lease, tacit_status status) {
    if (status == TACIT_ERR_BUSY && !is_unheard_locked(lease)) return false;
    lease->taken = lease->lost = false;
    lease->silent = status != TACIT_ERR_BUSY;
    owe_release_locked(lease);
    if (lease->silent) lease->unheard_until_boot_ms = lease->debt_until_boot_ms;
    visit_soon_locked(lease, ti_os_boot_ms(), 12);
    return true;
}

static void taken_locked(ti_redis_lease *lease, int64_t fence, int64_t sent) {
    lease->taken = true;
    lease->lost = false;
    lease->fence = fence;
    lease->until_boot_ms = sent + lease->keeper->lease_ms;
    visit_soon_locked(lease, sent, 3);
}

tacit_status ti_redis_lease_take(ti_redis_lease *lease, size_t journal_size, tacit_error *error) {
    ti_redis_keeper *keeper = lease->keeper;
    tacit_status status = start(keeper, error);
    int64_t sent, number, fence;
    bool work = true;

    if (status != TACIT_OK) return status;
    pthread_mutex_lock(&keeper->lock);
    lease->owes_release = false; /* whatever is under way for it has a lower number */
    number = ++lease->number;
    pthread_mutex_unlock(&keeper->lock);
    sent = ti_os_boot_ms();
    status = ti_redis_take(keeper->server, &lease->names, lease->owner, number, keeper->lease_ms,
                           journal_size, &fence, error);
    pthread_mutex_lock(&keeper->lock);
    if (status == TACIT_OK)
        taken_locked(lease, fence, sent);
    else
        work = not_taken_locked(lease, status);
    pthread_mutex_unlock(&keeper->lock);
    if (work) ti_os_timer_wake(keeper->timer);
    return status;
}

void ti_redis_lease_release(ti_redis_lease *lease) {
    ti_redis_keeper *keeper = lease->keeper;
    bool owes = false;

    pthread_mutex_lock(&keeper->lock);
    if (lease->taken && (!lease->lost || is_unheard_locked(lease))) {
        lease->taken = false;
        owe_release_locked(lease);
        release_locked(lease);
        owes = lease->owes_release;
        if (owes) visit_soon_locked(lease, ti_os_boot_ms(), 12);
    }
    lease->taken = false;
    pthread_mutex_unlock(&keeper->lock);
    if (owes) ti_os_timer_wake(keeper->timer);
}

bool ti_redis_lease_claim(ti_redis_lease *lease, ti_redis_claim *claim) {
    bool held;

    pthread_mutex_lock(&lease->keeper->lock);
    held = holds_locked(lease, 0);
    if (held) claim_locked(lease, claim);
    pthread_mutex_unlock(&lease->keeper->lock);
    return held;
}

bool ti_redis_lease_is_held(ti_redis_lease *lease) {
    bool held;

    pthread_mutex_lock(&lease->keeper->lock);
    held = holds_locked(lease, lease->keeper->lease_ms / 6);
    pthread_mutex_unlock(&lease->keeper->lock);
    return held;
}

/* Two of one name are taken where one of them has lost it: then nobody knows on whose behalf the caller comes. */
ti_redis_holding ti_redis_keeper_claim(ti_redis_keeper *keeper, const ti_redis_names *names,
                                       ti_redis_claim *claim) {
    ti_redis_holding holding = TI_REDIS_NOT_HELD;

    pthread_mutex_lock(&keeper->lock);
    for (ti_redis_lease *lease = keeper->leases; lease != NULL; lease = lease->next) {
        if (!lease->taken || strcmp(lease->names.base, names->base) != 0) continue;
        if (!holds_locked(lease, 0)) {
            holding = TI_REDIS_LOST;
            break;
        }
        holding = TI_REDIS_HELD;
        claim_locked(lease, claim);
    }
    pthread_mutex_unlock(&keeper->lock);
    return holding;
}

/* ------------------------------------------------------------------ lives */

/* A claim of a lease that had this life before, and owes its end; the debt stays. */
static bool find_end_locked(const ti_redis_lease *of, int64_t life, ti_redis_claim *claim) {
    for (ti_redis_lease *each = of->keeper->leases; each != NULL; each = each->next) {
        if (each == of || !each->owes_end || each->ended_life != life ||
            strcmp(each->names.base, of->names.base) != 0)
            continue;
        claim_locked(each, claim);
        return true;
    }
    return false;
}

/* The one before of this keeper's may not have ended yet. */
static tacit_status live(ti_redis_lease *lease, int64_t life, const ti_redis_claim *claim,
                         tacit_error *error) {
    ti_redis_keeper *keeper = lease->keeper;
    int timeout_ms = ti_redis_server_timeout_ms(keeper->server);
    ti_redis_claim before;
    tacit_status status;
    bool found;

    status = ti_redis_live(keeper->server, &lease->names, life, claim, keeper->lease_ms, timeout_ms,
                           error);
    if (status != TACIT_ERR_BUSY) return status;
    pthread_mutex_lock(&keeper->lock);
    found = find_end_locked(lease, life, &before);
    pthread_mutex_unlock(&keeper->lock);
    if (!found || ti_redis_end_life(keeper->server, &lease->names, life, &before, timeout_ms,
                                    NULL) != TACIT_OK)
        return status;
    return ti_redis_live(keeper->server, &lease->names, life, claim, keeper->lease_ms, timeout_ms,
                         error);
}

tacit_status ti_redis_lease_begin_life(ti_redis_lease *lease, int64_t life, tacit_error *error) {
    ti_redis_keeper *keeper = lease->keeper;
    ti_redis_claim claim;
    tacit_status status = start(keeper, error);

    if (status != TACIT_OK) return status;
    pthread_mutex_lock(&keeper->lock);
    if (lease->ended_life == life) lease->owes_end = false;
    claim_locked(lease, &claim);
    pthread_mutex_unlock(&keeper->lock);
    status = live(lease, life, &claim, error);
    if (status == TACIT_ERR_BUSY) return status;
    pthread_mutex_lock(&keeper->lock);
    if (status != TACIT_OK) {
        if (lease->life != life) owe_end_locked(lease, life);
    } else if (lease->life != life) {
        if (lease->life != 0) owe_end_locked(lease, lease->life);
        lease->life = life;
    }
    visit_soon_locked(lease, ti_os_boot_ms(), status == TACIT_OK ? 3 : 12);
    pthread_mutex_unlock(&keeper->lock);
    ti_os_timer_wake(keeper->timer);
    return status;
}

void ti_redis_lease_end_life(ti_redis_lease *lease) {
    ti_redis_keeper *keeper = lease->keeper;
    bool owes = false;

    pthread_mutex_lock(&keeper->lock);
    if (lease->life != 0) {
        owe_end_locked(lease, lease->life);
        lease->life = 0;
        /* whoever closes waits once */
        owes = (lease->owes_release && lease->silent) || !end_life_locked(lease);
        if (owes) visit_soon_locked(lease, ti_os_boot_ms(), 12);
    }
    pthread_mutex_unlock(&keeper->lock);
    if (owes) ti_os_timer_wake(keeper->timer);
}
