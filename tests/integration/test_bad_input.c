/* Every public function with NULL and nonsense for every argument: an error that names it, and no harm. */
#include "support/exports.h"
#include "support/forgetful_store.h"
#include "support/sending.h"
#include "support/unit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static world *w; /* for all tests; nobody is signed in */

/* The error says INVALID_ARGUMENT, and its message begins with the argument's name. */
static void assert_names(const char *argument, const tacit_error *error) {
    size_t size = strlen(argument);

    assert_int_equal(error->status, TACIT_ERR_INVALID_ARGUMENT);
    assert_false(error->retryable);
    if (strncmp(error->message, argument, size) != 0 || error->message[size] == '\0')
        fail_msg("\"%s\" does not name %s", error->message, argument);
}

/* The call, which passes `error`, fails so; without an error to fill, too. */
#define REFUSES(argument, call)                                                                    \
    do {                                                                                           \
        tacit_error filled, *error = &filled;                                                      \
        memset(&filled, 0x5a, sizeof filled);                                                      \
        assert_int_equal(call, TACIT_ERR_INVALID_ARGUMENT);                                        \
        assert_names(argument, &filled);                                                           \
        error = NULL;                                                                              \
        assert_int_equal(call, TACIT_ERR_INVALID_ARGUMENT);                                        \
    } while (0)

#define REFUSES_TO_MAKE(argument, call)                                                            \
    do {                                                                                           \
        tacit_error filled, *error = &filled;                                                      \
        memset(&filled, 0x5a, sizeof filled);                                                      \
        assert_null(call);                                                                         \
        assert_names(argument, &filled);                                                           \
        error = NULL;                                                                              \
        assert_null(call);                                                                         \
    } while (0)

#define GARBAGE ((void *)0x5a5a)

/* ------------------------------------------------------------------ client, provider, stores */

static void check_client_new(void) {
    tacit_client_options o = TACIT_CLIENT_OPTIONS_INIT;
    tacit_clock clock = {.struct_size = 0};

    o.struct_size = 0;
    REFUSES_TO_MAKE("options->struct_size", tacit_client_new(&o, error));
    o.struct_size = sizeof(size_t) - 1;
    REFUSES_TO_MAKE("options->struct_size", tacit_client_new(&o, error));
    o.struct_size = sizeof o;
#define BAD_CLIENT_OPTION(member, value)                                                           \
    o.member = value;                                                                              \
    REFUSES_TO_MAKE("options->" #member, tacit_client_new(&o, error));                             \
    o = (tacit_client_options)TACIT_CLIENT_OPTIONS_INIT
    BAD_CLIENT_OPTION(connect_timeout_ms, -2);
    BAD_CLIENT_OPTION(request_timeout_ms, INT_MIN);
    BAD_CLIENT_OPTION(refresh_timeout_ms, -2);
    BAD_CLIENT_OPTION(store_timeout_ms, -2);
    BAD_CLIENT_OPTION(log_level, (tacit_log_level)5);
    BAD_CLIENT_OPTION(log_level, (tacit_log_level)-1);
    BAD_CLIENT_OPTION(clock, &clock);
    BAD_CLIENT_OPTION(ca_file, "/nonexistent/ca.pem");
    BAD_CLIENT_OPTION(client_certificate_file, "/nonexistent/cert.pem");
}

static void check_client(void) {
    tacit_client_stats stats = TACIT_CLIENT_STATS_INIT, untouched = TACIT_CLIENT_STATS_INIT;

    REFUSES("client", tacit_client_shutdown(NULL, 0, error));
    REFUSES("timeout_ms", tacit_client_shutdown(world_client(w), -2, error));
    tacit_client_unref(NULL);
    tacit_client_network_changed(NULL);
    tacit_client_clock_moved(NULL);
    tacit_client_get_stats(NULL, &stats);
    tacit_client_get_stats(world_client(w), NULL);
    stats.struct_size = untouched.struct_size = 0;
    tacit_client_get_stats(world_client(w), &stats);
    assert_memory_equal(&stats, &untouched, sizeof stats);
}

static void check_global(void) {
    REFUSES("flags", tacit_global_init(2, error));
    REFUSES("tacit_global_init()", tacit_global_init(0, error)); /* too late */
    tacit_free(NULL);
    tacit_free(tacit_alloc(0));
    assert_string_equal(tacit_status_name((tacit_status)-1), "TACIT_ERR_UNKNOWN");
    assert_string_equal(tacit_status_name((tacit_status)9999), "TACIT_ERR_UNKNOWN");
    assert_non_null(tacit_version());
}

static void check_provider(void) {
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        "{}",
        "\xff\xfe",
        "{\"token_endpoint\":7}",
        "{\"issuer\":\"https://as.example\"}",
        "{\"issuer\":\"https://as.example\",\"token_endpoint\":\"\"}",
        "{\"issuer\":\"https://as.example\",\"token_endpoint\":\"ftp://as.example/\"}",
    };
    tacit_error error;

    REFUSES_TO_MAKE("json", tacit_provider_from_json(NULL, error));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_null(tacit_provider_from_json(texts[i], &error));
        if (error.status != TACIT_ERR_INVALID_ARGUMENT || error.message[0] == '\0')
            fail_msg("%s: %s %s", texts[i], tacit_status_name(error.status), error.message);
    }
    tacit_provider_unref(NULL);
}

static void check_issuer(void) {
    static const struct {
        const char *issuer;
        tacit_status status;
    } rows[] = {
        {"", TACIT_ERR_INVALID_ARGUMENT},
        {"as.example", TACIT_ERR_INVALID_ARGUMENT},
        {"/realm", TACIT_ERR_INVALID_ARGUMENT},
        {"ftp://as.example", TACIT_ERR_INVALID_ARGUMENT},
        {"file:///etc/passwd", TACIT_ERR_INVALID_ARGUMENT},
        {"https://", TACIT_ERR_INVALID_ARGUMENT},
        {"https://user@as.example", TACIT_ERR_INVALID_ARGUMENT},
        {"https://as.example/a b", TACIT_ERR_INVALID_ARGUMENT},
        {"https://as.example/\n", TACIT_ERR_INVALID_ARGUMENT},
        {"https://as.example?tenant=1", TACIT_ERR_INVALID_ARGUMENT},
        {"https://as.example/#", TACIT_ERR_INVALID_ARGUMENT},
        {"http://as.example", TACIT_ERR_INSECURE_URL},
        {"http://localhost.evil.example", TACIT_ERR_INSECURE_URL},
    };
    tacit_error error;

    REFUSES_TO_MAKE("issuer", tacit_provider_from_issuer(NULL, error));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_null(tacit_provider_from_issuer(rows[i].issuer, &error));
        if (error.status != rows[i].status || strstr(error.message, "issuer") == NULL)
            fail_msg("%s: %s %s", rows[i].issuer, tacit_status_name(error.status), error.message);
    }
}

static void check_read_answer(void) {
    tacit_provider *provider =
        tacit_provider_from_json("{\"token_endpoint\":\"https://as.example/token\"}", NULL);
    tacit_provider *named = tacit_provider_from_issuer("https://as.example", NULL);
    char *large = calloc(1, (1 << 20) + 1), *text;

    assert_non_null(large);
    REFUSES_TO_MAKE("provider",
                    tacit_provider_read_answer(NULL, TACIT_ANSWER_SIGN_IN, "", 0, error));
    REFUSES_TO_MAKE("provider",
                    tacit_provider_read_answer(named, TACIT_ANSWER_SIGN_IN, "", 0, error));
    REFUSES_TO_MAKE("kind",
                    tacit_provider_read_answer(provider, (tacit_answer_kind)0, "", 0, error));
    REFUSES_TO_MAKE("kind",
                    tacit_provider_read_answer(provider, (tacit_answer_kind)4, "", 0, error));
    REFUSES_TO_MAKE("answer",
                    tacit_provider_read_answer(provider, TACIT_ANSWER_API, NULL, 0, error));
    REFUSES_TO_MAKE("answer", tacit_provider_read_answer(provider, TACIT_ANSWER_REFRESH, large,
                                                         (1 << 20) + 1, error));
    text = tacit_provider_read_answer(provider, TACIT_ANSWER_REFRESH, "", 0, NULL);
    assert_non_null(text); /* an empty answer is one */
    tacit_free(text);
    free(large);
    tacit_provider_unref(named);
    tacit_provider_unref(provider);
}

static void must_not_release(void *data) {
    (void)data;
    abort();
}

static void check_store(void) {
    tacit_store_ops ops = forgetful_store_ops;

    ops.release = must_not_release;
    REFUSES_TO_MAKE("ops", tacit_store_custom(NULL, NULL, error));
    ops.struct_size = 0;
    REFUSES_TO_MAKE("ops->struct_size", tacit_store_custom(&ops, NULL, error));
    ops.struct_size = sizeof ops;
    ops.load = NULL;
    REFUSES_TO_MAKE("ops->load", tacit_store_custom(&ops, NULL, error));
    ops.load = forgetful_store_ops.load;
    ops.save = NULL;
    REFUSES_TO_MAKE("ops->save", tacit_store_custom(&ops, NULL, error));
    ops.save = forgetful_store_ops.save;
    ops.erase = NULL;
    REFUSES_TO_MAKE("ops->erase", tacit_store_custom(&ops, NULL, error));
    REFUSES_TO_MAKE("application_id", tacit_store_keyring(NULL, error));
    REFUSES_TO_MAKE("application_id", tacit_store_keyring("", error));
    REFUSES_TO_MAKE("application_id", tacit_store_kernel_keyring(NULL, error));
    REFUSES_TO_MAKE("application_id", tacit_store_kernel_keyring("", error));
    REFUSES_TO_MAKE("application_id", tacit_store_default(NULL, error));
    REFUSES_TO_MAKE("application_id", tacit_store_default("", error));
    assert_string_equal(tacit_store_describe(NULL), "");
    assert_null(tacit_store_ref(NULL));
    tacit_store_unref(NULL);
}

static tacit_status no_key(void *data, unsigned char key[32]) {
    (void)data, (void)key;
    return TACIT_ERR_STORE_UNAVAILABLE;
}

static void check_store_file(void) {
    tacit_store_file_options o = TACIT_STORE_FILE_OPTIONS_INIT;

    REFUSES_TO_MAKE("options", tacit_store_file(NULL, error));
    o.key_file = "key";
    REFUSES_TO_MAKE("options->directory", tacit_store_file(&o, error));
    o.directory = "";
    REFUSES_TO_MAKE("options->directory", tacit_store_file(&o, error));
    o.directory = "records";
    o.key_file = NULL;
    REFUSES_TO_MAKE("options", tacit_store_file(&o, error)); /* no key */
    o.key_file = "key";
    o.passphrase = "words";
    REFUSES_TO_MAKE("options", tacit_store_file(&o, error)); /* two of them */
    o.passphrase = NULL;
    o.get_key = no_key;
    REFUSES_TO_MAKE("options", tacit_store_file(&o, error));
    o.get_key = NULL;
    o.key_file = "";
    REFUSES_TO_MAKE("options->key_file", tacit_store_file(&o, error));
    o.key_file = NULL;
    o.passphrase = "";
    REFUSES_TO_MAKE("options->passphrase", tacit_store_file(&o, error));
    o.struct_size = 0;
    REFUSES_TO_MAKE("options->struct_size", tacit_store_file(&o, error));
}

static void check_store_keychain(void) {
    tacit_store_keychain_options o = TACIT_STORE_KEYCHAIN_OPTIONS_INIT;

    REFUSES_TO_MAKE("options", tacit_store_keychain(NULL, error));
    REFUSES_TO_MAKE("options->application_id", tacit_store_keychain(&o, error));
    o.application_id = "";
    REFUSES_TO_MAKE("options->application_id", tacit_store_keychain(&o, error));
    o.struct_size = 0;
    REFUSES_TO_MAKE("options->struct_size", tacit_store_keychain(&o, error));
}

/* Takes no argument that could be bad. */
static void check_store_memory(void) {
    tacit_store *store = tacit_store_memory();

    assert_non_null(store);
    tacit_store_unref(store);
}

/* ------------------------------------------------------------------ sessions and tokens */

static void check_session_open(void) {
    static const char *const not_origins[] = {"api.example", NULL},
                             *const not_params[] = {"=x", NULL},
                             *const not_headers[] = {"X: a\r\nY: b", NULL};
    tacit_client *client = world_client(w);
    tacit_provider *provider = world_provider(w);
    tacit_session_options o = TACIT_SESSION_OPTIONS_INIT;

#define OPEN tacit_session_open(client, provider, &o, error)
#define BAD_SESSION_OPTION(member, value)                                                          \
    o = (tacit_session_options)TACIT_SESSION_OPTIONS_INIT;                                         \
    o.client_id = "test-client";                                                                   \
    o.store = world_store(w);                                                                      \
    o.member = value;                                                                              \
    REFUSES_TO_MAKE("options->" #member, OPEN)
    BAD_SESSION_OPTION(client_id, NULL);
    REFUSES_TO_MAKE("client", tacit_session_open(NULL, provider, &o, error));
    REFUSES_TO_MAKE("provider", tacit_session_open(client, NULL, &o, error));
    REFUSES_TO_MAKE("options", tacit_session_open(client, provider, NULL, error));
    BAD_SESSION_OPTION(struct_size, 0);
    BAD_SESSION_OPTION(struct_size, sizeof(size_t) - 1);
    BAD_SESSION_OPTION(client_id, "");
    BAD_SESSION_OPTION(token_params, not_params);
    BAD_SESSION_OPTION(token_headers, not_headers);
    BAD_SESSION_OPTION(policy, (tacit_policy)2);
    BAD_SESSION_OPTION(refresh_lead_s, -1);
    o = (tacit_session_options)TACIT_SESSION_OPTIONS_INIT;
    o.client_id = "test-client";
    o.store = world_store(w);
    o.origins = not_origins;
    REFUSES_TO_MAKE("options->origins", OPEN);
    o.origins = NULL;
    o.store = NULL; /* the default store, which has no name to go by here */
    REFUSES_TO_MAKE("application_id", OPEN);
    o.struct_size = sizeof o.struct_size; /* nothing beyond it is read */
    o.client_id = GARBAGE;
    REFUSES_TO_MAKE("options->client_id", OPEN);
}

static void check_session(void) {
    tacit_session *session = world_session(w);
    tacit_session_stats stats = {.struct_size = 0}, untouched = stats;
    tacit_session_state state = TACIT_STATE_SIGNED_IN;
    tacit_token *token = GARBAGE;

    REFUSES("session", tacit_session_load(NULL, 0, &state, error));
    assert_int_equal(state, TACIT_STATE_UNKNOWN);
    REFUSES("timeout_ms", tacit_session_load(session, -2, NULL, error));
    assert_int_equal(tacit_session_get_state(NULL), TACIT_STATE_UNKNOWN);
    assert_int_equal(tacit_session_close(NULL, 0), TACIT_OK);
    assert_null(tacit_session_ref(NULL));
    tacit_session_unref(NULL);
    REFUSES("session", tacit_session_token(NULL, 0, 0, &token, error));
    assert_null(token);
    REFUSES("token", tacit_session_token(session, 0, 0, NULL, error));
    REFUSES("min_valid_s", tacit_session_token(session, -1, 0, &token, error));
    REFUSES("timeout_ms", tacit_session_token(session, 0, -2, &token, error));
    REFUSES("session", tacit_session_refresh(NULL, 0, error));
    REFUSES("timeout_ms", tacit_session_refresh(session, INT_MIN, error));
    tacit_session_get_stats(NULL, &stats);
    tacit_session_get_stats(session, NULL);
    tacit_session_get_stats(session, &stats);
    assert_memory_equal(&stats, &untouched, sizeof stats);
}

static void check_renew(void) {
    tacit_session *session = world_session(w);
    tacit_token *token, *newer = GARBAGE;

    assert_int_equal(tacit_sign_in_with_tokens(session, "access", 60, NULL, NULL), TACIT_OK);
    token = world_token(w);
    REFUSES("session", tacit_session_renew(NULL, token, 0, &newer, error));
    assert_null(newer);
    REFUSES("refused", tacit_session_renew(session, NULL, 0, &newer, error));
    REFUSES("newer", tacit_session_renew(session, token, 0, NULL, error));
    REFUSES("timeout_ms", tacit_session_renew(session, token, -2, &newer, error));
    tacit_token_unref(token);
    tacit_sign_out(session, TACIT_TIMEOUT_DEFAULT, NULL);
}

static void check_token(void) {
    assert_null(tacit_token_value(NULL));
    assert_null(tacit_token_type(NULL));
    assert_null(tacit_token_authorization(NULL));
    assert_int_equal(tacit_token_expires_in_s(NULL), -1);
    assert_int_equal(tacit_token_generation(NULL), 0);
    assert_null(tacit_token_ref(NULL));
    tacit_token_unref(NULL);
}

/* ------------------------------------------------------------------ sign-in */

static bool never_open(const char *url, void *user_data) {
    (void)user_data;
    fail_msg("opened %s", url);
    return false;
}

/* Nothing is bound, and nobody is asked. */
static void check_browser(void) {
    tacit_session *session = world_session(w);
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;

    o.open_url = never_open;
    REFUSES("session", tacit_sign_in_with_browser(NULL, &o, error));
    o.redirect_uri = "https://127.0.0.1/";
    REFUSES("options->redirect_uri", tacit_sign_in_with_browser(session, &o, error));
    o.redirect_uri = "http://app.example/";
    REFUSES("options->redirect_uri", tacit_sign_in_with_browser(session, &o, error));
    o.redirect_uri = "http://127.0.0.1/\r\nX: y";
    REFUSES("options->redirect_uri", tacit_sign_in_with_browser(session, &o, error));
    o.redirect_uri = NULL;
    o.timeout_ms = -2;
    REFUSES("options->timeout_ms", tacit_sign_in_with_browser(session, &o, error));
    o.struct_size = 0;
    REFUSES("options->struct_size", tacit_sign_in_with_browser(session, &o, error));
}

static void check_browser_begin(void) {
    tacit_session *session = world_session(w);
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;

    REFUSES_TO_MAKE("options->redirect_uri", tacit_sign_in_browser_begin(session, NULL, error));
    o.redirect_uri = "no scheme";
    REFUSES_TO_MAKE("options->redirect_uri", tacit_sign_in_browser_begin(session, &o, error));
    o.redirect_uri = "app:/#fragment";
    REFUSES_TO_MAKE("options->redirect_uri", tacit_sign_in_browser_begin(session, &o, error));
    o.redirect_uri = "app:/";
    REFUSES_TO_MAKE("session", tacit_sign_in_browser_begin(NULL, &o, error));
    REFUSES("session", tacit_sign_in_browser_finish(NULL, "app:/?code=1", 0, error));
    REFUSES("callback_url", tacit_sign_in_browser_finish(session, NULL, 0, error));
    REFUSES("callback_url", tacit_sign_in_browser_finish(session, "", 0, error));
    REFUSES("callback_url", tacit_sign_in_browser_finish(session, "app:/?code=1", 0, error));
    REFUSES("timeout_ms", tacit_sign_in_browser_finish(session, "app:/?code=1", -2, error));
}

static void check_sign_in(void) {
    static const char *const not_params[] = {"novalue", NULL};
    tacit_session *session = world_session(w);
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;

    REFUSES("session", tacit_sign_in_with_refresh_token(NULL, "r", NULL, error));
    REFUSES("refresh_token", tacit_sign_in_with_refresh_token(session, NULL, NULL, error));
    REFUSES("refresh_token", tacit_sign_in_with_refresh_token(session, "", NULL, error));
    REFUSES("session", tacit_sign_in_with_device_code(NULL, NULL, error));
    REFUSES("options->device_prompt", tacit_sign_in_with_device_code(session, NULL, error));
    REFUSES("options->device_prompt", tacit_sign_in_with_device_code(session, &o, error));
    REFUSES("session", tacit_sign_in_with_password(NULL, "u", "p", NULL, error));
    REFUSES("username", tacit_sign_in_with_password(session, NULL, "p", NULL, error));
    REFUSES("password", tacit_sign_in_with_password(session, "u", NULL, NULL, error));
#define BAD_SIGN_IN_OPTION(member, value)                                                          \
    o.member = value;                                                                              \
    REFUSES("options->" #member, tacit_sign_in_with_refresh_token(session, "r", &o, error));       \
    REFUSES("options->" #member, tacit_sign_in_with_password(session, "u", "p", &o, error));       \
    REFUSES("options->" #member, tacit_sign_in_with_device_code(session, &o, error));              \
    REFUSES("options->" #member, tacit_sign_in_with_client_credentials(session, &o, error));       \
    o = (tacit_sign_in_options)TACIT_SIGN_IN_OPTIONS_INIT
    BAD_SIGN_IN_OPTION(struct_size, 0);
    BAD_SIGN_IN_OPTION(struct_size, 7);
    BAD_SIGN_IN_OPTION(timeout_ms, -2);
    BAD_SIGN_IN_OPTION(params, not_params);
    REFUSES("session", tacit_sign_in_with_tokens(NULL, "a", 0, "r", error));
    REFUSES("access_token", tacit_sign_in_with_tokens(session, NULL, 0, "r", error));
    REFUSES("access_token", tacit_sign_in_with_tokens(session, "", 0, "r", error));
    REFUSES("access_token", tacit_sign_in_with_tokens(session, "a b", 0, "r", error));
    REFUSES("access_token", tacit_sign_in_with_tokens(session, "a\r\nX: y", 0, "r", error));
    REFUSES("access_token", tacit_sign_in_with_tokens(session, "\xc3\xa4", 0, "r", error));
    REFUSES("refresh_token", tacit_sign_in_with_tokens(session, "a", 0, "", error));
    REFUSES("expires_in_s", tacit_sign_in_with_tokens(session, "a", -2, "r", error));
    REFUSES("session", tacit_sign_in_with_client_credentials(NULL, NULL, error));
    REFUSES("options->client_secret", tacit_sign_in_with_client_credentials(session, NULL, error));
    tacit_sign_in_cancel(NULL);
    REFUSES("session", tacit_sign_out(NULL, 0, error));
    REFUSES("timeout_ms", tacit_sign_out(session, -2, error));
}

static void check_id_token(void) {
    tacit_session *session = world_session(w);

    REFUSES_TO_MAKE("session", tacit_session_claims_json(NULL, error));
    REFUSES_TO_MAKE("session", tacit_session_end_session_url(NULL, NULL, error));
    REFUSES_TO_MAKE("post_logout_redirect_uri", tacit_session_end_session_url(session, "", error));
}

static void must_not_be_done(tacit_call *call, tacit_response *response, const tacit_error *error,
                             void *user_data) {
    (void)call, (void)response, (void)error, (void)user_data;
    abort();
}

/* What is wrong with the arguments is said at once, and done is not called. */
static void check_async(void) {
    static const char *const not_params[] = {"novalue", NULL};
    tacit_session *session = world_session(w);
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;

#define SIGN_IN_BY(grant)                                                                          \
    tacit_sign_in_async(session, TACIT_GRANT_##grant, &o, must_not_be_done, NULL, error)
    REFUSES_TO_MAKE("options->username", SIGN_IN_BY(PASSWORD));
    o.username = "alice";
    REFUSES_TO_MAKE("options->password", SIGN_IN_BY(PASSWORD));
    o.password = "wonderland";
    REFUSES_TO_MAKE("options->device_prompt", SIGN_IN_BY(DEVICE_CODE));
    REFUSES_TO_MAKE("options->client_secret", SIGN_IN_BY(CLIENT_CREDENTIALS));
    REFUSES_TO_MAKE("session", tacit_sign_in_async(NULL, TACIT_GRANT_PASSWORD, &o, must_not_be_done,
                                                   NULL, error));
    REFUSES_TO_MAKE(
        "grant", tacit_sign_in_async(session, (tacit_grant)0, &o, must_not_be_done, NULL, error));
    REFUSES_TO_MAKE("done",
                    tacit_sign_in_async(session, TACIT_GRANT_PASSWORD, &o, NULL, NULL, error));
    o.redirect_uri = "http://app.example/";
    REFUSES_TO_MAKE("options->redirect_uri", SIGN_IN_BY(BROWSER));
    o.timeout_ms = -2;
    REFUSES_TO_MAKE("options->timeout_ms", SIGN_IN_BY(PASSWORD));
    o.timeout_ms = 0;
    o.params = not_params;
    REFUSES_TO_MAKE("options->params", SIGN_IN_BY(PASSWORD));
    o.struct_size = 0;
    REFUSES_TO_MAKE("options->struct_size", SIGN_IN_BY(PASSWORD));
    REFUSES_TO_MAKE("session", tacit_sign_out_async(NULL, 0, must_not_be_done, NULL, error));
    REFUSES_TO_MAKE("timeout_ms", tacit_sign_out_async(session, -2, must_not_be_done, NULL, error));
    REFUSES_TO_MAKE("done", tacit_sign_out_async(session, 0, NULL, NULL, error));
    tacit_call_cancel(NULL);
    tacit_call_pause(NULL);
    tacit_call_resume(NULL);
    tacit_call_unref(NULL);
}

static void must_not_come(tacit_call *call, tacit_token *token, const tacit_error *error,
                          void *user_data) {
    (void)call, (void)token, (void)error, (void)user_data;
    abort();
}

#define TOKEN_BY(session, min_valid_s, timeout_ms, done)                                           \
    tacit_session_token_async(session, NULL, min_valid_s, timeout_ms, done, NULL, error)

static void check_token_async(void) {
    tacit_session *session = world_session(w);

    REFUSES_TO_MAKE("session", TOKEN_BY(NULL, 0, -1, must_not_come));
    REFUSES_TO_MAKE("min_valid_s", TOKEN_BY(session, -1, -1, must_not_come));
    REFUSES_TO_MAKE("timeout_ms", TOKEN_BY(session, 0, -2, must_not_come));
    REFUSES_TO_MAKE("done", TOKEN_BY(session, 0, -1, NULL));
}

static void check_send_async(void) {
    tacit_session *session = world_session(w);
    tacit_request r = request_to(server_url(world_server(w), "/api/x"));

    REFUSES_TO_MAKE("session", tacit_send_async(NULL, &r, must_not_be_done, NULL, error));
    REFUSES_TO_MAKE("done", tacit_send_async(session, &r, NULL, NULL, error));
    REFUSES_TO_MAKE("request", tacit_send_async(session, NULL, must_not_be_done, NULL, error));
    r.timeout_ms = -2;
    REFUSES_TO_MAKE("request->timeout_ms",
                    tacit_send_async(session, &r, must_not_be_done, NULL, error));
    r.url = NULL;
    REFUSES_TO_MAKE("request->url", tacit_send_async(session, &r, must_not_be_done, NULL, error));
    r.struct_size = 0;
    REFUSES_TO_MAKE("request->struct_size",
                    tacit_send_async(session, &r, must_not_be_done, NULL, error));
}

/* ------------------------------------------------------------------ requests */

static void check_send(void) {
    static const char *const own[] = {"authorization: Bearer x", NULL},
                             *const split[] = {"X-A: b\r\nHost: evil", NULL},
                             *const nameless[] = {": b", NULL}, *const colonless[] = {"X-A", NULL},
                             *const spaced[] = {"X A: b", NULL},
                             *const control[] = {"X-A: b\x01", NULL};
    tacit_session *session = world_session(w);
    const char *url = server_url(world_server(w), "/api/x");
    tacit_request r = request_to(url);
    tacit_response *response = GARBAGE;

    REFUSES("session", tacit_send(NULL, &r, &response, error));
    assert_null(response);
    REFUSES("request", tacit_send(session, NULL, &response, error));
    REFUSES("response", tacit_send(session, &r, NULL, error));
#define BAD_REQUEST(member, value)                                                                 \
    r.member = value;                                                                              \
    REFUSES("request->" #member, tacit_send(session, &r, &response, error));                       \
    r = request_to(url)
    BAD_REQUEST(struct_size, 0);
    BAD_REQUEST(struct_size, sizeof(size_t) - 1);
    BAD_REQUEST(url, NULL);
    BAD_REQUEST(method, "");
    BAD_REQUEST(method, "GET /");
    BAD_REQUEST(method, "G\r\nX: y");
    BAD_REQUEST(method, "CONNECT");
    BAD_REQUEST(headers, own);
    BAD_REQUEST(headers, split);
    BAD_REQUEST(headers, nameless);
    BAD_REQUEST(headers, colonless);
    BAD_REQUEST(headers, spaced);
    BAD_REQUEST(headers, control);
    BAD_REQUEST(timeout_ms, -2);
    BAD_REQUEST(min_valid_s, -1);
    r.body_size = 1;
    REFUSES("request->body", tacit_send(session, &r, &response, error));
    r.body = "x";
    r.read = read_stream;
    REFUSES("request->read", tacit_send(session, &r, &response, error));
    r = request_to(GARBAGE);
    r.struct_size = sizeof r.struct_size;
    REFUSES("request->url", tacit_send(session, &r, &response, error));
    REFUSES("session", tacit_get(NULL, url, &response, error));
    REFUSES("url", tacit_get(session, NULL, &response, error));
    REFUSES("response", tacit_get(session, url, NULL, error));
}

static void check_response(void) {
    assert_int_equal(tacit_response_status(NULL), 0);
    assert_null(tacit_response_header(NULL, "Date"));
    assert_null(tacit_response_header_at(NULL, "Date", 0));
    assert_null(tacit_response_header_line(NULL, 0));
    assert_null(tacit_response_body(NULL));
    assert_int_equal(tacit_response_body_size(NULL), 0);
    assert_null(tacit_response_url(NULL));
    assert_int_equal(tacit_response_attempts(NULL), 0);
    assert_int_equal(tacit_response_retries(NULL), 0);
    tacit_response_free(NULL);
}

/* Of a real response. */
static void check_response_header(void) {
    tacit_response *response;

    assert_int_equal(
        tacit_sign_in_with_password(world_session(w), "alice", "wonderland", NULL, NULL), TACIT_OK);
    assert_int_equal(
        tacit_get(world_session(w), server_url(world_server(w), "/api/x"), &response, NULL),
        TACIT_OK);
    assert_null(tacit_response_header(response, NULL));
    assert_null(tacit_response_header(response, ""));
    assert_null(tacit_response_header(response, "No\r\nSuch"));
    assert_null(tacit_response_header_at(response, NULL, 0));
    assert_null(tacit_response_header_at(response, "Date", SIZE_MAX));
    assert_null(tacit_response_header_line(response, SIZE_MAX));
    tacit_response_free(response);
    tacit_sign_out(world_session(w), TACIT_TIMEOUT_DEFAULT, NULL);
}

/* ------------------------------------------------------------------ all of them */

static const struct {
    const char *function;
    void (*check)(void);
} checks[] = {
    {"tacit_alloc", check_global},
    {"tacit_call_cancel", check_async},
    {"tacit_call_pause", check_async},
    {"tacit_call_resume", check_async},
    {"tacit_call_unref", check_async},
    {"tacit_client_clock_moved", check_client},
    {"tacit_client_get_stats", check_client},
    {"tacit_client_network_changed", check_client},
    {"tacit_client_new", check_client_new},
    {"tacit_client_shutdown", check_client},
    {"tacit_client_unref", check_client},
    {"tacit_free", check_global},
    {"tacit_get", check_send},
    {"tacit_global_init", check_global},
    {"tacit_provider_from_issuer", check_issuer},
    {"tacit_provider_from_json", check_provider},
    {"tacit_provider_read_answer", check_read_answer},
    {"tacit_provider_unref", check_provider},
    {"tacit_response_attempts", check_response},
    {"tacit_response_body", check_response},
    {"tacit_response_body_size", check_response},
    {"tacit_response_free", check_response},
    {"tacit_response_header", check_response_header},
    {"tacit_response_header_at", check_response_header},
    {"tacit_response_header_line", check_response_header},
    {"tacit_response_retries", check_response},
    {"tacit_response_status", check_response},
    {"tacit_response_url", check_response},
    {"tacit_send", check_send},
    {"tacit_send_async", check_send_async},
    {"tacit_session_claims_json", check_id_token},
    {"tacit_session_close", check_session},
    {"tacit_session_end_session_url", check_id_token},
    {"tacit_session_get_state", check_session},
    {"tacit_session_get_stats", check_session},
    {"tacit_session_load", check_session},
    {"tacit_session_open", check_session_open},
    {"tacit_session_ref", check_session},
    {"tacit_session_refresh", check_session},
    {"tacit_session_renew", check_renew},
    {"tacit_session_token", check_session},
    {"tacit_session_token_async", check_token_async},
    {"tacit_session_unref", check_session},
    {"tacit_sign_in_async", check_async},
    {"tacit_sign_in_browser_begin", check_browser_begin},
    {"tacit_sign_in_browser_finish", check_browser_begin},
    {"tacit_sign_in_cancel", check_sign_in},
    {"tacit_sign_in_with_browser", check_browser},
    {"tacit_sign_in_with_client_credentials", check_sign_in},
    {"tacit_sign_in_with_device_code", check_sign_in},
    {"tacit_sign_in_with_password", check_sign_in},
    {"tacit_sign_in_with_refresh_token", check_sign_in},
    {"tacit_sign_in_with_tokens", check_sign_in},
    {"tacit_sign_out", check_sign_in},
    {"tacit_sign_out_async", check_async},
    {"tacit_status_name", check_global},
    {"tacit_store_custom", check_store},
    {"tacit_store_default", check_store},
    {"tacit_store_describe", check_store},
    {"tacit_store_file", check_store_file},
    {"tacit_store_kernel_keyring", check_store},
    {"tacit_store_keychain", check_store_keychain},
    {"tacit_store_keyring", check_store},
    {"tacit_store_memory", check_store_memory},
    {"tacit_store_ref", check_store},
    {"tacit_store_unref", check_store},
    {"tacit_token_authorization", check_token},
    {"tacit_token_expires_in_s", check_token},
    {"tacit_token_generation", check_token},
    {"tacit_token_ref", check_token},
    {"tacit_token_type", check_token},
    {"tacit_token_unref", check_token},
    {"tacit_token_value", check_token},
    {"tacit_version", check_global},
};
enum { CHECKS = sizeof checks / sizeof *checks };

static void bad_arguments_are_named_and_do_no_harm(void **state) {
    (void)state;
    for (size_t i = 0; i < CHECKS; i++) checks[i].check();
    assert_int_equal(tacit_session_get_state(world_session(w)), TACIT_STATE_SIGNED_OUT);
}

static void no_function_is_forgotten(void **state) {
    (void)state;
    assert_every_export_has_row(checks, sizeof *checks, CHECKS);
}

/* ------------------------------------------------------------------ struct sizes */

/* An app that was built with a later version: what this one does not know is not looked at. */
static void structs_that_are_too_large_work(void **state) {
    struct {
        tacit_client_options known;
        unsigned char later[64];
    } client_options = {.known = TACIT_CLIENT_OPTIONS_INIT};
    struct {
        tacit_client_stats known;
        unsigned char later[64];
    } stats;
    tacit_client *client;

    (void)state;
    memset(client_options.later, 0xff, sizeof client_options.later);
    client_options.known.struct_size = sizeof client_options;
    client = tacit_client_new(&client_options.known, NULL);
    assert_non_null(client);
    memset(&stats, 0x5a, sizeof stats);
    stats.known.struct_size = sizeof stats;
    tacit_client_get_stats(client, &stats.known);
    assert_int_equal(stats.known.sessions, 0);
    assert_int_equal(stats.known.refresh_failures, 0);
    for (size_t i = 0; i < sizeof stats.later; i++) assert_int_equal(stats.later[i], 0x5a);
    tacit_client_unref(client);
}

/* An app that was built with an earlier version. Each struct lies at the end of its memory, so that a look beyond it shows. */
static void nothing_beyond_struct_size_is_touched(void **state) {
    (void)state;
    for (size_t size = sizeof(size_t); size <= sizeof(tacit_client_options); size += 4) {
        tacit_client_options *options = calloc(1, size);
        tacit_client *client;

        memcpy(options, &size, sizeof size);
        client = tacit_client_new(options, NULL);
        assert_non_null(client);
        tacit_client_unref(client);
        free(options);
    }
    for (size_t size = sizeof(size_t); size <= sizeof(tacit_session_stats); size += 4) {
        tacit_session_stats *stats = malloc(size);

        memcpy(stats, &size, sizeof size);
        tacit_session_get_stats(world_session(w), stats);
        free(stats);
    }
}

/* ------------------------------------------------------------------ hostile URLs */

static void hostile_urls_go_nowhere(void **state) {
    static const char *const urls[] = {
        "",
        " ",
        "x",
        "//",
        "http:",
        "http://",
        "http:///api",
        "http://@/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "gopher://127.0.0.1/",
        "javascript:alert(1)",
        "data:text/plain,x",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:65536/",
        "http://127.0.0.1:99999999999999999999/",
        "http://127.0.0.1:-1/",
        "http://127.0.0.1:80:80/",
        "http://[::1/",
        "http://[::g]/",
        "http://user:password@127.0.0.1/",
        "http://127.0.0.1@evil.example/",
        "http://127.0.0.1\\@evil.example/",
        "http://127.0.0.1/\r\nX: y",
        "http://127.0.0.1/a b",
        "http://127.0.0.1\t/",
        "http://127.0.0.1#@evil.example/",
        "http://127.0.0.1%2eevil.example/",
        "https://\xff\xfe/",
        "https://*/",
        "https://a..b/",
    };
    long before = server_counters(world_server(w)).connections;

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        tacit_response *response;
        tacit_error error;
        tacit_status status = tacit_get(world_session(w), urls[i], &response, &error);

        assert_null(response);
        if (status != TACIT_ERR_INVALID_ARGUMENT && status != TACIT_ERR_INSECURE_URL &&
            status != TACIT_ERR_ORIGIN_NOT_ALLOWED)
            fail_msg("%s: %s", urls[i], tacit_status_name(status));
        assert_true(error.message[0] != '\0');
        assert_null(strstr(error.message, "password"));
    }
    assert_int_equal(server_counters(world_server(w)).connections, before);
}

static void a_huge_url_is_refused_or_answered(void **state) {
    size_t size = (size_t)16 << 20;
    char *url = malloc(size + 1);
    const char *begin = server_url(world_server(w), "/api/");
    tacit_response *response;
    tacit_error error;

    (void)state;
    memset(url, 'a', size);
    url[size] = '\0';
    memcpy(url, begin, strlen(begin));
    assert_int_not_equal(tacit_get(world_session(w), url, &response, &error), TACIT_OK);

    assert_null(response);
    assert_true(error.message[0] != '\0');
    free(url);
}

static int begin(void **state) {
    (void)state;
    w = world_new(NULL);
    return 0;
}

static int end(void **state) {
    (void)state;
    world_free(w);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_arguments_are_named_and_do_no_harm),
        cmocka_unit_test(no_function_is_forgotten),
        cmocka_unit_test(structs_that_are_too_large_work),
        cmocka_unit_test(nothing_beyond_struct_size_is_touched),
        cmocka_unit_test(hostile_urls_go_nowhere),
        cmocka_unit_test(a_huge_url_is_refused_or_answered),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
