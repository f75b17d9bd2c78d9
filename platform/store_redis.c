/*
 * A store that several machines share: records, locks, journals and lives in one Redis. The parts, from below: url, link (a connection),
 * server (several), script (what Redis does in one piece), keeper (what has to be renewed), lock and record.
 *
 * A save or an erase goes with the lock that the session has taken for the same sign-in, and Redis checks that it still has it. Who comes
 * without, a tool or a test, has it for the moment.
 */
#include <tacit/redis.h>

#include "base/buffer.h"
#include "base/error.h"
#include "platform/os.h"
#include "platform/store_redis_lock.h"
#include "platform/store_redis_record.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_SIZE_MAX ((size_t)4 * 1024 * 1024)

enum { TIMEOUT_MS = 2000, LEASE_MS = 30000, LEASE_LEAST_MS = 3000, PAUSE_MS = 20 };

typedef struct redis_store {
    /* set at creation, then read-only */
    char *prefix;
    tacit_status (*get_key)(void *, unsigned char *);
    void *key_data;
    void (*key_release)(void *);
    ti_redis_server *server;
    ti_redis_keeper *keeper;

    tacit_error error; /* of the last function on records, which come one at a time */
} redis_store;

/* ------------------------------------------------------------------ the app's key */

static tacit_status get_key(redis_store *self, unsigned char key[TI_CRYPTO_KEY_SIZE]) {
    tacit_status status = self->get_key(self->key_data, key);

    switch (status) {
    case TACIT_OK:
    case TACIT_ERR_STORE_LOCKED:
    case TACIT_ERR_STORE_UNAVAILABLE:
    case TACIT_ERR_STORE_CORRUPT:
        break;
    default:
        status = TACIT_ERR_STORE_FAILED;
    }
    return status == TACIT_OK ? status
                              : ti_error_set(&self->error, status, "the app does not give the key");
}

/* ------------------------------------------------------------------ load */

static tacit_status open_record(redis_store *self, const ti_redis_names *names,
                                const redisReply *sealed, char **record, size_t *size) {
    unsigned char key[TI_CRYPTO_KEY_SIZE];
    tacit_status status = get_key(self, key);

    if (status == TACIT_OK)
        status = ti_redis_record_open(key, names->base, sealed->str, sealed->len, record, size,
                                      &self->error);
    ti_os_wipe(key, sizeof key);
    return status;
}

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    redis_store *self = data;
    redisReply *sealed = NULL;
    ti_redis_names names;
    tacit_status status;

    if (!ti_redis_names_make(&names, self->prefix, key)) return ti_error_no_memory(&self->error);
    status = ti_redis_load(self->server, &names, &sealed, &self->error);
    if (status == TACIT_OK)
        status = sealed != NULL ? open_record(self, &names, sealed, record, size)
                                : ti_error_set(&self->error, TACIT_ERR_STORE_NOT_FOUND, "none");
    freeReplyObject(sealed);
    ti_redis_names_free(&names);
    return status;
}

/* ------------------------------------------------------------------ save and erase */

/* NULL bytes: erases. The lock is that of the moment at which it was asked for. */
typedef struct change {
    ti_redis_holding holding;
    ti_redis_claim claim;
    const void *bytes;
    size_t size;
} change;

/* Before anything that takes time: what is asked for under one lock never goes with a later one, which saw newer records. */
static change begin(redis_store *self, const ti_redis_names *names) {
    change change = {.bytes = NULL};

    change.holding = ti_redis_keeper_claim(self->keeper, names, &change.claim);
    return change;
}

static tacit_status make(redis_store *self, const ti_redis_names *names,
                         const ti_redis_claim *claim, const change *change) {
    tacit_status status =
        change->bytes != NULL
            ? ti_redis_save(self->server, names, claim, change->bytes, change->size, &self->error)
            : ti_redis_erase(self->server, names, claim, &self->error);

    return status == TACIT_ERR_BUSY ? ti_redis_lock_lost(&self->error) : status;
}

/* Waits a little for another, as long as for Redis itself. */
static tacit_status take_patiently(redis_store *self, ti_redis_lease *lease) {
    int64_t until = ti_os_boot_ms() + ti_redis_server_timeout_ms(self->server);
    tacit_status status;

    while ((status = ti_redis_lease_take(lease, 0, &self->error)) == TACIT_ERR_BUSY) {
        if (ti_os_boot_ms() >= until)
            return ti_error_set(&self->error, TACIT_ERR_STORE_UNAVAILABLE,
                                "another machine has the lock");
        poll(NULL, 0, PAUSE_MS);
    }
    return status;
}

static tacit_status make_with_own_lock(redis_store *self, const char *key, const change *change) {
    ti_redis_claim claim;
    ti_redis_lease *lease;
    tacit_status status =
        ti_redis_lease_open(self->keeper, self->prefix, key, &lease, &self->error);

    if (status != TACIT_OK) return status;
    status = take_patiently(self, lease);
    if (status == TACIT_OK)
        status = ti_redis_lease_claim(lease, &claim)
                     ? make(self, ti_redis_lease_names(lease), &claim, change)
                     : ti_redis_lock_lost(&self->error);
    ti_redis_lease_close(lease);
    return status;
}

static tacit_status make_with_lock(redis_store *self, const char *key, const ti_redis_names *names,
                                   const change *change) {
    switch (change->holding) {
    case TI_REDIS_HELD:
        return make(self, names, &change->claim, change);
    case TI_REDIS_LOST:
        return ti_redis_lock_lost(&self->error);
    case TI_REDIS_NOT_HELD:
        break;
    }
    return make_with_own_lock(self, key, change);
}

static tacit_status seal(redis_store *self, const ti_redis_names *names, const char *record,
                         size_t size, ti_buffer *sealed) {
    unsigned char key[TI_CRYPTO_KEY_SIZE];
    tacit_status status = get_key(self, key);

    if (status == TACIT_OK)
        status = ti_redis_record_seal(key, names->base, record, size, sealed, &self->error);
    ti_os_wipe(key, sizeof key);
    return status;
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    redis_store *self = data;
    ti_buffer sealed = TI_BUFFER_INIT;
    ti_redis_names names;
    tacit_status status;
    change change;

    if (size > RECORD_SIZE_MAX)
        return ti_error_set(&self->error, TACIT_ERR_STORE_TOO_LARGE, "it takes at most %zu bytes",
                            RECORD_SIZE_MAX);
    if (!ti_redis_names_make(&names, self->prefix, key)) return ti_error_no_memory(&self->error);
    change = begin(self, &names);
    status = seal(self, &names, record, size, &sealed);
    change.bytes = sealed.data;
    change.size = sealed.size;
    if (status == TACIT_OK) status = make_with_lock(self, key, &names, &change);
    ti_buffer_free(&sealed);
    ti_redis_names_free(&names);
    return status;
}

static tacit_status erase(void *data, const char *key) {
    redis_store *self = data;
    ti_redis_names names;
    tacit_status status;
    change change;

    if (!ti_redis_names_make(&names, self->prefix, key)) return ti_error_no_memory(&self->error);
    change = begin(self, &names);
    status = make_with_lock(self, key, &names, &change);
    ti_redis_names_free(&names);
    return status;
}

static const char *last_error(void *data, int *os_error) {
    const redis_store *self = data;

    if (self->error.status == TACIT_ERR_STORE_NOT_FOUND) return NULL; /* that says it all */
    *os_error = self->error.os_error;
    return self->error.message;
}

/* ------------------------------------------------------------------ locks */

/* Of the last open, which has no lock to keep it in: each thread asks after its own. */
static _Thread_local tacit_error open_error;

static tacit_status open_lock(void *data, const char *key, bool create, size_t journal_size,
                              void **lock) {
    redis_store *self = data;
    ti_redis_lock *opened;
    tacit_status status = ti_redis_lock_open(self->keeper, self->prefix, key, create, journal_size,
                                             &opened, &open_error);

    *lock = opened;
    return status;
}

static const char *explain_lock(void *data, void *lock) {
    (void)data;
    if (lock != NULL) return ti_redis_lock_explain(lock);
    return open_error.message[0] != '\0' ? open_error.message : NULL;
}

/* ------------------------------------------------------------------ the store object */

static void release(void *data) {
    redis_store *self = data;

    if (self == NULL) return;
    if (self->key_release != NULL) self->key_release(self->key_data);
    ti_redis_keeper_free(self->keeper);
    ti_redis_server_free(self->server);
    free(self->prefix);
    free(self);
}

static redis_store *redis_store_new(const tacit_store_redis_options *options,
                                    ti_redis_address *address) {
    redis_store *self = calloc(1, sizeof *self);
    int timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
    int lease_ms = options->lease_ms > 0 ? options->lease_ms : LEASE_MS;

    if (self == NULL) return NULL;
    self->prefix = strdup(options->prefix != NULL ? options->prefix : "tacit:");
    self->server = ti_redis_server_new(address, options->ca_file, timeout_ms);
    if (self->server != NULL) self->keeper = ti_redis_keeper_new(self->server, lease_ms);
    self->get_key = options->get_key;
    self->key_data = options->key_data;
    if (self->prefix != NULL && self->keeper != NULL) return self;
    release(self);
    return NULL;
}

static tacit_store *store_of(redis_store *self, tacit_error *error) {
    tacit_store_lock_ops lock = TACIT_STORE_LOCK_OPS_INIT;
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;
    ti_buffer description = TI_BUFFER_INIT;
    tacit_store *store = NULL;

    ti_buffer_append_string(&description, "Redis at ");
    ti_buffer_append_string(&description, ti_redis_server_shown(self->server));
    ti_buffer_append_string(&description, ", encrypted with a key from the app");
    ti_redis_lock_fill_ops(&lock);
    lock.open = open_lock;
    lock.explain = explain_lock;
    ops.record_size_max = RECORD_SIZE_MAX;
    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    ops.release = release;
    ops.last_error = last_error;
    ops.description = description.data;
    ops.lock = &lock;
    if (description.failed)
        ti_error_no_memory(error);
    else
        store = tacit_store_custom(&ops, self, error);
    ti_buffer_free(&description);
    return store;
}

static bool options_read(tacit_store_redis_options *options, const tacit_store_redis_options *given,
                         tacit_error *error) {
    if (!ti_struct_read(options, sizeof *options, given, "options",
                        "TACIT_STORE_REDIS_OPTIONS_INIT", error))
        return false;
    if (options->url == NULL)
        ti_error_argument(error, "options->url", "is NULL");
    else if (options->get_key == NULL)
        ti_error_argument(error, "options->get_key", "is NULL");
    else if (options->timeout_ms < 0)
        ti_error_argument(error, "options->timeout_ms", "is negative");
    else if (options->lease_ms != 0 && options->lease_ms < LEASE_LEAST_MS)
        ti_error_argument(error, "options->lease_ms", "is less than 3000");
    else
        return true;
    return false;
}

tacit_store *tacit_store_redis(const tacit_store_redis_options *options, tacit_error *error) {
    tacit_store_redis_options own;
    ti_redis_address address;
    ti_redis_url_result url;
    redis_store *self = NULL;
    tacit_store *store;

    ti_error_clear(error);
    if (!options_read(&own, options, error)) return NULL;
    url = ti_redis_url_parse(own.url, &address);
    if (url == TI_REDIS_URL_BAD) {
        ti_error_argument(error, "options->url",
                          "is none of redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], "
                          "rediss://... and unix:///PATH");
        return NULL;
    }
    if (url == TI_REDIS_URL_OK) self = redis_store_new(&own, &address);
    if (self == NULL) {
        if (url == TI_REDIS_URL_OK) ti_redis_address_free(&address);
        ti_error_no_memory(error);
        return NULL;
    }
    store = store_of(self, error);
    if (store == NULL) {
        release(self);
        return NULL;
    }
    self->key_release = own.key_release; /* taken over from here on */
    return store;
}
