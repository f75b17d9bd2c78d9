/*
 * tacit_send() over a session and a transport that are played by this file: the session has a
 * current token and refreshes when asked for a newer one, the transport answers from a script.
 */
#include <tacit/request.h>

#include "session/library_thread.h"
#include "session/pause.h"
#include "session/session.h"
#include "transport/transport.h"

#include "tests/support/unit.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define ORIGIN "https://api.example.com"
#define OTHER "https://other.example.org"
#define NOW_MS 5000 /* when a test begins */
#define REQUEST_TIMEOUT_MS 60000

/*
 * The session
 */

struct tacit_session {
    tacit_token *current; /* NULL: signed out */
    tacit_token *next;    /* what a refresh brings */
    tacit_status refresh_status;
    atomic_bool closing;
    bool may_force;
    bool refuse_enter;
    bool any_age; /* it gives its token however short that lives */
    ti_origins *origins;
    ti_clock clock;

    int inside, obtained, refreshes, requests, replays, accepted, refused;
    int64_t last_deadline;
    int last_min_valid_s;

    int64_t now_ms;
    int pauses;
    int64_t paused_ms; /* the last */
    void (*in_pause)(void);

    bool slides;
    int slid;             /* answers that were looked at for a token */
    int64_t slid_sent_ms; /* the last */
};

static tacit_session session;
static ti_context *context;

bool ti_session_enter(tacit_session *s, tacit_error *error) {
    if (s->refuse_enter) {
        error->status = TACIT_ERR_CLOSED;
        return false;
    }
    s->inside++;
    return true;
}

void ti_session_leave(tacit_session *s) {
    s->inside--;
}

ti_transport *ti_session_transport(const tacit_session *s) {
    (void)s;
    return NULL;
}

const ti_clock *ti_session_clock(const tacit_session *s) {
    return &s->clock;
}

const ti_origins *ti_session_origins(const tacit_session *s) {
    return s->origins;
}

const atomic_bool *ti_session_closing(const tacit_session *s) {
    return &s->closing;
}

int ti_session_request_timeout_ms(const tacit_session *s) {
    (void)s;
    return REQUEST_TIMEOUT_MS;
}

uint64_t ti_session_current_id(const tacit_session *s) {
    return s->current == NULL ? 0 : s->current->id;
}

bool ti_session_is_current(const tacit_session *s, const tacit_token *token, int64_t now_boot_ms,
                           int min_valid_s) {
    return s->current != NULL && s->current->id == token->id &&
           ti_token_lives(token, now_boot_ms, min_valid_s);
}

tacit_status ti_session_obtain(tacit_session *s, const ti_need *need, int64_t deadline_boot_ms,
                               tacit_token **token, tacit_error *error) {
    bool is_there = s->current != NULL &&
                    (need->refused == NULL || need->refused->id != s->current->id) &&
                    (s->any_age || ti_token_lives(s->current, s->now_ms, need->min_valid_s));

    s->obtained++;
    s->last_deadline = deadline_boot_ms;
    s->last_min_valid_s = need->min_valid_s;
    if (!is_there) {
        error->outcome_unknown = true; /* of the grant */
        if (deadline_boot_ms <= s->now_ms) return error->status = TACIT_ERR_TIMEOUT;
        s->refreshes++;
        if (s->refresh_status != TACIT_OK) return error->status = s->refresh_status;
        tacit_token_unref(s->current);
        s->current = tacit_token_ref(s->next);
    }
    *token = tacit_token_ref(s->current);
    return TACIT_OK;
}

void ti_session_origin_accepted(tacit_session *s, int origin, const tacit_token *token) {
    assert_int_equal(origin, 0);
    assert_non_null(token);
    s->accepted++;
}

void ti_session_origin_refused(tacit_session *s, int origin, const tacit_token *token) {
    assert_int_equal(origin, 0);
    assert_non_null(token);
    s->refused++;
}

bool ti_session_origin_may_force(const tacit_session *s, int origin) {
    assert_int_equal(origin, 0);
    return s->may_force;
}

bool ti_session_slides(const tacit_session *s) {
    return s->slides;
}

void ti_session_slide(tacit_session *s, const tacit_token *token, const ti_http_answer *answer,
                      int64_t sent_boot_ms) {
    assert_true(s->slides);
    assert_non_null(token);
    assert_in_range(answer->status, 200, 299);
    s->slid++;
    s->slid_sent_ms = sent_boot_ms;
}

void ti_session_pause(tacit_session *s, int64_t until_boot_ms) {
    s->pauses++;
    s->paused_ms = until_boot_ms - s->now_ms;
    s->now_ms = until_boot_ms;
    if (s->in_pause != NULL) s->in_pause();
}

void ti_session_count_request(tacit_session *s) {
    s->requests++;
}

void ti_session_count_replay(tacit_session *s) {
    s->replays++;
}

/*
 * The transport
 */

typedef struct script_line {
    int status;
    const char *header; /* one; NULL: none */
    tacit_status failure;
    bool not_sent; /* ... before a byte left */
    int retry_after_s;
    bool read_body;          /* calls the request's read */
    void (*meanwhile)(void); /* while it is under way */
} script_line;

struct ti_handle {
    ti_handle_kind kind;
    bool out;
    ti_url *url;
    void *kept;
    void (*release_kept)(void *thing);
};

typedef struct sent {
    char url[100], authorization[100], method[16], headers[200];
    bool has_body;
    ti_handle_kind kind;
    int64_t deadline_boot_ms;
} sent;

static struct {
    ti_handle handles[2]; /* by kind: POOLED, FOREIGN */
    bool no_handles[2];
    const script_line *script;
    int sends, drops;
    sent log[16];
    void (*on_release)(void);
} wire;

static ti_handle *handle_of(ti_handle_kind kind) {
    assert_int_not_equal(kind, TI_HANDLE_FRESH);
    return &wire.handles[kind == TI_HANDLE_FOREIGN];
}

ti_handle *ti_handle_acquire(ti_transport *transport, ti_handle_kind kind) {
    ti_handle *handle = handle_of(kind);

    (void)transport;
    if (wire.no_handles[kind == TI_HANDLE_FOREIGN]) return NULL;
    assert_false(handle->out);
    handle->kind = kind;
    handle->out = true;
    return handle;
}

void ti_handle_release(ti_transport *transport, ti_handle *handle) {
    (void)transport;
    assert_true(handle->out);
    handle->out = false;
    if (wire.on_release != NULL) wire.on_release();
}

const ti_url *ti_handle_url(ti_handle *handle, const char *text, const char *what,
                            tacit_error *error) {
    assert_string_equal(what, "request->url");
    ti_url_free(handle->url);
    handle->url = ti_url_parse(text, what, error);
    return handle->url;
}

void ti_handle_keep(ti_handle *handle, void *thing, void (*release)(void *thing)) {
    void *before = handle->kept;
    void (*release_before)(void *) = handle->release_kept;

    assert_true(thing == NULL || thing != before);
    handle->kept = thing;
    handle->release_kept = release;
    if (before != NULL) release_before(before);
}

void *ti_handle_kept(const ti_handle *handle) {
    return handle->kept;
}

void ti_transport_drop_kept(ti_transport *transport, bool (*match)(void *thing, void *data),
                            void *data) {
    ti_handle *handle = handle_of(TI_HANDLE_POOLED);

    (void)transport;
    wire.drops++;
    if (!handle->out && handle->kept != NULL && match(handle->kept, data)) {
        ti_handle_keep(handle, NULL, NULL);
    }
}

static void note(const ti_handle *handle, const ti_url *url, const ti_http_request *request) {
    sent *s = &wire.log[wire.sends++];
    const char *const *line = request->headers;

    snprintf(s->url, sizeof s->url, "%s", ti_url_text(url));
    snprintf(s->authorization, sizeof s->authorization, "%s",
             request->authorization == NULL ? "" : request->authorization);
    snprintf(s->method, sizeof s->method, "%s", request->method);
    s->headers[0] = '\0';
    for (; line != NULL && *line != NULL; line++) {
        strcat(s->headers, *line);
        strcat(s->headers, "\n");
    }
    s->has_body = request->has_body;
    s->kind = handle->kind;
    s->deadline_boot_ms = request->deadline_boot_ms;
    assert_ptr_equal(request->cancelled, &session.closing);
    assert_int_equal(request->has_body, request->body != NULL || request->read != NULL);
}

tacit_status ti_handle_send(ti_handle *handle, const ti_url *url, const ti_http_request *request,
                            ti_http_answer *answer, tacit_error *error) {
    const script_line *line = &wire.script[wire.sends];
    char buffer[4];

    assert_true(handle->out);
    note(handle, url, request);
    if (line->read_body) request->read(buffer, sizeof buffer, request->read_data);
    if (line->meanwhile != NULL) line->meanwhile();
    answer->status = line->status;
    answer->retry_after_s = line->retry_after_s;
    ti_buffer_clear(&answer->head);
    if (line->header != NULL) {
        ti_buffer_append(&answer->head, line->header, strlen(line->header) + 1);
    }
    if (line->failure == TACIT_OK) return TACIT_OK;
    memset(error, 0, sizeof *error);
    error->status = line->failure;
    error->outcome_unknown = !line->not_sent;
    return line->failure;
}

/*
 * Set-up
 */

static int64_t now(void *data) {
    (void)data;
    return session.now_ms;
}

static tacit_token *make_token(const char *value, int user) {
    ti_secret *secret = ti_secret_from_string(value);
    ti_token_facts facts = {.value = secret,
                            .generation = 1,
                            .sign_in_id.bytes[0] = (unsigned char)user,
                            .issued_boot_ms = 0,
                            .lifetime_ms = 100000};
    tacit_token *token = ti_token_new(context, &facts);

    ti_secret_unref(secret);
    return token;
}

static int set_up(void **state) {
    static const char *const origins[] = {ORIGIN, NULL};
    static const tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;

    (void)state;
    memset(&session, 0, sizeof session);
    memset(&wire, 0, sizeof wire);
    context = ti_context_new(&options);
    session.clock.injected = (tacit_clock){.struct_size = sizeof(tacit_clock), .boot_ms = now};
    session.origins = ti_origins_new(origins, NULL);
    session.current = make_token("one", 1);
    session.next = make_token("two", 1);
    session.may_force = true;
    session.now_ms = NOW_MS;
    return session.origins == NULL;
}

static void unref_last(tacit_token *token) {
    if (token == NULL) return;
    assert_int_equal(atomic_load(&token->refs), 1);
    tacit_token_unref(token);
}

/* Everything that a call took is given back. */
static int tear_down(void **state) {
    bool same = session.current == session.next;

    (void)state;
    assert_int_equal(session.inside, 0);
    for (size_t i = 0; i < 2; i++) {
        assert_false(wire.handles[i].out);
        ti_handle_keep(&wire.handles[i], NULL, NULL);
        ti_url_free(wire.handles[i].url);
    }
    if (same) tacit_token_unref(session.next);
    unref_last(session.current);
    if (!same) unref_last(session.next);
    ti_origins_free(session.origins);
    ti_context_unref(context);
    return 0;
}

static tacit_request request_to(const char *url) {
    tacit_request request = TACIT_REQUEST_INIT;

    request.url = url;
    return request;
}

/* Sends, and expects this status; the response is freed, its HTTP status answered. */
static int send_expecting(const tacit_request *request, tacit_status expected, tacit_error *error) {
    tacit_response *response = (tacit_response *)&session; /* anything but NULL */
    int status;

    assert_int_equal(tacit_send(&session, request, &response, error), expected);
    if (error != NULL) assert_int_equal(error->status, expected);
    if (expected != TACIT_OK) {
        assert_null(response);
        return 0;
    }
    status = tacit_response_status(response);
    assert_int_equal(tacit_response_attempts(response),
                     1 + session.replays + tacit_response_retries(response));
    tacit_response_free(response);
    return status;
}

static int get_ok(const char *url) {
    tacit_request request = request_to(url);
    tacit_error error;

    return send_expecting(&request, TACIT_OK, &error);
}

static size_t read_three(char *buffer, size_t capacity, void *read_data) {
    assert_string_equal(read_data, "mine");
    assert_in_range(capacity, 3, 1000);
    memcpy(buffer, "abc", 3);
    return 3;
}

static int rewinds;
static bool rewind_it(void *read_data) {
    assert_string_equal(read_data, "mine");
    rewinds++;
    return true;
}

/*
 * The tests
 */

static void the_token_goes_along(void **state) {
    (void)state;
    wire.script = (script_line[]){{.status = 200}};

    assert_int_equal(get_ok(ORIGIN "/a"), 200);

    assert_string_equal(wire.log[0].url, ORIGIN "/a");
    assert_string_equal(wire.log[0].method, "GET");
    assert_string_equal(wire.log[0].authorization, "Authorization: Bearer one");
    assert_int_equal(wire.log[0].deadline_boot_ms, NOW_MS + REQUEST_TIMEOUT_MS);
    assert_int_equal(session.requests, 1);
    assert_int_equal(session.accepted, 1);
}

static void the_next_request_asks_nobody_for_the_token(void **state) {
    (void)state;
    wire.script = (script_line[]){{.status = 200}, {.status = 200}};

    get_ok(ORIGIN "/");
    get_ok(ORIGIN "/");

    assert_int_equal(session.obtained, 1);
    assert_string_equal(wire.log[1].authorization, "Authorization: Bearer one");
}

static void a_replaced_token_is_taken_anew(void **state) {
    (void)state;
    wire.script = (script_line[]){{.status = 200}, {.status = 200}};

    get_ok(ORIGIN "/");
    tacit_token_unref(session.current);
    session.current = tacit_token_ref(session.next);
    get_ok(ORIGIN "/");

    assert_int_equal(session.obtained, 2);
    assert_string_equal(wire.log[1].authorization, "Authorization: Bearer two");
}

static void min_valid_looks_past_the_kept_token(void **state) {
    (void)state;
    tacit_request request = request_to(ORIGIN "/");
    tacit_error error;

    wire.script = (script_line[]){{.status = 200}, {.status = 200}};
    session.next->expires_boot_ms *= 2;
    session.current->expires_boot_ms = NOW_MS + 10000;
    get_ok(ORIGIN "/");
    request.min_valid_s = 20;
    send_expecting(&request, TACIT_OK, &error);

    assert_int_equal(session.last_min_valid_s, 20);
    assert_int_equal(session.refreshes, 1);
    assert_string_equal(wire.log[1].authorization, "Authorization: Bearer two");
}

/* Nothing younger is to be had: it came with a refresh that began after the call. */
static void the_same_token_may_come_again(void **state) {
    (void)state;
    wire.script = (script_line[]){{.status = 200}, {.status = 200}};
    session.any_age = true;
    session.current->expires_boot_ms = NOW_MS;

    get_ok(ORIGIN "/");
    get_ok(ORIGIN "/");

    assert_int_equal(session.obtained, 2);
    assert_ptr_equal(wire.handles[0].kept, session.current);
}

static void a_401_is_replayed_after_one_refresh(void **state) {
    (void)state;
    wire.script = (script_line[]){{.status = 401}, {.status = 200}};

    assert_int_equal(get_ok(ORIGIN "/"), 200);

    assert_int_equal(session.refreshes, 1);
    assert_int_equal(session.replays, 1);
    assert_int_equal(session.last_deadline, NOW_MS + REQUEST_TIMEOUT_MS);
    assert_string_equal(wire.log[1].authorization, "Authorization: Bearer two");
    assert_int_equal(session.accepted, 1);
    assert_int_equal(session.refused, 0);
}

static void someone_else_refreshes(void) {
    tacit_token_unref(session.current);
    session.current = tacit_token_ref(session.next);
}

static void a_late_401_refreshes_nothing(void **state) {
    (void)state;
    wire.script =
        (script_line[]){{.status = 401, .meanwhile = someone_else_refreshes}, {.status = 200}};

    assert_int_equal(get_ok(ORIGIN "/"), 200);

    assert_int_equal(session.refreshes, 0);
    assert_int_equal(session.replays, 1);
}

static void a_401_after_the_replay_is_the_answer(void **state) {
    (void)state;
    wire.script = (script_line[]){{.status = 401}, {.status = 401}};

    assert_int_equal(get_ok(ORIGIN "/"), 401);

    assert_int_equal(session.refreshes, 1);
    assert_int_equal(session.refused, 1);
    assert_int_equal(session.accepted, 0);
}

static void an_origin_that_may_not_force_gets_its_401(void **state) {
    (void)state;
    wire.script = (script_line[]){{.status = 401}};
    session.may_force = false;

    assert_int_equal(get_ok(ORIGIN "/"), 401);

    assert_int_equal(session.refreshes, 0);
    assert_int_equal(wire.sends, 1);
}

static void what_is_not_about_the_token_is_the_answer(void **state) {
    (void)state;
    static const script_line answers[] = {
        {.status = 401, .header = "WWW-Authenticate: Bearer error=\"insufficient_scope\""},
        {.status = 401, .header = "WWW-Authenticate: Basic realm=\"x\""},
        {.status = 403},
        {.status = 400},
        {.status = 503},
    };

    wire.script = answers;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        assert_int_equal(get_ok(ORIGIN "/"), answers[i].status);
    }

    assert_int_equal(session.refreshes, 0);
    assert_int_equal(session.accepted, 5);
}

/* A refresh that was lost is not a request that was lost: this one is known not to be done. */
static void a_failed_refresh_is_the_error(void **state) {
    (void)state;
    tacit_request request = request_to(ORIGIN "/");
    tacit_error error = TACIT_ERROR_INIT;

    wire.script = (script_line[]){{.status = 401}};
    session.refresh_status = TACIT_ERR_NETWORK;

    send_expecting(&request, TACIT_ERR_NETWORK, &error);

    assert_false(error.outcome_unknown);
    assert_int_equal(wire.sends, 1);
}

static void someone_else_signs_in(void) {
    tacit_token_unref(session.current);
    session.current = make_token("hers", 2);
}

static void a_request_is_not_replayed_as_someone_else(void **state) {
    (void)state;
    tacit_request request = request_to(ORIGIN "/");
    tacit_error error = TACIT_ERROR_INIT;

    wire.script = (script_line[]){{.status = 401, .meanwhile = someone_else_signs_in}};

    send_expecting(&request, TACIT_ERR_SIGNED_OUT, &error);

    assert_int_equal(wire.sends, 1);
}

static void other_origins_get_nothing(void **state) {
    (void)state;
    static const struct {
        const char *url;
        tacit_status expected;
    } rows[] = {
        {OTHER "/", TACIT_ERR_ORIGIN_NOT_ALLOWED},
        {ORIGIN ":444/", TACIT_ERR_ORIGIN_NOT_ALLOWED},
        {ORIGIN ".evil.example/", TACIT_ERR_ORIGIN_NOT_ALLOWED},
        {"http://api.example.com/", TACIT_ERR_INSECURE_URL},
        {"https://api.example.com@evil.example/", TACIT_ERR_INVALID_ARGUMENT},
        {"/relative", TACIT_ERR_INVALID_ARGUMENT},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tacit_request request = request_to(rows[i].url);
        tacit_error error;

        send_expecting(&request, rows[i].expected, &error);
    }
    assert_int_equal(session.obtained, 0);
    assert_int_equal(wire.sends, 0);
}

static void a_redirect_within_the_origin_keeps_the_token(void **state) {
    (void)state;
    tacit_response *response;

    wire.script = (script_line[]){{.status = 307, .header = "Location: ../b"}, {.status = 200}};

    assert_int_equal(tacit_get(&session, ORIGIN "/x/a", &response, NULL), TACIT_OK);

    assert_string_equal(tacit_response_url(response), ORIGIN "/b");
    assert_int_equal(tacit_response_attempts(response), 1);
    assert_string_equal(wire.log[1].authorization, "Authorization: Bearer one");
    assert_int_equal(wire.log[1].kind, TI_HANDLE_POOLED);
    tacit_response_free(response);
}

static void a_foreign_origin_sees_no_credentials(void **state) {
    (void)state;
    static const char *const headers[] = {"Cookie: a=b", "Accept: */*", "X-Api-Key: k", NULL};
    tacit_request request = request_to(ORIGIN "/");
    tacit_error error;

    request.headers = headers;
    wire.script = (script_line[]){{.status = 302, .header = "Location: " OTHER "/b"},
                                  {.status = 302, .header = "Location: " ORIGIN "/back"},
                                  {.status = 401}};

    assert_int_equal(send_expecting(&request, TACIT_OK, &error), 401);

    assert_string_equal(wire.log[0].headers, "Cookie: a=b\nAccept: */*\nX-Api-Key: k\n");
    assert_string_equal(wire.log[1].url, OTHER "/b");
    for (int i = 1; i <= 2; i++) {
        assert_string_equal(wire.log[i].authorization, "");
        assert_string_equal(wire.log[i].headers, "Accept: */*\n");
        assert_int_equal(wire.log[i].kind, TI_HANDLE_FOREIGN);
    }
    assert_int_equal(wire.sends, 3);
    assert_int_equal(session.accepted, 1); /* the first hop's */
}

static void the_401_of_a_foreign_origin_is_nobodys_concern(void **state) {
    (void)state;
    wire.script =
        (script_line[]){{.status = 302, .header = "Location: " OTHER "/b"}, {.status = 401}};

    assert_int_equal(get_ok(ORIGIN "/"), 401);

    assert_int_equal(session.obtained, 1);
    assert_int_equal(session.refused, 0);
}

static void a_second_later(void) {
    session.now_ms += 1000;
}

/* What comes of them is counted from their sending, not from the beginning of the call. */
static void successes_of_the_own_origins_may_bring_a_token(void **state) {
    (void)state;
    session.slides = true;
    session.may_force = true;
    wire.script =
        (script_line[]){{.status = 401, .meanwhile = a_second_later},
                        {.status = 302, .header = "Location: /b", .meanwhile = a_second_later},
                        {.status = 204, .meanwhile = a_second_later},
                        {.status = 404},
                        {.status = 302, .header = "Location: " OTHER "/b"},
                        {.status = 200}};

    assert_int_equal(get_ok(ORIGIN "/a"), 204);
    assert_int_equal(session.slid, 1);
    assert_int_equal(session.slid_sent_ms, NOW_MS + 2000);

    session.replays = 0;
    assert_int_equal(get_ok(ORIGIN "/a"), 404);
    assert_int_equal(get_ok(ORIGIN "/a"), 200);
    assert_int_equal(session.slid, 1);
}

static void a_303_drops_the_body_and_what_describes_it(void **state) {
    (void)state;
    static const char *const headers[] = {"Content-Type: a/b", "Accept: */*", NULL};
    tacit_request request = request_to(ORIGIN "/");
    tacit_error error;

    request.headers = headers;
    request.body = "x";
    request.body_size = 1;
    wire.script = (script_line[]){{.status = 303, .header = "Location: /b"}, {.status = 200}};

    send_expecting(&request, TACIT_OK, &error);

    assert_string_equal(wire.log[0].method, "POST");
    assert_true(wire.log[0].has_body);
    assert_string_equal(wire.log[1].method, "GET");
    assert_false(wire.log[1].has_body);
    assert_string_equal(wire.log[1].headers, "Accept: */*\n");
}

static void redirects_to_plain_http_are_refused(void **state) {
    (void)state;
    tacit_request request = request_to(ORIGIN "/");
    tacit_error error;

    wire.script = (script_line[]){{.status = 302, .header = "Location: http://127.0.0.1/"}};

    send_expecting(&request, TACIT_ERR_INSECURE_URL, &error);
}

static void a_location_that_is_no_http_is_the_callers(void **state) {
    (void)state;
    wire.script = (script_line[]){{.status = 302, .header = "Location: myapp://done"}};

    assert_int_equal(get_ok(ORIGIN "/"), 302);
}

static void no_redirects_means_none(void **state) {
    (void)state;
    tacit_request request = request_to(ORIGIN "/");
    tacit_error error;

    request.no_redirects = true;
    wire.script = (script_line[]){{.status = 302, .header = "Location: /b"}};

    assert_int_equal(send_expecting(&request, TACIT_OK, &error), 302);
}

static void a_stream_is_rewound_for_the_replay(void **state) {
    (void)state;
    tacit_request request = request_to(ORIGIN "/");
    tacit_error error;

    rewinds = 0;
    request.read = read_three;
    request.rewind = rewind_it;
    request.read_data = "mine";
    wire.script =
        (script_line[]){{.status = 401, .read_body = true}, {.status = 200, .read_body = true}};

    assert_int_equal(send_expecting(&request, TACIT_OK, &error), 200);

    assert_int_equal(rewinds, 1);
    assert_string_equal(wire.log[1].method, "POST");
    assert_true(wire.log[1].has_body);
}

static void a_stream_that_cannot_be_rewound_fails_with_a_new_token(void **state) {
    (void)state;
    tacit_request request = request_to(ORIGIN "/");
    tacit_error error;

    request.read = read_three;
    request.read_data = "mine";
    wire.script = (script_line[]){{.status = 401, .read_body = true}};

    send_expecting(&request, TACIT_ERR_BODY_NOT_REPLAYABLE, &error);

    assert_int_equal(session.refreshes, 1);
    assert_int_equal(error.http_status, 401);
    assert_int_equal(session.replays, 0);
}

static void a_stream_of_which_nothing_was_read_is_sent_again(void **state) {
    (void)state;
    tacit_request request = request_to(ORIGIN "/");
    tacit_error error;

    request.read = read_three;
    request.read_data = "mine";
    wire.script = (script_line[]){{.status = 401}, {.status = 200, .read_body = true}};

    assert_int_equal(send_expecting(&request, TACIT_OK, &error), 200);
}

static void closes(void) {
    atomic_store(&session.closing, true);
}

static void a_cancelled_send_says_by_whom(void **state) {
    (void)state;
    tacit_request request = request_to(ORIGIN "/");
    tacit_error error;

    wire.script = (script_line[]){{.failure = TACIT_ERR_CANCELLED},
                                  {.failure = TACIT_ERR_CANCELLED, .meanwhile = closes}};

    send_expecting(&request, TACIT_ERR_CANCELLED, &error);
    assert_true(error.outcome_unknown);

    send_expecting(&request, TACIT_ERR_CLOSED, &error);
    assert_true(error.outcome_unknown);
}

static void a_failed_send_is_the_error(void **state) {
    (void)state;
    tacit_request request = request_to(ORIGIN "/");
    tacit_error error;

    wire.script = (script_line[]){{.failure = TACIT_ERR_TIMEOUT}, {.failure = TACIT_ERR_NETWORK}};

    send_expecting(&request, TACIT_ERR_TIMEOUT, &error);
    assert_true(error.outcome_unknown);
    send_expecting(&request, TACIT_ERR_NETWORK, NULL);
}

static void the_callers_timeout_bounds_it_all(void **state) {
    (void)state;
    tacit_request request = request_to(ORIGIN "/");
    tacit_error error;

    request.timeout_ms = 250;
    wire.script = (script_line[]){{.status = 401}, {.status = 200}};

    send_expecting(&request, TACIT_OK, &error);

    assert_int_equal(session.last_deadline, NOW_MS + 250);
    assert_int_equal(wire.log[1].deadline_boot_ms, NOW_MS + 250);
}

static void signs_out(void) {
    tacit_token_unref(session.current);
    session.current = NULL;
}

/* R12 */
static void a_handle_gives_up_the_token_of_an_ended_sign_in(void **state) {
    (void)state;
    wire.script = (script_line[]){{.status = 200, .meanwhile = signs_out}};

    get_ok(ORIGIN "/");

    assert_null(wire.handles[0].kept);
    assert_int_equal(wire.drops, 0);
}

static void a_handle_gives_up_the_token_of_a_session_that_closes(void **state) {
    (void)state;
    wire.script = (script_line[]){{.status = 200, .meanwhile = closes}};

    get_ok(ORIGIN "/");

    assert_null(wire.handles[0].kept);
}

/* The session's own sweep came when the handle was not idle yet. */
static void a_sign_out_at_the_last_moment_is_not_missed(void **state) {
    (void)state;
    wire.script = (script_line[]){{.status = 200}};
    wire.on_release = signs_out;

    get_ok(ORIGIN "/");

    assert_int_equal(wire.drops, 1);
    assert_null(wire.handles[0].kept);
    wire.on_release = NULL;
}

static void memory_that_is_missing_is_an_error(void **state) {
    (void)state;
    tacit_request request = request_to(ORIGIN "/");
    tacit_error error;

    wire.script = (script_line[]){{.status = 302, .header = "Location: " OTHER "/b"}};
    wire.no_handles[1] = true;
    send_expecting(&request, TACIT_ERR_NO_MEMORY, &error);

    wire.no_handles[0] = true;
    send_expecting(&request, TACIT_ERR_NO_MEMORY, &error);
}

static void arguments_are_checked_first(void **state) {
    (void)state;
    tacit_request request = request_to(ORIGIN "/");
    tacit_response *response = NULL;
    tacit_error error;

    assert_int_equal(tacit_get(&session, NULL, &response, &error), TACIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(tacit_get(&session, ORIGIN, NULL, &error), TACIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(tacit_send(&session, &request, NULL, NULL), TACIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(tacit_send(&session, NULL, &response, NULL), TACIT_ERR_INVALID_ARGUMENT);
    request.method = "";
    assert_int_equal(tacit_send(&session, &request, &response, NULL), TACIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(session.requests, 0);
}

static void a_closed_session_takes_no_request(void **state) {
    (void)state;
    tacit_request request = request_to(ORIGIN "/");
    tacit_error error;

    session.refuse_enter = true;
    send_expecting(&request, TACIT_ERR_CLOSED, &error);
    send_expecting(&request, TACIT_ERR_CLOSED, NULL);
    session.refuse_enter = false;
}

static void *send_on_library_thread(void *data) {
    tacit_response *response = NULL;

    (void)data;
    return (void *)(intptr_t)tacit_get(&session, ORIGIN "/", &response, NULL);
}

static void a_library_thread_must_not_wait(void **state) {
    (void)state;
    pthread_t thread;
    void *status;

    assert_true(ti_library_thread_start(&thread, 256 * 1024, "test", send_on_library_thread, NULL));
    pthread_join(thread, &status);

    assert_int_equal((intptr_t)status, TACIT_ERR_REENTRANT);
    assert_int_equal(wire.sends, 0);
}

static tacit_request retrying(unsigned retries_max) {
    tacit_request request = request_to(ORIGIN "/");

    request.retries_max = retries_max;
    return request;
}

static void a_retry_waits_as_long_as_the_server_says(void **state) {
    (void)state;
    tacit_request request = retrying(1);
    tacit_error error;

    wire.script = (script_line[]){{.status = 503, .retry_after_s = 7}, {.status = 200}};
    assert_int_equal(send_expecting(&request, TACIT_OK, &error), 200);

    assert_int_equal(session.pauses, 1);
    assert_int_equal(session.paused_ms, 7000);
    assert_int_equal(session.replays, 0);
    assert_int_equal(wire.log[1].deadline_boot_ms, NOW_MS + REQUEST_TIMEOUT_MS);

    /* also where only the head of that answer came */
    wire.sends = 0;
    wire.script = (script_line[]){{.status = 503, .retry_after_s = 9, .failure = TACIT_ERR_NETWORK},
                                  {.status = 200}};
    assert_int_equal(send_expecting(&request, TACIT_OK, &error), 200);
    assert_int_equal(session.paused_ms, 9000);
}

static void a_pause_beyond_the_deadline_is_not_begun(void **state) {
    (void)state;
    static const struct {
        script_line line;
        tacit_status expected;
    } rows[] = {
        {{.status = 503, .retry_after_s = 60}, TACIT_OK},
        {{.status = 429, .retry_after_s = INT_MAX}, TACIT_OK},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tacit_request request = retrying(5);
        tacit_error error;

        wire.sends = 0;
        wire.script = &rows[i].line;
        assert_int_equal(send_expecting(&request, rows[i].expected, &error), rows[i].line.status);
        assert_int_equal(wire.sends, 1);
        assert_int_equal(session.pauses, 0);
    }
}

static void the_last_failure_is_the_callers(void **state) {
    (void)state;
    tacit_request request = retrying(5);
    tacit_error error;

    request.timeout_ms = 900; /* room for one pause of at least 250 ms, not for 500 more */
    wire.script = (script_line[]){{.failure = TACIT_ERR_NETWORK, .not_sent = true},
                                  {.failure = TACIT_ERR_NETWORK, .not_sent = true},
                                  {.failure = TACIT_ERR_NETWORK, .not_sent = true}};
    send_expecting(&request, TACIT_ERR_NETWORK, &error);

    assert_in_range(wire.sends, 2, 3);
    assert_false(error.outcome_unknown);
}

static void deadline_passes(void) {
    session.now_ms += REQUEST_TIMEOUT_MS;
}

static void a_connection_that_took_too_long_is_tried_again(void **state) {
    (void)state;
    tacit_request request = retrying(5);
    tacit_error error;

    wire.script = (script_line[]){{.failure = TACIT_ERR_TIMEOUT, .not_sent = true},
                                  {.failure = TACIT_ERR_TIMEOUT, .meanwhile = deadline_passes}};
    send_expecting(&request, TACIT_ERR_TIMEOUT, &error);

    assert_int_equal(wire.sends, 2);
    assert_int_equal(session.pauses, 1);
}

/* The first send may have done it, whatever became of the second. */
static void an_outcome_stays_unknown(void **state) {
    (void)state;
    tacit_request request = retrying(1);
    tacit_error error;

    wire.script = (script_line[]){{.failure = TACIT_ERR_NETWORK},
                                  {.failure = TACIT_ERR_NETWORK, .not_sent = true}};
    send_expecting(&request, TACIT_ERR_NETWORK, &error);

    assert_int_equal(wire.sends, 2);
    assert_true(error.outcome_unknown);
}

static bool refuse_rewind(void *data) {
    (void)data;
    return false;
}

static void replace_by_anothers(void) {
    tacit_token_unref(session.current);
    session.current = make_token("three", 2);
}

/* ... or what kept it from being sent. */
static void an_outcome_stays_unknown_where_there_is_no_second_send(void **state) {
    (void)state;
    tacit_request request = retrying(1), streamed = retrying(1);
    tacit_error error;

    streamed.method = "PUT";
    streamed.read = read_three;
    streamed.read_data = "mine";
    streamed.rewind = refuse_rewind;
    wire.script = (script_line[]){{.failure = TACIT_ERR_NETWORK, .read_body = true},
                                  {.failure = TACIT_ERR_NETWORK}};
    send_expecting(&streamed, TACIT_ERR_BODY_NOT_REPLAYABLE, &error);
    assert_true(error.outcome_unknown);

    session.in_pause = replace_by_anothers;
    send_expecting(&request, TACIT_ERR_SIGNED_OUT, &error);
    assert_true(error.outcome_unknown);
    assert_int_equal(wire.sends, 2);
}

static void close_session(void) {
    atomic_store(&session.closing, true);
}

static void a_closed_session_sends_nothing_after_the_pause(void **state) {
    (void)state;
    tacit_request request = retrying(1);
    tacit_error error;

    session.in_pause = close_session;
    wire.script = (script_line[]){{.failure = TACIT_ERR_NETWORK}};
    send_expecting(&request, TACIT_ERR_CLOSED, &error);

    assert_int_equal(wire.sends, 1);
    assert_true(error.outcome_unknown);
    atomic_store(&session.closing, false);
}

static void replace_token(void) {
    tacit_token_unref(session.current);
    session.current = tacit_token_ref(session.next);
}

static void a_retry_goes_with_the_token_that_there_is(void **state) {
    (void)state;
    tacit_request request = retrying(1);
    tacit_error error;

    session.in_pause = replace_token;
    wire.script = (script_line[]){{.status = 503}, {.status = 200}};
    assert_int_equal(send_expecting(&request, TACIT_OK, &error), 200);

    assert_string_equal(wire.log[1].authorization, "Authorization: Bearer two");
    assert_int_equal(session.refreshes, 0);
    assert_int_equal(session.replays, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    static const struct CMUnitTest tests[] = {
        TEST(the_token_goes_along),
        TEST(the_next_request_asks_nobody_for_the_token),
        TEST(a_replaced_token_is_taken_anew),
        TEST(min_valid_looks_past_the_kept_token),
        TEST(the_same_token_may_come_again),
        TEST(a_401_is_replayed_after_one_refresh),
        TEST(a_late_401_refreshes_nothing),
        TEST(a_401_after_the_replay_is_the_answer),
        TEST(an_origin_that_may_not_force_gets_its_401),
        TEST(what_is_not_about_the_token_is_the_answer),
        TEST(a_failed_refresh_is_the_error),
        TEST(a_request_is_not_replayed_as_someone_else),
        TEST(other_origins_get_nothing),
        TEST(a_redirect_within_the_origin_keeps_the_token),
        TEST(a_foreign_origin_sees_no_credentials),
        TEST(the_401_of_a_foreign_origin_is_nobodys_concern),
        TEST(successes_of_the_own_origins_may_bring_a_token),
        TEST(a_303_drops_the_body_and_what_describes_it),
        TEST(redirects_to_plain_http_are_refused),
        TEST(a_location_that_is_no_http_is_the_callers),
        TEST(no_redirects_means_none),
        TEST(a_stream_is_rewound_for_the_replay),
        TEST(a_stream_that_cannot_be_rewound_fails_with_a_new_token),
        TEST(a_stream_of_which_nothing_was_read_is_sent_again),
        TEST(a_cancelled_send_says_by_whom),
        TEST(a_failed_send_is_the_error),
        TEST(the_callers_timeout_bounds_it_all),
        TEST(a_handle_gives_up_the_token_of_an_ended_sign_in),
        TEST(a_handle_gives_up_the_token_of_a_session_that_closes),
        TEST(a_sign_out_at_the_last_moment_is_not_missed),
        TEST(memory_that_is_missing_is_an_error),
        TEST(arguments_are_checked_first),
        TEST(a_closed_session_takes_no_request),
        TEST(a_library_thread_must_not_wait),
        TEST(a_retry_waits_as_long_as_the_server_says),
        TEST(a_pause_beyond_the_deadline_is_not_begun),
        TEST(the_last_failure_is_the_callers),
        TEST(a_connection_that_took_too_long_is_tried_again),
        TEST(an_outcome_stays_unknown),
        TEST(an_outcome_stays_unknown_where_there_is_no_second_send),
        TEST(a_closed_session_sends_nothing_after_the_pause),
        TEST(a_retry_goes_with_the_token_that_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
