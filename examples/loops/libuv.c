/* libuv ISSUER CLIENT_ID ORIGIN PATH: requests from a program that lives on a uv_loop_t.
 * cc libuv.c app.c $(pkg-config --cflags --libs tacit libuv) -o libuv */
#include "app.h"

#include <signal.h>
#include <stdlib.h>
#include <uv.h>

typedef struct posted {
    struct posted *next;
    void (*run)(void *job);
    void *job;
} posted;

/* uv_async_send() may wake the loop once for many calls: what is to be done stands in a queue. */
typedef struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_signal_t interrupt;
    uv_mutex_t lock;
    posted *first, **last; /* guarded by lock */
} loop;

static bool post(void (*run)(void *job), void *job, void *data) {
    loop *l = data;
    posted *p = malloc(sizeof *p);

    if (!p) return false; /* tacit runs it then, on a thread of its own */
    *p = (posted){NULL, run, job};
    uv_mutex_lock(&l->lock);
    *l->last = p;
    l->last = &p->next;
    uv_mutex_unlock(&l->lock);
    uv_async_send(&l->wake);
    return true;
}

/* What waits by now, so that a busy session does not hold the loop. false: nothing. */
static bool run_posted(loop *l) {
    posted *list, *next;

    uv_mutex_lock(&l->lock);
    list = l->first;
    l->first = NULL;
    l->last = &l->first;
    uv_mutex_unlock(&l->lock);
    for (posted *p = list; p; p = next) {
        next = p->next;
        p->run(p->job);
        free(p);
    }
    return list != NULL;
}

static void on_wake(uv_async_t *wake) {
    run_posted(wake->data);
}

static void quit(void *data) {
    loop *l = data;

    uv_stop(&l->uv);
}

static void on_interrupt(uv_signal_t *interrupt, int signal_number) {
    (void)signal_number;
    quit(interrupt->data);
}

static void begin(loop *l) {
    *l = (loop){.last = &l->first};
    uv_loop_init(&l->uv);
    uv_mutex_init(&l->lock);
    uv_async_init(&l->uv, &l->wake, on_wake);
    uv_signal_init(&l->uv, &l->interrupt);
    l->wake.data = l->interrupt.data = l;
    uv_signal_start(&l->interrupt, on_interrupt, SIGINT);
}

static void end(loop *l) {
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_close((uv_handle_t *)&l->interrupt, NULL);
    uv_run(&l->uv, UV_RUN_DEFAULT); /* until both are closed */
    uv_loop_close(&l->uv);
    uv_mutex_destroy(&l->lock);
}

int main(int argc, char **argv) {
    static loop l;
    bool is_over;
    int exit_code;

    begin(&l);
    if (!app_begin(argc, argv, post, quit, &l)) return 1;
    uv_run(&l.uv, UV_RUN_DEFAULT);
    is_over = app_shut_down();
    while (run_posted(&l)) continue;
    exit_code = app_end();
    if (is_over) end(&l);
    return exit_code;
}
