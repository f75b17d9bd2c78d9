/* tacit logout: the tokens are revoked, and the sign-in forgotten. */
#include "connection.h"

typedef struct logout_options {
    const char *name;
    bool end_session, keep_profile;
} logout_options;

static const option_spec specs[] = {
    {"name", 0, OPTION_TEXT, offsetof(logout_options, name), "NAME",
     "the sign-in, as with NAME; default \"" PROFILE_DEFAULT_NAME "\""},
    {"end-session", 0, OPTION_FLAG, offsetof(logout_options, end_session), NULL,
     "print the URL that ends the session in the browser too\n(OpenID Connect), to be opened "
     "there"},
    {"keep-profile", 0, OPTION_FLAG, offsetof(logout_options, keep_profile), NULL,
     "keep what the sign-in was made with, so that\ntacit login --name NAME is enough next time"},
    {.name = NULL},
};
static const command_spec command = {
    "logout", "[NAME] [OPTION...]",
    "Revokes the tokens of a sign-in and forgets it. Ends with 4 where it is forgotten, but the\n"
    "server could not be told.",
    specs, 1};

/* The sign-out forgets what the URL is made of. NULL: the user was told why. */
static char *end_session_url(connection *connection) {
    tacit_error error;
    char *url = tacit_session_end_session_url(connection->session, NULL, &error);

    if (url == NULL) complain_of(&error, connection->profile->name);
    return url;
}

/* Whether its record is gone: where it is not, the profile is what finds it again. */
static bool is_forgotten(tacit_status status) {
    exit_code code = exit_code_of(status);

    return status != TACIT_ERR_TIMEOUT && status != TACIT_ERR_CLOSED &&
           (code == EXIT_OK || code == EXIT_NETWORK || code == EXIT_DENIED);
}

static exit_code sign_out(connection *connection, const void *data) {
    const logout_options *options = data;
    exit_code code = connection_load(connection), removed = EXIT_OK;
    tacit_error error;
    char *url;

    if (code != EXIT_OK) return code;
    url = options->end_session ? end_session_url(connection) : NULL;
    tacit_sign_out(connection->session, TACIT_TIMEOUT_DEFAULT, &error);
    code = exit_code_of(error.status);
    if (code != EXIT_OK) code = complain_of(&error, connection->profile->name);
    if (is_forgotten(error.status)) {
        if (!options->keep_profile) removed = profile_remove(connection->profile);
        if (code != EXIT_OK) say("The sign-in is forgotten here all the same.");
    }
    if (url != NULL) puts(url);
    if (code == EXIT_OK && options->end_session && url == NULL) code = EXIT_FAILED;
    tacit_free(url);
    return finish_output(code == EXIT_OK ? removed : code);
}

int logout_main(int argc, char **argv) {
    logout_options options = {.name = NULL};
    operands operands;
    exit_code code;

    if (!options_read(&command, argc, argv, &options, &operands, &code)) return code;
    if (operands.count == 1) options.name = operands.items[0];
    return connection_use(options.name, NULL, sign_out, &options);
}
