#include "base/error.h"
#include "transport/internal.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The deadline runs on while the system is suspended, poll()'s timeout does not. */
#define POLL_MS_MAX 1000

/*
 * Callbacks of what is sent
 */

size_t ti_handle_read(ti_handle *handle, tacit_read_fn read, void *read_data, int64_t size,
                      int64_t *place, char *buffer, size_t capacity) {
    int64_t left = (size >= 0 ? size : INT64_MAX) - *place;
    if ((uint64_t)left < capacity) capacity = (size_t)left;
    if (capacity == 0) return 0;

    size_t count = read(buffer, capacity, read_data);
    if (count == TACIT_READ_PAUSE && handle->request->may_pause) return CURL_READFUNC_PAUSE;
    bool is_short = count == 0 && size >= 0;
    if (count > capacity || is_short) { /* TACIT_READ_ABORT among them */
        handle->stopped = TACIT_ERR_CANCELLED;
        return CURL_READFUNC_ABORT;
    }
    *place += (int64_t)count;
    return count;
}

size_t ti_on_read(char *buffer, size_t one, size_t capacity, void *user_data) {
    (void)one;
    ti_handle *handle = user_data;
    const ti_http_request *request = handle->request;
    if (handle->paused) return CURL_READFUNC_PAUSE;
    int64_t size = request->read_size > 0 ? request->read_size : -1;
    return ti_handle_read(handle, request->read, request->read_data, size, &handle->read_bytes,
                          buffer, capacity);
}

/* libcurl goes back to the start when a kept connection turns out to be dead. What was read is gone;
 * the caller, who can rewind, decides about sending again. */
int ti_on_seek(void *user_data, curl_off_t offset, int origin) {
    const ti_handle *handle = user_data;
    bool is_there = origin == SEEK_SET && offset == handle->read_bytes;
    return is_there ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

/* false: it is to stop. */
static bool tell_progress(ti_handle *handle) {
    const ti_http_request *request = handle->request;
    curl_off_t to_send = handle->progress.to_send, to_receive = handle->progress.to_receive;
    if (handle->body_mode == TI_BODY_STREAM && request->read_size <= 0) to_send = -1;
    if (handle->body_mode == TI_BODY_FORM && to_send == 0) to_send = -1; /* none is empty */
    if (request->progress(handle->progress.sent, to_send, handle->progress.received,
                          to_receive > 0 ? to_receive : -1, request->progress_data)) {
        return true;
    }
    handle->stopped = TACIT_ERR_CANCELLED;
    return false;
}

int ti_on_progress(void *user_data, curl_off_t to_receive, curl_off_t received, curl_off_t to_send,
                   curl_off_t sent) {
    ti_handle *handle = user_data;
    if (handle->stopped) return 1; /* libcurl tells it once more as it lets go */
    handle->progress.to_receive = to_receive;
    handle->progress.received = received;
    handle->progress.to_send = to_send;
    handle->progress.sent = sent;
    handle->progress.is_fresh = true;
    return tell_progress(handle) ? 0 : 1;
}

bool ti_handle_tell_progress(ti_handle *handle) {
    bool told = handle->progress.is_fresh;
    handle->progress.is_fresh = false;
    return told || tell_progress(handle);
}

/*
 * The send itself
 */

/* TACIT_OK: *wait_ms is how long to wait for the network. */
static tacit_status may_go_on(const ti_handle *handle, int *wait_ms) {
    const ti_http_request *request = handle->request;
    if (request->cancelled && atomic_load(request->cancelled)) return TACIT_ERR_CANCELLED;
    int64_t left_ms =
        request->deadline_boot_ms - ti_clock_boot_ms(handle->transport->options.clock);
    if (left_ms <= 0) return TACIT_ERR_TIMEOUT;
    *wait_ms = left_ms < POLL_MS_MAX ? (int)left_ms : POLL_MS_MAX;
    return TACIT_OK;
}

CURLcode ti_code_of(CURLMcode code) {
    return code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT;
}

static CURLcode drive(ti_handle *handle) {
    int wait_ms = 0;
    for (;;) {
        int running = 0, left = 0;
        CURLMcode code = curl_multi_perform(handle->multi, &running);
        if (code) return ti_code_of(code);
        if (running == 0) {
            const CURLMsg *message = curl_multi_info_read(handle->multi, &left);
            return message ? message->data.result : CURLE_FAILED_INIT;
        }
        handle->stopped = may_go_on(handle, &wait_ms);
        if (handle->stopped) return CURLE_ABORTED_BY_CALLBACK;
        code = curl_multi_poll(handle->multi, NULL, 0, wait_ms, NULL);
        if (code) return ti_code_of(code);
    }
}

/* Performs first and waits then: unlike curl_easy_perform(), which polls before there is anything to
 * poll for. */
static CURLcode perform(ti_handle *handle) {
    int wait_ms = 0;
    handle->stopped = may_go_on(handle, &wait_ms);
    if (handle->stopped) return CURLE_ABORTED_BY_CALLBACK;
    CURLMcode added = curl_multi_add_handle(handle->multi, handle->easy);
    if (added) return ti_code_of(added);
    handle->performed = true;
    CURLcode code = drive(handle);
    curl_multi_remove_handle(handle->multi, handle->easy);
    return code;
}

static void read_status(ti_handle *handle) {
    long status = 0;
    curl_easy_getinfo(handle->easy, CURLINFO_RESPONSE_CODE, &status);
    handle->answer->status = status >= 200 ? (int)status : 0; /* a 1xx is no answer */
    if (status < 300) return;

    curl_off_t seconds = 0;
    curl_easy_getinfo(handle->easy, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds > INT_MAX) seconds = INT_MAX;
    handle->answer->retry_after_s = seconds > 0 ? (int)seconds : 0;
}

/* A proxy's CONNECT counts as request bytes, too, but comes before the transfer. */
static bool was_sent(CURL *easy) {
    long size = 0;
    curl_off_t before_transfer_us = 0;
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &size);
    curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &before_transfer_us);
    return size > 0 && before_transfer_us > 0;
}

CURLcode ti_handle_begin(ti_handle *handle, const ti_url *url, const ti_http_request *request,
                         ti_http_answer *answer) {
    handle->request = request;
    handle->answer = answer;
    handle->body_bytes_max = request->response_bytes_max > 0
                                 ? request->response_bytes_max
                                 : handle->transport->options.response_bytes_max;
    handle->performed = handle->paused = handle->has_paused = handle->discards = false;
    handle->resumed = CURLE_OK;
    handle->stopped = TACIT_OK;
    handle->os_error = 0;
    handle->head_bytes = 0;
    handle->head_is_open = handle->body_has_begun = handle->body_goes_to_write = false;
    handle->read_bytes = 0;
    memset(&handle->progress, 0, sizeof handle->progress);
    handle->error_text[0] = '\0';
    answer->status = answer->retry_after_s = 0;
    answer->sent = false;
    ti_buffer_clear(&answer->head);
    ti_buffer_clear(&answer->body);
    return ti_handle_set_request(handle, url, request);
}

/* Lets go of what was borrowed, where libcurl would look at it before the next send sets it. */
static void let_go(ti_handle *handle) {
    handle->request = NULL;
    handle->answer = NULL;
    ti_form_free(handle->form);
    handle->form = NULL;
    if (handle->has_credentials) {
        handle->has_credentials = false;
        curl_easy_setopt(handle->easy, CURLOPT_USERNAME, NULL);
        curl_easy_setopt(handle->easy, CURLOPT_PASSWORD, NULL);
    }
}

tacit_status ti_handle_end(ti_handle *handle, CURLcode code, tacit_error *error) {
    /* libcurl takes a connection that was closed within the head for the end of the answer */
    if (!code && handle->head_is_open) code = CURLE_PARTIAL_FILE;
    if (handle->performed) read_status(handle);
    handle->answer->sent = !code || (handle->performed && was_sent(handle->easy));
    tacit_status status = code ? ti_handle_failure(handle, code, error) : ti_error_clear(error);
    let_go(handle);
    return status;
}

tacit_status ti_handle_send(ti_handle *handle, const ti_url *url, const ti_http_request *request,
                            ti_http_answer *answer, tacit_error *error) {
    CURLcode code = ti_handle_begin(handle, url, request, answer);
    if (!code) code = perform(handle);
    return ti_handle_end(handle, code, error);
}
