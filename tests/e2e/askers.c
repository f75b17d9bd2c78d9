#include "e2e/askers.h"

#include "support/unit.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct asker {
    const askers *all;
    pthread_t thread;
    long granted;
    int last;
} asker;

struct askers {
    backend_app *app;
    int64_t until_ms;
    int size;
    asker each[];
};

static void *run(void *data) {
    asker *self = data;

    do {
        self->last = backend_app_get(self->all->app);
        self->granted += self->last == 200;
    } while (self->last == 200 && now_ms() < self->all->until_ms);
    return NULL;
}

askers *askers_start(backend_app *app, int threads, int64_t until_ms) {
    askers *all = calloc(1, sizeof *all + (size_t)threads * sizeof *all->each);

    assert_non_null(all);
    all->app = app;
    all->until_ms = until_ms;
    all->size = threads;
    for (int i = 0; i < threads; i++) {
        all->each[i].all = all;
        assert_int_equal(pthread_create(&all->each[i].thread, NULL, run, &all->each[i]), 0);
    }
    return all;
}

askers_tally askers_join(askers *all) {
    askers_tally tally = {.granted = 0};

    for (int i = 0; i < all->size; i++) {
        const asker *one = &all->each[i];

        pthread_join(one->thread, NULL);
        tally.granted += one->granted;
        if (one->last == -TACIT_ERR_SIGN_IN_REQUIRED) {
            tally.required++;
        } else if (one->last != 200) {
            tally.others++;
            tally.other = one->last;
        }
    }
    free(all);
    return tally;
}
