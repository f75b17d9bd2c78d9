#include "profile.h"

#include "profile_file.h"
#include "provider_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 64 };

/* ------------------------------------------------------------------ its name and place */

/* No path, no hidden file, nothing that a shell or a terminal takes for something else. */
static bool is_name(const char *name) {
    size_t length = strlen(name);

    if (length == 0 || length > NAME_MAX_BYTES || name[0] == '.' || name[0] == '-') return false;
    for (const char *c = name; *c != '\0'; c++)
        if (!isascii(*c) || (!isalnum(*c) && strchr("._-", *c) == NULL)) return false;
    return true;
}

exit_code profile_begin(profile *profile, const char *name) {
    *profile = (struct profile){.name = NULL};
    if (name == NULL) name = PROFILE_DEFAULT_NAME;
    if (!is_name(name))
        return complain(EXIT_USAGE,
                        "\"%s\" is no name: up to %d letters, digits, \".\", \"_\" and \"-\", not "
                        "beginning with \".\" or \"-\".",
                        name, NAME_MAX_BYTES);
    profile->path = profile_file_path(name);
    if (profile->path == NULL)
        return complain(EXIT_FAILED, "Nothing says where sign-ins are kept: set HOME.");
    profile->name = strdup(name);
    return profile->name == NULL ? complain(EXIT_FAILED, "Out of memory.") : EXIT_OK;
}

void profile_free(profile *profile) {
    json_decref(profile->json);
    free(profile->name);
    free(profile->path);
    *profile = (struct profile){.name = NULL};
}

/* ------------------------------------------------------------------ what is in it */

static bool is_text_list(const json_t *list) {
    size_t i;
    json_t *item;

    if (!json_is_array(list)) return false;
    json_array_foreach(list, i, item) if (!json_is_string(item)) return false;
    return true;
}

/* What is wrong with it; NULL: nothing. */
static const char *find_fault(const json_t *json) {
    static const char *const texts[] = {"issuer",       "client_id", "grant",
                                        "scope",        "resource",  "client_secret_file",
                                        "redirect_uri", "ca_file",   "store"};
    static const char *const lists[] = {"token_params", "origins"};
    const json_t *issuer = json_object_get(json, "issuer");
    const json_t *provider = json_object_get(json, "provider");

    if (!json_is_object(json)) return "is no JSON object";
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const json_t *text = json_object_get(json, texts[i]);

        if (text != NULL && !json_is_string(text)) return texts[i];
    }
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const json_t *list = json_object_get(json, lists[i]);

        if (list != NULL && !is_text_list(list)) return lists[i];
    }
    if (json_object_get(json, "client_id") == NULL) return "client_id";
    if ((issuer == NULL) == (provider == NULL)) return "issuer";
    return provider == NULL || json_is_object(provider) ? NULL : "provider";
}

const char *profile_text(const profile *profile, const char *member) {
    return json_string_value(json_object_get(profile->json, member));
}

const char **profile_list(const profile *profile, const char *member, bool *ok) {
    json_t *list = json_object_get(profile->json, member), *item;
    const char **items;
    size_t i;

    *ok = true;
    if (json_array_size(list) == 0) return NULL;
    items = calloc(json_array_size(list) + 1, sizeof *items);
    *ok = items != NULL;
    if (items == NULL) return NULL;
    json_array_foreach(list, i, item) items[i] = json_string_value(item);
    return items;
}

/* A dialect may do without a token endpoint. */
static const char *sign_in_url(const json_t *provider) {
    const json_t *sign_in = json_object_get(provider_dialect(provider), "sign_in");

    return json_string_value(json_object_get(sign_in, "url"));
}

const char *profile_server(const profile *profile) {
    const json_t *provider = json_object_get(profile->json, "provider");
    const char *issuer = profile_text(profile, "issuer");

    if (issuer == NULL) issuer = json_string_value(json_object_get(provider, "issuer"));
    if (issuer == NULL) issuer = json_string_value(json_object_get(provider, "token_endpoint"));
    if (issuer == NULL) issuer = sign_in_url(provider);
    return issuer == NULL ? "?" : issuer;
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool profile_is_same_sign_in(const profile *a, const profile *b) {
    return same_text(profile_server(a), profile_server(b)) &&
           same_text(profile_text(a, "client_id"), profile_text(b, "client_id")) &&
           same_text(profile_text(a, "store"), profile_text(b, "store"));
}

/* ------------------------------------------------------------------ its file */

exit_code profile_look(profile *profile, const char *name) {
    exit_code code = profile_begin(profile, name);
    json_error_t error;
    const char *fault;

    if (code != EXIT_OK) return code;
    profile->json = json_load_file(profile->path, JSON_REJECT_DUPLICATES, &error);
    if (profile->json == NULL && json_error_code(&error) == json_error_cannot_open_file) {
        if (access(profile->path, F_OK) != 0 && errno == ENOENT) return EXIT_OK;
        return complain(EXIT_FAILED, "%s: %s", profile->path, strerror(errno));
    }
    fault = profile->json == NULL ? error.text : find_fault(profile->json);
    if (fault == NULL) return EXIT_OK;
    complain(EXIT_FAILED, "%s is damaged (%s).", profile->path, fault);
    say("Remove it, and sign in again with: tacit login --name %s", profile->name);
    return EXIT_FAILED;
}

exit_code profile_load(profile *profile, const char *name) {
    exit_code code = profile_look(profile, name);

    if (code != EXIT_OK || profile->json != NULL) return code;
    complain(EXIT_SIGN_IN_REQUIRED, "There is no sign-in \"%s\".", profile->name);
    say("Make one with: tacit login ISSUER --client-id ID --name %s", profile->name);
    return EXIT_SIGN_IN_REQUIRED;
}

/* Under the directory's lock: nothing else may lie there. */
static exit_code check_place(const profile *profile) {
    struct profile found;
    exit_code code = profile_look(&found, profile->name);

    if (code == EXIT_OK && found.json != NULL && !profile_is_same_sign_in(&found, profile))
        code = complain(EXIT_FAILED, "Another login has meanwhile made the sign-in \"%s\".",
                        profile->name);
    profile_free(&found);
    return code;
}

static exit_code write_file(const profile *profile) {
    char *text = json_dumps(profile->json, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    exit_code code = EXIT_OK;

    if (text == NULL) return complain(EXIT_FAILED, "Out of memory.");
    if (!profile_file_replace(profile->path, text))
        code = complain(EXIT_FAILED, "Could not write %s: %s", profile->path, strerror(errno));
    free(text);
    return code;
}

exit_code profile_save(const profile *profile) {
    return profile_replace(profile, profile);
}

exit_code profile_replace(const profile *before, const profile *profile) {
    int lock = profile_file_lock(profile->path);
    exit_code code;

    if (lock < 0)
        return complain(EXIT_FAILED, "The directory of %s: %s", profile->path, strerror(errno));
    code = check_place(before);
    if (code == EXIT_OK) code = write_file(profile);
    close(lock);
    return code;
}

exit_code profile_remove(const profile *profile) {
    int lock = profile_file_lock(profile->path);
    exit_code code;

    if (lock < 0 && errno == ENOENT) return EXIT_OK;
    code = lock < 0 ? EXIT_FAILED : check_place(profile);
    if (code == EXIT_OK && unlink(profile->path) != 0 && errno != ENOENT)
        code = complain(EXIT_FAILED, "Could not remove %s: %s", profile->path, strerror(errno));
    if (lock >= 0) close(lock);
    return code;
}
