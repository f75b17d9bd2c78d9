#include "support/shared_store.h"

#include "support/unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_S = 20 };

typedef struct lease lease;

struct fleet_machine {
    fleet *fleet;
    fleet_machine *next;
    tacit_store *handle;
    /* guarded by the fleet's lock */
    fleet_moment moment;
    fleet_fate fate;
    bool met; /* its fate */
    bool away, corrupt;
    unsigned takes;
};

/* A lock object. */
struct lease {
    fleet_machine *machine;
    lease *next;
    int64_t life; /* guarded by the fleet's lock */
};

struct fleet {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    fleet_machine *machines;
    lease *leases;       /* all that are open */
    const lease *holder; /* NULL: nobody */
    lease test;          /* of fleet_hold() */
    char *record;
    unsigned char journal[TI_JOURNAL_FILE_SIZE];
    bool made; /* the journal */
    bool unfenced;
    unsigned intrusions;
};

static void *must(void *memory) {
    if (memory == NULL) abort(); /* no assertion on the library's threads */
    return memory;
}

static char *copy(const char *text, size_t size) {
    char *made = must(malloc(size + 1));

    memcpy(made, text, size);
    made[size] = '\0';
    return made;
}

/* ------------------------------------------------------------------ fates */

static bool holds_locked(const fleet_machine *machine) {
    const lease *holder = machine->fleet->holder;

    return holder != NULL && holder->machine == machine;
}

static void strike_locked(fleet_machine *machine, fleet_fate fate) {
    fleet *f = machine->fleet;

    if (fate == FLEET_IS_CORRUPT) machine->corrupt = true;
    if (fate == FLEET_IS_CUT_OFF || fate == FLEET_ANSWER_LOST) machine->away = true;
    if (fate != FLEET_ANSWER_LOST && fate != FLEET_REPLY_LOST && holds_locked(machine))
        f->holder = NULL;
    machine->met = true;
    pthread_cond_broadcast(&f->changed);
}

/* Whether its fate met it here. */
static bool pass_locked(fleet_machine *machine, fleet_moment moment) {
    if (moment == FLEET_NEVER || machine->moment != moment) return false;
    machine->moment = FLEET_NEVER;
    strike_locked(machine, machine->fate);
    return true;
}

static tacit_status reach_locked(const fleet_machine *machine) {
    return machine->away ? TACIT_ERR_STORE_UNAVAILABLE : TACIT_OK;
}

/* What the machine hears of what was done. */
static tacit_status leave_locked(fleet_machine *machine, fleet_moment moment) {
    if (pass_locked(machine, moment) && machine->fate == FLEET_REPLY_LOST)
        return TACIT_ERR_STORE_UNAVAILABLE;
    return reach_locked(machine);
}

/* Whether the machine may write. It could not know what met it at the door. */
static tacit_status enter_locked(fleet_machine *machine, fleet_moment moment, bool holds) {
    fleet *f = machine->fleet;

    if (pass_locked(machine, moment)) return TACIT_ERR_STORE_UNAVAILABLE;
    if (machine->away) return TACIT_ERR_STORE_UNAVAILABLE;
    if (machine->corrupt) return TACIT_ERR_STORE_CORRUPT;
    if (holds) return TACIT_OK;
    f->intrusions++;
    return f->unfenced ? TACIT_OK : TACIT_ERR_STORE_UNAVAILABLE;
}

/* ------------------------------------------------------------------ records */

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    fleet_machine *machine = data;
    fleet *f = machine->fleet;
    tacit_status status;

    (void)key;
    pthread_mutex_lock(&f->lock);
    status = reach_locked(machine);
    if (status == TACIT_OK && f->record == NULL) status = TACIT_ERR_STORE_NOT_FOUND;
    if (status == TACIT_OK) {
        *size = strlen(f->record);
        *record = copy(f->record, *size);
    }
    pthread_mutex_unlock(&f->lock);
    return status;
}

static void replace_locked(fleet *f, char *record) {
    free(f->record);
    f->record = record;
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    fleet_machine *machine = data;
    fleet *f = machine->fleet;
    tacit_status status;

    (void)key;
    pthread_mutex_lock(&f->lock);
    status = enter_locked(machine, FLEET_BEFORE_SAVE, holds_locked(machine));
    if (status == TACIT_OK) replace_locked(f, copy(record, size));
    if (status == TACIT_OK) status = leave_locked(machine, FLEET_AFTER_SAVE);
    pthread_mutex_unlock(&f->lock);
    return status;
}

static tacit_status erase(void *data, const char *key) {
    fleet_machine *machine = data;
    fleet *f = machine->fleet;
    tacit_status status;

    (void)key;
    pthread_mutex_lock(&f->lock);
    status = enter_locked(machine, FLEET_NEVER, holds_locked(machine));
    if (status == TACIT_OK) replace_locked(f, NULL);
    pthread_mutex_unlock(&f->lock);
    return status;
}

/* ------------------------------------------------------------------ the lock */

static tacit_status lock_open(void *data, const char *key, bool create, size_t journal_size,
                              void **lock) {
    fleet_machine *machine = data;
    fleet *f = machine->fleet;
    tacit_status status;
    lease *opened;

    (void)key;
    if (journal_size != TI_JOURNAL_FILE_SIZE) abort();
    pthread_mutex_lock(&f->lock);
    status = reach_locked(machine);
    if (status == TACIT_OK && machine->corrupt) status = TACIT_ERR_STORE_CORRUPT;
    if (status == TACIT_OK && !f->made && !create) status = TACIT_ERR_STORE_NOT_FOUND;
    if (status == TACIT_OK) {
        f->made = true;
        opened = must(calloc(1, sizeof *opened));
        opened->machine = machine;
        opened->next = f->leases;
        f->leases = opened;
        *lock = opened;
    }
    pthread_mutex_unlock(&f->lock);
    return status;
}

static tacit_status lock_take(void *lock) {
    lease *self = lock;
    fleet *f = self->machine->fleet;
    tacit_status status;

    pthread_mutex_lock(&f->lock);
    self->machine->takes++;
    status = reach_locked(self->machine);
    if (status == TACIT_OK && self->machine->corrupt) status = TACIT_ERR_STORE_CORRUPT;
    if (status == TACIT_OK && f->holder != NULL) status = TACIT_ERR_BUSY;
    if (status == TACIT_OK) f->holder = self;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    return status;
}

static void lock_release(void *lock) {
    lease *self = lock;
    fleet *f = self->machine->fleet;

    pthread_mutex_lock(&f->lock);
    if (f->holder == self) f->holder = NULL;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static bool lock_is_held(void *lock) {
    lease *self = lock;
    fleet *f = self->machine->fleet;
    bool held;

    pthread_mutex_lock(&f->lock);
    held = f->holder == self;
    pthread_mutex_unlock(&f->lock);
    return held;
}

static tacit_status lock_read(void *lock, void *bytes, size_t size, size_t *got) {
    lease *self = lock;
    fleet *f = self->machine->fleet;
    tacit_status status;

    pthread_mutex_lock(&f->lock);
    status = reach_locked(self->machine);
    *got = size < sizeof f->journal ? size : sizeof f->journal;
    memcpy(bytes, f->journal, *got);
    pthread_mutex_unlock(&f->lock);
    return status;
}

static ti_journal_reading read_locked(const fleet *f, ti_journal_image *image) {
    ti_journal_clocks now = {.boot_ms = 0};
    uint64_t number;

    return ti_journal_read_bytes(f->journal, sizeof f->journal, &now, image, &number);
}

/* What the slot says, as if it were alone. */
static ti_journal_state state_of(size_t offset, const void *bytes, size_t size) {
    fleet alone = {.record = NULL};
    ti_journal_image image = {.journal = {.state = TI_JOURNAL_IDLE}};

    memcpy(alone.journal + offset, bytes, size);
    if (read_locked(&alone, &image) != TI_JOURNAL_READ) abort();
    return image.journal.state;
}

static fleet_moment before(ti_journal_state state) {
    static const fleet_moment moments[] = {[TI_JOURNAL_IDLE] = FLEET_BEFORE_IDLE,
                                           [TI_JOURNAL_POSTED] = FLEET_BEFORE_POSTED,
                                           [TI_JOURNAL_ANSWERED] = FLEET_BEFORE_ANSWERED,
                                           [TI_JOURNAL_REFUSED] = FLEET_NEVER,
                                           [TI_JOURNAL_SIGNED_OUT] = FLEET_BEFORE_SIGNED_OUT};

    return moments[state];
}

static fleet_moment after(ti_journal_state state) {
    static const fleet_moment moments[] = {[TI_JOURNAL_IDLE] = FLEET_NEVER,
                                           [TI_JOURNAL_POSTED] = FLEET_AFTER_POSTED,
                                           [TI_JOURNAL_ANSWERED] = FLEET_AFTER_ANSWERED,
                                           [TI_JOURNAL_REFUSED] = FLEET_NEVER,
                                           [TI_JOURNAL_SIGNED_OUT] = FLEET_AFTER_SIGNED_OUT};

    return moments[state];
}

static tacit_status lock_write(void *lock, size_t offset, const void *bytes, size_t size,
                               bool durable) {
    lease *self = lock;
    fleet *f = self->machine->fleet;
    ti_journal_state state = state_of(offset, bytes, size);
    tacit_status status;

    (void)durable;
    pthread_mutex_lock(&f->lock);
    status = enter_locked(self->machine, before(state), f->holder == self);
    if (status == TACIT_OK) memcpy(f->journal + offset, bytes, size);
    if (status == TACIT_OK) status = leave_locked(self->machine, after(state));
    pthread_mutex_unlock(&f->lock);
    return status;
}

static tacit_status lock_begin_life(void *lock, int64_t life) {
    lease *self = lock;
    fleet *f = self->machine->fleet;
    tacit_status status;

    pthread_mutex_lock(&f->lock);
    status = reach_locked(self->machine);
    if (status == TACIT_OK) self->life = life;
    pthread_mutex_unlock(&f->lock);
    return status;
}

static void lock_end_life(void *lock) {
    lease *self = lock;

    pthread_mutex_lock(&self->machine->fleet->lock);
    if (!self->machine->away) self->life = 0; /* else it is not heard of */
    pthread_mutex_unlock(&self->machine->fleet->lock);
}

static bool lock_lives(void *lock, int64_t life) {
    lease *self = lock;
    fleet *f = self->machine->fleet;
    bool lives;

    pthread_mutex_lock(&f->lock);
    lives = self->machine->away;
    for (const lease *each = f->leases; each != NULL; each = each->next)
        if (each != self && each->life == life) lives = true;
    pthread_mutex_unlock(&f->lock);
    return lives;
}

static void lock_close(void *lock) {
    lease *self = lock;
    fleet *f = self->machine->fleet;
    lease **link = &f->leases;

    pthread_mutex_lock(&f->lock);
    while (*link != self) link = &(*link)->next;
    *link = self->next;
    if (f->holder == self) f->holder = NULL;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    free(self);
}

static const char *lock_explain(void *data, void *lock) {
    fleet_machine *machine = data;
    bool away;

    (void)lock;
    pthread_mutex_lock(&machine->fleet->lock);
    away = machine->away;
    pthread_mutex_unlock(&machine->fleet->lock);
    return away ? "the line is dead" : NULL;
}

static const tacit_store_lock_ops lock_ops = {.struct_size = sizeof lock_ops,
                                              .open = lock_open,
                                              .take = lock_take,
                                              .release = lock_release,
                                              .is_held = lock_is_held,
                                              .read = lock_read,
                                              .write = lock_write,
                                              .begin_life = lock_begin_life,
                                              .end_life = lock_end_life,
                                              .lives = lock_lives,
                                              .close = lock_close,
                                              .explain = lock_explain};

/* ------------------------------------------------------------------ what the test calls */

fleet *fleet_new(void) {
    fleet *f = must(calloc(1, sizeof *f));

    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    return f;
}

fleet_machine *fleet_join(fleet *f) {
    fleet_machine *machine = must(calloc(1, sizeof *machine));
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;

    machine->fleet = f;
    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    ops.description = "the fleet's store";
    ops.lock = &lock_ops;
    machine->handle = must(tacit_store_custom(&ops, machine, NULL));
    pthread_mutex_lock(&f->lock);
    machine->next = f->machines;
    f->machines = machine;
    pthread_mutex_unlock(&f->lock);
    return machine;
}

void fleet_free(fleet *f) {
    while (f->machines != NULL) {
        fleet_machine *machine = f->machines;

        f->machines = machine->next;
        tacit_store_unref(machine->handle);
        free(machine);
    }
    free(f->record);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

tacit_store *fleet_store(fleet_machine *machine) {
    return machine->handle;
}

void fleet_fate_at(fleet_machine *machine, fleet_moment moment, fleet_fate fate) {
    pthread_mutex_lock(&machine->fleet->lock);
    machine->moment = moment;
    machine->fate = fate;
    machine->met = false;
    pthread_mutex_unlock(&machine->fleet->lock);
}

static struct timespec patience(void) {
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    return until;
}

void fleet_wait_fate(fleet_machine *machine) {
    fleet *f = machine->fleet;
    struct timespec until = patience();
    bool met;

    pthread_mutex_lock(&f->lock);
    while (!machine->met && pthread_cond_timedwait(&f->changed, &f->lock, &until) == 0) continue;
    met = machine->met;
    pthread_mutex_unlock(&f->lock);
    assert_true(met);
}

void fleet_fate_now(fleet_machine *machine, fleet_fate fate) {
    pthread_mutex_lock(&machine->fleet->lock);
    strike_locked(machine, fate);
    pthread_mutex_unlock(&machine->fleet->lock);
}

void fleet_mend(fleet_machine *machine) {
    pthread_mutex_lock(&machine->fleet->lock);
    machine->away = machine->corrupt = false;
    pthread_mutex_unlock(&machine->fleet->lock);
}

void fleet_life_ends(fleet_machine *machine) {
    pthread_mutex_lock(&machine->fleet->lock);
    for (lease *each = machine->fleet->leases; each != NULL; each = each->next)
        if (each->machine == machine) each->life = 0;
    pthread_mutex_unlock(&machine->fleet->lock);
}

void fleet_without_fence(fleet *f) {
    pthread_mutex_lock(&f->lock);
    f->unfenced = true;
    pthread_mutex_unlock(&f->lock);
}

void fleet_hold(fleet *f) {
    struct timespec until = patience();
    bool free_again;

    pthread_mutex_lock(&f->lock);
    while (f->holder != NULL && pthread_cond_timedwait(&f->changed, &f->lock, &until) == 0)
        continue;
    free_again = f->holder == NULL;
    f->holder = &f->test;
    pthread_mutex_unlock(&f->lock);
    assert_true(free_again);
}

void fleet_let_go(fleet *f) {
    pthread_mutex_lock(&f->lock);
    assert_ptr_equal(f->holder, &f->test);
    f->holder = NULL;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

char *fleet_record(fleet *f) {
    char *record;

    pthread_mutex_lock(&f->lock);
    record = f->record == NULL ? NULL : copy(f->record, strlen(f->record));
    pthread_mutex_unlock(&f->lock);
    return record;
}

ti_journal_reading fleet_journal(fleet *f, ti_journal_image *image) {
    ti_journal_reading reading;

    pthread_mutex_lock(&f->lock);
    reading = read_locked(f, image);
    pthread_mutex_unlock(&f->lock);
    return reading;
}

unsigned fleet_intrusions(fleet *f) {
    unsigned count;

    pthread_mutex_lock(&f->lock);
    count = f->intrusions;
    pthread_mutex_unlock(&f->lock);
    return count;
}

unsigned fleet_takes(fleet_machine *machine) {
    unsigned takes;

    pthread_mutex_lock(&machine->fleet->lock);
    takes = machine->takes;
    pthread_mutex_unlock(&machine->fleet->lock);
    return takes;
}
