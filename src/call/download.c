/*
 * Properties: the file is as it was, or what the server has, whole; no byte of one state of a
 * resource is followed by those of another.
 *
 * Operation: each send asks for what is missing, under the condition (If-Range) that the resource is
 * still what it was when the first bytes came. A 206 that fits goes on; any other 2xx begins anew.
 * What cannot go on is asked for once more, as a whole, and then no rest is asked for any more.
 */
#include "call/download.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "call/content_range.h"
#include "call/partial_file.h"

struct ti_download {
    /* set at the beginning */
    bool resume;
    uint64_t source_hash; /* of the URL; from the first send on, of whose it is as well */

    ti_partial_file partial;
    uint64_t size;                     /* of what is there */
    int64_t whole;                     /* ... when all of it is; -1: unknown */
    char validator[TI_VALIDATOR_SIZE]; /* "": none, and nothing can be asked for later */
    bool only_whole;                   /* asking for the rest failed once */
    bool kept;

    /* of the send under way */
    bool asked_for_rest, begun;
    bool unfit;  /* a 206 that does not go on where this ends */
    int failure; /* errno; 0: none */
    char range[sizeof "Range: bytes=18446744073709551615-"];
    char if_range[sizeof "If-Range: " + TI_VALIDATOR_SIZE];
    const char *lines[3];
};

/* FNV-1a: tells sources apart without writing down what may be secret in a URL. */
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)

static uint64_t hash_on(uint64_t hash, const void *data, size_t size) {
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

ti_download *ti_download_new(const char *file, bool resume, const char *url) {
    ti_download *download = calloc(1, sizeof *download);

    if (download == NULL) return NULL;
    download->resume = resume;
    download->source_hash = hash_on(FNV_BASIS, url, strlen(url));
    download->whole = -1;
    if (ti_partial_init(&download->partial, file)) return download;
    free(download);
    return NULL;
}

static bool can_go_on(const ti_download *download) {
    return download->size > 0 && download->validator[0] != '\0';
}

void ti_download_free(ti_download *download) {
    if (download == NULL) return;
    if (download->partial.fd >= 0 && !download->kept &&
        !(download->resume && can_go_on(download))) {
        ti_partial_remove(&download->partial);
    }
    ti_partial_free(&download->partial);
    free(download);
}

/* ------------------------------------------------------------------ before a send */

static tacit_status fail(const ti_download *download, int cause, tacit_error *error) {
    char text[128];

    ti_error_set(error, TACIT_ERR_FILE, "%s cannot be written: %s", download->partial.file,
                 ti_error_system_text(cause, text, sizeof text));
    if (error != NULL) error->os_error = cause;
    return TACIT_ERR_FILE;
}

static bool open_part(ti_download *download, const ti_sign_in_id *whose) {
    ti_partial_file *partial = &download->partial;

    if (partial->fd >= 0) return true;
    if (!ti_partial_open(partial)) return false;
    download->source_hash = hash_on(download->source_hash, whose, sizeof *whose);
    if (!download->resume) return true;
    if (!ti_partial_read_etag(partial, download->source_hash, download->validator)) return true;
    return ti_partial_size(partial, &download->size);
}

/* RFC 9110 section 14.2: there are ranges of GET only. */
static void ask_for_rest(ti_download *download) {
    download->asked_for_rest = true;
    snprintf(download->range, sizeof download->range, "Range: bytes=%" PRIu64 "-", download->size);
    snprintf(download->if_range, sizeof download->if_range, "If-Range: %s", download->validator);
    download->lines[0] = download->range;
    download->lines[1] = download->if_range;
}

const char *const *ti_download_prepare(ti_download *download, const char *method,
                                       const ti_sign_in_id *whose, tacit_error *error) {
    if (!open_part(download, whose)) {
        fail(download, errno, error);
        return NULL;
    }
    download->asked_for_rest = download->begun = download->unfit = false;
    download->lines[0] = NULL;
    if (can_go_on(download) && !download->only_whole && strcmp(method, "GET") == 0) {
        ask_for_rest(download);
    }
    return download->lines;
}

/* ------------------------------------------------------------------ what comes */

static bool is_strong_etag(const char *value) {
    size_t size = strlen(value);

    return size >= 2 && value[0] == '"' && value[size - 1] == '"';
}

/*
 * RFC 9110 section 13.1.5: a strong ETag, or a date that is strong since it is at least a second
 * older than the answer (section 8.8.2.2), which it is where the two differ.
 */
static void note_validator(ti_download *download, const ti_http_answer *answer) {
    const char *value = ti_http_answer_header(answer, "ETag", 0);

    download->validator[0] = '\0';
    if (value == NULL) {
        const char *date = ti_http_answer_header(answer, "Date", 0);

        value = ti_http_answer_header(answer, "Last-Modified", 0);
        if (value == NULL || date == NULL || strcmp(value, date) == 0) return;
    } else if (!is_strong_etag(value)) {
        return;
    }
    if (strlen(value) >= TI_VALIDATOR_SIZE) return;
    memcpy(download->validator, value, strlen(value) + 1);
}

/* Bytes from the beginning: what was there is no use any more. */
static bool begin_anew(ti_download *download, const ti_http_answer *answer) {
    ti_partial_file *partial = &download->partial;

    ti_partial_remove_etag(partial);
    download->size = 0;
    download->whole = -1;
    if (!ti_partial_truncate(partial, 0)) {
        download->failure = errno;
        return false;
    }
    note_validator(download, answer);
    if (download->resume && download->validator[0] != '\0') {
        ti_partial_write_etag(partial, download->validator, download->source_hash);
    }
    return true;
}

/* The answer to If-Range has the same validator, or none that could differ. Servers that know only
 * Range send another. */
static bool is_same_state(const ti_download *download, const ti_http_answer *answer) {
    const char *name = download->validator[0] == '"' ? "ETag" : "Last-Modified";
    const char *value = ti_http_answer_header(answer, name, 0);

    return value == NULL || strcmp(value, download->validator) == 0;
}

static bool go_on(ti_download *download, const ti_http_answer *answer) {
    const char *value = ti_http_answer_header(answer, "Content-Range", 0);
    ti_content_range range;

    /* A server may send less than was asked for, so that without the whole's size nobody could tell
     * when it is there. */
    if (download->asked_for_rest && value != NULL && ti_content_range_parse(value, &range) &&
        range.first == download->size && range.complete >= 0 && is_same_state(download, answer)) {
        download->whole = range.complete;
        return true;
    }
    download->unfit = true;
    return false;
}

static bool begin(ti_download *download, int status, const ti_http_answer *answer) {
    download->begun = true;
    return status == 206 ? go_on(download, answer) : begin_anew(download, answer);
}

bool ti_download_begins(const ti_http_answer *answer, void *data) {
    return begin(data, answer->status, answer);
}

size_t ti_download_write(const char *bytes, size_t size, void *data) {
    ti_download *download = data;
    size_t written = ti_partial_write(&download->partial, download->size, bytes, size);

    if (written < size) download->failure = errno;
    download->size += written;
    return written;
}

/* ------------------------------------------------------------------ after a send */

static ti_download_verdict failed(const ti_download *download, int http_status,
                                  tacit_error *error) {
    fail(download, download->failure, error);
    error->http_status = http_status;
    return TI_DOWNLOAD_FAILED;
}

static ti_download_verdict broken(int http_status, const char *what, tacit_error *error) {
    ti_error_set(error, TACIT_ERR_NETWORK, "%s", what);
    error->http_status = http_status;
    return TI_DOWNLOAD_BROKEN;
}

static ti_download_verdict refused(ti_download *download, int http_status, tacit_error *error) {
    if (!download->asked_for_rest) {
        return broken(http_status, "the server sent a part of the file that was not asked for",
                      error);
    }
    download->only_whole = true;
    return TI_DOWNLOAD_REFUSED;
}

/* 204 and 205 say that there is nothing, which is not the same as an empty file. */
static bool has_content(int status) {
    return status >= 200 && status < 300 && status != 204 && status != 205;
}

ti_download_verdict ti_download_sent(ti_download *download, tacit_status status,
                                     const ti_http_answer *answer, tacit_error *error) {
    int http_status = answer->status;

    if (status == TACIT_OK && has_content(http_status) && !download->begun) {
        begin(download, http_status, answer);
    }
    if (download->failure != 0) return failed(download, http_status, error);
    if (download->unfit) return refused(download, http_status, error);
    if (status != TACIT_OK) return TI_DOWNLOAD_NOT_MINE;
    if (http_status == 416 && download->asked_for_rest) {
        return refused(download, http_status, error);
    }
    if (!has_content(http_status)) return TI_DOWNLOAD_NOT_MINE;
    if (download->whole >= 0 && download->size != (uint64_t)download->whole) {
        return broken(http_status, "the server sent less than the rest of the file", error);
    }
    return TI_DOWNLOAD_COMPLETE;
}

tacit_status ti_download_keep(ti_download *download, tacit_error *error) {
    if (!ti_partial_keep(&download->partial)) return fail(download, errno, error);
    download->kept = true;
    return TACIT_OK;
}
