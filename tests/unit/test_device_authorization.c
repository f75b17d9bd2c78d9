#include "oauth/device_authorization.h"

#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CODES "\"device_code\":\"dc\",\"user_code\":\"WDJB-MJHT\""
#define URI "\"verification_uri\":\"https://as.example/device\""
#define COMPLETE "https://as.example/device?user_code=WDJB-MJHT"

static tacit_status parse(int http_status, const char *body, ti_device_authorization *found,
                          tacit_error *error) {
    return ti_device_authorization_parse(http_status, body, strlen(body), 0, found, error);
}

static void assert_text(const char *row, const char *found, const char *expected) {
    if ((found == NULL) != (expected == NULL) || (found && strcmp(found, expected) != 0)) {
        fail_msg("%s: \"%s\" instead of \"%s\"", row, found ? found : "NULL",
                 expected ? expected : "NULL");
    }
}

/* --- what is taken --- */

typedef struct taken {
    const char *row, *body, *uri, *complete;
    int expires_in_s, interval_s;
} taken;

static const taken taken_rows[] = {
    {"RFC 8628 section 3.2",
     "{" CODES "," URI ",\"verification_uri_complete\":\"" COMPLETE
     "\",\"expires_in\":1800,\"interval\":7}",
     "https://as.example/device", COMPLETE, 1800, 7},
    {"Google",
     "{" CODES ",\"verification_url\":\"https://www.google.com/device\",\"expires_in\":900}",
     "https://www.google.com/device", NULL, 900, 5},
    {"camelCase",
     "{\"deviceCode\":\"dc\",\"userCode\":\"WDJB-MJHT\",\"verificationUri\":\"https://a/\","
     "\"verificationUriComplete\":\"https://a/?c\",\"expiresIn\":60}",
     "https://a/", "https://a/?c", 60, 5},
    {"null and empty are absent",
     "{" CODES "," URI ",\"verification_uri_complete\":null,\"verification_url_complete\":\"\"}",
     "https://as.example/device", NULL, 1800, 5},
    {"http, in capitals, beyond ASCII",
     "{" CODES ",\"verification_uri\":\"HTTP://\xC3\xA4.example/\"}", "HTTP://\xC3\xA4.example/",
     NULL, 1800, 5},
    /* expires_in */
    {"expires_in: string", "{" CODES "," URI ",\"expires_in\":\"600\"}", NULL, NULL, 600, 5},
    {"expires_in: float", "{" CODES "," URI ",\"expires_in\":599.5}", NULL, NULL, 600, 5},
    {"expires_in: under a second", "{" CODES "," URI ",\"expires_in\":0.1}", NULL, NULL, 1, 5},
    {"expires_in: 0", "{" CODES "," URI ",\"expires_in\":0}", NULL, NULL, 1800, 5},
    {"expires_in: negative", "{" CODES "," URI ",\"expires_in\":-600}", NULL, NULL, 1800, 5},
    {"expires_in: junk", "{" CODES "," URI ",\"expires_in\":\"soon\"}", NULL, NULL, 1800, 5},
    {"expires_in: array", "{" CODES "," URI ",\"expires_in\":[600]}", NULL, NULL, 1800, 5},
    {"expires_in: null", "{" CODES "," URI ",\"expires_in\":null}", NULL, NULL, 1800, 5},
    {"expires_in: a year", "{" CODES "," URI ",\"expires_in\":31536000}", NULL, NULL, 86400, 5},
    {"expires_in: 1e300", "{" CODES "," URI ",\"expires_in\":1e300}", NULL, NULL, 86400, 5},
    /* interval */
    {"interval: string", "{" CODES "," URI ",\"interval\":\"9\"}", NULL, NULL, 1800, 9},
    {"interval: float", "{" CODES "," URI ",\"interval\":2.5}", NULL, NULL, 1800, 3},
    {"interval: tiny", "{" CODES "," URI ",\"interval\":1e-9}", NULL, NULL, 1800, 1},
    {"interval: 0", "{" CODES "," URI ",\"interval\":0}", NULL, NULL, 1800, 5},
    {"interval: negative", "{" CODES "," URI ",\"interval\":-1}", NULL, NULL, 1800, 5},
    {"interval: junk", "{" CODES "," URI ",\"interval\":\"junk\"}", NULL, NULL, 1800, 5},
    {"interval: object", "{" CODES "," URI ",\"interval\":{}}", NULL, NULL, 1800, 5},
    {"interval: null", "{" CODES "," URI ",\"interval\":null}", NULL, NULL, 1800, 5},
    {"interval: an hour", "{" CODES "," URI ",\"interval\":3600}", NULL, NULL, 1800, 300},
};

static void what_servers_answer_is_understood(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof taken_rows / sizeof *taken_rows; i++) {
        const taken *row = &taken_rows[i];
        ti_device_authorization found;
        tacit_error error;

        if (parse(200, row->body, &found, &error) != TACIT_OK) {
            fail_msg("%s: %s", row->row, error.message);
        }

        assert_text(row->row, ti_secret_data(found.device_code), "dc");
        assert_text(row->row, found.user_code, "WDJB-MJHT");
        assert_text(row->row, found.verification_uri,
                    row->uri ? row->uri : "https://as.example/device");
        assert_text(row->row, found.verification_uri_complete, row->complete);
        if (found.expires_in_s != row->expires_in_s || found.interval_s != row->interval_s) {
            fail_msg("%s: %d s, every %d s", row->row, found.expires_in_s, found.interval_s);
        }
        ti_device_authorization_free(&found);
    }
}

/* --- what is refused --- */

typedef struct refused {
    const char *row;
    int http_status;
    const char *body;
    tacit_status status;
    const char *says; /* in the message, or the oauth_error */
} refused;

static const refused refused_rows[] = {
    {"no device_code", 200, "{\"user_code\":\"X\"," URI "}", TACIT_ERR_PROTOCOL, "device_code"},
    {"empty device_code", 200, "{\"device_code\":\"\",\"user_code\":\"X\"," URI "}",
     TACIT_ERR_PROTOCOL, "device_code"},
    {"no user_code", 200, "{\"device_code\":\"dc\"," URI "}", TACIT_ERR_PROTOCOL, "user_code"},
    {"user_code is a number", 200, "{\"device_code\":\"dc\",\"user_code\":123456," URI "}",
     TACIT_ERR_PROTOCOL, "user_code"},
    {"no verification_uri", 200, "{" CODES "}", TACIT_ERR_PROTOCOL, "verification_uri"},
    {"escape sequence in the user_code", 200,
     "{\"device_code\":\"dc\",\"user_code\":\"\\u001b[2J\"," URI "}", TACIT_ERR_PROTOCOL,
     "user_code"},
    {"C1 control in the user_code", 200,
     "{\"device_code\":\"dc\",\"user_code\":\"a\\u009b2J\"," URI "}", TACIT_ERR_PROTOCOL,
     "user_code"},
    {"NUL in the user_code", 200, "{\"device_code\":\"dc\",\"user_code\":\"a\\u0000b\"," URI "}",
     TACIT_ERR_PROTOCOL, "user_code"},
    {"broken UTF-8 in the user_code", 200,
     "{\"device_code\":\"dc\",\"user_code\":\"a\xFF\"," URI "}", TACIT_ERR_PROTOCOL, "user_code"},
    {"line end in the URI", 200, "{" CODES ",\"verification_uri\":\"https://a/\\r\\nb\"}",
     TACIT_ERR_PROTOCOL, "verification_uri"},
    {"script for a URI", 200, "{" CODES ",\"verification_uri\":\"javascript:alert(1)\"}",
     TACIT_ERR_PROTOCOL, "verification_uri"},
    {"URI of one letter", 200, "{" CODES ",\"verification_uri\":\"h\"}", TACIT_ERR_PROTOCOL,
     "verification_uri"},
    {"scheme alone", 200, "{" CODES ",\"verification_uri\":\"https://\"}", TACIT_ERR_PROTOCOL,
     "verification_uri"},
    {"file for a complete URI", 200,
     "{" CODES "," URI ",\"verification_uri_complete\":\"file:///etc/passwd\"}", TACIT_ERR_PROTOCOL,
     "verification_uri_complete"},
    {"complete URI is a number", 200, "{" CODES "," URI ",\"verification_uri_complete\":1}",
     TACIT_ERR_PROTOCOL, "verification_uri_complete"},
    {"an error", 400, "{\"error\":\"invalid_client\"}", TACIT_ERR_OAUTH, "invalid_client"},
    {"an error with 200", 200, "{\"error\":\"invalid_scope\"," CODES "," URI "}", TACIT_ERR_OAUTH,
     "invalid_scope"},
    {"a good body with 400", 400, "{" CODES "," URI "}", TACIT_ERR_PROTOCOL, "400"},
    {"a redirect", 302, "", TACIT_ERR_PROTOCOL, "redirect"},
    {"a web page", 200, "<html>", TACIT_ERR_PROTOCOL, "web page"},
    {"an empty body", 200, "", TACIT_ERR_PROTOCOL, "empty"},
    {"an array", 200, "[]", TACIT_ERR_PROTOCOL, "neither"},
    {"broken JSON", 200, "{" CODES, TACIT_ERR_PROTOCOL, "neither"},
    {"trouble", 503, "{" CODES "," URI "}", TACIT_ERR_SERVER, "503"},
    {"too many requests", 429, "", TACIT_ERR_SERVER, "429"},
};

static void what_cannot_be_used_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof refused_rows / sizeof *refused_rows; i++) {
        const refused *row = &refused_rows[i];
        ti_device_authorization found;
        tacit_error error;

        tacit_status status = parse(row->http_status, row->body, &found, &error);

        if (status != row->status || error.status != row->status || error.outcome_unknown ||
            error.http_status != row->http_status ||
            (!strstr(error.message, row->says) && strcmp(error.oauth_error, row->says) != 0)) {
            fail_msg("%s: %s (%s)", row->row, tacit_status_name(status), error.message);
        }
        if (found.device_code || found.user_code || found.verification_uri ||
            found.verification_uri_complete) {
            fail_msg("%s: something is left", row->row);
        }
    }
}

static void what_is_too_long_to_be_shown_is_refused(void **state) {
    char body[8192], code[4098];
    ti_device_authorization found;

    (void)state;
    memset(code, 'x', sizeof code - 1);
    code[sizeof code - 1] = '\0';
    snprintf(body, sizeof body, "{\"device_code\":\"dc\",\"user_code\":\"%s\"," URI "}", code);
    assert_int_equal(parse(200, body, &found, NULL), TACIT_ERR_PROTOCOL);
    code[sizeof code - 2] = '\0';
    snprintf(body, sizeof body, "{\"device_code\":\"dc\",\"user_code\":\"%s\"," URI "}", code);
    assert_int_equal(parse(200, body, &found, NULL), TACIT_OK);
    ti_device_authorization_free(&found);
}

static void messages_quote_nothing_of_the_answer(void **state) {
    ti_device_authorization found;
    tacit_error error;

    (void)state;
    parse(200, "{\"device_code\":\"s3cret\",\"user_code\":\"s3cret\"}", &found, &error);

    assert_null(strstr(error.message, "s3cret"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_servers_answer_is_understood),
        cmocka_unit_test(what_cannot_be_used_is_refused),
        cmocka_unit_test(what_is_too_long_to_be_shown_is_refused),
        cmocka_unit_test(messages_quote_nothing_of_the_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
