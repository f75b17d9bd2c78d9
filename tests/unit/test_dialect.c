/* The dialect of a provider as it is read: what is taken, what is refused and where it stands. */
#include "oauth/dialect.h"

#include "oauth/json.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>

/* As metadata is loaded. */
static ti_dialect *parse(const char *text, tacit_error *error) {
    json_t *value;
    ti_dialect *dialect;
    if (ti_json_load(text, strlen(text), JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL,
                     &value, NULL) != TI_JSON_OK) {
        fail_msg("no JSON: %s", text);
    }
    dialect = ti_dialect_parse(value, error);
    json_decref(value);
    return dialect;
}

static ti_dialect *parse_good(const char *text) {
    tacit_error error = {.status = TACIT_ERR_NETWORK};
    ti_dialect *dialect = parse(text, &error);
    if (!dialect) fail_msg("%s: %s", text, error.message);
    assert_int_equal(error.status, TACIT_OK);
    return dialect;
}

typedef struct refusal {
    const char *json, *message; /* how it begins */
} refusal;

static void assert_refused(const refusal *rows, size_t count, tacit_status status) {
    for (size_t i = 0; i < count; i++) {
        tacit_error error = {.status = TACIT_OK};

        assert_null(parse(rows[i].json, &error));

        if (error.status != status ||
            strncmp(error.message, rows[i].message, strlen(rows[i].message)) != 0) {
            fail_msg("%s: %s: %s", rows[i].json, tacit_status_name(error.status), error.message);
        }
    }
}

#define ARE_REFUSED(rows)                                                                          \
    assert_refused(rows, sizeof(rows) / sizeof *(rows), TACIT_ERR_INVALID_ARGUMENT)
#define SIGN_IN(members) "{\"sign_in\":{\"url\":\"https://a.example/login\"," members "}}"
#define REFRESH(members) "{\"refresh\":{" members "}}"
#define SIGN_OUT(members) "{\"sign_out\":{\"url\":\"https://a.example/out\"," members "}}"

/* --- what is refused, and where --- */

static void what_is_not_known_is_an_error(void **state) {
    (void)state;
    static const refusal rows[] = {
        {"[]", "/dialect: is not an object"},
        {"{\"Refresh\":{}}", "/dialect/Refresh: is not known"},
        {"{\"refresh\":null,\"x\":null}", "/dialect/x: is not known"},
        {"{\"refresh\":[]}", "/dialect/refresh: is not an object"},
        {REFRESH("\"sent\":\"json\""), "/dialect/refresh/sent: is not known"},
        {REFRESH("\"url\":\"https://a.example/\""), "/dialect/refresh/url: is not known"},
        {REFRESH("\"token\":\"refresh_token\""), "/dialect/refresh/token: is not known"},
        {SIGN_IN("\"send\":\"json\""), "/dialect/sign_in/send: is not known"},
        {SIGN_IN("\"field\":\"x\""), "/dialect/sign_in/field: is not known"},
        {SIGN_OUT("\"urls\":[]"), "/dialect/sign_out/urls: is not known"},
        {"{\"response\":[]}", "/dialect/response: is not an object"},
        {"{\"response\":{\"accessToken\":\"/a\"}}", "/dialect/response/accessToken: is not known"},
    };

    ARE_REFUSED(rows);
}

static void a_request_that_cannot_be_is_an_error(void **state) {
    (void)state;
    static const refusal rows[] = {
        {"{\"sign_in\":{}}", "/dialect/sign_in/url: is missing"},
        {"{\"sign_in\":{\"url\":7}}", "/dialect/sign_in/url: is not a string"},
        {"{\"sign_in\":{\"url\":\"\"}}", "/dialect/sign_in/url: is not a string with something"},
        {"{\"sign_in\":{\"url\":\"/login\"}}", "/dialect/sign_in/url: is not an absolute URL"},
        {"{\"sign_in\":{\"url\":\"https://a.example/\\u0000\"}}", "/dialect/sign_in/url: is not"},
        {"{\"sign_out\":{\"send\":\"bearer\"}}", "/dialect/sign_out/url: is missing"},
        {REFRESH("\"method\":7"), "/dialect/refresh/method: is not a string"},
        {REFRESH("\"method\":\"\""), "/dialect/refresh/method: is not a string with something"},
        {REFRESH("\"method\":\"PO ST\""), "/dialect/refresh/method: is no method"},
        {REFRESH("\"method\":\"GET\\r\\nX: y\""), "/dialect/refresh/method: is no method"},
        {REFRESH("\"method\":\"post\""), "/dialect/refresh/method: is no method"},
        {REFRESH("\"send\":\"header\""), "/dialect/refresh/send: is none of"},
        {REFRESH("\"send\":true"), "/dialect/refresh/send: is not a string"},
        {REFRESH("\"method\":\"GET\""), "/dialect/refresh/send: needs a body"},
        {REFRESH("\"method\":\"DELETE\",\"send\":\"json\""), "/dialect/refresh/send: needs a body"},
        {REFRESH("\"send\":\"bearer\",\"body\":\"query\""), "/dialect/refresh/body: is neither"},
        {REFRESH("\"send\":\"json\",\"body\":\"json\""), "/dialect/refresh/body: goes with"},
        {REFRESH("\"send\":\"bearer\",\"method\":\"GET\",\"body\":\"json\""),
         "/dialect/refresh/body: cannot be with that method"},
        {REFRESH("\"send\":\"bearer\",\"field\":\"x\""), "/dialect/refresh/field: goes not with"},
        {REFRESH("\"send\":\"cookie\""), "/dialect/refresh/field: is missing"},
        {REFRESH("\"send\":\"cookie\",\"field\":null"), "/dialect/refresh/field: is missing"},
        {REFRESH("\"send\":\"cookie\",\"field\":\"a=b\""), "/dialect/refresh/field: is no name"},
        {REFRESH("\"send\":\"cookie\",\"field\":\"a; b\""), "/dialect/refresh/field: is no name"},
        {REFRESH("\"send\":\"json\",\"field\":\"\""), "/dialect/refresh/field: is not a string"},
        {SIGN_IN("\"body\":\"bearer\""), "/dialect/sign_in/body: is none of"},
        {SIGN_IN("\"body\":\"xml\""), "/dialect/sign_in/body: is none of"},
        {SIGN_IN("\"method\":\"GET\",\"body\":\"json\""), "/dialect/sign_in/body: cannot be"},
        {SIGN_OUT("\"token\":\"id_token\""), "/dialect/sign_out/token: is neither"},
    };

    ARE_REFUSED(rows);
}

/* A URL is in the logs of every server and proxy on the way. */
static void a_token_gets_into_a_url_only_where_that_is_allowed(void **state) {
    (void)state;
    static const refusal rows[] = {
        {REFRESH("\"send\":\"query\""), "/dialect/refresh/send: is \"query\", which needs"},
        {REFRESH("\"send\":\"query\",\"allow_refresh_token_in_url\":false"),
         "/dialect/refresh/send: is \"query\", which needs"},
        {REFRESH("\"send\":\"query\",\"allow_refresh_token_in_url\":\"true\""),
         "/dialect/refresh/allow_refresh_token_in_url: is neither true nor false"},
        {REFRESH("\"send\":\"query\",\"allow_refresh_token_in_url\":1"),
         "/dialect/refresh/allow_refresh_token_in_url: is neither true nor false"},
        {REFRESH("\"send\":\"bearer\",\"method\":\"GET\",\"fields\":{\"t\":\"{refresh_token}\"}"),
         "/dialect/refresh/fields/t: would put a token into a URL"},
        {REFRESH("\"send\":\"bearer\",\"method\":\"GET\",\"fields\":{\"t\":\"{access_token}\"}"),
         "/dialect/refresh/fields/t: would put a token into a URL"},
        {SIGN_OUT("\"send\":\"query\""), "/dialect/sign_out/send: is \"query\", which needs"},
        {SIGN_OUT("\"send\":\"query\",\"token\":\"access_token\""),
         "/dialect/sign_out/send: is \"query\", which needs"},
        {SIGN_OUT("\"send\":\"cookie\",\"field\":\"rt\",\"method\":\"DELETE\","
                  "\"fields\":{\"t\":\"{refresh_token}\"}"),
         "/dialect/sign_out/fields/t: would put a token into a URL"},
    };

    ARE_REFUSED(rows);

    ti_dialect_free(parse_good(
        REFRESH("\"method\":\"GET\",\"send\":\"query\",\"allow_refresh_token_in_url\":true,"
                "\"fields\":{\"old\":\"{access_token}\"}")));
    ti_dialect_free(
        parse_good(REFRESH("\"send\":\"bearer\",\"fields\":{\"t\":\"{refresh_token}\"}")));
}

static void fields_have_the_shape_of_what_carries_them(void **state) {
    (void)state;
    static const refusal rows[] = {
        {SIGN_IN("\"fields\":[]"), "/dialect/sign_in/fields: is not an object"},
        {SIGN_IN("\"body\":\"form\",\"fields\":{\"user\":{\"name\":\"x\"}}"),
         "/dialect/sign_in/fields/user: is not a string"},
        {SIGN_IN("\"body\":\"form\",\"fields\":{\"remember\":true}"),
         "/dialect/sign_in/fields/remember: is not a string"},
        {SIGN_IN("\"body\":\"query\",\"fields\":{\"n\":1}"), "/dialect/sign_in/fields/n: is not"},
        {SIGN_IN("\"method\":\"GET\",\"fields\":{\"n\":[]}"), "/dialect/sign_in/fields/n: is not"},
        {REFRESH("\"fields\":{\"n\":null}"), "/dialect/refresh/fields/n: is not a string"},
        {REFRESH("\"send\":\"bearer\",\"body\":\"form\",\"fields\":{\"n\":1}"),
         "/dialect/refresh/fields/n: is not a string"},
        {REFRESH("\"send\":\"cookie\",\"field\":\"rt\",\"method\":\"GET\",\"fields\":{\"n\":1}"),
         "/dialect/refresh/fields/n: is not a string"},
        {SIGN_IN("\"fields\":{\"a\":{\"b\":[0,\"x\\u0000y\"]}}"),
         "/dialect/sign_in/fields/a/b/1: holds a NUL"},
        {SIGN_IN("\"fields\":{\"id\":9007199254740994}"),
         "/dialect/sign_in/fields/id: is a number"},
        {SIGN_IN("\"fields\":{\"id\":-1e300}"), "/dialect/sign_in/fields/id: is a number"},
    };

    ARE_REFUSED(rows);
}

/* It would go out as it is, and the server would say that the password is wrong. */
static void a_placeholder_that_is_not_there_is_an_error(void **state) {
    (void)state;
    static const refusal rows[] = {
        {SIGN_IN("\"fields\":{\"u\":\"{user_name}\"}"),
         "/dialect/sign_in/fields/u: is a placeholder"},
        {SIGN_IN("\"fields\":{\"u\":{\"e\":\"{refresh_token}\"}}"),
         "/dialect/sign_in/fields/u/e: is a placeholder"},
        {REFRESH("\"fields\":{\"u\":\"{username}\"}"),
         "/dialect/refresh/fields/u: is a placeholder"},
        {SIGN_OUT("\"fields\":{\"u\":\"{password}\"}"),
         "/dialect/sign_out/fields/u: is a placeholder"},
        {SIGN_OUT("\"fields\":{\"s\":\"{scope}\"}"),
         "/dialect/sign_out/fields/s: is a placeholder"},
    };

    ARE_REFUSED(rows);

    ti_dialect_free(parse_good(SIGN_IN(
        "\"fields\":{\"a\":\"{}\",\"b\":\"{username} \",\"c\":\"{ username }\",\"d\":\"{{x}}\","
        "\"e\":\"{7f3a-0b}\",\"f\":\"\",\"g\":\"{Username}\"}")));
}

static void a_header_is_one_line_and_not_ours(void **state) {
    (void)state;
    static const refusal rows[] = {
        {REFRESH("\"headers\":\"X-A: b\""), "/dialect/refresh/headers: is not an array"},
        {REFRESH("\"headers\":[\"X-A: b\",7]"), "/dialect/refresh/headers/1: is not a string"},
        {REFRESH("\"headers\":[null]"), "/dialect/refresh/headers/0: is not a string"},
        {REFRESH("\"headers\":[\"X-A\"]"), "/dialect/refresh/headers/0: is not \"Name: value\""},
        {REFRESH("\"headers\":[\": b\"]"), "/dialect/refresh/headers/0: is not \"Name: value\""},
        {REFRESH("\"headers\":[\"X A: b\"]"), "/dialect/refresh/headers/0: is not \"Name: value\""},
        {REFRESH("\"headers\":[\"X-A: \\t\"]"),
         "/dialect/refresh/headers/0: is not \"Name: value\""},
        {REFRESH("\"headers\":[\"X-A : b\"]"),
         "/dialect/refresh/headers/0: is not \"Name: value\""},
        {REFRESH("\"headers\":[\"X-A: b\\r\\nX-B: c\"]"),
         "/dialect/refresh/headers/0: holds a control character"},
        {REFRESH("\"headers\":[\"X-A: b\\nX-B: c\"]"),
         "/dialect/refresh/headers/0: holds a control character"},
        {REFRESH("\"headers\":[\"X-A: b\\u007f\"]"),
         "/dialect/refresh/headers/0: holds a control character"},
        {REFRESH("\"headers\":[\"authorization: Basic eA==\"]"),
         "/dialect/refresh/headers/0: is a header that tacit sets itself"},
        {SIGN_IN("\"headers\":[\"Cookie: a=b\"]"),
         "/dialect/sign_in/headers/0: is a header that tacit sets itself"},
        {SIGN_IN("\"headers\":[\"HOST: b.example\"]"),
         "/dialect/sign_in/headers/0: is a header that tacit sets itself"},
        {SIGN_OUT("\"headers\":[\"Content-Length: 3\"]"),
         "/dialect/sign_out/headers/0: is a header that tacit sets itself"},
        {SIGN_OUT("\"headers\":[\"Content-Type: text/plain\"]"),
         "/dialect/sign_out/headers/0: is a header that tacit sets itself"},
        {SIGN_OUT("\"headers\":[\"Transfer-Encoding: chunked\"]"),
         "/dialect/sign_out/headers/0: is a header that tacit sets itself"},
        {"{\"sliding_header\":\"X Token\"}", "/dialect/sliding_header: is no name of a header"},
        {"{\"sliding_header\":\"X-Token:\"}", "/dialect/sliding_header: is no name of a header"},
        {"{\"sliding_header\":\"Content-Length\"}", "/dialect/sliding_header: is a header that"},
        {"{\"sliding_header\":[\"X-Token\"]}", "/dialect/sliding_header: is not a string"},
        {"{\"fingerprint\":\"User-Agent\"}", "/dialect/fingerprint: is not an array"},
        {"{\"fingerprint\":[\"Accept\",\"User Agent\"]}", "/dialect/fingerprint/1: is no name"},
        {"{\"fingerprint\":[\"Authorization\"]}", "/dialect/fingerprint/0: is a header that"},
        {"{\"fingerprint\":[\"cookie\"]}", "/dialect/fingerprint/0: is a header that"},
    };

    ARE_REFUSED(rows);
}

/* R6: neither trouble nor "later" ends a sign-in, whatever a provider says. */
static void only_a_refusal_can_mean_signed_out(void **state) {
    (void)state;
    static const refusal rows[] = {
        {"{\"signed_out_statuses\":401}", "/dialect/signed_out_statuses: is not an array"},
        {"{\"signed_out_statuses\":[401,\"403\"]}", "/dialect/signed_out_statuses/1: is no status"},
        {"{\"signed_out_statuses\":[399]}", "/dialect/signed_out_statuses/0: is no status"},
        {"{\"signed_out_statuses\":[500]}", "/dialect/signed_out_statuses/0: is no status"},
        {"{\"signed_out_statuses\":[200]}", "/dialect/signed_out_statuses/0: is no status"},
        {"{\"signed_out_statuses\":[401.5]}", "/dialect/signed_out_statuses/0: is no status"},
        {"{\"signed_out_statuses\":[408]}", "/dialect/signed_out_statuses/0: is no status"},
        {"{\"signed_out_statuses\":[425]}", "/dialect/signed_out_statuses/0: is no status"},
        {"{\"signed_out_statuses\":[429]}", "/dialect/signed_out_statuses/0: is no status"},
        {"{\"signed_out_statuses\":[1e300]}", "/dialect/signed_out_statuses/0: is no status"},
        {"{\"signed_out_errors\":{}}", "/dialect/signed_out_errors: is not an array"},
        {"{\"signed_out_errors\":[\"over\",\"\"]}",
         "/dialect/signed_out_errors/1: is not a string"},
        {"{\"reuse_errors\":[401]}", "/dialect/reuse_errors/0: is not a string"},
        {"{\"refreshes_per_hour_max\":0}", "/dialect/refreshes_per_hour_max: is no whole number"},
        {"{\"refreshes_per_hour_max\":-1}", "/dialect/refreshes_per_hour_max: is no whole number"},
        {"{\"refreshes_per_hour_max\":1.5}", "/dialect/refreshes_per_hour_max: is no whole number"},
        {"{\"refreshes_per_hour_max\":\"9\"}",
         "/dialect/refreshes_per_hour_max: is no whole number"},
        {"{\"refreshes_per_hour_max\":1e9}", "/dialect/refreshes_per_hour_max: is no whole number"},
    };

    ARE_REFUSED(rows);
}

static void a_pointer_begins_with_a_slash(void **state) {
    (void)state;
    static const refusal rows[] = {
        {"{\"response\":{\"access_token\":\"data.token\"}}",
         "/dialect/response/access_token: is no"},
        {"{\"response\":{\"refresh_token\":\"\"}}", "/dialect/response/refresh_token: is not a"},
        {"{\"response\":{\"expires_in\":3600}}", "/dialect/response/expires_in: is not a string"},
        {"{\"response\":{\"error\":\"/a~\"}}", "/dialect/response/error: is no JSON pointer"},
        {"{\"response\":{\"scope\":\"/a~2b\"}}", "/dialect/response/scope: is no JSON pointer"},
    };

    ARE_REFUSED(rows);
}

static void plain_http_stays_on_this_machine(void **state) {
    (void)state;
    static const refusal rows[] = {
        {"{\"sign_in\":{\"url\":\"http://a.example/\"}}", "/dialect/sign_in/url: is http"},
        {"{\"sign_out\":{\"url\":\"http://127.0.0.1.example/\"}}",
         "/dialect/sign_out/url: is http"},
    };

    assert_refused(rows, sizeof rows / sizeof *rows, TACIT_ERR_INSECURE_URL);

    ti_dialect_free(parse_good("{\"sign_in\":{\"url\":\"http://127.0.0.1:3000/login\"}}"));
}

/* However long the names are that lead there. */
static void a_long_path_is_cut_and_the_error_stays(void **state) {
    (void)state;
    char json[2048] = "{\"refresh\":{\"";
    tacit_error error;
    memset(json + strlen(json), 'x', 1500);
    strcat(json, "\":1}}");

    assert_null(parse(json, &error));

    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "/dialect/refresh/xxx"));
    assert_non_null(strstr(error.message, "is not known"));
    assert_null(parse(json, NULL));
}

/* --- what is taken --- */

static void an_empty_dialect_changes_nothing(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{}",
        "{\"sign_in\":null,\"refresh\":null,\"response\":null,\"sliding_header\":null}",
        "{\"response\":{},\"signed_out_statuses\":[],\"reuse_errors\":[],\"fingerprint\":[]}",
    };
    const ti_dialect nothing = {.sign_in = NULL};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ti_dialect *dialect = parse_good(texts[i]);

        assert_true(ti_dialect_equal(dialect, &nothing));

        ti_dialect_free(dialect);
    }
    ti_dialect_free(NULL);
}

static void what_is_not_said_is_usual(void **state) {
    (void)state;
    static const struct {
        const char *json, *method;
        ti_dialect_send send, body;
        const char *field;
    } rows[] = {
        {REFRESH(""), "POST", TI_SEND_FORM, TI_SEND_FORM, "refresh_token"},
        {REFRESH("\"send\":\"json\""), "POST", TI_SEND_JSON, TI_SEND_JSON, "refresh_token"},
        {REFRESH("\"send\":\"json\",\"field\":\"rt\",\"method\":\"PUT\""), "PUT", TI_SEND_JSON,
         TI_SEND_JSON, "rt"},
        {REFRESH("\"send\":\"bearer\""), "POST", TI_SEND_BEARER, TI_SEND_JSON, NULL},
        {REFRESH("\"send\":\"bearer\",\"body\":\"form\""), "POST", TI_SEND_BEARER, TI_SEND_FORM,
         NULL},
        {REFRESH("\"send\":\"cookie\",\"field\":\"rt\""), "POST", TI_SEND_COOKIE, TI_SEND_JSON,
         "rt"},
        {REFRESH("\"send\":\"query\",\"method\":\"GET\",\"allow_refresh_token_in_url\":true"),
         "GET", TI_SEND_QUERY, TI_SEND_JSON, "refresh_token"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_dialect *dialect = parse_good(rows[i].json);
        const ti_dialect_request *refresh = dialect->refresh;

        assert_null(refresh->url);
        assert_string_equal(refresh->method, rows[i].method);
        assert_int_equal(refresh->send, rows[i].send);
        assert_int_equal(refresh->body, rows[i].body);
        if (rows[i].field)
            assert_string_equal(refresh->field, rows[i].field);
        else
            assert_null(refresh->field);
        assert_null(refresh->fields);
        assert_null(refresh->headers);

        ti_dialect_free(dialect);
    }
}

static void a_sign_in_asks_in_one_way(void **state) {
    (void)state;
    static const struct {
        const char *json;
        ti_dialect_send send;
    } rows[] = {
        {"{\"sign_in\":{\"url\":\"https://a.example/login\"}}", TI_SEND_JSON},
        {SIGN_IN("\"body\":\"json\""), TI_SEND_JSON},
        {SIGN_IN("\"body\":\"form\""), TI_SEND_FORM},
        {SIGN_IN("\"body\":\"query\""), TI_SEND_QUERY},
        {SIGN_IN("\"method\":\"GET\""), TI_SEND_QUERY},
        {SIGN_IN("\"method\":\"GET\",\"body\":\"query\""), TI_SEND_QUERY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_dialect *dialect = parse_good(rows[i].json);

        assert_string_equal(dialect->sign_in->url, "https://a.example/login");
        assert_int_equal(dialect->sign_in->send, rows[i].send);
        assert_null(dialect->sign_in->field);

        ti_dialect_free(dialect);
    }
}

static void a_sign_out_sends_the_token_it_is_told_to(void **state) {
    (void)state;
    static const struct {
        const char *json, *field;
        bool access_token;
    } rows[] = {
        {"{\"sign_out\":{\"url\":\"https://a.example/out\"}}", "refresh_token", false},
        {SIGN_OUT("\"token\":\"refresh_token\",\"field\":\"t\""), "t", false},
        {SIGN_OUT("\"token\":\"access_token\",\"send\":\"json\""), "access_token", true},
        {SIGN_OUT("\"token\":\"access_token\",\"send\":\"bearer\""), NULL, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_dialect *dialect = parse_good(rows[i].json);

        assert_int_equal(dialect->sign_out->access_token, rows[i].access_token);
        if (rows[i].field)
            assert_string_equal(dialect->sign_out->field, rows[i].field);
        else
            assert_null(dialect->sign_out->field);

        ti_dialect_free(dialect);
    }
}

static void everything_that_is_said_is_kept(void **state) {
    (void)state;
    ti_dialect *dialect = parse_good(
        "{\"response\":{\"access_token\":\"/data/a~1b~0c\",\"refresh_token\":\"/r\","
        "\"id_token\":\"/i\",\"token_type\":\"/t\",\"scope\":\"/s\",\"expires_in\":\"/0/e\","
        "\"expires_at\":\"/ea\",\"refresh_expires_in\":\"/re\",\"refresh_expires_at\":\"/rea\","
        "\"error\":\"/code\",\"error_description\":\"/text\"},"
        "\"refresh\":{\"headers\":[\"X-Device: 7f3a\",\"X-Empty:x\"]},"
        "\"signed_out_statuses\":[400,401,499],\"signed_out_errors\":[\"TokenExpired\"],"
        "\"reuse_errors\":[\"reused\",\"stolen\"],\"sliding_header\":\"Authorization\","
        "\"fingerprint\":[\"User-Agent\",\"sec-ch-ua\"],\"refreshes_per_hour_max\":10}");

    assert_string_equal(dialect->response.access_token, "/data/a~1b~0c");
    assert_string_equal(dialect->response.refresh_token, "/r");
    assert_string_equal(dialect->response.id_token, "/i");
    assert_string_equal(dialect->response.token_type, "/t");
    assert_string_equal(dialect->response.scope, "/s");
    assert_string_equal(dialect->response.expires_in, "/0/e");
    assert_string_equal(dialect->response.expires_at, "/ea");
    assert_string_equal(dialect->response.refresh_expires_in, "/re");
    assert_string_equal(dialect->response.refresh_expires_at, "/rea");
    assert_string_equal(dialect->response.error, "/code");
    assert_string_equal(dialect->response.error_description, "/text");
    assert_string_equal(dialect->refresh->headers[0], "X-Device: 7f3a");
    assert_string_equal(dialect->refresh->headers[1], "X-Empty:x");
    assert_null(dialect->refresh->headers[2]);
    assert_int_equal(dialect->signed_out_statuses[0], 400);
    assert_int_equal(dialect->signed_out_statuses[1], 401);
    assert_int_equal(dialect->signed_out_statuses[2], 499);
    assert_int_equal(dialect->signed_out_statuses[3], 0);
    assert_string_equal(dialect->signed_out_errors[0], "TokenExpired");
    assert_null(dialect->signed_out_errors[1]);
    assert_string_equal(dialect->reuse_errors[1], "stolen");
    assert_null(dialect->reuse_errors[2]);
    assert_string_equal(dialect->sliding_header, "Authorization");
    assert_string_equal(dialect->fingerprint[1], "sec-ch-ua");
    assert_null(dialect->fingerprint[2]);
    assert_int_equal(dialect->refreshes_per_hour_max, 10);
    ti_dialect_free(dialect);
}

/* A server that checks types takes 1 and refuses 1.0. */
static void fields_go_out_as_they_were_written(void **state) {
    (void)state;
    static const char fields[] = "{\"user\":{\"email\":\"{username}\",\"pass\":\"{password}\"},"
                                 "\"n\":[1,-7,0,9007199254740992,1.5],\"yes\":true,\"no\":false,"
                                 "\"none\":null,\"text\":\"\xC3\xA4\",\"empty\":{}}";
    char json[512];
    ti_buffer text = TI_BUFFER_INIT;
    snprintf(json, sizeof json, SIGN_IN("\"fields\":%s"), fields);

    ti_dialect *dialect = parse_good(json);

    assert_true(ti_json_dump(dialect->sign_in->fields, &text));
    assert_string_equal(text.data, fields);
    ti_buffer_free(&text);
    ti_dialect_free(dialect);
}

static void a_method_without_a_body_is_known(void **state) {
    (void)state;

    assert_false(ti_dialect_method_has_body("GET"));
    assert_false(ti_dialect_method_has_body("HEAD"));
    assert_false(ti_dialect_method_has_body("DELETE"));
    assert_true(ti_dialect_method_has_body("POST"));
    assert_true(ti_dialect_method_has_body("PUT"));
    assert_true(ti_dialect_method_has_body("PATCH"));
}

/* --- equality --- */

static void each_member_makes_a_difference(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{}",
        REFRESH(""),
        REFRESH("\"method\":\"PUT\""),
        REFRESH("\"send\":\"json\""),
        REFRESH("\"send\":\"bearer\""),
        REFRESH("\"send\":\"bearer\",\"body\":\"form\""),
        REFRESH("\"field\":\"token\""),
        REFRESH("\"fields\":{\"a\":\"b\"}"),
        REFRESH("\"fields\":{\"a\":\"c\"}"),
        REFRESH("\"headers\":[\"A: b\"]"),
        REFRESH("\"headers\":[\"A: b\",\"C: d\"]"),
        "{\"sign_in\":{\"url\":\"https://a.example/login\"}}",
        "{\"sign_in\":{\"url\":\"https://a.example/other\"}}",
        "{\"sign_out\":{\"url\":\"https://a.example/out\"}}",
        SIGN_OUT("\"send\":\"bearer\""),
        SIGN_OUT("\"send\":\"bearer\",\"token\":\"access_token\""),
        "{\"response\":{\"access_token\":\"/x\"}}",
        "{\"response\":{\"refresh_token\":\"/x\"}}",
        "{\"response\":{\"id_token\":\"/x\"}}",
        "{\"response\":{\"token_type\":\"/x\"}}",
        "{\"response\":{\"scope\":\"/x\"}}",
        "{\"response\":{\"expires_in\":\"/x\"}}",
        "{\"response\":{\"expires_at\":\"/x\"}}",
        "{\"response\":{\"refresh_expires_in\":\"/x\"}}",
        "{\"response\":{\"refresh_expires_at\":\"/x\"}}",
        "{\"response\":{\"error\":\"/x\"}}",
        "{\"response\":{\"error_description\":\"/x\"}}",
        "{\"response\":{\"error_description\":\"/y\"}}",
        "{\"signed_out_statuses\":[401]}",
        "{\"signed_out_statuses\":[401,403]}",
        "{\"signed_out_errors\":[\"x\"]}",
        "{\"reuse_errors\":[\"x\"]}",
        "{\"reuse_errors\":[\"x\",\"y\"]}",
        "{\"sliding_header\":\"X-Token\"}",
        "{\"fingerprint\":[\"X-Token\"]}",
        "{\"refreshes_per_hour_max\":1}",
    };
    const size_t count = sizeof texts / sizeof *texts;
    for (size_t i = 0; i < count; i++) {
        ti_dialect *a = parse_good(texts[i]);
        for (size_t j = 0; j < count; j++) {
            ti_dialect *b = parse_good(texts[j]);
            if (ti_dialect_equal(a, b) != (i == j)) fail_msg("%s and %s", texts[i], texts[j]);
            ti_dialect_free(b);
        }
        assert_false(ti_dialect_equal(a, NULL));
        assert_false(ti_dialect_equal(NULL, a));
        ti_dialect_free(a);
    }
    assert_true(ti_dialect_equal(NULL, NULL));
}

static void neither_order_nor_space_makes_a_difference(void **state) {
    (void)state;
    ti_dialect *a = parse_good(REFRESH("\"send\":\"json\",\"fields\":{\"a\":1,\"b\":{\"c\":[]}}"));
    ti_dialect *b =
        parse_good(REFRESH(" \"fields\": {\"b\":{\"c\":[]},\"a\":1.0},\n \"send\": \"json\" "));

    assert_true(ti_dialect_equal(a, b));

    ti_dialect_free(a);
    ti_dialect_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_known_is_an_error),
        cmocka_unit_test(a_request_that_cannot_be_is_an_error),
        cmocka_unit_test(a_token_gets_into_a_url_only_where_that_is_allowed),
        cmocka_unit_test(fields_have_the_shape_of_what_carries_them),
        cmocka_unit_test(a_placeholder_that_is_not_there_is_an_error),
        cmocka_unit_test(a_header_is_one_line_and_not_ours),
        cmocka_unit_test(only_a_refusal_can_mean_signed_out),
        cmocka_unit_test(a_pointer_begins_with_a_slash),
        cmocka_unit_test(plain_http_stays_on_this_machine),
        cmocka_unit_test(a_long_path_is_cut_and_the_error_stays),
        cmocka_unit_test(an_empty_dialect_changes_nothing),
        cmocka_unit_test(what_is_not_said_is_usual),
        cmocka_unit_test(a_sign_in_asks_in_one_way),
        cmocka_unit_test(a_sign_out_sends_the_token_it_is_told_to),
        cmocka_unit_test(everything_that_is_said_is_kept),
        cmocka_unit_test(fields_go_out_as_they_were_written),
        cmocka_unit_test(a_method_without_a_body_is_known),
        cmocka_unit_test(each_member_makes_a_difference),
        cmocka_unit_test(neither_order_nor_space_makes_a_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
