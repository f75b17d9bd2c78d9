/* What sign-out, close and the store calls leave in memory (R12). */
#include "session/client.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS, REQUESTS = 6 };

/* ------------------------------------------------------------------ idle handles */

static bool count_and_keep(void *token, void *count) {
    (void)token;
    ++*(int *)count;
    return false;
}

static int tokens_kept(tacit_client *client) {
    int count = 0;

    ti_transport_drop_kept(client->transport, count_and_keep, &count);
    return count;
}

static void *get_elsewhere(void *data) {
    return (void *)(intptr_t)world_get(data, "/api/x");
}

/* Several requests at once, so that there are several handles. */
static void leave_idle_handles(world *w) {
    pthread_t threads[REQUESTS];
    void *result;

    server_gate_close(world_server(w), TS_API, TS_BEFORE_ANSWER);
    for (int i = 0; i < REQUESTS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_elsewhere, w), 0);
    assert_true(server_gate_waiters(world_server(w), TS_API, REQUESTS, PATIENCE_MS));
    server_gate_open(world_server(w), TS_API);
    for (int i = 0; i < REQUESTS; i++) {
        pthread_join(threads[i], &result);
        assert_int_equal((intptr_t)result, 200);
    }
    assert_int_equal(tokens_kept(world_client(w)), REQUESTS);
}

/* R12 */
static void after_a_sign_out_no_idle_handle_keeps_a_token(void **state) {
    world *w = signed_in(NULL);

    (void)state;
    leave_idle_handles(w);
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, NULL), TACIT_OK);

    assert_int_equal(tokens_kept(world_client(w)), 0);
    world_free(w);
}

/* R12: at once, not when the server has been told. */
static void a_sign_out_that_does_not_wait_drops_the_tokens_too(void **state) {
    world *w = signed_in(NULL);

    (void)state;
    leave_idle_handles(w);
    server_gate_close(world_server(w), TS_REVOCATION, TS_BEFORE_PROCESSING);
    assert_int_equal(tacit_sign_out(world_session(w), TACIT_NO_WAIT, NULL), TACIT_ERR_TIMEOUT);

    assert_int_equal(tokens_kept(world_client(w)), 0);
    world_free(w);
}

/* R12 */
static void after_the_last_close_no_idle_handle_keeps_a_token(void **state) {
    world *w = signed_in(NULL);

    (void)state;
    leave_idle_handles(w);
    assert_int_equal(world_close(w, PATIENCE_MS), TACIT_OK);

    assert_int_equal(tokens_kept(world_client(w)), 0);
    world_free(w);
}

/* R12: whose request ends after the sign-out drops its token itself. */
static void a_request_under_way_keeps_no_token_beyond_the_sign_out(void **state) {
    world *w = signed_in(NULL);
    pthread_t thread;

    (void)state;
    server_gate_close(world_server(w), TS_API, TS_BEFORE_ANSWER);
    assert_int_equal(pthread_create(&thread, NULL, get_elsewhere, w), 0);
    assert_true(server_gate_waiters(world_server(w), TS_API, 1, PATIENCE_MS));
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    server_gate_open(world_server(w), TS_API);
    pthread_join(thread, NULL);

    assert_int_equal(tokens_kept(world_client(w)), 0);
    world_free(w);
}

/* R12 */
static void a_refused_sign_in_leaves_no_token_in_idle_handles(void **state) {
    world *w = signed_in(&(world_options){.clock = true});

    (void)state;
    leave_idle_handles(w);
    server_revoke_family(world_server(w));
    tacit_session_refresh(world_session(w), TACIT_NO_WAIT, NULL);
    wait_sign_in_required(w);

    assert_int_equal(tokens_kept(world_client(w)), 0);
    world_free(w);
}

/* ------------------------------------------------------------------ records */

/* Remembers where the records were that it gave and got. */
typedef struct watching_store {
    char record[4096];
    size_t size; /* 0: none */
    const char *given, *got;
    size_t given_size, got_size;
} watching_store;

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    watching_store *s = data;

    (void)key;
    if (s->size == 0) return TACIT_ERR_STORE_NOT_FOUND;
    *record = malloc(s->size);
    if (*record == NULL) return TACIT_ERR_STORE_FAILED;
    memcpy(*record, s->record, s->size);
    *size = s->size;
    s->given = *record;
    s->given_size = s->size;
    return TACIT_OK;
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    watching_store *s = data;

    (void)key;
    if (size > sizeof s->record) return TACIT_ERR_STORE_TOO_LARGE;
    memcpy(s->record, record, size);
    s->size = size;
    s->got = record;
    s->got_size = size;
    return TACIT_OK;
}

static tacit_status erase(void *data, const char *key) {
    (void)key;
    ((watching_store *)data)->size = 0;
    return TACIT_OK;
}

/* What stands where a block was that has been freed: read as a debugger would. */
static bool memory_holds(const char *block, size_t size, const char *text) {
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    char bytes[4096];
    ssize_t got;

    assert_true(memory >= 0 && size <= sizeof bytes);
    got = pread(memory, bytes, size, (off_t)(uintptr_t)block);
    close(memory);
    return got > 0 && memmem(bytes, (size_t)got, text, strlen(text)) != NULL;
}

/* R12: the store's own memory, and what it was lent. */
static void records_are_wiped_when_they_are_given_up(void **state) {
    watching_store data = {.size = 0};
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;
    tacit_store *store;
    char *refresh_token;
    world *w;

    (void)state;
    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    store = tacit_store_custom(&ops, &data, NULL);
    w = signed_in(&(world_options){.store = store});
    refresh_token = server_newest_refresh_token(world_server(w));
    assert_true(memory_holds(data.record, data.size, refresh_token)); /* it would be seen */
    assert_false(memory_holds(data.got, data.got_size, refresh_token));
    world_restart(w);
    assert_int_equal(tacit_session_load(world_session(w), PATIENCE_MS, NULL, NULL), TACIT_OK);

    assert_non_null(data.given);
    assert_false(memory_holds(data.given, data.given_size, refresh_token));
    world_free(w);
    tacit_store_unref(store);
    free(refresh_token);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_sign_out_no_idle_handle_keeps_a_token),
        cmocka_unit_test(a_sign_out_that_does_not_wait_drops_the_tokens_too),
        cmocka_unit_test(after_the_last_close_no_idle_handle_keeps_a_token),
        cmocka_unit_test(a_request_under_way_keeps_no_token_beyond_the_sign_out),
        cmocka_unit_test(a_refused_sign_in_leaves_no_token_in_idle_handles),
        cmocka_unit_test(records_are_wiped_when_they_are_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
