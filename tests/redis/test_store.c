/* The suite of all stores against a real Redis; what it says of trouble; what lies in it. */
#include "platform/store_redis_script.h"
#include "support/redis.h"
#include "support/store_contract.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

#define KEY "https://login.example client user"

static ts_redis *redis;

static tacit_store *make(void *data) {
    (void)data;
    return redis_store(redis, NULL);
}

/* ------------------------------------------------------------------ as the suite wants it */

/* Patient, so that a Redis that hangs hangs its caller. */
static tacit_store *make_at(const char *url) {
    tacit_store_redis_options options = redis_store_options(url);

    options.timeout_ms = 30000;
    options.lease_ms = 30000;
    return tacit_store_redis(&options, NULL);
}

static tacit_store *make_patient(void *data) {
    (void)data;
    return make_at(redis_url(redis));
}

/* It keeps its data on the disk. */
static void set_away(void *data, bool away) {
    (void)data;
    away ? redis_kill(redis) : redis_restart(redis);
}

static void set_hang(void *data, bool hangs) {
    (void)data;
    hangs ? redis_freeze(redis) : redis_thaw(redis);
}

static void damage(void *data, const char *key) {
    ti_redis_names names;

    (void)data;
    assert_true(ti_redis_names_make(&names, "tacit:", key));
    freeReplyObject(
        redis_ask(redis, "HSET %s:record bytes tacit-r%b", names.base, "\1 damaged", 9));
    ti_redis_names_free(&names);
}

/* ------------------------------------------------------------------ in trouble */

static void expect(store_user *user, tacit_status status, const char *sentence) {
    tacit_error error = TACIT_ERROR_INIT;
    ti_buffer record = TI_BUFFER_SECRET;
    ti_store_late never_late = {.fn = NULL};
    bool overdue;

    assert_int_equal(
        ti_store_load(user->calls, user->store, KEY, 50000, never_late, &record, &overdue, &error),
        status);
    if (sentence != NULL && strstr(error.message, sentence) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, sentence);
    if (strstr(error.message, "pass-word") != NULL) fail_msg("%s", error.message);
    ti_buffer_free(&record);
}

static void open_user(store_user *user, const tacit_store_redis_options *options) {
    tacit_error error = TACIT_ERROR_INIT;
    tacit_store *store = tacit_store_redis(options, &error);

    if (store == NULL) fail_msg("%s", error.message);
    store_user_open(user, store);
}

static void a_redis_that_is_away_is_unavailable_and_comes_back(void **state) {
    store_user user;

    (void)state;
    store_user_open(&user, make(NULL));
    assert_int_equal(store_user_save(&user, KEY, "x", 1), TACIT_OK);
    redis_kill(redis);
    expect(&user, TACIT_ERR_STORE_UNAVAILABLE, NULL);
    assert_int_equal(store_user_save(&user, KEY, "y", 1), TACIT_ERR_STORE_UNAVAILABLE);
    redis_restart(redis);
    assert_stored_text(&user, KEY, "x");
    assert_int_equal(store_user_save(&user, KEY, "z", 1), TACIT_OK);
    assert_stored_text(&user, KEY, "z");
    store_user_close(&user);
}

static void
a_redis_that_hangs_is_unavailable_in_time_and_its_late_reply_is_not_taken(void **state) {
    tacit_store_redis_options options = redis_store_options(redis_url(redis));
    store_user user;

    (void)state;
    options.timeout_ms = 300;
    open_user(&user, &options);
    assert_int_equal(store_user_save(&user, KEY, "first", 5), TACIT_OK);
    assert_int_equal(store_user_save(&user, "other", "other", 5), TACIT_OK);
    redis_freeze(redis);
    expect(&user, TACIT_ERR_STORE_UNAVAILABLE, "does not answer in time");
    redis_thaw(redis);
    assert_stored_text(&user, "other", "other");
    assert_stored_text(&user, KEY, "first");
    store_user_close(&user);
}

static void what_was_changed_in_redis_is_corrupt(void **state) {
    store_user user;
    char *key;

    (void)state;
    redis_do(redis, "FLUSHALL");
    store_user_open(&user, make(NULL));
    assert_int_equal(store_user_save(&user, KEY, "record", 6), TACIT_OK);
    key = redis_find(redis, "*:record");
    freeReplyObject(
        redis_ask(redis, "EVAL %s 1 %s",
                  "local b = redis.call('HGET', KEYS[1], 'bytes')\n"
                  "local last = string.char((string.byte(b, #b) + 1) % 256)\n"
                  "return redis.call('HSET', KEYS[1], 'bytes', string.sub(b, 1, -2) .. last)",
                  key));
    expect(&user, TACIT_ERR_STORE_CORRUPT, "damaged, or was encrypted with another key");
    freeReplyObject(redis_ask(redis, "HSET %s bytes %s", key, "short"));
    expect(&user, TACIT_ERR_STORE_CORRUPT, "no record");
    freeReplyObject(redis_ask(redis, "SET %s %s", key, "a string"));
    expect(&user, TACIT_ERR_STORE_CORRUPT, "something else lies under a key");
    free(key);
    redis_do(redis, "FLUSHALL");
    store_user_close(&user);
}

static void a_record_under_another_name_is_not_taken(void **state) {
    store_user user;
    char *first, *second;

    (void)state;
    redis_do(redis, "FLUSHALL");
    store_user_open(&user, make(NULL));
    assert_int_equal(store_user_save(&user, KEY, "alice's", 7), TACIT_OK);
    first = redis_find(redis, "*:record");
    assert_int_equal(store_user_save(&user, "another", "mallory's", 9), TACIT_OK);
    freeReplyObject(redis_ask(redis, "RENAME %s %s", first, "kept"));
    second = redis_find(redis, "*:record");
    freeReplyObject(redis_ask(redis, "RENAME %s %s", second, first));
    expect(&user, TACIT_ERR_STORE_CORRUPT, "damaged, or was encrypted with another key");
    free(first);
    free(second);
    redis_do(redis, "FLUSHALL");
    store_user_close(&user);
}

static void another_key_opens_nothing(void **state) {
    tacit_store_redis_options options = redis_store_options(redis_url(redis));
    unsigned char difference = 1;
    store_user user, other;

    (void)state;
    store_user_open(&user, make(NULL));
    assert_int_equal(store_user_save(&user, KEY, "record", 6), TACIT_OK);
    options.key_data = &difference;
    open_user(&other, &options);
    expect(&other, TACIT_ERR_STORE_CORRUPT, "encrypted with another key");
    store_user_close(&other);
    store_user_close(&user);
}

static void nothing_in_redis_says_what_the_record_says(void **state) {
    store_user user;
    redisReply *reply;
    char *key;

    (void)state;
    redis_do(redis, "FLUSHALL");
    store_user_open(&user, make(NULL));
    assert_int_equal(store_user_save(&user, KEY, "a refresh token", 15), TACIT_OK);
    key = redis_find(redis, "*:record");
    assert_null(strstr(key, "login.example"));
    reply = redis_ask(redis, "HGET %s bytes", key);
    assert_null(memmem(reply->str, reply->len, "refresh", 7));
    freeReplyObject(reply);
    free(key);
    store_user_close(&user);
}

static void a_full_and_a_read_only_redis_are_unavailable_for_saves(void **state) {
    store_user user;

    (void)state;
    redis_do(redis, "FLUSHALL");
    store_user_open(&user, make(NULL));
    assert_int_equal(store_user_save(&user, KEY, "kept", 4), TACIT_OK);
    redis_do(redis, "CONFIG SET maxmemory 1");
    assert_int_equal(store_user_save(&user, KEY, "lost", 4), TACIT_ERR_STORE_UNAVAILABLE);
    assert_stored_text(&user, KEY, "kept");
    redis_do(redis, "CONFIG SET maxmemory 0");
    redis_do(redis, "REPLICAOF 127.0.0.1 1");
    assert_int_equal(store_user_save(&user, KEY, "lost", 4), TACIT_ERR_STORE_UNAVAILABLE);
    redis_do(redis, "REPLICAOF NO ONE");
    assert_stored_text(&user, KEY, "kept");
    store_user_close(&user);
}

static void descriptions_name_the_place_and_no_password(void **state) {
    tacit_store_redis_options options =
        redis_store_options("rediss://robot:pass-word@redis.example/7");
    tacit_store *store = tacit_store_redis(&options, NULL);

    (void)state;
    assert_string_equal(tacit_store_describe(store),
                        "Redis at rediss://redis.example/7, encrypted with a key from the app");
    tacit_store_unref(store);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_redis_that_is_away_is_unavailable_and_comes_back),
        cmocka_unit_test(a_redis_that_hangs_is_unavailable_in_time_and_its_late_reply_is_not_taken),
        cmocka_unit_test(what_was_changed_in_redis_is_corrupt),
        cmocka_unit_test(a_record_under_another_name_is_not_taken),
        cmocka_unit_test(another_key_opens_nothing),
        cmocka_unit_test(nothing_in_redis_says_what_the_record_says),
        cmocka_unit_test(a_full_and_a_read_only_redis_are_unavailable_for_saves),
        cmocka_unit_test(descriptions_name_the_place_and_no_password),
    };
    store_contract contract = {.name = "store_redis",
                               .make = make_patient,
                               .persistent = true,
                               .away = set_away,
                               .hang = set_hang,
                               .damage = damage};
    int failed;

    store_contract_worker(argc, argv, make_at);
    if (!redis_is_installed()) {
        print_message("redis-server is not installed: nothing can be tested with it\n");
        return 0;
    }
    redis =
        redis_start((const char *const[]){"--appendonly", "yes", "--appendfsync", "always", NULL});
    contract.place = redis_url(redis);
    failed = store_contract_run(&contract);
    failed += cmocka_run_group_tests(tests, NULL, NULL);
    redis_free(redis);
    return failed;
}
