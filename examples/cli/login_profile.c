#include "login.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "browser.h"
#include "provider_file.h"

/* Yours. The file may not exist yet. NULL: no memory. */
static char *absolute_path(const char *path, size_t length) {
    char *here = *path == '/' ? strdup("") : getcwd(NULL, 0), *absolute = NULL;

    if (here != NULL &&
        asprintf(&absolute, "%s%s%.*s", here, *path == '/' ? "" : "/", (int)length, path) < 0)
        absolute = NULL;
    free(here);
    return absolute;
}

static bool put(profile *profile, const char *member, json_t *value) {
    return json_object_set_new(profile->json, member, value) == 0;
}

/* What is not given stays. */
static bool put_text(profile *profile, const char *member, const char *text) {
    return text == NULL || put(profile, member, json_string(text));
}

static bool put_path(profile *profile, const char *member, const char *path) {
    char *absolute;
    bool ok;

    if (path == NULL) return true;
    absolute = absolute_path(path, strlen(path));
    ok = absolute != NULL && put_text(profile, member, absolute);
    free(absolute);
    return ok;
}

static bool put_list(profile *profile, const char *member, const text_list *list) {
    json_t *array = list->count == 0 ? NULL : json_array();
    bool ok = true;

    if (list->count == 0) return true;
    for (size_t i = 0; i < list->count && ok; i++)
        ok = json_array_append_new(array, json_string(list->items[i])) == 0;
    return put(profile, member, array) && ok;
}

/* A file's paths are taken from here. */
static bool put_known_store(profile *profile, const char *choice) {
    const char *comma = strrchr(choice, ',');
    char *directory, *key_file, *text = NULL;
    bool ok;

    if (strcmp(choice, "default") == 0) {
        json_object_del(profile->json, "store");
        return true;
    }
    if (comma == NULL) return put_text(profile, "store", choice);
    directory = absolute_path(choice + 5, (size_t)(comma - choice - 5));
    key_file = absolute_path(comma + 1, strlen(comma + 1));
    ok = directory != NULL && key_file != NULL &&
         asprintf(&text, "file:%s,%s", directory, key_file) > 0 && put_text(profile, "store", text);
    free(text);
    free(key_file);
    free(directory);
    return ok;
}

static exit_code refuse_encoding(void) {
    return complain(EXIT_USAGE, "An option's value is no text in UTF-8.");
}

exit_code login_put_store(profile *profile, const char *choice) {
    if (choice == NULL) return EXIT_OK;
    if (!connection_knows_store(choice)) return complain(EXIT_USAGE, NO_SUCH_STORE);
    return put_known_store(profile, choice) ? EXIT_OK : refuse_encoding();
}

static exit_code put_provider(profile *profile, const char *path) {
    provider_file file;
    exit_code code = provider_file_read(&file, path);

    if (code == EXIT_OK && !put(profile, "provider", json_incref(file.json)))
        code = complain(EXIT_FAILED, "Out of memory.");
    provider_file_free(&file);
    return code == EXIT_FAILED ? EXIT_USAGE : code;
}

static exit_code put_server(profile *profile, const login_options *options) {
    if (options->issuer != NULL && !put_text(profile, "issuer", options->issuer))
        return complain(EXIT_USAGE, "The issuer is no text.");
    return options->provider_file == NULL ? EXIT_OK : put_provider(profile, options->provider_file);
}

/* A server with its own way of signing in may know no clients: then it is only a name in the store.
 * NULL: none was given. */
static const char *find_client_id(const login_options *options, const profile *profile) {
    const char *known = profile_text(profile, "client_id");

    if (options->client_id != NULL) return options->client_id;
    if (known != NULL) return known;
    return provider_has_sign_in(json_object_get(profile->json, "provider")) ? "tacit" : NULL;
}

exit_code login_fill_profile(const login_options *options, profile *profile) {
    exit_code code = put_server(profile, options);
    const char *client_id = code == EXIT_OK ? find_client_id(options, profile) : NULL;

    if (code != EXIT_OK) return code;
    if (client_id == NULL) return complain(EXIT_USAGE, "--client-id is missing.");
    if (put_text(profile, "client_id", client_id) &&
        put_path(profile, "client_secret_file", options->client_secret_file) &&
        put_text(profile, "scope", options->scope) &&
        put_text(profile, "resource", options->resource) &&
        put_text(profile, "redirect_uri", options->redirect_uri) &&
        put_path(profile, "ca_file", options->ca_file) &&
        put_list(profile, "token_params", &options->token_params) &&
        put_list(profile, "origins", &options->origins))
        return login_put_store(profile, options->store);
    return refuse_encoding();
}

/* ------------------------------------------------------------------ the grant */

static const char *named_grant(const login_options *options) {
    if (options->browser) return "browser";
    if (options->device) return "device";
    if (options->password) return "password";
    if (options->client_credentials || options->client_secret_file != NULL)
        return "client_credentials";
    return NULL;
}

exit_code login_choose_grant(const login_options *options, profile *profile) {
    const char *grant = named_grant(options);

    if (options->browser + options->device + options->password + options->client_credentials > 1)
        return complain(EXIT_USAGE, "One sign-in has one of --browser, --device, --password and "
                                    "--client-credentials.");
    if (grant == NULL && profile_text(profile, "grant") != NULL) return EXIT_OK;
    if (grant == NULL && provider_has_sign_in(json_object_get(profile->json, "provider")))
        grant = "password";
    if (grant == NULL && browser_is_likely()) grant = "browser";
    return put_text(profile, "grant", grant) ? EXIT_OK : complain(EXIT_FAILED, "Out of memory.");
}
