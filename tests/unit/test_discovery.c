/* The transport is a fake of this file's: it keeps what was asked and answers what the test said. */
#include "oauth/discovery.h"

#include "base/error.h"
#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

#define ISSUER "https://as.example.com"
#define OPENID ISSUER "/.well-known/openid-configuration"
#define OAUTH ISSUER "/.well-known/oauth-authorization-server"
#define METADATA "{\"issuer\":\"" ISSUER "\",\"token_endpoint\":\"https://as.example.com/token\"}"

struct ti_handle {
    int unused;
};

typedef struct reply {
    tacit_status status; /* TACIT_OK: an answer arrives */
    int http_status;
    const char *body;
    const char *head; /* one line; NULL: none */
    int retry_after_s;
} reply;

static struct {
    /* said by the test */
    bool no_memory; /* acquiring fails */
    reply replies[2];
    /* kept for the test */
    int requests, handles_out;
    char urls[2][512], if_none_match[2][600];
    int64_t deadline_boot_ms;
    const atomic_bool *cancelled;
} fake;

static ti_handle the_handle;

ti_handle *ti_handle_acquire(ti_transport *transport, ti_handle_kind kind) {
    (void)transport;
    assert_int_equal(kind, TI_HANDLE_FRESH);
    if (fake.no_memory) return NULL;
    fake.handles_out++;
    return &the_handle;
}

void ti_handle_release(ti_transport *transport, ti_handle *handle) {
    (void)transport;
    assert_ptr_equal(handle, &the_handle);
    fake.handles_out--;
}

void ti_http_answer_free(ti_http_answer *answer) {
    ti_buffer_free(&answer->head);
    ti_buffer_free(&answer->body);
}

const char *ti_http_answer_header(const ti_http_answer *answer, const char *name, size_t index) {
    size_t size = strlen(name);
    if (index > 0 || !answer->head.data || strncmp(answer->head.data, name, size) != 0) return NULL;
    return answer->head.data + size + strlen(": ");
}

tacit_status ti_handle_send(ti_handle *handle, const ti_url *url, const ti_http_request *request,
                            ti_http_answer *answer, tacit_error *error) {
    assert_ptr_equal(handle, &the_handle);
    assert_true(fake.requests < 2);
    const reply *reply = &fake.replies[fake.requests];
    assert_null(request->method);
    assert_false(request->has_body);
    assert_null(request->authorization);
    assert_int_equal(request->response_bytes_max, 1 << 20);
    assert_string_equal(request->headers[0], "Accept: application/json");
    strcpy(fake.urls[fake.requests], ti_url_text(url));
    if (request->headers[1]) {
        assert_memory_equal(request->headers[1], "If-None-Match: ", 15);
        strcpy(fake.if_none_match[fake.requests], request->headers[1] + 15);
        assert_null(request->headers[2]);
    }
    fake.deadline_boot_ms = request->deadline_boot_ms;
    fake.cancelled = request->cancelled;
    fake.requests++;

    answer->sent = true;
    if (reply->status != TACIT_OK) {
        ti_error_set(error, reply->status, "It broke.");
        error->outcome_unknown = true;
        return reply->status;
    }
    answer->status = reply->http_status;
    answer->retry_after_s = reply->retry_after_s;
    if (reply->body) assert_true(ti_buffer_append_string(&answer->body, reply->body));
    if (reply->head) assert_true(ti_buffer_append_string(&answer->head, reply->head));
    return ti_error_clear(error);
}

static struct {
    ti_discovery found;
    tacit_error error;
} with;

static int setup(void **state) {
    (void)state;
    memset(&fake, 0, sizeof fake);
    memset(&with, 0, sizeof with);
    fake.replies[0] = (reply){.http_status = 200, .body = METADATA, .head = "etag: \"v1\""};
    fake.replies[1] = (reply){.http_status = 200, .body = METADATA};
    return 0;
}

static int teardown(void **state) {
    (void)state;
    assert_int_equal(fake.handles_out, 0);
    ti_discovery_free(&with.found);
    return 0;
}

static tacit_status fetch(const char *issuer, const char *known_url, const char *etag) {
    return ti_discovery_fetch(NULL, issuer, known_url, etag, 4711, NULL, &with.found, &with.error);
}

/* --- what is asked --- */

static void one_request_finds_openid_metadata(void **state) {
    (void)state;
    atomic_bool cancelled = false;

    assert_int_equal(
        ti_discovery_fetch(NULL, ISSUER, NULL, NULL, 4711, &cancelled, &with.found, &with.error),
        TACIT_OK);

    assert_int_equal(fake.requests, 1);
    assert_string_equal(fake.urls[0], OPENID);
    assert_string_equal(fake.if_none_match[0], "");
    assert_int_equal(fake.deadline_boot_ms, 4711);
    assert_ptr_equal(fake.cancelled, &cancelled);
    assert_false(with.found.unchanged);
    assert_string_equal(with.found.url, OPENID);
    assert_string_equal(with.found.etag, "\"v1\"");
    assert_string_equal(with.found.json.data, METADATA);
    assert_string_equal(ti_metadata_token_endpoint(with.found.metadata),
                        "https://as.example.com/token");
    assert_int_equal(with.error.status, TACIT_OK);
}

/* OpenID Connect Discovery section 4.1 puts the name behind the path, RFC 8414 section 3.1 before it. */
static void the_places_follow_the_issuers_path(void **state) {
    (void)state;
    static const struct {
        const char *issuer, *openid, *oauth;
    } rows[] = {
        {ISSUER, OPENID, OAUTH},
        {ISSUER "/", OPENID, OAUTH},
        {ISSUER "/tenant", ISSUER "/tenant/.well-known/openid-configuration", OAUTH "/tenant"},
        {ISSUER "/tenant/", ISSUER "/tenant/.well-known/openid-configuration", OAUTH "/tenant"},
        {ISSUER "/a/b", ISSUER "/a/b/.well-known/openid-configuration", OAUTH "/a/b"},
        {"HTTPS://AS.example.com", OPENID, OAUTH},
        {"https://as.example.com:8443/x",
         "https://as.example.com:8443/x/.well-known/openid-configuration",
         "https://as.example.com:8443/.well-known/oauth-authorization-server/x"},
        {"http://127.0.0.1:80/x/", "http://127.0.0.1/x/.well-known/openid-configuration",
         "http://127.0.0.1/.well-known/oauth-authorization-server/x"},
        {"http://[::1]:9/", "http://[::1]:9/.well-known/openid-configuration",
         "http://[::1]:9/.well-known/oauth-authorization-server"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fake.requests = 0;
        fake.replies[0] = fake.replies[1] = (reply){.http_status = 404};

        assert_int_equal(fetch(rows[i].issuer, NULL, NULL), TACIT_ERR_PROTOCOL);

        assert_int_equal(fake.requests, 2);
        assert_string_equal(fake.urls[0], rows[i].openid);
        assert_string_equal(fake.urls[1], rows[i].oauth);
    }
}

static void where_it_was_found_before_is_asked_first(void **state) {
    (void)state;

    assert_int_equal(fetch(ISSUER, OAUTH, NULL), TACIT_OK);

    assert_int_equal(fake.requests, 1);
    assert_string_equal(fake.urls[0], OAUTH);
    assert_string_equal(fake.if_none_match[0], "");
}

static void what_is_known_is_asked_for_with_its_etag(void **state) {
    (void)state;
    fake.replies[0] = (reply){.http_status = 304};

    assert_int_equal(fetch(ISSUER, OAUTH, "W/\"v 1\""), TACIT_OK);

    assert_int_equal(fake.requests, 1);
    assert_string_equal(fake.urls[0], OAUTH);
    assert_string_equal(fake.if_none_match[0], "W/\"v 1\"");
    assert_true(with.found.unchanged);
    assert_null(with.found.metadata);
    assert_null(with.found.url);
}

static void what_changed_comes_with_its_new_etag(void **state) {
    (void)state;
    fake.replies[0].head = "etag: \"v2\"";

    assert_int_equal(fetch(ISSUER, OPENID, "\"v1\""), TACIT_OK);

    assert_false(with.found.unchanged);
    assert_string_equal(with.found.etag, "\"v2\"");
}

static void metadata_that_moved_is_found_again_without_the_old_etag(void **state) {
    (void)state;
    fake.replies[0] = (reply){.http_status = 404};

    assert_int_equal(fetch(ISSUER, OAUTH, "\"v1\""), TACIT_OK);

    assert_string_equal(fake.urls[1], OPENID);
    assert_string_equal(fake.if_none_match[1], "");
    assert_string_equal(with.found.url, OPENID);
    assert_null(with.found.etag);
}

/* A cache on the disk may say anything. */
static void a_place_or_etag_that_cannot_be_is_not_used(void **state) {
    (void)state;
    char long_etag[1000];
    memset(long_etag, 'x', sizeof long_etag - 1);
    long_etag[sizeof long_etag - 1] = '\0';
    const struct {
        const char *url, *etag;
    } rows[] = {{"https://evil.example/.well-known/openid-configuration", "\"v1\""},
                {OPENID "/..", "\"v1\""},
                {NULL, "\"v1\""},
                {OPENID, ""},
                {OPENID, "\"v1\"\r\nCookie: a=b"},
                {OPENID, "\x7F"},
                {OPENID, long_etag}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fake.requests = 0;

        assert_int_equal(fetch(ISSUER, rows[i].url, rows[i].etag), TACIT_OK);

        assert_string_equal(fake.urls[0], OPENID);
        assert_string_equal(fake.if_none_match[0], "");
        ti_discovery_free(&with.found);
    }
}

static void an_etag_that_no_header_may_hold_is_not_kept(void **state) {
    (void)state;
    static const char *const heads[] = {"etag: ", "etag: \"\x01\""};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        fake.requests = 0;
        fake.replies[0].head = heads[i];

        assert_int_equal(fetch(ISSUER, NULL, NULL), TACIT_OK);

        assert_null(with.found.etag);
        ti_discovery_free(&with.found);
    }
}

/* --- answers --- */

static void another_place_is_asked_where_the_first_has_nothing(void **state) {
    (void)state;
    static const reply rows[] = {
        {.http_status = 404},
        {.http_status = 400, .body = "{\"error\":\"invalid_request\"}"},
        {.http_status = 403, .body = "<html>"},
        {.http_status = 410},
        {.http_status = 302, .head = "location: https://as.example.com/login"},
        {.http_status = 304}, /* nobody asked so */
        {.http_status = 204},
        {.http_status = 200},
        {.http_status = 200, .body = "<!doctype html><title>Welcome</title>"},
        {.http_status = 200, .body = "not found"},
        {.http_status = 200, .body = "[]"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fake.requests = 0;
        fake.replies[0] = rows[i];

        assert_int_equal(fetch(ISSUER, NULL, NULL), TACIT_OK);

        assert_int_equal(fake.requests, 2);
        assert_string_equal(fake.urls[1], OAUTH);
        assert_string_equal(with.found.url, OAUTH);
        ti_discovery_free(&with.found);
    }
}

static void where_neither_has_any_the_error_says_so(void **state) {
    (void)state;
    fake.replies[0] = (reply){.http_status = 200, .body = "<html>"};
    fake.replies[1] = (reply){.http_status = 404, .body = "gone fishing"};

    assert_int_equal(fetch(ISSUER, NULL, NULL), TACIT_ERR_PROTOCOL);

    assert_int_equal(with.error.http_status, 404);
    assert_true(with.error.retryable);
    assert_non_null(strstr(with.error.message, ISSUER));
    assert_null(strstr(with.error.message, "fishing"));
    assert_null(with.found.metadata);
}

static void trouble_on_the_way_is_not_answered_with_more_requests(void **state) {
    (void)state;
    static const struct {
        reply reply;
        tacit_status status;
    } rows[] = {
        {{.status = TACIT_ERR_NETWORK}, TACIT_ERR_NETWORK},
        {{.status = TACIT_ERR_TLS}, TACIT_ERR_TLS},
        {{.status = TACIT_ERR_TIMEOUT}, TACIT_ERR_TIMEOUT},
        {{.status = TACIT_ERR_CANCELLED}, TACIT_ERR_CANCELLED},
        {{.status = TACIT_ERR_TOO_LARGE}, TACIT_ERR_PROTOCOL},
        {{.http_status = 500, .body = METADATA}, TACIT_ERR_SERVER},
        {{.http_status = 503, .retry_after_s = 7}, TACIT_ERR_SERVER},
        {{.http_status = 429, .retry_after_s = 7}, TACIT_ERR_SERVER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fake.requests = 0;
        fake.replies[0] = rows[i].reply;

        assert_int_equal(fetch(ISSUER, OPENID, "\"v1\""), rows[i].status);

        assert_int_equal(fake.requests, 1);
        assert_int_equal(with.error.status, rows[i].status);
        assert_int_equal(with.error.http_status, rows[i].reply.http_status);
        assert_int_equal(with.error.retry_after_s, rows[i].reply.retry_after_s);
        assert_false(with.error.outcome_unknown);
        assert_null(with.found.metadata);
    }
}

static void metadata_that_cannot_be_used_is_refused(void **state) {
    (void)state;
    static const struct {
        const char *issuer, *body, *message; /* a part of it */
    } rows[] = {
        {ISSUER, "{", "cannot be used"},
        {ISSUER, "{\"error\":\"not_found\"}", "token_endpoint"},
        {ISSUER, "{\"issuer\":\"" ISSUER "\"}", "token_endpoint: is missing"},
        {ISSUER, "{\"token_endpoint\":\"https://as.example.com/token\"}", "no issuer"},
        {ISSUER, "{\"issuer\":\"" ISSUER "/\",\"token_endpoint\":\"https://as.example.com/token\"}",
         "another issuer"},
        {ISSUER "/", METADATA, "another issuer"},
        {"https://AS.example.com", METADATA, "another issuer"},
        {ISSUER, "{\"issuer\":\"" ISSUER "\",\"token_endpoint\":\"http://as.example.com/token\"}",
         "cannot be used"},
        {ISSUER, "{\"issuer\":\"" ISSUER "\",\"token_endpoint\":\"http://127.0.0.1/token\"}",
         "http"},
        {ISSUER,
         "{\"issuer\":\"" ISSUER "\",\"token_endpoint\":\"https://as.example.com/token\","
         "\"end_session_endpoint\":\"http://localhost/logout\"}",
         "http"},
        {ISSUER, "{\"issuer\":\"" ISSUER "\",\"dialect\":{\"sliding_header\":\"X-Token\"}}",
         "token_endpoint: is missing"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fake.requests = 0;
        fake.replies[0].body = rows[i].body;

        assert_int_equal(fetch(rows[i].issuer, NULL, NULL), TACIT_ERR_PROTOCOL);

        if (!strstr(with.error.message, rows[i].message)) {
            fail_msg("%s: %s", rows[i].body, with.error.message);
        }
        assert_int_equal(fake.requests, 1);
        assert_int_equal(with.error.http_status, 200);
        assert_null(with.found.metadata);
        assert_null(with.found.url);
        assert_null(with.found.json.data);
    }
}

/* Whoever can change a server's metadata must not come by its users' tokens. */
static void a_server_cannot_say_how_tokens_travel(void **state) {
    (void)state;
    fake.replies[0].body =
        "{\"issuer\":\"" ISSUER "\",\"token_endpoint\":\"https://as.example.com/token\","
        "\"dialect\":{\"sign_in\":{\"url\":\"https://evil.example/\"},"
        "\"refresh\":{\"send\":\"query\",\"allow_refresh_token_in_url\":true}}}";

    assert_int_equal(fetch(ISSUER, NULL, NULL), TACIT_OK);

    assert_null(ti_metadata_dialect(with.found.metadata));
}

static void a_loopback_issuer_may_have_plain_endpoints(void **state) {
    (void)state;
    fake.replies[0].body = "\xEF\xBB\xBF\n{\"issuer\":\"http://127.0.0.1:9400\","
                           "\"token_endpoint\":\"http://127.0.0.1:9400/token\","
                           "\"authorization_endpoint\":\"https://as.example.com/authorize\"}";

    assert_int_equal(fetch("http://127.0.0.1:9400", NULL, NULL), TACIT_OK);

    assert_non_null(with.found.metadata);
}

static void without_memory_nothing_is_found(void **state) {
    (void)state;
    fake.no_memory = true;

    assert_int_equal(fetch(ISSUER, NULL, NULL), TACIT_ERR_NO_MEMORY);

    assert_int_equal(fake.requests, 0);
    assert_null(with.found.metadata);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_request_finds_openid_metadata, setup, teardown),
        cmocka_unit_test_setup_teardown(the_places_follow_the_issuers_path, setup, teardown),
        cmocka_unit_test_setup_teardown(where_it_was_found_before_is_asked_first, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_known_is_asked_for_with_its_etag, setup, teardown),
        cmocka_unit_test_setup_teardown(what_changed_comes_with_its_new_etag, setup, teardown),
        cmocka_unit_test_setup_teardown(metadata_that_moved_is_found_again_without_the_old_etag,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_place_or_etag_that_cannot_be_is_not_used, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_etag_that_no_header_may_hold_is_not_kept, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_place_is_asked_where_the_first_has_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(where_neither_has_any_the_error_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(trouble_on_the_way_is_not_answered_with_more_requests,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(metadata_that_cannot_be_used_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_server_cannot_say_how_tokens_travel, setup, teardown),
        cmocka_unit_test_setup_teardown(a_loopback_issuer_may_have_plain_endpoints, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(without_memory_nothing_is_found, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
