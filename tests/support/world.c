#include "support/world.h"

#include "support/fixture.h"
#include "support/unit.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct world {
    world_options options;
    ts_server *server;
    tacit_provider *provider;
    tacit_store *store;
    tacit_client *client;
    tacit_session *session;
    const char *origins[2];
    tacit_clock clock;
    char *state_dir;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t boot_ms, wall_ms;
    world_event events[WORLD_EVENTS_MAX];
    size_t event_count;
};

/* ------------------------------------------------------------------ clock and events */

static int64_t boot_ms(void *data) {
    world *w = data;
    int64_t now;

    pthread_mutex_lock(&w->lock);
    now = w->boot_ms;
    pthread_mutex_unlock(&w->lock);
    return now;
}

static int64_t wall_ms(void *data) {
    world *w = data;
    int64_t now;

    pthread_mutex_lock(&w->lock);
    now = w->wall_ms;
    pthread_mutex_unlock(&w->lock);
    return now;
}

static void on_event(tacit_session *session, const tacit_event *event, void *data) {
    world *w = data;

    (void)session;
    pthread_mutex_lock(&w->lock);
    if (w->event_count < WORLD_EVENTS_MAX) {
        world_event *kept = &w->events[w->event_count++];

        kept->event = *event;
        strncpy(kept->message, event->message, sizeof kept->message - 1);
        kept->event.message = kept->message;
        if (event->error != NULL) {
            kept->error = *event->error;
            kept->event.error = &kept->error;
        }
    }
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

static void move(world *w, int64_t boot, int64_t wall) {
    pthread_mutex_lock(&w->lock);
    w->boot_ms += boot;
    w->wall_ms += wall;
    pthread_mutex_unlock(&w->lock);
    tacit_client_clock_moved(w->client);
}

void world_clock_move(world *w, int64_t ms) {
    move(w, ms, ms);
}

void world_wall_step(world *w, int64_t ms) {
    move(w, 0, ms);
}

int64_t world_clock_now(world *w) {
    return boot_ms(w);
}

/* ------------------------------------------------------------------ making */

static void must(bool ok, const char *what, const tacit_error *error) {
    if (!ok) fail_msg("%s: %s %s", what, tacit_status_name(error->status), error->message);
}

static void make_client(world *w) {
    tacit_client_options options = w->options.client;
    tacit_error error = TACIT_ERROR_INIT;

    if (options.struct_size == 0) options = (tacit_client_options)TACIT_CLIENT_OPTIONS_INIT;
    if (w->options.clock) options.clock = &w->clock;
    if (options.state_dir == NULL) options.state_dir = w->state_dir;
    w->client = tacit_client_new(&options, &error);
    must(w->client != NULL, "tacit_client_new", &error);
}

static tacit_session_options session_options(world *w) {
    tacit_session_options options = w->options.session;

    if (options.struct_size == 0) options = (tacit_session_options)TACIT_SESSION_OPTIONS_INIT;
    if (options.client_id == NULL) options.client_id = "test-client";
    if (options.origins == NULL) options.origins = w->origins;
    options.store = w->store;
    if (options.on_event == NULL) {
        options.on_event = on_event;
        options.event_data = w;
    }
    return options;
}

tacit_session *world_open(world *w, const char *account, const char *scope) {
    tacit_session_options options = session_options(w);
    tacit_error error = TACIT_ERROR_INIT;
    tacit_session *session;

    if (account != NULL) options.account = account;
    if (scope != NULL) options.scope = scope;
    session = tacit_session_open(w->client, w->provider, &options, &error);
    must(session != NULL, "tacit_session_open", &error);
    return session;
}

static void make_provider(world *w) {
    tacit_error error = TACIT_ERROR_INIT;
    ts_options options = server_options(w->server);
    const char *issuer = options.issuer != NULL ? options.issuer : server_url(w->server, "");

    if (w->options.from_issuer)
        w->provider = tacit_provider_from_issuer(issuer, &error);
    else
        w->provider = tacit_provider_from_json(server_provider_json(w->server), &error);
    must(w->provider != NULL, "the provider", &error);
}

world *world_new(const world_options *options) {
    world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    if (options != NULL) w->options = *options;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    w->boot_ms = 1000000;
    w->wall_ms = (int64_t)time(NULL) * 1000;
    w->clock = (tacit_clock){sizeof w->clock, boot_ms, wall_ms, w};
    w->state_dir = fixture_directory_new();
    assert_non_null(w->state_dir);
    w->server = server_start(w->options.server);
    assert_non_null(w->server);
    make_provider(w);
    w->store = w->options.store != NULL ? tacit_store_ref(w->options.store) : tacit_store_memory();
    w->origins[0] = server_url(w->server, "");
    make_client(w);
    w->session = world_open(w, NULL, NULL);
    return w;
}

void world_end(world *w) {
    tacit_error error;

    if (w->client == NULL) return;
    tacit_session_close(w->session, TACIT_NO_WAIT);
    if (tacit_client_shutdown(w->client, WORLD_PATIENCE_MS, &error) != TACIT_OK)
        fail_msg("tacit_client_shutdown: %s", error.message);
    tacit_client_unref(w->client);
    w->session = NULL;
    w->client = NULL;
}

void world_restart(world *w) {
    world_end(w);
    if (w->options.from_issuer) {
        tacit_provider_unref(w->provider);
        make_provider(w);
    }
    make_client(w);
    w->session = world_open(w, NULL, NULL);
}

void world_restart_in(world *w, tacit_store *store, tacit_store *previous) {
    if (w->options.session.struct_size == 0)
        w->options.session = (tacit_session_options)TACIT_SESSION_OPTIONS_INIT;
    w->options.session.previous_store = previous;
    tacit_store_ref(store);
    tacit_store_unref(w->store);
    w->store = store;
    world_restart(w);
}

void world_lose_journals(world *w) {
    DIR *directory = opendir(w->state_dir);
    const struct dirent *entry;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        char *path = fixture_path(w->state_dir, entry->d_name);

        if (entry->d_name[0] != '.') assert_int_equal(unlink(path), 0);
        free(path);
    }
    closedir(directory);
}

tacit_status world_close(world *w, int timeout_ms) {
    tacit_session *session = w->session;

    w->session = NULL;
    return tacit_session_close(session, timeout_ms);
}

void world_free(world *w) {
    for (int part = 0; part < TS_PARTS; part++) server_gate_open(w->server, (ts_part)part);
    world_end(w);
    tacit_store_unref(w->store);
    tacit_provider_unref(w->provider);
    server_stop(w->server);
    fixture_directory_free(w->state_dir);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

ts_server *world_server(world *w) {
    return w->server;
}

tacit_client *world_client(world *w) {
    return w->client;
}

tacit_provider *world_provider(world *w) {
    return w->provider;
}

const char *world_state_dir(world *w) {
    return w->state_dir;
}

tacit_store *world_store(world *w) {
    return w->store;
}

tacit_session *world_session(world *w) {
    return w->session;
}

/* ------------------------------------------------------------------ doing */

void world_sign_in(world *w) {
    tacit_error error;
    tacit_status status =
        tacit_sign_in_with_password(w->session, "alice", "wonderland", NULL, &error);

    must(status == TACIT_OK, "tacit_sign_in_with_password", &error);
}

int world_get(world *w, const char *path) {
    return world_get_error(w, path, NULL);
}

int world_get_error(world *w, const char *path, tacit_error *error) {
    return session_get(w->session, server_url(w->server, path), error);
}

int session_get(tacit_session *session, const char *url, tacit_error *error) {
    tacit_response *response;
    tacit_status status = tacit_get(session, url, &response, error);
    int result = status == TACIT_OK ? tacit_response_status(response) : -(int)status;

    tacit_response_free(response);
    return result;
}

tacit_token *world_token(world *w) {
    tacit_token *token;

    tacit_session_token(w->session, 0, TACIT_NO_WAIT, &token, NULL);
    return token;
}

/* ------------------------------------------------------------------ looking */

static size_t count_locked(world *w, tacit_event_type type) {
    size_t n = 0;

    for (size_t i = 0; i < w->event_count; i++)
        if (type == 0 || w->events[i].event.type == type) n++;
    return n;
}

size_t world_event_count(world *w, tacit_event_type type) {
    size_t n;

    pthread_mutex_lock(&w->lock);
    n = count_locked(w, type);
    pthread_mutex_unlock(&w->lock);
    return n;
}

bool world_event_at(world *w, tacit_event_type type, size_t index, world_event *event) {
    bool found = false;

    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->event_count && !found; i++) {
        if (type != 0 && w->events[i].event.type != type) continue;
        if (index-- > 0) continue;
        *event = w->events[i];
        event->event.message = event->message;
        if (event->event.error != NULL) event->event.error = &event->error;
        found = true;
    }
    pthread_mutex_unlock(&w->lock);
    return found;
}

static struct timespec real_deadline(int ms) {
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += ms / 1000;
    return at;
}

void world_wait_event(world *w, tacit_event_type type, size_t count) {
    struct timespec at = real_deadline(WORLD_PATIENCE_MS);
    bool came;

    pthread_mutex_lock(&w->lock);
    while (count_locked(w, type) < count &&
           pthread_cond_timedwait(&w->changed, &w->lock, &at) == 0) {
    }
    came = count_locked(w, type) >= count;
    pthread_mutex_unlock(&w->lock);
    if (!came) fail_msg("event %d did not come %zu times", (int)type, count);
}

void world_assert_events(world *w, tacit_event_type type, size_t count) {
    world_wait_event(w, type, count);
    assert_int_equal(world_event_count(w, type), count);
}

void world_wait(bool (*condition)(void *data), void *data, const char *what) {
    struct timespec pause = {.tv_nsec = 2000000};

    for (int waited = 0; waited < WORLD_PATIENCE_MS; waited += 2) {
        if (condition(data)) return;
        nanosleep(&pause, NULL);
    }
    fail_msg("it did not come to pass: %s", what);
}
