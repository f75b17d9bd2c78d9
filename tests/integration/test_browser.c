/* Sign-in by browser with a listener: what comes back, and what ends the wait. */
#include "support/browser.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ------------------------------------------------------------------ scenes */

static tacit_sign_in_options options_for(browser *b) {
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;

    o.open_url = browser_open;
    o.user_data = b;
    return o;
}

static uint16_t port_of(browser *b) {
    char *uri = browser_parameter(browser_url(b), "redirect_uri");
    unsigned long port;

    assert_non_null(uri);
    port = strtoul(strrchr(uri, ':') + 1, NULL, 10);
    assert_in_range(port, 1, 65535);
    free(uri);
    return (uint16_t)port;
}

static int socket_at(int family, uint16_t port, bool binds) {
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const struct sockaddr *address =
        family == AF_INET ? (const struct sockaddr *)&ipv4 : (const struct sockaddr *)&ipv6;
    socklen_t size = family == AF_INET ? sizeof ipv4 : sizeof ipv6;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ipv6.sin6_addr = in6addr_loopback;
    if (fd < 0) return -1;
    if (binds) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if ((binds ? bind : connect)(fd, address, size) == 0 && (!binds || listen(fd, 1) == 0))
        return fd;
    on = errno;
    close(fd);
    errno = on;
    return -1;
}

static bool has_ipv6(void) {
    int fd = socket_at(AF_INET6, 0, true);

    if (fd >= 0) close(fd);
    return fd >= 0;
}

static void assert_nobody_listens(int family, uint16_t port) {
    int fd = socket_at(family, port, false);

    assert_int_equal(fd, -1);
    assert_int_equal(errno, ECONNREFUSED);
}

/* The browser was shown a page, and the listener is gone. */
static void assert_listener_gone(browser *b) {
    assert_nobody_listens(AF_INET, port_of(b));
}

static uint16_t free_port(void) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int fd = socket_at(AF_INET, 0, true);

    assert_true(fd >= 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* A sign-in on a thread of its own. */
typedef struct sign_in {
    pthread_t thread;
    world *world;
    browser *browser;
    tacit_sign_in_options options;
    tacit_status status;
    tacit_error error;
} sign_in;

static void *sign_in_main(void *data) {
    sign_in *s = data;

    s->status = tacit_sign_in_with_browser(world_session(s->world), &s->options, &s->error);
    return NULL;
}

/* Returns when the browser was opened. */
static void begin(sign_in *s, world *w, browser_user user) {
    s->world = w;
    s->browser = browser_new(user);
    s->options = options_for(s->browser);
    assert_int_equal(pthread_create(&s->thread, NULL, sign_in_main, s), 0);
    browser_url(s->browser);
}

static void end(sign_in *s, tacit_status expected) {
    pthread_join(s->thread, NULL);
    if (s->status != expected) fail_msg("%s: %s", tacit_status_name(s->status), s->error.message);
    assert_int_equal(s->error.status, expected);
    assert_listener_gone(s->browser);
    browser_free(s->browser);
}

/* All of a sign-in whose browser comes back. error may be NULL. */
static void sign_in_with(world *w, tacit_sign_in_options *o, tacit_status expected,
                         tacit_error *error) {
    tacit_error why;
    tacit_status status = tacit_sign_in_with_browser(world_session(w), o, &why);

    if (status != expected) fail_msg("%s: %s", tacit_status_name(status), why.message);
    if (error != NULL) *error = why;
}

/* ------------------------------------------------------------------ success */

/* The numbers of issue 4: one request with a given provider. */
static void a_sign_in_costs_one_request(void **state) {
    world *w = world_new(NULL);
    ts_server *server = world_server(w);
    browser *b = browser_new(BROWSER_SIGNS_IN);
    tacit_sign_in_options o = options_for(b);
    ts_counters counters;

    (void)state;
    sign_in_with(w, &o, TACIT_OK, NULL);
    assert_int_equal(browser_status(b), 200);
    counters = server_counters(server);

    assert_int_equal(counters.token_requests, 1);
    assert_int_equal(counters.code_grants, 1);
    assert_int_equal(counters.authorize_requests, 1); /* the browser's */
    assert_int_equal(counters.requests, 2);
    assert_non_null(strstr(browser_page(b), "go back to the app"));
    assert_listener_gone(b);
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_IN);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_wait_event(w, TACIT_EVENT_SIGNED_IN, 1);
    browser_free(b);
    world_free(w);
}

/* The numbers of issue 4: at most three with discovery, also where the server has only the second place. */
static void with_discovery_it_costs_three_at_most(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    world *w;

    (void)state;
    for (int i = 0; i < 2; i++) {
        browser *b = browser_new(BROWSER_SIGNS_IN);
        tacit_sign_in_options o = options_for(b);
        ts_counters counters;

        server.no_openid_configuration = i == 1;
        w = world_new(&(world_options){.server = &server, .from_issuer = true});
        sign_in_with(w, &o, TACIT_OK, NULL);
        browser_status(b);
        counters = server_counters(world_server(w));
        assert_in_range(counters.requests - counters.authorize_requests, 2, 3);
        browser_free(b);
        world_free(w);
    }
}

static void assert_parameter(const char *url, const char *name, const char *expected) {
    char *value = browser_parameter(url, name);

    if (expected == NULL ? value != NULL : value == NULL || strcmp(value, expected) != 0)
        fail_msg("%s is %s in %s", name, value != NULL ? value : "missing", url);
    free(value);
}

static void the_server_is_asked_for_what_the_app_asks_for(void **state) {
    static const char *const params[] = {"prompt=consent", "login_hint=a b&c", NULL};
    tacit_session_options session = TACIT_SESSION_OPTIONS_INIT;
    browser *b = browser_new(BROWSER_SIGNS_IN);
    tacit_sign_in_options o = options_for(b);
    char *nonce;
    world *w;

    (void)state;
    session.scope = "mail";
    session.resource = "https://api.example/";
    w = world_new(&(world_options){.session = session});
    o.scope = "openid profile";
    o.params = params;
    sign_in_with(w, &o, TACIT_OK, NULL);

    assert_parameter(browser_url(b), "client_id", "test-client");
    assert_parameter(browser_url(b), "scope", "openid profile");
    assert_parameter(browser_url(b), "resource", "https://api.example/");
    assert_parameter(browser_url(b), "prompt", "consent");
    assert_parameter(browser_url(b), "login_hint", "a b&c");
    assert_parameter(browser_url(b), "code_challenge_method", "S256");
    nonce = browser_parameter(browser_url(b), "nonce");
    assert_int_equal(strlen(nonce), 43);
    free(nonce);
    browser_free(b);
    world_free(w);
}

static void the_sessions_scope_is_the_default(void **state) {
    tacit_session_options session = TACIT_SESSION_OPTIONS_INIT;
    browser *b = browser_new(BROWSER_SIGNS_IN);
    tacit_sign_in_options o = options_for(b);
    world *w;

    (void)state;
    session.scope = "mail calendar";
    w = world_new(&(world_options){.session = session});
    sign_in_with(w, &o, TACIT_OK, NULL);

    assert_parameter(browser_url(b), "scope", "mail calendar");
    assert_parameter(browser_url(b), "nonce", NULL);
    assert_parameter(browser_url(b), "resource", NULL);
    browser_free(b);
    world_free(w);
}

static void the_apps_page_is_shown(void **state) {
    world *w = world_new(NULL);
    browser *b = browser_new(BROWSER_SIGNS_IN);
    tacit_sign_in_options o = options_for(b);

    (void)state;
    o.success_html = "<!DOCTYPE html><title>mine</title>";
    sign_in_with(w, &o, TACIT_OK, NULL);

    assert_string_equal(browser_page(b), o.success_html);
    browser_free(b);
    world_free(w);
}

/* A page of some megabytes does not fit into the socket at once. */
static void a_large_page_arrives_whole(void **state) {
    enum { SIZE = 8 * 1024 * 1024 };
    world *w = world_new(NULL);
    browser *b = browser_new(BROWSER_SIGNS_IN);
    tacit_sign_in_options o = options_for(b);
    char *page = malloc(SIZE + 1);

    (void)state;
    assert_non_null(page);
    memset(page, 'x', SIZE);
    page[SIZE] = '\0';
    o.success_html = page;
    sign_in_with(w, &o, TACIT_OK, NULL);

    assert_int_equal(strlen(browser_page(b)), SIZE);
    browser_free(b);
    free(page);
    world_free(w);
}

/* ------------------------------------------------------------------ where it listens */

static void sign_in_at(world *w, const char *redirect_uri, const char *sent) {
    browser *b = browser_new(BROWSER_SIGNS_IN);
    tacit_sign_in_options o = options_for(b);

    o.redirect_uri = redirect_uri;
    sign_in_with(w, &o, TACIT_OK, NULL);
    assert_int_equal(browser_status(b), 200);
    if (sent != NULL) assert_parameter(browser_url(b), "redirect_uri", sent);
    assert_listener_gone(b);
    browser_free(b);
}

/* Twice in a row, too: what the first leaves behind does not keep the port busy. */
static void an_exact_redirect_uri_goes_to_the_server_as_it_is(void **state) {
    world *w = world_new(NULL);
    char uri[80];

    (void)state;
    snprintf(uri, sizeof uri, "http://127.0.0.1:%u/a/call%%20back;x", free_port());
    sign_in_at(w, uri, uri);
    sign_in_at(w, uri, uri);
    snprintf(uri, sizeof uri, "http://localhost:%u", free_port());
    sign_in_at(w, uri, uri);
    sign_in_at(w, "http://127.0.0.1:0/callback", NULL);
    sign_in_at(w, "http://localhost/callback", NULL);
    sign_in_at(w, "http://127.0.0.1", NULL);
    if (has_ipv6()) sign_in_at(w, "http://[::1]/callback", NULL);
    world_free(w);
}

/* The callback's query, asked for at another address of the listener. */
static int ask_at(const char *callback, const char *host, uint16_t port) {
    char url[2048];
    const char *path = strchr(callback + strlen("http://"), '/');

    snprintf(url, sizeof url, "http://%s:%u%s", host, port, path);
    return browser_get(url, NULL, NULL);
}

static void localhost_listens_on_both_families(void **state) {
    world *w = world_new(NULL);
    sign_in s = {.status = TACIT_OK};
    uint16_t port;

    (void)state;
    if (!has_ipv6()) skip();
    s.world = w;
    s.browser = browser_new(BROWSER_STOPS_THERE);
    s.options = options_for(s.browser);
    s.options.redirect_uri = "http://localhost:0/cb";
    assert_int_equal(pthread_create(&s.thread, NULL, sign_in_main, &s), 0);
    port = port_of(s.browser);

    /* reached in both; but only the registered name is believed */
    assert_int_equal(ask_at(browser_callback(s.browser), "127.0.0.1", port), 404);
    assert_int_equal(ask_at(browser_callback(s.browser), "[::1]", port), 404);
    assert_int_equal(browser_get(browser_callback(s.browser), NULL, NULL), 200);
    end(&s, TACIT_OK);
    assert_nobody_listens(AF_INET6, port);
    world_free(w);
}

static void a_port_that_is_taken_is_named(void **state) {
    world *w = world_new(NULL);
    uint16_t port = free_port();
    int taken = socket_at(AF_INET, port, true);
    browser *b = browser_new(BROWSER_FAILS);
    tacit_sign_in_options o = options_for(b);
    char uri[80], number[8];
    tacit_error error;

    (void)state;
    assert_true(taken >= 0);
    snprintf(uri, sizeof uri, "http://127.0.0.1:%u/", port);
    snprintf(number, sizeof number, "%u", port);
    o.redirect_uri = uri;
    sign_in_with(w, &o, TACIT_ERR_NETWORK, &error);
    assert_int_equal(error.os_error, EADDRINUSE);
    assert_non_null(strstr(error.message, number));
    snprintf(uri, sizeof uri, "http://localhost:%u/", port);
    sign_in_with(w, &o, TACIT_ERR_NETWORK, &error);
    assert_int_equal(error.os_error, EADDRINUSE);
    if (has_ipv6()) assert_nobody_listens(AF_INET6, port);

    assert_int_equal(server_counters(world_server(w)).requests, 0);
    close(taken);
    browser_free(b);
    world_free(w);
}

/* Not with SO_REUSEADDR either, and not at the address of all interfaces. */
static void nobody_else_can_take_the_port(void **state) {
    world *w = world_new(NULL);
    sign_in s = {.world = w, .browser = browser_new(BROWSER_LEAVES)};
    uint16_t port = free_port();
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    char uri[80];
    int fd, on = 1;

    (void)state;
    snprintf(uri, sizeof uri, "http://127.0.0.1:%u/", port);
    s.options = options_for(s.browser);
    s.options.redirect_uri = uri;
    assert_int_equal(pthread_create(&s.thread, NULL, sign_in_main, &s), 0);
    assert_int_equal(port_of(s.browser), port);

    assert_int_equal(socket_at(AF_INET, port, true), -1);
    assert_int_equal(errno, EADDRINUSE);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof any), -1);
    close(fd);
    tacit_sign_in_cancel(world_session(w));
    end(&s, TACIT_ERR_CANCELLED);
    world_free(w);
}

/* ------------------------------------------------------------------ refusals */

static void refused(const char *server_error, const char *params, tacit_status expected,
                    const char *page, tacit_error *error) {
    ts_options server = TS_OPTIONS_INIT;
    browser *b = browser_new(BROWSER_SIGNS_IN);
    tacit_sign_in_options o = options_for(b);
    world *w;

    server.authorize_error = server_error;
    server.callback_params = params;
    w = world_new(&(world_options){.server = &server});
    sign_in_with(w, &o, expected, error);
    assert_int_equal(browser_status(b), 200);
    assert_non_null(strstr(browser_page(b), page));
    assert_null(strstr(browser_page(b), "marked"));
    assert_listener_gone(b);
    assert_int_equal(server_counters(world_server(w)).token_requests, 0);
    world_wait_event(w, TACIT_EVENT_LOADED, 1);
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
    browser_free(b);
    world_free(w);
}

static void the_users_no_comes_back_as_such(void **state) {
    tacit_error error;

    (void)state;
    refused("access_denied", NULL, TACIT_ERR_ACCESS_DENIED, "declined", &error);
    assert_string_equal(error.oauth_error, "access_denied");
    assert_false(error.retryable);
}

/* Nothing of it is shown in the page, and nothing that a terminal obeys gets through. */
static void the_servers_error_comes_back_as_such(void **state) {
    tacit_error error;

    (void)state;
    refused("invalid_scope", "&error_description=marked%3Cscript%3E%1B%5B2J", TACIT_ERR_OAUTH,
            "did not work", &error);
    assert_string_equal(error.oauth_error, "invalid_scope");
    assert_string_equal(error.oauth_error_description, "marked<script> [2J");
    assert_non_null(strstr(error.message, "invalid_scope"));
}

/* RFC 9207 */
static void an_answer_of_another_server_is_not_believed(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    browser *b = browser_new(BROWSER_SIGNS_IN);
    tacit_sign_in_options o = options_for(b);
    world *w;

    (void)state;
    server.no_callback_iss = true;
    server.callback_params = "&iss=https%3A%2F%2Fevil.example";
    w = world_new(&(world_options){.server = &server});
    sign_in_with(w, &o, TACIT_ERR_PROTOCOL, NULL);

    assert_int_equal(server_counters(world_server(w)).token_requests, 0);
    assert_non_null(strstr(browser_page(b), "did not work"));
    browser_free(b);
    world_free(w);
}

static void a_code_that_the_server_refuses_fails_the_sign_in(void **state) {
    world *w = world_new(NULL);
    browser *b = browser_new(BROWSER_SIGNS_IN);
    tacit_sign_in_options o = options_for(b);
    tacit_error error;

    (void)state;
    server_fail_oauth(world_server(w), 1, 400, "invalid_grant");
    sign_in_with(w, &o, TACIT_ERR_OAUTH, &error);

    assert_string_equal(error.oauth_error, "invalid_grant");
    assert_listener_gone(b);
    browser_free(b);
    world_free(w);
}

static void a_browser_that_cannot_be_opened_is_unsupported(void **state) {
    world *w = world_new(NULL);
    browser *b = browser_new(BROWSER_FAILS);
    tacit_sign_in_options o = options_for(b);
    tacit_error error;

    (void)state;
    sign_in_with(w, &o, TACIT_ERR_UNSUPPORTED, &error);
    assert_null(strstr(error.message, "http"));
    assert_listener_gone(b);
    browser_free(b);

    b = browser_new(BROWSER_SIGNS_IN); /* and it is not in the way of the next */
    o.user_data = b;
    sign_in_with(w, &o, TACIT_OK, NULL);
    browser_free(b);
    world_free(w);
}

static void a_server_without_the_endpoint_is_unsupported(void **state) {
    ts_options server = TS_OPTIONS_INIT;
    browser *b = browser_new(BROWSER_FAILS);
    tacit_sign_in_options o = options_for(b);
    tacit_error error;
    world *w;

    (void)state;
    server.metadata_members = "{\"authorization_endpoint\":null}";
    w = world_new(&(world_options){.server = &server});
    sign_in_with(w, &o, TACIT_ERR_UNSUPPORTED, &error);

    assert_non_null(strstr(error.message, "authorization_endpoint"));
    browser_free(b);
    world_free(w);
}

/* ------------------------------------------------------------------ what does not end the wait */

/* The callback with another value of the parameter; yours. */
static char *with_parameter(const char *callback, const char *name, const char *value) {
    char *changed = malloc(strlen(callback) + strlen(value) + 1), marked[40];
    const char *at;
    size_t before;

    snprintf(marked, sizeof marked, "%s=", name);
    at = strstr(callback, marked);
    assert_non_null(at);
    at += strlen(marked);
    before = (size_t)(at - callback);
    memcpy(changed, callback, before);
    strcpy(changed + before, value);
    strcat(changed, at + strcspn(at, "&"));
    return changed;
}

static void what_is_not_the_callback_gets_404(void **state) {
    world *w = world_new(NULL);
    sign_in s = {.status = TACIT_OK};
    char *wrong, *twice, url[2048], *page;
    const char *callback;

    (void)state;
    begin(&s, w, BROWSER_STOPS_THERE);
    callback = browser_callback(s.browser);
    wrong = with_parameter(callback, "state", "guessed");
    assert_int_equal(browser_get(wrong, &page, NULL), 404);
    assert_null(strstr(page, "guessed"));
    free(page);
    assert_int_equal(asprintf(&twice, "%s&code=another", callback) > 0, true);
    assert_int_equal(browser_get(twice, NULL, NULL), 404);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/favicon.ico", port_of(s.browser));
    assert_int_equal(browser_get(url, NULL, NULL), 404);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", port_of(s.browser));
    assert_int_equal(browser_get(url, NULL, NULL), 404);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/?error=access_denied", port_of(s.browser));
    assert_int_equal(browser_get(url, NULL, NULL), 404);
    assert_int_equal(server_counters(world_server(w)).token_requests, 0);

    assert_int_equal(browser_get(callback, NULL, NULL), 200);
    end(&s, TACIT_OK);
    free(wrong);
    free(twice);
    world_free(w);
}

/* ------------------------------------------------------------------ what ends it */

static void cancelling_ends_the_wait(void **state) {
    world *w = world_new(NULL);
    sign_in s = {.status = TACIT_OK};

    (void)state;
    begin(&s, w, BROWSER_LEAVES);
    tacit_sign_in_cancel(world_session(w));
    end(&s, TACIT_ERR_CANCELLED);

    begin(&s, w, BROWSER_SIGNS_IN); /* and is not remembered */
    end(&s, TACIT_OK);
    world_free(w);
}

static void closing_ends_the_wait(void **state) {
    world *w = world_new(NULL);
    sign_in s = {.status = TACIT_OK};

    (void)state;
    begin(&s, w, BROWSER_LEAVES);
    assert_int_equal(world_close(w, WORLD_PATIENCE_MS), TACIT_OK);
    end(&s, TACIT_ERR_CLOSED);
    world_free(w);
}

static void signing_out_ends_the_wait(void **state) {
    world *w = world_new(NULL);
    sign_in s = {.status = TACIT_OK};

    (void)state;
    begin(&s, w, BROWSER_LEAVES);
    assert_int_equal(tacit_sign_out(world_session(w), WORLD_PATIENCE_MS, NULL), TACIT_OK);
    end(&s, TACIT_ERR_SIGNED_OUT);
    world_free(w);
}

static void nobody_waits_for_ever(void **state) {
    world *w = world_new(NULL);
    browser *b = browser_new(BROWSER_LEAVES);
    tacit_sign_in_options o = options_for(b);

    (void)state;
    o.timeout_ms = 50;
    sign_in_with(w, &o, TACIT_ERR_EXPIRED, NULL);
    assert_listener_gone(b);
    browser_free(b);
    world_free(w);
}

/* The user took all of his time; the token request gets some anyway. */
static void a_late_callback_is_still_redeemed(void **state) {
    world *w = world_new(NULL);
    ts_server *server = world_server(w);
    browser *b = browser_new(BROWSER_SIGNS_IN);
    tacit_sign_in_options o = options_for(b);
    ts_fault slow = {.kind = TS_FAULT_NONE, .requests = 1, .delay_before_ms = 2500};

    (void)state;
    server_fault_add(server, TS_TOKEN_ENDPOINT, &slow);
    o.timeout_ms = 2000;
    sign_in_with(w, &o, TACIT_OK, NULL);
    browser_free(b);
    world_free(w);
}

static void a_second_sign_in_at_once_is_busy(void **state) {
    world *w = world_new(NULL);
    sign_in s = {.status = TACIT_OK};
    browser *b = browser_new(BROWSER_FAILS);
    tacit_sign_in_options o = options_for(b);

    (void)state;
    begin(&s, w, BROWSER_STOPS_THERE);
    sign_in_with(w, &o, TACIT_ERR_BUSY, NULL);
    assert_int_equal(
        tacit_sign_in_with_password(world_session(w), "alice", "wonderland", NULL, NULL),
        TACIT_ERR_BUSY);

    assert_int_equal(browser_get(browser_callback(s.browser), NULL, NULL), 200);
    end(&s, TACIT_OK);
    browser_free(b);
    world_free(w);
}

/* A callback of the app's that takes its time: others cancel, and go on. */
typedef struct slow_app {
    world *world;
    tacit_session *other;
} slow_app;

static bool open_while_others_go_on(const char *url, void *data) {
    slow_app *app = data;

    (void)url;
    tacit_sign_in_cancel(world_session(app->world));
    assert_int_equal(tacit_sign_in_with_password(app->other, "alice", "wonderland", NULL, NULL),
                     TACIT_OK);
    return true;
}

static void a_cancel_while_the_app_opens_the_browser_is_not_lost(void **state) {
    world *w = world_new(NULL);
    slow_app app = {.world = w, .other = world_open(w, "another", NULL)};
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;

    (void)state;
    o.open_url = open_while_others_go_on;
    o.user_data = &app;
    sign_in_with(w, &o, TACIT_ERR_CANCELLED, NULL);
    assert_int_equal(tacit_session_get_state(app.other), TACIT_STATE_SIGNED_IN);
    tacit_session_close(app.other, TACIT_NO_WAIT);
    world_free(w);
}

/* On failure the earlier sign-in stays. */
static void a_sign_in_that_fails_leaves_the_earlier_one(void **state) {
    world *w = signed_in(NULL);
    sign_in s = {.status = TACIT_OK};

    (void)state;
    begin(&s, w, BROWSER_LEAVES);
    assert_int_equal(world_get(w, "/api/x"), 200);
    tacit_sign_in_cancel(world_session(w));
    end(&s, TACIT_ERR_CANCELLED);
    assert_int_equal(world_get(w, "/api/x"), 200);
    assert_int_equal(server_counters(world_server(w)).revocations, 0);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sign_in_costs_one_request),
        cmocka_unit_test(with_discovery_it_costs_three_at_most),
        cmocka_unit_test(the_server_is_asked_for_what_the_app_asks_for),
        cmocka_unit_test(the_sessions_scope_is_the_default),
        cmocka_unit_test(the_apps_page_is_shown),
        cmocka_unit_test(a_large_page_arrives_whole),
        cmocka_unit_test(an_exact_redirect_uri_goes_to_the_server_as_it_is),
        cmocka_unit_test(localhost_listens_on_both_families),
        cmocka_unit_test(a_port_that_is_taken_is_named),
        cmocka_unit_test(nobody_else_can_take_the_port),
        cmocka_unit_test(the_users_no_comes_back_as_such),
        cmocka_unit_test(the_servers_error_comes_back_as_such),
        cmocka_unit_test(an_answer_of_another_server_is_not_believed),
        cmocka_unit_test(a_code_that_the_server_refuses_fails_the_sign_in),
        cmocka_unit_test(a_browser_that_cannot_be_opened_is_unsupported),
        cmocka_unit_test(a_server_without_the_endpoint_is_unsupported),
        cmocka_unit_test(what_is_not_the_callback_gets_404),
        cmocka_unit_test(cancelling_ends_the_wait),
        cmocka_unit_test(closing_ends_the_wait),
        cmocka_unit_test(signing_out_ends_the_wait),
        cmocka_unit_test(nobody_waits_for_ever),
        cmocka_unit_test(a_late_callback_is_still_redeemed),
        cmocka_unit_test(a_second_sign_in_at_once_is_busy),
        cmocka_unit_test(a_cancel_while_the_app_opens_the_browser_is_not_lost),
        cmocka_unit_test(a_sign_in_that_fails_leaves_the_earlier_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
