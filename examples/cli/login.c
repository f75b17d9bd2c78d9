/*
 * tacit login: the first tokens, by the user or by a machine's own secret.
 *
 * Nothing is kept before the sign-in is in force and saved; a login that fails or is interrupted
 * leaves an earlier sign-in as it was.
 */
#include "login.h"

#include <stdlib.h>

static const option_spec specs[] = {
    {"client-id", 0, OPTION_TEXT, offsetof(login_options, client_id), "ID",
     "the client's identifier, as registered with the server;\nneeds none where FILE of --provider "
     "says how to sign in"},
    {"name", 0, OPTION_TEXT, offsetof(login_options, name), "NAME",
     "what the sign-in is called; default \"" PROFILE_DEFAULT_NAME "\""},
    {"browser", 0, OPTION_FLAG, offsetof(login_options, browser), NULL,
     "in the browser here; the default where there is one"},
    {"device", 0, OPTION_FLAG, offsetof(login_options, device), NULL,
     "with a code, in a browser on another device; the\ndefault else, where the server has it"},
    {"password", 0, OPTION_FLAG, offsetof(login_options, password), NULL,
     "with name and password, asked for on the terminal, or\na line each of the standard input; "
     "the default where\n"
     "FILE of --provider says how to sign in"},
    {"client-credentials", 0, OPTION_FLAG, offsetof(login_options, client_credentials), NULL,
     "as a machine; the default with --client-secret-file"},
    {"client-secret-file", 0, OPTION_TEXT, offsetof(login_options, client_secret_file), "FILE",
     "the client's secret, one line; read anew each time"},
    {"provider", 0, OPTION_TEXT, offsetof(login_options, provider_file), "FILE",
     "the server's metadata (RFC 8414) and dialect instead of\nISSUER"},
    {"scope", 0, OPTION_TEXT, offsetof(login_options, scope), "SCOPE", "what the token is for"},
    {"resource", 0, OPTION_TEXT, offsetof(login_options, resource), "URI",
     "which API the token is for (RFC 8707)"},
    {"origin", 0, OPTION_LIST, offsetof(login_options, origins), "ORIGIN",
     "where tacit request may send the token:\nSCHEME://HOST[:PORT]; may be repeated"},
    {"param", 0, OPTION_LIST, offsetof(login_options, params), "NAME=VALUE",
     "added to this sign-in (\"prompt=consent\"); may be repeated"},
    {"token-param", 0, OPTION_LIST, offsetof(login_options, token_params), "NAME=VALUE",
     "added to every token request (\"audience=...\"); may be\nrepeated"},
    {"username", 0, OPTION_TEXT, offsetof(login_options, username), "USER",
     "with --password, instead of asking for it"},
    {"redirect-uri", 0, OPTION_TEXT, offsetof(login_options, redirect_uri), "URI",
     "as registered with the server; default\nhttp://127.0.0.1:PORT/ with a free port"},
    {"no-open", 0, OPTION_FLAG, offsetof(login_options, no_open), NULL,
     "print the address, open no browser"},
    {"store", 0, OPTION_TEXT, offsetof(login_options, store), "STORE",
     "where the tokens are kept: keyring, kernel\n(Linux, until a restart), "
     "file:DIRECTORY,KEYFILE, or\ndefault: the keyring where there is one"},
    {"ca-file", 0, OPTION_TEXT, offsetof(login_options, ca_file), "FILE",
     "PEM; whom to trust instead of the system's CAs"},
    {"timeout", 0, OPTION_SECONDS, offsetof(login_options, timeout_s), "SECONDS",
     "give up after so long"},
    {.name = NULL},
};
static const command_spec command = {
    "login", "[ISSUER] --client-id ID [OPTION...]",
    "Signs in, and keeps the sign-in for the other commands. ISSUER is the server's URL. Without\n"
    "it the sign-in NAME is made again as it was made before.",
    specs, 1};

/* ------------------------------------------------------------------ the profile */

/* What it begins with: nothing, or, where no server is named, what is there. */
static exit_code begin(const login_options *options, const profile *earlier, profile *next) {
    bool again = options->issuer == NULL && options->provider_file == NULL;
    exit_code code = profile_begin(next, options->name);

    if (code != EXIT_OK) return code;
    if (options->issuer != NULL && options->provider_file != NULL)
        return refuse_usage(&command, "ISSUER and --provider say the same twice");
    if (again && earlier->json == NULL)
        return refuse_usage(&command, "which server? There is no sign-in \"%s\" yet", next->name);
    next->json = again ? json_deep_copy(earlier->json) : json_object();
    return next->json == NULL ? complain(EXIT_FAILED, "Out of memory.") : EXIT_OK;
}

/* Else the earlier one would be signed in for ever, and nobody would find it. */
static exit_code check_earlier(const profile *earlier, const profile *next) {
    if (earlier->json == NULL || profile_is_same_sign_in(earlier, next)) return EXIT_OK;
    complain(EXIT_USAGE, "The sign-in \"%s\" is one of client %s with %s.", earlier->name,
             profile_text(earlier, "client_id"), profile_server(earlier));
    say("Choose another name with --name, or first: tacit logout %s", earlier->name);
    return EXIT_USAGE;
}

static exit_code prepare(const login_options *options, const profile *earlier, profile *next) {
    exit_code code = begin(options, earlier, next);

    if (code == EXIT_OK) code = login_fill_profile(options, next);
    if (code == EXIT_OK) code = login_choose_grant(options, next);
    if (code == EXIT_OK) code = check_earlier(earlier, next);
    return code;
}

/* ------------------------------------------------------------------ the sign-in */

/* In memory alone it would end with this process. */
static exit_code check_saved(connection *connection) {
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;
    tacit_error error;

    tacit_session_get_stats(connection->session, &stats);
    if (stats.last_error == TACIT_OK) return EXIT_OK;
    if (connection_store_failed(&error)) return complain_of(&error, connection->profile->name);
    return complain(EXIT_STORE, "The sign-in could not be saved (%s).",
                    tacit_status_name(stats.last_error));
}

static void tell(connection *connection) {
    say("Signed in; the sign-in is \"%s\", kept in: %s.", connection->profile->name,
        tacit_store_describe(connection->store));
}

static exit_code sign_in(connection *connection, const login_options *options) {
    tacit_session_state before = tacit_session_get_state(connection->session);
    exit_code code = login_sign_in(connection, options);

    if (code == EXIT_OK) code = check_saved(connection);
    if (code == EXIT_OK) code = profile_save(connection->profile);
    if (code == EXIT_OK) tell(connection);
    /* nobody would find it; nor a late grant's */
    if (code != EXIT_OK && before == TACIT_STATE_SIGNED_OUT)
        tacit_sign_out(connection->session, TACIT_TIMEOUT_DEFAULT, NULL);
    return code;
}

static exit_code login(const login_options *options) {
    connection connection;
    profile earlier, next = {.name = NULL};
    exit_code code = profile_look(&earlier, options->name);

    if (code == EXIT_OK) code = prepare(options, &earlier, &next);
    if (code == EXIT_OK) {
        code = connection_open(&connection, &next, NULL);
        if (code == EXIT_OK) code = connection_load(&connection);
        if (code == EXIT_OK) code = sign_in(&connection, options);
        code = connection_close(&connection, code);
    }
    profile_free(&next);
    profile_free(&earlier);
    return code;
}

int login_main(int argc, char **argv) {
    login_options options = {.timeout_s = 0};
    operands operands;
    exit_code code;

    if (options_read(&command, argc, argv, &options, &operands, &code)) {
        if (operands.count == 1) options.issuer = operands.items[0];
        code = login(&options);
    }
    text_list_free(&options.params);
    text_list_free(&options.token_params);
    text_list_free(&options.origins);
    return code;
}
