/* Redis over TCP and TLS, with users and passwords; and what it answers when it cannot do what it is asked. */
#include "platform/store_redis_reply.h"
#include "platform/store_redis_script.h"
#include "session/store.h"
#include "support/fixture.h"
#include "support/redis.h"
#include "support/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEY "https://login.example client robot"

/* Two at once, so that they differ. */
static void find_free_ports(int ports[2]) {
    int files[2];

    for (int i = 0; i < 2; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof address;

        files[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(files[i], (struct sockaddr *)&address, size), 0);
        assert_int_equal(getsockname(files[i], (struct sockaddr *)&address, &size), 0);
        ports[i] = ntohs(address.sin_port);
    }
    close(files[0]);
    close(files[1]);
}

static struct {
    ts_redis *redis;
    char *directory;
    fixture_tls tls, other;
    int port, tls_port;
} world;

static int start(void **state) {
    char port[8], tls_port[8];
    int ports[2];

    (void)state;
    world.directory = fixture_directory_new();
    assert_true(fixture_tls_new(&world.tls, world.directory, FIXTURE_CERTIFICATE_GOOD));
    find_free_ports(ports);
    world.port = ports[0];
    world.tls_port = ports[1];
    snprintf(port, sizeof port, "%d", world.port);
    snprintf(tls_port, sizeof tls_port, "%d", world.tls_port);
    world.redis = redis_start((const char *const[]){
        "--port", port, "--bind", "127.0.0.1", "--tls-port", tls_port, "--tls-cert-file",
        world.tls.cert_file, "--tls-key-file", world.tls.key_file, "--tls-ca-cert-file",
        world.tls.ca_file, "--tls-auth-clients", "no", NULL});
    redis_do(world.redis,
             "ACL SETUSER robot on >pass-word! ~tacit:* +eval +hget +hmget +hset +hmset +hsetnx "
             "+get +set +del +pexpire +select");
    redis_do(world.redis, "ACL SETUSER reader on >pass-word! ~tacit:* +@read +select");
    redis_do(world.redis, "ACL SETUSER elsewhere on >pass-word! ~other:* +@all");
    return 0;
}

static int stop(void **state) {
    (void)state;
    redis_free(world.redis);
    fixture_tls_free(&world.tls);
    fixture_directory_free(world.directory);
    return 0;
}

static tacit_store *store_at(const char *url, const char *ca_file) {
    tacit_store_redis_options options = redis_store_options(url);
    tacit_store *store;

    options.ca_file = ca_file;
    options.timeout_ms = 5000;
    store = tacit_store_redis(&options, NULL);
    assert_non_null(store);
    return store;
}

static tacit_status save(tacit_store *store, const char *text) {
    return store->ops.save(store->data, KEY, text, strlen(text));
}

static tacit_status load(tacit_store *store, char **record) {
    size_t size;

    *record = NULL;
    return store->ops.load(store->data, KEY, record, &size);
}

static void assert_says(tacit_store *store, const char *sentence) {
    int os_error = 0;
    const char *said = store->ops.last_error(store->data, &os_error);

    if (said == NULL || strstr(said, sentence) == NULL) fail_msg("%s", said);
    assert_null(strstr(said, "pass-word"));
}

static void users_and_passwords_are_asked_for_and_never_said(void **state) {
    static const struct {
        const char *user_info;
        tacit_status status;
        const char *sentence;
    } rows[] = {
        {"robot:pass-word%21@", TACIT_OK, NULL},
        {"robot:pass-word@", TACIT_ERR_STORE_FAILED, "refuses the user or the password"},
        {"nobody:pass-word@", TACIT_ERR_STORE_FAILED, "refuses the user or the password"},
        {"reader:pass-word%21@", TACIT_ERR_STORE_FAILED, "may not do there"},
        {"elsewhere:pass-word%21@", TACIT_ERR_STORE_FAILED, "may not do there"},
        {"", TACIT_ERR_STORE_FAILED, "the URL has none"},
    };

    (void)state;
    redis_do(world.redis, "ACL SETUSER default resetpass");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char url[128];
        tacit_store *store;

        snprintf(url, sizeof url, "redis://%s127.0.0.1:%d", rows[i].user_info, world.port);
        store = store_at(url, NULL);
        assert_null(strstr(tacit_store_describe(store), "pass-word"));
        assert_int_equal(save(store, "record"), rows[i].status);
        if (rows[i].sentence != NULL) assert_says(store, rows[i].sentence);
        tacit_store_unref(store);
    }
}

static void databases_are_kept_apart(void **state) {
    tacit_store *stores[2];
    char url[64], *record;

    (void)state;
    for (int i = 0; i < 2; i++) {
        snprintf(url, sizeof url, "redis://robot:pass-word%%21@127.0.0.1:%d/%d", world.port, 3 + i);
        stores[i] = store_at(url, NULL);
    }
    assert_int_equal(save(stores[0], "third"), TACIT_OK);
    assert_int_equal(load(stores[1], &record), TACIT_ERR_STORE_NOT_FOUND);
    assert_int_equal(load(stores[0], &record), TACIT_OK);
    assert_memory_equal(record, "third", 5);
    free(record);
    tacit_store_unref(stores[0]);
    snprintf(url, sizeof url, "redis://robot:pass-word%%21@127.0.0.1:%d/999", world.port);
    stores[0] = store_at(url, NULL);
    assert_int_equal(load(stores[0], &record), TACIT_ERR_STORE_FAILED); /* there are 16 */
    tacit_store_unref(stores[0]);
    tacit_store_unref(stores[1]);
}

static void tls_is_verified(void **state) {
    char url[128], *record;
    tacit_store *store;

    (void)state;
    snprintf(url, sizeof url, "rediss://robot:pass-word%%21@127.0.0.1:%d", world.tls_port);
    store = store_at(url, world.tls.ca_file);
    assert_int_equal(save(store, "over TLS"), TACIT_OK);
    assert_int_equal(load(store, &record), TACIT_OK);
    assert_memory_equal(record, "over TLS", 8);
    free(record);
    tacit_store_unref(store);
    store = store_at(url, NULL); /* the system does not know that CA */
    assert_int_equal(load(store, &record), TACIT_ERR_STORE_UNAVAILABLE);
    assert_says(store, "certificate");
    tacit_store_unref(store);
    snprintf(url, sizeof url, "rediss://robot:pass-word%%21@127.0.0.1:%d", world.port);
    store = store_at(url, world.tls.ca_file); /* no TLS there */
    assert_int_equal(load(store, &record), TACIT_ERR_STORE_UNAVAILABLE);
    tacit_store_unref(store);
}

static void who_speaks_something_else_is_no_redis(void **state) {
    char url[64], *record;
    tacit_store *store;

    (void)state;
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", world.tls_port); /* TLS there */
    store = store_at(url, NULL);
    assert_int_not_equal(load(store, &record), TACIT_OK);
    assert_null(record);
    tacit_store_unref(store);
}

/* ------------------------------------------------------------------ what Redis answers */

static void errors_are_told_apart_by_their_code(void **state) {
    static const struct {
        const char *text;
        tacit_status status;
        const char *sentence;
    } rows[] = {
        {"LOADING Redis is loading the dataset in memory", TACIT_ERR_STORE_UNAVAILABLE, "loading"},
        {"READONLY You can't write against a read only replica.", TACIT_ERR_STORE_UNAVAILABLE,
         "read-only"},
        {"ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY You "
         "can't write against a read only replica.",
         TACIT_ERR_STORE_UNAVAILABLE, "read-only"},
        {"ERR Error running script (call to f_1): @user_script:8: @user_script: 8: -OOM command "
         "not allowed when used memory > 'maxmemory'.",
         TACIT_ERR_STORE_UNAVAILABLE, "full"},
        {"OOM command not allowed", TACIT_ERR_STORE_UNAVAILABLE, "full"},
        {"MISCONF Redis is configured to save RDB snapshots", TACIT_ERR_STORE_UNAVAILABLE, "disk"},
        {"MASTERDOWN Link with MASTER is down", TACIT_ERR_STORE_UNAVAILABLE, "master"},
        {"NOREPLICAS Not enough good replicas to write.", TACIT_ERR_STORE_UNAVAILABLE, "replicas"},
        {"BUSY Redis is busy running a script.", TACIT_ERR_STORE_UNAVAILABLE, "busy"},
        {"ERR max number of clients reached", TACIT_ERR_STORE_UNAVAILABLE, "clients"},
        {"DENIED Redis is running in protected mode because protected mode is enabled and no "
         "password is set for the default user.",
         TACIT_ERR_STORE_FAILED, "protected mode"},
        {"NOAUTH Authentication required.", TACIT_ERR_STORE_FAILED, "password"},
        {"WRONGPASS invalid username-password pair", TACIT_ERR_STORE_FAILED, "refuses the user"},
        {"NOPERM this user has no permissions", TACIT_ERR_STORE_FAILED, "may not"},
        {"MOVED 3999 127.0.0.1:6381", TACIT_ERR_STORE_FAILED, "cluster"},
        {"WRONGTYPE Operation against a key holding the wrong kind of value",
         TACIT_ERR_STORE_CORRUPT, "something else"},
        {"ERR unknown command `AUTH`, with args beginning with: `pass-word`",
         TACIT_ERR_STORE_FAILED, "(ERR)"},
        {"", TACIT_ERR_STORE_FAILED, "()"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        redisReply reply = {
            .type = REDIS_REPLY_ERROR, .str = (char *)rows[i].text, .len = strlen(rows[i].text)};
        tacit_error error = TACIT_ERROR_INIT;

        assert_int_equal(ti_redis_reply_check(&reply, &error), rows[i].status);
        if (strstr(error.message, rows[i].sentence) == NULL)
            fail_msg("%s: %s", rows[i].text, error.message);
        assert_null(strstr(error.message, "pass-word"));
    }
}

/* ------------------------------------------------------------------ commands that come late */

typedef struct scripts {
    ti_redis_server *server;
    ti_redis_names names;
} scripts;

static scripts open_scripts(void) {
    ti_redis_address address;
    scripts s;

    redis_do(world.redis, "FLUSHALL");
    assert_int_equal(ti_redis_url_parse(redis_url(world.redis), &address), TI_REDIS_URL_OK);
    s.server = ti_redis_server_new(&address, NULL, 2000);
    assert_non_null(s.server);
    assert_true(ti_redis_names_make(&s.names, "tacit:", KEY));
    return s;
}

static void close_scripts(scripts *s) {
    ti_redis_names_free(&s->names);
    ti_redis_server_free(s->server);
}

static ti_redis_claim claim_of(const char *owner, int64_t fence, int64_t number) {
    ti_redis_claim claim = {.fence = fence, .number = number};

    snprintf(claim.owner, sizeof claim.owner, "%s", owner);
    return claim;
}

static void what_was_given_up_and_comes_late_changes_nothing(void **state) {
    scripts s = open_scripts();
    ti_redis_claim early, late;
    redisReply *record;
    int64_t fence;

    (void)state;
    assert_int_equal(ti_redis_take(s.server, &s.names, "a", 1, 3000, 8, &fence, NULL), TACIT_OK);
    early = claim_of("a", fence, 2);
    late = claim_of("a", fence, 3);
    assert_int_equal(ti_redis_save(s.server, &s.names, &late, "new", 3, NULL), TACIT_OK);
    assert_int_equal(ti_redis_save(s.server, &s.names, &early, "old", 3, NULL), TACIT_ERR_BUSY);
    assert_int_equal(ti_redis_erase(s.server, &s.names, &early, NULL), TACIT_ERR_BUSY);
    assert_int_equal(ti_redis_save(s.server, &s.names, &late, "new", 3, NULL),
                     TACIT_OK); /* twice */
    assert_int_equal(ti_redis_write(s.server, &s.names, &late, 0, "new", 3, NULL), TACIT_OK);
    assert_int_equal(ti_redis_write(s.server, &s.names, &early, 0, "old", 3, NULL), TACIT_ERR_BUSY);
    assert_int_equal(ti_redis_load(s.server, &s.names, &record, NULL), TACIT_OK);
    assert_memory_equal(record->str, "new", 3);
    freeReplyObject(record);
    close_scripts(&s);
}

static void a_take_that_comes_late_takes_nothing_back(void **state) {
    scripts s = open_scripts();
    ti_redis_claim claim;
    int64_t first, second, ignored;

    (void)state;
    assert_int_equal(ti_redis_take(s.server, &s.names, "a", 1, 3000, 8, &first, NULL), TACIT_OK);
    assert_int_equal(ti_redis_take(s.server, &s.names, "a", 3, 3000, 8, &second, NULL), TACIT_OK);
    assert_true(second > first);
    assert_int_equal(ti_redis_take(s.server, &s.names, "a", 2, 3000, 8, &ignored, NULL),
                     TACIT_ERR_BUSY);
    claim = claim_of("a", first, 4); /* of the turn before */
    assert_int_equal(ti_redis_save(s.server, &s.names, &claim, "old", 3, NULL), TACIT_ERR_BUSY);
    claim = claim_of("a", second, 2);
    assert_int_equal(ti_redis_release(s.server, &s.names, &claim, 2000, NULL), TACIT_ERR_BUSY);
    claim = claim_of("a", second, 4);
    assert_int_equal(ti_redis_save(s.server, &s.names, &claim, "new", 3, NULL), TACIT_OK);
    assert_int_equal(ti_redis_release(s.server, &s.names, &claim, 2000, NULL), TACIT_OK);
    close_scripts(&s);
}

/* Then fences begin anew, and the same is given out again. */
static void what_comes_late_changes_nothing_where_redis_forgot_all(void **state) {
    scripts s = open_scripts();
    ti_redis_claim late;
    int64_t first, second;

    (void)state;
    assert_int_equal(ti_redis_take(s.server, &s.names, "a", 1, 3000, 8, &first, NULL), TACIT_OK);
    late = claim_of("a", first, 2);
    redis_do(world.redis, "FLUSHALL");
    assert_int_equal(ti_redis_take(s.server, &s.names, "a", 3, 3000, 8, &second, NULL), TACIT_OK);
    assert_int_equal(second, first);
    assert_int_equal(ti_redis_save(s.server, &s.names, &late, "old", 3, NULL), TACIT_ERR_BUSY);
    assert_int_equal(ti_redis_write(s.server, &s.names, &late, 0, "old", 3, NULL), TACIT_ERR_BUSY);
    assert_int_equal(redis_count(world.redis, "*:record"), 0);
    close_scripts(&s);
}

/* Also where the lock says otherwise: it was put back from a copy of the data. */
static void what_a_higher_fence_wrote_stays(void **state) {
    scripts s = open_scripts();
    ti_redis_claim claim;
    int64_t fence;

    (void)state;
    assert_int_equal(ti_redis_take(s.server, &s.names, "a", 1, 3000, 8, &fence, NULL), TACIT_OK);
    freeReplyObject(redis_ask(world.redis, "HSET %s:record fence 1000 bytes later", s.names.base));
    freeReplyObject(redis_ask(world.redis, "HSET %s:journal fence 1000 bytes later", s.names.base));
    claim = claim_of("a", fence, 2);
    assert_int_equal(ti_redis_save(s.server, &s.names, &claim, "old", 3, NULL), TACIT_ERR_BUSY);
    assert_int_equal(ti_redis_write(s.server, &s.names, &claim, 0, "old", 3, NULL), TACIT_ERR_BUSY);
    assert_int_equal(ti_redis_take(s.server, &s.names, "a", 3, 3000, 8, &fence, NULL), TACIT_OK);
    assert_true(fence > 1000);
    close_scripts(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_told_apart_by_their_code),
        cmocka_unit_test(what_was_given_up_and_comes_late_changes_nothing),
        cmocka_unit_test(a_take_that_comes_late_takes_nothing_back),
        cmocka_unit_test(what_comes_late_changes_nothing_where_redis_forgot_all),
        cmocka_unit_test(what_a_higher_fence_wrote_stays),
        cmocka_unit_test(who_speaks_something_else_is_no_redis),
        cmocka_unit_test(users_and_passwords_are_asked_for_and_never_said),
        cmocka_unit_test(databases_are_kept_apart),
        cmocka_unit_test(tls_is_verified),
    };

    if (!redis_is_installed()) {
        print_message("redis-server is not installed: nothing can be tested with it\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, start, stop);
}
