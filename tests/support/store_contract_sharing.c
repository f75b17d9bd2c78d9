/* Several use the same records: store objects, threads, processes. */
#include "support/store_contract_cases.h"

#include "session/store.h"
#include "support/again.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void another_store_object_finds_the_records(void **state) {
    contract_case *self = *state;
    store_user other;

    contract_save_text(&self->user, "shared", "from the first");
    store_user_open(&other, self->contract->make(self->contract->data));
    if (self->contract->persistent) {
        assert_stored_text(&other, "shared", "from the first");
        contract_save_text(&other, "shared", "from the second");
        assert_stored_text(&self->user, "shared", "from the second");
    } else {
        assert_not_stored(&other, "shared");
    }
    store_user_close(&other);
}

#define THREADS 4

typedef struct worker {
    store_user *user;
    int number;
} worker;

static void *work(void *data) {
    worker *self = data;
    char own[32], text[32];

    snprintf(own, sizeof own, "thread %d", self->number);
    for (int i = 0; i < 5; i++) {
        snprintf(text, sizeof text, "%d of %d", i, self->number);
        contract_save_text(self->user, own, text);
        contract_save_text(self->user, "common", text);
        assert_stored_text(self->user, own, text);
    }
    assert_int_equal(store_user_erase(self->user, own), TACIT_OK);
    return NULL;
}

void threads_do_not_disturb_each_other(void **state) {
    store_user *user = &((contract_case *)*state)->user;
    worker workers[THREADS];
    pthread_t threads[THREADS];
    ti_buffer record = TI_BUFFER_SECRET;

    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.user = user, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);

    assert_int_equal(store_user_load(user, "common", &record), TACIT_OK);
    assert_memory_equal(record.data, "4 of ", 5); /* the last of one of them */
    ti_buffer_free(&record);
}

/* ------------------------------------------------------------------ processes */

/*
 * One process writes the common record, one version after another, and the others read it while each
 * writes and reads a record of its own: that is what the lock between processes leaves to a store.
 * The common record is the channel, too: the last version ends the readers.
 */
#define PROCESSES 3
#define VERSIONS 20
#define WORKER "--store-contract-worker"
#define PATIENCE_MS 40000

/* A version is as long as no other, and told by each of its bytes. */
static size_t version_size(int version) {
    return 4000 + 97 * (size_t)version;
}

static void save_version(store_user *user, int version) {
    size_t size = version_size(version);
    char *bytes = malloc(size);

    memset(bytes, 'a' + version, size);
    assert_int_equal(store_user_save(user, "common", bytes, size), TACIT_OK);
    free(bytes);
}

/* -1: it is no version as it was saved. */
static int load_version(store_user *user) {
    ti_buffer record = TI_BUFFER_SECRET;
    int version = -1;

    if (store_user_load(user, "common", &record) == TACIT_OK && record.size > 0) {
        version = record.data[0] - 'a';
        if (record.size != version_size(version)) version = -1;
        for (size_t i = 1; i < record.size; i++)
            if (record.data[i] != record.data[0]) version = -1;
    }
    ti_buffer_free(&record);
    return version;
}

static bool own_record_stays(store_user *user, const char *own, int round) {
    ti_buffer record = TI_BUFFER_SECRET;
    char text[64];
    bool stays;

    snprintf(text, sizeof text, "round %d of %s", round, own);
    stays = store_user_save(user, own, text, strlen(text)) == TACIT_OK &&
            store_user_load(user, own, &record) == TACIT_OK && record.size == strlen(text) &&
            memcmp(record.data, text, record.size) == 0;
    ti_buffer_free(&record);
    return stays;
}

/* The exit status: what went wrong, 0 for nothing. */
static int read_and_write(store_user *user, const char *own) {
    int64_t deadline = ti_clock_deadline(&user->clock, PATIENCE_MS);
    int seen = 0;

    for (int round = 0; seen < VERSIONS - 1; round++) {
        int version = load_version(user);

        if (version < seen) return version < 0 ? 2 : 3; /* none, or one that was replaced */
        seen = version;
        if (!own_record_stays(user, own, round)) return 4;
        if (ti_clock_boot_ms(&user->clock) > deadline) return 5;
    }
    return store_user_erase(user, own) == TACIT_OK ? 0 : 6;
}

void store_contract_worker(int argc, char **argv, tacit_store *(*make)(const char *place)) {
    store_user user;
    int status;

    if (argc != 4 || strcmp(argv[1], WORKER) != 0) return;
    store_user_open(&user, make(argv[2]));
    status = read_and_write(&user, argv[3]);
    store_user_close(&user);
    exit(status);
}

static void wait_until_stored(store_user *user, const char *key) {
    int64_t deadline = ti_clock_deadline(&user->clock, PATIENCE_MS);
    ti_buffer record = TI_BUFFER_SECRET;
    tacit_status status;

    do {
        status = store_user_load(user, key, &record);
        ti_buffer_free(&record);
    } while (status == TACIT_ERR_STORE_NOT_FOUND && ti_clock_boot_ms(&user->clock) < deadline);
    assert_int_equal(status, TACIT_OK);
}

void processes_do_not_disturb_each_other(void **state) {
    contract_case *self = *state;
    static const char *const own[PROCESSES] = {"process 0", "process 1", "process 2"};
    again processes[PROCESSES];

    if (self->contract->place == NULL) skip();
    save_version(&self->user, 0);
    for (int i = 0; i < PROCESSES; i++) {
        const char *const arguments[] = {WORKER, self->contract->place, own[i], NULL};

        again_start(&processes[i], arguments);
    }
    for (int i = 0; i < PROCESSES; i++) wait_until_stored(&self->user, own[i]);

    for (int version = 1; version < VERSIONS; version++) save_version(&self->user, version);

    for (int i = 0; i < PROCESSES; i++) assert_int_equal(again_wait(&processes[i]), 0);
    for (int i = 0; i < PROCESSES; i++) assert_not_stored(&self->user, own[i]);
    assert_int_equal(load_version(&self->user), VERSIONS - 1);
    assert_int_equal(store_user_erase(&self->user, "common"), TACIT_OK);
}
