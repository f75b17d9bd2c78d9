/*
 * What a sign-in is called and what it was made with, in NAME.json in $XDG_CONFIG_HOME/tacit or
 * ~/.config/tacit; never a secret, those are in the store. A file is replaced as a whole, so that
 * shells beside each other find the old one or the new one.
 */
#ifndef CLI_PROFILE_H
#define CLI_PROFILE_H

#include <jansson.h>
#include <stdbool.h>

#include "cli.h"

#define PROFILE_DEFAULT_NAME "default"

/*
 * The members of json. Texts: "issuer" or the object "provider" (RFC 8414 metadata), "client_id",
 * "grant", "scope", "resource", "client_secret_file", "redirect_uri", "ca_file", "store" ("keyring",
 * "file:DIRECTORY,KEYFILE"); lists: "token_params", "origins". All but who is asked and client_id
 * may be missing.
 */
typedef struct profile {
    char *name;
    char *path;
    json_t *json;
} profile;

/* Each of these complains for itself, and answers EXIT_OK or what to end with. */

/* An empty one; name NULL: the default. */
exit_code profile_begin(profile *profile, const char *name);
/* EXIT_SIGN_IN_REQUIRED: there is none. */
exit_code profile_load(profile *profile, const char *name);
/* The same, where none is nothing to complain about: profile->json is NULL then. */
exit_code profile_look(profile *profile, const char *name);
/* EXIT_FAILED also where another login has meanwhile put a different sign-in there. */
exit_code profile_save(const profile *profile);
/* The same where the sign-in keeps its name and gets another store: `before` must still be there. */
exit_code profile_replace(const profile *before, const profile *profile);
exit_code profile_remove(const profile *profile);
void profile_free(profile *profile);

/* NULL where it is missing. */
const char *profile_text(const profile *profile, const char *member);
/* Borrowed texts, NULL-terminated; free() the list. NULL with *ok: there is none. */
const char **profile_list(const profile *profile, const char *member, bool *ok);
/* Whether both lie at the same place in the same store. */
bool profile_is_same_sign_in(const profile *a, const profile *b);
/* The issuer, else the token endpoint, else where the sign-in goes. */
const char *profile_server(const profile *profile);

#endif
