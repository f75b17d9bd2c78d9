/*
 * Sign-ins by browser with servers, and callbacks, that are not what they should be. Whatever comes:
 * a clear error, the earlier sign-in as before, nothing saved, what was granted is revoked, and no
 * listener is left.
 */
#include "support/plain_client.h"
#include "support/scene.h"
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

enum { MINUTE_MS = 60 * 1000, VISITS_MAX = 4 };

/* ------------------------------------------------------------------ the user and the browser */

/* value NULL: without the parameter. Yours. */
static char *with_param(const char *url, const char *name, const char *value) {
    size_t name_size = strlen(name), length = strcspn(url, "?");
    char *out = calloc(1, strlen(url) + name_size + (value ? strlen(value) : 0) + 3);
    char separator = '?';

    memcpy(out, url, length);
    for (const char *pair = url + length; *pair;) {
        size_t size = strcspn(++pair, "&");
        if (strncmp(pair, name, name_size) != 0 || pair[name_size] != '=') {
            out[length++] = separator;
            memcpy(out + length, pair, size);
            length += size;
            separator = '&';
        }
        pair += size;
    }
    if (value) sprintf(out + length, "%c%s=%s", separator, name, value);
    return out;
}

/* How a callback differs from the one that the server sent; name NULL: it is that one. */
typedef struct visit {
    const char *name, *value;
    const char *and_name, *and_value; /* both NULL: no more differs */
    const char *append;               /* NULL: nothing */
    long status;                      /* of the page; 0: whatever */
} visit;

typedef struct user {
    scene *scene;
    visit visits[VISITS_MAX]; /* up to the first that is zero */
    bool gives_up;            /* afterwards: the time is over */
    bool leaves;              /* ... and nobody comes any more */
    pthread_t thread;
    char *url;      /* that the browser is sent to */
    char *location; /* that it was sent back to */
} user;

static char *changed(const char *location, const visit *visit) {
    char *url = visit->name ? with_param(location, visit->name, visit->value) : strdup(location);

    if (visit->and_name) {
        char *once = url;
        url = with_param(once, visit->and_name, visit->and_value);
        free(once);
    }
    if (visit->append) {
        char *once = url;
        assert_true(asprintf(&url, "%s%s", once, visit->append) > 0);
        free(once);
    }
    return url;
}

static reply get(const char *url) {
    CURL *curl = curl_easy_init();
    reply reply = ask_with(curl, url, NULL, NULL);

    curl_easy_cleanup(curl);
    return reply;
}

/* Not found: NULL. Yours. */
static char *location_of(const reply *reply) {
    const char *header = strstr(reply->headers, "Location: ");

    if (!header) return NULL;
    header += strlen("Location: ");
    return strndup(header, strcspn(header, "\r\n"));
}

/* The time is over, and yet somebody comes. */
static void give_up(const user *u) {
    world_clock_move(u->scene->world, 6 * MINUTE_MS);
    char *nowhere = strndup(u->location, strcspn(u->location, "?"));
    reply reply = get(nowhere);
    reply_free(&reply);
    free(nowhere);
}

static void *browse(void *data) {
    user *u = data;
    reply reply = get(u->url);

    u->location = location_of(&reply);
    reply_free(&reply);
    for (int i = 0; u->location && i < VISITS_MAX && u->visits[i].status; i++) {
        char *url = changed(u->location, &u->visits[i]);
        reply = get(url);
        if (reply.status != u->visits[i].status) {
            fprintf(stderr, "visit %d: %ld %s\n", i, reply.status, reply.body);
            abort(); /* cmocka cannot fail a test from here */
        }
        reply_free(&reply);
        free(url);
    }
    if (u->gives_up) give_up(u);
    if (u->leaves) world_clock_move(u->scene->world, 6 * MINUTE_MS);
    return NULL;
}

static bool open_url(const char *url, void *data) {
    user *u = data;

    u->url = strdup(url);
    return pthread_create(&u->thread, NULL, browse, u) == 0;
}

/* The port in the redirect_uri of an authorization request. */
static int port_of(const char *url) {
    int port = 0;
    const char *uri = strstr(url, "redirect_uri=");

    assert_non_null(uri);
    assert_int_equal(sscanf(uri, "redirect_uri=http%%3A%%2F%%2F127.0.0.1%%3A%d", &port), 1);
    return port;
}

static void assert_nobody_listens(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(fd);
}

/* By browser. */
static tacit_error sign_in_with(user *u) {
    tacit_sign_in_options options = TACIT_SIGN_IN_OPTIONS_INIT;
    tacit_error error;

    options.open_url = open_url;
    options.user_data = u;
    tacit_sign_in_with_browser(world_session(u->scene->world), &options, &error);
    if (u->url) {
        pthread_join(u->thread, NULL);
        assert_nobody_listens(port_of(u->url));
    }
    return error;
}

static void user_free(user *u) {
    free(u->url);
    free(u->location);
}

static void expect_browser(scene *s, const visit *visits, size_t count, bool gives_up,
                           tacit_status status, const char *why) {
    user u = {.scene = s, .gives_up = gives_up};

    memcpy(u.visits, visits, count * sizeof *visits);
    tacit_error error = sign_in_with(&u);
    if (status == TACIT_OK)
        assert_int_equal(error.status, TACIT_OK);
    else
        assert_clear(&error, status, why);
    user_free(&u);
}

static const visit as_sent = {.status = 200};

/* ------------------------------------------------------------------ metadata */

static void metadata_of_another_issuer_is_refused(void **state) {
    static const struct {
        const char *members, *why;
    } bad[] = {
        {"{\"issuer\":\"https://evil.example\"}", "another issuer"},
        {"{\"issuer\":null}", "no issuer"},
        {"{\"issuer\":7}", "an issuer that is no text"},
        {"{\"token_endpoint\":null}", "no token endpoint"},
        {"{\"token_endpoint\":\"javascript:alert(1)\"}", "a token endpoint that is none"},
        {"{\"authorization_endpoint\":\"file:///etc/passwd\"}", "an endpoint for no browser"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ts_options options = TS_OPTIONS_INIT;
        options.metadata_members = bad[i].members;
        scene s = scene_begin(&options, true);
        expect_browser(&s, &as_sent, 1, false, TACIT_ERR_PROTOCOL, bad[i].why);
        assert_int_equal(server_counters(s.server).authorize_requests, 0);
        assert_int_equal(server_counters(s.server).token_requests, 0);
        assert_nothing_happened(&s);
        options.metadata_members = NULL;
        server_configure(s.server, &options);
        expect_browser(&s, &as_sent, 1, false, TACIT_OK, "healed");
        scene_end(&s);
    }
}

static void metadata_that_is_no_metadata_is_refused(void **state) {
    static const ts_fault bad[] = {
        {.kind = TS_FAULT_ANSWER, .headers = "Content-Type: text/html", .body = "<h1>Hotel</h1>"},
        {.kind = TS_FAULT_ANSWER, .headers = "Content-Type: application/json", .body = "[]"},
        {.kind = TS_FAULT_ANSWER, .headers = "Content-Type: application/json", .body = "{"},
        {.kind = TS_FAULT_ANSWER, .status = 204},
        {.kind = TS_FAULT_NESTED, .size = 100000},
    };
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        scene s = scene_begin(NULL, true);
        server_fault_add(s.server, TS_METADATA, &bad[i]);
        expect_browser(&s, &as_sent, 1, false, TACIT_ERR_PROTOCOL, bad[i].body ? bad[i].body : "");
        assert_int_equal(server_counters(s.server).authorize_requests, 0);
        assert_nothing_happened(&s);
        scene_end(&s);
    }
}

static void metadata_server_in_trouble_is_named(void **state) {
    scene s = scene_begin(NULL, true);
    (void)state;

    server_fail(s.server, TS_METADATA, 0, 502);
    expect_browser(&s, &as_sent, 1, false, TACIT_ERR_SERVER, "502");
    server_faults_clear(s.server, TS_METADATA);
    server_close_connections(s.server, TS_METADATA, 0, false);
    expect_browser(&s, &as_sent, 1, false, TACIT_ERR_NETWORK, "closed");
    assert_nothing_happened(&s);
    scene_end(&s);
}

/* ------------------------------------------------------------------ callbacks */

/* The wait goes on, for the one that belongs to it. */
static void foreign_callbacks_do_not_end_the_wait(void **state) {
    static const visit foreign[] = {
        {.name = "state", .value = "wrong", .status = 404},
        {.name = "state", .value = "", .status = 404},
        {.name = "state", .status = 404},
        {.append = "&state=wrong", .status = 404},
        {.append = "&code=other", .status = 404},
        {.append = "&iss=https%3A%2F%2Fevil.example", .status = 404},
        {.name = "code", .status = 404},
        {.name = "code", .and_name = "state", .append = "&error=access_denied", .status = 404},
        {.name = "code",
         .and_name = "state",
         .and_value = "wrong",
         .append = "&error=access_denied",
         .status = 404},
    };
    (void)state;

    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        scene s = scene_begin(NULL, false);
        const visit visits[] = {foreign[i], as_sent};
        expect_browser(&s, visits, 1, true, TACIT_ERR_EXPIRED, "a foreign callback");
        assert_int_equal(server_counters(s.server).token_requests, 0);
        assert_nothing_happened(&s);
        expect_browser(&s, visits, 2, false, TACIT_OK, "the right one after a foreign one");
        assert_int_equal(server_counters(s.server).code_grants, 1);
        scene_end(&s);
    }
}

static void wait_ends_when_the_clock_says_so(void **state) {
    scene s = scene_begin(NULL, false);
    user u = {.scene = &s, .leaves = true};
    int64_t began_ms = now_ms();
    (void)state;

    tacit_error error = sign_in_with(&u);
    assert_clear(&error, TACIT_ERR_EXPIRED, "nobody comes back");
    assert_true(now_ms() - began_ms < 15 * 1000); /* by itself it looks twice a minute */
    assert_nothing_happened(&s);
    user_free(&u);
    scene_end(&s);
}

/* RFC 9207: its answer was mixed up with another server's; the code must not be sent to any. */
static void callback_of_another_issuer_ends_it(void **state) {
    static const visit mixed_up[] = {
        {.name = "iss", .value = "https%3A%2F%2Fevil.example", .status = 200},
        {.name = "iss", .value = "", .status = 200},
        {.name = "iss", .status = 200},
        {.name = "iss",
         .value = "https%3A%2F%2Fevil.example",
         .and_name = "code",
         .append = "&error=access_denied",
         .status = 200},
    };
    (void)state;

    for (size_t i = 0; i < sizeof mixed_up / sizeof *mixed_up; i++) {
        scene s = scene_begin(NULL, i % 2);
        expect_browser(&s, &mixed_up[i], 1, false, TACIT_ERR_PROTOCOL, "mixed up");
        assert_int_equal(server_counters(s.server).token_requests, 0);
        assert_nothing_happened(&s);
        expect_browser(&s, &as_sent, 1, false, TACIT_OK, "the next one");
        scene_end(&s);
    }
}

/* Without the promise an iss may be missing, but not wrong. */
static void issuer_that_nobody_promised_is_checked_too(void **state) {
    static const visit wrong = {
        .name = "iss", .value = "https%3A%2F%2Fevil.example", .status = 200};
    ts_options options = TS_OPTIONS_INIT;
    (void)state;

    options.no_callback_iss = true;
    scene s = scene_begin(&options, false);
    expect_browser(&s, &wrong, 1, false, TACIT_ERR_PROTOCOL, "not promised, but wrong");
    assert_int_equal(server_counters(s.server).token_requests, 0);
    assert_nothing_happened(&s);
    expect_browser(&s, &as_sent, 1, false, TACIT_OK, "not promised, and missing");
    scene_end(&s);
}

static void errors_in_the_callback_are_told(void **state) {
    static const struct {
        const char *error;
        tacit_status status;
    } errors[] = {
        {"access_denied", TACIT_ERR_ACCESS_DENIED},
        {"server_error", TACIT_ERR_OAUTH},
        {"<script>", TACIT_ERR_OAUTH},
        {"\033[31mred", TACIT_ERR_OAUTH},
    };
    (void)state;

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        ts_options options = TS_OPTIONS_INIT;
        options.authorize_error = errors[i].error;
        scene s = scene_begin(&options, false);
        user u = {.scene = &s, .visits = {{.status = 200}}};
        tacit_error error = sign_in_with(&u);
        assert_clear(&error, errors[i].status, errors[i].error);
        assert_null(strpbrk(error.oauth_error, "\r\n\033"));
        assert_nothing_happened(&s);
        user_free(&u);
        scene_end(&s);
    }
}

static void callback_that_is_replayed_finds_nobody(void **state) {
    scene s = scene_begin(NULL, false);
    user first = {.scene = &s, .visits = {as_sent}};
    (void)state;

    assert_int_equal(sign_in_with(&first).status, TACIT_OK);
    reply again = get(first.location);
    assert_int_equal(again.code, CURLE_COULDNT_CONNECT);
    reply_free(&again);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    assert_int_equal(server_counters(s.server).code_replays, 0);
    user_free(&first);
    scene_end(&s);
}

static void callback_is_finished_once(void **state) {
    scene s = scene_begin(NULL, false);
    tacit_session *session = world_session(s.world);
    tacit_sign_in_options options = TACIT_SIGN_IN_OPTIONS_INIT;
    tacit_error error;
    (void)state;

    options.redirect_uri = "com.example.app:/signed-in";
    char *url = tacit_sign_in_browser_begin(session, &options, &error);
    assert_non_null(url);
    reply reply = get(url);
    char *location = location_of(&reply);
    reply_free(&reply);
    assert_non_null(location);

    char *wrong = with_param(location, "state", "wrong");
    char *mixed_up = with_param(location, "iss", "https%3A%2F%2Fevil.example");
    assert_int_equal(tacit_sign_in_browser_finish(session, wrong, -1, &error),
                     TACIT_ERR_INVALID_ARGUMENT);
    assert_nothing_happened(&s);
    assert_int_equal(tacit_sign_in_browser_finish(session, location, -1, &error), TACIT_OK);
    assert_int_equal(tacit_sign_in_browser_finish(session, location, -1, &error),
                     TACIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(server_counters(s.server).code_replays, 0);
    assert_int_equal(server_counters(s.server).token_requests, 1);
    assert_int_equal(world_get(s.world, "/api/x"), 200);
    tacit_free(url);

    url = tacit_sign_in_browser_begin(session, &options, &error); /* another state */
    assert_int_equal(tacit_sign_in_browser_finish(session, location, -1, &error),
                     TACIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(tacit_sign_in_browser_finish(session, mixed_up, -1, &error),
                     TACIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(server_counters(s.server).token_requests, 1);
    free(mixed_up);
    free(wrong);
    free(location);
    tacit_free(url);
    scene_end(&s);
}

/* ------------------------------------------------------------------ the token endpoint */

static void token_endpoint_that_answers_nonsense(void **state) {
    static const struct {
        ts_fault fault;
        tacit_status status;
    } bad[] = {
        {{.headers = "Content-Type: text/html", .body = "<h1>Hotel</h1>"}, TACIT_ERR_PROTOCOL},
        {{.body = "{\"token_type\":\"Bearer\"}"}, TACIT_ERR_PROTOCOL},
        {{.status = 204}, TACIT_ERR_PROTOCOL},
        {{.status = 502, .body = "<html>Bad Gateway</html>"}, TACIT_ERR_SERVER},
        {{.status = 400, .body = "{\"error\":\"invalid_grant\"}"}, TACIT_ERR_OAUTH},
        {{.status = 302, .headers = "Location: https://evil.example/"}, TACIT_ERR_PROTOCOL},
        {{.kind = TS_FAULT_CLOSE}, TACIT_ERR_NETWORK},
    };
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        scene s = scene_begin(NULL, false);
        ts_fault fault = bad[i].fault;
        if (!fault.kind) fault.kind = TS_FAULT_ANSWER;
        server_fault_add(s.server, TS_TOKEN_ENDPOINT, &fault);
        expect_browser(&s, &as_sent, 1, false, bad[i].status, fault.body ? fault.body : "no body");
        assert_int_equal(server_counters(s.server).token_requests, 1); /* a code is sent once */
        assert_nothing_happened(&s);
        scene_end(&s);
    }
}

/* ------------------------------------------------------------------ ID tokens */

static void id_token_for_another_sign_in_is_refused(void **state) {
    (void)state;

    for (size_t i = 0; i < BAD_ID_TOKENS; i++) {
        ts_options options = TS_OPTIONS_INIT;
        options.id_token_members = bad_id_tokens[i].members;
        scene s = scene_begin(&options, false);
        expect_browser(&s, &as_sent, 1, false, TACIT_ERR_PROTOCOL, bad_id_tokens[i].why);
        assert_int_equal(server_counters(s.server).code_grants, 1);
        assert_nothing_happened(&s);
        scene_end(&s);
    }
}

static void id_token_that_is_none_is_refused(void **state) {
    static const char *const members[] = {"{\"id_token\":\"junk\"}", "{\"id_token\":\"a.b.c\"}",
                                          "{\"id_token\":\"e30.bnVsbA.c\"}"};
    (void)state;

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        ts_options options = TS_OPTIONS_INIT;
        options.extra_members = members[i];
        scene s = scene_begin(&options, false);
        expect_browser(&s, &as_sent, 1, false, TACIT_ERR_PROTOCOL, members[i]);
        assert_nothing_happened(&s);
        scene_end(&s);
    }
}

static void id_token_of_a_password_is_checked_too(void **state) {
    (void)state;

    for (size_t i = 0; i < BAD_ID_TOKENS - BAD_NONCES; i++) {
        ts_options options = TS_OPTIONS_INIT;
        options.id_token_members = bad_id_tokens[i].members;
        scene s = scene_begin(&options, false);
        tacit_error error;
        tacit_sign_in_with_password(world_session(s.world), "alice", "wonderland", NULL, &error);
        assert_clear(&error, TACIT_ERR_PROTOCOL, bad_id_tokens[i].why);
        assert_nothing_happened(&s);
        scene_end(&s);
    }
}

/* Nobody was signed in before, and nobody is afterwards. */
static void refused_first_sign_in_leaves_nothing(void **state) {
    ts_options options = TS_OPTIONS_INIT;
    (void)state;

    options.id_token_members = "{\"nonce\":\"other\"}";
    scene s = scene_begin_signed_out(&options, true);
    assert_int_equal(tacit_session_load(world_session(s.world), WORLD_PATIENCE_MS, NULL, NULL),
                     TACIT_OK);
    expect_browser(&s, &as_sent, 1, false, TACIT_ERR_PROTOCOL, "another nonce");
    assert_nothing_happened(&s);
    scene_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_of_another_issuer_is_refused),
        cmocka_unit_test(metadata_that_is_no_metadata_is_refused),
        cmocka_unit_test(metadata_server_in_trouble_is_named),
        cmocka_unit_test(foreign_callbacks_do_not_end_the_wait),
        cmocka_unit_test(wait_ends_when_the_clock_says_so),
        cmocka_unit_test(callback_of_another_issuer_ends_it),
        cmocka_unit_test(issuer_that_nobody_promised_is_checked_too),
        cmocka_unit_test(errors_in_the_callback_are_told),
        cmocka_unit_test(callback_that_is_replayed_finds_nobody),
        cmocka_unit_test(callback_is_finished_once),
        cmocka_unit_test(token_endpoint_that_answers_nonsense),
        cmocka_unit_test(id_token_for_another_sign_in_is_refused),
        cmocka_unit_test(id_token_that_is_none_is_refused),
        cmocka_unit_test(id_token_of_a_password_is_checked_too),
        cmocka_unit_test(refused_first_sign_in_leaves_nothing),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
