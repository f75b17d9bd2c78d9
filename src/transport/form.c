/*
 * A form as libcurl sends it (multipart/form-data, RFC 7578): what comes out of each part is its
 * caller's, and libcurl copies none of it.
 *
 * Files are read here and not by libcurl, which would open them late, send what a growing one has
 * too much, and wait for what a shrinking one lacks.
 */
#include "base/error.h"
#include "platform/file.h"
#include "transport/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct form_part {
    ti_handle *handle;
    tacit_part part; /* the caller's, whole */
    int file;        /* a descriptor; -1: none */
    int64_t size;    /* -1: unknown */
    int64_t place;   /* in it */
} form_part;

struct ti_form {
    curl_mime *mime;
    size_t count;
    form_part parts[];
};

/*
 * Where content comes from
 */

static size_t fail_file(const form_part *own, int os_error) {
    ti_handle *handle = own->handle;
    handle->stopped = TACIT_ERR_FILE;
    handle->file = own->part.file;
    handle->os_error = os_error;
    return CURL_READFUNC_ABORT;
}

static size_t read_memory(form_part *own, char *buffer, size_t capacity) {
    size_t left = (size_t)(own->size - own->place);
    if (capacity > left) capacity = left;
    if (capacity > 0) memcpy(buffer, (const char *)own->part.data + own->place, capacity);
    return capacity;
}

static size_t read_file(form_part *own, char *buffer, size_t capacity) {
    if ((int64_t)capacity > own->size - own->place) capacity = (size_t)(own->size - own->place);
    if (capacity == 0) return 0;
    ptrdiff_t count = ti_file_read(own->file, buffer, capacity);
    if (count < 0) return fail_file(own, errno);
    if (count == 0) return fail_file(own, EIO); /* it was cut meanwhile */
    return (size_t)count;
}

static size_t on_read(char *buffer, size_t one, size_t capacity, void *user_data) {
    form_part *own = user_data;
    const tacit_part *part = &own->part;
    ti_handle *handle = own->handle;
    capacity *= one;
    if (handle->paused) return CURL_READFUNC_PAUSE;
    if (part->read) {
        return ti_handle_read(handle, part->read, part->read_data, own->size, &own->place, buffer,
                              capacity);
    }
    size_t count =
        own->file >= 0 ? read_file(own, buffer, capacity) : read_memory(own, buffer, capacity);
    if (count != CURL_READFUNC_ABORT) own->place += (int64_t)count;
    return count;
}

/* libcurl starts over where a kept connection turns out to be dead. */
static int on_seek(void *user_data, curl_off_t offset, int origin) {
    form_part *own = user_data;
    if (origin != SEEK_SET || offset != 0) return CURL_SEEKFUNC_FAIL;
    if (own->place == 0) return CURL_SEEKFUNC_OK;
    const tacit_part *part = &own->part;
    if (part->read && (!part->rewind || !part->rewind(part->read_data))) return CURL_SEEKFUNC_FAIL;
    if (own->file >= 0 && !ti_file_rewind(own->file)) return CURL_SEEKFUNC_FAIL;
    own->place = 0;
    return CURL_SEEKFUNC_OK;
}

/*
 * How it is built
 */

static CURLcode open_part(ti_handle *handle, form_part *own, const tacit_part *given) {
    own->handle = handle;
    own->file = -1;
    if (!ti_struct_read(&own->part, sizeof own->part, given, "a part", "TACIT_PART_INIT", NULL)) {
        return CURLE_BAD_FUNCTION_ARGUMENT;
    }
    if (own->part.file) {
        own->file = ti_file_open(own->part.file, &own->size);
        if (own->file >= 0) return CURLE_OK;
        fail_file(own, errno);
        return CURLE_READ_ERROR;
    }
    if (own->part.read) {
        own->size = own->part.read_size > 0 ? own->part.read_size : -1;
    } else {
        own->size = (int64_t)own->part.size;
    }
    return CURLE_OK;
}

static CURLcode add_part(curl_mime *mime, form_part *own) {
    const tacit_part *part = &own->part;
    const char *file_name = part->file_name;
    if (!file_name && part->file) file_name = ti_file_name(part->file);
    const char *content_type = part->content_type;
    /* libcurl would guess one from the name */
    if (!content_type && file_name) content_type = "application/octet-stream";

    curl_mimepart *added = curl_mime_addpart(mime);
    if (!added) return CURLE_OUT_OF_MEMORY;
    CURLcode code = curl_mime_data_cb(added, own->size, on_read, on_seek, NULL, own);
    if (!code) code = curl_mime_name(added, part->name);
    if (!code && file_name) code = curl_mime_filename(added, file_name);
    if (!code && content_type) code = curl_mime_type(added, content_type);
    return code;
}

static ti_form *new_form(ti_handle *handle, size_t count) {
    ti_form *form = calloc(1, sizeof *form + count * sizeof *form->parts);
    if (!form) return NULL;
    form->mime = curl_mime_init(handle->easy);
    if (form->mime) return form;
    free(form);
    return NULL;
}

CURLcode ti_form_set(ti_handle *handle, const tacit_part *const *parts) {
    size_t count = 0;
    while (parts[count]) count++;
    ti_form *form = handle->form = new_form(handle, count);
    if (!form) return CURLE_OUT_OF_MEMORY;
    CURLcode code = CURLE_OK;
    for (size_t i = 0; !code && i < count; i++) {
        form->count++;
        code = open_part(handle, &form->parts[i], parts[i]);
        if (!code) code = add_part(form->mime, &form->parts[i]);
    }
    return code ? code : curl_easy_setopt(handle->easy, CURLOPT_MIMEPOST, form->mime);
}

void ti_form_free(ti_form *form) {
    if (!form) return;
    curl_mime_free(form->mime);
    for (size_t i = 0; i < form->count; i++) {
        if (form->parts[i].file >= 0) ti_file_close(form->parts[i].file);
    }
    free(form);
}
