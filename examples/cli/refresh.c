/* tacit refresh: a new access token, whatever the age of the current one. */
#include "connection.h"

#include <inttypes.h>

typedef struct refresh_options {
    const char *name;
    int timeout_s;
} refresh_options;

static const option_spec specs[] = {
    {"name", 0, OPTION_TEXT, offsetof(refresh_options, name), "NAME",
     "the sign-in, as with NAME; default \"" PROFILE_DEFAULT_NAME "\""},
    {"timeout", 0, OPTION_SECONDS, offsetof(refresh_options, timeout_s), "SECONDS",
     "wait at most so long; default 60"},
    {.name = NULL},
};
static const command_spec command = {
    "refresh", "[NAME] [OPTION...]",
    "Renews the access token now. Not needed before token and request, which renew by\n"
    "themselves.",
    specs, 1};

static exit_code refresh(connection *connection, const void *data) {
    const refresh_options *options = data;
    tacit_session_stats stats = TACIT_SESSION_STATS_INIT;
    exit_code code = connection_load(connection);
    tacit_error error;

    if (code != EXIT_OK) return code;
    if (tacit_session_refresh(connection->session, options->timeout_s * 1000, &error) != TACIT_OK)
        return complain_of(&error, connection->profile->name);
    tacit_session_get_stats(connection->session, &stats);
    if (stats.expires_in_s < 0)
        say("Renewed: generation %" PRIu64 ".", stats.generation);
    else
        say("Renewed: generation %" PRIu64 ", expires in %" PRId64 " s.", stats.generation,
            stats.expires_in_s);
    return EXIT_OK;
}

int refresh_main(int argc, char **argv) {
    refresh_options options = {.timeout_s = 60};
    operands operands;
    exit_code code;

    if (!options_read(&command, argc, argv, &options, &operands, &code)) return code;
    if (operands.count == 1) options.name = operands.items[0];
    return connection_use(options.name, NULL, refresh, &options);
}
