#include "transport/internal.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#define HEAD_BYTES_FIRST 512               /* most heads fit */
#define BODY_BYTES_FIRST_MAX (1024 * 1024) /* a server may lie about its Content-Length */

static size_t stop(ti_handle *handle, tacit_status status) {
    handle->stopped = status;
    return 0; /* fewer than it got: libcurl ends the transfer */
}

static bool append_line(ti_buffer *head, const char *line, size_t size) {
    size_t more = size + 1;
    if (!head->data && more < HEAD_BYTES_FIRST) more = HEAD_BYTES_FIRST - 1;
    if (!ti_buffer_reserve(head, more)) return false;
    memcpy(head->data + head->size, line, size);
    head->data[head->size + size] = '\0';
    head->size += size + 1;
    head->data[head->size] = '\0';
    return true;
}

/* One line at a time, with its line end. */
size_t ti_on_head(char *data, size_t one, size_t size, void *user_data) {
    (void)one;
    ti_handle *handle = user_data;
    handle->head_bytes += size;
    if (handle->head_bytes > TI_HEAD_BYTES_MAX) return stop(handle, TACIT_ERR_TOO_LARGE);

    /* each 1xx has a head of its own before the one that counts */
    if (!handle->head_is_open) {
        if (size >= 5 && memcmp(data, "HTTP/", 5) == 0) {
            handle->head_is_open = true;
            ti_buffer_clear(&handle->answer->head);
        }
        return size; /* else a trailer, which must not pass for a header (RFC 9110 section 6.5.1) */
    }

    size_t end = size;
    while (end > 0 && (data[end - 1] == '\n' || data[end - 1] == '\r' || data[end - 1] == ' ' ||
                       data[end - 1] == '\t')) {
        end--;
    }
    if (end == 0) {
        handle->head_is_open = false;
        return size;
    }
    if (!append_line(&handle->answer->head, data, end)) return stop(handle, TACIT_ERR_NO_MEMORY);
    return size;
}

static tacit_status begin_write(const ti_http_request *request, const ti_http_answer *answer) {
    bool goes_on = !request->write_begins || request->write_begins(answer, request->write_data);
    return goes_on ? TACIT_OK : TACIT_ERR_CANCELLED;
}

/* Decides where the body goes. */
static tacit_status begin_body(ti_handle *handle) {
    ti_http_answer *answer = handle->answer;
    long status = 0;
    curl_easy_getinfo(handle->easy, CURLINFO_RESPONSE_CODE, &status);
    handle->body_has_begun = true;
    handle->body_goes_to_write = handle->request->write && status >= 200 && status < 300;
    if (handle->body_goes_to_write) {
        answer->status = (int)status;
        return begin_write(handle->request, answer);
    }

    curl_off_t length = -1;
    curl_easy_getinfo(handle->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (length <= 0) return TACIT_OK;
    if ((uint64_t)length > handle->body_bytes_max) return TACIT_ERR_TOO_LARGE;
    size_t first = length < BODY_BYTES_FIRST_MAX ? (size_t)length : BODY_BYTES_FIRST_MAX;
    return ti_buffer_reserve(&answer->body, first) ? TACIT_OK : TACIT_ERR_NO_MEMORY;
}

static size_t give_to_write(ti_handle *handle, const char *data, size_t size) {
    const ti_http_request *request = handle->request;
    size_t taken = request->write(data, size, request->write_data);
    if (taken == size) return size;
    if (taken == TACIT_WRITE_PAUSE && request->may_pause) {
        handle->has_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    return stop(handle, TACIT_ERR_CANCELLED);
}

size_t ti_on_body(char *data, size_t one, size_t size, void *user_data) {
    (void)one;
    ti_handle *handle = user_data;
    if (handle->discards) return size;
    if (handle->paused) return CURL_WRITEFUNC_PAUSE;
    if (!handle->body_has_begun) {
        tacit_status status = begin_body(handle);
        if (status) return stop(handle, status);
    }
    if (handle->body_goes_to_write) return give_to_write(handle, data, size);
    ti_buffer *body = &handle->answer->body;
    if (size > handle->body_bytes_max - body->size) {
        return stop(handle, TACIT_ERR_TOO_LARGE);
    }
    return ti_buffer_append(body, data, size) ? size : stop(handle, TACIT_ERR_NO_MEMORY);
}

void ti_http_answer_free(ti_http_answer *answer) {
    ti_buffer_free(&answer->head);
    ti_buffer_free(&answer->body);
    *answer =
        (ti_http_answer){.head.secret = answer->head.secret, .body.secret = answer->body.secret};
}

const char *ti_http_answer_header(const ti_http_answer *answer, const char *name, size_t index) {
    size_t name_size = strlen(name);
    if (answer->head.size == 0) return NULL; /* no memory to point into either */
    const char *line = answer->head.data;
    const char *end = line + answer->head.size;
    for (; line < end; line += strlen(line) + 1) {
        if (strncasecmp(line, name, name_size) != 0 || line[name_size] != ':') continue;
        if (index-- > 0) continue;
        const char *value = line + name_size + 1;
        return value + strspn(value, " \t");
    }
    return NULL;
}

const char *ti_http_answer_header_line(const ti_http_answer *answer, size_t index) {
    if (answer->head.size == 0) return NULL;
    const char *line = answer->head.data;
    const char *end = line + answer->head.size;
    while (index-- > 0 && line < end) line += strlen(line) + 1;
    return line < end ? line : NULL;
}
