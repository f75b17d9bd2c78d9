#include "call/response.h"

#include <stdlib.h>
#include <string.h>

tacit_response *ti_response_new(const ti_url *url) {
    const char *text = ti_url_text(url);
    size_t size = strlen(text) + 1;
    /* not calloc(), which in glibc does not reuse the block of the request before */
    tacit_response *response = malloc(sizeof *response + size);

    if (response == NULL) return NULL;
    *response = (tacit_response){.answer = TI_HTTP_ANSWER_INIT};
    memcpy(response->url, text, size);
    return response;
}

int tacit_response_status(const tacit_response *response) {
    return response == NULL ? 0 : response->answer.status;
}

const char *tacit_response_header(const tacit_response *response, const char *name) {
    return tacit_response_header_at(response, name, 0);
}

const char *tacit_response_header_at(const tacit_response *response, const char *name,
                                     size_t index) {
    if (response == NULL || name == NULL) return NULL;
    return ti_http_answer_header(&response->answer, name, index);
}

const char *tacit_response_header_line(const tacit_response *response, size_t index) {
    return response == NULL ? NULL : ti_http_answer_header_line(&response->answer, index);
}

const char *tacit_response_body(const tacit_response *response) {
    if (response == NULL) return NULL;
    return response->answer.body.data == NULL ? "" : response->answer.body.data;
}

size_t tacit_response_body_size(const tacit_response *response) {
    return response == NULL ? 0 : response->answer.body.size;
}

const char *tacit_response_url(const tacit_response *response) {
    if (response == NULL) return NULL;
    return response->redirected == NULL ? response->url : ti_url_text(response->redirected);
}

int tacit_response_attempts(const tacit_response *response) {
    return response == NULL ? 0 : response->attempts;
}

int tacit_response_retries(const tacit_response *response) {
    return response == NULL ? 0 : response->retries;
}

void tacit_response_free(tacit_response *response) {
    if (response == NULL) return;
    ti_http_answer_free(&response->answer);
    ti_url_free(response->redirected);
    free(response);
}
