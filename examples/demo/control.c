#include "control.h"

#include <curl/curl.h>
#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_S = 10 };

struct control {
    CURL *curl;
    char url[256];
};

typedef struct text {
    char *bytes;
    size_t size;
} text;

static size_t collect(char *data, size_t size, size_t count, void *user_data) {
    text *text = user_data;
    size_t more = size * count;
    char *bytes = realloc(text->bytes, text->size + more + 1);

    if (!bytes) return 0;
    memcpy(bytes + text->size, data, more);
    text->bytes = bytes;
    text->size += more;
    bytes[text->size] = '\0';
    return more;
}

/* A POST where there is a body. The answer is yours; NULL unless the status is 200. */
static char *ask(control *control, const char *path, const char *body) {
    text answer = {NULL, 0};
    char url[512];
    long status = 0;

    snprintf(url, sizeof url, "%s%s", control->url, path);
    curl_easy_reset(control->curl);
    curl_easy_setopt(control->curl, CURLOPT_URL, url);
    curl_easy_setopt(control->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(control->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(control->curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(control->curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(control->curl, CURLOPT_WRITEDATA, &answer);
    if (body) curl_easy_setopt(control->curl, CURLOPT_POSTFIELDS, body);
    CURLcode code = curl_easy_perform(control->curl);
    curl_easy_getinfo(control->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && status == 200) return answer.bytes;
    free(answer.bytes);
    return NULL;
}

control *control_new(const char *server_url) {
    control *control = calloc(1, sizeof *control);

    if (!control) return NULL;
    snprintf(control->url, sizeof control->url, "%s", server_url);
    control->curl = curl_easy_init();
    if (control->curl) return control;
    free(control);
    return NULL;
}

void control_free(control *control) {
    if (!control) return;
    curl_easy_cleanup(control->curl);
    free(control);
}

bool control_counts(control *control, server_counts *counts) {
    const struct {
        const char *name;
        long *value;
    } members[] = {
        {"password_grants", &counts->sign_ins},
        {"refreshes_ok", &counts->refreshes},
        {"refreshes_refused", &counts->refreshes_refused},
        {"peak_concurrent_grants", &counts->most_grants_at_once},
        {"reuse_detections", &counts->reused_refresh_tokens},
        {"api_requests", &counts->api_requests},
        {"api_2xx", &counts->api_200},
        {"api_401", &counts->api_401},
        {"held", &counts->held},
        {"revocations", &counts->revocations},
        {"live_access_tokens", &counts->live_access_tokens},
        {"live_refresh_tokens", &counts->live_refresh_tokens},
    };
    char *answer = ask(control, "/__control", NULL);
    json_t *json = answer ? json_loads(answer, 0, NULL) : NULL;
    bool ok = json != NULL;

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const json_t *member = json_object_get(json, members[i].name);
        *members[i].value = (long)json_integer_value(member);
        ok = ok && json_is_integer(member);
    }
    json_decref(json);
    free(answer);
    return ok;
}

bool control_command(control *control, const char *json) {
    char *answer = ask(control, "/__control", json);
    bool ok = answer != NULL;

    free(answer);
    return ok;
}

char *control_metadata(control *control) {
    return ask(control, "/.well-known/oauth-authorization-server", NULL);
}
