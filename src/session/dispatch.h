/*
 * Where events and completions run: one at a time, in order, on a thread of the library or through the app's post.
 *
 * It outlives its client as long as a posted job may still come.
 */
#ifndef TI_DISPATCH_H
#define TI_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>

#include <tacit/client.h>

#include "base/clock.h"
#include "session/context.h"

typedef struct ti_dispatch ti_dispatch;

/* One delivery; lies inside what it delivers. run is called once, with no lock held, and owns the item from then on. */
typedef struct ti_dispatch_item {
    struct ti_dispatch_item *next;
    void (*run)(struct ti_dispatch_item *item);
} ti_dispatch_item;

/* post NULL: on a thread of the library, started with the first item. */
ti_dispatch *ti_dispatch_new(const ti_clock *clock, size_t thread_stack_bytes, tacit_post_fn post,
                             void *post_data);
/* Whose release frees what post uses: it is kept for as long as post may be called, or is inside. */
void ti_dispatch_keep(ti_dispatch *dispatch, ti_context *context);

/* Queues an item, in the order of the calls. Never blocks, so that it may be called under the lock that orders the items; then call
 * ti_dispatch_kick() without that lock. */
void ti_dispatch_push(ti_dispatch *dispatch, ti_dispatch_item *item);
/* Sees to it that somebody runs what was queued. */
void ti_dispatch_kick(ti_dispatch *dispatch);

/* Waits until what was queued has run and the thread has ended, until deadline_boot_ms; what went to post is not waited for. false: the
 * thread is still in a callback. Later items run on the thread that kicks. Not on the dispatch thread. */
bool ti_dispatch_stop(ti_dispatch *dispatch, int64_t deadline_boot_ms);
/* Who stops looks at the deadline again. */
void ti_dispatch_clock_moved(ti_dispatch *dispatch);
/* Gives it up, on any thread, the dispatch thread included; what is still queued runs. */
void ti_dispatch_free(ti_dispatch *dispatch);

#endif
