/* What the journal says, and when: before each step it says what the others would have to know if the process died in it, and the
 * disk has it by then. */
#include "support/fake_store.h"
#include "support/journal.h"
#include "support/unit.h"

#include "platform/process_lock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    PATIENCE_MS = WORLD_PATIENCE_MS,
    STORE_TIMEOUT_MS = 5000, /* the default */
    HOUR_MS = 3600 * 1000
};

/* Instead of the C library's: how often the library waited for the disk. */
static atomic_int synced;

int fdatasync(int file) {
    synced++;
    return (int)syscall(SYS_fdatasync, file);
}

/* Signed in, and nothing under way. */
typedef struct scene {
    fake_store *store;
    world *world;
    ts_server *server;
    ti_journal_image before;
    uint64_t number; /* of its slot */
} scene;

static scene new_scene(void) {
    scene s = {.store = fake_store_new()};

    s.world = world_new(&(world_options){.store = fake_store_handle(s.store), .clock = true});
    s.server = world_server(s.world);
    world_sign_in(s.world);
    world_restart(s.world);
    assert_int_equal(tacit_session_load(world_session(s.world), PATIENCE_MS, NULL, NULL), TACIT_OK);
    s.number = journal_read(s.world, &s.before);
    assert_int_equal(s.before.journal.state, TI_JOURNAL_IDLE);
    assert_int_equal(s.before.journal.generation, 1);
    synced = 0;
    return s;
}

static void free_scene(scene *s) {
    for (int call = 0; call < FAKE_CALLS; call++) fake_store_gate_open(s->store, (fake_call)call);
    world_free(s->world);
    fake_store_free(s->store);
}

static bool is_idle(void *data) {
    ti_journal_image image;

    journal_read(data, &image);
    return image.journal.state == TI_JOURNAL_IDLE && image.journal.writer == 0;
}

static bool is_of(const ti_token_hash *hash, const char *text) {
    ti_secret *secret = ti_secret_from_string(text);
    bool same = ti_token_hash_is_of(hash, secret);

    ti_secret_unref(secret);
    return same;
}

/* As another process has it. */
static ti_process_lock *open_lock(const scene *s) {
    char *path = journal_path(s->world);
    ti_process_lock *lock;
    int os_error;

    assert_int_equal(ti_process_lock_open(world_state_dir(s->world), strrchr(path, '/') + 1, false,
                                          TI_JOURNAL_FILE_SIZE, &lock, &os_error),
                     TI_LOCK_OK);
    free(path);
    return lock;
}

static bool writer_lives(const scene *s) {
    ti_process_lock *lock = open_lock(s);
    ti_journal_image image;
    bool lives;

    journal_read(s->world, &image);
    lives = ti_process_lock_lives(lock, image.journal.writer);
    ti_process_lock_close(lock);
    return lives;
}

static bool is_turn_free(void *data) {
    ti_process_lock *lock = open_lock(data);
    int os_error;
    bool is_free = ti_process_lock_try(lock, &os_error) == TI_LOCK_OK;

    ti_process_lock_close(lock);
    return is_free;
}

/* The refresh goes on by itself. */
static void begin_refresh(const scene *s) {
    assert_int_equal(tacit_session_refresh(world_session(s->world), TACIT_NO_WAIT, NULL),
                     TACIT_ERR_TIMEOUT);
}

static void read_slot(const scene *s, uint64_t number, unsigned char slot[TI_JOURNAL_SLOT_SIZE]) {
    char *path = journal_path(s->world);
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    assert_int_equal(fseek(file, (long)ti_journal_slot_offset(number), SEEK_SET), 0);
    assert_int_equal(fread(slot, 1, TI_JOURNAL_SLOT_SIZE, file), TI_JOURNAL_SLOT_SIZE);
    fclose(file);
    free(path);
}

/* ------------------------------------------------------------------ the steps */

static void grant_is_noted_before_it_is_sent(void **state) {
    scene s = new_scene();
    ti_journal_image image;
    char *token = server_newest_refresh_token(s.server);

    (void)state;
    server_gate_close(s.server, TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    begin_refresh(&s);
    assert_true(server_gate_waiters(s.server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));

    journal_read(s.world, &image);
    assert_int_equal(image.journal.state, TI_JOURNAL_POSTED);
    assert_int_equal(image.journal.generation, 1);
    assert_int_equal(image.journal.reserved, 2);
    assert_int_equal(image.journal.attempts, 1);
    assert_int_equal(image.journal.posted_boot_ms, world_clock_now(s.world));
    assert_true(is_of(&image.journal.posted, token));
    assert_int_equal(synced, 1);
    free(token);
    free_scene(&s);
}

static void answer_is_noted_before_it_is_saved(void **state) {
    scene s = new_scene();
    ti_journal_image image;
    char *token;

    (void)state;
    fake_store_gate_close(s.store, FAKE_SAVE);
    begin_refresh(&s);
    assert_true(fake_store_gate_waiter(s.store, FAKE_SAVE));

    journal_read(s.world, &image);
    token = server_newest_refresh_token(s.server);
    assert_int_equal(image.journal.state, TI_JOURNAL_ANSWERED);
    assert_int_equal(image.journal.generation, 2);
    assert_true(is_of(&image.journal.head, token));
    assert_true(writer_lives(&s));
    assert_int_equal(synced, 2);
    free(token);
    free_scene(&s);
}

static void *sign_in(void *data) {
    tacit_sign_in_with_tokens(data, "access", 3600, "refresh", NULL);
    return NULL;
}

static void sign_in_is_noted_before_it_is_saved(void **state) {
    scene s = new_scene();
    ti_journal_image image;
    pthread_t thread;

    (void)state;
    fake_store_gate_close(s.store, FAKE_SAVE);
    assert_int_equal(pthread_create(&thread, NULL, sign_in, world_session(s.world)), 0);
    assert_true(fake_store_gate_waiter(s.store, FAKE_SAVE));

    journal_read(s.world, &image);
    fake_store_gate_open(s.store, FAKE_SAVE);
    pthread_join(thread, NULL);
    assert_int_equal(image.journal.state, TI_JOURNAL_ANSWERED);
    assert_int_equal(image.journal.generation, 1);
    assert_false(ti_sign_in_id_equal(&image.journal.sign_in_id, &s.before.journal.sign_in_id));
    assert_true(is_of(&image.journal.head, "refresh"));
    assert_int_not_equal(image.journal.writer, 0);
    free_scene(&s);
}

/* So that whoever finds the record knows that it is over. */
static void sign_out_is_noted_before_the_server_hears_of_it(void **state) {
    scene s = new_scene();
    ti_journal_image image;
    char *record;

    (void)state;
    server_gate_close(s.server, TS_REVOCATION, TS_BEFORE_PROCESSING);
    assert_int_equal(tacit_sign_out(world_session(s.world), TACIT_NO_WAIT, NULL),
                     TACIT_ERR_TIMEOUT);
    assert_true(server_gate_waiters(s.server, TS_REVOCATION, 1, PATIENCE_MS));

    journal_read(s.world, &image);
    record = fake_store_record(s.store);
    assert_non_null(record);
    assert_int_equal(image.journal.state, TI_JOURNAL_SIGNED_OUT);
    assert_true(ti_sign_in_id_equal(&image.journal.sign_in_id, &s.before.journal.sign_in_id));
    assert_int_equal(synced, 1);
    free(record);
    free_scene(&s);
}

/* ------------------------------------------------------------------ unsaved */

/* The others may come in, and learn who has what they lack. */
static void who_could_not_save_lives_on_without_the_turn(void **state) {
    scene s = new_scene();

    (void)state;
    fake_store_fail(s.store, FAKE_SAVE, TACIT_ERR_STORE_LOCKED);
    assert_int_equal(tacit_session_refresh(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);
    world_wait(is_turn_free, &s, "the turn is given back");

    assert_true(writer_lives(&s));
    fake_store_fail(s.store, FAKE_SAVE, TACIT_OK);
    world_clock_move(s.world, HOUR_MS);
    world_wait(is_idle, s.world, "the answer is saved");
    assert_false(writer_lives(&s));
    free_scene(&s);
}

/* R7: it may still write. */
static void turn_is_kept_while_a_save_is_overdue(void **state) {
    scene s = new_scene();

    (void)state;
    fake_store_gate_close(s.store, FAKE_SAVE);
    begin_refresh(&s);
    assert_true(fake_store_gate_waiter(s.store, FAKE_SAVE));
    world_clock_move(s.world, STORE_TIMEOUT_MS + 1);
    world_wait_event(s.world, TACIT_EVENT_REFRESHED, 1);
    usleep(100 * 1000);

    assert_false(is_turn_free(&s));
    fake_store_gate_open(s.store, FAKE_SAVE);
    world_wait(is_turn_free, &s, "the turn is given back");
    free_scene(&s);
}

/* ------------------------------------------------------------------ how */

/* A write that is cut short must find the slot before it as it was. */
static void newest_slot_is_never_written_over(void **state) {
    scene s = new_scene();
    unsigned char before[TI_JOURNAL_SLOT_SIZE], after[TI_JOURNAL_SLOT_SIZE];
    ti_journal_image image;

    (void)state;
    read_slot(&s, s.number, before);
    server_gate_close(s.server, TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    begin_refresh(&s);
    assert_true(server_gate_waiters(s.server, TS_TOKEN_ENDPOINT, 1, PATIENCE_MS));

    assert_int_equal(journal_read(s.world, &image), s.number + 1);
    read_slot(&s, s.number, after);
    assert_memory_equal(before, after, sizeof before);
    free_scene(&s);
}

/* What may be lost costs no wait: that the record is saved says the record too. */
static void refresh_waits_for_the_disk_twice(void **state) {
    scene s = new_scene();

    (void)state;
    assert_int_equal(tacit_session_refresh(world_session(s.world), PATIENCE_MS, NULL), TACIT_OK);
    world_wait(is_idle, s.world, "the turn is given back");
    assert_int_equal(synced, 2);
    free_scene(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grant_is_noted_before_it_is_sent),
        cmocka_unit_test(answer_is_noted_before_it_is_saved),
        cmocka_unit_test(sign_in_is_noted_before_it_is_saved),
        cmocka_unit_test(sign_out_is_noted_before_the_server_hears_of_it),
        cmocka_unit_test(who_could_not_save_lives_on_without_the_turn),
        cmocka_unit_test(turn_is_kept_while_a_save_is_overdue),
        cmocka_unit_test(newest_slot_is_never_written_over),
        cmocka_unit_test(refresh_waits_for_the_disk_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
