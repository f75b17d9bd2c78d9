/* How answers read where a dialect says so. What it says nothing of is test_token_response.c's. */
#include "oauth/token_response.h"

#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

/* 2026-01-01T00:00:00Z */
#define NOW_MS INT64_C(1767225600000)

/* {"alg":"none"} . {"iat":1767225600,"exp":1767226500} . nothing */
#define JWT "eyJhbGciOiJub25lIn0.eyJpYXQiOjE3NjcyMjU2MDAsImV4cCI6MTc2NzIyNjUwMH0."
#define LOGIN "\"sign_in\":{\"url\":\"https://a.example/\",\"fields\":{\"u\":\"{username}\"}}"
#define COOKIE "\"refresh\":{\"send\":\"cookie\",\"field\":\"rt\"}"

typedef struct reply {
    const char *dialect; /* its members */
    ti_token_asked asked;
    int http_status;
    const char *head; /* "Name: value\n" each; NULL: none */
    const char *body;
    const char *sent; /* refresh token; NULL: none */
} reply;

static ti_dialect *parse_dialect(const char *members) {
    char text[1024];
    tacit_error error;
    snprintf(text, sizeof text, "{%s}", members);
    json_t *json = json_loads(text, 0, NULL);
    ti_dialect *dialect = ti_dialect_parse(json, &error);
    if (!dialect) fail_msg("%s: %s", text, error.message);
    json_decref(json);
    return dialect;
}

static void append_head(ti_http_answer *answer, const char *head) {
    for (; head && *head; head += strcspn(head, "\n") + 1) {
        assert_true(ti_buffer_append(&answer->head, head, strcspn(head, "\n")));
        assert_true(ti_buffer_append(&answer->head, "", 1));
    }
}

static ti_verdict read_reply(const reply *r, ti_token_response *response, tacit_error *error) {
    ti_dialect *dialect = parse_dialect(r->dialect);
    ti_secret *sent = r->sent ? ti_secret_from_string(r->sent) : NULL;
    ti_http_answer answer = {.status = r->http_status};
    const ti_token_reading reading = {
        .dialect = dialect, .asked = r->asked, .sent = sent, .wall_ms = NOW_MS};
    append_head(&answer, r->head);
    assert_true(ti_buffer_append_string(&answer.body, r->body));

    ti_verdict verdict = ti_token_response_read(&answer, &reading, response, error);

    ti_http_answer_free(&answer);
    ti_secret_unref(sent);
    ti_dialect_free(dialect);
    return verdict;
}

/* --- tokens --- */

typedef struct granted {
    reply reply;
    const char *access, *refresh; /* NULL: none */
    int64_t lifetime_s, refresh_lifetime_s;
    const char *why;
} granted;

static const granted granted_rows[] = {
    /* pointers */
    {{"\"response\":{\"access_token\":\"/data/accessJwt\",\"refresh_token\":\"/data/t/1\","
      "\"expires_in\":\"/data/ttl\"}",
      TI_ASKED_REFRESH, 200, NULL,
      "{\"data\":{\"accessJwt\":\"at\",\"ttl\":\"60\",\"t\":[1,\"rt\"]}}", NULL},
     "at",
     "rt",
     60,
     -1,
     "members where the dialect points"},
    {{"\"response\":{\"access_token\":\"/data/jwt\"}", TI_ASKED_REFRESH, 200, NULL,
      "{\"data\":{\"jwt\":\"at\",\"refreshToken\":\"rt\",\"expiresIn\":60}}", NULL},
     "at",
     "rt",
     60,
     -1,
     "its neighbours under their usual names"},
    {{"\"response\":{\"access_token\":\"/data/jwt\"}", TI_ASKED_REFRESH, 200, NULL,
      "{\"data\":{\"jwt\":\"at\"},\"refresh_token\":\"rt\"}", NULL},
     "at",
     "rt",
     -1,
     -1,
     "what the envelope lacks stands beside it"},
    {{"\"response\":{\"access_token\":\"/user/access_token\"}", TI_ASKED_REFRESH, 200, NULL,
      "{\"access_token\":\"bot\",\"refresh_token\":\"bots\",\"expires_in\":5,"
      "\"user\":{\"access_token\":\"at\"}}",
      NULL},
     "at",
     NULL,
     -1,
     -1,
     "but not what belongs to another token"},
    {{"\"response\":{\"access_token\":\"/user/access_token\"}", TI_ASKED_REFRESH, 200, NULL,
      "{\"ok\":true,\"error\":null,\"user\":{\"access_token\":\"at\",\"token_type\":\"user\"}}",
      NULL},
     "at",
     NULL,
     -1,
     -1,
     "an error that is none"},
    {{"\"response\":{\"access_token\":\"/token\",\"error\":\"/code\"}", TI_ASKED_REFRESH, 200, NULL,
      "{\"code\":0,\"token\":\"at\"}", NULL},
     "at",
     NULL,
     -1,
     -1,
     "an error code that is zero"},
    {{"\"response\":{\"access_token\":\"/token\",\"expires_at\":\"/until\"}", TI_ASKED_REFRESH, 200,
      NULL, "{\"token\":\"at\",\"until\":\"2026-01-01T01:00:00Z\"}", NULL},
     "at",
     NULL,
     3600,
     -1,
     "a date"},
    {{"\"response\":{\"access_token\":\"/token\"}", TI_ASKED_SIGN_IN, 201, NULL,
      "{\"statusCode\":201,\"message\":\"Success\",\"token\":\"at\"}", NULL},
     "at",
     NULL,
     -1,
     -1,
     "a framework's success"},
    /* the refresh token's lifetime */
    {{"", TI_ASKED_REFRESH, 200, NULL,
      "{\"access_token\":\"at\",\"refresh_token\":\"rt\",\"refresh_expires_in\":1800}", NULL},
     "at",
     "rt",
     -1,
     1800,
     "refresh_expires_in"},
    {{"", TI_ASKED_REFRESH, 200, NULL,
      "{\"access_token\":\"at\",\"refresh_token_expires_in\":\"1800\"}", NULL},
     "at",
     NULL,
     -1,
     1800,
     "refresh_token_expires_in, of the one that stays"},
    {{"", TI_ASKED_REFRESH, 200, NULL, "{\"accessToken\":\"at\",\"refreshExpiresIn\":1800}", NULL},
     "at",
     NULL,
     -1,
     1800,
     "refreshExpiresIn"},
    {{"", TI_ASKED_REFRESH, 200, NULL,
      "{\"access_token\":\"at\",\"x_refresh_token_expires_in\":1800}", NULL},
     "at",
     NULL,
     -1,
     1800,
     "x_refresh_token_expires_in"},
    {{"\"response\":{\"refresh_expires_in\":\"/r/ttl\"}", TI_ASKED_REFRESH, 200, NULL,
      "{\"access_token\":\"at\",\"refresh_expires_in\":7,\"r\":{\"ttl\":1800}}", NULL},
     "at",
     NULL,
     -1,
     1800,
     "where the dialect points"},
    {{"\"response\":{\"refresh_expires_at\":\"/r\"}", TI_ASKED_REFRESH, 200, NULL,
      "{\"access_token\":\"at\",\"r\":1767229200}", NULL},
     "at",
     NULL,
     -1,
     3600,
     "a date where the dialect points"},
    {{"", TI_ASKED_REFRESH, 200, NULL,
      "{\"access_token\":\"at\",\"refresh_token\":\"" JWT "\",\"refresh_expires_in\":0}", NULL},
     "at",
     JWT,
     -1,
     -1,
     "0 means that it never ends, whatever the JWT says"},
    {{"", TI_ASKED_REFRESH, 200, NULL, "{\"access_token\":\"at\",\"refresh_token\":\"" JWT "\"}",
      "older"},
     "at",
     JWT,
     -1,
     900,
     "a JWT's exp"},
    {{"", TI_ASKED_REFRESH, 200, NULL, "{\"access_token\":\"at\",\"refresh_token\":\"" JWT "\"}",
      JWT},
     "at",
     JWT,
     -1,
     -1,
     "not of a JWT that was issued before"},
    {{"", TI_ASKED_REFRESH, 200, NULL,
      "{\"access_token\":\"at\",\"refresh_token\":\"" JWT "\",\"refresh_expires_in\":60}", JWT},
     "at",
     JWT,
     -1,
     60,
     "but what the server says of that one"},
    /* cookies */
    {{COOKIE, TI_ASKED_REFRESH, 200, "Set-Cookie: sid=1\nset-cookie: rt=new; Path=/x; Max-Age=60\n",
      "{\"access_token\":\"at\",\"refresh_token\":\"no\"}", NULL},
     "at",
     "new",
     -1,
     60,
     "the cookie is the refresh token"},
    {{COOKIE, TI_ASKED_REFRESH, 200, "Set-Cookie: sid=1\n", "{\"access_token\":\"at\"}", NULL},
     "at",
     NULL,
     -1,
     -1,
     "no other cookie is"},
    {{COOKIE, TI_ASKED_REFRESH, 200, "Set-Cookie: rt=; Max-Age=60\n", "{\"access_token\":\"at\"}",
      NULL},
     "at",
     NULL,
     -1,
     -1,
     "an empty one is none"},
    {{COOKIE, TI_ASKED_REFRESH, 200, "Set-Cookie: rt=x; Max-Age=0\n", "{\"access_token\":\"at\"}",
      NULL},
     "at",
     NULL,
     -1,
     -1,
     "one that is over is none"},
    {{COOKIE "," LOGIN, TI_ASKED_SIGN_IN, 200,
      "Set-Cookie: rt=x; Expires=Thu, 01 Jan 2026 01:00:00 GMT\n", "{\"access_token\":\"at\"}",
      NULL},
     "at",
     "x",
     -1,
     3600,
     "a date, by the clock of this machine"},
    {{COOKIE "," LOGIN, TI_ASKED_SIGN_IN, 200,
      "Date: Mon, 01 Jan 2024 00:00:00 GMT\n"
      "Set-Cookie: rt=x; Expires=Mon, 01 Jan 2024 02:00:00 GMT\n",
      "{\"access_token\":\"at\"}", NULL},
     "at",
     "x",
     -1,
     7200,
     "a date, by the server's own clock"},
    {{COOKIE, TI_ASKED_REFRESH, 200, "Set-Cookie: rt=" JWT "\n", "{\"access_token\":\"at\"}", NULL},
     "at",
     JWT,
     -1,
     900,
     "a JWT in a cookie without a lifetime"},
    {{"\"refresh\":{\"send\":\"bearer\"}", TI_ASKED_REFRESH, 200, "Set-Cookie: rt=x\n",
      "{\"access_token\":\"at\"}", NULL},
     "at",
     NULL,
     -1,
     -1,
     "no cookie where the dialect names none"},
    /* what slides */
    {{LOGIN ",\"sliding_header\":\"Authorization\"", TI_ASKED_SIGN_IN, 204,
      "Authorization: Bearer at\n", "", NULL},
     "at",
     NULL,
     -1,
     -1,
     "a sign-in that is answered with the header alone"},
    {{LOGIN ",\"sliding_header\":\"Authorization\"", TI_ASKED_SIGN_IN, 200,
      "authorization: " JWT "\n", "{\"message\":\"welcome\"}", NULL},
     JWT,
     NULL,
     900,
     -1,
     "beside a body without a token"},
    {{LOGIN ",\"sliding_header\":\"X-Token\"", TI_ASKED_SIGN_IN, 200, "X-Token: other\n",
      "{\"access_token\":\"at\"}", NULL},
     "at",
     NULL,
     -1,
     -1,
     "the body's token comes first"},
};

static void assert_secret(const ti_secret *secret, const char *expected, const char *why) {
    const char *text = ti_secret_data(secret);
    if (expected ? !text || strcmp(text, expected) != 0 : text != NULL) {
        fail_msg("%s: %s", why, text ? text : "none");
    }
}

static void reads_tokens_where_they_are(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof granted_rows / sizeof *granted_rows; i++) {
        const granted *row = &granted_rows[i];
        ti_token_response response;
        tacit_error error;

        ti_verdict verdict = read_reply(&row->reply, &response, &error);

        if (verdict != TI_VERDICT_TOKEN) fail_msg("%s: %s", row->why, error.message);
        assert_secret(response.access_token, row->access, row->why);
        assert_secret(response.refresh_token, row->refresh, row->why);
        if (response.lifetime_s != row->lifetime_s ||
            response.refresh_lifetime_s != row->refresh_lifetime_s) {
            fail_msg("%s: %lld, %lld", row->why, (long long)response.lifetime_s,
                     (long long)response.refresh_lifetime_s);
        }
        ti_token_response_free(&response);
    }
}

/* --- refusals --- */

#define OVER "\"signed_out_statuses\":[401,403]"
#define ERRORS "\"signed_out_errors\":[\"TokenExpired\"],\"reuse_errors\":[\"already_used\"]"

typedef struct denied {
    reply reply;
    ti_verdict verdict;
    tacit_status status;
    const char *oauth_error, *description;
    const char *why;
} denied;

static const denied denied_rows[] = {
    /* the statuses of a refresh */
    {{OVER, TI_ASKED_REFRESH, 401, NULL, "{\"statusCode\":401,\"message\":\"Unauthorized\"}", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "invalid_grant",
     "Unauthorized",
     "NestJS"},
    {{OVER, TI_ASKED_REFRESH, 401, NULL,
      "{\"statusCode\":401,\"message\":[\"a\",\"b\"],\"error\":\"Unauthorized\"}", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "invalid_grant",
     "a",
     "NestJS with several messages"},
    {{OVER, TI_ASKED_REFRESH, 401, NULL,
      "{\"statusCode\":401,\"code\":\"E_OVER\",\"error\":\"Unauthorized\",\"message\":\"x\"}",
      NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "E_OVER",
     "x",
     "a framework with a code"},
    {{OVER, TI_ASKED_REFRESH, 403, NULL, "", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "invalid_grant",
     "",
     "an empty body"},
    {{OVER, TI_ASKED_REFRESH, 401, "Content-Type: text/html\n", "Unauthorized", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "invalid_grant",
     "",
     "a word, whatever it calls it"},
    {{OVER, TI_ASKED_REFRESH, 401, NULL, "{\"message\":\"jwt expired\"}", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "invalid_grant",
     "jwt expired",
     "Express"},
    {{OVER, TI_ASKED_REFRESH, 401, NULL, "{\"error\":\"whatever\"}", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "whatever",
     "",
     "with a code of its own"},
    /* R6 */
    {{OVER, TI_ASKED_REFRESH, 401, NULL, " \r\n<!DOCTYPE html><p>Sign in to this network", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "a web page is somebody else's"},
    {{OVER, TI_ASKED_REFRESH, 401, NULL, "\xEF\xBB\xBF<html>", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "a web page is somebody else's"},
    {{OVER, TI_ASKED_REFRESH, 401, NULL, "{\"error\":\"invalid_client\"}", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_OAUTH,
     "invalid_client",
     "",
     "the client, not the token"},
    {{OVER, TI_ASKED_REFRESH, 403, NULL, "{\"error\":\"temporarily_unavailable\"}", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_OAUTH,
     "temporarily_unavailable",
     "",
     "it passes"},
    {{OVER, TI_ASKED_REFRESH, 404, NULL, "Not Found", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "another status"},
    {{OVER "," ERRORS, TI_ASKED_REFRESH, 429, NULL, "{\"error\":\"TokenExpired\"}", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_SERVER,
     "TokenExpired",
     "",
     "429 never ends it"},
    {{OVER "," ERRORS, TI_ASKED_REFRESH, 500, NULL, "{\"error\":\"TokenExpired\"}", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_SERVER,
     "TokenExpired",
     "",
     "5xx never ends it"},
    {{OVER, TI_ASKED_REFRESH, 302, "Location: /login\n", "", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "a redirect does not"},
    {{OVER, TI_ASKED_GRANT, 401, NULL, "{\"message\":\"x\"}", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "a grant that is no refresh"},
    {{"\"signed_out_errors\":[\"x\"]", TI_ASKED_REFRESH, 401, NULL, "Unauthorized", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "a status that the dialect does not name"},
    /* errors by name */
    {{ERRORS, TI_ASKED_REFRESH, 400, NULL, "{\"error\":\"tokenexpired\"}", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "tokenexpired",
     "",
     "a code, in any case"},
    {{ERRORS, TI_ASKED_REFRESH, 400, NULL, "{\"error\":\"already_used\"}", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "already_used",
     "",
     "reuse ends it, too"},
    {{ERRORS, TI_ASKED_REFRESH, 200, NULL, "{\"ok\":false,\"error\":\"TokenExpired\"}", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "TokenExpired",
     "",
     "Slack's way"},
    {{ERRORS, TI_ASKED_REFRESH, 200, NULL, "{\"ok\":false,\"error\":\"ratelimited\"}", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_OAUTH,
     "ratelimited",
     "",
     "another of Slack's"},
    {{ERRORS, TI_ASKED_REFRESH, 403, NULL, "{\"message\":\"TokenExpired\"}", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "invalid_grant",
     "TokenExpired",
     "a message for a code"},
    {{ERRORS, TI_ASKED_REFRESH, 401, NULL,
      "{\"statusCode\":401,\"message\":\"jwt expired\",\"error\":\"TokenExpired\"}", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "TokenExpired",
     "jwt expired",
     "a code where a framework names the status"},
    {{ERRORS, TI_ASKED_REFRESH, 400, NULL,
      "{\"statusCode\":400,\"message\":\"x\",\"error\":\"invalid_grant\"}", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "invalid_grant",
     "x",
     "OAuth's, there"},
    {{OVER, TI_ASKED_REFRESH, 401, NULL,
      "{\"statusCode\":401,\"message\":\"x\",\"error\":\"invalid_client\"}", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_OAUTH,
     "invalid_client",
     "x",
     "the client, there"},
    {{ERRORS ",\"response\":{\"error\":\"/e/c\",\"error_description\":\"/e/m\"}", TI_ASKED_REFRESH,
      400, NULL, "{\"error\":\"no\",\"e\":{\"c\":\"TokenExpired\",\"m\":\"it is over\"}}", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "TokenExpired",
     "it is over",
     "where the dialect points"},
    {{"\"signed_out_errors\":[\"40029\"],\"response\":{\"error\":\"/errcode\"}", TI_ASKED_REFRESH,
      200, NULL, "{\"errcode\":40029,\"errmsg\":\"x\"}", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "40029",
     "",
     "a number"},
    {{"\"response\":{\"error\":\"/errcode\"}", TI_ASKED_REFRESH, 400, NULL,
      "{\"error\":\"invalid_grant\"}", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "only where the dialect points"},
    {{ERRORS, TI_ASKED_SIGN_IN, 200, NULL, "{\"error\":\"TokenExpired\"}", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_OAUTH,
     "TokenExpired",
     "",
     "not of a sign-in"},
    /* a wrong password */
    {{LOGIN, TI_ASKED_SIGN_IN, 401, NULL, "{\"statusCode\":401,\"message\":\"Unauthorized\"}",
      NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "invalid_grant",
     "Unauthorized",
     "NestJS"},
    {{LOGIN, TI_ASKED_SIGN_IN, 400, NULL, "{\"error\":\"BAD_LOGIN\",\"message\":\"x\"}", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "BAD_LOGIN",
     "x",
     "with a code"},
    {{LOGIN, TI_ASKED_SIGN_IN, 403, NULL, "Forbidden", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "invalid_grant",
     "",
     "with a word"},
    {{LOGIN, TI_ASKED_SIGN_IN, 422, NULL, "{\"errors\":[{\"msg\":\"too short\"}]}", NULL},
     TI_VERDICT_REFUSED,
     TACIT_ERR_OAUTH,
     "invalid_grant",
     "too short",
     "a validation"},
    {{LOGIN, TI_ASKED_SIGN_IN, 401, NULL, "<html>", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "not a web page"},
    {{LOGIN, TI_ASKED_SIGN_IN, 404, NULL, "{\"message\":\"x\"}", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "not another status"},
    {{LOGIN, TI_ASKED_SIGN_IN, 429, NULL, "{\"message\":\"x\"}", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_SERVER,
     "",
     "x",
     "nor too many of them"},
    {{LOGIN, TI_ASKED_SIGN_IN, 401, NULL, "{\"error\":\"invalid_client\"}", NULL},
     TI_VERDICT_ERROR,
     TACIT_ERR_OAUTH,
     "invalid_client",
     "",
     "nor the client"},
    /* R2: granted, perhaps */
    {{"\"response\":{\"access_token\":\"/a\"}", TI_ASKED_REFRESH, 200, NULL,
      "{\"access_token\":\"at\"}", NULL},
     TI_VERDICT_UNKNOWN,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "not where the dialect points"},
    {{"\"response\":{\"access_token\":\"/a\"}", TI_ASKED_REFRESH, 200, NULL, "{\"a\":{\"b\":1}}",
      NULL},
     TI_VERDICT_UNKNOWN,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "something else there"},
    {{OVER, TI_ASKED_REFRESH, 200, NULL, "", NULL},
     TI_VERDICT_UNKNOWN,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "a success without a body"},
    {{COOKIE, TI_ASKED_REFRESH, 200, "Set-Cookie: rt=\xC3\xA4\n", "{\"access_token\":\"at\"}",
      NULL},
     TI_VERDICT_UNKNOWN,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "a cookie that cannot be sent back"},
    {{"\"response\":{\"access_token\":\"/a\",\"error\":\"/e\"}", TI_ASKED_REFRESH, 200, NULL,
      "{\"a\":\"at\",\"e\":7}", NULL},
     TI_VERDICT_UNKNOWN,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "a token and an error at once"},
    {{LOGIN ",\"sliding_header\":\"X-Token\"", TI_ASKED_SIGN_IN, 204, "X-Token: a b\n", "", NULL},
     TI_VERDICT_UNKNOWN,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "a header with no token in it"},
    {{LOGIN ",\"sliding_header\":\"X-Token\"", TI_ASKED_REFRESH, 204, "X-Token: at\n", "", NULL},
     TI_VERDICT_UNKNOWN,
     TACIT_ERR_PROTOCOL,
     "",
     "",
     "only a sign-in is answered so"},
};

static void judges_by_the_dialect(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof denied_rows / sizeof *denied_rows; i++) {
        const denied *row = &denied_rows[i];
        ti_token_response response;
        tacit_error error;

        ti_verdict verdict = read_reply(&row->reply, &response, &error);

        if (verdict != row->verdict || error.status != row->status) {
            fail_msg("%zu: %s: %d %s", i, row->why, verdict, error.message);
        }
        if (strcmp(error.oauth_error, row->oauth_error) != 0 ||
            strcmp(error.oauth_error_description, row->description) != 0) {
            fail_msg("%zu: %s: %s, %s", i, row->why, error.oauth_error,
                     error.oauth_error_description);
        }
        assert_int_equal(error.outcome_unknown, verdict == TI_VERDICT_UNKNOWN);
        assert_int_equal(error.http_status, row->reply.http_status);
        assert_true(error.message[0] != '\0');
        assert_null(response.access_token);
        assert_null(response.refresh_token);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_tokens_where_they_are),
        cmocka_unit_test(judges_by_the_dialect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
