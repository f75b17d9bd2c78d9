/* One connection to Redis: what it inherits to nobody, what ends in time, and what is not taken for a reply. */
#include "platform/os.h"
#include "platform/store_redis_script.h"
#include "support/fixture.h"
#include "support/redis.h"
#include "support/redis_impostor.h"
#include "support/sanitizer.h"
#include "support/unit.h"

#include <curl/curl.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ------------------------------------------------------------------ a resolver that hangs */

#define NAMELESS "hangs.example"

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool answers;
    int asked, answered;
} resolver = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* Instead of the system's, also for libcurl: NAMELESS is not answered before the test says so. */
int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict found) {
    int (*system)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

    if (name == NULL || strcmp(name, NAMELESS) != 0) {
        *(void **)&system = dlsym(RTLD_NEXT, "getaddrinfo");
        return system(name, service, hints, found);
    }
    pthread_mutex_lock(&resolver.lock);
    resolver.asked++;
    while (!resolver.answers) pthread_cond_wait(&resolver.changed, &resolver.lock);
    resolver.answered++;
    pthread_cond_broadcast(&resolver.changed);
    pthread_mutex_unlock(&resolver.lock);
    return EAI_AGAIN;
}

static int resolver_asked(void) {
    int asked;

    pthread_mutex_lock(&resolver.lock);
    asked = resolver.asked;
    pthread_mutex_unlock(&resolver.lock);
    return asked;
}

static void let_resolver_answer(void) {
    pthread_mutex_lock(&resolver.lock);
    resolver.answers = true;
    pthread_cond_broadcast(&resolver.changed);
    while (resolver.answered < resolver.asked) pthread_cond_wait(&resolver.changed, &resolver.lock);
    pthread_mutex_unlock(&resolver.lock);
}

/* ------------------------------------------------------------------ a boot clock that goes on */

static atomic_llong ahead_s;

int clock_gettime(clockid_t clock, struct timespec *time) {
    int (*system)(clockid_t, struct timespec *);
    int result;

    *(void **)&system = dlsym(RTLD_NEXT, "clock_gettime");
    result = system(clock, time);
    if (clock == CLOCK_BOOTTIME) time->tv_sec += (time_t)atomic_load(&ahead_s);
    return result;
}

/* ------------------------------------------------------------------ asking */

typedef struct asker {
    ti_redis_server *server;
    ti_redis_names names;
    tacit_error error;
} asker;

static asker asker_at(const char *url, int timeout_ms) {
    asker asker = {.error = TACIT_ERROR_INIT};
    ti_redis_address address;

    assert_int_equal(ti_redis_url_parse(url, &address), TI_REDIS_URL_OK);
    asker.server = ti_redis_server_new(&address, NULL, timeout_ms);
    assert_non_null(asker.server);
    assert_true(ti_redis_names_make(&asker.names, "tacit:", "key"));
    return asker;
}

static void asker_free(asker *asker) {
    ti_redis_names_free(&asker->names);
    ti_redis_server_free(asker->server);
}

/* text NULL: there is none. */
static void assert_loads(asker *asker, const char *text) {
    redisReply *reply;

    if (ti_redis_load(asker->server, &asker->names, &reply, &asker->error) != TACIT_OK)
        fail_msg("%s", asker->error.message);
    if (text == NULL)
        assert_null(reply);
    else
        assert_string_equal(reply->str, text);
    freeReplyObject(reply);
}

static void assert_loads_nothing(asker *asker, tacit_status status, const char *sentence) {
    redisReply *reply;

    assert_int_equal(ti_redis_load(asker->server, &asker->names, &reply, &asker->error), status);
    assert_null(reply);
    if (strstr(asker->error.message, sentence) == NULL) fail_msg("%s", asker->error.message);
}

static tacit_status take(asker *asker) {
    int64_t fence;

    return ti_redis_take(asker->server, &asker->names, "a", 1, 3000, 8, &fence, &asker->error);
}

/* ------------------------------------------------------------------ what the system has of it */

/* The connections to it that a program which is executed now would have. */
static int count_inherited(const ts_redis *redis) {
    int count = 0;

    for (int fd = 3; fd < 1024; fd++) {
        struct sockaddr_un peer = {.sun_family = AF_UNIX};
        socklen_t size = sizeof peer;

        if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0 &&
            strcmp(peer.sun_path, redis_socket(redis)) == 0 &&
            (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)
            count++;
    }
    return count;
}

static void what_the_app_executes_does_not_inherit_it(void **state) {
    ts_redis *redis = redis_start(NULL);
    asker asker = asker_at(redis_url(redis), 5000);

    (void)state;
    assert_loads(&asker, NULL);
    assert_int_equal(count_inherited(redis), 0);
    asker_free(&asker);
    redis_free(redis);
}

static void a_name_that_is_not_resolved_is_given_up_in_time(void **state) {
    asker asker = asker_at("redis://" NAMELESS, 300);
    int64_t began = ti_os_boot_ms(), took;

    (void)state;
    alarm(8); /* or the test hangs with it */
    assert_loads_nothing(&asker, TACIT_ERR_STORE_UNAVAILABLE, "in time");
    took = ti_os_boot_ms() - began;
    alarm(0);
    assert_in_range(took, 0, 10000);
    assert_int_equal(resolver_asked(), 1);
    asker_free(&asker);
    let_resolver_answer();
}

/* ------------------------------------------------------------------ what is no reply */

static void a_list_without_end_is_no_reply(void **state) {
    redis_impostor *impostor = redis_impostor_start("*2147483647\r\n");
    asker asker = asker_at(redis_impostor_url(impostor), 20000);

    (void)state;
    assert_loads_nothing(&asker, TACIT_ERR_STORE_FAILED, "does not speak");
    asker_free(&asker);
    redis_impostor_free(impostor);
}

static void what_was_not_asked_for_is_not_taken_for_the_next_reply(void **state) {
    redis_impostor *impostor = redis_impostor_start("$5\r\nfirst\r\n$5\r\nstale\r\n");
    asker asker = asker_at(redis_impostor_url(impostor), 20000);

    (void)state;
    assert_loads(&asker, "first");
    assert_loads(&asker, "first");
    asker_free(&asker);
    redis_impostor_free(impostor);
}

static long count_connections(ts_redis *redis) {
    redisReply *reply = redis_ask(redis, "INFO stats");
    long count =
        strtol(strchr(strstr(reply->str, "total_connections_received:"), ':') + 1, NULL, 10);

    freeReplyObject(reply);
    return count;
}

/* A router between may have forgotten it, and a command over it would only be waited for. */
static void a_connection_that_was_idle_for_long_is_not_used(void **state) {
    ts_redis *redis = redis_start(NULL);
    asker asker = asker_at(redis_url(redis), 5000);
    long before, asked = count_connections(redis);

    (void)state;
    asked = count_connections(redis) - asked; /* by the test */
    assert_loads(&asker, NULL);
    before = count_connections(redis);
    atomic_store(&ahead_s, 29);
    assert_loads(&asker, NULL);
    assert_int_equal(count_connections(redis) - before, asked);
    before = count_connections(redis);
    atomic_store(&ahead_s, 29 + 31);
    assert_loads(&asker, NULL);
    assert_int_equal(count_connections(redis) - before, asked + 1);
    asker_free(&asker);
    redis_free(redis);
}

/* Whose name leads elsewhere after a failover, and who is left as a replica that closes nothing. */
static void a_connection_to_who_became_a_replica_is_not_kept(void **state) {
    ts_redis *first = redis_start(NULL), *second = redis_start(NULL);
    char *path = fixture_path(redis_directory(first), "name"), *url;
    asker asker;

    (void)state;
    assert_true(asprintf(&url, "unix://%s", path) > 0);
    assert_int_equal(symlink(redis_socket(first), path), 0);
    asker = asker_at(url, 5000);
    assert_int_equal(take(&asker), TACIT_OK);
    redis_do(first, "REPLICAOF 127.0.0.1 1");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(redis_socket(second), path), 0);
    assert_int_equal(take(&asker), TACIT_ERR_STORE_UNAVAILABLE);
    assert_int_equal(take(&asker), TACIT_OK);
    assert_int_equal(redis_count(second, "*:lock"), 1);
    asker_free(&asker);
    free(url);
    free(path);
    redis_free(first);
    redis_free(second);
}

/* ------------------------------------------------------------------ children */

static atomic_bool stop;

static void *connect_until_stop(void *data) {
    asker asker = asker_at("unix:///nowhere", 5000);

    (void)data;
    while (!atomic_load(&stop))
        assert_loads_nothing(&asker, TACIT_ERR_STORE_UNAVAILABLE, "no connection is made");
    asker_free(&asker);
    return NULL;
}

/* Whether a child forked now can make a handle, for which libcurl spins on a lock of its own. */
static bool child_makes_handle(void) {
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        alarm(20);
        _exit(curl_easy_init() == NULL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status == 0;
}

static void no_lock_of_libcurl_is_inherited(void **state) {
    pthread_t threads[2];
    bool made = true;

    (void)state;
    if (SANITIZER_LOCKS_UP) skip();
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, connect_until_stop, NULL);
    for (int i = 0; i < 400 && made; i++) made = child_makes_handle();
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    assert_true(made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_app_executes_does_not_inherit_it),
        cmocka_unit_test(a_name_that_is_not_resolved_is_given_up_in_time),
        cmocka_unit_test(a_list_without_end_is_no_reply),
        cmocka_unit_test(what_was_not_asked_for_is_not_taken_for_the_next_reply),
        cmocka_unit_test(a_connection_that_was_idle_for_long_is_not_used),
        cmocka_unit_test(a_connection_to_who_became_a_replica_is_not_kept),
        cmocka_unit_test(no_lock_of_libcurl_is_inherited),
    };

    if (!redis_is_installed()) {
        print_message("redis-server is not installed: nothing can be tested with it\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
