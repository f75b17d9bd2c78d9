#include "login.h"

#include <string.h>

#include "browser.h"
#include "interrupt.h"
#include "qr.h"
#include "terminal.h"

static bool show_url(const char *url, void *data) {
    const login_options *options = data;

    say("Sign in with your browser; if none opens, at this address:");
    say("    %s", url);
    if (!options->no_open) browser_open(url);
    return true; /* it is there to be read */
}

static void show_code(const char *user_code, const char *verification_uri,
                      const char *verification_uri_complete, int expires_in_s, void *data) {
    (void)data;
    qr_print(stderr,
             verification_uri_complete == NULL ? verification_uri : verification_uri_complete);
    say("On another device, open    %s", verification_uri);
    say("and enter the code         %s", user_code);
    if (expires_in_s >= 120)
        say("within %d minutes.", expires_in_s / 60);
    else if (expires_in_s > 0)
        say("within %d seconds.", expires_in_s);
}

static tacit_sign_in_options make_options(const connection *connection,
                                          const login_options *options) {
    tacit_sign_in_options sign_in = TACIT_SIGN_IN_OPTIONS_INIT;

    sign_in.timeout_ms = options->timeout_s * 1000;
    sign_in.params = options->params.items;
    sign_in.redirect_uri = profile_text(connection->profile, "redirect_uri");
    sign_in.open_url = show_url;
    sign_in.device_prompt = show_code;
    sign_in.user_data = (void *)options;
    return sign_in;
}

static exit_code with_password(connection *connection, const login_options *options,
                               const tacit_sign_in_options *sign_in, tacit_error *error) {
    char username[ANSWER_MAX] = "", password[ANSWER_MAX];
    exit_code code = EXIT_OK;

    if (options->username == NULL) code = terminal_ask("User name: ", username);
    if (code == EXIT_OK) code = terminal_ask_secret("Password: ", password);
    if (code != EXIT_OK) return code;
    tacit_sign_in_with_password(connection->session,
                                options->username == NULL ? username : options->username, password,
                                sign_in, error);
    explicit_bzero(password, sizeof password);
    return EXIT_OK;
}

/* Without a display: the device code, and where the server has none a browser elsewhere. */
static void with_what_there_is(connection *connection, const tacit_sign_in_options *sign_in,
                               tacit_error *error) {
    tacit_status status = tacit_sign_in_with_device_code(connection->session, sign_in, error);

    if (status == TACIT_ERR_UNSUPPORTED)
        tacit_sign_in_with_browser(connection->session, sign_in, error);
}

/* EXIT_OK: error has what came of it. */
static exit_code attempt(connection *connection, const login_options *options, tacit_error *error) {
    const char *grant = profile_text(connection->profile, "grant");
    tacit_sign_in_options sign_in = make_options(connection, options);

    if (grant == NULL)
        with_what_there_is(connection, &sign_in, error);
    else if (strcmp(grant, "password") == 0)
        return with_password(connection, options, &sign_in, error);
    else if (strcmp(grant, "device") == 0)
        tacit_sign_in_with_device_code(connection->session, &sign_in, error);
    else if (strcmp(grant, "browser") == 0)
        tacit_sign_in_with_browser(connection->session, &sign_in, error);
    else if (strcmp(grant, "client_credentials") == 0)
        tacit_sign_in_with_client_credentials(connection->session, &sign_in, error);
    else
        return complain(EXIT_FAILED, "%s has an unknown grant, \"%s\".", connection->profile->path,
                        grant);
    return EXIT_OK;
}

exit_code login_sign_in(connection *connection, const login_options *options) {
    tacit_error error = TACIT_ERROR_INIT;
    exit_code code;

    interrupt_ends_sign_in(connection->session);
    code = interrupted() ? complain(EXIT_INTERRUPTED, "interrupted")
                         : attempt(connection, options, &error);
    interrupt_ends_client(connection->client);
    if (code != EXIT_OK || error.status == TACIT_OK) return code;
    if (*error.oauth_error != '\0' && *error.oauth_error_description != '\0')
        say("The server: %s: %s", error.oauth_error, error.oauth_error_description);
    return complain_of(&error, connection->profile->name);
}
