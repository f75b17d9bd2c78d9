/*
 * Turns at a sign-in that others share: what they did while this one waited, failed, or was about to erase. The other process is a
 * client of its own, or the test, which has the lock.
 */
#include "tests/support/fake_store.h"
#include "tests/support/plain_store.h"
#include "tests/support/unit.h"
#include "tests/support/fixture.h"
#include "tests/support/world.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "platform/process_lock.h"
#include "session/journal_bytes.h"

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

/* ------------------------------------------------------------------ the system: a disk that fails, a clock that is looked at */

static atomic_bool sync_fails, write_fails;
static atomic_long looks; /* at a clock */

/* The C library's, as the program sees them: what is written in place, and its way to the disk, are the journal's; a thread that does not
 * sleep asks for the time. */
int fdatasync(int file) {
    if (!atomic_load(&sync_fails)) return (int)syscall(SYS_fdatasync, file);
    errno = EIO;
    return -1;
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
    if (!atomic_load(&write_fails)) return syscall(SYS_pwrite64, file, bytes, size, offset);
    errno = EIO;
    return -1;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    atomic_fetch_add(&looks, 1);
    return (int)syscall(SYS_clock_gettime, clock, now);
}

/* ------------------------------------------------------------------ a sign-in on records in files */

typedef struct scene {
    char *directory; /* of the records */
    plain_store *store;
    world *world; /* signed in */
} scene;

static scene new_scene(bool clock) {
    scene s = {.directory = fixture_directory_new()};
    world_options options = {.clock = clock};

    s.store = plain_store_new(s.directory);
    options.store = plain_store_handle(s.store);
    s.world = world_new(&options);
    world_sign_in(s.world);
    server_counters_reset(world_server(s.world));
    return s;
}

static void free_scene(scene *s) {
    world_free(s->world);
    plain_store_free(s->store);
    fixture_directory_free(s->directory);
}

static tacit_status refresh(tacit_session *session, tacit_error *error) {
    return tacit_session_refresh(session, PATIENCE_MS, error);
}

static void sign_in(tacit_session *session) {
    tacit_error error;

    if (tacit_sign_in_with_password(session, "alice", "wonderland", NULL, &error) != TACIT_OK)
        fail_msg("%s", error.message);
}

/* ------------------------------------------------------------------ the other process */

typedef struct peer {
    plain_store *store; /* its own handle, and faults, on the same records */
    tacit_client *client;
    tacit_session *session; /* loaded */
} peer;

static tacit_session *open_session(const scene *s, tacit_client *client, tacit_store *store) {
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_session *session;

    options.client_id = "test-client";
    options.store = store;
    session = tacit_session_open(client, world_provider(s->world), &options, NULL);
    assert_non_null(session);
    assert_int_equal(tacit_session_load(session, PATIENCE_MS, NULL, NULL), TACIT_OK);
    return session;
}

static peer new_peer(const scene *s) {
    peer p = {.store = plain_store_new(s->directory)};
    tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;

    options.state_dir = world_state_dir(s->world);
    p.client = tacit_client_new(&options, NULL);
    assert_non_null(p.client);
    p.session = open_session(s, p.client, plain_store_handle(p.store));
    return p;
}

static void free_peer(peer *p) {
    tacit_session_close(p->session, PATIENCE_MS);
    tacit_client_shutdown(p->client, PATIENCE_MS, NULL);
    tacit_client_unref(p->client);
    plain_store_free(p->store);
}

/* The journal's name; yours. */
static char *find_journal(const scene *s) {
    DIR *listing = opendir(world_state_dir(s->world));
    const struct dirent *entry;
    char *found = NULL;

    assert_non_null(listing);
    while ((entry = readdir(listing)) != NULL)
        if (entry->d_name[0] != '.') found = strdup(entry->d_name);
    closedir(listing);
    assert_non_null(found);
    return found;
}

static ti_process_lock *take_lock(const scene *s) {
    char *name = find_journal(s);
    ti_process_lock *lock;
    int os_error, tries = 0;

    assert_int_equal(ti_process_lock_open(world_state_dir(s->world), name, false,
                                          TI_JOURNAL_FILE_SIZE, &lock, &os_error),
                     TI_LOCK_OK);
    while (ti_process_lock_try(lock, &os_error) != TI_LOCK_OK) {
        assert_true(tries++ < 1000);
        usleep(1000);
    }
    free(name);
    return lock;
}

static void a_moment(void) {
    usleep(50 * 1000);
}

static bool is_signed_in(void *session) {
    return tacit_session_get_state(session) == TACIT_STATE_SIGNED_IN;
}

/* ------------------------------------------------------------------ tests */

/* R7, R16: what it meant to erase is gone already, replaced by what another process signed in with. */
static void late_erase_spares_a_newer_sign_in(void **state) {
    scene s = new_scene(false);
    peer other = new_peer(&s);
    tacit_error error;

    (void)state;
    plain_store_fail(s.store, PLAIN_ERASE, TACIT_ERR_STORE_LOCKED);
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, &error),
                     TACIT_ERR_STORE_LOCKED);
    sign_in(other.session);
    plain_store_fail(s.store, PLAIN_ERASE, TACIT_OK);
    tacit_client_network_changed(world_client(s.world)); /* now */

    world_wait(is_signed_in, world_session(s.world), "the newer sign-in is found");
    if (refresh(other.session, &error) != TACIT_OK) fail_msg("%s", error.message);
    assert_int_equal(refresh(world_session(s.world), NULL), TACIT_OK);
    free_peer(&other);
    free_scene(&s);
}

/* How long another process has been in the way counts from when it began to be. */
static void patience_is_for_one_wait(void **state) {
    scene s = new_scene(true);
    tacit_session *short_lived = world_open(s.world, NULL, "other");
    ti_process_lock *lock = take_lock(&s);
    tacit_token *token = NULL;
    tacit_error error;

    (void)state;
    assert_int_equal(tacit_session_token(short_lived, 0, TACIT_NO_WAIT, &token, NULL),
                     TACIT_ERR_TIMEOUT);
    usleep(50 * 1000);                             /* found busy */
    tacit_session_close(short_lived, PATIENCE_MS); /* with it goes what wanted the turn */
    ti_process_lock_release(lock);

    world_clock_move(s.world, 3600 * 1000 / 4);
    assert_int_equal(ti_process_lock_try(lock, &(int){0}), TI_LOCK_OK);
    assert_int_equal(tacit_session_refresh(world_session(s.world), TACIT_NO_WAIT, &error),
                     TACIT_ERR_TIMEOUT);
    a_moment();
    assert_int_equal(world_event_count(s.world, TACIT_EVENT_REFRESH_FAILED), 0);
    ti_process_lock_close(lock);
    world_clock_move(s.world, 1000);
    world_wait_event(s.world, TACIT_EVENT_REFRESHED, 1);
    free_scene(&s);
}

typedef struct patient {
    tacit_session *session;
    tacit_status status;
} patient;

static void *refresh_patiently(void *data) {
    patient *p = data;

    p->status = refresh(p->session, NULL);
    return NULL;
}

static bool is_quiet(void) {
    atomic_store(&looks, 0);
    usleep(100 * 1000);
    return atomic_load(&looks) <= 20;
}

/* Nothing can happen before the turn is tried for again. */
static void who_waits_for_a_turn_sleeps(void **state) {
    scene s = new_scene(false);
    ti_process_lock *lock = take_lock(&s);
    patient waits = {.session = world_session(s.world)};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, refresh_patiently, &waits), 0);
    usleep(300 * 1000); /* found busy */
    for (int tries = 0; !is_quiet(); tries++) assert_true(tries < 50);

    ti_process_lock_close(lock);
    world_close(s.world, TACIT_NO_WAIT);
    pthread_join(thread, NULL);
    free_scene(&s);
}

/* Who holds a lock counts real time, whatever clock was injected here. */
static void a_clock_that_stands_still_does_not_bar_the_way(void **state) {
    scene s = new_scene(true);
    ti_process_lock *lock = take_lock(&s);
    patient waits = {.session = world_session(s.world), .status = TACIT_ERR_BUSY};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, refresh_patiently, &waits), 0);
    usleep(300 * 1000); /* found busy */
    ti_process_lock_close(lock);
    pthread_join(thread, NULL);

    assert_int_equal(waits.status, TACIT_OK);
    free_scene(&s);
}

static void *sign_in_patiently(void *data) {
    patient *p = data;

    p->status = tacit_sign_in_with_password(p->session, "alice", "wonderland", NULL, NULL);
    return NULL;
}

/* The other process may be stopped for long: who gives up may try again at once. */
static void cancelled_sign_in_does_not_wait_for_its_turn(void **state) {
    scene s = new_scene(false);
    ti_process_lock *lock = take_lock(&s);
    patient first = {.session = world_session(s.world), .status = TACIT_OK};
    pthread_t thread;
    tacit_error error;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, sign_in_patiently, &first), 0);
    usleep(100 * 1000);
    tacit_sign_in_cancel(world_session(s.world));
    pthread_join(thread, NULL);
    assert_int_equal(first.status, TACIT_ERR_CANCELLED);

    assert_int_equal(pthread_create(&thread, NULL, sign_in_patiently, &first), 0);
    usleep(300 * 1000);
    ti_process_lock_close(lock);
    pthread_join(thread, NULL);
    assert_int_equal(first.status, TACIT_OK);
    if (refresh(world_session(s.world), &error) != TACIT_OK) fail_msg("%s", error.message);
    free_scene(&s);
}

/* What was under way may fail yet with what was wrong before. */
static bool works_again(void *data) {
    world *w = data;

    tacit_client_network_changed(world_client(w));
    return refresh(world_session(w), NULL) == TACIT_OK;
}

/* A session goes while its turn is asked for, in vain. */
static void session_may_go_while_its_turn_fails(void **state) {
    scene s = new_scene(false);

    (void)state;
    assert_int_equal(chmod(world_state_dir(s.world), 0777), 0);
    for (int i = 0; i < 300; i++) {
        char scope[16];
        tacit_session *session;

        snprintf(scope, sizeof scope, "scope-%d", i);
        session = world_open(s.world, NULL, scope);
        tacit_client_network_changed(world_client(s.world)); /* no pause after the failure before */
        tacit_session_refresh(session, TACIT_NO_WAIT, NULL);
        usleep((useconds_t)(i % 30 * 10));
        tacit_session_close(session, TACIT_NO_WAIT);
    }
    assert_int_equal(chmod(world_state_dir(s.world), 0700), 0);
    world_wait(works_again, s.world, "a refresh");
    free_scene(&s);
}

/* Each has an identity of its own, though both have the same record. */
static void two_stores_on_the_same_records_are_as_two_processes(void **state) {
    scene s = new_scene(false);
    plain_store *second = plain_store_new(s.directory);
    tacit_session *other = open_session(&s, world_client(s.world), plain_store_handle(second));
    tacit_error error;

    (void)state;
    plain_store_fail(s.store, PLAIN_SAVE, TACIT_ERR_STORE_LOCKED);
    assert_int_equal(refresh(world_session(s.world), NULL), TACIT_OK);
    assert_int_equal(refresh(other, &error), TACIT_ERR_STORE_UNAVAILABLE);
    plain_store_fail(s.store, PLAIN_SAVE, TACIT_OK);
    tacit_client_network_changed(world_client(s.world));
    world_wait_event(s.world, TACIT_EVENT_STORE_RECOVERED, 1);
    tacit_client_network_changed(world_client(s.world));
    if (refresh(other, &error) != TACIT_OK) fail_msg("%s", error.message);
    if (refresh(world_session(s.world), &error) != TACIT_OK) fail_msg("%s", error.message);
    assert_int_equal(server_counters(world_server(s.world)).reuse_detections, 0);
    tacit_session_close(other, PATIENCE_MS);
    free_scene(&s);
    plain_store_free(second);
}

/* R16: the first ended what was this process's; what came after it is another's. */
static void second_sign_out_leaves_a_newer_sign_in_alone(void **state) {
    scene s = new_scene(false);
    peer other = new_peer(&s);
    tacit_error error;

    (void)state;
    sign_in(other.session);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);

    if (refresh(other.session, &error) != TACIT_OK) fail_msg("%s", error.message);
    assert_int_equal(tacit_session_get_state(other.session), TACIT_STATE_SIGNED_IN);
    free_peer(&other);
    free_scene(&s);
}

static int open_journals(void) {
    DIR *listing = opendir("/proc/self/fd");
    const struct dirent *entry;
    int found = 0;

    if (listing == NULL) return -1;
    while ((entry = readdir(listing)) != NULL) {
        char path[4096];
        ssize_t size = readlinkat(dirfd(listing), entry->d_name, path, sizeof path - 1);

        if (size <= 0) continue;
        path[size] = '\0';
        if (strstr(path, ".journal") != NULL) found++;
    }
    closedir(listing);
    return found;
}

/* Its own head was not saved either, and is nobody's any more. */
static void life_ends_with_what_it_was_for(void **state) {
    scene s = new_scene(false);
    peer other = new_peer(&s);

    (void)state;
    if (open_journals() < 0) skip();
    plain_store_fail(s.store, PLAIN_SAVE, TACIT_ERR_STORE_LOCKED);
    assert_int_equal(refresh(world_session(s.world), NULL), TACIT_OK);
    plain_store_fail(other.store, PLAIN_SAVE, TACIT_ERR_STORE_LOCKED);
    sign_in(other.session);
    assert_int_equal(open_journals(), 2);

    tacit_client_network_changed(world_client(s.world));
    for (int i = 0; i < 10000 && is_signed_in(world_session(s.world)); i++) usleep(1000);
    assert_false(is_signed_in(world_session(s.world)));
    a_moment();
    assert_int_equal(open_journals(), 1); /* the other's */
    free_peer(&other);
    free_scene(&s);
}

/* The others cannot know of a sign-out that could not be marked; as soon as it can, it is. */
static void sign_out_without_its_turn_is_marked_later(void **state) {
    scene s = new_scene(false);
    peer other = new_peer(&s);
    char *record;

    (void)state;
    assert_int_equal(chmod(world_state_dir(s.world), 0777), 0);
    assert_int_equal(tacit_sign_out(world_session(s.world), PATIENCE_MS, NULL),
                     TACIT_ERR_STORE_FAILED);
    assert_int_equal(chmod(world_state_dir(s.world), 0700), 0);
    tacit_client_network_changed(world_client(s.world));
    world_wait_event(s.world, TACIT_EVENT_STORE_RECOVERED, 1);

    assert_int_equal(refresh(other.session, NULL), TACIT_ERR_SIGNED_OUT);
    record = plain_store_record(s.directory);
    assert_null(record);
    assert_int_equal(server_counters(world_server(s.world)).refresh_grants, 0);
    free_peer(&other);
    free_scene(&s);
}

/* R16: it takes effect whole or not at all, for the others too. */
static void sign_in_that_cannot_be_noted_changes_nothing(void **state) {
    scene s = new_scene(false);
    peer other = new_peer(&s);
    tacit_error error;

    (void)state;
    atomic_store(&sync_fails, true);
    assert_int_equal(
        tacit_sign_in_with_password(world_session(s.world), "alice", "wonderland", NULL, &error),
        TACIT_ERR_STORE_FAILED);
    assert_int_equal(error.os_error, EIO);
    atomic_store(&sync_fails, false);

    if (refresh(other.session, &error) != TACIT_OK) fail_msg("%s", error.message);
    if (refresh(world_session(s.world), &error) != TACIT_OK) fail_msg("%s", error.message);
    world_assert_events(s.world, TACIT_EVENT_SIGNED_IN, 1);
    free_peer(&other);
    free_scene(&s);
}

/* R2: nobody else may send what was sent, as long as only memory says that it was answered. */
static void answer_that_can_neither_be_noted_nor_saved_keeps_the_turn(void **state) {
    scene s = new_scene(false);
    peer other = new_peer(&s);
    tacit_error error;

    (void)state;
    plain_store_fail(s.store, PLAIN_SAVE, TACIT_ERR_STORE_LOCKED);
    server_gate_close(world_server(s.world), TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    assert_int_equal(tacit_session_refresh(world_session(s.world), TACIT_NO_WAIT, NULL),
                     TACIT_ERR_TIMEOUT);
    assert_true(server_gate_waiters(world_server(s.world), TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));
    atomic_store(&write_fails, true);
    server_gate_open(world_server(s.world), TS_TOKEN_ENDPOINT);
    world_wait_event(s.world, TACIT_EVENT_REFRESHED, 1);

    assert_int_equal(tacit_session_refresh(other.session, 500, NULL), TACIT_ERR_TIMEOUT);
    atomic_store(&write_fails, false);
    plain_store_fail(s.store, PLAIN_SAVE, TACIT_OK);
    tacit_client_network_changed(world_client(s.world));
    if (refresh(other.session, &error) != TACIT_OK) fail_msg("%s", error.message);
    assert_int_equal(server_counters(world_server(s.world)).reuse_detections, 0);
    free_peer(&other);
    free_scene(&s);
}

static long stored_generation(const scene *s) {
    char *record = plain_store_record(s->directory);
    long generation = record == NULL ? 0 : fake_record_generation(record);

    free(record);
    return generation;
}

/* R7: what it asked of a daemon may come half a minute late, whatever was refreshed meanwhile. */
static void late_save_of_a_dead_process_is_found(void **state) {
    scene s = new_scene(true);
    ts_options options = server_options(world_server(s.world));
    char *old = plain_store_record(s.directory);
    peer dead = new_peer(&s);

    (void)state;
    options.grace_ms = 60 * 1000;
    server_configure(world_server(s.world), &options);
    plain_store_fail(dead.store, PLAIN_SAVE, TACIT_ERR_STORE_LOCKED);
    assert_int_equal(refresh(dead.session, NULL), TACIT_OK);
    free_peer(&dead);
    for (int s_later = 0; s_later < 12; s_later += 3) {
        assert_int_equal(refresh(world_session(s.world), NULL), TACIT_OK);
        a_moment();
        world_clock_move(s.world, 3000);
    }

    a_moment();
    plain_store_put(s.directory, old);
    /* Each look comes some time after the one before was done; it is minutes yet until a refresh would save it, too. */
    for (int tries = 0; stored_generation(&s) <= 1; tries++) {
        assert_true(tries < 40);
        world_clock_move(s.world, 3000);
        a_moment();
    }
    free(old);
    free_scene(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_erase_spares_a_newer_sign_in),
        cmocka_unit_test(patience_is_for_one_wait),
        cmocka_unit_test(who_waits_for_a_turn_sleeps),
        cmocka_unit_test(a_clock_that_stands_still_does_not_bar_the_way),
        cmocka_unit_test(cancelled_sign_in_does_not_wait_for_its_turn),
        cmocka_unit_test(session_may_go_while_its_turn_fails),
        cmocka_unit_test(two_stores_on_the_same_records_are_as_two_processes),
        cmocka_unit_test(second_sign_out_leaves_a_newer_sign_in_alone),
        cmocka_unit_test(life_ends_with_what_it_was_for),
        cmocka_unit_test(sign_out_without_its_turn_is_marked_later),
        cmocka_unit_test(sign_in_that_cannot_be_noted_changes_nothing),
        cmocka_unit_test(answer_that_can_neither_be_noted_nor_saved_keeps_the_turn),
        cmocka_unit_test(late_save_of_a_dead_process_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
