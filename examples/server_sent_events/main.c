/* server_sent_events TOKEN_ENDPOINT CLIENT_ID ORIGIN PATH [QUIET_S]: prints the events of a stream for as
 * long as there are any, however long the tokens live: the server ends the stream with the token, and the
 * next connection goes on, with a newer token, after the last event that was printed. A stream that is
 * silent for QUIET_S seconds (60) is taken for dead.
 * cc main.c event_stream.c $(pkg-config --cflags --libs tacit) -o server_sent_events */
#include "event_stream.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <tacit/tacit.h>

enum { EVENT_SIZE_MAX = 1 << 20, RETRY_MS = 3000, RETRY_MS_MAX = 60000, MIN_VALID_S = 60 };

/* Why a connection was ended from this side. */
typedef enum stop { STOP_NONE, STOP_INTERRUPTED, STOP_QUIET, STOP_TOO_LONG } stop;

typedef struct reader {
    tacit_session *session;
    char url[512];
    int64_t quiet_ms;
    int interrupt; /* readable after Ctrl-C */
    event_stream *stream;

    /* of this connection */
    stop stop;
    int64_t heard_ms; /* when the last byte came */
    bool heard;       /* one has come */

    int failures; /* connections in a row on which none came */
} reader;

static int64_t now_ms(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int failed(const char *what, const tacit_error *error) {
    fprintf(stderr, "%s: %s: %s\n", what, tacit_status_name(error->status), error->message);
    return 1;
}

/* ------------------------------------------------------------------ one connection */

static void print_event(const sent_event *event, void *unused) {
    (void)unused;
    printf("%s %s %s\n", event->type, event->id, event->data);
    fflush(stdout);
}

static size_t on_bytes(const char *data, size_t size, void *reader_data) {
    reader *r = reader_data;

    r->heard = true;
    r->heard_ms = now_ms();
    if (event_stream_write(r->stream, data, size)) return size;
    r->stop = STOP_TOO_LONG;
    return 0;
}

/* false: nothing within so many milliseconds. */
static bool interrupted_within(const reader *r, int64_t ms) {
    struct pollfd interrupt = {.fd = r->interrupt, .events = POLLIN};

    return poll(&interrupt, 1, (int)ms) > 0;
}

/* At least once a second, also while nothing comes. */
static bool on_progress(int64_t sent, int64_t to_send, int64_t received, int64_t to_receive,
                        void *reader_data) {
    reader *r = reader_data;

    (void)sent, (void)to_send, (void)received, (void)to_receive;
    if (interrupted_within(r, 0))
        r->stop = STOP_INTERRUPTED;
    else if (now_ms() - r->heard_ms > r->quiet_ms)
        r->stop = STOP_QUIET;
    return r->stop == STOP_NONE;
}

/* Returns when the stream has ended. */
static tacit_status read_stream(reader *r, tacit_response **response, tacit_error *error) {
    const char *id = event_stream_last_id(r->stream);
    size_t size = strlen(id) + sizeof "Last-Event-ID: ";
    char *resume = malloc(size);
    const char *headers[] = {"Accept: text/event-stream", "Cache-Control: no-store",
                             *id ? resume : NULL, NULL};
    tacit_request request = TACIT_REQUEST_INIT;
    tacit_status status;

    *response = NULL;
    if (!resume) {
        *error = (tacit_error){.status = TACIT_ERR_NO_MEMORY, .message = "Out of memory."};
        return error->status;
    }
    snprintf(resume, size, "Last-Event-ID: %s", id);
    event_stream_restart(r->stream);
    r->stop = STOP_NONE;
    r->heard = false;
    r->heard_ms = now_ms();
    request.url = r->url;
    request.headers = headers;
    request.write = on_bytes;
    request.write_data = request.progress_data = r;
    request.progress = on_progress;
    request.timeout_ms = INT_MAX;      /* it ends when there are no more events */
    request.min_valid_s = MIN_VALID_S; /* one that is about to expire would not be worth it */
    status = tacit_send(r->session, &request, response, error);
    free(resume);
    return status;
}

/* ------------------------------------------------------------------ one after the other */

typedef enum verdict { CONNECT_AGAIN, END, FAILURE } verdict;

static verdict after_error(const reader *r, const tacit_error *error) {
    if (r->stop == STOP_INTERRUPTED) return END;
    if (r->stop == STOP_QUIET) return CONNECT_AGAIN;
    if (r->stop == STOP_TOO_LONG) {
        fprintf(stderr, "stream: an event is longer than %d bytes\n", EVENT_SIZE_MAX);
        return FAILURE;
    }
    failed("stream", error);
    return error->retryable ? CONNECT_AGAIN : FAILURE;
}

static bool is_event_stream(const tacit_response *response) {
    const char *type = tacit_response_header(response, "Content-Type");

    return type && strncasecmp(type, "text/event-stream", strlen("text/event-stream")) == 0;
}

/* A stream that has ended goes on with the next one, until the server says 204. */
static verdict after_answer(const tacit_response *response) {
    int status = tacit_response_status(response);

    if (status == 204) return END;
    if (status == 200 && is_event_stream(response)) return CONNECT_AGAIN;
    fprintf(stderr, "stream: the server answered %d%s\n", status,
            status == 200 ? ", which is no event stream" : "");
    return status == 429 || status >= 500 ? CONNECT_AGAIN : FAILURE;
}

static int64_t asked_to_wait_ms(const tacit_response *response, const tacit_error *error) {
    const char *seconds = tacit_response_header(response, "Retry-After");
    long s = seconds ? strtol(seconds, NULL, 10) : error->retry_after_s;

    return s > 0 && s < INT_MAX / 1000 ? s * 1000 : 0;
}

/* What the server asks for; twice as long each time that nothing comes at all. */
static int64_t pause_ms(reader *r, int64_t asked_ms) {
    int retry_ms = event_stream_retry_ms(r->stream);
    int64_t ms = retry_ms >= 0 ? retry_ms : RETRY_MS;

    r->failures = r->heard ? 0 : r->failures + 1;
    for (int i = 1; i < r->failures && ms < RETRY_MS_MAX; i++) ms = 2 * ms + 1;
    if (ms > RETRY_MS_MAX && r->failures > 1) ms = RETRY_MS_MAX;
    return ms > asked_ms ? ms : asked_ms;
}

static int read_streams(reader *r) {
    for (;;) {
        tacit_response *response;
        tacit_error error;
        verdict verdict = read_stream(r, &response, &error) == TACIT_OK ? after_answer(response)
                                                                        : after_error(r, &error);
        int64_t asked_ms = asked_to_wait_ms(response, &error);

        tacit_response_free(response);
        if (verdict != CONNECT_AGAIN) return verdict == END ? 0 : 1;
        if (interrupted_within(r, pause_ms(r, asked_ms))) return 0;
    }
}

/* ------------------------------------------------------------------ the session */

/* Only the first time: from then on the keyring has the refresh token. */
static tacit_status sign_in(tacit_session *session, tacit_error *error) {
    char name[128] = "", password[128] = "";

    fprintf(stderr, "User name and password, a line each:\n");
    if (fgets(name, sizeof name, stdin)) name[strcspn(name, "\n")] = '\0';
    if (fgets(password, sizeof password, stdin)) password[strcspn(password, "\n")] = '\0';
    return tacit_sign_in_with_password(session, name, password, NULL, error);
}

static tacit_session *open_session(tacit_client *client, char **argv, tacit_error *error) {
    const char *origins[] = {argv[3], NULL};
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_provider *provider;
    tacit_session *session;
    char json[512];

    snprintf(json, sizeof json, "{\"token_endpoint\": \"%s\"}", argv[1]);
    provider = tacit_provider_from_json(json, error);
    if (!provider) return NULL;
    options.client_id = argv[2];
    options.origins = origins;
    session = tacit_session_open(client, provider, &options, error);
    tacit_provider_unref(provider);
    return session;
}

/* Ctrl-C, as something to wait for. Blocked before the first thread starts, so that all inherit it. */
static int open_interrupt(void) {
    sigset_t interrupt;

    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupt, NULL);
    return signalfd(-1, &interrupt, SFD_CLOEXEC);
}

static int read_signed_in(reader *r) {
    tacit_session_state state;
    tacit_error error;

    if (tacit_session_load(r->session, TACIT_TIMEOUT_DEFAULT, &state, &error))
        return failed("store", &error);
    if (state == TACIT_STATE_SIGNED_OUT && sign_in(r->session, &error))
        return failed("sign-in", &error);
    return read_streams(r);
}

int main(int argc, char **argv) {
    if (argc != 5 && argc != 6) return 2;

    reader r = {.interrupt = open_interrupt(),
                .quiet_ms = INT64_C(1000) * (argc == 6 ? strtol(argv[5], NULL, 10) : 60),
                .stream = event_stream_new(EVENT_SIZE_MAX, print_event, NULL)};
    tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;
    tacit_error error;
    if (r.interrupt < 0 || !r.stream) return 1;
    options.application_id = "org.example.events";
    tacit_client *client = tacit_client_new(&options, &error);
    if (!client) return failed("client", &error);
    r.session = open_session(client, argv, &error);
    if (!r.session) return failed("session", &error);
    snprintf(r.url, sizeof r.url, "%s%s", argv[3], argv[4]);

    int code = read_signed_in(&r);

    tacit_session_close(r.session, TACIT_TIMEOUT_DEFAULT);
    tacit_client_shutdown(client, TACIT_TIMEOUT_DEFAULT, NULL); /* no thread outlives main() */
    tacit_client_unref(client);
    event_stream_free(r.stream);
    close(r.interrupt);
    return code;
}
