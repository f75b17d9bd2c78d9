/* A session with a server that is not quite OAuth: all that goes over the wire, and what shows of it nowhere. */
#include "support/fake_store.h"
#include "support/raw_server.h"
#include "support/unit.h"
#include "support/world.h"

#include <tacit/tacit.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 20000, LINES_MAX = 16 };

/* Refresh tokens of which nothing stays as it is in a URL, and what they are there. */
#define RT1 "refresh+one/=="
#define RT1_ENCODED "refresh%2Bone%2F%3D%3D"
#define RT2 "refresh+two/=="
#define RT2_ENCODED "refresh%2Btwo%2F%3D%3D"
#define RT3 "refresh+three/=="
#define RT3_ENCODED "refresh%2Bthree%2F%3D%3D"
#define OTHER_COOKIE "nobody-keeps-this"

/* --- what was said --- */

static struct {
    pthread_mutex_t lock;
    char *text;
    size_t size, lines;
} said = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void log_line(tacit_log_level level, const char *message, void *data) {
    size_t size = strlen(message);

    (void)level;
    (void)data;
    pthread_mutex_lock(&said.lock);
    said.text = realloc(said.text, said.size + size + 2);
    if (said.text == NULL) abort();
    memcpy(said.text + said.size, message, size);
    said.size += size;
    said.text[said.size++] = '\n';
    said.text[said.size] = '\0';
    said.lines++;
    pthread_mutex_unlock(&said.lock);
}

static void forget_said(void) {
    free(said.text);
    said.text = NULL;
    said.size = said.lines = 0;
}

static void assert_not_said(const char *secret) {
    if (strstr(said.text, secret) != NULL) fail_msg("it said %s", secret);
}

/* R11 */
static void assert_said_no_secret(void) {
    static const char *const secrets[] = {RT1,          RT1_ENCODED,    RT2,          RT2_ENCODED,
                                          RT3,          RT3_ENCODED,    "wonderland", "access-one",
                                          "access-two", "access-three", OTHER_COOKIE};

    assert_true(said.lines > 10); /* it did talk */
    assert_non_null(strstr(said.text, "X-Echo: "));
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) assert_not_said(secrets[i]);
    forget_said();
}

/* --- what was received --- */

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Appends one request in a form that does not depend on libcurl's version or the port: its header lines sorted, without Host and what
 * libcurl can decode. Answers where the next one begins. */
static char *append_request(char *out, char *request) {
    char *end = strstr(request, "\r\n\r\n"), *lines[LINES_MAX], *rest = request, *line;
    size_t count = 0, body_size = 0;

    assert_non_null(end);
    *end = '\0';
    out += sprintf(out, "%s\n", strsep(&rest, "\r"));
    while (rest != NULL && (line = strsep(&rest, "\r")) != NULL) {
        line++; /* the \n */
        if (strncmp(line, "Content-Length: ", 16) == 0) body_size = strtoul(line + 16, NULL, 10);
        if (strncmp(line, "Host: ", 6) == 0 || strncmp(line, "Accept-Encoding: ", 17) == 0)
            continue;
        assert_true(count < LINES_MAX);
        lines[count++] = line;
    }
    qsort(lines, count, sizeof *lines, by_text);
    for (size_t i = 0; i < count; i++) out += sprintf(out, "%s\n", lines[i]);
    out += sprintf(out, "\n%.*s", (int)body_size, end + 4);
    if (body_size > 0) sprintf(out, "\n");
    return end + 4 + body_size;
}

static void assert_received(raw_server *server, const char *expected, const char *why) {
    char *bytes = raw_server_received(server), *next = bytes;
    char *text = calloc(1, 2 * strlen(bytes) + 1);

    assert_non_null(text);
    while (*next != '\0') next = append_request(text + strlen(text), next);
    if (strcmp(text, expected) != 0)
        fail_msg("%s\n--- came:\n%s\n--- expected:\n%s", why, text, expected);
    free(text);
    free(bytes);
}

/* --- a client --- */

typedef struct client {
    raw_server *server;
    fake_store *store;
    tacit_provider *provider;
    tacit_client *client;
    tacit_session *session;
} client;

/* The text with BASE replaced by the server's URL. */
static tacit_provider *make_provider(raw_server *server, const char *json) {
    char text[2048] = "", *out = text;
    tacit_provider *provider;
    tacit_error error;

    for (const char *base; (base = strstr(json, "BASE/")) != NULL; json = base + strlen("BASE/"))
        out += sprintf(out, "%.*s%s", (int)(base - json), json, raw_server_url(server));
    strcpy(out, json);
    provider = tacit_provider_from_json(text, &error);
    if (provider == NULL) fail_msg("%s: %s", text, error.message);
    return provider;
}

static char end_of_sign_in[256]; /* what the server said to it; written before it shows in over */
static atomic_bool over;

static void on_event(tacit_session *session, const tacit_event *event, void *data) {
    (void)session, (void)data;
    if (event->type != TACIT_EVENT_SIGN_IN_REQUIRED) return;
    snprintf(end_of_sign_in, sizeof end_of_sign_in, "%s", event->error->oauth_error_description);
    atomic_store(&over, true);
}

static bool is_over(void *data) {
    (void)data;
    return atomic_load(&over);
}

static void start(client *c, const char *user_agent) {
    static const char *const token_headers[] = {"X-Tenant: 7", NULL};
    const char *origins[2] = {raw_server_url(c->server), NULL};
    tacit_client_options client_options = TACIT_CLIENT_OPTIONS_INIT;
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;

    client_options.user_agent = user_agent;
    client_options.log = log_line;
    client_options.log_level = TACIT_LOG_DEBUG;
    c->client = tacit_client_new(&client_options, NULL);
    assert_non_null(c->client);
    options.client_id = "app";
    options.store = fake_store_handle(c->store);
    options.origins = origins;
    options.token_headers = token_headers;
    options.policy = TACIT_POLICY_REACTIVE;
    options.on_event = on_event;
    c->session = tacit_session_open(c->client, c->provider, &options, NULL);
    assert_non_null(c->session);
}

static void stop(client *c) {
    tacit_session_close(c->session, PATIENCE_MS);
    assert_int_equal(tacit_client_shutdown(c->client, PATIENCE_MS, NULL), TACIT_OK);
    tacit_client_unref(c->client);
}

static void client_new_of(client *c, const char *provider, const raw_options *server) {
    c->server = raw_server_start(server);
    assert_non_null(c->server);
    c->store = fake_store_new_process_only();
    c->provider = make_provider(c->server, provider);
    start(c, "app/1");
}

static void client_new(client *c, const char *provider, const char *const *answers) {
    client_new_of(c, provider, &(raw_options){.answers = answers, .then = RAW_KEEP});
}

static void client_free(client *c) {
    stop(c);
    tacit_provider_unref(c->provider);
    raw_server_stop(c->server);
    fake_store_free(c->store);
}

static void must(tacit_status status, const tacit_error *error) {
    if (status != TACIT_OK) fail_msg("%s: %s", tacit_status_name(status), error->message);
}

static void sign_in(client *c) {
    tacit_error error;

    must(tacit_sign_in_with_password(c->session, "alice", "wonderland", NULL, &error), &error);
}

static void refresh(client *c) {
    tacit_error error;

    must(tacit_session_refresh(c->session, PATIENCE_MS, &error), &error);
}

static void get(client *c) {
    tacit_response *response;
    tacit_error error;
    char url[128];

    snprintf(url, sizeof url, "%sapi", raw_server_url(c->server));
    must(tacit_get(c->session, url, &response, &error), &error);
    tacit_response_free(response);
}

static void sign_out(client *c) {
    tacit_error error;

    must(tacit_sign_out(c->session, PATIENCE_MS, &error), &error);
}

static void assert_never_saved(fake_store *store, const char *text) {
    for (size_t i = 0; i < fake_store_saved_count(store); i++) {
        char *record = fake_store_saved(store, i);

        assert_null(strstr(record, text));
        free(record);
    }
}

/* --- the story of each way to send a refresh token --- */

#define OK(size) "HTTP/1.1 200 OK\r\nContent-Length: " size "\r\n"
#define TOKENS(access, refresh, size, echo)                                                        \
    OK(size)                                                                                       \
    "X-Echo: " echo "\r\n\r\n{\"access_token\":\"" access "\",\"refresh_token\":\"" refresh "\"}"
#define SIGNED_IN TOKENS("access-one", RT1, "62", "-")
#define REFRESHED TOKENS("access-two", RT2, "62", "/x?t=" RT1_ENCODED "&u=" RT1)
#define REFRESHED_AGAIN TOKENS("access-three", RT3, "66", RT2 " " RT2_ENCODED)
#define API OK("2") "Set-Cookie: rt=" OTHER_COOKIE "\r\n\r\n{}"
#define SIGNED_OUT "HTTP/1.1 204 No Content\r\n\r\n"

#define WITH_COOKIE(access, refresh, size)                                                         \
    OK(size)                                                                                       \
    "X-Echo: -\r\nSet-Cookie: sid=" OTHER_COOKIE "; Path=/\r\n"                                    \
    "Set-Cookie: rt=" refresh "; Path=/refresh; HttpOnly; Max-Age=604800\r\n"                      \
    "Set-Cookie: rt2=" OTHER_COOKIE "\r\n\r\n{\"access_token\":\"" access "\"}"

static const char *const in_body[] = {SIGNED_IN, API, REFRESHED, REFRESHED_AGAIN, SIGNED_OUT, NULL};
static const char *const in_cookies[] = {
    WITH_COOKIE("access-one", RT1, "29"),   API,        WITH_COOKIE("access-two", RT2, "29"),
    WITH_COOKIE("access-three", RT3, "31"), SIGNED_OUT, NULL};

#define LOGIN                                                                                      \
    "{\"token_endpoint\":\"BASE/refresh\",\"dialect\":{\"sign_in\":{\"url\":\"BASE/login\","       \
    "\"fields\":{\"username\":\"{username}\",\"password\":\"{password}\"}},"
#define SENT_LOGIN                                                                                 \
    "POST /login HTTP/1.1\nAccept: application/json\nContent-Length: 44\n"                         \
    "Content-Type: application/json\nUser-Agent: app/1\nX-Tenant: 7\n\n"                           \
    "{\"username\":\"alice\",\"password\":\"wonderland\"}\n"
#define SENT_API                                                                                   \
    "GET /api HTTP/1.1\nAccept: */*\nAuthorization: Bearer access-one\nUser-Agent: app/1\n\n"

static const struct {
    const char *why;
    const char *provider;
    const char *const *answers;
    const char *received;
} rows[] = {
    {"form",
     LOGIN "\"refresh\":{\"send\":\"form\",\"field\":\"token\",\"fields\":{\"tenant\":\"7\"}}}}",
     in_body,
     SENT_LOGIN SENT_API
     "POST /refresh HTTP/1.1\nAccept: application/json\nContent-Length: 76\n"
     "Content-Type: application/x-www-form-urlencoded\nUser-Agent: app/1\nX-Tenant: 7\n\n"
     "grant_type=refresh_token&token=" RT1_ENCODED "&client_id=app&tenant=7\n"
     "POST /refresh HTTP/1.1\nAccept: application/json\nContent-Length: 76\n"
     "Content-Type: application/x-www-form-urlencoded\nUser-Agent: app/1\nX-Tenant: 7\n\n"
     "grant_type=refresh_token&token=" RT2_ENCODED "&client_id=app&tenant=7\n"},
    {"json",
     LOGIN
     "\"refresh\":{\"method\":\"PUT\",\"send\":\"json\",\"field\":\"refreshToken\",\"fields\":"
     "{\"expired\":\"{access_token}\",\"device\":{\"id\":1}}},"
     "\"sign_out\":{\"url\":\"BASE/logout\",\"send\":\"json\",\"field\":\"refreshToken\","
     "\"fields\":{\"accessToken\":\"{access_token}\"}}}}",
     in_body,
     SENT_LOGIN SENT_API
     "PUT /refresh HTTP/1.1\nAccept: application/json\nContent-Length: 74\n"
     "Content-Type: application/json\nUser-Agent: app/1\nX-Tenant: 7\n\n"
     "{\"refreshToken\":\"" RT1 "\",\"expired\":\"access-one\",\"device\":{\"id\":1}}\n"
     "PUT /refresh HTTP/1.1\nAccept: application/json\nContent-Length: 74\n"
     "Content-Type: application/json\nUser-Agent: app/1\nX-Tenant: 7\n\n"
     "{\"refreshToken\":\"" RT2 "\",\"expired\":\"access-two\",\"device\":{\"id\":1}}\n"
     "POST /logout HTTP/1.1\nAccept: application/json\nContent-Length: 64\n"
     "Content-Type: application/json\nUser-Agent: app/1\nX-Tenant: 7\n\n"
     "{\"refreshToken\":\"" RT3 "\",\"accessToken\":\"access-three\"}\n"},
    {"bearer",
     LOGIN "\"refresh\":{\"send\":\"bearer\",\"headers\":[\"X-Device: 7f3a\"]},"
           "\"sign_out\":{\"url\":\"BASE/logout\",\"method\":\"DELETE\",\"send\":\"bearer\","
           "\"token\":\"access_token\"}}}",
     in_body,
     SENT_LOGIN SENT_API
     "POST /refresh HTTP/1.1\nAccept: application/json\nAuthorization: Bearer " RT1
     "\nContent-Length: 0\nUser-Agent: app/1\nX-Device: 7f3a\nX-Tenant: 7\n\n"
     "POST /refresh HTTP/1.1\nAccept: application/json\nAuthorization: Bearer " RT2
     "\nContent-Length: 0\nUser-Agent: app/1\nX-Device: 7f3a\nX-Tenant: 7\n\n"
     "DELETE /logout HTTP/1.1\nAccept: application/json\nAuthorization: Bearer access-three\n"
     "User-Agent: app/1\nX-Tenant: 7\n\n"},
    {"cookie",
     LOGIN "\"refresh\":{\"send\":\"cookie\",\"field\":\"rt\",\"fields\":{\"deviceId\":\"d\"}},"
           "\"sign_out\":{\"url\":\"BASE/logout\",\"send\":\"cookie\",\"field\":\"rt\"}}}",
     in_cookies,
     SENT_LOGIN SENT_API
     "POST /refresh HTTP/1.1\nAccept: application/json\nContent-Length: 16\n"
     "Content-Type: application/json\nCookie: rt=" RT1 "\nUser-Agent: app/1\nX-Tenant: 7\n\n"
     "{\"deviceId\":\"d\"}\n"
     "POST /refresh HTTP/1.1\nAccept: application/json\nContent-Length: 16\n"
     "Content-Type: application/json\nCookie: rt=" RT2 "\nUser-Agent: app/1\nX-Tenant: 7\n\n"
     "{\"deviceId\":\"d\"}\n"
     "POST /logout HTTP/1.1\nAccept: application/json\nContent-Length: 0\nCookie: rt=" RT3
     "\nUser-Agent: app/1\nX-Tenant: 7\n\n"},
    {"query",
     LOGIN "\"refresh\":{\"method\":\"GET\",\"send\":\"query\",\"field\":\"refresh_token\","
           "\"allow_refresh_token_in_url\":true}}}",
     in_body,
     SENT_LOGIN SENT_API
     "GET /refresh?refresh_token=" RT1_ENCODED " HTTP/1.1\nAccept: application/json\n"
     "User-Agent: app/1\nX-Tenant: 7\n\n"
     "GET /refresh?refresh_token=" RT2_ENCODED " HTTP/1.1\nAccept: application/json\n"
     "User-Agent: app/1\nX-Tenant: 7\n\n"},
};

static void every_way_to_send_a_refresh_token_is_as_the_dialect_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        client c;

        client_new(&c, rows[i].provider, rows[i].answers);
        sign_in(&c);
        get(&c);
        refresh(&c);
        refresh(&c);
        sign_out(&c);

        assert_received(c.server, rows[i].received, rows[i].why);
        assert_never_saved(c.store, OTHER_COOKIE);
        client_free(&c);
        assert_said_no_secret();
    }
}

/* Its refresh token is not what such a server's sign-out takes. */
static void a_sign_in_that_comes_to_nothing_is_ended_with_the_token_that_ends_it(void **state) {
    static const char *const answers[] = {
        OK("84") "\r\n{\"access_token\":\"access-one\",\"refresh_token\":\"" RT1
                 "\",\"id_token\":\"nonsense\"}",
        SIGNED_OUT, NULL};
    tacit_error error;
    client c;

    (void)state;
    client_new(&c,
               LOGIN "\"sign_out\":{\"url\":\"BASE/logout\",\"send\":\"bearer\",\"token\":"
                     "\"access_token\",\"fields\":{\"refreshToken\":\"{refresh_token}\"}}}}",
               answers);
    assert_int_equal(tacit_sign_in_with_password(c.session, "alice", "wonderland", NULL, &error),
                     TACIT_ERR_PROTOCOL);
    stop(&c); /* what is to be revoked is waited for */

    assert_received(c.server,
                    SENT_LOGIN "POST /logout HTTP/1.1\nAccept: application/json\n"
                               "Authorization: Bearer access-one\nContent-Length: 33\n"
                               "Content-Type: application/json\nUser-Agent: app/1\nX-Tenant: 7\n\n"
                               "{\"refreshToken\":\"" RT1 "\"}\n",
                    "dropped");
    tacit_provider_unref(c.provider);
    raw_server_stop(c.server);
    fake_store_free(c.store);
    forget_said();
}

/* --- what stays the same --- */

#define FINGERPRINTED                                                                              \
    LOGIN "\"refresh\":{\"send\":\"bearer\"},\"fingerprint\":[\"User-Agent\",\"X-Tenant\"]}}"
#define SENT_REFRESH(token)                                                                        \
    "POST /refresh HTTP/1.1\nAccept: application/json\nAuthorization: Bearer " token               \
    "\nContent-Length: 0\nUser-Agent: app/1\nX-Tenant: 7\n\n"

static void another_version_of_the_app_sends_what_the_sign_in_sent(void **state) {
    static const char *const answers[] = {SIGNED_IN, REFRESHED, REFRESHED_AGAIN, NULL};
    client c;

    (void)state;
    client_new(&c, FINGERPRINTED, answers);
    sign_in(&c);
    refresh(&c);
    stop(&c);
    start(&c, "app/2");
    refresh(&c);

    assert_received(c.server, SENT_LOGIN SENT_REFRESH(RT1) SENT_REFRESH(RT2), "fingerprint");
    client_free(&c);
    assert_said_no_secret();
}

/* --- a token in a header --- */

#define SLID "slid-into-the-answer"

/* R11: it is in the log before anybody knows that it is a token. */
static void a_token_that_slides_shows_in_no_log_line(void **state) {
    static const char *const answers[] = {
        "HTTP/1.1 204 No Content\r\nX-Echo: -\r\nx-renewed: access-one\r\n\r\n",
        OK("2") "X-RENEWED: Bearer " SLID "\r\n\r\n{}", NULL};
    client c;

    (void)state;
    client_new(&c, LOGIN "\"sliding_header\":\"X-Renewed\"}}", answers);
    sign_in(&c);
    get(&c);

    assert_received(c.server, SENT_LOGIN SENT_API, "sliding");
    client_free(&c);
    assert_not_said(SLID);
    assert_said_no_secret();
}

/* --- what ends a sign-in, and what does not --- */

#define BY_STATUS LOGIN "\"refresh\":{\"send\":\"bearer\"},\"signed_out_statuses\":[401]}}"
#define UNAUTHORIZED "HTTP/1.1 401 Unauthorized\r\nContent-Length: "

static void must_fail_to_refresh(client *c, tacit_status expected, bool unknown) {
    tacit_error error;

    tacit_client_network_changed(c->client); /* now, whatever failed before */
    if (tacit_session_refresh(c->session, PATIENCE_MS, &error) != expected)
        fail_msg("%s: %s", tacit_status_name(error.status), error.message);
    assert_int_equal(error.outcome_unknown, unknown);
}

/* R6 */
static void only_the_servers_own_refusal_ends_the_sign_in(void **state) {
    static const char *const answers[] = {
        SIGNED_IN,
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: "
        "24\r\n\r\n{\"error\":\"invalid_grant\"}",
        "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n",
        UNAUTHORIZED "22\r\n\r\n<html>Welcome</html>\r\n",
        OK("2") "\r\nOK",
        UNAUTHORIZED "44\r\n\r\n{\"statusCode\":401,\"message\":\"jwt expired\"}\r\n",
        NULL};
    client c;
    tacit_error error;

    (void)state;
    client_new(&c, BY_STATUS, answers);
    sign_in(&c);

    must_fail_to_refresh(&c, TACIT_ERR_SERVER, false);
    must_fail_to_refresh(&c, TACIT_ERR_SERVER, false);
    must_fail_to_refresh(&c, TACIT_ERR_PROTOCOL, false);
    must_fail_to_refresh(&c, TACIT_ERR_PROTOCOL, true);
    assert_int_equal(tacit_session_get_state(c.session), TACIT_STATE_SIGNED_IN);
    tacit_client_network_changed(c.client);
    assert_int_not_equal(tacit_session_refresh(c.session, PATIENCE_MS, &error), TACIT_OK);

    if (!error.sign_in_required) fail_msg("%s: %s", tacit_status_name(error.status), error.message);
    world_wait(is_over, NULL, "the end of the sign-in is told");
    assert_string_equal(end_of_sign_in, "jwt expired"); /* this call, or a retry before it */
    assert_int_equal(tacit_session_get_state(c.session), TACIT_STATE_SIGNED_OUT);
    client_free(&c);
    forget_said();
}

/* R2: what the cookie replaced is not sent again. */
static void the_successor_in_a_cookie_outlives_a_lost_body(void **state) {
    static const char *const bodies[] = {OK("2") "Set-Cookie: rt=" RT2 "\r\n\r\nOK",
                                         OK("500") "Set-Cookie: rt=" RT2 "\r\n\r\n{\"access"};

    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const char *const answers[] = {WITH_COOKIE("access-one", RT1, "29"), bodies[i],
                                       WITH_COOKIE("access-three", RT3, "31"), NULL};
        client c;
        char *received;

        client_new_of(&c, LOGIN "\"refresh\":{\"send\":\"cookie\",\"field\":\"rt\"}}}",
                      &(raw_options){.answers = answers, .then = RAW_CLOSE});
        sign_in(&c);

        must_fail_to_refresh(&c, i == 0 ? TACIT_ERR_PROTOCOL : TACIT_ERR_NETWORK, true);
        tacit_client_network_changed(c.client);
        refresh(&c);

        received = raw_server_received(c.server);
        assert_non_null(strstr(received, "Cookie: rt=" RT2 "\r\n"));
        assert_null(strstr(strstr(received, "Cookie: rt=" RT1) + 1, "Cookie: rt=" RT1));
        assert_int_equal(tacit_session_get_state(c.session), TACIT_STATE_SIGNED_IN);
        free(received);
        client_free(&c);
        forget_said();
    }
}

static void a_wrong_password_is_the_users_to_hear_of(void **state) {
    static const char *const answers[] = {
        UNAUTHORIZED "45\r\n\r\n{\"statusCode\":401,\"message\":\"Unauthorized\"}\r\n", NULL};
    client c;
    tacit_error error;

    (void)state;
    client_new(&c, BY_STATUS, answers);
    assert_int_equal(tacit_session_load(c.session, PATIENCE_MS, NULL, NULL), TACIT_OK);

    assert_int_equal(tacit_sign_in_with_password(c.session, "alice", "wonderland", NULL, &error),
                     TACIT_ERR_OAUTH);

    assert_string_equal(error.oauth_error, "invalid_grant");
    assert_string_equal(error.oauth_error_description, "Unauthorized");
    assert_false(error.retryable);
    assert_int_equal(tacit_session_get_state(c.session), TACIT_STATE_SIGNED_OUT);
    assert_int_equal(raw_server_requests(c.server), 1);
    client_free(&c);
    assert_not_said("wonderland");
    forget_said();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_send_a_refresh_token_is_as_the_dialect_says),
        cmocka_unit_test(a_sign_in_that_comes_to_nothing_is_ended_with_the_token_that_ends_it),
        cmocka_unit_test(another_version_of_the_app_sends_what_the_sign_in_sent),
        cmocka_unit_test(a_token_that_slides_shows_in_no_log_line),
        cmocka_unit_test(only_the_servers_own_refusal_ends_the_sign_in),
        cmocka_unit_test(the_successor_in_a_cookie_outlives_a_lost_body),
        cmocka_unit_test(a_wrong_password_is_the_users_to_hear_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
