/* What another process noted holds for this one. The other process is the test: it writes the journal, and lives or does not. */
#include "support/fake_store.h"
#include "support/journal.h"
#include "support/unit.h"

#include "platform/process_lock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = WORLD_PATIENCE_MS, LIFE = 4711, TRIES_MAX = 500 };

typedef struct scene {
    fake_store *store;
    world *world;
    ts_server *server;
    ti_process_lock *life; /* of the other process; NULL: it is dead */
    ti_journal_image note;
} scene;

/* The other process signed in, and nobody did anything since. */
static scene new_scene(void) {
    scene s = {.store = fake_store_new()};

    s.world = world_new(&(world_options){.store = fake_store_handle(s.store), .clock = true});
    s.server = world_server(s.world);
    world_sign_in(s.world);
    world_restart(s.world);
    assert_int_equal(tacit_session_load(world_session(s.world), PATIENCE_MS, NULL, NULL), TACIT_OK);
    journal_read(s.world, &s.note);
    server_counters_reset(s.server);
    return s;
}

static void free_scene(scene *s) {
    ti_process_lock_close(s->life);
    world_free(s->world);
    fake_store_free(s->store);
}

static void live(scene *s) {
    char *path = journal_path(s->world);
    int os_error;

    assert_int_equal(ti_process_lock_open(world_state_dir(s->world), strrchr(path, '/') + 1, false,
                                          TI_JOURNAL_FILE_SIZE, &s->life, &os_error),
                     TI_LOCK_OK);
    assert_int_equal(ti_process_lock_begin_life(s->life, LIFE, &os_error), TI_LOCK_OK);
    free(path);
}

/* It was answered, and has not saved the answer. */
static void note_unsaved_answer(scene *s) {
    s->note.journal.state = TI_JOURNAL_ANSWERED;
    s->note.journal.generation = s->note.journal.reserved = 2;
    s->note.journal.writer = LIFE;
    s->note.journal.head = (ti_token_hash){{1, 2, 3}};
    journal_write(s->world, &s->note);
}

static void note_refusal(scene *s) {
    s->note.journal.state = TI_JOURNAL_REFUSED;
    s->note.journal.posted = s->note.journal.head;
    journal_write(s->world, &s->note);
}

static tacit_status refresh(const scene *s, tacit_error *error) {
    return tacit_session_refresh(world_session(s->world), PATIENCE_MS, error);
}

static void assert_grants(const scene *s, long n) {
    assert_int_equal(server_counters(s->server).token_requests, n);
}

static long generation_of_record(fake_store *store) {
    char *record = fake_store_record(store);
    long generation = fake_record_generation(record);

    free(record);
    return generation;
}

/* ------------------------------------------------------------------ a newer answer */

static void nothing_is_sent_while_the_heads_writer_lives(void **state) {
    scene s = new_scene();
    tacit_error error;

    (void)state;
    live(&s);
    note_unsaved_answer(&s);
    assert_int_equal(refresh(&s, &error), TACIT_ERR_STORE_UNAVAILABLE);

    assert_true(error.retryable);
    assert_grants(&s, 0);
    assert_int_equal(tacit_session_get_state(world_session(s.world)), TACIT_STATE_SIGNED_IN);
    free_scene(&s);
}

/* Once, since the server may give grace; and generation 2 was given to the answer that is lost. */
static void a_dead_writers_answer_is_asked_for_again(void **state) {
    scene s = new_scene();

    (void)state;
    note_unsaved_answer(&s);
    assert_int_equal(refresh(&s, NULL), TACIT_OK);

    assert_grants(&s, 1);
    assert_int_equal(generation_of_record(s.store), 3);
    free_scene(&s);
}

/* The record of a generation before, and within half a minute the newest again. */
static void save_late(scene *s, long generation) {
    char *newest = fake_store_record(s->store), *late = fake_record_at(newest, generation);
    int tries = 0;

    fake_store_put(s->store, late);
    while (generation_of_record(s->store) != fake_record_generation(newest)) {
        if (++tries == TRIES_MAX) fail_msg("the late record stays");
        if (tries <= 60) world_clock_move(s->world, 500);
        usleep(10 * 1000);
    }
    free(newest);
    free(late);
}

/* R7: a keyring daemon may do what it was asked for by a process that is long dead. */
static void a_dead_writers_late_save_is_undone(void **state) {
    scene s = new_scene();

    (void)state;
    note_unsaved_answer(&s);
    assert_int_equal(refresh(&s, NULL), TACIT_OK);
    for (int i = 0; i < 2; i++) save_late(&s, 2);

    assert_grants(&s, 1);
    free_scene(&s);
}

/* ... also where yet another process took over from it, less than half a minute ago. */
static void whoever_comes_soon_after_a_death_looks_again(void **state) {
    scene s = new_scene();

    (void)state;
    s.note.look_until_boot_ms = world_clock_now(s.world) + 30000;
    journal_write(s.world, &s.note);
    assert_int_equal(refresh(&s, NULL), TACIT_OK);
    save_late(&s, 1);

    assert_grants(&s, 1);
    free_scene(&s);
}

/* ------------------------------------------------------------------ a refusal */

static void what_was_refused_to_another_is_not_sent(void **state) {
    scene s = new_scene();
    tacit_error error;

    (void)state;
    note_refusal(&s);
    refresh(&s, &error);

    assert_true(error.sign_in_required);
    assert_int_equal(tacit_session_get_state(world_session(s.world)), TACIT_STATE_SIGNED_OUT);
    assert_grants(&s, 0);
    free_scene(&s);
}

static void what_was_refused_is_not_loaded(void **state) {
    scene s = new_scene();
    tacit_session_state found;

    (void)state;
    world_close(s.world, PATIENCE_MS);
    note_refusal(&s);
    world_restart(s.world);
    assert_int_equal(tacit_session_load(world_session(s.world), PATIENCE_MS, &found, NULL),
                     TACIT_OK);

    assert_int_equal(found, TACIT_STATE_SIGNED_OUT);
    assert_int_equal(refresh(&s, NULL), TACIT_ERR_SIGN_IN_REQUIRED);
    assert_grants(&s, 0);
    free_scene(&s);
}

/* ------------------------------------------------------------------ a sign-out */

static void a_mark_signs_out_though_the_record_is_there(void **state) {
    scene s = new_scene();
    tacit_session_state found;

    (void)state;
    world_close(s.world, PATIENCE_MS);
    ti_journal_signed_out(&s.note.journal, &s.note.journal.sign_in_id);
    journal_write(s.world, &s.note);
    world_restart(s.world);
    assert_int_equal(tacit_session_load(world_session(s.world), PATIENCE_MS, &found, NULL),
                     TACIT_OK);

    assert_int_equal(found, TACIT_STATE_SIGNED_OUT);
    assert_grants(&s, 0);
    free_scene(&s);
}

static void a_mark_signs_out_who_is_signed_in(void **state) {
    scene s = new_scene();
    char *record;

    (void)state;
    ti_journal_signed_out(&s.note.journal, &s.note.journal.sign_in_id);
    journal_write(s.world, &s.note);
    fake_store_put(s.store, NULL);
    assert_int_equal(refresh(&s, NULL), TACIT_ERR_SIGNED_OUT);

    record = fake_store_record(s.store);
    assert_null(record); /* nobody writes it back */
    assert_grants(&s, 0);
    free_scene(&s);
}

/* ------------------------------------------------------------------ patience */

/* It may be on its way yet, and a server that meets both takes the second for a theft. */
static void a_dead_processs_grant_has_a_second(void **state) {
    scene s = new_scene();
    ti_journal *journal = &s.note.journal;

    (void)state;
    journal->state = TI_JOURNAL_POSTED;
    journal->reserved = 2;
    journal->attempts = 1;
    journal->posted = journal->head;
    journal->posted_boot_ms = world_clock_now(s.world);
    journal_write(s.world, &s.note);
    assert_int_equal(tacit_session_refresh(world_session(s.world), TACIT_NO_WAIT, NULL),
                     TACIT_ERR_TIMEOUT);
    usleep(100 * 1000);
    assert_grants(&s, 0);
    world_clock_move(s.world, 1000);

    assert_true(server_wait_counter(s.server, TS_COUNTER(refreshes_ok), 1, PATIENCE_MS));
    free_scene(&s);
}

static void what_the_server_asked_of_another_is_answered_at_once(void **state) {
    scene s = new_scene();
    tacit_error error;

    (void)state;
    s.note.backoff = (ti_shared_backoff){.failures = 1,
                                         .retry_boot_ms = world_clock_now(s.world) + 9000,
                                         .refuse_until_boot_ms = world_clock_now(s.world) + 9000,
                                         .status = TACIT_ERR_SERVER,
                                         .http_status = 429};
    journal_write(s.world, &s.note);
    assert_int_equal(refresh(&s, &error), TACIT_ERR_SERVER);

    assert_int_equal(error.http_status, 429);
    assert_int_equal(error.retry_after_s, 9);
    assert_grants(&s, 0);
    free_scene(&s);
}

/* R16: only who alone had a refresh token revokes it. Here the other had its successor, and then signed in with the old one again. */
static void what_only_the_other_had_is_not_revoked_here(void **state) {
    scene s = new_scene();
    char *record = fake_store_record(s.store);
    char *others = fake_record_with(record, "sign_in_id", "\"000102030405060708090a0b0c0d0e0f\"");

    (void)state;
    live(&s);
    note_unsaved_answer(&s);
    assert_int_equal(refresh(&s, NULL), TACIT_ERR_STORE_UNAVAILABLE);
    for (unsigned char i = 0; i < TI_SIGN_IN_ID_SIZE; i++) s.note.journal.sign_in_id.bytes[i] = i;
    s.note.journal.state = TI_JOURNAL_IDLE;
    s.note.journal.generation = s.note.journal.reserved = 1;
    s.note.journal.writer = 0;
    journal_write(s.world, &s.note);
    fake_store_put(s.store, others);
    tacit_client_network_changed(world_client(s.world)); /* ends the backoff */
    assert_int_equal(refresh(&s, NULL), TACIT_ERR_SIGNED_OUT);
    assert_int_equal(world_close(s.world, PATIENCE_MS), TACIT_OK); /* revocations included */

    assert_int_equal(server_counters(s.server).revocation_requests, 0);
    free(record);
    free(others);
    free_scene(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_sent_while_the_heads_writer_lives),
        cmocka_unit_test(a_dead_writers_answer_is_asked_for_again),
        cmocka_unit_test(a_dead_writers_late_save_is_undone),
        cmocka_unit_test(whoever_comes_soon_after_a_death_looks_again),
        cmocka_unit_test(what_was_refused_to_another_is_not_sent),
        cmocka_unit_test(what_was_refused_is_not_loaded),
        cmocka_unit_test(a_mark_signs_out_though_the_record_is_there),
        cmocka_unit_test(a_mark_signs_out_who_is_signed_in),
        cmocka_unit_test(a_dead_processs_grant_has_a_second),
        cmocka_unit_test(what_the_server_asked_of_another_is_answered_at_once),
        cmocka_unit_test(what_only_the_other_had_is_not_revoked_here),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
