/* An answer as it was captured, read by one of some dialects. First byte: to what, and by which. */
#include <tacit/client.h>
#include <tacit/provider.h>

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 3, PROVIDERS = 4, SHOWN_MAX = 4 + sizeof "***" - 1 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds) abort();
}

static tacit_provider *provider_of(size_t which) {
    static const char *const texts[PROVIDERS] = {
        "{\"token_endpoint\":\"https://a.example/\"}",
        "{\"token_endpoint\":\"https://a.example/\",\"dialect\":{"
        "\"sign_in\":{\"url\":\"https://a.example/login\"},"
        "\"refresh\":{\"send\":\"cookie\",\"field\":\"rt\"},\"signed_out_statuses\":[401]}}",
        "{\"token_endpoint\":\"https://a.example/\",\"dialect\":{"
        "\"response\":{\"access_token\":\"/data/0/t~1k\",\"refresh_token\":\"/data/0/r\","
        "\"expires_in\":\"/ttl\",\"expires_at\":\"/data/at\",\"refresh_expires_in\":\"/rttl\","
        "\"refresh_expires_at\":\"/rat\",\"error\":\"/code\",\"error_description\":\"/text\"},"
        "\"signed_out_statuses\":[400,403],\"signed_out_errors\":[\"over\"],"
        "\"reuse_errors\":[\"reused\"]}}",
        "{\"issuer\":\"a\",\"dialect\":{\"sliding_header\":\"X-Token\"}}"};
    static tacit_provider *providers[PROVIDERS];
    if (!providers[which]) providers[which] = tacit_provider_from_json(texts[which], NULL);
    require(providers[which] != NULL);
    return providers[which];
}

/* Whatever the server put there, no more than its beginning shows. */
static void check_masked(const json_t *read, const char *name) {
    const json_t *token = json_object_get(read, name);
    require(json_string_length(token) <= SHOWN_MAX);
    require(!token || strstr(json_string_value(token), "***") != NULL);
}

/* R6: the server's trouble, and "later", end no sign-in. */
static void check_verdict(const json_t *read, tacit_answer_kind kind) {
    const char *verdict = json_string_value(json_object_get(read, "verdict"));
    json_int_t status = json_integer_value(json_object_get(read, "http_status"));
    require(verdict != NULL);
    if (strcmp(verdict, "token") == 0) {
        require(status >= 200 && status < 300 && json_object_get(read, "access_token"));
    } else if (strcmp(verdict, "signed out") == 0) {
        require(kind == TACIT_ANSWER_REFRESH && status < 500 && status != 429);
    } else {
        require(strcmp(verdict, "error") == 0 || strcmp(verdict, "unknown") == 0);
        require(json_object_get(read, "message") != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    tacit_answer_kind kind = (tacit_answer_kind)(TACIT_ANSWER_SIGN_IN + data[0] % KINDS);
    tacit_error error;

    char *text = tacit_provider_read_answer(provider_of(data[0] / KINDS % PROVIDERS), kind,
                                            (const char *)data + 1, size - 1, &error);

    require((text != NULL) == (error.status == TACIT_OK));
    if (text) {
        json_t *read = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        require(json_is_object(read));
        check_masked(read, "access_token");
        check_masked(read, "refresh_token");
        check_masked(read, "id_token");
        if (kind != TACIT_ANSWER_API) check_verdict(read, kind);
        json_decref(read);
    }
    tacit_free(text);
    return 0;
}
