/*
 * When a proxy is used and when not, and that it learns nothing. No name is ever resolved: this
 * program's getaddrinfo() takes the place of the system's.
 */
#include "transport_fixture.h"

#include "support/raw_server.h"
#include "support/server.h"

#include <curl/curl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>

static atomic_int lookups;
static atomic_bool resolver_hangs;

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result) {
    (void)node, (void)service, (void)hints;
    *result = NULL;
    atomic_fetch_add(&lookups, 1);
    while (atomic_load(&resolver_hangs)) poll(NULL, 0, 10);
    return EAI_NONAME;
}

static const char *const variables[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
                                        "all_proxy",  "ALL_PROXY",  "no_proxy",    "NO_PROXY"};

static int proxy_set_up(void **state) {
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) unsetenv(variables[i]);
    atomic_store(&lookups, 0);
    return fixture_set_up(state);
}

static raw_server *start_proxy(void) {
    raw_server *proxy = raw_server_start(&(raw_options){
        .answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", .then = RAW_CLOSE});
    assert_non_null(proxy);
    return proxy;
}

static const ti_http_request with_token = {.authorization = "Authorization: Bearer secret-token"};

static tacit_status get(fixture *f, const char *url) {
    return fixture_send(f, TI_HANDLE_POOLED, url, &with_token);
}

static void https_goes_through_the_proxy_which_learns_no_token(void **state) {
    fixture *f = *state;
    raw_server *proxy = start_proxy();
    f->options.proxy = raw_server_url(proxy);
    fixture_start(f);

    assert_int_equal(get(f, "https://api.example/path"), TACIT_ERR_NETWORK);

    assert_int_equal(raw_server_connections(proxy), 1);
    char *received = raw_server_received(proxy);
    assert_int_equal(strncmp(received, "CONNECT api.example:443 ", 24), 0);
    assert_null(strstr(received, "secret-token"));
    assert_null(strstr(received, "/path"));
    assert_false(f->answer.sent); /* the CONNECT is not the request */
    assert_int_equal(f->answer.status, 0);
    assert_int_equal(atomic_load(&lookups), 0);
    free(received);
    raw_server_stop(proxy);
}

static void loopback_never_goes_through_a_proxy(void **state) {
    fixture *f = *state;
    raw_server *proxy = start_proxy();
    ts_server *server = server_start(NULL);
    assert_non_null(server);
    char https[64];
    snprintf(https, sizeof https, "https%s", server_url(server, "/a") + strlen("http"));
    setenv("http_proxy", raw_server_url(proxy), 1);
    setenv("all_proxy", raw_server_url(proxy), 1);
    f->options.proxy = NULL;
    fixture_start(f);

    assert_int_equal(get(f, server_url(server, "/a")), TACIT_OK);
    assert_int_equal(raw_server_connections(proxy), 0);
    /* and alternating with what does, on the same handle */
    assert_int_equal(get(f, "https://api.example/"), TACIT_ERR_NETWORK);
    assert_int_equal(raw_server_connections(proxy), 1);
    assert_int_equal(get(f, server_url(server, "/a")), TACIT_OK);
    assert_int_equal(raw_server_connections(proxy), 1);
    assert_int_equal(get(f, https), TACIT_ERR_TLS); /* it speaks no TLS */

    assert_int_equal(raw_server_connections(proxy), 1);
    assert_int_equal(server_counters(server).requests, 2);
    char *received = raw_server_received(proxy);
    assert_null(strstr(received, "127.0.0.1"));
    free(received);
    server_stop(server);
    raw_server_stop(proxy);
}

static void the_environment_names_the_proxy(void **state) {
    fixture *f = *state;
    raw_server *proxy = start_proxy();
    const char *url = raw_server_url(proxy);
    const struct {
        const char *name[3], *value[3];
        bool proxied;
    } cases[] = {
        {{"https_proxy"}, {url}, true},
        {{"HTTPS_PROXY"}, {url}, true},
        {{"all_proxy"}, {url}, true},
        {{"ALL_PROXY"}, {url}, true},
        {{"http_proxy"}, {url}, false},
        {{"https_proxy", "HTTPS_PROXY"}, {"", url}, false},
        {{"https_proxy", "all_proxy"}, {"", url}, false},
        {{"https_proxy", "no_proxy"}, {url, "api.example"}, false},
        {{"https_proxy", "NO_PROXY"}, {url, "other.example,.example"}, false},
        {{"https_proxy", "no_proxy"}, {url, "*"}, false},
        {{"https_proxy", "no_proxy"}, {url, "other.example"}, true},
        {{"https_proxy", "no_proxy", "NO_PROXY"}, {url, "", "*"}, true},
        {{NULL}, {NULL}, false},
    };
    f->options.proxy = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t k = 0; k < sizeof variables / sizeof *variables; k++) unsetenv(variables[k]);
        for (size_t k = 0; k < 3 && cases[i].name[k]; k++) {
            setenv(cases[i].name[k], cases[i].value[k], 1);
        }
        long before = raw_server_connections(proxy);
        fixture_start(f);
        /* looked up once: what is set later is for another transport */
        setenv("https_proxy", cases[i].proxied ? "" : url, 1);

        assert_int_equal(get(f, "https://api.example/"), TACIT_ERR_NETWORK);

        bool proxied = raw_server_connections(proxy) > before;
        if (proxied != cases[i].proxied) fail_msg("case %zu", i);
        ti_transport_free(f->transport);
        f->transport = NULL;
    }
    raw_server_stop(proxy);
}

static void an_empty_option_means_no_proxy(void **state) {
    fixture *f = *state;
    raw_server *proxy = start_proxy();
    setenv("https_proxy", raw_server_url(proxy), 1);
    fixture_start(f);

    assert_int_equal(get(f, "https://api.example/"), TACIT_ERR_NETWORK);

    assert_int_equal(raw_server_connections(proxy), 0);
    assert_int_equal(atomic_load(&lookups), 1);
    raw_server_stop(proxy);
}

static void a_proxy_that_is_no_url_is_refused_without_its_password(void **state) {
    fixture *f = *state;
    f->options.proxy = "http://user:word@proxy.example:port/";
    assert_null(ti_transport_new(&f->options, &f->error));
    assert_int_equal(f->error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(f->error.message, "options->proxy"));
    assert_null(strstr(f->error.message, "word"));

    f->options.proxy = NULL;
    setenv("https_proxy", "http://user:word@proxy.example:port/", 1);
    assert_null(ti_transport_new(&f->options, &f->error));
    assert_non_null(strstr(f->error.message, "https_proxy"));
    assert_null(strstr(f->error.message, "word"));
}

static void an_unknown_name_is_nothing_sent(void **state) {
    fixture *f = *state;
    fixture_start(f);

    assert_int_equal(get(f, "https://api.example/"), TACIT_ERR_NETWORK);

    assert_false(f->answer.sent);
    assert_non_null(strstr(f->error.message, "api.example"));
}

typedef struct canceller {
    fixture *f;
    atomic_bool cancelled;
} canceller;

static void *cancel_when_looking_up(void *data) {
    canceller *c = data;
    while (atomic_load(&lookups) == 0) poll(NULL, 0, 5);
    atomic_store(&c->cancelled, true);
    ti_transport_wake(c->f->transport);
    return NULL;
}

static void a_cancel_does_not_wait_for_the_resolver(void **state) {
    fixture *f = *state;
    if (curl_version_info(CURLVERSION_NOW)->version_num < 0x075700) skip();
    fixture_start(f);
    atomic_store(&resolver_hangs, true);
    canceller c = {.f = f};
    const ti_http_request request = {.cancelled = &c.cancelled};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_looking_up, &c), 0);

    tacit_status status = fixture_send(f, TI_HANDLE_FRESH, "https://api.example/", &request);

    /* that it returned at all is the proof: the resolver hangs until now */
    atomic_store(&resolver_hangs, false);
    pthread_join(thread, NULL);
    assert_int_equal(status, TACIT_ERR_CANCELLED);
    assert_false(f->error.outcome_unknown);
}

#define PROXY_TEST(function)                                                                       \
    cmocka_unit_test_setup_teardown(function, proxy_set_up, fixture_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        PROXY_TEST(https_goes_through_the_proxy_which_learns_no_token),
        PROXY_TEST(loopback_never_goes_through_a_proxy),
        PROXY_TEST(the_environment_names_the_proxy),
        PROXY_TEST(an_empty_option_means_no_proxy),
        PROXY_TEST(a_proxy_that_is_no_url_is_refused_without_its_password),
        PROXY_TEST(an_unknown_name_is_nothing_sent),
        PROXY_TEST(a_cancel_does_not_wait_for_the_resolver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
