#include "app.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { REQUESTS = 20 };

static struct {
    pthread_t thread; /* the loop's */
    void (*quit)(void *data);
    void *quit_data;
    tacit_client *client;
    tacit_session *session;
    char url[512];
    int pending;
    int exit_code;
} app;

static void fail(const char *what, const tacit_error *error) {
    app.exit_code = 1;
    fprintf(stderr, "%s: %s: %s\n", what, tacit_status_name(error->status), error->message);
}

/* So that nothing here needs a lock. */
static void check_thread(void) {
    if (pthread_equal(pthread_self(), app.thread)) return;
    fputs("This is not the loop's thread.\n", stderr);
    abort();
}

static void on_answer(tacit_call *call, tacit_response *response, const tacit_error *error,
                      void *number) {
    (void)call;
    check_thread();
    printf("%d: %s\n", (int)(intptr_t)number,
           error ? tacit_status_name(error->status) : tacit_response_body(response));
    fflush(stdout);
    tacit_response_free(response);
    if (--app.pending == 0) app.quit(app.quit_data);
}

static bool send_one(int number) {
    tacit_request request = TACIT_REQUEST_INIT;
    tacit_error error;
    tacit_call *call;

    request.url = app.url;
    call = tacit_send_async(app.session, &request, on_answer, (void *)(intptr_t)number, &error);
    if (!call) {
        fail("request", &error);
        return false;
    }
    app.pending++;
    if (number == REQUESTS) tacit_call_cancel(call); /* on_answer() hears of that one too */
    tacit_call_unref(call);
    return true;
}

static void send_requests(void) {
    for (int i = 1; i <= REQUESTS; i++) {
        if (send_one(i)) continue;
        app.quit(app.quit_data);
        return;
    }
}

static void on_signed_in(tacit_call *call, tacit_response *response, const tacit_error *error,
                         void *unused) {
    (void)call, (void)response, (void)unused;
    check_thread();
    if (error) {
        fail("sign-in", error);
        app.quit(app.quit_data);
        return;
    }
    send_requests();
}

/* The one callback that is not on the loop: on the thread that signs in. */
static void show(const char *user_code, const char *uri, const char *uri_complete, int expires_in_s,
                 void *unused) {
    (void)uri_complete, (void)unused;
    fprintf(stderr, "Within %d s, open %s and enter %s\n", expires_in_s, uri, user_code);
}

static void sign_in(void) {
    tacit_sign_in_options options = TACIT_SIGN_IN_OPTIONS_INIT;
    tacit_error error;
    tacit_call *call;

    options.device_prompt = show;
    call = tacit_sign_in_async(app.session, TACIT_GRANT_DEVICE_CODE, &options, on_signed_in, NULL,
                               &error);
    if (!call) on_signed_in(NULL, NULL, &error, NULL);
    tacit_call_unref(call);
}

/* The app never asks and waits: what it has to know comes to it. */
static void on_event(tacit_session *session, const tacit_event *event, void *unused) {
    (void)session, (void)unused;
    check_thread();
    fprintf(stderr, "%s\n", event->message);
    if (event->type != TACIT_EVENT_LOADED) return;
    if (event->state == TACIT_STATE_SIGNED_IN)
        send_requests();
    else
        sign_in();
}

static bool open_session(const char *issuer, const char *client_id, const char *origin) {
    const char *origins[] = {origin, NULL};
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    tacit_error error;
    tacit_provider *provider = tacit_provider_from_issuer(issuer, &error);

    if (provider) {
        options.client_id = client_id;
        options.origins = origins;
        options.on_event = on_event;
        app.session = tacit_session_open(app.client, provider, &options, &error);
    }
    if (!app.session) fail("session", &error);
    tacit_provider_unref(provider);
    return app.session != NULL;
}

static bool open_client(tacit_post_fn post, void *post_data) {
    tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;
    tacit_error error;

    options.application_id = "org.example.loops";
    options.post = post;
    options.post_data = post_data;
    app.client = tacit_client_new(&options, &error);
    if (!app.client) fail("client", &error);
    return app.client != NULL;
}

bool app_begin(int argc, char **argv, tacit_post_fn post, void (*quit)(void *data), void *data) {
    if (argc != 5) {
        fprintf(stderr, "usage: %s ISSUER CLIENT_ID ORIGIN PATH\n", argv[0]);
        return false;
    }
    app.thread = pthread_self();
    app.quit = quit;
    app.quit_data = data;
    snprintf(app.url, sizeof app.url, "%s%s", argv[3], argv[4]);
    return open_client(post, data) && open_session(argv[1], argv[2], argv[3]);
}

bool app_shut_down(void) {
    tacit_error error;

    if (tacit_client_shutdown(app.client, TACIT_TIMEOUT_DEFAULT, &error) == TACIT_OK) return true;
    fail("end", &error);
    return false;
}

int app_end(void) {
    tacit_session_close(app.session, TACIT_NO_WAIT);
    tacit_client_unref(app.client);
    return app.exit_code;
}
