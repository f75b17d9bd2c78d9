/*
 * The pool of handles and what they share.
 *
 * Properties: a handle is either idle (in `idle`, most recently used first, so that warm
 * connections stay warm) or out (in `out`, for ti_transport_wake()).
 * Operation: acquire takes from the front of `idle` or makes one; release puts it back there.
 * Safety: both lists and the links are guarded by `lock`. Everything else of a handle is touched by
 * its holder only. libcurl takes the share locks itself and never holds one while it waits.
 */
#include "transport/transport.h"

#include "base/error.h"
#include "platform/file.h"
#include "transport/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Options
 */

static bool copy_string(const char **target, const char *text) {
    *target = text ? strdup(text) : NULL;
    return *target || !text;
}

static bool copy_options(ti_transport *transport, const ti_transport_options *options) {
    ti_transport_options *copy = &transport->options;
    *copy = (ti_transport_options){.connect_timeout_ms = options->connect_timeout_ms,
                                   .idle_connections_max = options->idle_connections_max,
                                   .response_bytes_max = options->response_bytes_max,
                                   .clock = options->clock,
                                   .log = options->log};
    return copy_string(&copy->user_agent, options->user_agent) &&
           copy_string(&copy->ca_file, options->ca_file) &&
           copy_string(&copy->ca_pem, options->ca_pem) &&
           copy_string(&copy->pinned_public_key, options->pinned_public_key) &&
           copy_string(&copy->client_certificate_file, options->client_certificate_file) &&
           copy_string(&copy->client_key_file, options->client_key_file);
}

static tacit_status check_readable(const char *path, const char *argument, tacit_error *error) {
    if (!path) return TACIT_OK;
    int64_t size;
    int file = ti_file_open(path, &size);
    if (file >= 0) {
        ti_file_close(file);
        return TACIT_OK;
    }
    int os_error = errno;
    ti_error_argument(error, argument, "cannot be read");
    if (error) error->os_error = os_error;
    return TACIT_ERR_INVALID_ARGUMENT;
}

static tacit_status check_files(const ti_transport_options *options, tacit_error *error) {
    tacit_status status = check_readable(options->ca_file, "options->ca_file", error);
    if (!status) {
        status = check_readable(options->client_certificate_file,
                                "options->client_certificate_file", error);
    }
    if (!status) {
        status = check_readable(options->client_key_file, "options->client_key_file", error);
    }
    return status;
}

/* As libcurl looks for a variable: in small letters first. */
static const char *environment(const char *small, const char *capital) {
    const char *value = getenv(small);
    return value ? value : getenv(capital);
}

/* Here and not by libcurl at the first request, which would quote it, password and all, in its
 * error. */
static tacit_status check_proxy(const char *proxy, const char *argument, tacit_error *error) {
    CURLU *url = curl_url();
    if (!url) return ti_error_no_memory(error);
    CURLUcode code =
        curl_url_set(url, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME);
    curl_url_cleanup(url);
    if (code == CURLUE_OUT_OF_MEMORY) return ti_error_no_memory(error);
    return code ? ti_error_argument(error, argument, "is not a proxy's URL") : TACIT_OK;
}

/* Once, so that requests neither pay for the environment nor race with a setenv(). Only https goes
 * through a proxy, since http stays on this machine. */
static tacit_status find_proxy(ti_transport *transport, const char *given, tacit_error *error) {
    const char *argument = "options->proxy";
    const char *proxy = given, *no_proxy = "";
    if (!given) {
        argument = "the https_proxy of the environment";
        proxy = environment("https_proxy", "HTTPS_PROXY");
        if (!proxy) {
            argument = "the all_proxy of the environment";
            proxy = environment("all_proxy", "ALL_PROXY");
        }
        const char *list = environment("no_proxy", "NO_PROXY");
        if (list) no_proxy = list;
    }
    if (!proxy || !*proxy) return TACIT_OK;
    tacit_status status = check_proxy(proxy, argument, error);
    if (status) return status;
    transport->proxy = strdup(proxy);
    transport->no_proxy = strdup(no_proxy);
    return transport->proxy && transport->no_proxy ? TACIT_OK : ti_error_no_memory(error);
}

/*
 * What handles share
 */

static void on_lock(CURL *easy, curl_lock_data data, curl_lock_access access, void *user_data) {
    (void)easy;
    (void)access;
    ti_transport *transport = user_data;
    pthread_mutex_lock(&transport->share_locks[data]);
}

static void on_unlock(CURL *easy, curl_lock_data data, void *user_data) {
    (void)easy;
    ti_transport *transport = user_data;
    pthread_mutex_unlock(&transport->share_locks[data]);
}

static tacit_status new_share(ti_transport *transport, tacit_error *error) {
    CURLSH *share = transport->share = curl_share_init();
    if (!share) return ti_error_no_memory(error);
    if (curl_share_setopt(share, CURLSHOPT_LOCKFUNC, on_lock) ||
        curl_share_setopt(share, CURLSHOPT_UNLOCKFUNC, on_unlock) ||
        curl_share_setopt(share, CURLSHOPT_USERDATA, transport) ||
        curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS)) {
        return ti_error_no_memory(error);
    }
    /* a libcurl without TLS has no sessions to share */
    CURLSHcode code = curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    return code && code != CURLSHE_NOT_BUILT_IN ? ti_error_no_memory(error) : TACIT_OK;
}

/* Schannel reads the key where it reads the certificate, and would say nothing of another file. */
static tacit_status check_key(const ti_transport *transport, CURL *easy, tacit_error *error) {
    struct curl_tlssessioninfo *tls;
    if (!transport->options.client_key_file ||
        curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) ||
        tls->backend != CURLSSLBACKEND_SCHANNEL) {
        return ti_error_clear(error);
    }
    return ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                        "Schannel takes the key from options->client_certificate_file, in "
                        "PKCS #12: options->client_key_file has to be NULL");
}

/* The first handle: what libcurl cannot do is known now and not with the first request. */
static tacit_status first_handle(ti_transport *transport, tacit_error *error) {
    CURLcode code;
    ti_handle *handle = ti_handle_new(transport, TI_HANDLE_POOLED, false, &code);
    if (handle) {
        transport->idle = handle;
        transport->idle_count = 1;
        return check_key(transport, handle->easy, error);
    }
    if (code == CURLE_OUT_OF_MEMORY) return ti_error_no_memory(error);
    return ti_error_set(error, TACIT_ERR_UNSUPPORTED, "libcurl %s cannot do what was asked for: %s",
                        curl_version_info(CURLVERSION_NOW)->version, curl_easy_strerror(code));
}

/*
 * A transport
 */

static tacit_status set_up(ti_transport *transport, const ti_transport_options *options,
                           tacit_error *error) {
    if (!copy_options(transport, options)) return ti_error_no_memory(error);
    tacit_status status = check_files(options, error);
    if (!status) status = find_proxy(transport, options->proxy, error);
    if (!status) status = new_share(transport, error);
    if (!status) status = first_handle(transport, error);
    return status;
}

ti_transport *ti_transport_new(const ti_transport_options *options, tacit_error *error) {
    if (ti_global_init(error)) return NULL;
    ti_transport *transport = calloc(1, sizeof *transport);
    if (!transport) {
        ti_error_no_memory(error);
        return NULL;
    }
    pthread_mutex_init(&transport->lock, NULL);
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++) {
        pthread_mutex_init(&transport->share_locks[i], NULL);
    }
    if (set_up(transport, options, error)) {
        ti_transport_free(transport);
        return NULL;
    }
    return transport;
}

static void free_options(ti_transport_options *options) {
    free((char *)(uintptr_t)options->user_agent);
    free((char *)(uintptr_t)options->ca_file);
    free((char *)(uintptr_t)options->ca_pem);
    free((char *)(uintptr_t)options->pinned_public_key);
    free((char *)(uintptr_t)options->client_certificate_file);
    free((char *)(uintptr_t)options->client_key_file);
}

void ti_transport_free(ti_transport *transport) {
    if (!transport) return;
    while (transport->idle) {
        ti_handle *handle = transport->idle;
        transport->idle = handle->next;
        ti_handle_free(handle);
    }
    if (transport->share) curl_share_cleanup(transport->share);
    for (size_t i = 0; i < CURL_LOCK_DATA_LAST; i++) {
        pthread_mutex_destroy(&transport->share_locks[i]);
    }
    pthread_mutex_destroy(&transport->lock);
    free(transport->proxy);
    free(transport->no_proxy);
    free_options(&transport->options);
    free(transport);
}

ti_log *ti_transport_log(ti_transport *transport) {
    return transport->options.log;
}

const char *ti_transport_user_agent(const ti_transport *transport) {
    return transport->options.user_agent;
}

const char *ti_transport_encodings(void) {
    bool has_zlib = curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_LIBZ;
    return has_zlib ? "deflate, gzip" : NULL;
}

/*
 * The pool
 */

static void add_out_locked(ti_transport *transport, ti_handle *handle) {
    handle->previous = NULL;
    handle->next = transport->out;
    if (transport->out) transport->out->previous = handle;
    transport->out = handle;
}

static void remove_out_locked(ti_transport *transport, ti_handle *handle) {
    if (handle->next) handle->next->previous = handle->previous;
    if (handle->previous) {
        handle->previous->next = handle->next;
    } else {
        transport->out = handle->next;
    }
}

static ti_handle *take_idle_locked(ti_transport *transport) {
    ti_handle *handle = transport->idle;
    if (!handle) return NULL;
    transport->idle = handle->next;
    transport->idle_count--;
    return handle;
}

ti_handle *ti_handle_acquire(ti_transport *transport, ti_handle_kind kind) {
    pthread_mutex_lock(&transport->lock);
    ti_handle *handle = kind == TI_HANDLE_POOLED ? take_idle_locked(transport) : NULL;
    if (handle) add_out_locked(transport, handle);
    pthread_mutex_unlock(&transport->lock);
    if (handle) return handle;

    CURLcode code;
    handle = ti_handle_new(transport, kind, false, &code);
    if (!handle) return NULL;
    pthread_mutex_lock(&transport->lock);
    add_out_locked(transport, handle);
    pthread_mutex_unlock(&transport->lock);
    return handle;
}

void ti_handle_release(ti_transport *transport, ti_handle *handle) {
    if (!handle) return;
    pthread_mutex_lock(&transport->lock);
    remove_out_locked(transport, handle);
    bool pooled = handle->kind == TI_HANDLE_POOLED &&
                  transport->idle_count < transport->options.idle_connections_max;
    if (pooled) {
        handle->next = transport->idle;
        transport->idle = handle;
        transport->idle_count++;
    }
    pthread_mutex_unlock(&transport->lock);
    if (!pooled) ti_handle_free(handle);
}

void ti_transport_wake(ti_transport *transport) {
    /* under the lock, so that no handle is freed meanwhile; it is one write that cannot block */
    pthread_mutex_lock(&transport->lock);
    for (ti_handle *handle = transport->out; handle; handle = handle->next) {
        curl_multi_wakeup(handle->multi);
    }
    for (ti_loop *loop = transport->loops; loop; loop = *ti_loop_link(loop)) ti_loop_shake(loop);
    pthread_mutex_unlock(&transport->lock);
}

void ti_transport_drop_kept(ti_transport *transport, bool (*match)(void *thing, void *data),
                            void *data) {
    pthread_mutex_lock(&transport->lock);
    ti_handle *taken = transport->idle;
    unsigned count = transport->idle_count;
    transport->idle = NULL;
    transport->idle_count = 0;
    pthread_mutex_unlock(&transport->lock);
    if (!taken) return;

    ti_handle *last = taken;
    for (ti_handle *handle = taken; handle; handle = handle->next) {
        if (handle->kept && match(handle->kept, data)) ti_handle_keep(handle, NULL, NULL);
        last = handle;
    }

    pthread_mutex_lock(&transport->lock);
    last->next = transport->idle;
    transport->idle = taken;
    transport->idle_count += count;
    pthread_mutex_unlock(&transport->lock);
}
