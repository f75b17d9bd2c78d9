/* The lock in Redis: one holds it, who lost it writes nothing, and what is lost on the way is found out. */
#include "session/journal_bytes.h"
#include "session/store.h"
#include "support/redis.h"
#include "support/redis_proxy.h"
#include "support/unit.h"

#include "platform/os.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#define KEY "https://login.example client robot"

static ts_redis *redis;

static int start(void **state) {
    (void)state;
    redis = redis_start(NULL);
    return 0;
}

static int stop(void **state) {
    (void)state;
    redis_free(redis);
    return 0;
}

static int clean(void **state) {
    (void)state;
    redis_do(redis, "FLUSHALL");
    return 0;
}

/* ------------------------------------------------------------------ hosts */

/* One machine: a store, and a lock object for KEY. */
typedef struct host {
    tacit_store *store;
    const tacit_store_lock_ops *ops;
    void *lock;
} host;

static void open_lock(host *host) {
    tacit_status status =
        host->ops->open(host->store->data, KEY, true, TI_JOURNAL_FILE_SIZE, &host->lock);

    if (status != TACIT_OK)
        fail_msg("open: %s %s", tacit_status_name(status),
                 host->ops->explain(host->store->data, NULL));
}

static host host_at(const char *url, int timeout_ms) {
    tacit_store_redis_options options = redis_store_options(url);
    host host = {.store = NULL};

    options.timeout_ms = timeout_ms;
    host.store = tacit_store_redis(&options, NULL);
    assert_non_null(host.store);
    host.ops = host.store->ops.lock;
    return host;
}

static host host_new(void) {
    host host = host_at(redis_url(redis), 0);

    open_lock(&host);
    return host;
}

static void host_free(host *host) {
    if (host->lock != NULL) host->ops->close(host->lock);
    tacit_store_unref(host->store);
}

static tacit_status take(host *host) {
    return host->ops->take(host->lock);
}

static tacit_status write_text(host *host, size_t offset, const char *text) {
    return host->ops->write(host->lock, offset, text, strlen(text), true);
}

static tacit_status save(host *host, const char *text) {
    return host->store->ops.save(host->store->data, KEY, text, strlen(text));
}

static tacit_status erase(host *host) {
    return host->store->ops.erase(host->store->data, KEY);
}

static void assert_record(host *host, const char *text) {
    char *record = NULL;
    size_t size = 0;

    assert_int_equal(host->store->ops.load(host->store->data, KEY, &record, &size), TACIT_OK);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(record, text, size);
    free(record);
}

static void assert_written(host *host, size_t offset, const char *text) {
    char bytes[TI_JOURNAL_FILE_SIZE];
    size_t got;

    assert_int_equal(host->ops->read(host->lock, bytes, sizeof bytes, &got), TACIT_OK);
    assert_int_equal(got, sizeof bytes);
    assert_memory_equal(bytes + offset, text, strlen(text));
}

static void await_taken(host *host, int within_ms) {
    int64_t until = ti_os_boot_ms() + within_ms;

    while (take(host) == TACIT_ERR_BUSY) {
        if (ti_os_boot_ms() > until) fail_msg("the lock does not come free");
        poll(NULL, 0, 5);
    }
}

static long long fence(void) {
    char *lock = redis_find(redis, "*:lock");
    redisReply *reply = redis_ask(redis, "HGET %s fence", lock);
    long long number = atoll(reply->str);

    freeReplyObject(reply);
    free(lock);
    return number;
}

/* Redis loses the only key that matches. */
static void lose(const char *pattern) {
    char *key = redis_find(redis, pattern);

    freeReplyObject(redis_ask(redis, "DEL %s", key));
    free(key);
}

/* ------------------------------------------------------------------ one holds it */

static void one_holds_it_at_a_time(void **state) {
    host a = host_new(), b = host_new();
    void *second = NULL;

    (void)state;
    assert_int_equal(take(&a), TACIT_OK);
    assert_true(a.ops->is_held(a.lock));
    assert_int_equal(take(&b), TACIT_ERR_BUSY);
    assert_false(b.ops->is_held(b.lock));
    assert_int_equal(a.ops->open(a.store->data, KEY, true, TI_JOURNAL_FILE_SIZE, &second),
                     TACIT_OK);
    assert_int_equal(a.ops->take(second), TACIT_ERR_BUSY); /* of the same store */
    a.ops->close(second);
    b.ops->release(b.lock); /* not its own */
    assert_int_equal(take(&b), TACIT_ERR_BUSY);
    a.ops->release(a.lock);
    assert_int_equal(take(&b), TACIT_OK);
    host_free(&b); /* closing releases */
    assert_int_equal(take(&a), TACIT_OK);
    host_free(&a);
}

static void it_is_made_on_demand_with_an_empty_journal(void **state) {
    static const char nothing[TI_JOURNAL_FILE_SIZE];
    char bytes[TI_JOURNAL_FILE_SIZE];
    host a = host_at(redis_url(redis), 0);
    size_t got;

    (void)state;
    assert_int_equal(save(&a, "whoever comes without a lock"), TACIT_OK);
    assert_int_equal(a.ops->open(a.store->data, KEY, false, sizeof bytes, &a.lock),
                     TACIT_ERR_STORE_NOT_FOUND);
    assert_null(a.lock);
    open_lock(&a);
    assert_int_equal(a.ops->read(a.lock, bytes, sizeof bytes, &got), TACIT_OK);
    assert_int_equal(got, sizeof bytes);
    assert_memory_equal(bytes, nothing, sizeof bytes);
    a.ops->close(a.lock);
    assert_int_equal(a.ops->open(a.store->data, KEY, false, sizeof bytes, &a.lock), TACIT_OK);
    host_free(&a);
}

static void what_one_wrote_the_other_reads(void **state) {
    host a = host_new(), b = host_new();

    (void)state;
    assert_int_equal(take(&a), TACIT_OK);
    assert_int_equal(write_text(&a, 3, "first"), TACIT_OK);
    assert_int_equal(write_text(&a, 5, "-"), TACIT_OK);
    assert_written(&b, 3, "fi-st");
    assert_int_equal(a.ops->write(a.lock, TI_JOURNAL_FILE_SIZE - 2, "\0e", 2, false), TACIT_OK);
    assert_written(&b, 3, "fi-st");
    assert_written(&b, TI_JOURNAL_FILE_SIZE - 1, "e");
    host_free(&a);
    host_free(&b);
}

static void nothing_is_written_without_it(void **state) {
    host a = host_new();

    (void)state;
    assert_int_equal(write_text(&a, 0, "x"), TACIT_ERR_STORE_UNAVAILABLE);
    assert_non_null(strstr(a.ops->explain(a.store->data, a.lock), "lost"));
    host_free(&a);
}

/* Twice as long as it is lent for. */
static void whoever_lives_keeps_it(void **state) {
    host a = host_new(), b = host_new();
    int64_t until;

    (void)state;
    assert_int_equal(take(&a), TACIT_OK);
    assert_int_equal(a.ops->begin_life(a.lock, 77), TACIT_OK);
    for (until = ti_os_boot_ms() + 2 * REDIS_LEASE_MS; ti_os_boot_ms() < until;
         poll(NULL, 0, 100)) {
        assert_int_equal(take(&b), TACIT_ERR_BUSY);
        assert_true(a.ops->is_held(a.lock));
        assert_true(b.ops->lives(b.lock, 77));
    }
    assert_int_equal(write_text(&a, 0, "still"), TACIT_OK);
    assert_int_equal(save(&a, "still"), TACIT_OK);
    host_free(&a);
    host_free(&b);
}

/* ------------------------------------------------------------------ who lost it */

static void assert_writes_nothing(host *host) {
    assert_int_equal(write_text(host, 0, "stale"), TACIT_ERR_STORE_UNAVAILABLE);
    assert_int_equal(save(host, "stale"), TACIT_ERR_STORE_UNAVAILABLE);
    assert_int_equal(erase(host), TACIT_ERR_STORE_UNAVAILABLE);
}

/* a believes that it has the lock: Redis knows better. */
static void a_stale_holder_writes_saves_and_releases_nothing(void **state) {
    host a = host_new(), b = host_new();

    (void)state;
    assert_int_equal(take(&a), TACIT_OK);
    assert_int_equal(save(&a, "first"), TACIT_OK);
    assert_int_equal(write_text(&a, 0, "first"), TACIT_OK);
    lose("*:lock");
    assert_true(a.ops->is_held(a.lock)); /* nobody has told it */
    assert_writes_nothing(&a);           /* not even where nobody else took it */
    assert_int_equal(take(&b), TACIT_OK);
    assert_writes_nothing(&a);
    assert_int_equal(save(&b, "second"), TACIT_OK);
    assert_int_equal(write_text(&b, 0, "second"), TACIT_OK);
    assert_writes_nothing(&a);
    a.ops->release(a.lock);
    assert_true(b.ops->is_held(b.lock));
    assert_int_equal(redis_count(redis, "*:lock"), 1);
    assert_record(&b, "second");
    assert_written(&b, 0, "second");
    host_free(&a);
    host_free(&b);
}

/* Cut off from Redis for longer than the lock is lent: another has it, and the first knows by its own clock. */
static void who_is_cut_off_loses_it_and_knows(void **state) {
    redis_proxy *proxy = redis_proxy_start(redis);
    host a = host_at(redis_proxy_url(proxy), 500), b = host_new();

    (void)state;
    open_lock(&a);
    assert_int_equal(take(&a), TACIT_OK);
    assert_int_equal(a.ops->begin_life(a.lock, 5), TACIT_OK);
    assert_int_equal(save(&a, "first"), TACIT_OK);
    redis_proxy_cut(proxy, true);
    assert_int_equal(take(&b), TACIT_ERR_BUSY);
    await_taken(&b, 2 * REDIS_LEASE_MS);
    assert_false(a.ops->is_held(a.lock));
    assert_writes_nothing(&a);
    assert_int_equal(save(&b, "second"), TACIT_OK);
    redis_proxy_cut(proxy, false);
    assert_writes_nothing(&a);
    assert_record(&b, "second");
    b.ops->release(b.lock);
    a.ops->release(a.lock);
    assert_int_equal(take(&a), TACIT_OK); /* and is back */
    assert_int_equal(save(&a, "third"), TACIT_OK);
    assert_record(&b, "third");
    host_free(&a);
    host_free(&b);
    redis_proxy_free(proxy);
}

static void who_is_cut_off_closes_in_time(void **state) {
    redis_proxy *proxy = redis_proxy_start(redis);
    host a = host_at(redis_proxy_url(proxy), 500);
    int64_t began;

    (void)state;
    open_lock(&a);
    assert_int_equal(take(&a), TACIT_OK);
    assert_int_equal(a.ops->begin_life(a.lock, 5), TACIT_OK);
    redis_proxy_cut(proxy, true);
    began = ti_os_boot_ms();
    host_free(&a);
    assert_in_range(ti_os_boot_ms() - began, 0, 2500); /* twice what is said to be the longest */
    redis_proxy_cut(proxy, false);
    redis_proxy_free(proxy);
}

/* The app's key, which comes when the test says so. */
typedef struct slow_key {
    sem_t asked, given;
} slow_key;

static tacit_status get_slow_key(void *data, unsigned char key[32]) {
    slow_key *slow = data;

    sem_post(&slow->asked);
    sem_wait(&slow->given);
    return redis_key(NULL, key);
}

static void *save_first(void *data) {
    return (void *)(intptr_t)save(data, "first");
}

/* A save waits for its key while the lock is lost, and another saves: it never goes with a lock that came later. */
static void a_save_that_takes_long_is_of_the_lock_it_began_with(void **state) {
    (void)state;

    for (int back = 0; back < 2; back++) {
        tacit_store_redis_options options = redis_store_options(redis_url(redis));
        host a = {.store = NULL}, b = host_new();
        pthread_t thread;
        slow_key key;
        void *status;

        sem_init(&key.asked, 0, 0);
        sem_init(&key.given, 0, 0);
        options.get_key = get_slow_key;
        options.key_data = &key;
        a.store = tacit_store_redis(&options, NULL);
        a.ops = a.store->ops.lock;
        open_lock(&a);
        assert_int_equal(take(&a), TACIT_OK);
        assert_int_equal(pthread_create(&thread, NULL, save_first, &a), 0);
        sem_wait(&key.asked);
        lose("*:lock");
        assert_int_equal(take(&b), TACIT_OK);
        assert_int_equal(save(&b, "second"), TACIT_OK);
        b.ops->release(b.lock);
        a.ops->release(a.lock);
        if (back) assert_int_equal(take(&a), TACIT_OK);

        sem_post(&key.given);
        pthread_join(thread, &status);

        assert_int_equal((intptr_t)status, TACIT_ERR_STORE_UNAVAILABLE);
        assert_record(&b, "second");
        host_free(&a);
        host_free(&b);
    }
}

/* Two clients of one process may share the store: on whose behalf a save comes, nobody can tell. */
static void a_save_does_not_go_with_another_holders_lock(void **state) {
    host a = host_new(), b = a;

    (void)state;
    assert_int_equal(take(&a), TACIT_OK);
    open_lock(&b); /* in the same store */
    lose("*:lock");
    assert_int_equal(take(&b), TACIT_OK);
    while (a.ops->is_held(a.lock)) poll(NULL, 0, 20); /* the next renewal tells it */
    assert_int_equal(save(&a, "whose?"), TACIT_ERR_STORE_UNAVAILABLE);
    a.ops->release(a.lock);
    assert_int_equal(save(&b, "b's"), TACIT_OK);
    b.ops->close(b.lock);
    host_free(&a);
}

static void fences_only_rise_whatever_redis_forgets(void **state) {
    host a = host_new();
    long long first, second;

    (void)state;
    assert_int_equal(take(&a), TACIT_OK);
    a.ops->release(a.lock);
    assert_int_equal(take(&a), TACIT_OK);
    assert_int_equal(save(&a, "record"), TACIT_OK);
    first = fence();
    lose("*:fence"); /* evicted */
    a.ops->release(a.lock);
    assert_int_equal(take(&a), TACIT_OK);
    second = fence();
    assert_true(second > first);
    host_free(&a);
}

static void a_redis_that_lost_everything_is_begun_anew(void **state) {
    host a = host_new();

    (void)state;
    assert_int_equal(take(&a), TACIT_OK);
    assert_int_equal(save(&a, "lost"), TACIT_OK);
    redis_kill(redis);
    assert_int_equal(save(&a, "away"), TACIT_ERR_STORE_UNAVAILABLE);
    redis_restart(redis); /* without persistence */
    assert_writes_nothing(&a);
    a.ops->release(a.lock);
    assert_int_equal(take(&a), TACIT_OK);
    assert_int_equal(save(&a, "anew"), TACIT_OK);
    assert_written(&a, 0, "\0");
    assert_record(&a, "anew");
    host_free(&a);
}

/* ------------------------------------------------------------------ lives */

static void a_life_is_seen_by_others_until_it_ends(void **state) {
    host a = host_new(), b = host_new();

    (void)state;
    assert_false(b.ops->lives(b.lock, 42));
    assert_int_equal(a.ops->begin_life(a.lock, 42), TACIT_OK);
    assert_true(b.ops->lives(b.lock, 42));
    assert_false(a.ops->lives(a.lock, 42)); /* its own */
    assert_int_equal(b.ops->begin_life(b.lock, 42), TACIT_ERR_BUSY);
    assert_false(b.ops->lives(b.lock, 41));
    assert_int_equal(a.ops->begin_life(a.lock, 43), TACIT_OK); /* ends the first */
    assert_true(b.ops->lives(b.lock, 43));
    for (int64_t until = ti_os_boot_ms() + 2000; b.ops->lives(b.lock, 42); poll(NULL, 0, 5))
        assert_true(ti_os_boot_ms() < until);
    a.ops->end_life(a.lock);
    assert_false(b.ops->lives(b.lock, 43));
    assert_int_equal(a.ops->begin_life(a.lock, 44), TACIT_OK);
    a.ops->close(a.lock);
    a.lock = NULL;
    assert_false(b.ops->lives(b.lock, 44));
    assert_false(b.ops->lives(b.lock, 0));
    assert_false(b.ops->lives(b.lock, INT64_MAX));
    host_free(&a);
    host_free(&b);
}

/* A lock object's, whose end was lost, is in the next one's way no longer than it takes to end it. */
static void a_life_begins_again_whose_end_was_lost(void **state) {
    redis_proxy *proxy = redis_proxy_start(redis);
    host a = host_at(redis_proxy_url(proxy), 0), b = host_new();

    (void)state;
    open_lock(&a);
    assert_int_equal(a.ops->begin_life(a.lock, 42), TACIT_OK);
    redis_proxy_lose(proxy, 1, REDIS_PROXY_COMMAND);
    a.ops->close(a.lock);
    assert_true(b.ops->lives(b.lock, 42));
    open_lock(&a);

    assert_int_equal(a.ops->begin_life(a.lock, 42), TACIT_OK);

    for (int64_t until = ti_os_boot_ms() + REDIS_LEASE_MS / 3; ti_os_boot_ms() < until;
         poll(NULL, 0, 20))
        assert_true(b.ops->lives(b.lock, 42)); /* what was owed ends only the first */
    assert_int_equal(b.ops->begin_life(b.lock, 42), TACIT_ERR_BUSY);
    host_free(&a);
    assert_false(b.ops->lives(b.lock, 42));
    host_free(&b);
    redis_proxy_free(proxy);
}

static void who_cannot_be_asked_about_lives(void **state) {
    redis_proxy *proxy = redis_proxy_start(redis);
    host a = host_at(redis_proxy_url(proxy), 200);

    (void)state;
    open_lock(&a);
    redis_proxy_cut(proxy, true);
    assert_true(a.ops->lives(a.lock, 42));
    redis_proxy_cut(proxy, false);
    assert_false(a.ops->lives(a.lock, 42));
    host_free(&a);
    redis_proxy_free(proxy);
}

/* ------------------------------------------------------------------ what is lost on the way */

static bool all_of_it(host *host, const char *text) {
    char bytes[TI_JOURNAL_FILE_SIZE], *record = NULL;
    size_t got, size;
    tacit_status status;

    if (host->ops->open(host->store->data, KEY, true, sizeof bytes, &host->lock) != TACIT_OK)
        return false;
    if (take(host) != TACIT_OK) return false;
    if (host->ops->read(host->lock, bytes, sizeof bytes, &got) != TACIT_OK) return false;
    if (host->ops->begin_life(host->lock, 9) != TACIT_OK) return false;
    if (write_text(host, 0, text) != TACIT_OK) return false;
    status = host->store->ops.load(host->store->data, KEY, &record, &size);
    free(record);
    if (status != TACIT_OK && status != TACIT_ERR_STORE_NOT_FOUND) return false;
    if (save(host, text) != TACIT_OK) return false;
    return write_text(host, 8, text) == TACIT_OK;
}

static void close_it(host *a, host *b) {
    (void)b;
    a->ops->close(a->lock);
    a->lock = NULL;
}

static void keep_it(host *a, host *b) {
    (void)a;
    (void)b;
}

static void find_it_busy(host *a, host *b) {
    assert_int_equal(take(b), TACIT_OK);
    assert_int_equal(take(a), TACIT_ERR_BUSY);
    b->ops->release(b->lock);
}

static void have_it_meanwhile(host *a, host *b) {
    (void)b;
    assert_int_equal(take(a), TACIT_OK);
    a->ops->release(a->lock);
}

/* A take that was given up arrives behind the release that was to undo it. */
static void a_take_that_comes_late_keeps_nobody_out(void **state) {
    static void (*const meanwhile[])(host *, host *) = {close_it, keep_it, find_it_busy,
                                                        have_it_meanwhile};
    (void)state;

    for (size_t i = 0; i < sizeof meanwhile / sizeof *meanwhile; i++) {
        redis_proxy *proxy = redis_proxy_start(redis);
        host a = host_at(redis_proxy_url(proxy), 0), b = host_new();

        open_lock(&a);
        assert_int_equal(a.ops->begin_life(a.lock, 7), TACIT_OK);
        redis_proxy_lose(proxy, 1, REDIS_PROXY_DELAY);
        assert_int_equal(take(&a), TACIT_ERR_STORE_UNAVAILABLE);
        while (redis_proxy_commands(proxy) < 2) poll(NULL, 0, 5);
        poll(NULL, 0, 20); /* it is released */
        meanwhile[i](&a, &b);
        redis_proxy_deliver(proxy);

        await_taken(&b, REDIS_LEASE_MS / 2);

        host_free(&a);
        assert_int_equal(redis_count(redis, "*:life:*"), 0);
        host_free(&b);
        redis_proxy_free(proxy);
    }
}

/* A life goes on, while its thread has that to do. */
static void a_take_that_is_lost_ends_no_life(void **state) {
    redis_proxy *proxy = redis_proxy_start(redis);
    host a = host_at(redis_proxy_url(proxy), 0), b = host_new();
    int64_t until = ti_os_boot_ms() + 2 * REDIS_LEASE_MS;

    (void)state;
    open_lock(&a);
    assert_int_equal(a.ops->begin_life(a.lock, 7), TACIT_OK);
    redis_proxy_lose(proxy, 1, REDIS_PROXY_COMMAND);
    assert_int_equal(take(&a), TACIT_ERR_STORE_UNAVAILABLE);
    for (; ti_os_boot_ms() < until; poll(NULL, 0, 100)) assert_true(b.ops->lives(b.lock, 7));
    host_free(&a);
    host_free(&b);
    redis_proxy_free(proxy);
}

/* As a session would: what fails is begun again, with a new lock object. */
static void do_until_done(host *host, const char *text) {
    for (int tries = 0; !all_of_it(host, text); tries++) {
        if (tries == 100) fail_msg("it is never done");
        if (host->lock != NULL) host->ops->close(host->lock);
        host->lock = NULL;
        poll(NULL, 0, 20);
    }
    host->ops->close(host->lock);
    host->lock = NULL;
}

/* Whichever command or reply is lost: it is done in the end, newer over older, and the lock comes free long before it would end by
 * itself. */
static void lose_each(redis_proxy_loss loss, int timeout_ms) {
    redis_proxy *proxy = redis_proxy_start(redis);
    host a = host_at(redis_proxy_url(proxy), timeout_ms), b = host_new();
    int commands, n;

    redis_proxy_lose(proxy, 0, loss);
    do_until_done(&a, "none");
    commands = redis_proxy_commands(proxy);
    assert_in_range(commands, 9, 20);
    for (n = 1; n <= commands; n++) {
        char text[16];
        int64_t began = ti_os_boot_ms();

        snprintf(text, sizeof text, "%08d", n % 10000000);
        redis_proxy_lose(proxy, n, loss);
        do_until_done(&a, text);
        redis_proxy_lose(proxy, 0, loss);
        await_taken(&b, REDIS_LEASE_MS);
        assert_in_range(ti_os_boot_ms() - began, 0, REDIS_LEASE_MS - 500);
        assert_written(&b, 0, text);
        assert_written(&b, 8, text);
        assert_record(&b, text);
        b.ops->release(b.lock);
    }
    host_free(&a);
    host_free(&b);
    redis_proxy_free(proxy);
}

static void commands_that_are_lost(void **state) {
    (void)state;
    lose_each(REDIS_PROXY_COMMAND, 0);
}

static void replies_that_are_lost(void **state) {
    (void)state;
    lose_each(REDIS_PROXY_REPLY, 0);
}

static void replies_that_never_come(void **state) {
    (void)state;
    lose_each(REDIS_PROXY_SILENCE, 150);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_holds_it_at_a_time, clean),
        cmocka_unit_test_setup(it_is_made_on_demand_with_an_empty_journal, clean),
        cmocka_unit_test_setup(what_one_wrote_the_other_reads, clean),
        cmocka_unit_test_setup(nothing_is_written_without_it, clean),
        cmocka_unit_test_setup(whoever_lives_keeps_it, clean),
        cmocka_unit_test_setup(a_stale_holder_writes_saves_and_releases_nothing, clean),
        cmocka_unit_test_setup(who_is_cut_off_loses_it_and_knows, clean),
        cmocka_unit_test_setup(who_is_cut_off_closes_in_time, clean),
        cmocka_unit_test_setup(a_save_that_takes_long_is_of_the_lock_it_began_with, clean),
        cmocka_unit_test_setup(a_save_does_not_go_with_another_holders_lock, clean),
        cmocka_unit_test_setup(fences_only_rise_whatever_redis_forgets, clean),
        cmocka_unit_test_setup(a_redis_that_lost_everything_is_begun_anew, clean),
        cmocka_unit_test_setup(a_life_is_seen_by_others_until_it_ends, clean),
        cmocka_unit_test_setup(a_life_begins_again_whose_end_was_lost, clean),
        cmocka_unit_test_setup(who_cannot_be_asked_about_lives, clean),
        cmocka_unit_test_setup(a_take_that_comes_late_keeps_nobody_out, clean),
        cmocka_unit_test_setup(a_take_that_is_lost_ends_no_life, clean),
        cmocka_unit_test_setup(commands_that_are_lost, clean),
        cmocka_unit_test_setup(replies_that_are_lost, clean),
        cmocka_unit_test_setup(replies_that_never_come, clean),
    };

    if (!redis_is_installed()) {
        print_message("redis-server is not installed: nothing can be tested with it\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, start, stop);
}
