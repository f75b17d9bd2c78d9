/* The parts of tacit login: what was asked for, the profile that it makes, and the grants. */
#ifndef CLI_LOGIN_H
#define CLI_LOGIN_H

#include "connection.h"

typedef struct login_options {
    const char *issuer, *provider_file, *client_id, *name;
    const char *client_secret_file, *scope, *resource, *redirect_uri, *username, *store, *ca_file;
    text_list params, token_params, origins;
    int timeout_s;
    bool browser, device, password, client_credentials, no_open;
} login_options;

/* Puts into profile what the options say; each complains for itself. */
exit_code login_fill_profile(const login_options *options, profile *profile);
/* Where the sign-in is kept, as --store says it; NULL: it stays. Complains for itself. */
exit_code login_put_store(profile *profile, const char *choice);
/* Which grant, by option or else by what the profile, the machine and the options suggest; written
 * into the profile where it is certain. */
exit_code login_choose_grant(const login_options *options, profile *profile);

/* Signs in with the profile's grant, or where it has none with what the server has. EXIT_OK: it is
 * in force. */
exit_code login_sign_in(connection *connection, const login_options *options);

#endif
