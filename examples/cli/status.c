/* tacit status: what is known of a sign-in without asking a server. */
#include "connection.h"
#include "interrupt.h"

#include <inttypes.h>

typedef struct status_options {
    const char *name;
    bool json;
} status_options;

static const option_spec specs[] = {
    {"name", 0, OPTION_TEXT, offsetof(status_options, name), "NAME",
     "the sign-in, as with NAME; default \"" PROFILE_DEFAULT_NAME "\""},
    {"json", 0, OPTION_FLAG, offsetof(status_options, json), NULL,
     "one JSON object; what is unknown is null, times are seconds"},
    {.name = NULL},
};
static const command_spec command = {
    "status", "[NAME] [OPTION...]",
    "Says who is signed in, where that is kept, and how old the access token is. Neither asks\n"
    "a server nor renews anything. Ends with 3 where nobody is signed in.",
    specs, 1};

/* `tacit token` renews by default what lives no longer. */
enum { MIN_VALID_S = 60 };

/* What is printed; texts are borrowed from the profile, the claims and the store. */
typedef struct report {
    const profile *profile;
    tacit_session_state state;
    const char *who, *store;
    json_t *claims; /* NULL: none */
    tacit_session_stats stats;
    tacit_error error; /* of the store, or of the last refresh */
} report;

/* ------------------------------------------------------------------ looking */

/* The claim that says most to a person (OpenID Connect Core section 5.1). */
static const char *find_who(const json_t *claims) {
    static const char *const names[] = {"email", "preferred_username", "name", "sub"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *who = json_string_value(json_object_get(claims, names[i]));

        if (who != NULL && *who != '\0') return who;
    }
    return NULL;
}

static void look_at_claims(report *report, tacit_session *session) {
    char *text = tacit_session_claims_json(session, NULL);

    if (text != NULL) report->claims = json_loads(text, 0, NULL);
    tacit_free(text);
    report->who = find_who(report->claims);
}

/* After a failure the server wants to be left alone for a while: then that is when it is due. What the
 * session says else is when it would renew the refresh token. */
static void look_at_stats(report *report, tacit_session *session) {
    tacit_session_stats *stats = &report->stats;
    int64_t due_in_s;

    tacit_session_get_stats(session, stats);
    if (report->error.status == TACIT_OK) report->error.status = stats->last_error;
    if (stats->expires_in_s < 0) return;
    due_in_s = stats->expires_in_s > MIN_VALID_S ? stats->expires_in_s - MIN_VALID_S : 0;
    if (stats->refresh_due_in_s < 0 ||
        (stats->last_error == TACIT_OK && due_in_s < stats->refresh_due_in_s))
        stats->refresh_due_in_s = due_in_s;
}

/* ------------------------------------------------------------------ printing */

static const struct {
    const char *words, *word;
} states[] = {[TACIT_STATE_UNKNOWN] = {"unknown", "unknown"},
              [TACIT_STATE_SIGNED_OUT] = {"signed out", "signed_out"},
              [TACIT_STATE_SIGNED_IN] = {"signed in", "signed_in"}};

static void print_row(const char *name, const char *text) {
    printf("%-11s ", name);
    print_clean(stdout, text == NULL ? "unknown" : text);
    putchar('\n');
}

static void print_seconds(const char *name, int64_t seconds) {
    char text[64];

    snprintf(text, sizeof text, "%" PRId64 " s", seconds);
    print_row(name, seconds < 0 ? NULL : text);
}

static void print_table(const report *report) {
    char generation[32];

    snprintf(generation, sizeof generation, "%" PRIu64, report->stats.generation);
    print_row("name", report->profile->name);
    print_row("state", states[report->state].words);
    if (report->who != NULL) print_row("who", report->who);
    print_row("server", profile_server(report->profile));
    print_row("client", profile_text(report->profile, "client_id"));
    print_row("kept in", report->store);
    if (report->state == TACIT_STATE_SIGNED_IN) {
        print_row("generation", report->stats.generation == 0 ? "none yet" : generation);
        print_seconds("expires in", report->stats.expires_in_s);
        print_seconds("due in", report->stats.refresh_due_in_s);
        if (report->stats.sign_in_ends_in_s >= 0)
            print_seconds("login ends", report->stats.sign_in_ends_in_s);
    }
    print_row("last error", report->error.status == TACIT_OK ? "none"
                            : *report->error.message == '\0'
                                ? tacit_status_name(report->error.status)
                                : report->error.message);
}

/* Steals value. A text that is not UTF-8 has none in JSON. */
static void set(json_t *object, const char *name, json_t *value) {
    json_object_set_new(object, name, value == NULL ? json_null() : value);
}

static json_t *text_or_null(const char *text) {
    return text == NULL ? NULL : json_string(text);
}

static json_t *seconds_or_null(int64_t seconds) {
    return seconds < 0 ? NULL : json_integer(seconds);
}

static json_t *error_or_null(const tacit_error *error) {
    if (error->status == TACIT_OK) return NULL;
    return json_pack("{s:s, s:s}", "status", tacit_status_name(error->status), "message",
                     error->message);
}

static void print_json(const report *report) {
    const tacit_session_stats *stats = &report->stats;
    json_t *json = json_object();

    set(json, "name", text_or_null(report->profile->name));
    set(json, "state", text_or_null(states[report->state].word));
    set(json, "who", text_or_null(report->who));
    set(json, "claims", json_incref(report->claims));
    set(json, "server", text_or_null(profile_server(report->profile)));
    set(json, "client_id", text_or_null(profile_text(report->profile, "client_id")));
    set(json, "scope", text_or_null(profile_text(report->profile, "scope")));
    set(json, "store", text_or_null(report->store));
    set(json, "generation",
        stats->generation == 0 ? NULL : json_integer((json_int_t)stats->generation));
    set(json, "expires_in", seconds_or_null(stats->expires_in_s));
    set(json, "due_in", seconds_or_null(stats->refresh_due_in_s));
    set(json, "sign_in_ends_in", seconds_or_null(stats->sign_in_ends_in_s));
    set(json, "last_error", error_or_null(&report->error));
    if (json_dumpf(json, stdout, JSON_INDENT(2)) == 0) putchar('\n');
    json_decref(json);
}

static exit_code tell(connection *connection, const void *data) {
    const status_options *options = data;
    report report = {.profile = connection->profile, .stats = TACIT_SESSION_STATS_INIT};
    tacit_status loaded = tacit_session_load(connection->session, TACIT_TIMEOUT_DEFAULT,
                                             &report.state, &report.error);

    report.store = tacit_store_describe(connection->store); /* it knows more once it was read */
    if (interrupted()) return complain_of(&report.error, connection->profile->name);
    look_at_claims(&report, connection->session);
    look_at_stats(&report, connection->session);
    if (options->json)
        print_json(&report);
    else
        print_table(&report);
    json_decref(report.claims);
    if (loaded != TACIT_OK) return finish_output(exit_code_of(loaded));
    return finish_output(report.state == TACIT_STATE_SIGNED_IN ? EXIT_OK : EXIT_SIGN_IN_REQUIRED);
}

int status_main(int argc, char **argv) {
    status_options options = {.name = NULL};
    operands operands;
    exit_code code;

    if (!options_read(&command, argc, argv, &options, &operands, &code)) return code;
    if (operands.count == 1) options.name = operands.items[0];
    return connection_use(options.name, NULL, tell, &options);
}
