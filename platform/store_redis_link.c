#include "platform/store_redis_link.h"

#include "base/buffer.h"
#include "base/error.h"
#include "platform/os.h"
#include "platform/store_redis_reply.h"
#include "platform/thread.h"

#include <curl/curl.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* Nothing that is asked for here comes near it; whoever sends more is no Redis of ours. */
#define REPLY_BYTES_MAX ((size_t)16 * 1024 * 1024)

/* What lies between may forget a connection that nothing goes over, and tells neither end. */
enum { IDLE_MAX_MS = 30000 };

enum { ARGUMENTS_MAX = 24, CHUNK = 16 * 1024 };

struct ti_redis_link {
    CURL *handle;
    curl_socket_t socket;
    redisReader *reader;
    int64_t asked_boot_ms; /* for the last time */
};

/* ------------------------------------------------------------------ waiting */

static tacit_status late(tacit_error *error) {
    return ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE, "it does not answer in time");
}

static tacit_status broken(CURLcode code, tacit_error *error) {
    return ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE, "the connection broke (%s)",
                        curl_easy_strerror(code));
}

/* Until the socket is ready. */
static tacit_status wait_ready(const ti_redis_link *link, short events, int64_t deadline_boot_ms,
                               tacit_error *error) {
    for (;;) {
        struct pollfd socket = {.fd = link->socket, .events = events};
        int64_t left_ms = deadline_boot_ms - ti_os_boot_ms();
        int ready = left_ms > 0 ? poll(&socket, 1, left_ms < 60000 ? (int)left_ms : 60000) : 0;

        if (ready > 0) return ti_error_clear(error);
        if (ready < 0 && errno != EINTR) return broken(CURLE_RECV_ERROR, error);
        if (left_ms <= 0) return late(error);
    }
}

static tacit_status send_all(ti_redis_link *link, const char *bytes, size_t size,
                             int64_t deadline_boot_ms, tacit_error *error) {
    while (size > 0) {
        size_t sent = 0;
        CURLcode code = curl_easy_send(link->handle, bytes, size, &sent);

        if (code == CURLE_AGAIN) {
            tacit_status status = wait_ready(link, POLLOUT, deadline_boot_ms, error);

            if (status != TACIT_OK) return status;
        } else if (code != CURLE_OK) {
            return broken(code, error);
        }
        bytes += sent;
        size -= sent;
    }
    return ti_error_clear(error);
}

static tacit_status strange(tacit_error *error) {
    return ti_error_set(error, TACIT_ERR_STORE_FAILED,
                        "what answers there does not speak Redis' protocol");
}

/* Nothing that is asked for here is answered with a list, for whose announced size hiredis would get memory. */
static bool begins_reply(char first) {
    return first == '+' || first == '-' || first == ':' || first == '$';
}

/* A piece of the reply. TLS may have it although the socket has nothing. */
static tacit_status receive(ti_redis_link *link, size_t *total, int64_t deadline_boot_ms,
                            tacit_error *error) {
    char bytes[CHUNK];
    size_t size = 0;
    CURLcode code = curl_easy_recv(link->handle, bytes, sizeof bytes, &size);

    if (code == CURLE_AGAIN) return wait_ready(link, POLLIN, deadline_boot_ms, error);
    if (code == CURLE_OK && size == 0) code = CURLE_GOT_NOTHING; /* closed */
    if (code != CURLE_OK) return broken(code, error);
    if (*total == 0 && !begins_reply(bytes[0])) return strange(error);
    *total += size;
    if (*total > REPLY_BYTES_MAX)
        return ti_error_set(error, TACIT_ERR_STORE_FAILED, "it sends more than it was asked for");
    if (redisReaderFeed(link->reader, bytes, size) == REDIS_OK) return ti_error_clear(error);
    return ti_error_no_memory(error);
}

/* ------------------------------------------------------------------ asking */

/* What came behind the reply before would be taken for the next. */
static bool has_more(const ti_redis_link *link) {
    return link->reader->pos < link->reader->len;
}

static tacit_status receive_reply(ti_redis_link *link, int64_t deadline_boot_ms, redisReply **reply,
                                  tacit_error *error) {
    void *got = NULL;
    size_t total = 0;

    for (;;) {
        tacit_status status;

        if (redisReaderGetReply(link->reader, &got) != REDIS_OK)
            return link->reader->err == REDIS_ERR_OOM ? ti_error_no_memory(error) : strange(error);
        if (got != NULL) {
            *reply = got;
            return ti_error_clear(error);
        }
        status = receive(link, &total, deadline_boot_ms, error);
        if (status != TACIT_OK) return status;
        if (total > 0 && ti_os_boot_ms() >= deadline_boot_ms) return late(error);
    }
}

tacit_status ti_redis_link_ask(ti_redis_link *link, const ti_redis_argument *arguments, int count,
                               int64_t deadline_boot_ms, redisReply **reply, tacit_error *error) {
    const char *words[ARGUMENTS_MAX];
    size_t sizes[ARGUMENTS_MAX];
    char *command = NULL;
    tacit_status status;
    int size;

    *reply = NULL;
    if (has_more(link)) return strange(error);
    link->asked_boot_ms = ti_os_boot_ms();
    for (int i = 0; i < count; i++) {
        words[i] = arguments[i].bytes;
        sizes[i] = arguments[i].size;
    }
    size = redisFormatCommandArgv(&command, count, words, sizes);
    if (size < 0) return ti_error_no_memory(error);
    status = send_all(link, command, (size_t)size, deadline_boot_ms, error);
    ti_os_wipe(command, (size_t)size); /* a password may be in it */
    redisFreeCommand(command);
    return status == TACIT_OK ? receive_reply(link, deadline_boot_ms, reply, error) : status;
}

bool ti_redis_link_is_fit(const ti_redis_link *link) {
    struct pollfd socket = {.fd = link->socket, .events = POLLIN};

    return ti_os_boot_ms() - link->asked_boot_ms <= IDLE_MAX_MS && !has_more(link) &&
           poll(&socket, 1, 0) == 0;
}

/* ------------------------------------------------------------------ opening */

/* A fork waits until nobody makes a handle: libcurl spins on a lock of its own there, which a child
 * would inherit from a thread that it lacks. */
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

static void before_fork(void) {
    pthread_mutex_lock(&making);
}

static void after_fork(void) {
    pthread_mutex_unlock(&making);
}

__attribute__((constructor)) static void watch_forks(void) {
    ti_thread_around_fork(before_fork, after_fork);
}

/* With the handles that libcurl makes for itself where the first transfer begins; this one ends at
 * once, for want of a URL. */
static CURL *make_handle(void) {
    CURL *handle;

    pthread_mutex_lock(&making);
    handle = curl_easy_init();
    if (handle != NULL) curl_easy_perform(handle);
    pthread_mutex_unlock(&making);
    return handle;
}

static tacit_status explain_connection(CURLcode code, CURL *handle, tacit_error *error) {
    long os_error = 0;

    if (code == CURLE_OUT_OF_MEMORY) return ti_error_no_memory(error);
    if (code == CURLE_OPERATION_TIMEDOUT) return late(error);
    curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &os_error);
    ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE, "no connection is made (%s)",
                 curl_easy_strerror(code));
    if (error != NULL) error->os_error = (int)os_error;
    return TACIT_ERR_STORE_UNAVAILABLE;
}

/* What the app executes does not inherit it. */
static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address) {
    (void)data;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void set_connection(CURL *handle, const ti_redis_address *address) {
    curl_easy_setopt(handle, CURLOPT_URL, address->origin);
    curl_easy_setopt(handle, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_SSL_ENABLE_ALPN, 0L);
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    // cppcheck-suppress leakNoVarFunctionCall ; the function is handed over, not a socket
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket);
#if LIBCURL_VERSION_NUM >= 0x075700
    /* a deadline does not wait for the resolver's thread */
    curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L);
#endif
}

static tacit_status connect_link(ti_redis_link *link, const ti_redis_address *address,
                                 const char *ca_file, int64_t deadline_boot_ms,
                                 tacit_error *error) {
    CURL *handle = link->handle;
    int64_t left_ms = deadline_boot_ms - ti_os_boot_ms();
    CURLcode code;

    if (left_ms <= 0) return late(error);
    set_connection(handle, address);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)left_ms);
    code = curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, address->socket);
    if (code == CURLE_OK && ca_file != NULL)
        code = curl_easy_setopt(handle, CURLOPT_CAINFO, ca_file);
    if (code == CURLE_OK) code = curl_easy_perform(handle);
    if (code == CURLE_OK) code = curl_easy_getinfo(handle, CURLINFO_ACTIVESOCKET, &link->socket);
    return code == CURLE_OK ? ti_error_clear(error) : explain_connection(code, handle, error);
}

static ti_redis_argument word(const char *text) {
    return (ti_redis_argument){text, strlen(text)};
}

static tacit_status expect_ok(ti_redis_link *link, const ti_redis_argument *arguments, int count,
                              int64_t deadline_boot_ms, tacit_error *error) {
    redisReply *reply;
    tacit_status status =
        ti_redis_link_ask(link, arguments, count, deadline_boot_ms, &reply, error);

    if (status == TACIT_OK) status = ti_redis_reply_check(reply, error);
    freeReplyObject(reply);
    return status;
}

static tacit_status sign_on(ti_redis_link *link, const ti_redis_address *address,
                            int64_t deadline_boot_ms, tacit_error *error) {
    const ti_redis_argument select[] = {word("SELECT"),
                                        word(address->database ? address->database : "")};
    ti_redis_argument auth[3] = {word("AUTH")};
    tacit_status status = TACIT_OK;
    int count = 1;

    if (address->password != NULL) {
        if (address->user != NULL) auth[count++] = word(address->user);
        auth[count++] = (ti_redis_argument){ti_secret_data(address->password),
                                            ti_secret_size(address->password)};
        status = expect_ok(link, auth, count, deadline_boot_ms, error);
    }
    if (status == TACIT_OK && address->database != NULL)
        status = expect_ok(link, select, 2, deadline_boot_ms, error);
    return status;
}

tacit_status ti_redis_link_open(const ti_redis_address *address, const char *ca_file,
                                int64_t deadline_boot_ms, ti_redis_link **link,
                                tacit_error *error) {
    ti_redis_link *made = calloc(1, sizeof *made);
    tacit_status status;

    *link = NULL;
    if (made == NULL) return ti_error_no_memory(error);
    made->handle = make_handle();
    made->reader = redisReaderCreate();
    if (made->handle == NULL || made->reader == NULL) {
        ti_redis_link_close(made);
        return ti_error_no_memory(error);
    }
    status = connect_link(made, address, ca_file, deadline_boot_ms, error);
    if (status == TACIT_OK) status = sign_on(made, address, deadline_boot_ms, error);
    if (status == TACIT_OK)
        *link = made;
    else
        ti_redis_link_close(made);
    return status;
}

/* TLS says goodbye, perhaps to nobody: that must not end an app whose thread this is. */
static void close_quietly(CURL *handle) {
    struct timespec at_once = {0, 0};
    sigset_t pipe, before, pending;
    bool was_pending;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    curl_easy_cleanup(handle);
    if (!was_pending) sigtimedwait(&pipe, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void ti_redis_link_close(ti_redis_link *link) {
    if (link == NULL) return;
    if (link->handle != NULL) close_quietly(link->handle);
    if (link->reader != NULL) redisReaderFree(link->reader);
    free(link);
}
