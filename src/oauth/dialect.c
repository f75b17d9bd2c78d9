#include "oauth/dialect.h"

#include "base/error.h"
#include "base/strings.h"
#include "oauth/ascii.h"
#include "oauth/dialect_request.h"
#include "oauth/json_pointer.h"

#include <stdlib.h>
#include <string.h>

enum { REFRESHES_PER_HOUR_MAX = 3600, RESPONSE_MEMBERS = 11 };

/* --- where an answer holds what --- */

static const char *const response_names[RESPONSE_MEMBERS + 1] = {"access_token",
                                                                 "refresh_token",
                                                                 "id_token",
                                                                 "token_type",
                                                                 "scope",
                                                                 "expires_in",
                                                                 "expires_at",
                                                                 "refresh_expires_in",
                                                                 "refresh_expires_at",
                                                                 "error",
                                                                 "error_description",
                                                                 NULL};

/* In the order of the names. */
static void list_response(const ti_dialect_response *r, char *list[RESPONSE_MEMBERS]) {
    char *const members[RESPONSE_MEMBERS] = {r->access_token,
                                             r->refresh_token,
                                             r->id_token,
                                             r->token_type,
                                             r->scope,
                                             r->expires_in,
                                             r->expires_at,
                                             r->refresh_expires_in,
                                             r->refresh_expires_at,
                                             r->error,
                                             r->error_description};
    memcpy(list, members, sizeof members);
}

static void set_response(ti_dialect_response *r, char *const list[RESPONSE_MEMBERS]) {
    char **const members[RESPONSE_MEMBERS] = {&r->access_token,
                                              &r->refresh_token,
                                              &r->id_token,
                                              &r->token_type,
                                              &r->scope,
                                              &r->expires_in,
                                              &r->expires_at,
                                              &r->refresh_expires_in,
                                              &r->refresh_expires_at,
                                              &r->error,
                                              &r->error_description};
    for (size_t i = 0; i < RESPONSE_MEMBERS; i++) *members[i] = list[i];
}

/* The whole answer, "", is none of its members. */
static bool is_pointer(const char *text) {
    return *text != '\0' && ti_json_pointer_is_valid(text);
}

static bool read_pointer(const ti_place *place, char **pointer) {
    return ti_place_copy(place, pointer) &&
           (!*pointer || is_pointer(*pointer) ||
            ti_place_fail(place, "is no JSON pointer, such as \"/data/token\""));
}

static bool read_response(const ti_place *place, ti_dialect_response *response) {
    char *list[RESPONSE_MEMBERS] = {NULL};
    bool good = true;
    if (!place->value) return true;
    if (!ti_place_is_object(place, response_names)) return false;
    for (size_t i = 0; good && i < RESPONSE_MEMBERS; i++) {
        const ti_place at = ti_place_member(place, response_names[i]);
        good = read_pointer(&at, &list[i]);
    }
    set_response(response, list);
    return good;
}

static void free_response(const ti_dialect_response *response) {
    char *list[RESPONSE_MEMBERS];
    list_response(response, list);
    for (size_t i = 0; i < RESPONSE_MEMBERS; i++) free(list[i]);
}

static bool equal_response(const ti_dialect_response *a, const ti_dialect_response *b) {
    char *a_list[RESPONSE_MEMBERS], *b_list[RESPONSE_MEMBERS];
    list_response(a, a_list);
    list_response(b, b_list);
    for (size_t i = 0; i < RESPONSE_MEMBERS; i++) {
        if (!ti_string_equal(a_list[i], b_list[i])) return false;
    }
    return true;
}

/* --- which answers end a sign-in --- */

/* R6: neither trouble on the way nor "later" ever does. */
static bool read_status(const ti_place *place, int *status) {
    static const char what[] = "is no status from 400 to 499 that can end a sign-in";
    if (!place->value) return ti_place_fail(place, what);
    if (!ti_place_number(place, 400, 499, what, status)) return false;
    bool passes = *status == 408 || *status == 425 || *status == 429;
    return !passes || ti_place_fail(place, what);
}

static bool read_statuses(const ti_place *place, int **statuses) {
    size_t count = json_array_size(place->value);
    if (!place->value) return true;
    if (!json_is_array(place->value)) return ti_place_fail(place, "is not an array");
    if (count == 0) return true;
    *statuses = calloc(count + 1, sizeof **statuses);
    if (!*statuses) return ti_place_no_memory(place);
    for (size_t i = 0; i < count; i++) {
        const ti_place at = ti_place_item(place, i);
        if (!read_status(&at, &(*statuses)[i])) return false;
    }
    return true;
}

static bool equal_statuses(const int *a, const int *b) {
    if (!a || !b) return a == b;
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static const char *no_fault(const char *text) {
    (void)text;
    return NULL;
}

static bool read_errors(const ti_place *place, const char *name, char ***list) {
    const ti_place at = ti_place_member(place, name);
    return ti_place_copy_list(&at, no_fault, list);
}

static bool read_ends(const ti_place *place, ti_dialect *dialect) {
    const ti_place statuses = ti_place_member(place, "signed_out_statuses");
    return read_statuses(&statuses, &dialect->signed_out_statuses) &&
           read_errors(place, "signed_out_errors", &dialect->signed_out_errors) &&
           read_errors(place, "reuse_errors", &dialect->reuse_errors);
}

/* --- headers and limits --- */

/* An answer may well have Authorization, which no request may bring along. */
static bool read_sliding_header(const ti_place *place, char **header) {
    if (!ti_place_copy(place, header)) return false;
    const char *fault = *header && !ti_ascii_equal_ignoring_case(*header, "Authorization")
                            ? ti_dialect_header_fault(*header)
                            : NULL;
    return !fault || ti_place_fail(place, fault);
}

static bool read_rest(const ti_place *place, ti_dialect *dialect) {
    const ti_place sliding = ti_place_member(place, "sliding_header"),
                   fingerprint = ti_place_member(place, "fingerprint"),
                   per_hour = ti_place_member(place, "refreshes_per_hour_max");
    return read_sliding_header(&sliding, &dialect->sliding_header) &&
           ti_place_copy_list(&fingerprint, ti_dialect_header_fault, &dialect->fingerprint) &&
           ti_place_number(&per_hour, 1, REFRESHES_PER_HOUR_MAX,
                           "is no whole number from 1 to 3600", &dialect->refreshes_per_hour_max);
}

/* --- the whole --- */

static bool read_requests(const ti_place *place, ti_dialect *dialect) {
    const ti_place sign_in = ti_place_member(place, "sign_in"),
                   refresh = ti_place_member(place, "refresh"),
                   sign_out = ti_place_member(place, "sign_out");
    return ti_dialect_request_parse(&sign_in, TI_ERRAND_SIGN_IN, &dialect->sign_in) &&
           ti_dialect_request_parse(&refresh, TI_ERRAND_REFRESH, &dialect->refresh) &&
           ti_dialect_request_parse(&sign_out, TI_ERRAND_SIGN_OUT, &dialect->sign_out);
}

static bool read_dialect(const ti_place *place, ti_dialect *dialect) {
    static const char *const names[] = {"sign_in",
                                        "refresh",
                                        "sign_out",
                                        "response",
                                        "signed_out_statuses",
                                        "signed_out_errors",
                                        "reuse_errors",
                                        "sliding_header",
                                        "fingerprint",
                                        "refreshes_per_hour_max",
                                        NULL};
    const ti_place response = ti_place_member(place, "response");
    return ti_place_is_object(place, names) && read_requests(place, dialect) &&
           read_response(&response, &dialect->response) && read_ends(place, dialect) &&
           read_rest(place, dialect);
}

ti_dialect *ti_dialect_parse(const json_t *dialect, tacit_error *error) {
    const ti_place place = {.value = (json_t *)dialect, .name = "dialect", .error = error};
    ti_dialect *made = calloc(1, sizeof *made);
    if (!made) {
        ti_error_no_memory(error);
        return NULL;
    }
    if (read_dialect(&place, made)) {
        ti_error_clear(error);
        return made;
    }
    ti_dialect_free(made);
    return NULL;
}

void ti_dialect_free(ti_dialect *dialect) {
    if (!dialect) return;
    ti_dialect_request_free(dialect->sign_in);
    ti_dialect_request_free(dialect->refresh);
    ti_dialect_request_free(dialect->sign_out);
    free_response(&dialect->response);
    free(dialect->signed_out_statuses);
    ti_strings_free(dialect->signed_out_errors);
    ti_strings_free(dialect->reuse_errors);
    free(dialect->sliding_header);
    ti_strings_free(dialect->fingerprint);
    free(dialect);
}

bool ti_dialect_equal(const ti_dialect *a, const ti_dialect *b) {
    if (!a || !b) return a == b;
    return ti_dialect_request_equal(a->sign_in, b->sign_in) &&
           ti_dialect_request_equal(a->refresh, b->refresh) &&
           ti_dialect_request_equal(a->sign_out, b->sign_out) &&
           equal_response(&a->response, &b->response) &&
           equal_statuses(a->signed_out_statuses, b->signed_out_statuses) &&
           ti_strings_equal(a->signed_out_errors, b->signed_out_errors) &&
           ti_strings_equal(a->reuse_errors, b->reuse_errors) &&
           ti_string_equal(a->sliding_header, b->sliding_header) &&
           ti_strings_equal(a->fingerprint, b->fingerprint) &&
           a->refreshes_per_hour_max == b->refreshes_per_hour_max;
}
