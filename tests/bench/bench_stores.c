/*
 * What a load and a save of 4 KB cost in each store, side by side: every round is one of each in each
 * store, and the medians are of the rounds. The keyring is the real service, with a home of its own;
 * the files lie in a directory there.
 */
#include "bench/setup.h"
#include "session/store.h"
#include "support/keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "https://issuer.example app someone"

enum { ROUNDS = 200, RECORD = 4096, STORES = 4 };

typedef struct lane {
    const char *name;
    tacit_store *store; /* NULL: it does not work here */
    double load_ns[ROUNDS], save_ns[ROUNDS];
} lane;

static tacit_store *open_file_store(void) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;
    char directory[256], key_file[256];

    snprintf(directory, sizeof directory, "%s/records", getenv("HOME"));
    snprintf(key_file, sizeof key_file, "%s/key", getenv("HOME"));
    options.directory = directory;
    options.key_file = key_file;
    return tacit_store_file(&options, NULL);
}

static void save(lane *lane, int round) {
    static char record[RECORD];
    const tacit_store *store = lane->store;
    double begin = bench_now_ns();

    memset(record, 'a' + round % 26, sizeof record);
    if (store->ops.save(store->data, KEY, record, sizeof record) != TACIT_OK)
        bench_fail(lane->name);
    lane->save_ns[round] = bench_now_ns() - begin;
}

static void load(lane *lane, int round) {
    const tacit_store *store = lane->store;
    double begin = bench_now_ns();
    char *record;
    size_t size;

    if (store->ops.load(store->data, KEY, &record, &size) != TACIT_OK) bench_fail(lane->name);
    lane->load_ns[round] = bench_now_ns() - begin;
    if (size != RECORD || record[RECORD - 1] != 'a' + round % 26) bench_fail(lane->name);
    free(record);
}

static void report(lane *lane) {
    char what[64];

    snprintf(what, sizeof what, "4 KB, %s", lane->name);
    bench_row(what, "(beside the others)", true, "load %.3f ms, save %.3f ms",
              bench_median(lane->load_ns, ROUNDS) / 1e6, bench_median(lane->save_ns, ROUNDS) / 1e6);
}

static void measure(lane lanes[STORES]) {
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < STORES; i++)
            if (lanes[i].store != NULL) {
                save(&lanes[i], round);
                load(&lanes[i], round);
            }
    for (int i = 0; i < STORES; i++) {
        if (lanes[i].store == NULL) continue;
        report(&lanes[i]);
        lanes[i].store->ops.erase(lanes[i].store->data, KEY);
        tacit_store_unref(lanes[i].store);
    }
}

int main(void) {
    static lane lanes[STORES] = {
        {.name = "memory"}, {.name = "kernel"}, {.name = "file"}, {.name = "keyring"}};

    keyring_home_make();
    keyring_bus_start();
    keyring_service_start(KEYRING_PASSWORD);
    keyring_home_check();
    lanes[0].store = tacit_store_memory();
    lanes[1].store = tacit_store_kernel_keyring("com.example.bench-stores", NULL);
    lanes[2].store = open_file_store();
    lanes[3].store = tacit_store_keyring("com.example.bench-stores", NULL);
    measure(lanes);
    keyring_service_stop();
    keyring_bus_stop();
    keyring_home_remove();
    return 0;
}
