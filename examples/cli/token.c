/* tacit token: the access token, for other programs. */
#include "connection.h"

typedef struct token_options {
    const char *name;
    int min_valid_s;
    int timeout_s;
    bool header;
} token_options;

static const option_spec specs[] = {
    {"name", 0, OPTION_TEXT, offsetof(token_options, name), "NAME",
     "the sign-in, as with NAME; default \"" PROFILE_DEFAULT_NAME "\""},
    {"min-valid", 0, OPTION_SECONDS, offsetof(token_options, min_valid_s), "SECONDS",
     "it shall live so much longer, at most half of its\nlifetime; default 60"},
    {"header", 0, OPTION_FLAG, offsetof(token_options, header), NULL,
     "the value of the Authorization header instead"},
    {"timeout", 0, OPTION_SECONDS, offsetof(token_options, timeout_s), "SECONDS",
     "wait at most so long for a new one; default 60"},
    {.name = NULL},
};
static const command_spec command = {
    "token", "[NAME] [OPTION...]",
    "Prints an access token, and renews it before where that is needed. Mind who can read it.",
    specs, 1};

static exit_code print_token(connection *connection, const void *data) {
    const token_options *options = data;
    exit_code code = connection_load(connection);
    tacit_error error;
    tacit_token *token;

    if (code != EXIT_OK) return code;
    if (tacit_session_token(connection->session, options->min_valid_s, options->timeout_s * 1000,
                            &token, &error) != TACIT_OK)
        return complain_of(&error, connection->profile->name);
    puts(options->header ? tacit_token_authorization(token) : tacit_token_value(token));
    tacit_token_unref(token);
    return finish_output(EXIT_OK);
}

int token_main(int argc, char **argv) {
    token_options options = {.min_valid_s = 60, .timeout_s = 60};
    operands operands;
    exit_code code;

    if (!options_read(&command, argc, argv, &options, &operands, &code)) return code;
    if (operands.count == 1) options.name = operands.items[0];
    return connection_use(options.name, NULL, print_token, &options);
}
