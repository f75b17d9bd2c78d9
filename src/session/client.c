#include "session/client.h"

#include "base/error.h"
#include "platform/os.h"
#include "session/anomaly.h"
#include "session/library_thread.h"
#include "session/open.h"
#include "session/work.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_TIMEOUT_MS = 10 * 1000,
    REQUEST_TIMEOUT_MS = 60 * 1000,
    REFRESH_TIMEOUT_MS = 30 * 1000,
    STORE_TIMEOUT_MS = 5 * 1000,
    SHUTDOWN_TIMEOUT_MS = 30 * 1000,
    REFRESH_THREADS = 4,
    IDLE_CONNECTIONS = 16,
    CALLS = 256,
    CALLS_WAITING = 16 * 1024,
    STACK_BYTES = 256 * 1024,
    RESPONSE_BYTES = 64 * 1024 * 1024,
    STEP_MIN_MS = 1000 /* below it the two clocks were only read at different times */
};

/* ------------------------------------------------------------------ making */

static bool timeout(int *value, int normal, const char *name, tacit_error *error) {
    if (*value < -1) {
        ti_error_argument(error, name, "is below -1");
        return false;
    }
    if (*value <= 0) *value = normal;
    return true;
}

/* The options with their defaults filled in. */
static bool read_options(tacit_client_options *o, const tacit_client_options *given,
                         tacit_clock *clock, tacit_error *error) {
    *o = (tacit_client_options)TACIT_CLIENT_OPTIONS_INIT;
    if (given != NULL &&
        !ti_struct_read(o, sizeof *o, given, "options", "TACIT_CLIENT_OPTIONS_INIT", error))
        return false;
    if (!timeout(&o->connect_timeout_ms, CONNECT_TIMEOUT_MS, "options->connect_timeout_ms",
                 error) ||
        !timeout(&o->request_timeout_ms, REQUEST_TIMEOUT_MS, "options->request_timeout_ms",
                 error) ||
        !timeout(&o->refresh_timeout_ms, REFRESH_TIMEOUT_MS, "options->refresh_timeout_ms",
                 error) ||
        !timeout(&o->store_timeout_ms, STORE_TIMEOUT_MS, "options->store_timeout_ms", error))
        return false;
    if ((int)o->log_level < 0 || o->log_level > TACIT_LOG_DEBUG) {
        ti_error_argument(error, "options->log_level", "is not a level");
        return false;
    }
    if (o->log_level == 0) o->log_level = TACIT_LOG_WARNING;
    if (o->refresh_threads_max == 0) o->refresh_threads_max = REFRESH_THREADS;
    if (o->idle_connections_max == 0) o->idle_connections_max = IDLE_CONNECTIONS;
    if (o->thread_stack_bytes == 0) o->thread_stack_bytes = STACK_BYTES;
    if (o->response_bytes_max == 0) o->response_bytes_max = RESPONSE_BYTES;
    if (o->calls_max == 0) o->calls_max = CALLS;
    if (o->calls_waiting_max == 0) o->calls_waiting_max = CALLS_WAITING;
    if (o->clock == NULL) return true;
    if (!ti_struct_read(clock, sizeof *clock, o->clock, "options->clock", "TACIT_CLOCK_INIT",
                        error))
        return false;
    o->clock = clock;
    return true;
}

static int64_t wall_ahead_ms(const tacit_client *client) {
    const ti_clock *clock = &client->context->clock;

    return ti_clock_wall_ms(clock) - ti_clock_boot_ms(clock);
}

/* How far the wall clock was set since this was last asked. */
static int64_t wall_step_ms(tacit_client *client) {
    int64_t ahead_ms = wall_ahead_ms(client);

    return ahead_ms - atomic_exchange(&client->wall_ahead_ms, ahead_ms);
}

static void clock_stepped(void *data) {
    ti_anomaly_clock_stepped(data, wall_step_ms(data));
    ti_client_nudge(data, true);
}

static bool make_transport(tacit_client *client, const tacit_client_options *o,
                           tacit_error *error) {
    ti_transport_options options = {.user_agent = o->user_agent,
                                    .ca_file = o->ca_file,
                                    .ca_pem = o->ca_pem,
                                    .pinned_public_key = o->pinned_public_key,
                                    .proxy = o->proxy,
                                    .client_certificate_file = o->client_certificate_file,
                                    .client_key_file = o->client_key_file,
                                    .connect_timeout_ms = o->connect_timeout_ms,
                                    .idle_connections_max = o->idle_connections_max,
                                    .response_bytes_max = o->response_bytes_max,
                                    .clock = &client->context->clock,
                                    .log = &client->context->log};

    client->transport = ti_transport_new(&options, error);
    return client->transport != NULL;
}

static bool make_threads(tacit_client *client, const tacit_client_options *o) {
    const ti_clock *clock = &client->context->clock;

    client->refresher = ti_refresher_new(clock, o->refresh_threads_max, o->thread_stack_bytes,
                                         clock_stepped, client);
    client->dispatch = ti_dispatch_new(clock, o->thread_stack_bytes, o->post, o->post_data);
    if (client->dispatch != NULL) ti_dispatch_keep(client->dispatch, client->context);
    client->store_calls = ti_store_calls_new(clock, o->thread_stack_bytes);
    client->calls = ti_helpers_new(clock, o->thread_stack_bytes, "tacit-call");
    return client->refresher != NULL && client->dispatch != NULL && client->store_calls != NULL &&
           client->calls != NULL;
}

static void free_client(tacit_client *client) {
    if (client->part != NULL) client->part->free(client->part);
    ti_helpers_free(client->calls);
    ti_refresher_free(client->refresher);
    ti_store_calls_free(client->store_calls);
    ti_dispatch_free(client->dispatch);
    ti_transport_free(client->transport);
    ti_context_unref(client->context);
    tacit_store_unref(client->default_store);
    pthread_mutex_destroy(&client->lock);
    free(client->application_id);
    free(client->state_dir);
    free(client);
}

static bool draw_life(tacit_client *client, tacit_error *error) {
    while (client->next_life == 0 || client->next_life == INT64_MAX) {
        if (!ti_os_random(&client->next_life, sizeof client->next_life)) {
            ti_error_set(error, TACIT_ERR_UNSUPPORTED, "The system has no source of random.");
            return false;
        }
        client->next_life &= INT64_MAX;
    }
    return true;
}

static bool make_parts(tacit_client *client, const tacit_client_options *o, tacit_error *error) {
    bool own_dir = o->state_dir != NULL && *o->state_dir != '\0';

    if (!draw_life(client, error)) return false;
    client->state_dir = own_dir ? ti_os_absolute_path(o->state_dir) : ti_os_state_directory();
    if (own_dir && client->state_dir == NULL)
        return ti_error_path(error, "options->state_dir"), false;
    client->context = ti_context_new(o);
    if (client->context == NULL) return ti_error_no_memory(error), false;
    client->process = client->context->process;
    atomic_init(&client->wall_ahead_ms, wall_ahead_ms(client));
    if (o->application_id != NULL) {
        client->application_id = strdup(o->application_id);
        if (client->application_id == NULL) return ti_error_no_memory(error), false;
    }
    if (!make_transport(client, o, error)) return false;
    if (!make_threads(client, o)) return ti_error_no_memory(error), false;
    return true;
}

tacit_client *tacit_client_new(const tacit_client_options *options, tacit_error *error) {
    tacit_client_options o;
    tacit_clock clock;
    tacit_client *client;

    if (!read_options(&o, options, &clock, error)) return NULL;
    client = calloc(1, sizeof *client);
    if (client == NULL) {
        ti_error_no_memory(error);
        return NULL;
    }
    pthread_mutex_init(&client->lock, NULL);
    atomic_init(&client->refs, 1);
    client->work = &ti_work_ops;
    client->request_timeout_ms = o.request_timeout_ms;
    client->refresh_timeout_ms = o.refresh_timeout_ms;
    client->store_timeout_ms = o.store_timeout_ms;
    client->calls_max = o.calls_max;
    client->calls_waiting_max = o.calls_waiting_max;
    client->thread_stack_bytes = o.thread_stack_bytes;
    if (!make_parts(client, &o, error)) {
        free_client(client);
        return NULL;
    }
    client->context->release = o.release; /* taken over from here on */
    client->context->release_data = o.release_data;
    ti_error_clear(error);
    return client;
}

tacit_client *ti_client_ref(tacit_client *client) {
    atomic_fetch_add_explicit(&client->refs, 1, memory_order_relaxed);
    return client;
}

tacit_store *ti_client_default_store(tacit_client *client, tacit_error *error) {
    tacit_store *store;

    pthread_mutex_lock(&client->lock);
    if (client->default_store == NULL)
        client->default_store = tacit_store_default(client->application_id, error);
    store = tacit_store_ref(client->default_store);
    pthread_mutex_unlock(&client->lock);
    return store;
}

ti_client_part *ti_client_part_of(tacit_client *client,
                                  ti_client_part *(*make)(tacit_client *client, tacit_error *error),
                                  tacit_error *error) {
    ti_client_part *part;

    pthread_mutex_lock(&client->lock);
    if (client->closed)
        ti_error_set(error, TACIT_ERR_CLOSED, "The client was shut down.");
    else if (client->part == NULL)
        client->part = make(client, error);
    part = client->closed ? NULL : client->part;
    pthread_mutex_unlock(&client->lock);
    return part;
}

void tacit_client_unref(tacit_client *client) {
    if (client == NULL || ti_client_forked(client)) return;
    if (atomic_fetch_sub_explicit(&client->refs, 1, memory_order_acq_rel) == 1) free_client(client);
}

/* ------------------------------------------------------------------ clocks and networks */

void ti_client_nudge(tacit_client *client, bool end_backoff) {
    pthread_mutex_lock(&client->lock);
    for (ti_identity *i = client->identities; i != NULL; i = i->next)
        ti_identity_nudge(i, end_backoff);
    pthread_mutex_unlock(&client->lock);
}

void tacit_client_network_changed(tacit_client *client) {
    if (client != NULL && !ti_client_forked(client)) ti_client_nudge(client, true);
}

/* NULL: nobody asked for it yet. */
static ti_client_part *part_of(tacit_client *client) {
    ti_client_part *part;

    pthread_mutex_lock(&client->lock);
    part = client->part;
    pthread_mutex_unlock(&client->lock);
    return part;
}

void tacit_client_clock_moved(tacit_client *client) {
    ti_client_part *part;
    int64_t step_ms;

    if (client == NULL || ti_client_forked(client)) return;
    part = part_of(client);
    step_ms = wall_step_ms(client); /* of an injected clock, which the timer cannot see */
    ti_anomaly_clock_stepped(client, step_ms);
    ti_refresher_wake(client->refresher);
    ti_store_calls_clock_moved(client->store_calls);
    ti_helpers_clock_moved(client->calls);
    ti_dispatch_clock_moved(client->dispatch);
    if (part != NULL) part->clock_moved(part);
    ti_transport_wake(client->transport);
    ti_client_nudge(client, step_ms >= STEP_MIN_MS || step_ms <= -STEP_MIN_MS);
}

static bool is_of_sign_in(void *thing, void *data) {
    return ti_sign_in_id_equal(&((tacit_token *)thing)->sign_in_id, data);
}

void ti_client_drop_tokens(tacit_client *client, const ti_sign_in_id *id) {
    ti_transport_drop_kept(client->transport, is_of_sign_in, (void *)id);
}

/* ------------------------------------------------------------------ statistics */

void ti_client_count_waiting(tacit_client *client, int by) {
    atomic_fetch_add_explicit(&client->calls_waiting, (uint_fast64_t)(int64_t)by,
                              memory_order_relaxed);
}

static void add_sessions_locked(tacit_client *client, tacit_client_stats *stats) {
    for (ti_identity *i = client->identities; i != NULL; i = i->next) {
        pthread_mutex_lock(&i->lock);
        for (const ti_view *view = i->views; view != NULL; view = view->next)
            for (tacit_session *s = view->sessions; s != NULL; s = s->next) {
                stats->sessions++;
                stats->calls_running += ti_session_calls_inside(s);
                stats->requests += atomic_load(&s->requests);
                stats->replays += atomic_load(&s->replays);
            }
        pthread_mutex_unlock(&i->lock);
    }
}

void tacit_client_get_stats(tacit_client *client, tacit_client_stats *stats) {
    tacit_client_stats now = TACIT_CLIENT_STATS_INIT;

    if (client == NULL || stats == NULL || ti_client_forked(client)) return;
    pthread_mutex_lock(&client->lock);
    now.requests = atomic_load(&client->requests);
    now.replays = atomic_load(&client->replays);
    add_sessions_locked(client, &now);
    pthread_mutex_unlock(&client->lock);
    now.calls_waiting = atomic_load(&client->calls_waiting);
    now.refreshes = atomic_load(&client->refreshes);
    now.refresh_failures = atomic_load(&client->refresh_failures);
    ti_struct_write(stats, &now, sizeof now);
}

/* ------------------------------------------------------------------ shutdown */

static void close_sessions(tacit_client *client) {
    pthread_mutex_lock(&client->lock);
    client->closed = true;
    for (ti_identity *i = client->identities; i != NULL; i = i->next) {
        pthread_mutex_lock(&i->lock);
        for (ti_view *view = i->views; view != NULL; view = view->next)
            while (view->sessions != NULL) ti_session_shut_locked(view->sessions);
        pthread_mutex_unlock(&i->lock);
        ti_identity_schedule_now(i);
    }
    pthread_mutex_unlock(&client->lock);
    ti_transport_wake(client->transport);
    ti_dispatch_kick(client->dispatch);
}

/* One that has work under way, referenced; NULL: none. */
static ti_identity *find_busy(tacit_client *client) {
    ti_identity *busy = NULL;

    pthread_mutex_lock(&client->lock);
    for (ti_identity *i = client->identities; i != NULL && busy == NULL; i = i->next) {
        pthread_mutex_lock(&i->lock);
        if (!ti_identity_idle_locked(i)) busy = ti_identity_ref(i);
        pthread_mutex_unlock(&i->lock);
    }
    pthread_mutex_unlock(&client->lock);
    return busy;
}

static bool wait_for_identities(tacit_client *client, int64_t deadline) {
    ti_identity *busy;

    while ((busy = find_busy(client)) != NULL) {
        bool idle = ti_identity_wait_idle(busy, deadline);

        ti_identity_unref(busy);
        if (!idle) return false;
    }
    return true;
}

static bool stop_part(tacit_client *client, int64_t deadline) {
    ti_client_part *part = part_of(client);

    return part == NULL || part->stop(part, deadline);
}

/* One whose work nobody does any more; NULL: none. */
static ti_identity *find_lingering(tacit_client *client) {
    ti_identity *found = NULL;

    pthread_mutex_lock(&client->lock);
    for (ti_identity *i = client->identities; i != NULL && found == NULL; i = i->next) {
        pthread_mutex_lock(&i->lock);
        if (i->lingers) found = ti_identity_ref(i);
        pthread_mutex_unlock(&i->lock);
    }
    pthread_mutex_unlock(&client->lock);
    return found;
}

static void let_go_of_identities(tacit_client *client) {
    ti_identity *lingering;

    while ((lingering = find_lingering(client)) != NULL) {
        ti_identity_stop_lingering(lingering);
        ti_identity_unref(lingering);
    }
}

/* Where every identity is idle. */
static bool stop_workers(tacit_client *client, int64_t deadline) {
    bool stopped = ti_refresher_stop(client->refresher, deadline);

    stopped &= ti_store_calls_stop(client->store_calls, deadline);
    stopped &= ti_dispatch_stop(client->dispatch, deadline);
    let_go_of_identities(client);
    return stopped;
}

tacit_status tacit_client_shutdown(tacit_client *client, int timeout_ms, tacit_error *error) {
    const ti_clock *clock;
    int64_t deadline;
    bool idle, done;

    if (client == NULL) return ti_error_argument(error, "client", "is NULL");
    if (timeout_ms < TACIT_TIMEOUT_DEFAULT)
        return ti_error_argument(error, "timeout_ms", "is below -1");
    if (ti_client_forked(client)) return ti_error_forked(error, "client");
    clock = &client->context->clock;
    deadline = ti_clock_deadline(clock, timeout_ms < 0 ? SHUTDOWN_TIMEOUT_MS : timeout_ms);
    close_sessions(client);
    if (ti_on_library_thread())
        return ti_error_set(error, TACIT_ERR_REENTRANT,
                            "The sessions are closed, but a thread of the library cannot wait for "
                            "itself to end.");
    idle = wait_for_identities(client, deadline);
    done = ti_helpers_stop(client->calls, deadline);
    idle &= wait_for_identities(client, deadline); /* what a call left to be revoked */
    done &= stop_part(client, deadline);
    if (idle) done &= stop_workers(client, deadline); /* else there may be an answer to save (R2) */
    if (idle && done) return ti_error_clear(error);
    return ti_error_set(error, TACIT_ERR_TIMEOUT,
                        "A grant, a callback or a call of a store is still under way and ends by "
                        "itself.");
}
