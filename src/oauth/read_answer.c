/* tacit_provider_read_answer(): what the real path reads, shown. */
#include <tacit/provider.h>

#include "base/clock.h"
#include "base/error.h"
#include "oauth/captured.h"
#include "oauth/challenge.h"
#include "oauth/json.h"
#include "oauth/jwt.h"
#include "oauth/provider.h"
#include "oauth/sliding.h"
#include "oauth/token_response.h"

#include <string.h>

#define SHOWN_SIZE 4
/* Of a shorter one its first characters would tell too much. */
#define SHOWN_OF_MIN 12
#define MASK "***"

/* --- the text. What finds no memory shows in what it was put into --- */

typedef struct shown {
    json_t *object;
    bool failed; /* no memory */
} shown;

static void put(shown *to, const char *name, json_t *value) {
    if (!ti_json_put(to->object, name, value)) to->failed = true;
}

static void put_text(shown *to, const char *name, const char *text) {
    bool invalid = false;
    if (!text || *text == '\0') return;
    json_t *value = ti_json_new_string(text, strlen(text), &invalid);
    put(to, name, invalid ? json_string("?") : value);
}

/* negative: unknown */
static void put_number(shown *to, const char *name, int64_t number) {
    if (number >= 0) put(to, name, json_integer(number));
}

static void put_token(shown *to, const char *name, const ti_secret *token) {
    char text[SHOWN_SIZE + sizeof MASK];
    size_t size = 0;
    if (!token) return;
    const char *bytes = ti_secret_data(token);
    while (ti_secret_size(token) >= SHOWN_OF_MIN && size < SHOWN_SIZE && bytes[size] > ' ' &&
           bytes[size] <= '~') {
        text[size] = bytes[size];
        size++;
    }
    memcpy(text + size, MASK, sizeof MASK);
    put_text(to, name, text);
}

/* --- what was read --- */

static const char *verdict_name(ti_verdict verdict, tacit_answer_kind kind) {
    switch (verdict) {
    case TI_VERDICT_TOKEN:
        return "token";
    case TI_VERDICT_REFUSED:
        return kind == TACIT_ANSWER_REFRESH ? "signed out" : "error";
    case TI_VERDICT_UNKNOWN:
        return "unknown";
    default:
        return "error";
    }
}

static void show_grant(shown *to, const ti_http_answer *answer, const ti_dialect *dialect,
                       tacit_answer_kind kind, int64_t wall_ms) {
    bool by_dialect = dialect && dialect->sign_in;
    const ti_token_reading reading = {.dialect = dialect,
                                      .asked = kind == TACIT_ANSWER_REFRESH ? TI_ASKED_REFRESH
                                               : by_dialect                 ? TI_ASKED_SIGN_IN
                                                                            : TI_ASKED_GRANT,
                                      .wall_ms = wall_ms};
    ti_token_response response;
    tacit_error error;
    ti_verdict verdict = ti_token_response_read(answer, &reading, &response, &error);

    if (error.status == TACIT_ERR_NO_MEMORY) to->failed = true;
    put_text(to, "verdict", verdict_name(verdict, kind));
    put_token(to, "access_token", response.access_token);
    put_token(to, "refresh_token", response.refresh_token);
    put_token(to, "id_token", response.id_token);
    put_text(to, "token_type", verdict == TI_VERDICT_TOKEN ? response.type : NULL);
    put_text(to, "scope", response.scope);
    put_number(to, "expires_in", response.lifetime_s);
    put_number(to, "refresh_in", response.refresh_in_s);
    put_number(to, "refresh_expires_in", response.refresh_lifetime_s);
    put_text(to, "error", error.oauth_error);
    put_text(to, "error_description", error.oauth_error_description);
    put_text(to, "message", error.message);
    put_number(to, "retry_after", answer->retry_after_s > 0 ? answer->retry_after_s : -1);
    ti_token_response_free(&response);
}

static bool refuses_token(const ti_http_answer *answer, bool *failed) {
    ti_challenges challenges = {.items = NULL};
    const char *value;
    for (size_t i = 0; (value = ti_http_answer_header(answer, "WWW-Authenticate", i)); i++) {
        if (!ti_challenges_parse(&challenges, value)) *failed = true;
    }
    bool refuses = ti_challenges_refuse_token(&challenges, answer->status);
    ti_challenges_free(&challenges);
    return refuses;
}

/* Only what would be adopted. */
static void show_sliding(shown *to, const ti_http_answer *answer, const char *header,
                         int64_t wall_ms) {
    const char *text = ti_sliding_token(answer, header);
    int64_t lifetime_s;
    if (!ti_sliding_is_token(text) || answer->status < 200 || answer->status > 299) return;
    ti_secret *token = ti_secret_from_string(text);
    if (!token) to->failed = true;
    put_token(to, "access_token", token);
    if (ti_jwt_lifetime_s(token, wall_ms, &lifetime_s)) put_number(to, "expires_in", lifetime_s);
    ti_secret_unref(token);
}

static void show_api(shown *to, const ti_http_answer *answer, const ti_dialect *dialect,
                     int64_t wall_ms) {
    put(to, "refuses_token", json_boolean(refuses_token(answer, &to->failed)));
    if (dialect && dialect->sliding_header) {
        show_sliding(to, answer, dialect->sliding_header, wall_ms);
    }
}

/* Yours. NULL: no memory. */
static char *show(const ti_dialect *dialect, tacit_answer_kind kind, const char *text,
                  size_t size) {
    const ti_clock clock = {.injected = {.boot_ms = NULL}};
    int64_t wall_ms = ti_clock_wall_ms(&clock);
    ti_http_answer answer = TI_HTTP_ANSWER_INIT;
    ti_buffer result = TI_BUFFER_INIT;
    shown to = {.object = json_object()};
    bool read = to.object && ti_captured_read(text, size, &wall_ms, &answer);
    if (read) {
        put_number(&to, "http_status", answer.status);
        if (kind == TACIT_ANSWER_API) {
            show_api(&to, &answer, dialect, wall_ms);
        } else {
            show_grant(&to, &answer, dialect, kind, wall_ms);
        }
    }
    if (!read || to.failed || !ti_json_dump(to.object, &result)) ti_buffer_free(&result);
    ti_json_wipe_and_free(to.object);
    ti_http_answer_free(&answer);
    return result.data;
}

/* --- the function --- */

static tacit_status check(const tacit_provider *provider, tacit_answer_kind kind,
                          const char *answer, size_t size, tacit_error *error) {
    if (!provider) return ti_error_argument(error, "provider", "is NULL");
    if (kind < TACIT_ANSWER_SIGN_IN || kind > TACIT_ANSWER_API) {
        return ti_error_argument(error, "kind", "is none that there is");
    }
    if (!answer) return ti_error_argument(error, "answer", "is NULL");
    if (size > TI_JSON_SIZE_MAX) return ti_error_argument(error, "answer", "is over 1 MiB");
    return TACIT_OK;
}

char *tacit_provider_read_answer(tacit_provider *provider, tacit_answer_kind kind,
                                 const char *answer, size_t size, tacit_error *error) {
    if (check(provider, kind, answer, size, error) != TACIT_OK) return NULL;
    ti_metadata *metadata = ti_provider_metadata(provider);
    if (!metadata) {
        ti_error_argument(error, "provider", "is named by its issuer, which was not asked yet");
        return NULL;
    }
    char *text = show(ti_metadata_dialect(metadata), kind, answer, size);
    ti_metadata_unref(metadata);
    if (text) {
        ti_error_clear(error);
    } else {
        ti_error_no_memory(error);
    }
    return text;
}
