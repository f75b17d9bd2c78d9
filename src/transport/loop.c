/*
 * Many exchanges on one thread, driven by what their sockets have to say.
 *
 * Properties: a handle is under way (in `under_way`, added to `multi`, with its transfer) or idle
 * (in `idle`, most recently used first, so that warm handles stay warm). The poller watches what
 * libcurl asked for, and nothing else.
 * Operation: a turn waits, tells libcurl which sockets are ready and that its timer is over, and
 * takes off what has ended. libcurl is never called per transfer, only per socket.
 * Safety: all of it belongs to the loop's thread, but for the poller's wake, `shaken`, and the link
 * in the transport's list, which the transport's lock guards.
 */
#include "transport/loop.h"

#include "base/error.h"
#include "platform/poller.h"
#include "platform/socket.h"
#include "transport/internal.h"

#include <assert.h>
#include <stdlib.h>

/* until_boot_ms runs on while the system is suspended, the poller's timeout does not. */
#define WAIT_MS_MAX 1000
/* A transfer that nothing happens to tells its progress so often. */
#define PROGRESS_MS 500
#define READY_MAX 64
/* Of one HTTP/2 connection, before its server has said how many: none should allow fewer (RFC 9113
 * section 6.5.2), and what it refuses is sent again, on a connection each. */
#define STREAMS_MAX 100L

struct ti_loop {
    /* set at creation, then read-only */
    ti_transport *transport;
    ti_poller *poller;
    unsigned transfers_max;

    ti_loop *next; /* guarded by the transport's lock */
    atomic_bool shaken;

    /* the loop's thread only */
    CURLM *multi;         /* NULL: there was no memory for a new one; the next start tries again */
    unsigned connections; /* open ones */
    ti_handle *under_way; /* linked by next and previous */
    unsigned under_way_count;
    unsigned reporting_count; /* of under_way: those with progress */
    ti_handle *idle;          /* linked by next */
    unsigned idle_count;
    int64_t timer_boot_ms;    /* when libcurl wants to be called; of the system's clock */
    int64_t progress_boot_ms; /* when progress is to be told next; likewise */
    uint64_t turns;           /* libcurl has looked at what was started before */
    bool failed;              /* no memory for the poller, or in libcurl's own midst */
    bool refused;             /* one under way has `resumed` */
};

/*
 * What libcurl asks for
 */

static int on_socket(CURL *easy, curl_socket_t descriptor, int what, void *user_data,
                     void *socket_data) {
    (void)easy, (void)socket_data;
    ti_loop *loop = user_data;
    unsigned events = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) events |= TI_POLLER_IN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) events |= TI_POLLER_OUT;
    if (!ti_poller_watch(loop->poller, (int)descriptor, events)) loop->failed = true;
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *user_data) {
    (void)multi;
    ti_loop *loop = user_data;
    if (timeout_ms < 0) {
        loop->timer_boot_ms = TI_NEVER;
    } else {
        loop->timer_boot_ms = timeout_ms == 0 ? 0 : ti_boot_plus(ti_os_boot_ms(), timeout_ms);
    }
    return 0;
}

static curl_socket_t on_open(void *user_data, curlsocktype purpose, struct curl_sockaddr *address) {
    (void)purpose;
    ti_loop *loop = user_data;
    int descriptor = ti_socket_open(address->family, address->socktype, address->protocol);
    if (descriptor < 0) return CURL_SOCKET_BAD;
    loop->connections++;
    return (curl_socket_t)descriptor;
}

static int on_close(void *user_data, curl_socket_t descriptor) {
    ti_loop *loop = user_data;
    loop->connections--;
    ti_socket_close((int)descriptor);
    return 0;
}

/*
 * A loop
 */

static CURLM *new_multi(ti_loop *loop) {
    CURLM *multi;
    ti_global_make_handles(NULL, &multi);
    if (!multi) return NULL;
    long transfers_max = loop->transfers_max < INT32_MAX ? (long)loop->transfers_max : INT32_MAX;
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, STREAMS_MAX);
    /* as many as transfers, so that a crowd of these does not close what the next one needs */
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, transfers_max);
    return multi;
}

/* Closes all connections. */
static void start_over(ti_loop *loop) {
    curl_multi_cleanup(loop->multi);
    loop->timer_boot_ms = TI_NEVER;
    loop->multi = new_multi(loop);
}

ti_loop **ti_loop_link(ti_loop *loop) {
    return &loop->next;
}

static void join_transport(ti_loop *loop) {
    ti_transport *transport = loop->transport;
    pthread_mutex_lock(&transport->lock);
    loop->next = transport->loops;
    transport->loops = loop;
    pthread_mutex_unlock(&transport->lock);
}

static void leave_transport(ti_loop *loop) {
    ti_transport *transport = loop->transport;
    pthread_mutex_lock(&transport->lock);
    ti_loop **link = &transport->loops;
    while (*link && *link != loop) link = &(*link)->next;
    if (*link) *link = loop->next;
    pthread_mutex_unlock(&transport->lock);
}

ti_loop *ti_loop_new(ti_transport *transport, unsigned transfers_max, tacit_error *error) {
    ti_loop *loop = calloc(1, sizeof *loop);
    if (loop) {
        loop->transport = transport;
        loop->transfers_max = transfers_max;
        loop->timer_boot_ms = loop->progress_boot_ms = TI_NEVER;
        loop->poller = ti_poller_new();
        loop->multi = new_multi(loop);
    }
    if (!loop || !loop->poller || !loop->multi) {
        ti_loop_free(loop);
        ti_error_no_memory(error);
        return NULL;
    }
    join_transport(loop);
    ti_error_clear(error);
    return loop;
}

static void free_idle(ti_loop *loop) {
    while (loop->idle) {
        ti_handle *handle = loop->idle;
        loop->idle = handle->next;
        ti_handle_free(handle);
    }
    loop->idle_count = 0;
}

void ti_loop_free(ti_loop *loop) {
    if (!loop) return;
    assert(!loop->under_way);
    leave_transport(loop);
    free_idle(loop);
    curl_multi_cleanup(loop->multi);
    ti_poller_free(loop->poller);
    free(loop);
}

/*
 * Its handles
 */

static ti_handle *new_handle(ti_loop *loop, ti_handle_kind kind) {
    CURLcode code;
    ti_handle *handle = ti_handle_new(loop->transport, kind, true, &code);
    if (!handle) return NULL;
    // cppcheck-suppress leakNoVarFunctionCall ; the function is handed over, not a socket
    curl_easy_setopt(handle->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(handle->easy, CURLOPT_OPENSOCKETDATA, loop);
    curl_easy_setopt(handle->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(handle->easy, CURLOPT_CLOSESOCKETDATA, loop);
    return handle;
}

static ti_handle *take_handle(ti_loop *loop, ti_handle_kind kind) {
    ti_handle *handle = loop->idle;
    if (kind != TI_HANDLE_POOLED || !handle) return new_handle(loop, kind);
    loop->idle = handle->next;
    loop->idle_count--;
    return handle;
}

static void put_back(ti_loop *loop, ti_handle *handle) {
    if (handle->kind != TI_HANDLE_POOLED || loop->idle_count >= loop->transfers_max) {
        ti_handle_free(handle);
        return;
    }
    handle->next = loop->idle;
    loop->idle = handle;
    loop->idle_count++;
}

static void add_under_way(ti_loop *loop, ti_handle *handle) {
    handle->previous = NULL;
    handle->next = loop->under_way;
    if (loop->under_way) loop->under_way->previous = handle;
    loop->under_way = handle;
    loop->under_way_count++;
    if (!handle->request->progress) return;
    loop->reporting_count++;
    if (loop->progress_boot_ms == TI_NEVER) {
        loop->progress_boot_ms = ti_os_boot_ms() + PROGRESS_MS;
    }
}

static void remove_under_way(ti_loop *loop, ti_handle *handle) {
    if (handle->next) handle->next->previous = handle->previous;
    if (handle->previous) {
        handle->previous->next = handle->next;
    } else {
        loop->under_way = handle->next;
    }
    loop->under_way_count--;
    if (handle->request->progress && --loop->reporting_count == 0) {
        loop->progress_boot_ms = TI_NEVER;
    }
}

/*
 * Transfers
 */

static CURLcode add(ti_loop *loop, ti_handle *handle) {
    if (!loop->multi) loop->multi = new_multi(loop);
    if (!loop->multi) return CURLE_OUT_OF_MEMORY;
    CURLMcode code = curl_multi_add_handle(loop->multi, handle->easy);
    return code ? ti_code_of(code) : CURLE_OK;
}

tacit_status ti_loop_start(ti_loop *loop, ti_transfer *transfer, ti_handle_kind kind,
                           const ti_url *url, const ti_http_request *request,
                           ti_http_answer *answer, tacit_error *error) {
    assert(!transfer->handle && loop->under_way_count < loop->transfers_max);
    ti_handle *handle = take_handle(loop, kind);
    if (!handle) return ti_error_no_memory(error);

    CURLcode code = ti_handle_begin(handle, url, request, answer);
    if (!code) code = add(loop, handle);
    if (code) {
        tacit_status status = ti_handle_end(handle, code, error);
        put_back(loop, handle);
        return status;
    }
    handle->transfer = transfer;
    handle->started_in_turn = loop->turns;
    transfer->handle = handle;
    add_under_way(loop, handle);
    return ti_error_clear(error);
}

/* CURLE_BAD_FUNCTION_ARGUMENT: it has no connection yet. Without memory libcurl leaves what it knows of
 * a shared socket broken, and is not to be asked for more. */
static CURLcode set_pause(ti_loop *loop, ti_handle *handle, int what) {
    if (loop->failed) return CURLE_OK;
    CURLcode code = curl_easy_pause(handle->easy, what);
    if (code == CURLE_ABORTED_BY_CALLBACK) loop->failed = true;
    return code;
}

/* Before 8.1 libcurl itself neither frees what it holds back of a transfer that ends, nor forgets it,
 * where others go on with the connection: the handle's next would be given it. */
static void drop_held_back(ti_loop *loop, ti_handle *handle) {
    if (!handle->has_paused) return;
    handle->discards = true;
    set_pause(loop, handle, CURLPAUSE_SEND);
}

/* Takes it off the loop. */
static tacit_status take_off(ti_loop *loop, ti_handle *handle, CURLcode code, tacit_error *error) {
    handle->performed = handle->started_in_turn != loop->turns;
    remove_under_way(loop, handle);
    drop_held_back(loop, handle);
    curl_multi_remove_handle(loop->multi, handle->easy);
    handle->transfer->handle = NULL;
    handle->transfer = NULL;
    tacit_status status = ti_handle_end(handle, code, error);
    /* where libcurl ended it, there was nothing to be dropped from any more */
    if (status && handle->has_paused) {
        ti_handle_free(handle);
    } else {
        put_back(loop, handle);
    }
    return status;
}

static void finish(ti_loop *loop, ti_handle *handle, CURLcode code) {
    tacit_error error;
    ti_transfer *transfer = handle->transfer;
    tacit_status status = take_off(loop, handle, code, &error);
    transfer->finished(transfer, status, &error);
}

void ti_loop_stop(ti_loop *loop, ti_transfer *transfer, tacit_status why, tacit_error *error) {
    ti_handle *handle = transfer->handle;
    if (!handle) return;
    handle->stopped = why;
    take_off(loop, handle, CURLE_ABORTED_BY_CALLBACK, error);
}

void ti_loop_pause(ti_loop *loop, ti_transfer *transfer) {
    ti_handle *handle = transfer->handle;
    if (!handle) return;
    /* libcurl forgets it where it has no connection yet: then the callbacks say it again */
    handle->paused = handle->has_paused = true;
    set_pause(loop, handle, CURLPAUSE_ALL);
}

void ti_loop_resume(ti_loop *loop, ti_transfer *transfer) {
    ti_handle *handle = transfer->handle;
    if (!handle) return;
    handle->paused = false;
    CURLcode code = set_pause(loop, handle, CURLPAUSE_CONT);
    /* without a connection there is nothing to resume; any other transfer would go on without what
     * its writer has refused */
    if (code == CURLE_OK || code == CURLE_BAD_FUNCTION_ARGUMENT) return;
    handle->resumed = code;
    loop->refused = true;
}

/*
 * A turn
 */

static int wait_ms(const ti_loop *loop, int64_t until_boot_ms) {
    int64_t left_ms = until_boot_ms;
    if (until_boot_ms != TI_NEVER) {
        left_ms -= ti_clock_boot_ms(loop->transport->options.clock);
    }
    int64_t due_boot_ms =
        loop->timer_boot_ms < loop->progress_boot_ms ? loop->timer_boot_ms : loop->progress_boot_ms;
    if (due_boot_ms == 0) return 0;
    if (due_boot_ms != TI_NEVER) {
        int64_t due_ms = due_boot_ms - ti_os_boot_ms();
        if (due_ms < left_ms) left_ms = due_ms;
    }
    if (left_ms == TI_NEVER) return TI_POLLER_FOR_EVER;
    if (left_ms > WAIT_MS_MAX) return WAIT_MS_MAX;
    return left_ms > 0 ? (int)left_ms : 0;
}

static void act(ti_loop *loop, curl_socket_t descriptor, int what) {
    int running = 0;
    if (loop->failed) return;
    loop->turns++; /* it looks at all that is due, whatever it is called for */
    if (curl_multi_socket_action(loop->multi, descriptor, what, &running)) loop->failed = true;
}

static void act_on_sockets(ti_loop *loop, const ti_poller_ready *ready, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int what = 0;
        if (ready[i].events & TI_POLLER_IN) what |= CURL_CSELECT_IN;
        if (ready[i].events & TI_POLLER_OUT) what |= CURL_CSELECT_OUT;
        act(loop, ready[i].descriptor, what);
    }
}

static bool act_on_timer(ti_loop *loop) {
    if (loop->timer_boot_ms == TI_NEVER || loop->timer_boot_ms > ti_os_boot_ms()) return false;
    loop->timer_boot_ms = TI_NEVER; /* libcurl says when again */
    act(loop, CURL_SOCKET_TIMEOUT, 0);
    return true;
}

static bool finish_messages(ti_loop *loop) {
    const CURLMsg *message;
    bool any = false;
    int left = 0;
    while ((message = curl_multi_info_read(loop->multi, &left))) {
        if (message->msg != CURLMSG_DONE) continue;
        ti_handle *handle = NULL;
        CURLcode code = message->data.result;
        if (curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &handle) || !handle) continue;
        finish(loop, handle, code);
        any = true;
    }
    return any;
}

/* What libcurl knows of sockets may be broken then, so that nothing under way can go on. What
 * finished() starts anew can. */
static bool finish_failed(ti_loop *loop) {
    if (!loop->failed) return false;
    for (const ti_handle *handle = loop->under_way; handle; handle = handle->next) {
        curl_multi_remove_handle(loop->multi, handle->easy);
    }
    start_over(loop);
    loop->failed = false;
    loop->turns++;
    for (ti_handle *handle = loop->under_way; handle;) {
        if (handle->started_in_turn == loop->turns) {
            handle = handle->next;
            continue;
        }
        finish(loop, handle, CURLE_OUT_OF_MEMORY);
        handle = loop->under_way; /* from the start, since finished() may have changed the list */
    }
    return true;
}

/* Before libcurl gives them more. */
static bool finish_refused(ti_loop *loop) {
    if (!loop->refused) return false;
    loop->refused = false;
    for (ti_handle *handle = loop->under_way; handle;) {
        ti_handle *next = handle->next;
        if (handle->resumed) {
            finish(loop, handle, handle->resumed);
            next = loop->under_way; /* finished() may have changed the list */
        }
        handle = next;
    }
    return true;
}

/* libcurl tells the progress of what moves. Whether any transfer ended. */
static bool tell_progress(ti_loop *loop) {
    if (loop->progress_boot_ms > ti_os_boot_ms()) return false;
    bool any = false;
    loop->progress_boot_ms = ti_os_boot_ms() + PROGRESS_MS;
    for (ti_handle *handle = loop->under_way; handle;) {
        ti_handle *next = handle->next;
        if (handle->request->progress && !ti_handle_tell_progress(handle)) {
            finish(loop, handle, CURLE_ABORTED_BY_CALLBACK);
            any = true;
            next = loop->under_way; /* finished() may have changed the list */
        }
        handle = next;
    }
    return any;
}

/* Whether anything was done: callbacks may have run, so that its owner wants to look. */
static bool turn(ti_loop *loop, int64_t until_boot_ms) {
    ti_poller_ready ready[READY_MAX];
    bool woken;
    if (finish_failed(loop) || finish_refused(loop)) return true;
    int timeout_ms = wait_ms(loop, until_boot_ms);
    size_t count = ti_poller_wait(loop->poller, timeout_ms, ready, READY_MAX, &woken);
    act_on_sockets(loop, ready, count);
    bool acted = act_on_timer(loop) || count > 0;
    if (tell_progress(loop)) acted = true;
    if (finish_messages(loop)) acted = true;
    if (finish_failed(loop)) acted = true;
    return woken || acted;
}

void ti_loop_run(ti_loop *loop, int64_t until_boot_ms) {
    while (!turn(loop, until_boot_ms)) {
        if (ti_clock_boot_ms(loop->transport->options.clock) >= until_boot_ms) return;
    }
}

void ti_loop_wake(ti_loop *loop) {
    ti_poller_wake(loop->poller);
}

void ti_loop_shake(ti_loop *loop) {
    atomic_store(&loop->shaken, true);
    ti_poller_wake(loop->poller);
}

bool ti_loop_was_shaken(ti_loop *loop) {
    return atomic_load_explicit(&loop->shaken, memory_order_relaxed) &&
           atomic_exchange(&loop->shaken, false);
}

/* libcurl closes none of its connections when asked, only all. */
void ti_loop_trim(ti_loop *loop) {
    assert(!loop->under_way);
    free_idle(loop);
    if (loop->connections > loop->transport->options.idle_connections_max) start_over(loop);
}
