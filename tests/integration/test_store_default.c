/* The default store: which store it takes on which system, and that it stays with it. */
#include "support/keyring.h"
#include "support/store_contract.h"

#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tacit/tacit.h>

#define APPLICATION "com.example.default"
#define PASSWORD KEYRING_PASSWORD
#define RECORD "{\"refresh_token\":\"a-secret-that-no-file-shows\"}"

/* ------------------------------------------------------------------ what a test starts from */

static void path_in_home(char path[128], const char *name) {
    snprintf(path, 128, "%s/%s", getenv("HOME"), name);
}

static void set_key_file(void) {
    char path[128];

    path_in_home(path, "a.key");
    setenv("TACIT_STORE_KEY_FILE", path, 1);
}

static tacit_store *make(void *data) {
    (void)data;
    if (getenv("DBUS_SESSION_BUS_ADDRESS") != NULL) keyring_home_check();
    return tacit_store_default(APPLICATION, NULL);
}

/* A home and a bus without a service, and no key for a file. */
static int set_up(void **state) {
    (void)state;
    keyring_home_make();
    keyring_bus_start();
    unsetenv("TACIT_STORE_KEY_FILE");
    unsetenv("CREDENTIALS_DIRECTORY");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    keyring_service_stop();
    keyring_bus_stop();
    keyring_home_remove();
    return 0;
}

/* Nor a socket that it would be looked for at. */
static void no_bus(void) {
    char path[128];

    keyring_bus_stop();
    path_in_home(path, "bus");
    assert_int_equal(unlink(path), 0);
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
}

/* ------------------------------------------------------------------ asking, as one process after another */

typedef struct answer {
    tacit_status status;
    tacit_error error;
    char description[256];
    char record[256];
} answer;

static void note(answer *answer, store_user *user) {
    snprintf(answer->description, sizeof answer->description, "%s",
             tacit_store_describe(user->store));
    store_user_close(user);
}

static void load_as(store_user *user, int timeout_ms, answer *answer) {
    const ti_store_late late = {.fn = NULL};
    ti_buffer record = TI_BUFFER_SECRET;
    bool overdue;

    answer->status = ti_store_load(user->calls, user->store, "key", timeout_ms, late, &record,
                                   &overdue, &answer->error);
    if (answer->status == TACIT_OK)
        snprintf(answer->record, sizeof answer->record, "%s", record.data);
    ti_buffer_free(&record);
}

static answer load(void) {
    answer answer = {.record = ""};
    store_user user;

    store_user_open(&user, make(NULL));
    load_as(&user, 20000, &answer);
    note(&answer, &user);
    return answer;
}

static answer save(const char *record) {
    answer answer = {.record = ""};
    store_user user;

    store_user_open(&user, make(NULL));
    answer.status = store_user_save(&user, "key", record, strlen(record));
    note(&answer, &user);
    return answer;
}

static void assert_mentions(const char *text, const char *word) {
    if (strstr(text, word) == NULL) fail_msg("\"%s\" does not mention %s", text, word);
}

static void saved_in(const char *where) {
    answer saved = save(RECORD);

    assert_int_equal(saved.status, TACIT_OK);
    assert_mentions(saved.description, where);
}

static void found_in(const char *where) {
    answer found = load();

    assert_int_equal(found.status, TACIT_OK);
    assert_string_equal(found.record, RECORD);
    assert_mentions(found.description, where);
}

/* Whether a shell command in the home succeeds. */
static bool home_shows(const char *command) {
    char line[512];
    const char *const arguments[] = {"sh", "-c", line, NULL};

    snprintf(line, sizeof line, "cd '%s' && %s", getenv("HOME"), command);
    return keyring_wait(keyring_spawn(arguments)) == 0;
}

static bool remembers_text(const char *text) {
    char command[128];

    snprintf(command, sizeof command, "grep -qx '%s' tacit/*.store", text);
    return home_shows(command);
}

static bool remembers(const char *choice) {
    char text[64];

    snprintf(text, sizeof text, "tacit 1 %s", choice);
    return remembers_text(text);
}

static bool remembers_nothing(void) {
    return home_shows("! ls tacit/*.store");
}

static bool has_no_file_record(void) {
    return home_shows("! ls tacit/*/*.record");
}

/* ------------------------------------------------------------------ which store it takes */

static void a_keyring_is_taken(void **state) {
    store_user keyring;

    (void)state;
    set_key_file();
    keyring_service_start(PASSWORD);
    saved_in("keyring");

    found_in("keyring");
    assert_true(remembers("keyring"));
    assert_true(home_shows("test $(stat -c %a tacit) = 700"));
    assert_true(home_shows("test $(stat -c %a tacit/*.store) = 600"));
    assert_true(has_no_file_record());
    store_user_open(&keyring, tacit_store_keyring(APPLICATION, NULL));
    assert_stored_text(&keyring, "key", RECORD); /* both share their records */
    store_user_close(&keyring);
}

static void a_probe_leaves_nothing_behind(void **state) {
    (void)state;
    keyring_service_start(PASSWORD);

    assert_int_equal(load().status, TACIT_ERR_STORE_NOT_FOUND);

    assert_true(remembers_nothing());
    assert_true(home_shows("! secret-tool search --all application " APPLICATION " 2>&1 | grep ."));
}

static void before_the_first_call_it_touches_nothing(void **state) {
    tacit_store *store;

    (void)state;
    keyring_service_start(PASSWORD);
    store = make(NULL);

    assert_true(strlen(tacit_store_describe(store)) > 0);
    assert_true(home_shows("! ls tacit"));
    tacit_store_unref(store);
}

static void is_in_the_file(void) {
    saved_in("a.key");
    found_in("a.key");
    assert_true(remembers("file"));
    assert_true(home_shows("! grep -r a-secret-that-no-file-shows ."));
}

static void without_a_bus_the_file_is_taken(void **state) {
    (void)state;
    no_bus();
    set_key_file();

    is_in_the_file();
}

static void without_a_service_the_file_is_taken(void **state) {
    (void)state;
    set_key_file();

    is_in_the_file();
}

static void without_a_collection_and_a_display_the_file_is_taken(void **state) {
    (void)state;
    keyring_service_start(NULL);
    set_key_file();

    is_in_the_file();
}

static void with_a_display_the_user_may_still_make_a_keyring(void **state) {
    answer saved;

    (void)state;
    keyring_service_start(NULL);
    set_key_file();
    setenv("DISPLAY", ":77", 1);
    saved = save(RECORD);
    unsetenv("DISPLAY");

    assert_int_equal(saved.status, TACIT_ERR_STORE_UNAVAILABLE);
    assert_true(has_no_file_record());
}

static void a_bus_that_is_away_is_no_missing_bus(void **state) {
    (void)state;
    keyring_bus_stop(); /* its address is still known */
    set_key_file();

    assert_int_equal(save(RECORD).status, TACIT_ERR_STORE_UNAVAILABLE);
    assert_true(has_no_file_record());
}

static void the_key_may_be_a_credential_of_systemd(void **state) {
    (void)state;
    setenv("CREDENTIALS_DIRECTORY", getenv("HOME"), 1);
    assert_int_equal(save(RECORD).status, TACIT_ERR_STORE_UNAVAILABLE); /* none was passed in */
    assert_true(home_shows("umask 077; printf 01234567890123456789012345678901 >tacit.key"));

    saved_in("tacit.key");
    found_in("tacit.key");
    assert_true(home_shows("printf x >>tacit.key"));
    assert_int_equal(load().status, TACIT_ERR_STORE_CORRUPT); /* not a key any more */
    assert_true(home_shows("rm tacit.key"));
    assert_int_equal(save(RECORD).status, TACIT_ERR_STORE_UNAVAILABLE);
    assert_true(home_shows("! ls tacit.key"));
}

static void without_any_it_says_what_to_install_or_set(void **state) {
    answer found;

    (void)state;
    found = load();
    assert_int_equal(found.status, TACIT_ERR_STORE_UNAVAILABLE);
    assert_mentions(found.error.message, "gnome-keyring");
    assert_mentions(found.error.message, "TACIT_STORE_KEY_FILE");

    no_bus();
    found = load();
    assert_int_equal(found.status, TACIT_ERR_STORE_UNAVAILABLE);
    assert_mentions(found.error.message, "session bus");
    assert_mentions(found.error.message, "TACIT_STORE_KEY_FILE");
    assert_true(home_shows("! ls tacit"));
}

/* ------------------------------------------------------------------ a keyring that is there, but not now */

static void a_locked_keyring_is_waited_for(void **state) {
    answer found;

    (void)state;
    set_key_file();
    keyring_service_start(PASSWORD); /* makes it */
    keyring_service_stop();
    keyring_service_start("the wrong password");
    found = load();
    assert_int_equal(found.status, TACIT_ERR_STORE_LOCKED);
    assert_mentions(found.error.message, "keyring is locked");
    assert_int_equal(save(RECORD).status, TACIT_ERR_STORE_LOCKED);
    assert_true(has_no_file_record());
    assert_true(remembers_nothing());
    keyring_service_stop();
    keyring_service_start(PASSWORD);

    saved_in("keyring");
}

static void a_keyring_that_hangs_is_waited_for(void **state) {
    answer found = {.record = ""};
    store_user user;

    (void)state;
    set_key_file();
    keyring_hanging_service_start();
    store_user_open(&user, make(NULL));
    load_as(&user, 300, &found);

    assert_int_equal(found.status, TACIT_ERR_STORE_UNAVAILABLE);
    assert_mentions(found.error.message, "the system's keyring, which");
    assert_true(remembers_nothing());
    keyring_service_stop(); /* which ends the call */
    store_user_close(&user);
}

/* ------------------------------------------------------------------ it stays with its choice */

static void a_keyring_that_went_is_named_and_not_replaced(void **state) {
    answer found;

    (void)state;
    set_key_file();
    keyring_service_start(PASSWORD);
    saved_in("keyring");
    keyring_service_stop();

    found = load();
    assert_int_equal(found.status, TACIT_ERR_STORE_UNAVAILABLE);
    assert_mentions(found.error.message, "keyring");
    assert_int_equal(save("another").status, TACIT_ERR_STORE_UNAVAILABLE);
    assert_true(has_no_file_record());

    keyring_service_start(PASSWORD);
    found_in("keyring");
}

static void a_file_stays_where_a_keyring_came(void **state) {
    (void)state;
    set_key_file();
    saved_in("a.key");

    keyring_service_start(PASSWORD);

    found_in("a.key");
    saved_in("a.key");
}

static void a_file_without_its_key_is_named(void **state) {
    answer found;

    (void)state;
    set_key_file();
    saved_in("a.key");
    unsetenv("TACIT_STORE_KEY_FILE");
    keyring_service_start(PASSWORD);

    found = load();
    assert_int_equal(found.status, TACIT_ERR_STORE_UNAVAILABLE);
    assert_mentions(found.error.message, "TACIT_STORE_KEY_FILE");
    assert_mentions(found.error.message, "file");
}

static void one_object_stays_too(void **state) {
    store_user user;

    (void)state;
    set_key_file();
    keyring_service_start(PASSWORD);
    store_user_open(&user, make(NULL));
    assert_not_stored(&user, "key");
    keyring_service_stop();

    assert_int_equal(store_user_save(&user, "key", "x", 1), TACIT_ERR_STORE_UNAVAILABLE);
    assert_true(has_no_file_record());
    keyring_service_start(PASSWORD);
    assert_int_equal(store_user_save(&user, "key", "x", 1), TACIT_OK);
    assert_true(remembers("keyring"));
    store_user_close(&user);
}

static void who_saves_first_chooses_for_all(void **state) {
    store_user user;

    (void)state;
    set_key_file();
    keyring_service_start(PASSWORD);
    store_user_open(&user, make(NULL));
    assert_not_stored(&user, "key"); /* it would be the keyring */
    keyring_service_stop();
    saved_in("a.key"); /* by another process */

    assert_int_equal(store_user_save(&user, "key", "newer", 5), TACIT_OK);
    assert_mentions(tacit_store_describe(user.store), "a.key");
    store_user_close(&user);
    assert_string_equal(load().record, "newer");
}

static void an_erased_record_does_not_open_the_choice(void **state) {
    store_user user;

    (void)state;
    set_key_file();
    saved_in("a.key");
    store_user_open(&user, make(NULL));
    assert_int_equal(store_user_erase(&user, "key"), TACIT_OK);
    store_user_close(&user);
    keyring_service_start(PASSWORD);

    assert_int_equal(load().status, TACIT_ERR_STORE_NOT_FOUND);
    saved_in("a.key");
}

static void applications_choose_for_themselves(void **state) {
    store_user other;

    (void)state;
    set_key_file();
    saved_in("a.key");
    keyring_service_start(PASSWORD);
    store_user_open(&other, tacit_store_default("com.example.other", NULL));
    assert_not_stored(&other, "key");
    assert_mentions(tacit_store_describe(other.store), "keyring");
    store_user_close(&other);

    keyring_service_stop();
    store_user_open(&other, tacit_store_default("com.example.another", NULL));
    assert_not_stored(&other, "key"); /* a file too, but its own */
    assert_int_equal(store_user_save(&other, "key", "x", 1), TACIT_OK);
    store_user_close(&other);
    found_in("a.key");
}

/* ------------------------------------------------------------------ sessions that name no store */

static tacit_session *open_session_in(tacit_client *client, tacit_provider *provider,
                                      tacit_store *store) {
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_session *session;
    tacit_session_state state;

    options.client_id = "test-client";
    options.policy = TACIT_POLICY_REACTIVE;
    options.store = store;
    session = tacit_session_open(client, provider, &options, NULL);
    assert_non_null(session);
    assert_int_equal(tacit_session_load(session, 20000, &state, NULL), TACIT_OK);
    return session;
}

static tacit_session *open_session(tacit_client *client, tacit_provider *provider) {
    return open_session_in(client, provider, NULL);
}

static tacit_client *new_client_of(const char *application_id) {
    tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;
    tacit_client *client;

    options.application_id = application_id;
    client = tacit_client_new(&options, NULL);
    assert_non_null(client);
    return client;
}

static tacit_client *new_client(void) {
    return new_client_of(APPLICATION);
}

static void end_client(tacit_client *client, tacit_session *session) {
    assert_int_equal(tacit_session_close(session, 20000), TACIT_OK);
    assert_int_equal(tacit_client_shutdown(client, 20000, NULL), TACIT_OK);
    tacit_client_unref(client);
}

/* In one client they are one sign-in; in the next, as in another process, it is found again. */
static void sessions_without_a_store_share_the_default(void **state) {
    tacit_provider *provider =
        tacit_provider_from_json("{\"token_endpoint\": \"http://127.0.0.1:9/\"}", NULL);
    tacit_client *client = new_client();
    tacit_session *session, *other;

    (void)state;
    keyring_service_start(PASSWORD);
    session = open_session(client, provider);
    other = open_session(client, provider);
    assert_int_equal(tacit_sign_in_with_tokens(session, "access", 3600, "refresh", NULL), TACIT_OK);
    assert_int_equal(tacit_session_get_state(other), TACIT_STATE_SIGNED_IN);
    tacit_session_close(other, TACIT_NO_WAIT);
    end_client(client, session);

    client = new_client();
    session = open_session(client, provider);
    assert_int_equal(tacit_session_get_state(session), TACIT_STATE_SIGNED_IN);
    end_client(client, session);
    tacit_provider_unref(provider);
    assert_true(remembers("keyring"));
    assert_true(has_no_file_record());
}

/* Written by the dispatch thread, read when the client is gone. */
static void note_loaded(tacit_session *session, const tacit_event *event, void *data) {
    char *message = data;

    (void)session;
    if (event->type == TACIT_EVENT_LOADED) snprintf(message, 256, "%s", event->message);
}

static void the_event_says_which_store_it_is(void **state) {
    tacit_provider *provider =
        tacit_provider_from_json("{\"token_endpoint\": \"http://127.0.0.1:9/\"}", NULL);
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_client *client = new_client();
    char message[256] = "";

    (void)state;
    keyring_service_start(PASSWORD);
    options.client_id = "test-client";
    options.on_event = note_loaded;
    options.event_data = message;
    tacit_session *session = tacit_session_open(client, provider, &options, NULL);
    assert_int_equal(tacit_session_load(session, 20000, NULL, NULL), TACIT_OK);
    end_client(client, session);

    assert_mentions(message, "keyring");
    tacit_provider_unref(provider);
}

/* Signs in, as a program does that names its store itself. */
static void sign_in_to_keyring(tacit_provider *provider, const char *client_application,
                               const char *store_application) {
    tacit_store *store = tacit_store_keyring(store_application, NULL);
    tacit_client *client = new_client_of(client_application);
    tacit_session *session = open_session_in(client, provider, store);

    assert_int_equal(tacit_sign_in_with_tokens(session, "access", 3600, "refresh", NULL), TACIT_OK);
    end_client(client, session);
    tacit_store_unref(store);
}

/* Or two processes would refresh one token at the same time, and one sign-out would end two. */
static void who_shares_a_record_shares_its_journal_and_nobody_else(void **state) {
    tacit_provider *provider =
        tacit_provider_from_json("{\"token_endpoint\": \"http://127.0.0.1:9/\"}", NULL);
    tacit_client *client = new_client();
    tacit_session *session;

    (void)state;
    keyring_service_start(PASSWORD);
    session = open_session(client, provider);
    assert_int_equal(tacit_sign_in_with_tokens(session, "access", 3600, "refresh", NULL), TACIT_OK);
    end_client(client, session);
    assert_true(home_shows("test $(ls tacit/*.journal | wc -l) = 1"));

    sign_in_to_keyring(provider, NULL, APPLICATION);
    sign_in_to_keyring(provider, "com.example.other", APPLICATION);
    assert_true(home_shows("test $(ls tacit/*.journal | wc -l) = 1"));

    sign_in_to_keyring(provider, NULL, "com.example.other");
    assert_true(home_shows("test $(ls tacit/*.journal | wc -l) = 2"));
    tacit_provider_unref(provider);
}

/* ------------------------------------------------------------------ bad memories */

static void a_memory_that_is_none_is_left_alone(void **state) {
    answer found;

    (void)state;
    set_key_file();
    saved_in("a.key");
    assert_true(home_shows("for f in tacit/*.store; do echo tacit 2 vault >$f; done"));

    found = load();
    assert_int_equal(found.status, TACIT_ERR_STORE_CORRUPT);
    assert_mentions(found.error.message, ".store");
    assert_int_equal(save("another").status, TACIT_ERR_STORE_CORRUPT);
    assert_true(remembers_text("tacit 2 vault"));
    assert_true(home_shows("for f in tacit/*.store; do echo tacit 1 file >$f; done"));
    found_in("a.key");
}

static void a_directory_that_is_open_to_others_is_refused(void **state) {
    answer found;

    (void)state;
    set_key_file();
    saved_in("a.key");
    assert_true(home_shows("chmod 777 tacit"));

    found = load();
    assert_int_equal(found.status, TACIT_ERR_STORE_FAILED);
    assert_mentions(found.error.message, "/tacit");
    assert_true(home_shows("chmod 700 tacit"));
    found_in("a.key");
}

static void without_a_home_the_keyring_still_works(void **state) {
    char home[128];

    (void)state;
    snprintf(home, sizeof home, "%s", getenv("HOME"));
    keyring_service_start(PASSWORD);
    unsetenv("HOME");
    unsetenv("XDG_STATE_HOME");

    saved_in("keyring");
    found_in("keyring");

    setenv("HOME", home, 1);
}

/* ------------------------------------------------------------------ a system without libsecret */

/* The program that without_libsecret starts: answers the status of a load. */
static int load_and_return(void) {
    answer found = load();

    printf("%s\n", found.error.message);
    return (int)found.status;
}

static void without_libsecret_the_file_is_taken(void **state) {
    const char *const arguments[] = {"self", "--load", NULL};

    (void)state;
    assert_true(
        home_shows("touch libsecret-1.so.0")); /* found before the real one, and no library */
    setenv("LD_LIBRARY_PATH", getenv("HOME"), 1);
    assert_int_equal(keyring_wait(keyring_spawn(arguments)), TACIT_ERR_STORE_UNAVAILABLE);
    assert_true(home_shows("grep -q 'install libsecret' log"));
    set_key_file();
    assert_int_equal(keyring_wait(keyring_spawn(arguments)), TACIT_ERR_STORE_NOT_FOUND);
    unsetenv("LD_LIBRARY_PATH");

    /* Remembered as the keyring's, it is not looked for in the file. */
    keyring_service_start(PASSWORD);
    saved_in("keyring");
    setenv("LD_LIBRARY_PATH", getenv("HOME"), 1);
    assert_int_equal(keyring_wait(keyring_spawn(arguments)), TACIT_ERR_STORE_UNAVAILABLE);
    unsetenv("LD_LIBRARY_PATH");
}

/* ------------------------------------------------------------------ */

static tacit_store *make_at(const char *place) {
    (void)place; /* the environment leads there */
    return make(NULL);
}

static int run_contract(bool with_service) {
    const store_contract contract = {
        .name = with_service ? "default, keyring" : "default, file",
        .make = make,
        .persistent = true,
        .place = "the home",
        .lock = with_service ? keyring_lock : NULL,
        .away = with_service ? keyring_take_away : NULL,
        .hang = with_service ? keyring_hang : NULL,
    };
    int failed;

    set_up(NULL);
    set_key_file();
    if (with_service) keyring_service_start(PASSWORD);
    failed = store_contract_run(&contract);
    tear_down(NULL);
    return failed;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static int run_cases(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_keyring_is_taken),
        CASE(a_probe_leaves_nothing_behind),
        CASE(before_the_first_call_it_touches_nothing),
        CASE(without_a_bus_the_file_is_taken),
        CASE(without_a_service_the_file_is_taken),
        CASE(without_a_collection_and_a_display_the_file_is_taken),
        CASE(with_a_display_the_user_may_still_make_a_keyring),
        CASE(a_bus_that_is_away_is_no_missing_bus),
        CASE(the_key_may_be_a_credential_of_systemd),
        CASE(without_any_it_says_what_to_install_or_set),
        CASE(a_locked_keyring_is_waited_for),
        CASE(a_keyring_that_hangs_is_waited_for),
        CASE(a_keyring_that_went_is_named_and_not_replaced),
        CASE(a_file_stays_where_a_keyring_came),
        CASE(a_file_without_its_key_is_named),
        CASE(one_object_stays_too),
        CASE(who_saves_first_chooses_for_all),
        CASE(an_erased_record_does_not_open_the_choice),
        CASE(applications_choose_for_themselves),
        CASE(sessions_without_a_store_share_the_default),
        CASE(the_event_says_which_store_it_is),
        CASE(who_shares_a_record_shares_its_journal_and_nobody_else),
        CASE(a_memory_that_is_none_is_left_alone),
        CASE(a_directory_that_is_open_to_others_is_refused),
        CASE(without_a_home_the_keyring_still_works),
        CASE(without_libsecret_the_file_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Built without libsecret or libcrypto there is less to choose from. */
static bool is_unsupported(void) {
    const tacit_store_file_options none = TACIT_STORE_FILE_OPTIONS_INIT;
    tacit_error keyring, file;

    tacit_store_unref(tacit_store_keyring(APPLICATION, &keyring));
    tacit_store_unref(tacit_store_file(&none, &file));
    return keyring.status == TACIT_ERR_UNSUPPORTED || file.status == TACIT_ERR_UNSUPPORTED;
}

int main(int argc, char **argv) {
    keyring_hanging_service_main(argc, argv);
    store_contract_worker(argc, argv, make_at);
    if (argc == 2 && strcmp(argv[1], "--load") == 0) return load_and_return();
    if (is_unsupported()) return 0;
    return run_contract(true) + run_contract(false) + run_cases();
}
