/*
 * fork(): the child cannot use what its parent made, does it no harm, and can make its own.
 *
 * What a child finds wrong it says on stderr, and in how it exits; one that hangs is killed.
 */
#include "support/exports.h"
#include "support/fixture.h"
#include "support/forgetful_store.h"
#include "support/keyring.h"
#include "support/sanitizer.h"
#include "support/unit.h"
#include "support/world.h"

#include "platform/os.h"
#include "session/client.h"
#include "session/store.h"
#include "transport/internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHILD_S = 50, PATH_SIZE = 256 };

static bool is_child;

/* What a child inherits stays where it is: no leak. The sanitizers ask this. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) {
    return is_child;
}

/* And here they are told that a child may start threads, and that it lacks its parent's. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
    return "die_after_fork=0:report_thread_leaks=0";
}

/* ------------------------------------------------------------------ children */

typedef struct child {
    pid_t pid;
    atomic_int *result; /* shared: its exit code may be valgrind's, for what nobody frees there */
} child;

static pid_t fork_as_usual(void) {
    return fork();
}

/* libc knows nothing of it, and none of its handlers of forks runs. */
static pid_t fork_raw(void) {
    return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
}

/* How children end. exit() runs OpenSSL's cleanup, which waits for ever where another thread held a lock of OpenSSL at the fork. */
static void (*end_child)(int code) = exit;

static void run_and_exit(int (*body)(void), atomic_int *result) {
    sigset_t alarms;

    is_child = true;
    /* On a thread of the library every signal is blocked. */
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
    alarm(CHILD_S);
    atomic_store(result, body());
    end_child(0);
}

static child start_child_by(pid_t (*fork_it)(void), int (*body)(void)) {
    child c = {.result = mmap(NULL, sizeof *c.result, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0)};

    if (c.result == MAP_FAILED) abort();
    atomic_init(c.result, -1);
    fflush(NULL);
    c.pid = fork_it();
    if (c.pid == 0) run_and_exit(body, c.result);
    return c;
}

static child start_child(int (*body)(void)) {
    return start_child_by(fork_as_usual, body);
}

/* What body answered, 0: it went as it should; minus the signal that ended it. */
static int wait_for(child c) {
    int status, result = -1;

    if (c.pid > 0 && waitpid(c.pid, &status, 0) == c.pid)
        result = WIFSIGNALED(status) ? -WTERMSIG(status) : atomic_load(c.result);
    munmap(c.result, sizeof *c.result);
    return result;
}

static int in_child(int (*body)(void)) {
    return wait_for(start_child(body));
}

/* ------------------------------------------------------------------ what is inherited */

static struct {
    world *world;
    tacit_client *client;
    tacit_provider *provider, *spare_provider, *named_provider;
    tacit_store *store;
    tacit_session *session;
    tacit_token *token, *last_token; /* last: nobody else has a reference */
    tacit_response *response, *spare_response;
    tacit_call *call;     /* is over */
    char *json, *ca_file; /* what a child needs of the server, which it cannot ask */
    char origin[PATH_SIZE], url[PATH_SIZE];
} given;

static tacit_response *get(void) {
    tacit_response *response;

    assert_int_equal(tacit_get(given.session, given.url, &response, NULL), TACIT_OK);
    assert_int_equal(tacit_response_status(response), 200);
    return response;
}

static void count_done(tacit_call *call, tacit_response *response, const tacit_error *error,
                       void *count) {
    (void)call, (void)response, (void)error;
    atomic_fetch_add((atomic_int *)count, 1);
}

static bool is_done(void *count) {
    return atomic_load((atomic_int *)count) == 1;
}

/* One that fails, so that nothing else changes. */
static tacit_call *finished_call(tacit_session *session) {
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;
    static atomic_int done;
    tacit_call *call;

    atomic_init(&done, 0);
    o.username = "alice";
    o.password = "wrong";
    call = tacit_sign_in_async(session, TACIT_GRANT_PASSWORD, &o, count_done, &done, NULL);
    assert_non_null(call);
    world_wait(is_done, &done, "the call is over");
    return call;
}

/* A world that is signed in, and one of everything that an app can hold. */
static void give(world *w) {
    memset(&given, 0, sizeof given);
    given.world = w;
    given.client = world_client(w);
    given.store = world_store(w);
    given.session = world_session(w);
    given.provider = world_provider(w);
    given.json = strdup(server_provider_json(world_server(w)));
    given.spare_provider = tacit_provider_from_json(given.json, NULL);
    given.named_provider = tacit_provider_from_issuer("https://as.example", NULL);
    snprintf(given.origin, sizeof given.origin, "%s", server_url(world_server(w), ""));
    snprintf(given.url, sizeof given.url, "%s", server_url(world_server(w), "/api/x"));
    world_sign_in(w);
    given.last_token = world_token(w);
    assert_int_equal(tacit_session_refresh(given.session, TACIT_TIMEOUT_DEFAULT, NULL), TACIT_OK);
    given.token = world_token(w);
    given.response = get();
    given.spare_response = get();
    given.call = finished_call(given.session);
}

static void take_back(void) {
    tacit_response_free(given.response);
    tacit_response_free(given.spare_response);
    tacit_call_unref(given.call);
    tacit_token_unref(given.token);
    tacit_token_unref(given.last_token);
    tacit_provider_unref(given.spare_provider);
    tacit_provider_unref(given.named_provider);
    world_free(given.world);
    free(given.json);
}

static void log_nothing(tacit_log_level level, const char *message, void *data) {
    (void)level, (void)message, (void)data;
}

static int set_up(void **state) {
    world_options options = {.client = TACIT_CLIENT_OPTIONS_INIT};

    (void)state;
    options.client.log = log_nothing; /* so that there are tokens to be masked */
    give(world_new(&options));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    take_back();
    return 0;
}

/* ------------------------------------------------------------------ every function */

static bool forked(tacit_status status, const tacit_error *error) {
    return status == TACIT_ERR_FORKED && error->status == TACIT_ERR_FORKED && !error->retryable &&
           strstr(error->message, "forked") != NULL;
}

static bool check_plain(void) {
    void *memory = tacit_alloc(1);

    tacit_free(memory);
    return memory != NULL && *tacit_version() != '\0' &&
           strcmp(tacit_status_name(TACIT_ERR_FORKED), "TACIT_ERR_FORKED") == 0 &&
           tacit_global_init(0, NULL) == TACIT_ERR_INVALID_ARGUMENT;
}

static bool check_client_new(void) {
    tacit_client *own = tacit_client_new(NULL, NULL);

    tacit_client_unref(own);
    return own != NULL;
}

static bool check_client(void) {
    tacit_client_stats stats = TACIT_CLIENT_STATS_INIT;
    tacit_error error;

    stats.requests = 77;
    tacit_client_get_stats(given.client, &stats);
    tacit_client_network_changed(given.client);
    tacit_client_clock_moved(given.client);
    for (int i = 0; i < 3; i++) tacit_client_unref(given.client);
    return stats.requests == 77 && forked(tacit_client_shutdown(given.client, 0, &error), &error) &&
           tacit_client_shutdown(given.client, TACIT_TIMEOUT_DEFAULT, NULL) == TACIT_ERR_FORKED;
}

static bool check_provider(void) {
    tacit_provider *own = tacit_provider_from_json(given.json, NULL);
    tacit_provider *named = tacit_provider_from_issuer("https://as.example", NULL);
    char *text =
        tacit_provider_read_answer(given.spare_provider, TACIT_ANSWER_REFRESH, "{}", 2, NULL);
    bool made = own != NULL && named != NULL && text != NULL;

    tacit_free(text);
    tacit_provider_unref(own);
    tacit_provider_unref(named);
    tacit_provider_unref(given.spare_provider);
    tacit_provider_unref(given.named_provider);
    return made;
}

static bool check_send(void) {
    tacit_request request = TACIT_REQUEST_INIT;
    tacit_response *response = given.response;
    tacit_error error;

    request.url = given.url;
    return forked(tacit_send(given.session, &request, &response, &error), &error) &&
           response == NULL &&
           forked(tacit_get(given.session, given.url, &response, &error), &error) &&
           tacit_get(given.session, given.url, &response, NULL) == TACIT_ERR_FORKED;
}

/* Plain memory: it goes on to work. */
static bool check_response(void) {
    const tacit_response *response = given.response;
    bool works = tacit_response_status(response) == 200 && tacit_response_attempts(response) == 1 &&
                 tacit_response_header(response, "Content-Type") != NULL &&
                 tacit_response_header_at(response, "Content-Type", 0) != NULL &&
                 tacit_response_header_line(response, 0) != NULL &&
                 strlen(tacit_response_body(response)) == tacit_response_body_size(response) &&
                 strcmp(tacit_response_url(response), given.url) == 0;

    tacit_response_free(given.spare_response);
    return works;
}

static tacit_session *open_with(tacit_client *client, tacit_store *store, tacit_error *error) {
    const char *const origins[] = {given.origin, NULL};
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;

    options.client_id = "test-client";
    options.origins = origins;
    options.store = store;
    return tacit_session_open(client, given.provider, &options, error);
}

static bool check_session_open(void) {
    tacit_client *client = tacit_client_new(NULL, NULL);
    tacit_store *store = tacit_store_memory();
    tacit_error error;
    bool refused = open_with(given.client, given.store, &error) == NULL &&
                   forked(error.status, &error) && open_with(given.client, store, &error) == NULL &&
                   forked(error.status, &error) && open_with(client, given.store, &error) == NULL &&
                   forked(error.status, &error);

    tacit_store_unref(store);
    tacit_client_unref(client);
    return refused;
}

static bool check_session_token(void) {
    tacit_session *session = given.session;
    tacit_token *token = given.token;
    tacit_error error;

    return forked(tacit_session_token(session, 0, TACIT_NO_WAIT, &token, &error), &error) &&
           token == NULL &&
           tacit_session_token(session, 0, 1000, &token, NULL) == TACIT_ERR_FORKED &&
           forked(tacit_session_renew(session, given.token, 1000, &token, &error), &error) &&
           token == NULL &&
           forked(tacit_session_refresh(session, TACIT_TIMEOUT_DEFAULT, &error), &error);
}

static bool check_session(void) {
    tacit_session *session = given.session;
    tacit_session_state state = TACIT_STATE_SIGNED_IN;
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;
    tacit_error error;

    stats.requests = 77;
    tacit_session_get_stats(session, &stats);
    if (stats.requests != 77 || tacit_session_ref(session) != session) return false;
    for (int i = 0; i < 5; i++) tacit_session_unref(session);
    return tacit_session_get_state(session) == TACIT_STATE_UNKNOWN &&
           forked(tacit_session_load(session, TACIT_TIMEOUT_DEFAULT, &state, &error), &error) &&
           state == TACIT_STATE_UNKNOWN && tacit_session_close(session, 1000) == TACIT_ERR_FORKED &&
           tacit_session_close(session, TACIT_NO_WAIT) == TACIT_ERR_FORKED;
}

static bool check_sign_in(void) {
    tacit_session *session = given.session;
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;
    tacit_error error;

    o.redirect_uri = "app:/";
    tacit_sign_in_cancel(session);
    if (tacit_sign_in_browser_begin(session, &o, &error) != NULL ||
        error.status != TACIT_ERR_FORKED)
        return false;
    return forked(tacit_sign_in_browser_finish(session, "app:/?code=1", -1, &error), &error) &&
           forked(tacit_sign_in_with_browser(session, NULL, &error), &error) &&
           forked(tacit_sign_in_with_password(session, "a", "b", NULL, &error), &error) &&
           forked(tacit_sign_in_with_device_code(session, NULL, &error), &error) &&
           forked(tacit_sign_in_with_client_credentials(session, NULL, &error), &error) &&
           forked(tacit_sign_in_with_refresh_token(session, "r", NULL, &error), &error) &&
           forked(tacit_sign_in_with_tokens(session, "a", -1, "r", &error), &error) &&
           forked(tacit_sign_out(session, TACIT_TIMEOUT_DEFAULT, &error), &error) &&
           tacit_sign_out(session, TACIT_NO_WAIT, NULL) == TACIT_ERR_FORKED;
}

static void must_not_be_done(tacit_call *call, tacit_response *response, const tacit_error *error,
                             void *user_data) {
    (void)call, (void)response, (void)error, (void)user_data;
    abort();
}

static bool check_call(void) {
    tacit_session *session = given.session;
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;
    tacit_error error;

    o.username = "alice";
    o.password = "wonderland";
    for (int i = 0; i < 5; i++) {
        tacit_call_cancel(given.call);
        tacit_call_pause(given.call);
        tacit_call_resume(given.call);
        tacit_call_unref(given.call);
    }
    return tacit_sign_in_async(session, TACIT_GRANT_PASSWORD, &o, must_not_be_done, NULL, &error) ==
               NULL &&
           forked(error.status, &error) &&
           tacit_sign_out_async(session, -1, must_not_be_done, NULL, &error) == NULL &&
           forked(error.status, &error);
}

static void must_not_come(tacit_call *call, tacit_token *token, const tacit_error *error,
                          void *user_data) {
    (void)call, (void)token, (void)error, (void)user_data;
    abort();
}

static bool check_engine(void) {
    tacit_session *session = given.session;
    tacit_request request = TACIT_REQUEST_INIT;
    tacit_error error;

    request.url = "http://127.0.0.1/";
    return tacit_send_async(session, &request, must_not_be_done, NULL, &error) == NULL &&
           forked(error.status, &error) &&
           tacit_session_token_async(session, NULL, 0, -1, must_not_come, NULL, &error) == NULL &&
           forked(error.status, &error);
}

static bool check_id_token(void) {
    tacit_error error;

    return tacit_session_claims_json(given.session, &error) == NULL &&
           forked(error.status, &error) &&
           tacit_session_end_session_url(given.session, NULL, &error) == NULL &&
           forked(error.status, &error) && tacit_session_claims_json(given.session, NULL) == NULL &&
           tacit_session_end_session_url(given.session, NULL, NULL) == NULL;
}

static bool check_store_custom(void) {
    tacit_store *own = tacit_store_custom(&forgetful_store_ops, NULL, NULL);

    tacit_store_unref(own);
    return own != NULL;
}

static bool check_store_memory(void) {
    tacit_store *own = tacit_store_memory();

    tacit_store_unref(own);
    return own != NULL;
}

/* What they make is in the hands of other tests. */
static bool check_store_new(void) {
    return tacit_store_default(NULL, NULL) == NULL && tacit_store_keyring(NULL, NULL) == NULL &&
           tacit_store_kernel_keyring(NULL, NULL) == NULL &&
           tacit_store_keychain(NULL, NULL) == NULL && tacit_store_file(NULL, NULL) == NULL;
}

static bool check_store(void) {
    unsigned refs = atomic_load(&given.store->refs);

    if (tacit_store_ref(given.store) != given.store) return false;
    for (int i = 0; i < 5; i++) tacit_store_unref(given.store);
    return atomic_load(&given.store->refs) == refs &&
           strcmp(tacit_store_describe(given.store), "") != 0;
}

/* Plain memory, too. */
static bool check_token(void) {
    tacit_token *token = given.token;
    bool works = strncmp(tacit_token_authorization(token), "Bearer ", 7) == 0 &&
                 strcmp(tacit_token_type(token), "Bearer") == 0 &&
                 strcmp(tacit_token_value(token), tacit_token_authorization(token) + 7) == 0 &&
                 tacit_token_generation(token) == 2 && tacit_token_expires_in_s(token) > 0 &&
                 tacit_token_ref(token) == token;

    tacit_token_unref(token);
    tacit_token_unref(given.last_token);
    return works;
}

static const struct {
    const char *function;
    bool (*check)(void);
} checks[] = {
    {"tacit_alloc", check_plain},
    {"tacit_call_cancel", check_call},
    {"tacit_call_pause", check_call},
    {"tacit_call_resume", check_call},
    {"tacit_call_unref", check_call},
    {"tacit_client_clock_moved", check_client},
    {"tacit_client_get_stats", check_client},
    {"tacit_client_network_changed", check_client},
    {"tacit_client_new", check_client_new},
    {"tacit_client_shutdown", check_client},
    {"tacit_client_unref", check_client},
    {"tacit_free", check_plain},
    {"tacit_get", check_send},
    {"tacit_global_init", check_plain},
    {"tacit_provider_from_issuer", check_provider},
    {"tacit_provider_from_json", check_provider},
    {"tacit_provider_read_answer", check_provider},
    {"tacit_provider_unref", check_provider},
    {"tacit_response_attempts", check_response},
    {"tacit_response_body", check_response},
    {"tacit_response_body_size", check_response},
    {"tacit_response_free", check_response},
    {"tacit_response_header", check_response},
    {"tacit_response_header_at", check_response},
    {"tacit_response_header_line", check_response},
    {"tacit_response_retries", check_response},
    {"tacit_response_status", check_response},
    {"tacit_response_url", check_response},
    {"tacit_send", check_send},
    {"tacit_send_async", check_engine},
    {"tacit_session_claims_json", check_id_token},
    {"tacit_session_close", check_session},
    {"tacit_session_end_session_url", check_id_token},
    {"tacit_session_get_state", check_session},
    {"tacit_session_get_stats", check_session},
    {"tacit_session_load", check_session},
    {"tacit_session_open", check_session_open},
    {"tacit_session_ref", check_session},
    {"tacit_session_refresh", check_session_token},
    {"tacit_session_renew", check_session_token},
    {"tacit_session_token", check_session_token},
    {"tacit_session_token_async", check_engine},
    {"tacit_session_unref", check_session},
    {"tacit_sign_in_async", check_call},
    {"tacit_sign_in_browser_begin", check_sign_in},
    {"tacit_sign_in_browser_finish", check_sign_in},
    {"tacit_sign_in_cancel", check_sign_in},
    {"tacit_sign_in_with_browser", check_sign_in},
    {"tacit_sign_in_with_client_credentials", check_sign_in},
    {"tacit_sign_in_with_device_code", check_sign_in},
    {"tacit_sign_in_with_password", check_sign_in},
    {"tacit_sign_in_with_refresh_token", check_sign_in},
    {"tacit_sign_in_with_tokens", check_sign_in},
    {"tacit_sign_out", check_sign_in},
    {"tacit_sign_out_async", check_call},
    {"tacit_status_name", check_plain},
    {"tacit_store_custom", check_store_custom},
    {"tacit_store_default", check_store_new},
    {"tacit_store_describe", check_store},
    {"tacit_store_file", check_store_new},
    {"tacit_store_kernel_keyring", check_store_new},
    {"tacit_store_keychain", check_store_new},
    {"tacit_store_keyring", check_store_new},
    {"tacit_store_memory", check_store_memory},
    {"tacit_store_ref", check_store},
    {"tacit_store_unref", check_store},
    {"tacit_token_authorization", check_token},
    {"tacit_token_expires_in_s", check_token},
    {"tacit_token_generation", check_token},
    {"tacit_token_ref", check_token},
    {"tacit_token_type", check_token},
    {"tacit_token_unref", check_token},
    {"tacit_token_value", check_token},
    {"tacit_version", check_plain},
};
enum { CHECKS = sizeof checks / sizeof *checks };

static bool is_checked(size_t index) {
    for (size_t i = 0; i < index; i++)
        if (checks[i].check == checks[index].check) return true;
    return false;
}

/* Once in a child, since some give up what they were given. */
static int call_every_function(void) {
    for (size_t i = 0; i < CHECKS; i++) {
        if (is_checked(i) || checks[i].check()) continue;
        fprintf(stderr, "in the child %s, or a function beside it, does not do what it should\n",
                checks[i].function);
        return 1;
    }
    return 0;
}

static void no_function_is_forgotten(void **state) {
    (void)state;
    assert_every_export_has_row(checks, sizeof *checks, CHECKS);
}

static void inherited_objects_are_refused_or_left_alone(void **state) {
    (void)state;

    assert_int_equal(in_child(call_every_function), 0);

    assert_int_equal(world_get(given.world, "/api/x"), 200);
    assert_int_equal(tacit_session_get_state(given.session), TACIT_STATE_SIGNED_IN);
}

/* As if threads that the child lacks held them: whoever takes one hangs. */
static void no_inherited_lock_is_taken(void **state) {
    tacit_client *client = given.client;
    ti_identity *identity = client->identities;
    pthread_mutex_t *const locks[] = {&client->lock, &identity->lock, &given.store->lock,
                                      &client->transport->lock, &client->context->log.lock};
    int result;

    (void)state;
    for (size_t i = 0; i < sizeof locks / sizeof *locks; i++) pthread_mutex_lock(locks[i]);
    result = in_child(call_every_function);
    for (size_t i = sizeof locks / sizeof *locks; i > 0; i--) pthread_mutex_unlock(locks[i - 1]);

    assert_int_equal(result, 0);
}

static int be_refused(void) {
    tacit_error error;

    return !forked(tacit_session_refresh(given.session, 1000, &error), &error) ||
           !forked(tacit_client_shutdown(given.client, 1000, &error), &error) ||
           tacit_session_close(given.session, 1000) != TACIT_ERR_FORKED;
}

static void child_of_a_raw_clone_is_told_too(void **state) {
    void *mark = atomic_load(&ti_os_process_mark);

    (void)state;
    if (madvise(mark, 1, MADV_WIPEONFORK) != 0) skip();

    end_child = _exit;
    assert_int_equal(wait_for(start_child_by(fork_raw, be_refused)), 0);
    end_child = exit;

    assert_int_equal(world_get(given.world, "/api/x"), 200);
}

/* ------------------------------------------------------------------ a child's own */

static int use_session(tacit_session *session) {
    tacit_error error = TACIT_ERROR_INIT;
    tacit_response *response = NULL;

    for (int i = 0; i < 2 && error.status == TACIT_OK; i++) {
        if (i == 0)
            tacit_sign_in_with_password(session, "alice", "wonderland", NULL, &error);
        else
            tacit_session_refresh(session, TACIT_TIMEOUT_DEFAULT, &error);
        if (error.status == TACIT_OK) tacit_get(session, given.url, &response, &error);
        if (error.status == TACIT_OK && tacit_response_status(response) != 200) return 2;
        tacit_response_free(response);
        response = NULL;
    }
    if (error.status == TACIT_OK) return 0;
    fprintf(stderr, "in the child: %s %s\n", tacit_status_name(error.status), error.message);
    return 2;
}

/* From the client to the second request, and to the end of the last thread. */
static int make_own(void) {
    tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;
    tacit_store *store = tacit_store_memory();
    tacit_client *client;
    tacit_session *session;
    tacit_error error;
    int result;

    options.ca_file = given.ca_file;
    client = tacit_client_new(&options, &error);
    if (client == NULL || store == NULL) return 3;
    session = open_with(client, store, &error);
    if (session == NULL) return 4;
    result = use_session(session);
    if (result == 0 && tacit_session_close(session, TACIT_TIMEOUT_DEFAULT) != TACIT_OK) result = 5;
    if (result == 0 && tacit_client_shutdown(client, TACIT_TIMEOUT_DEFAULT, &error) != TACIT_OK)
        result = 6;
    tacit_client_unref(client);
    tacit_store_unref(store);
    return result;
}

static int refuse_and_make_own(void) {
    int refused = call_every_function();

    return refused != 0 ? refused : make_own();
}

static void child_makes_its_own(void **state) {
    (void)state;

    assert_int_equal(in_child(make_own), 0);
    assert_int_equal(in_child(refuse_and_make_own), 0);

    assert_int_equal(world_get(given.world, "/api/x"), 200);
}

/* What a child made, its own child can use as little as what its parent made. */
static int make_own_and_fork(void) {
    tacit_client *client = tacit_client_new(NULL, NULL);
    tacit_store *store = tacit_store_memory();
    tacit_session *session = open_with(client, store, NULL);
    int result;

    if (in_child(refuse_and_make_own) != 0) return 10;
    if (use_session(session) != 0) return 11;
    given.client = client;
    given.store = store;
    given.session = session;
    result = in_child(refuse_and_make_own);
    if (result == 0) result = use_session(session);
    tacit_session_close(session, TACIT_TIMEOUT_DEFAULT);
    tacit_client_shutdown(client, TACIT_TIMEOUT_DEFAULT, NULL);
    tacit_client_unref(client);
    tacit_store_unref(store);
    return result;
}

static void childs_child_has_neithers(void **state) {
    (void)state;
    if (SANITIZER_LOCKS_UP) skip(); /* it forks while a thread starts */

    assert_int_equal(in_child(make_own_and_fork), 0);

    assert_int_equal(world_get(given.world, "/api/x"), 200);
}

static child child_of_callback;

static void fork_in_event(tacit_session *session, const tacit_event *event, void *data) {
    (void)session, (void)data;
    if (event->type == TACIT_EVENT_LOADED) child_of_callback = start_child(refuse_and_make_own);
}

/* There every function that waits is refused to the parent. The child has left that thread. */
static void child_of_a_callback_may_wait(void **state) {
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_session *session;

    (void)state;
    child_of_callback = (child){.pid = -1};
    options.client_id = "test-client";
    options.store = given.store;
    options.on_event = fork_in_event;
    session = tacit_session_open(given.client, given.provider, &options, NULL);
    assert_int_equal(tacit_session_load(session, TACIT_TIMEOUT_DEFAULT, NULL, NULL), TACIT_OK);
    tacit_session_close(session, TACIT_TIMEOUT_DEFAULT);
    assert_int_equal(tacit_client_shutdown(given.client, TACIT_TIMEOUT_DEFAULT, NULL), TACIT_OK);

    assert_int_equal(wait_for(child_of_callback), 0);
}

/* ------------------------------------------------------------------ the app's own loop */

static struct {
    void (*run)(void *job);
    void *job;
    atomic_bool posted;
    int events;
} loop;

/* The library posts the next job when this one has run. */
static bool post(void (*run)(void *job), void *job, void *data) {
    (void)data;
    loop.run = run;
    loop.job = job;
    atomic_store(&loop.posted, true);
    return true;
}

static bool is_posted(void *data) {
    (void)data;
    return atomic_load(&loop.posted);
}

static void run_posted(void) {
    while (atomic_exchange(&loop.posted, false)) loop.run(loop.job);
}

static void count_event(tacit_session *session, const tacit_event *event, void *data) {
    (void)session, (void)event, (void)data;
    loop.events++;
}

static int run_inherited_job(void) {
    run_posted();
    return loop.events;
}

static void inherited_job_of_the_loop_does_nothing(void **state) {
    world_options options = {.client = TACIT_CLIENT_OPTIONS_INIT,
                             .session = TACIT_SESSION_OPTIONS_INIT};
    world *w;

    (void)state;
    options.client.post = post;
    options.session.on_event = count_event;
    w = world_new(&options);
    world_sign_in(w);
    world_wait(is_posted, NULL, "a job is posted");

    assert_int_equal(in_child(run_inherited_job), 0);

    run_posted();
    assert_int_not_equal(loop.events, 0);
    world_free(w);
    run_posted();
}

/* ------------------------------------------------------------------ connections and threads */

static char *directory;
static fixture_tls tls;

static int set_up_tls(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    world_options options = {.server = &server, .client = TACIT_CLIENT_OPTIONS_INIT};

    (void)state;
    directory = fixture_directory_new();
    assert_true(fixture_tls_new(&tls, directory, FIXTURE_CERTIFICATE_GOOD));
    server.tls_cert = tls.cert_file;
    server.tls_key = tls.key_file;
    options.client.ca_file = tls.ca_file;
    give(world_new(&options));
    given.ca_file = tls.ca_file;
    return 0;
}

static int tear_down_tls(void **state) {
    tear_down(state);
    fixture_tls_free(&tls);
    fixture_directory_free(directory);
    return 0;
}

static long connections(void) {
    return server_counters(world_server(given.world)).connections;
}

/* A child that shut TLS down would end the connection for its parent, too. */
static void connection_outlives_the_child(void **state) {
    long before = connections();

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(in_child(call_every_function), 0);
        tacit_response_free(get());
    }

    assert_int_equal(connections(), before);
    assert_int_equal(in_child(make_own), 0);
    tacit_response_free(get());
}

static void *get_once(void *result) {
    *(int *)result = world_get(given.world, "/api/x");
    return NULL;
}

static void request_under_way_outlives_the_child(void **state) {
    ts_server *server = world_server(given.world);
    long before = connections();
    pthread_t thread;
    int result, of_child;
    bool held;

    (void)state;
    server_gate_close(server, TS_API, TS_BEFORE_ANSWER);
    assert_int_equal(pthread_create(&thread, NULL, get_once, &result), 0);
    held = server_gate_waiters(server, TS_API, 1, WORLD_PATIENCE_MS);
    of_child = in_child(call_every_function);
    server_gate_open(server, TS_API);
    pthread_join(thread, NULL);

    assert_true(held);
    assert_int_equal(of_child, 0);
    assert_int_equal(result, 200);
    assert_int_equal(connections(), before);
}

static void *refresh_once(void *result) {
    *(int *)result = tacit_session_refresh(given.session, TACIT_TIMEOUT_DEFAULT, NULL);
    return NULL;
}

static void flight_outlives_the_child(void **state) {
    ts_server *server = world_server(given.world);
    long before = server_counters(server).refresh_grants;
    pthread_t thread;
    int result, of_child;
    bool held;

    (void)state;
    server_gate_close(server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    assert_int_equal(pthread_create(&thread, NULL, refresh_once, &result), 0);
    held = server_gate_waiters(server, TS_TOKEN_ENDPOINT, 1, WORLD_PATIENCE_MS);
    of_child = in_child(call_every_function);
    server_gate_open(server, TS_TOKEN_ENDPOINT);
    pthread_join(thread, NULL);

    assert_true(held);
    assert_int_equal(of_child, 0);
    assert_int_equal(result, TACIT_OK);
    assert_int_equal(server_counters(server).refresh_grants, before + 1);
    assert_int_equal(world_get(given.world, "/api/x"), 200);
}

static atomic_bool stop;
static atomic_int failures;

static void *get_until_stop(void *data) {
    while (!atomic_load(&stop))
        if (world_get(given.world, data) != 200) atomic_fetch_add(&failures, 1);
    return NULL;
}

/* Threads and locks of every kind: of the client, the store, the refresher, the dispatch. */
static void *sign_in_until_stop(void *data) {
    while (!atomic_load(&stop)) {
        tacit_session *session = world_open(given.world, data, NULL);
        tacit_error error;

        if (tacit_sign_in_with_password(session, "alice", "wonderland", NULL, &error) != TACIT_OK ||
            tacit_session_close(session, TACIT_TIMEOUT_DEFAULT) != TACIT_OK)
            atomic_fetch_add(&failures, 1);
    }
    return NULL;
}

static void *make_clients_until_stop(void *data) {
    (void)data;
    while (!atomic_load(&stop)) tacit_client_unref(tacit_client_new(NULL, NULL));
    return NULL;
}

/* In the middle of whatever four threads do. */
static void fork_at_any_moment(int children, int (*body)(void)) {
    pthread_t threads[4];
    int result = 0;

    if (SANITIZER_LOCKS_UP) skip();
    atomic_store(&stop, false);
    atomic_store(&failures, 0);
    end_child = _exit;
    pthread_create(&threads[0], NULL, get_until_stop, "/api/x");
    pthread_create(&threads[1], NULL, get_until_stop, "/api/slow?ms=3");
    pthread_create(&threads[2], NULL, sign_in_until_stop, "another");
    pthread_create(&threads[3], NULL, make_clients_until_stop, NULL);
    for (int i = 0; i < children && result == 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 200000 * (i % 10)}, NULL);
        result = in_child(body);
    }
    end_child = exit;
    atomic_store(&stop, true);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    assert_int_equal(result, 0);
    assert_int_equal(atomic_load(&failures), 0);
}

static void fork_is_safe_at_any_moment(void **state) {
    (void)state;
    fork_at_any_moment(20, refuse_and_make_own);
}

/* Without TLS of the child's own: OpenSSL makes no promise for locks that other threads held. */
static void connections_outlive_children_of_any_moment(void **state) {
    (void)state;
    fork_at_any_moment(20, call_every_function);
}

static int make_client_here(void) {
    tacit_client *client = tacit_client_new(NULL, NULL);

    tacit_client_unref(client);
    return client == NULL;
}

/* libcurl spins on a lock of its own while it makes a handle. */
static void no_lock_of_libcurl_is_inherited(void **state) {
    pthread_t threads[2];
    int result = 0;

    (void)state;
    if (SANITIZER_LOCKS_UP) skip();
    atomic_store(&stop, false);
    end_child = _exit;
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, make_clients_until_stop, NULL);
    for (int i = 0; i < 200 && result == 0; i++) result = in_child(make_client_here);
    end_child = exit;
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);

    assert_int_equal(result, 0);
}

/* ------------------------------------------------------------------ programs */

static void programs_that_are_started_change_nothing(void **state) {
    static const char *const program[] = {"true", NULL};
    unsigned process = ti_os_process();
    fixture_run run;
    pid_t pid;
    int status;

    (void)state;
    assert_true(fixture_run_program(program, NULL, WORLD_PATIENCE_MS, &run));
    assert_int_equal(run.exit_code, 0);
    fixture_run_free(&run);
    pid = vfork();
    if (pid == 0) {
        execlp("true", "true", (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);

    assert_int_equal(ti_os_process(), process);
    assert_int_equal(world_get(given.world, "/api/x"), 200);
}

/* ------------------------------------------------------------------ before anything was used */

static void *make_client(void *data) {
    *(tacit_client **)data = tacit_client_new(NULL, NULL);
    return NULL;
}

/* In a process that has not started libcurl yet: one thread does, another forks meanwhile. */
static int fork_while_libcurl_starts(void) {
    tacit_client *client = NULL;
    pthread_t thread;
    int result;

    if (pthread_create(&thread, NULL, make_client, &client) != 0) return 20;
    nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);
    end_child = _exit; /* the thread may hold a lock of OpenSSL's by now */
    result = in_child(make_client_here);
    end_child = exit;
    pthread_join(thread, NULL);
    tacit_client_unref(client);
    return client == NULL ? 21 : result;
}

static void child_of_a_start_can_start(void **state) {
    (void)state;
    if (SANITIZER_LOCKS_UP) skip();
    for (int i = 0; i < 10; i++) assert_int_equal(in_child(fork_while_libcurl_starts), 0);
}

/* ------------------------------------------------------------------ the keyring */

#define APPLICATION "org.tacit.Test"
#define PASSWORD "the keyring's password"

static tacit_store *keyring;

static tacit_status load_from_keyring(void) {
    char *record = NULL;
    size_t size;
    tacit_status status = keyring->ops.load(keyring->data, "key", &record, &size);

    tacit_free(record);
    return status;
}

static int make_own_keyring(void) {
    keyring = tacit_store_keyring(APPLICATION, NULL);
    if (keyring == NULL) return 30;
    if (keyring->ops.save(keyring->data, "key", "record", 6) != TACIT_OK) return 31;
    if (load_from_keyring() != TACIT_OK) return 32;
    tacit_store_unref(keyring);
    return 0;
}

static int be_refused_a_keyring(void) {
    tacit_error error;
    tacit_store *own = tacit_store_keyring(APPLICATION, &error);

    if (own != NULL || error.status != TACIT_ERR_STORE_UNAVAILABLE) return 33;
    if (strstr(error.message, "forked") == NULL) return 34;
    return load_from_keyring() == TACIT_ERR_STORE_UNAVAILABLE ? 0 : 35;
}

/* Its library is usable in a child until a parent has used it. */
static void keyring_is_refused_where_a_parent_used_it(void **state) {
    (void)state;
    keyring = tacit_store_keyring(APPLICATION, NULL);
    if (keyring == NULL) skip(); /* built without libsecret */
    keyring_home_make();
    keyring_bus_start();
    keyring_service_start(PASSWORD);

    assert_int_equal(in_child(make_own_keyring), 0);
    assert_int_equal(load_from_keyring(), TACIT_OK);
    assert_int_equal(in_child(be_refused_a_keyring), 0);
    assert_int_equal(load_from_keyring(), TACIT_OK);

    keyring_service_stop();
    keyring_bus_stop();
    keyring_home_remove();
    tacit_store_unref(keyring);
}

int main(void) {
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define IN_TLS_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up_tls, tear_down_tls)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_of_a_start_can_start), /* the first: nothing was used yet */
        cmocka_unit_test(keyring_is_refused_where_a_parent_used_it),
        cmocka_unit_test(no_function_is_forgotten),
        IN_WORLD(inherited_objects_are_refused_or_left_alone),
        IN_WORLD(no_inherited_lock_is_taken),
        IN_WORLD(child_of_a_raw_clone_is_told_too),
        IN_WORLD(child_makes_its_own),
        IN_WORLD(childs_child_has_neithers),
        IN_WORLD(child_of_a_callback_may_wait),
        cmocka_unit_test(inherited_job_of_the_loop_does_nothing),
        IN_TLS_WORLD(connection_outlives_the_child),
        IN_TLS_WORLD(request_under_way_outlives_the_child),
        IN_TLS_WORLD(flight_outlives_the_child),
        IN_TLS_WORLD(connections_outlive_children_of_any_moment),
        IN_WORLD(fork_is_safe_at_any_moment),
        cmocka_unit_test(no_lock_of_libcurl_is_inherited),
        IN_WORLD(programs_that_are_started_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
