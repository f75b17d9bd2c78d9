/* A transport that is a fake: it keeps what was sent and answers what the test said. One test includes it. */
#ifndef TEST_GRANT_FIXTURE_H
#define TEST_GRANT_FIXTURE_H

#include "oauth/grant.h"

#include "base/error.h"
#include "tests/support/unit.h"

#include <stdlib.h>
#include <string.h>

#define WALL_MS INT64_C(1767225600000)

struct ti_handle {
    int unused;
};

static struct {
    /* said by the test */
    bool no_memory;           /* acquiring fails */
    tacit_status send_status; /* TACIT_OK: an answer arrives */
    bool sent;
    int http_status, retry_after_s;
    const char *body, *user_agent;
    const char *head;     /* "Name: value\n" each; NULL: none */
    const char *log_line; /* written while the request is under way; NULL: none */
    /* kept for the test */
    int sends, handles_out;
    ti_handle_kind kind;
    char url[512], method[16], headers[512], form[1024], username[128], password[128];
    bool has_body, basic, accept_encoding, answer_is_secret;
    size_t response_bytes_max;
    int64_t deadline_boot_ms;
} fake;

static ti_handle the_handle;
static ti_log fake_log; /* nobody listens, unless a test says so */

ti_handle *ti_handle_acquire(ti_transport *transport, ti_handle_kind kind) {
    (void)transport;
    if (fake.no_memory) return NULL;
    fake.kind = kind;
    fake.handles_out++;
    return &the_handle;
}

void ti_handle_release(ti_transport *transport, ti_handle *handle) {
    (void)transport;
    assert_ptr_equal(handle, &the_handle);
    fake.handles_out--;
}

static inline void keep(char *target, size_t size, const void *text, size_t length) {
    assert_true(length < size);
    if (length > 0) memcpy(target, text, length);
    target[length] = '\0';
}

tacit_status ti_handle_send(ti_handle *handle, const ti_url *url, const ti_http_request *request,
                            ti_http_answer *answer, tacit_error *error) {
    assert_ptr_equal(handle, &the_handle);
    assert_null(request->authorization);
    assert_null(request->cancelled); /* R4 */
    assert_null(request->read);
    assert_null(request->write);
    fake.has_body = request->has_body;
    fake.sends++;
    if (fake.log_line) ti_log_write(&fake_log, TACIT_LOG_ERROR, "%s", fake.log_line);
    fake.headers[0] = '\0';
    keep(fake.url, sizeof fake.url, ti_url_text(url), strlen(ti_url_text(url)));
    keep(fake.method, sizeof fake.method, request->method, strlen(request->method));
    keep(fake.form, sizeof fake.form, request->body, request->body_size);
    for (size_t i = 0; request->headers[i]; i++) {
        assert_true(strlen(fake.headers) + strlen(request->headers[i]) + 2 < sizeof fake.headers);
        strcat(strcat(fake.headers, request->headers[i]), "\n");
    }
    fake.basic = request->username != NULL;
    assert_int_equal(fake.basic, request->password != NULL);
    if (fake.basic) {
        keep(fake.username, sizeof fake.username, request->username, strlen(request->username));
        keep(fake.password, sizeof fake.password, request->password, strlen(request->password));
    }
    fake.accept_encoding = request->accept_encoding;
    fake.response_bytes_max = request->response_bytes_max;
    fake.deadline_boot_ms = request->deadline_boot_ms;
    fake.answer_is_secret = answer->body.secret;

    answer->sent = fake.sent;
    if (fake.send_status != TACIT_OK) return ti_error_set(error, fake.send_status, "It broke.");
    answer->status = fake.http_status;
    answer->retry_after_s = fake.retry_after_s;
    assert_true(ti_buffer_append_string(&answer->body, fake.body));
    for (const char *line = fake.head; line && *line; line += strcspn(line, "\n") + 1) {
        assert_true(ti_buffer_append(&answer->head, line, strcspn(line, "\n")));
        assert_true(ti_buffer_append(&answer->head, "", 1));
    }
    return ti_error_clear(error);
}

ti_log *ti_transport_log(ti_transport *transport) {
    (void)transport;
    return &fake_log;
}

const char *ti_transport_user_agent(const ti_transport *transport) {
    (void)transport;
    return fake.user_agent;
}

const char *ti_transport_encodings(void) {
    return "deflate, gzip";
}

static inline int64_t wall_ms(void *data) {
    (void)data;
    return WALL_MS;
}

static const ti_clock test_clock = {
    .injected = {.struct_size = sizeof(tacit_clock), .boot_ms = wall_ms, .wall_ms = wall_ms}};

/* A public client with a refresh token, and a server that grants. */
static struct {
    ti_grant_client client;
    ti_grant grant;
    ti_secret *refresh_token, *password, *client_secret;
    ti_token_response response;
    tacit_error error;
    bool sent;
} with;

static inline int setup(void **state) {
    (void)state;
    memset(&fake, 0, sizeof fake);
    memset(&with, 0, sizeof with);
    fake.sent = true;
    fake.http_status = 200;
    fake.body = "{\"access_token\":\"at\",\"expires_in\":60}";
    with.refresh_token = ti_secret_from_string("r+t/0 &=");
    with.password = ti_secret_from_string("p\xC3\xA4ss word");
    with.client_secret = ti_secret_from_string("s:ecret%");
    with.client.provider =
        tacit_provider_from_json("{\"token_endpoint\":\"https://as.example.com/token\","
                                 "\"revocation_endpoint\":\"https://as.example.com/revoke\"}",
                                 NULL);
    with.client.client_id = "my app:1";
    with.grant.type = TI_GRANT_REFRESH_TOKEN;
    with.grant.refresh_token = with.refresh_token;
    return with.client.provider ? 0 : -1;
}

static inline int teardown(void **state) {
    (void)state;
    assert_int_equal(fake.handles_out, 0);
    ti_token_response_free(&with.response);
    ti_secret_unref(with.refresh_token);
    ti_secret_unref(with.password);
    ti_secret_unref(with.client_secret);
    tacit_provider_unref(with.client.provider);
    return 0;
}

static inline void use_provider(const char *json) {
    tacit_provider_unref(with.client.provider);
    with.client.provider = tacit_provider_from_json(json, NULL);
    assert_non_null(with.client.provider);
}

static inline ti_verdict send_grant(void) {
    return ti_grant_send(NULL, &with.client, &with.grant, &test_clock, 4711, &with.response,
                         &with.sent, &with.error);
}

static inline tacit_status revoke(void) {
    return ti_grant_revoke(NULL, &with.client,
                           &(ti_grant_end){.token = with.refresh_token, .hint = "refresh_token"},
                           4711, &with.error);
}

#endif
