#include "oauth/token_response.h"

#include "tests/support/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2026-01-01T00:00:00Z */
#define NOW_MS INT64_C(1767225600000)
#define TEN_YEARS_S INT64_C(315360000)
#define KIB64 (64 * 1024)

/* {"alg":"none"} . {"iat":1767225600,"exp":1767226500} . nothing */
#define JWT "eyJhbGciOiJub25lIn0.eyJpYXQiOjE3NjcyMjU2MDAsImV4cCI6MTc2NzIyNjUwMH0."

#define AT "\"access_token\":\"at\""

/* What a granted answer should read as. NULL and 0 in expected mean: absent, unknown. */
typedef struct granted {
    const char *row; /* which kind of server answers so */
    const char *body;
    const char *access, *refresh, *scope;
    int64_t lifetime_s, refresh_in_s;
} granted;

static const granted granted_rows[] = {
    {"RFC 6749 section 5.1",
     "{" AT ",\"token_type\":\"Bearer\",\"expires_in\":3600,\"refresh_token\":\"rt\",\"scope\":"
     "\"a b\"}",
     "at", "rt", "a b", 3600, 0},
    /* expires_in */
    {"expires_in: string", "{" AT ",\"expires_in\":\"3600\"}", "at", NULL, NULL, 3600, 0},
    {"expires_in: null", "{" AT ",\"expires_in\":null}", "at", NULL, NULL, 0, 0},
    {"expires_in: missing", "{" AT "}", "at", NULL, NULL, 0, 0},
    {"expires_in: null, AT is a JWT", "{\"access_token\":\"" JWT "\",\"expires_in\":null}", JWT,
     NULL, NULL, 900, 0},
    {"expires_in: missing, AT is a JWT", "{\"access_token\":\"" JWT "\"}", JWT, NULL, NULL, 900, 0},
    {"expires_in beats a JWT", "{\"access_token\":\"" JWT "\",\"expires_in\":60}", JWT, NULL, NULL,
     60, 0},
    {"expires_in: 0", "{" AT ",\"expires_in\":0}", "at", NULL, NULL, 0, 0},
    {"expires_in: negative", "{" AT ",\"expires_in\":-3600}", "at", NULL, NULL, 0, 0},
    {"expires_in: negative in a form", "access_token=at&expires_in=-3600", "at", NULL, NULL, 0, 0},
    {"expires_in: > INT32", "{" AT ",\"expires_in\":4294967296}", "at", NULL, NULL, TEN_YEARS_S, 0},
    {"expires_in: > INT64", "{" AT ",\"expires_in\":92233720368547758080}", "at", NULL, NULL,
     TEN_YEARS_S, 0},
    {"expires_in: 1e300", "{" AT ",\"expires_in\":1e300}", "at", NULL, NULL, TEN_YEARS_S, 0},
    {"expires_in: \"1e13\"", "{" AT ",\"expires_in\":\"1e13\"}", "at", NULL, NULL, TEN_YEARS_S, 0},
    {"expires_in: NaN text", "{" AT ",\"expires_in\":\"NaN\"}", "at", NULL, NULL, 0, 0},
    {"expires_in: float", "{" AT ",\"expires_in\":3599.7}", "at", NULL, NULL, 3599, 0},
    {"expires_in: whole float", "{" AT ",\"expires_in\":3599.0}", "at", NULL, NULL, 3599, 0},
    {"expires_in: \"3.6e3\"", "{" AT ",\"expires_in\":\"3.6e3\"}", "at", NULL, NULL, 3600, 0},
    {"expires: seconds", "{" AT ",\"expires\":5184000}", "at", NULL, NULL, 5184000, 0},
    {"expires: seconds in a form", "access_token=at&expires=5184000", "at", NULL, NULL, 5184000, 0},
    {"expires: epoch", "{" AT ",\"expires\":1767229200}", "at", NULL, NULL, 3600, 0},
    {"expires_on: epoch string", "{" AT ",\"expires_on\":\"1767229200\"}", "at", NULL, NULL, 3600,
     0},
    {"expires_at: epoch", "{" AT ",\"expires_at\":1767229200}", "at", NULL, NULL, 3600, 0},
    {"expires_at: epoch ms", "{" AT ",\"expires_at\":1767229200000}", "at", NULL, NULL, 3600, 0},
    {"expires_at: ISO 8601", "{" AT ",\"expires_at\":\"2026-01-01T01:00:00Z\"}", "at", NULL, NULL,
     3600, 0},
    {"expiresAt: ISO 8601", "{\"accessToken\":\"at\",\"expiresAt\":\"2026-01-01T01:00:00.000Z\"}",
     "at", NULL, NULL, 3600, 0},
    {"expires_at: over by the local clock", "{" AT ",\"expires_at\":1767222000}", "at", NULL, NULL,
     0, 0},
    {"expires_in 0, expires_on there", "{" AT ",\"expires_in\":0,\"expires_on\":1767229200}", "at",
     NULL, NULL, 3600, 0},
    {"expires_in beats expires_on", "{" AT ",\"expires_in\":60,\"expires_on\":1767229200}", "at",
     NULL, NULL, 60, 0},
    {"refresh_in: int", "{" AT ",\"expires_in\":3600,\"refresh_in\":1800}", "at", NULL, NULL, 3600,
     1800},
    {"refresh_in: string, ext_expires_in",
     "{" AT ",\"expires_in\":\"3600\",\"refresh_in\":\"1800\",\"ext_expires_in\":\"9999\"}", "at",
     NULL, NULL, 3600, 1800},
    {"refresh_in: nonsense", "{" AT ",\"refresh_in\":-1}", "at", NULL, NULL, 0, 0},
    {"refresh_expires_in: a hint nobody needs",
     "{" AT ",\"refresh_expires_in\":0,\"refresh_token_expires_in\":\"1\"}", "at", NULL, NULL, 0,
     0},
    /* token_type */
    {"token_type: any case", "{" AT ",\"token_type\":\"bEARER\"}", "at", NULL, NULL, 0, 0},
    {"token_type: null", "{" AT ",\"token_type\":null}", "at", NULL, NULL, 0, 0},
    {"token_type: bot", "{" AT ",\"token_type\":\"bot\"}", "at", NULL, NULL, 0, 0},
    {"token_type: user", "{" AT ",\"token_type\":\"user\"}", "at", NULL, NULL, 0, 0},
    {"token_type: User Access Token", "{" AT ",\"token_type\":\"User Access Token\"}", "at", NULL,
     NULL, 0, 0},
    {"token_type: Application Access Token", "{" AT ",\"token_type\":\"Application Access Token\"}",
     "at", NULL, NULL, 0, 0},
    /* the body */
    {"form-encoded", "access_token=a%2Bt&token_type=bearer&expires_in=3600&scope=x+y%2Cz", "a+t",
     NULL, "x y z", 3600, 0},
    {"form-encoded, refresh token first", "refresh_token=r%26t&access_token=at", "at", "r&t", NULL,
     0, 0},
    {"form-encoded, percent signs that encode nothing", "access_token=100%&x=%zz&refresh_token=%4",
     "100%", "%4", NULL, 0, 0},
    {"form-encoded, fields without a value", "x&access_token=at&refresh_token", "at", NULL, NULL, 0,
     0},
    {"form-encoded, empty access_token first", "&&access_token=at&access_token=at", "at", NULL,
     NULL, 0, 0},
    {"form-encoded with an empty error", "access_token=at&error=", "at", NULL, NULL, 0, 0},
    {"UTF-8 BOM", "\xEF\xBB\xBF{" AT "}", "at", NULL, NULL, 0, 0},
    {"UTF-8 BOM before a form",
     "\xEF\xBB\xBF"
     "access_token=at",
     "at", NULL, NULL, 0, 0},
    {"white space around", "\r\n {" AT "} \n", "at", NULL, NULL, 0, 0},
    {"invalid UTF-8 in another field", "{\"name\":\"Andr\xE9\"," AT ",\"refresh_token\":\"rt\"}",
     "at", "rt", NULL, 0, 0},
    {"a NUL in another field", "{\"name\":\"\\u0000\"," AT "}", "at", NULL, NULL, 0, 0},
    {"duplicate keys: last wins", "{" AT ",\"expires_in\":1,\"expires_in\":2}", "at", NULL, NULL, 2,
     0},
    {"duplicate access_token, the same", "{" AT "," AT "}", "at", NULL, NULL, 0, 0},
    /* refresh_token */
    {"refresh_token: null", "{" AT ",\"refresh_token\":null}", "at", NULL, NULL, 0, 0},
    {"refresh_token: empty", "{" AT ",\"refresh_token\":\"\"}", "at", NULL, NULL, 0, 0},
    {"refresh_token: empty in a form", "access_token=at&refresh_token=", "at", NULL, NULL, 0, 0},
    {"refresh_token with a space (RFC 6749 appendix A.17)", "{" AT ",\"refresh_token\":\"r t\"}",
     "at", "r t", NULL, 0, 0},
    /* names */
    {"camelCase",
     "{\"accessToken\":\"at\",\"refreshToken\":\"rt\",\"tokenType\":\"Bearer\",\"expiresIn\":60,"
     "\"refreshIn\":30}",
     "at", "rt", NULL, 60, 30},
    {"camelCase mixed", "{\"accessToken\":\"at\",\"token_type\":\"Bearer\",\"expires_in\":60}",
     "at", NULL, NULL, 60, 0},
    {"snake_case null, camelCase set", "{\"access_token\":null,\"accessToken\":\"at\"}", "at", NULL,
     NULL, 0, 0},
    /* envelopes */
    {"data{}",
     "{\"message\":\"success\",\"data\":{" AT ",\"expires_in\":60,\"refresh_token\":\"rt\","
     "\"scope\":\"a,b\"}}",
     "at", "rt", "a b", 60, 0},
    {"body{}", "{\"status\":0,\"body\":{" AT "}}", "at", NULL, NULL, 0, 0},
    {"result{}", "{\"result\":{\"accessToken\":\"at\"},\"data\":{\"x\":1}}", "at", NULL, NULL, 0,
     0},
    {"data{}, with the rest beside it",
     "{\"data\":{" AT "},\"refresh_token\":\"rt\",\"expires_in\":60}", "at", "rt", NULL, 60, 0},
    {"two tokens: the top level wins",
     "{\"ok\":true," AT ",\"authed_user\":{\"access_token\":\"user\",\"refresh_token\":\"ut\"}}",
     "at", NULL, NULL, 0, 0},
    /* scope */
    {"scope: array", "{" AT ",\"scope\":[\"a\",\"b\"]}", "at", NULL, "a b", 0, 0},
    {"scope: commas", "{" AT ",\"scope\":\"a,b, c\"}", "at", NULL, "a b c", 0, 0},
    {"scope: many blanks", "{" AT ",\"scope\":\"  a   b \"}", "at", NULL, "a b", 0, 0},
    {"scope: empty", "{" AT ",\"scope\":\"\"}", "at", NULL, NULL, 0, 0},
    {"scope: array with others in it", "{" AT ",\"scope\":[1,\"a\",null,[]]}", "at", NULL, "a", 0,
     0},
    {"scope: something else", "{" AT ",\"scope\":{\"a\":1}}", "at", NULL, NULL, 0, 0},
    /* errors that are none */
    {"error: null", "{" AT ",\"error\":null}", "at", NULL, NULL, 0, 0},
    {"error: empty", "{" AT ",\"error\":\"\",\"errors\":[]}", "at", NULL, NULL, 0, 0},
    {"error: false", "{" AT ",\"error\":false}", "at", NULL, NULL, 0, 0},
    {"ok: true", "{\"ok\":true," AT "}", "at", NULL, NULL, 0, 0},
};

static bool same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void reads_what_servers_grant(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof granted_rows / sizeof *granted_rows; i++) {
        const granted *row = &granted_rows[i];
        int64_t lifetime_s = row->lifetime_s > 0 ? row->lifetime_s : -1;
        int64_t refresh_in_s = row->refresh_in_s > 0 ? row->refresh_in_s : -1;
        ti_token_response response;
        tacit_error error = {.status = TACIT_ERR_NETWORK};

        ti_verdict verdict = ti_token_response_parse(200, row->body, strlen(row->body), NOW_MS, 0,
                                                     &response, &error);

        if (verdict != TI_VERDICT_TOKEN || error.status != TACIT_OK) {
            fail_msg("%s: %d %s", row->row, verdict, error.message);
        }
        if (!same_text(ti_secret_data(response.access_token), row->access) ||
            !same_text(ti_secret_data(response.refresh_token), row->refresh) ||
            !same_text(response.scope, row->scope)) {
            fail_msg("%s: other tokens or scope (%s)", row->row,
                     response.scope ? response.scope : "none");
        }
        if (response.lifetime_s != lifetime_s || response.refresh_in_s != refresh_in_s) {
            fail_msg("%s: %lld, %lld", row->row, (long long)response.lifetime_s,
                     (long long)response.refresh_in_s);
        }
        assert_string_equal(response.type, "Bearer");
        ti_token_response_free(&response);
        assert_null(response.access_token);
    }
}

/* Answers without a token. */
typedef struct denied {
    const char *row;
    int http_status;
    const char *body;
    ti_verdict verdict;
    tacit_status status;
    const char *oauth_error, *description;
    bool retryable;
} denied;

#define REFUSED(code, description) TI_VERDICT_REFUSED, TACIT_ERR_OAUTH, code, description, false
#define OAUTH(code, description) TI_VERDICT_ERROR, TACIT_ERR_OAUTH, code, description, false
#define PASSES(code, description) TI_VERDICT_ERROR, TACIT_ERR_OAUTH, code, description, true
#define SERVER(code, description) TI_VERDICT_ERROR, TACIT_ERR_SERVER, code, description, true
#define NO_ANSWER TI_VERDICT_ERROR, TACIT_ERR_PROTOCOL, "", "", true
#define LOST TI_VERDICT_UNKNOWN, TACIT_ERR_PROTOCOL, "", "", true

static const denied denied_rows[] = {
    {"RFC 6749 section 5.2", 400,
     "{\"error\":\"invalid_grant\",\"error_description\":\"Token is not active\"}",
     REFUSED("invalid_grant", "Token is not active")},
    {"error with HTTP 200", 200, "{\"error\":\"invalid_grant\"}", REFUSED("invalid_grant", "")},
    {"error with HTTP 200, empty token", 200, "{\"error\":\"invalid_grant\",\"access_token\":\"\"}",
     REFUSED("invalid_grant", "")},
    {"error with HTTP 401", 401, "{\"error\":\"invalid_grant\"}", REFUSED("invalid_grant", "")},
    {"error in a form with HTTP 200", 200,
     "error=bad_verification_code&error_description=The+code+is+over",
     OAUTH("bad_verification_code", "The code is over")},
    {"error in a form", 400, "error=invalid_grant", REFUSED("invalid_grant", "")},
    {"ok: false", 200, "{\"ok\":false,\"error\":\"invalid_code\"}", OAUTH("invalid_code", "")},
    {"ok: false, refresh token", 200, "{\"ok\":false,\"error\":\"invalid_refresh_token\"}",
     REFUSED("invalid_refresh_token", "")},
    {"error as object", 400,
     "{\"error\":{\"code\":\"invalid_grant\",\"message\":\"over\",\"type\":\"x\"}}",
     REFUSED("invalid_grant", "over")},
    {"error as object with a numeric code", 400,
     "{\"error\":{\"code\":190,\"message\":\"over\",\"type\":\"OAuthException\"}}",
     OAUTH("OAuthException", "over")},
    {"error as object without a code", 400, "{\"error\":{\"message\":\"over\"}}",
     OAUTH("", "over")},
    {"errors[] of objects", 400,
     "{\"errors\":[{\"errorType\":\"invalid_grant\",\"message\":\"over\"}],\"success\":false}",
     REFUSED("invalid_grant", "over")},
    {"errors[] of texts", 400, "{\"errors\":[\"invalid_client\"]}", OAUTH("invalid_client", "")},
    {"errors[] beside a null error", 400, "{\"error\":null,\"errors\":[\"invalid_grant\"]}",
     REFUSED("invalid_grant", "")},
    {"alias invalid_token", 400, "{\"error\":\"invalid_token\"}", REFUSED("invalid_token", "")},
    {"alias expired_token", 400, "{\"error\":\"expired_token\"}", REFUSED("expired_token", "")},
    {"alias app_session_terminated", 400, "{\"error\":\"app_session_terminated\"}",
     REFUSED("app_session_terminated", "")},
    {"alias bad_refresh_token with HTTP 200", 200, "{\"error\":\"bad_refresh_token\"}",
     REFUSED("bad_refresh_token", "")},
    {"alias token is not active", 400, "{\"error\":\"Token is not active\"}",
     REFUSED("Token is not active", "")},
    {"other codes are not about the grant", 400, "{\"error\":\"invalid_grant_type\"}",
     OAUTH("invalid_grant_type", "")},
    {"invalid_client", 401, "{\"error\":\"invalid_client\"}", OAUTH("invalid_client", "")},
    {"unauthorized_client", 400, "{\"error\":\"unauthorized_client\"}",
     OAUTH("unauthorized_client", "")},
    {"invalid_scope", 400, "{\"error\":\"invalid_scope\"}", OAUTH("invalid_scope", "")},
    {"temporarily_unavailable with 400", 400, "{\"error\":\"temporarily_unavailable\"}",
     PASSES("temporarily_unavailable", "")},
    {"slow_down", 400, "{\"error\":\"slow_down\"}", PASSES("slow_down", "")},
    {"control characters in a description", 400,
     "{\"error\":\"invalid_scope\",\"error_description\":\"a\\nb\"}",
     OAUTH("invalid_scope", "a b")},
    /* the server's own trouble */
    {"429", 429, "", SERVER("", "")},
    {"429 with a refusal", 429, "{\"error\":\"invalid_grant\"}", SERVER("invalid_grant", "")},
    {"500", 500, "<html>", SERVER("", "")},
    {"503 with a refusal", 503, "{\"error\":\"invalid_grant\",\"error_description\":\"x\"}",
     SERVER("invalid_grant", "x")},
    {"502 with a token", 502, "{" AT "}", SERVER("", "")},
    /* something else answered */
    {"400 empty", 400, "", NO_ANSWER},
    {"401 empty", 401, "", NO_ANSWER},
    {"403 HTML of a firewall", 403, "<!DOCTYPE html><p>error=invalid_grant", NO_ANSWER},
    {"400 other JSON", 400, "{\"message\":\"bad\"}", NO_ANSWER},
    {"400 broken JSON", 400, "{\"error\":\"invalid_grant\"", NO_ANSWER},
    {"404 text", 404, "not found", NO_ANSWER},
    {"400 with a token", 400, "{" AT "}", NO_ANSWER},
    {"200 HTML of a captive portal", 200, "\r\n<html>access_token=x", NO_ANSWER},
    {"redirect", 302, "", NO_ANSWER},
    {"redirect with a refusal", 307, "{\"error\":\"invalid_grant\"}", NO_ANSWER},
    /* granted, perhaps */
    {"204", 204, "", LOST},
    {"200 empty", 200, "", LOST},
    {"200 blank", 200, "\xEF\xBB\xBF \n", LOST},
    {"200 broken JSON", 200, "{" AT ",", LOST},
    {"200 text", 200, "granted", LOST},
    {"200 array", 200, "[{" AT "}]", LOST},
    {"access_token: missing", 200, "{\"refresh_token\":\"rt\"}", LOST},
    {"access_token: empty", 200, "{\"access_token\":\"\"}", LOST},
    {"access_token: number", 200, "{\"access_token\":7}", LOST},
    {"access_token: object", 200, "{\"access_token\":{\"access_token\":\"at\"},\"x\":1}", LOST},
    {"access_token: CR LF", 200, "{\"access_token\":\"a\\r\\nX: y\"}", LOST},
    {"access_token: space", 200, "{\"access_token\":\"a t\"}", LOST},
    {"access_token: NUL", 200, "{\"access_token\":\"a\\u0000t\"}", LOST},
    {"access_token: not ASCII", 200, "{\"access_token\":\"\xC3\xA4\"}", LOST},
    {"access_token: not UTF-8", 200, "{\"access_token\":\"a\xE9\"}", LOST},
    {"access_token: CR LF in a form", 200, "access_token=a%0D%0AX%3A+y", LOST},
    {"access_token: not ASCII in a form", 200, "access_token=%C3%A4", LOST},
    {"refresh_token: bool", 200, "{" AT ",\"refresh_token\":true}", LOST},
    {"refresh_token: number", 200, "{" AT ",\"refresh_token\":7}", LOST},
    {"refresh_token: object", 200, "{" AT ",\"refresh_token\":{}}", LOST},
    {"refresh_token: not UTF-8", 200, "{" AT ",\"refresh_token\":\"r\xE9\"}", LOST},
    {"refresh_token: not ASCII in a form", 200, "access_token=at&refresh_token=%C3%A4", LOST},
    {"refresh_token: control character", 200, "{" AT ",\"refresh_token\":\"r\\n\"}", LOST},
    {"token_type: DPoP", 200, "{" AT ",\"token_type\":\"DPoP\"}", LOST},
    {"token_type: mac", 200, "{" AT ",\"token_type\":\"mac\"}", LOST},
    {"token_type: N_A", 200, "{" AT ",\"token_type\":\"N_A\"}", LOST},
    {"token_type: number", 200, "{" AT ",\"token_type\":1}", LOST},
    {"duplicate access_token, two values", 200, "{" AT ",\"access_token\":\"other\"}", LOST},
    {"duplicate access_token in a form", 200, "access_token=at&access_token=other", LOST},
    {"duplicate access_token in an envelope", 200, "{\"data\":{" AT ",\"access_token\":\"other\"}}",
     LOST},
    {"two envelopes", 200, "{\"data\":{" AT "},\"body\":{\"access_token\":\"b\"}}", LOST},
    {"an envelope in an envelope", 200, "{\"data\":{\"data\":{" AT "}}}", LOST},
    {"id_token only", 200, "{\"id_token\":\"x.y.z\"}", LOST},
    {"a token and an error", 200, "{" AT ",\"error\":\"invalid_grant\"}", LOST},
    {"a key named token", 200, "{\"token\":\"at\"}", LOST},
    {"numeric code with 200", 200, "{\"errcode\":40029,\"errmsg\":\"x\"}", LOST},
};

static void judges_what_servers_answer_instead(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof denied_rows / sizeof *denied_rows; i++) {
        const denied *row = &denied_rows[i];
        ti_token_response response;
        tacit_error error = {.status = TACIT_OK};

        ti_verdict verdict = ti_token_response_parse(row->http_status, row->body, strlen(row->body),
                                                     NOW_MS, 17, &response, &error);

        if (verdict != row->verdict || error.status != row->status) {
            fail_msg("%s: %d %s", row->row, verdict, error.message);
        }
        if (strcmp(error.oauth_error, row->oauth_error) != 0 ||
            strcmp(error.oauth_error_description, row->description) != 0) {
            fail_msg("%s: %s, %s", row->row, error.oauth_error, error.oauth_error_description);
        }
        if (error.retryable != row->retryable ||
            error.outcome_unknown != (row->verdict == TI_VERDICT_UNKNOWN)) {
            fail_msg("%s: retryable %d, unknown %d", row->row, error.retryable,
                     error.outcome_unknown);
        }
        assert_int_equal(error.http_status, row->http_status);
        assert_int_equal(error.retry_after_s, 17);
        assert_true(error.message[0] != '\0');
        assert_null(response.access_token);
        assert_null(response.refresh_token);
        assert_null(response.scope);
    }
}

static void any_2xx_with_a_token_is_granted(void **state) {
    (void)state;
    static const int codes[] = {200, 201, 203, 299};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        ti_token_response response;
        assert_int_equal(ti_token_response_parse(codes[i], "{" AT "}", strlen("{" AT "}"), NOW_MS,
                                                 0, &response, NULL),
                         TI_VERDICT_TOKEN);
        ti_token_response_free(&response);
    }
    ti_token_response_free(NULL);
}

/* An answer of `size` bytes a between head and tail. */
static ti_verdict parse_long(const char *head, size_t size, const char *tail, tacit_error *error) {
    size_t head_size = strlen(head), tail_size = strlen(tail);
    char *body = malloc(head_size + size + tail_size);
    ti_token_response response;
    assert_non_null(body);
    memcpy(body, head, head_size);
    memset(body + head_size, 'a', size);
    memcpy(body + head_size + size, tail, tail_size);

    ti_verdict verdict = ti_token_response_parse(200, body, head_size + size + tail_size, NOW_MS, 0,
                                                 &response, error);

    assert_int_equal(response.access_token != NULL, verdict == TI_VERDICT_TOKEN);
    ti_token_response_free(&response);
    free(body);
    return verdict;
}

static void tokens_up_to_64_kib_are_taken_whole(void **state) {
    (void)state;
    tacit_error error;

    assert_int_equal(parse_long("{\"access_token\":\"", KIB64, "\"}", &error), TI_VERDICT_TOKEN);
    assert_int_equal(parse_long("{\"access_token\":\"", KIB64 + 1, "\"}", &error),
                     TI_VERDICT_UNKNOWN);
    assert_int_equal(parse_long("{" AT ",\"refresh_token\":\"", KIB64, "\"}", &error),
                     TI_VERDICT_TOKEN);
    assert_int_equal(parse_long("{" AT ",\"refresh_token\":\"", KIB64 + 1, "\"}", &error),
                     TI_VERDICT_UNKNOWN);
    assert_int_equal(error.status, TACIT_ERR_PROTOCOL);
}

static void bodies_over_1_mib_are_not_parsed(void **state) {
    (void)state;
    static const char head[] = "{" AT ",\"x\":\"", tail[] = "\"}";
    const size_t limit = ((size_t)1 << 20) - (sizeof head - 1) - (sizeof tail - 1);
    tacit_error error;

    assert_int_equal(parse_long(head, limit, tail, &error), TI_VERDICT_TOKEN);
    assert_int_equal(parse_long(head, limit + 1, tail, &error), TI_VERDICT_UNKNOWN);
    assert_true(error.outcome_unknown);
}

static void nesting_over_32_levels_is_not_parsed(void **state) {
    (void)state;
    char body[128] = "{" AT ",\"x\":";
    ti_token_response response;
    size_t head = strlen(body);
    for (size_t depth = 31; depth <= 32; depth++) {
        memset(body + head, '[', depth);
        memset(body + head + depth, ']', depth);
        strcpy(body + head + 2 * depth, "}");

        ti_verdict verdict =
            ti_token_response_parse(200, body, strlen(body), NOW_MS, 0, &response, NULL);

        assert_int_equal(verdict, depth < 32 ? TI_VERDICT_TOKEN : TI_VERDICT_UNKNOWN);
        ti_token_response_free(&response);
    }
}

static void a_form_has_at_most_256_fields(void **state) {
    (void)state;
    char body[1024] = "access_token=at";
    ti_token_response response;
    for (int i = 0; i < 255; i++) strcat(body, "&a");

    assert_int_equal(ti_token_response_parse(200, body, strlen(body), NOW_MS, 0, &response, NULL),
                     TI_VERDICT_TOKEN);
    ti_token_response_free(&response);
    strcat(body, "&a");
    assert_int_equal(ti_token_response_parse(200, body, strlen(body), NOW_MS, 0, &response, NULL),
                     TI_VERDICT_UNKNOWN);
}

static void messages_never_quote_a_body(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "{\"access_token\":\"hunter2\"",
        "{\"access_token\":\"hunter2 \"}",
        "hunter2",
        "{\"refresh_token\":\"hunter2\"}",
        "access_token=hunter2%0A",
        "<p>hunter2",
        "{\"access_token\":\"hunter2\",\"token_type\":\"hunter2\"}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        for (int http_status = 200; http_status <= 500; http_status += 100) {
            ti_token_response response;
            tacit_error error;
            ti_token_response_parse(http_status, bodies[i], strlen(bodies[i]), NOW_MS, 0, &response,
                                    &error);
            assert_null(strstr(error.message, "hunter2"));
            assert_string_equal(error.oauth_error, "");
            assert_string_equal(error.oauth_error_description, "");
        }
    }
}

static void a_long_error_is_cut(void **state) {
    (void)state;
    char body[1024] = "{\"error\":\"";
    ti_token_response response;
    tacit_error error;
    memset(body + strlen(body), 'x', 500);
    strcat(body, "\"}");

    ti_token_response_parse(400, body, strlen(body), NOW_MS, 0, &response, &error);

    assert_int_equal(strlen(error.oauth_error), sizeof error.oauth_error - 1);
}

static size_t allocations_left;

static void *failing_malloc(size_t size) {
    if (allocations_left == 0) return NULL;
    allocations_left--;
    return malloc(size);
}

/* Jansson's allocations only; tests/torture fails the others. */
static void without_memory_the_answer_is_lost_but_nothing_else(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "{" AT ",\"refresh_token\":\"rt\",\"id_token\":\"id\",\"expires_in\":60}",
        "access_token=at&refresh_token=rt&id_token=id&expires_in=60",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        ti_verdict verdict = TI_VERDICT_UNKNOWN;
        for (size_t granted = 0; verdict != TI_VERDICT_TOKEN; granted++) {
            ti_token_response response;
            tacit_error error;
            allocations_left = granted;
            json_set_alloc_funcs(failing_malloc, free);
            verdict = ti_token_response_parse(200, bodies[i], strlen(bodies[i]), NOW_MS, 0,
                                              &response, &error);
            json_set_alloc_funcs(malloc, free);

            assert_true(verdict == TI_VERDICT_TOKEN || verdict == TI_VERDICT_UNKNOWN);
            assert_int_equal(error.outcome_unknown, verdict == TI_VERDICT_UNKNOWN);
            assert_int_equal(response.refresh_token != NULL, verdict == TI_VERDICT_TOKEN);
            assert_int_equal(response.id_token != NULL, verdict == TI_VERDICT_TOKEN);
            assert_true(granted < 100);
            ti_token_response_free(&response);
        }
    }
}

#define TOKEN_TEXT "hunter2-hunter2"

/* Blocks with their size before them, so that a free can look at what it gets. */
static size_t blocks_with_token;

static void *sized_malloc(size_t size) {
    max_align_t *block = malloc(sizeof *block + size);
    if (!block) return NULL;
    memset(block, 0, sizeof *block + size);
    memcpy(block, &size, sizeof size);
    return block + 1;
}

static void looking_free(void *memory) {
    if (!memory) return;
    max_align_t *block = (max_align_t *)memory - 1;
    size_t size;
    memcpy(&size, block, sizeof size);
    if (memmem(memory, size, TOKEN_TEXT, strlen(TOKEN_TEXT))) blocks_with_token++;
    free(block);
}

/* An id_token is checked by others, and what is odd about it must not cost the tokens. */
static void id_token_is_handed_on_as_it_came(void **state) {
    (void)state;
    static const struct {
        const char *body, *expected;
    } rows[] = {
        {"{" AT ",\"id_token\":\"a.b.c\"}", "a.b.c"},
        {"{" AT ",\"idToken\":\"a.b.c\"}", "a.b.c"},
        {"access_token=at&id_token=a.b.c", "a.b.c"},
        {"{\"data\":{" AT "},\"id_token\":\"a.b.c\"}", "a.b.c"},
        {"{" AT ",\"id_token\":\"\\r\\n no JWT \"}", "\r\n no JWT "},
        {"{" AT ",\"id_token\":\"\"}", NULL},
        {"{" AT ",\"id_token\":null}", NULL},
        {"{" AT ",\"id_token\":7}", NULL},
        {"{" AT ",\"id_token\":{\"a\":\"b\"}}", NULL},
        {"{" AT "}", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_token_response response;

        ti_verdict verdict = ti_token_response_parse(200, rows[i].body, strlen(rows[i].body),
                                                     NOW_MS, 0, &response, NULL);

        assert_int_equal(verdict, TI_VERDICT_TOKEN);
        if (!same_text(ti_secret_data(response.id_token), rows[i].expected)) {
            fail_msg("%s", rows[i].body);
        }
        ti_token_response_free(&response);
        assert_null(response.id_token);
    }
}

/* The long members make jansson's one working buffer as large as it gets, and overwrite the token
 * in it: what is left is the values. */
static void tokens_are_wiped_from_the_parsed_answer(void **state) {
    (void)state;
    char pad[201], body[1024];
    ti_token_response response;
    memset(pad, 'x', sizeof pad - 1);
    pad[sizeof pad - 1] = '\0';
    snprintf(body, sizeof body, "{\"a\":\"%s\",\"access_token\":\"" TOKEN_TEXT "\",\"b\":\"%s\"}",
             pad, pad);

    blocks_with_token = 0;
    json_set_alloc_funcs(sized_malloc, looking_free);
    ti_verdict verdict =
        ti_token_response_parse(200, body, strlen(body), NOW_MS, 0, &response, NULL);
    json_set_alloc_funcs(malloc, free);

    assert_int_equal(verdict, TI_VERDICT_TOKEN);
    assert_int_equal(blocks_with_token, 0);
    ti_token_response_free(&response);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_servers_grant),
        cmocka_unit_test(judges_what_servers_answer_instead),
        cmocka_unit_test(any_2xx_with_a_token_is_granted),
        cmocka_unit_test(tokens_up_to_64_kib_are_taken_whole),
        cmocka_unit_test(bodies_over_1_mib_are_not_parsed),
        cmocka_unit_test(nesting_over_32_levels_is_not_parsed),
        cmocka_unit_test(a_form_has_at_most_256_fields),
        cmocka_unit_test(messages_never_quote_a_body),
        cmocka_unit_test(a_long_error_is_cut),
        cmocka_unit_test(id_token_is_handed_on_as_it_came),
        cmocka_unit_test(tokens_are_wiped_from_the_parsed_answer),
        cmocka_unit_test(without_memory_the_answer_is_lost_but_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
