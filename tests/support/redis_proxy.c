#include "support/redis_proxy.h"

#include "support/fixture.h"
#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PAIRS_MAX = 64, CHUNK = 65536 };

/* A store's connection and ours to Redis. */
typedef struct pair {
    int store, redis;
    bool asked, silent; /* a command is under way; its reply and all after it are lost */
} pair;

struct redis_proxy {
    char *path, *url, *upstream;
    int listener, wake[2];
    pthread_t thread;

    pthread_mutex_t lock; /* guards what follows */
    int commands, lose;
    redis_proxy_loss loss;
    bool cut, ending;
    char delayed[CHUNK];
    ssize_t delayed_size;

    /* the thread's */
    pair pairs[PAIRS_MAX];
    int count;
};

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (connect(file, (struct sockaddr *)&address, sizeof address) == 0) return file;
    close(file);
    return -1;
}

static int listen_on(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int file = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    assert_int_equal(bind(file, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(file, 64), 0);
    return file;
}

/* ------------------------------------------------------------------ the thread */

static void end_pair(redis_proxy *proxy, int index) {
    close(proxy->pairs[index].store);
    close(proxy->pairs[index].redis);
    proxy->pairs[index] = proxy->pairs[--proxy->count];
}

static void begin_pair(redis_proxy *proxy) {
    int store = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
    int redis = store >= 0 && proxy->count < PAIRS_MAX ? connect_to(proxy->upstream) : -1;

    if (redis >= 0)
        proxy->pairs[proxy->count++] = (pair){.store = store, .redis = redis};
    else if (store >= 0)
        close(store);
}

/* 0: it goes through. */
static redis_proxy_loss count_command(redis_proxy *proxy) {
    redis_proxy_loss loss;

    pthread_mutex_lock(&proxy->lock);
    loss = ++proxy->commands == proxy->lose ? proxy->loss : 0;
    pthread_mutex_unlock(&proxy->lock);
    return loss;
}

static void delay(redis_proxy *proxy, int from) {
    pthread_mutex_lock(&proxy->lock);
    proxy->delayed_size = read(from, proxy->delayed, sizeof proxy->delayed);
    pthread_mutex_unlock(&proxy->lock);
}

static bool pass_on(int from, int to, char *bytes, ssize_t *size) {
    *size = read(from, bytes, CHUNK);
    if (*size <= 0) return false;
    for (ssize_t sent = 0, part; sent < *size; sent += part)
        if ((part = send(to, bytes + sent, (size_t)(*size - sent), MSG_NOSIGNAL)) < 0) return false;
    return true;
}

/* The store asks one thing at a time: what comes first after a reply begins a command. false: the pair is over. */
static bool take_command(redis_proxy *proxy, pair *pair, char *bytes) {
    ssize_t size;

    if (!pair->asked) {
        redis_proxy_loss loss = count_command(proxy);

        if (loss == REDIS_PROXY_DELAY) delay(proxy, pair->store);
        if (loss == REDIS_PROXY_COMMAND || loss == REDIS_PROXY_DELAY) return false;
        pair->silent = loss != 0;
        pair->asked = true;
        if (loss == REDIS_PROXY_REPLY) {
            bool sent = pass_on(pair->store, pair->redis, bytes, &size);
            struct pollfd reply = {.fd = pair->redis, .events = POLLIN};

            while (sent && poll(&reply, 1, 20) == 0) { /* a long command comes in pieces */
                struct pollfd more = {.fd = pair->store, .events = POLLIN};

                if (poll(&more, 1, 0) > 0) sent = pass_on(pair->store, pair->redis, bytes, &size);
            }
            return false;
        }
    }
    return pass_on(pair->store, pair->redis, bytes, &size);
}

static bool take_reply(pair *pair, char *bytes) {
    ssize_t size;

    if (pair->silent) return read(pair->redis, bytes, CHUNK) > 0;
    pair->asked = false;
    return pass_on(pair->redis, pair->store, bytes, &size);
}

static void serve(redis_proxy *proxy, const struct pollfd *files, int count, char *bytes) {
    for (int i = count - 1; i >= 0; i--) {
        bool ok = true;

        if (files[2 * i + 1].revents != 0) ok = take_reply(&proxy->pairs[i], bytes);
        if (ok && files[2 * i].revents != 0) ok = take_command(proxy, &proxy->pairs[i], bytes);
        if (!ok) end_pair(proxy, i);
    }
}

static void *run(void *data) {
    redis_proxy *proxy = data;
    struct pollfd files[2 * PAIRS_MAX + 2];
    char *bytes = malloc(CHUNK);
    bool ending = false;

    while (!ending) {
        int count = proxy->count;
        bool cut;
        char woken;

        pthread_mutex_lock(&proxy->lock);
        ending = proxy->ending;
        cut = proxy->cut;
        pthread_mutex_unlock(&proxy->lock);
        for (int i = 0; i < count; i++) {
            files[2 * i] =
                (struct pollfd){.fd = cut ? -1 : proxy->pairs[i].store, .events = POLLIN};
            files[2 * i + 1] =
                (struct pollfd){.fd = cut ? -1 : proxy->pairs[i].redis, .events = POLLIN};
        }
        files[2 * count] = (struct pollfd){.fd = proxy->wake[0], .events = POLLIN};
        files[2 * count + 1] = (struct pollfd){.fd = cut ? -1 : proxy->listener, .events = POLLIN};
        if (ending || poll(files, (nfds_t)(2 * count + 2), -1) < 0) continue;
        serve(proxy, files, count, bytes);
        if (files[2 * count].revents != 0 && read(proxy->wake[0], &woken, 1) < 0) break;
        if (files[2 * count + 1].revents != 0) begin_pair(proxy);
    }
    free(bytes);
    return NULL;
}

/* ------------------------------------------------------------------ from outside */

redis_proxy *redis_proxy_start(ts_redis *redis) {
    static int number;
    redis_proxy *proxy = calloc(1, sizeof *proxy);

    assert_true(asprintf(&proxy->path, "%s/proxy.%d", redis_directory(redis), number++) > 0);
    assert_true(asprintf(&proxy->url, "unix://%s", proxy->path) > 0);
    proxy->upstream = strdup(redis_socket(redis));
    proxy->listener = listen_on(proxy->path);
    assert_int_equal(pipe2(proxy->wake, O_CLOEXEC), 0);
    pthread_mutex_init(&proxy->lock, NULL);
    assert_int_equal(pthread_create(&proxy->thread, NULL, run, proxy), 0);
    return proxy;
}

static void wake(redis_proxy *proxy) {
    assert_int_equal(write(proxy->wake[1], "w", 1), 1);
}

void redis_proxy_free(redis_proxy *proxy) {
    if (proxy == NULL) return;
    pthread_mutex_lock(&proxy->lock);
    proxy->ending = true;
    pthread_mutex_unlock(&proxy->lock);
    wake(proxy);
    pthread_join(proxy->thread, NULL);
    while (proxy->count > 0) end_pair(proxy, 0);
    close(proxy->listener);
    close(proxy->wake[0]);
    close(proxy->wake[1]);
    pthread_mutex_destroy(&proxy->lock);
    free(proxy->path);
    free(proxy->url);
    free(proxy->upstream);
    free(proxy);
}

const char *redis_proxy_url(const redis_proxy *proxy) {
    return proxy->url;
}

void redis_proxy_lose(redis_proxy *proxy, int n, redis_proxy_loss loss) {
    pthread_mutex_lock(&proxy->lock);
    proxy->commands = 0;
    proxy->lose = n;
    proxy->loss = loss;
    pthread_mutex_unlock(&proxy->lock);
}

void redis_proxy_deliver(redis_proxy *proxy) {
    int redis = connect_to(proxy->upstream);
    char reply[64];

    pthread_mutex_lock(&proxy->lock);
    assert_true(proxy->delayed_size > 0);
    assert_int_equal(write(redis, proxy->delayed, (size_t)proxy->delayed_size),
                     proxy->delayed_size);
    pthread_mutex_unlock(&proxy->lock);
    assert_true(read(redis, reply, sizeof reply) > 1);
    assert_true(reply[0] == ':' && reply[1] != '0');
    close(redis);
}

int redis_proxy_commands(redis_proxy *proxy) {
    int commands;

    pthread_mutex_lock(&proxy->lock);
    commands = proxy->commands;
    pthread_mutex_unlock(&proxy->lock);
    return commands;
}

void redis_proxy_cut(redis_proxy *proxy, bool cut) {
    pthread_mutex_lock(&proxy->lock);
    proxy->cut = cut;
    pthread_mutex_unlock(&proxy->lock);
    wake(proxy);
}
