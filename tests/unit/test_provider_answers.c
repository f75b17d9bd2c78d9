/*
 * The providers in examples/providers: each can be used, and what the servers of the large ones answer, in the shape that their
 * documents give (unit/answers, as `curl -i` prints it, with values that were made up), is read right.
 */
#include <tacit/client.h>
#include <tacit/provider.h>

#include "oauth/json.h"
#include "tests/support/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGN_IN TACIT_ANSWER_SIGN_IN
#define REFRESH TACIT_ANSWER_REFRESH

static const char token[] = "token", over[] = "signed out", trouble[] = "error";

/* NULL and 0: not in it. */
static const struct row {
    const char *provider, *answer;
    tacit_answer_kind kind;
    const char *verdict;
    const char *access_token, *refresh_token; /* how they begin */
    int expires_in, refresh_expires_in;
    const char *error;
    int retry_after;
} rows[] = {
    /* a user's token in an envelope, unless a bot's stands at the top; errors with status 200 */
    {"slack", "sign_in_bot", SIGN_IN, token, "xbot", "xbot", 43200, 0, NULL, 0},
    {"slack", "sign_in_user", SIGN_IN, token, "xuse", "xuse", 43200, 0, NULL, 0},
    {"slack", "refresh", REFRESH, token, "new-", "newr", 43200, 0, NULL, 0},
    {"slack", "refresh_token_invalid", REFRESH, over, NULL, NULL, 0, 0, "invalid_refresh_token", 0},
    {"slack", "account_inactive", REFRESH, over, NULL, NULL, 0, 0, "account_inactive", 0},
    {"slack", "client_secret_wrong", REFRESH, trouble, NULL, NULL, 0, 0, "bad_client_secret", 0},
    {"slack", "trouble", REFRESH, trouble, NULL, NULL, 0, 0, "internal_error", 0},
    {"slack", "rate_limit", REFRESH, trouble, NULL, NULL, 0, 0, "ratelimited", 30},
    /* a form, where the request was not taken for one that wants JSON; errors with status 200 */
    {"github_apps", "sign_in", SIGN_IN, token, "ghu-", "ghr-", 28800, 15897600, NULL, 0},
    {"github_apps", "refresh", REFRESH, token, "new-", "newr", 28800, 15897600, NULL, 0},
    {"github_apps", "refresh_token_invalid", REFRESH, over, NULL, NULL, 0, 0, "bad_refresh_token",
     0},
    {"github_apps", "refresh_token_invalid_form", REFRESH, over, NULL, NULL, 0, 0,
     "bad_refresh_token", 0},
    {"github_apps", "client_secret_wrong", REFRESH, trouble, NULL, NULL, 0, 0,
     "incorrect_client_credentials", 0},
    {"github_apps", "rate_limit", REFRESH, trouble, NULL, NULL, 0, 0, NULL, 60},
    /* no lifetime at all, and issued_at is none */
    {"salesforce", "sign_in", SIGN_IN, token, "00D-", "5Aep", 0, 0, NULL, 0},
    {"salesforce", "refresh", REFRESH, token, "new!", NULL, 0, 0, NULL, 0},
    {"salesforce", "refresh_token_invalid", REFRESH, over, NULL, NULL, 0, 0, "invalid_grant", 0},
    {"salesforce", "rate_limit", REFRESH, trouble, NULL, NULL, 0, 0, "rate_limit_exceeded", 0},
    /* numbers as strings, and a date beside the lifetime */
    {"entra_v1", "sign_in", SIGN_IN, token, "eyJ0", "0.AX", 3599, 0, NULL, 0},
    {"entra_v1", "refresh", REFRESH, token, "new.", "newr", 3599, 0, NULL, 0},
    {"entra_v1", "refresh_token_invalid", REFRESH, over, NULL, NULL, 0, 0, "invalid_grant", 0},
    {"entra_v1", "interaction_required", REFRESH, over, NULL, NULL, 0, 0, "interaction_required",
     0},
    {"entra_v1", "rate_limit", REFRESH, trouble, NULL, NULL, 0, 0, "temporarily_unavailable", 10},
    /* what only the user can do is the end of the sign-in, too */
    {"entra_v2", "sign_in", SIGN_IN, token, "eyJ0", "1.AX", 4711, 0, NULL, 0},
    {"entra_v2", "refresh", REFRESH, token, "new.", "newr", 5340, 0, NULL, 0},
    {"entra_v2", "refresh_spa", REFRESH, token, "new.", "newr", 3600, 86400, NULL, 0},
    {"entra_v2", "refresh_token_invalid", REFRESH, over, NULL, NULL, 0, 0, "invalid_grant", 0},
    {"entra_v2", "interaction_required", REFRESH, over, NULL, NULL, 0, 0, "interaction_required",
     0},
    {"entra_v2", "client_secret_wrong", REFRESH, trouble, NULL, NULL, 0, 0, "invalid_client", 0},
    {"entra_v2", "rate_limit", REFRESH, trouble, NULL, NULL, 0, 0, "temporarily_unavailable", 10},
    {"entra_v2", "trouble", REFRESH, trouble, NULL, NULL, 0, 0, "temporarily_unavailable", 0},
    /* refresh tokens that stay, and that may have an end */
    {"google", "sign_in", SIGN_IN, token, "ya29", "1//m", 3920, 604799, NULL, 0},
    {"google", "refresh", REFRESH, token, "new.", NULL, 3599, 0, NULL, 0},
    {"google", "refresh_token_invalid", REFRESH, over, NULL, NULL, 0, 0, "invalid_grant", 0},
    {"google", "sign_in_again_by_policy", REFRESH, over, NULL, NULL, 0, 0, "invalid_grant", 0},
    {"google", "rate_limit", REFRESH, trouble, NULL, NULL, 0, 0, "RESOURCE_EXHAUSTED", 0},
    /* a refresh token that ends a year after the sign-in, whatever happens */
    {"linkedin", "sign_in", SIGN_IN, token, "AQX-", "AQW-", 5184000, 31536000, NULL, 0},
    {"linkedin", "refresh", REFRESH, token, "new-", "AQW-", 5183999, 26438400, NULL, 0},
    {"linkedin", "refresh_token_invalid", REFRESH, over, NULL, NULL, 0, 0, "invalid_grant", 0},
    {"linkedin", "parameter_missing", REFRESH, trouble, NULL, NULL, 0, 0, "invalid_request", 0},
    {"linkedin", "rate_limit", REFRESH, trouble, NULL, NULL, 0, 0, NULL, 0},
    /* at the top since v2, in an envelope before */
    {"tiktok", "sign_in", SIGN_IN, token, "act.", "rft.", 86400, 31536000, NULL, 0},
    {"tiktok", "sign_in_v1", SIGN_IN, token, "act.", "rft.", 86400, 31536000, NULL, 0},
    {"tiktok", "refresh", REFRESH, token, "new.", "newr", 86400, 31535000, NULL, 0},
    {"tiktok", "refresh_token_invalid", REFRESH, over, NULL, NULL, 0, 0, "invalid_grant", 0},
    {"tiktok", "client_wrong", REFRESH, trouble, NULL, NULL, 0, 0, "invalid_client", 0},
    {"tiktok", "rate_limit", REFRESH, trouble, NULL, NULL, 0, 0, "rate_limit_exceeded", 0},
    /* 0 is a refresh token without an end */
    {"keycloak", "sign_in", SIGN_IN, token, "eyJh", "eyJh", 300, 1800, NULL, 0},
    {"keycloak", "refresh", REFRESH, token, "eyJh", "eyJh", 300, 1200, NULL, 0},
    {"keycloak", "refresh_offline", REFRESH, token, "eyJh", "eyJh", 300, 0, NULL, 0},
    {"keycloak", "refresh_token_expired", REFRESH, over, NULL, NULL, 0, 0, "invalid_grant", 0},
    {"keycloak", "session_over", REFRESH, over, NULL, NULL, 0, 0, "invalid_grant", 0},
    {"keycloak", "reused", REFRESH, over, NULL, NULL, 0, 0, "invalid_grant", 0},
    {"keycloak", "client_secret_wrong", REFRESH, trouble, NULL, NULL, 0, 0, "unauthorized_client",
     0},
    {"keycloak", "trouble", REFRESH, trouble, NULL, NULL, 0, 0, NULL, 0},
    /* a refusal with 403 */
    {"auth0", "sign_in", SIGN_IN, token, "eyJz", "GEbR", 86400, 0, NULL, 0},
    {"auth0", "refresh", REFRESH, token, "new.", "newr", 86400, 0, NULL, 0},
    {"auth0", "refresh_token_invalid", REFRESH, over, NULL, NULL, 0, 0, "invalid_grant", 0},
    {"auth0", "client_secret_wrong", REFRESH, trouble, NULL, NULL, 0, 0, "access_denied", 0},
    {"auth0", "rate_limit", REFRESH, trouble, NULL, NULL, 0, 0, "too_many_requests", 7},
    /* errors of the API's kind beside those of OAuth */
    {"okta", "sign_in", SIGN_IN, token, "eyJh", "a9VL", 3600, 0, NULL, 0},
    {"okta", "refresh", REFRESH, token, "new.", "newr", 3600, 0, NULL, 0},
    {"okta", "refresh_token_invalid", REFRESH, over, NULL, NULL, 0, 0, "invalid_grant", 0},
    {"okta", "client_secret_wrong", REFRESH, trouble, NULL, NULL, 0, 0, NULL, 0},
    {"okta", "rate_limit", REFRESH, trouble, NULL, NULL, 0, 0, NULL, 0},
};
static const size_t rows_count = sizeof rows / sizeof *rows;

/* --- files --- */

/* Yours. */
static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    size_t size;
    char *text;

    if (file == NULL) fail_msg("%s cannot be opened", path);
    text = calloc(1, 64 * 1024);
    assert_non_null(text);
    size = fread(text, 1, 64 * 1024 - 1, file);
    assert_in_range(size, 1, 64 * 1024 - 2);
    fclose(file);
    return text;
}

static bool ends_in(const char *name, const char *suffix) {
    size_t size = strlen(name), suffix_size = strlen(suffix);

    return size > suffix_size && strcmp(name + size - suffix_size, suffix) == 0;
}

static tacit_provider *load_provider(const char *file) {
    char path[512];
    tacit_error error;
    tacit_provider *provider;
    char *json;

    snprintf(path, sizeof path, "%s/%s", TS_PROVIDERS, file);
    json = read_file(path);
    provider = tacit_provider_from_json(json, &error);
    if (provider == NULL) fail_msg("%s: %s", file, error.message);
    free(json);
    return provider;
}

static void each_provider_can_be_used(void **state) {
    DIR *directory = opendir(TS_PROVIDERS);
    const struct dirent *entry;
    int count = 0;
    (void)state;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        if (!ends_in(entry->d_name, ".json")) continue;
        tacit_provider_unref(load_provider(entry->d_name));
        count++;
    }
    closedir(directory);

    assert_true(count >= 11);
}

/* --- answers --- */

static const char *text_of(const json_t *read, const char *name) {
    return json_string_value(json_object_get(read, name));
}

static bool begins(const char *text, const char *with) {
    if (text == NULL || with == NULL) return text == with;
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_same(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_number(const json_t *read, const char *name, int expected) {
    const json_t *value = json_object_get(read, name);

    return expected == 0 ? value == NULL : json_integer_value(value) == expected;
}

static bool is_as_expected(const json_t *read, const struct row *row) {
    return is_same(text_of(read, "verdict"), row->verdict) &&
           begins(text_of(read, "access_token"), row->access_token) &&
           begins(text_of(read, "refresh_token"), row->refresh_token) &&
           is_number(read, "expires_in", row->expires_in) &&
           is_number(read, "refresh_expires_in", row->refresh_expires_in) &&
           is_same(text_of(read, "error"), row->error) &&
           is_number(read, "retry_after", row->retry_after);
}

/* Yours. */
static char *read_answer(const struct row *row) {
    char path[512], file[64];
    tacit_provider *provider;
    tacit_error error;
    char *answer, *read;

    snprintf(file, sizeof file, "%s.json", row->provider);
    snprintf(path, sizeof path, "%s/%s/%s.http", TS_ANSWERS, row->provider, row->answer);
    provider = load_provider(file);
    answer = read_file(path);
    read = tacit_provider_read_answer(provider, row->kind, answer, strlen(answer), &error);
    if (read == NULL) fail_msg("%s: %s", path, error.message);
    free(answer);
    tacit_provider_unref(provider);
    return read;
}

static void answers_are_read_as_they_are_documented(void **state) {
    (void)state;
    for (size_t i = 0; i < rows_count; i++) {
        char *text = read_answer(&rows[i]);
        json_t *read = json_loads(text, 0, NULL);

        if (!is_as_expected(read, &rows[i]))
            fail_msg("%s, %s: %s", rows[i].provider, rows[i].answer, text);
        if (strstr(text, "made-up") != NULL) fail_msg("a token is in %s", text);

        json_decref(read);
        tacit_free(text);
    }
}

static bool has_row(const char *provider, const char *file) {
    for (size_t i = 0; i < rows_count; i++) {
        size_t size = strlen(rows[i].answer);

        if (strcmp(rows[i].provider, provider) == 0 && strncmp(file, rows[i].answer, size) == 0 &&
            strcmp(file + size, ".http") == 0)
            return true;
    }
    return false;
}

static void check_rows_of(const char *provider) {
    const struct dirent *entry;
    char path[512];
    DIR *directory;

    snprintf(path, sizeof path, "%s/%s", TS_ANSWERS, provider);
    directory = opendir(path);
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.' || has_row(provider, entry->d_name)) continue;
        fail_msg("%s/%s is in no row", provider, entry->d_name);
    }
    closedir(directory);
}

static void no_answer_is_forgotten(void **state) {
    DIR *directory = opendir(TS_ANSWERS);
    const struct dirent *entry;
    (void)state;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') check_rows_of(entry->d_name);
    }
    closedir(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_provider_can_be_used),
        cmocka_unit_test(answers_are_read_as_they_are_documented),
        cmocka_unit_test(no_answer_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
