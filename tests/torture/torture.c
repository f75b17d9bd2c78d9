/*
 * Out of memory (R15): a life of a session in which the n-th allocation fails, for n = 1, 2, 3 ... until a life is through before
 * it comes to that. Each is lived in a process of its own; the server is another. It may end with success or with errors, never
 * with a crash or a hang; and afterwards a clean client on the same store is still signed in, or the app was told otherwise. The
 * second of its processes is of a version of the app that chose another store.
 *
 *     torture SERVER [STEP]      every STEP-th n (default 1: all)
 *
 * Left out: the allocations of the test itself, and those with which OpenSSL sets itself up on first use: 3.0 crashes by itself
 * where one of them fails within EVP_MD_fetch() or RAND_status(), so both are used once before.
 */
#include "platform/crypto.h"
#include "support/fixture.h"
#include "torture/allocation.h"
#include "torture/file_store.h"

#include <tacit/tacit.h>

#include <arpa/inet.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIFE_S_MAX = 60, CALL_MS = 5000 };

/* What a life tells by its exit code. */
enum {
    SIGNED_IN = 1, /* the sign-in said TACIT_OK */
    TOLD = 2,    /* some answer or event said that not all is well with the sign-in or the store */
    THROUGH = 4, /* it made fewer allocations than n */
    WORKS = 8,   /* a request got its answer */
    SIGNED_OUT = 16, /* the sign-out said TACIT_OK */
    BROKEN = 64      /* what must never be; stderr says what */
};

static char server_url[64], api_url[96], record_path[256], moved_path[256], state_path[256],
    file_path[256];
static int server_port;

static void die(const char *what) {
    perror(what);
    exit(2);
}

/* ------------------------------------------------------------------ the server */

static FILE *start_server(const char *program, pid_t *pid) {
    int out[2], in[2];
    FILE *first_line;

    if (pipe(out) != 0 || pipe(in) != 0) die("pipe");
    *pid = fork();
    if (*pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execl(program, program, "--stdin", "--grace-ms", "60000", "--max-seconds", "3000",
              (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    first_line = fdopen(out[0], "r");
    if (first_line == NULL || fgets(server_url, sizeof server_url, first_line) == NULL)
        die("tacit-test-server");
    if (sscanf(server_url, "http://127.0.0.1:%d", &server_port) != 1) die(server_url);
    snprintf(server_url, sizeof server_url, "http://127.0.0.1:%d", server_port);
    snprintf(api_url, sizeof api_url, "%s/api/x", server_url);
    return first_line;
}

/* Without a library, since memory is short. */
static void revoke_access_tokens(void) {
    static const char body[] = "{\"revoke_access_tokens\":true}";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port)};
    char request[256], answer[1024];
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int size = snprintf(request, sizeof request,
                        "POST /__control HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                        "Content-Length: %zu\r\n\r\n%s",
                        sizeof body - 1, body);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0 ||
        write(connection, request, (size_t)size) != size ||
        read(connection, answer, sizeof answer) <= 0)
        _exit(BROKEN);
    close(connection);
}

/* ------------------------------------------------------------------ a life */

static atomic_int told; /* of these */

static void listen_to(tacit_status status) {
    switch (status) {
    case TACIT_OK:
        break;
    case TACIT_ERR_SIGN_IN_REQUIRED:
    case TACIT_ERR_SIGNED_OUT:
    case TACIT_ERR_STORE_NOT_FOUND:
    case TACIT_ERR_STORE_UNAVAILABLE:
    case TACIT_ERR_STORE_FAILED:
        atomic_fetch_or(&told, TOLD);
        break;
    default:
        break;
    }
}

static void on_event(tacit_session *session, const tacit_event *event, void *data) {
    (void)session;
    (void)data;
    if (event->type == TACIT_EVENT_STORE_FAILED || event->type == TACIT_EVENT_SIGN_IN_REQUIRED)
        atomic_fetch_or(&told, TOLD);
}

/* An error without a status, or a status without an error, or none at all. */
static void check(tacit_status status, const tacit_error *error, const char *what) {
    listen_to(status);
    if (status == error->status && (status == TACIT_OK) == (error->message[0] == '\0')) return;
    fprintf(stderr, "%s: %s, but the error says %s\n", what, tacit_status_name(status),
            tacit_status_name(error->status));
    _exit(BROKEN);
}

typedef struct process {
    tacit_client *client;
    tacit_provider *provider;
    tacit_store *store, *previous; /* previous is NULL in the first version of the app */
    tacit_session *session;        /* NULL: it could not be opened */
} process;

static void open_store(tacit_store **store, const char *path) {
    tacit_error error = TACIT_ERROR_INIT;

    *store = file_store_new(path, &error);
    check(*store == NULL ? error.status : TACIT_OK, &error, "store");
}

/* updated: it chose another store. */
static void open_process(process *p, bool updated) {
    const char *origins[] = {server_url, NULL};
    tacit_client_options client_options = TACIT_CLIENT_OPTIONS_INIT;
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_error error = TACIT_ERROR_INIT;

    *p = (process){.client = NULL};
    client_options.proxy = "";
    client_options.state_dir = state_path;
    p->client = tacit_client_new(&client_options, &error);
    check(p->client == NULL ? error.status : TACIT_OK, &error, "client");
    if (p->client == NULL) return;
    p->provider = tacit_provider_from_issuer(server_url, &error);
    check(p->provider == NULL ? error.status : TACIT_OK, &error, "provider");
    if (p->provider == NULL) return;
    open_store(&p->store, updated ? moved_path : record_path);
    if (p->store == NULL) return;
    if (updated) open_store(&p->previous, record_path);
    if (updated && p->previous == NULL) return;
    options.client_id = "test-client";
    options.scope = "openid";
    options.origins = origins;
    options.store = p->store;
    options.previous_store = p->previous;
    options.on_event = on_event;
    p->session = tacit_session_open(p->client, p->provider, &options, &error);
    check(p->session == NULL ? error.status : TACIT_OK, &error, "session");
}

static void close_process(process *p) {
    tacit_error error = TACIT_ERROR_INIT;

    tacit_session_close(p->session, CALL_MS);
    if (p->client != NULL) {
        check(tacit_client_shutdown(p->client, CALL_MS, &error), &error, "shutdown");
        if (error.status != TACIT_OK) {
            fprintf(stderr, "shutdown: %s\n", error.message);
            _exit(BROKEN);
        }
    }
    tacit_client_unref(p->client);
    tacit_provider_unref(p->provider);
    tacit_store_unref(p->store);
    tacit_store_unref(p->previous);
}

/* The HTTP status, or minus the tacit_status. */
static int get(tacit_session *session) {
    tacit_request request = TACIT_REQUEST_INIT;
    tacit_response *response = NULL;
    tacit_error error = TACIT_ERROR_INIT;
    tacit_status status;
    int http_status;

    request.url = api_url;
    request.timeout_ms = CALL_MS;
    status = tacit_send(session, &request, &response, &error);
    check(status, &error, "get");
    http_status = tacit_response_status(response);
    tacit_response_free(response);
    return status == TACIT_OK ? http_status : -(int)status;
}

/* ------------------------------------------------------------------ without waiting */

typedef struct outcome {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count, status;
    tacit_error error;
} outcome;
#define OUTCOME_INIT                                                                               \
    { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER }

static void on_done(tacit_call *call, tacit_response *response, const tacit_error *error,
                    void *data) {
    outcome *o = data;

    (void)call;
    pthread_mutex_lock(&o->lock);
    o->count++;
    o->status = tacit_response_status(response);
    tacit_response_free(response);
    if (error != NULL) o->error = *error;
    pthread_cond_broadcast(&o->changed);
    pthread_mutex_unlock(&o->lock);
}

/* Once begun it must come to its end, however little memory there is; a hang ends with a signal. */
static void await_done(tacit_call *call, outcome *o, tacit_error *error, const char *what) {
    check(call == NULL ? error->status : TACIT_OK, error, what);
    if (call == NULL) return;
    tacit_call_unref(call);
    pthread_mutex_lock(&o->lock);
    while (o->count == 0) pthread_cond_wait(&o->changed, &o->lock);
    *error = o->error;
    pthread_mutex_unlock(&o->lock);
    check(error->status, error, what);
}

static void sign_in(tacit_session *session, bool waits, tacit_error *error) {
    tacit_sign_in_options options = TACIT_SIGN_IN_OPTIONS_INIT;
    outcome o = OUTCOME_INIT;
    tacit_call *call;

    options.username = "alice";
    options.password = "wonderland";
    if (waits) {
        check(tacit_sign_in_with_password(session, "alice", "wonderland", NULL, error), error,
              "sign in");
        return;
    }
    call = tacit_sign_in_async(session, TACIT_GRANT_PASSWORD, &options, on_done, &o, error);
    await_done(call, &o, error, "sign in without waiting");
}

static void on_token(tacit_call *call, tacit_token *token, const tacit_error *error, void *data) {
    tacit_token_unref(token);
    on_done(call, NULL, error, data);
}

/* One on the engine that waits for a token, and one that needs it. */
static void get_without_waiting(tacit_session *session) {
    const char *headers[] = {"X-Life: short", NULL};
    tacit_request request = TACIT_REQUEST_INIT;
    tacit_error error = TACIT_ERROR_INIT;
    outcome token = OUTCOME_INIT, answer = OUTCOME_INIT;
    tacit_call *call;

    call = tacit_session_token_async(session, NULL, 0, CALL_MS, on_token, &token, &error);
    await_done(call, &token, &error, "token without waiting");
    request.url = api_url;
    request.headers = headers;
    request.body = "some";
    request.body_size = 4;
    request.timeout_ms = CALL_MS;
    call = tacit_send_async(session, &request, on_done, &answer, &error);
    await_done(call, &answer, &error, "get without waiting");
}

/* Neither is a file left half, nor is one there that was not told of. */
static void check_file(bool told_of) {
    char part[sizeof file_path + sizeof ".part"];

    snprintf(part, sizeof part, "%s.part", file_path);
    if (access(part, F_OK) != 0 && (access(file_path, F_OK) == 0) == told_of) return;
    fprintf(stderr, "the file is not what was told of it\n");
    _exit(BROKEN);
}

/* A form that goes, and a file that comes. */
static void exchange_files(tacit_session *session, bool waits) {
    tacit_part field = TACIT_PART_INIT;
    const tacit_part *parts[] = {&field, NULL};
    tacit_request request = TACIT_REQUEST_INIT;
    tacit_response *response = NULL;
    tacit_error error = TACIT_ERROR_INIT;
    outcome o = OUTCOME_INIT;

    field.name = "name";
    field.data = "value";
    field.size = 5;
    request.method = "PUT";
    request.url = api_url;
    request.parts = parts;
    request.file = file_path;
    request.file_resume = true;
    request.retries_max = 1;
    request.timeout_ms = CALL_MS;
    if (waits) {
        check(tacit_send(session, &request, &response, &error), &error, "files");
        check_file(tacit_response_status(response) == 200);
        tacit_response_free(response);
        return;
    }
    await_done(tacit_send_async(session, &request, on_done, &o, &error), &o, &error,
               "files without waiting");
    check_file(o.status == 200);
}

static void sign_out(tacit_session *session, tacit_error *error) {
    outcome o = OUTCOME_INIT;
    tacit_call *call = tacit_sign_out_async(session, CALL_MS, on_done, &o, error);

    await_done(call, &o, error, "sign out without waiting");
}

static void get_either(tacit_session *session, bool waits) {
    if (waits)
        get(session);
    else
        get_without_waiting(session);
}

/* ------------------------------------------------------------------ two processes */

static int first_process(bool waits) {
    tacit_error error = TACIT_ERROR_INIT;
    int result = 0;
    process p;

    open_process(&p, false);
    if (p.session != NULL) {
        sign_in(p.session, waits, &error);
        result = error.status == TACIT_OK ? SIGNED_IN : 0;
        get_either(p.session, waits);
        revoke_access_tokens();
        get_either(p.session, waits);
        exchange_files(p.session, waits);
    }
    close_process(&p);
    return result;
}

/* Who is signed in, and the URL that ends it. */
static void ask_who(tacit_session *session) {
    tacit_error error = TACIT_ERROR_INIT;

    tacit_free(tacit_session_claims_json(session, &error));
    check(error.status, &error, "claims");
    tacit_free(tacit_session_end_session_url(session, "app:/bye", &error));
    check(error.status, &error, "end session");
}

static int second_process(bool with_sign_out) {
    tacit_error error = TACIT_ERROR_INIT;
    int result = 0;
    process p;

    open_process(&p, true);
    if (p.session != NULL) {
        check(tacit_session_load(p.session, CALL_MS, NULL, &error), &error, "load");
        get_either(p.session, !with_sign_out);
        check(tacit_session_refresh(p.session, CALL_MS, &error), &error, "refresh");
        ask_who(p.session);
        if (with_sign_out) {
            sign_out(p.session, &error);
            if (error.status == TACIT_OK) result = SIGNED_OUT;
        }
    }
    close_process(&p);
    return result;
}

typedef struct plan {
    long n;
    bool for_good;
    bool with_sign_out; /* and nothing waits: all but the refresh is asynchronous */
} plan;

static int live(const plan *plan) {
    int result;

    allocation_fail(plan->n, plan->for_good);
    result = first_process(!plan->with_sign_out);
    result |= second_process(plan->with_sign_out);
    if (allocation_count() < plan->n) result |= THROUGH;
    allocation_fail(0, false);
    return result | atomic_load(&told);
}

/* ------------------------------------------------------------------ afterwards */

/* With memory again: whether the sign-in is still there, and works. */
static int look(const plan *plan) {
    tacit_session_state state = TACIT_STATE_UNKNOWN;
    tacit_error error = TACIT_ERROR_INIT;
    process p;
    int status;

    (void)plan;
    open_process(&p, true);
    if (tacit_session_load(p.session, CALL_MS, &state, &error) != TACIT_OK) {
        fprintf(stderr, "the record: %s\n", error.message);
        _exit(BROKEN);
    }
    tacit_client_network_changed(p.client); /* what the life met may ask for a pause (R8) */
    status = get(p.session);
    close_process(&p);
    return (state == TACIT_STATE_SIGNED_IN ? SIGNED_IN : 0) | (status == 200 ? WORKS : 0);
}

/* Runs it in a process of its own; its exit code. */
static int run(int (*what)(const plan *), const plan *plan) {
    pid_t pid = fork();
    int status;

    if (pid < 0) die("fork");
    if (pid == 0) {
        alarm(LIFE_S_MAX); /* a hang ends with a signal */
        exit(what(plan));
    }
    if (waitpid(pid, &status, 0) != pid) die("waitpid");
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    fprintf(stderr, "it ended with signal %d\n", WTERMSIG(status));
    return BROKEN;
}

static bool complain(const plan *plan, const char *what) {
    fprintf(stderr, "allocation %ld%s%s: %s\n", plan->n, plan->for_good ? " and all later" : "",
            plan->with_sign_out ? ", with a sign-out" : "", what);
    return false;
}

/* *through: no allocation failed any more. */
static bool survive_in(const char *directory, const plan *plan, bool *through) {
    int lived, after;

    snprintf(record_path, sizeof record_path, "%s/record", directory);
    snprintf(moved_path, sizeof moved_path, "%s/moved", directory);
    snprintf(state_path, sizeof state_path, "%s/state", directory);
    snprintf(file_path, sizeof file_path, "%s/file", directory);
    lived = run(live, plan);
    if (lived & BROKEN) return complain(plan, "it did not survive");
    if (lived & ~(SIGNED_IN | TOLD | THROUGH | SIGNED_OUT))
        return complain(plan, "it ended strangely");
    *through = lived & THROUGH;
    after = run(look, plan);
    if (after & BROKEN) return complain(plan, "what it left is broken");
    if ((lived & SIGNED_OUT) && (after & SIGNED_IN)) return complain(plan, "it is not signed out");
    if (!plan->with_sign_out && (after & SIGNED_IN) && !(after & WORKS))
        return complain(plan, "the record is there, but does not sign in");
    if (!plan->with_sign_out && (lived & SIGNED_IN) && !(lived & TOLD) && !(after & SIGNED_IN))
        return complain(plan, "the sign-in is lost, and nobody was told");
    return true;
}

static bool survive(const plan *plan, bool *through) {
    char *directory = fixture_directory_new();
    bool ok;

    if (directory == NULL) die("directory");
    ok = survive_in(directory, plan, through);
    fixture_directory_free(directory);
    return ok;
}

static bool survive_all(plan plan, long step) {
    bool ok = true, through = false;
    long lives = 0;

    for (plan.n = 1; !through; plan.n += step, lives++) ok = survive(&plan, &through) && ok;
    printf("%ld lives%s%s: %s\n", lives, plan.for_good ? ", for good" : "",
           plan.with_sign_out ? ", with a sign-out" : "", ok ? "survived" : "FAILED");
    fflush(stdout);
    return ok;
}

int main(int argc, char **argv) {
    long step = argc > 2 ? atol(argv[2]) : 1;
    unsigned char hash[TI_SHA256_SIZE];
    pid_t server;
    FILE *output;
    bool ok;

    if (argc < 2 || step < 1) {
        fprintf(stderr, "usage: torture SERVER [STEP]\n");
        return 2;
    }
    if (!ti_crypto_sha256("", 0, hash)) die("SHA-256");
    if (RAND_status() != 1) die("RAND_status");
    output = start_server(argv[1], &server);
    ok = survive_all((plan){.for_good = false}, step);
    ok = survive_all((plan){.with_sign_out = true}, step) && ok;
    ok = survive_all((plan){.for_good = true}, 3 * step) && ok;
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    fclose(output);
    return ok ? 0 : 1;
}
