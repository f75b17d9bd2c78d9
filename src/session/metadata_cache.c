#include "session/metadata_cache.h"

#include "base/error.h"
#include "oauth/json.h"
#include "platform/store_file_directory.h"
#include "session/client.h"
#include "session/store_choice.h"

#include <stdlib.h>
#include <string.h>

/* Of numbers that every JSON reader holds exactly (RFC 8259 section 6). */
#define WALL_MS_MAX 0x1p53

/* Of application and issuer: one application's trust (ca_file, proxy) says nothing to another. NULL: no memory. */
static char *make_name(const tacit_client *client, const char *issuer) {
    ti_buffer text = TI_BUFFER_INIT;
    char *name;

    if (client->application_id != NULL) ti_buffer_append_string(&text, client->application_id);
    ti_buffer_append_string(&text, "\n"); /* which no issuer holds */
    ti_buffer_append_string(&text, issuer);
    name = text.failed ? NULL : ti_choice_name(text.data, ".metadata");
    ti_buffer_free(&text);
    return name;
}

/* ------------------------------------------------------------------ reading */

static bool is_of(const json_t *root, const char *issuer) {
    const char *named = ti_json_string(root, "issuer");

    return named != NULL && strcmp(named, issuer) == 0;
}

static bool copy_string(const json_t *root, const char *name, char **copy) {
    const char *text = ti_json_string(root, name);

    *copy = text == NULL ? NULL : strdup(text);
    return *copy != NULL;
}

/* What is there of a file that may be anything. */
static bool read_root(const json_t *root, const char *issuer, ti_discovery *known,
                      int64_t *fetched_wall_ms) {
    const json_t *fetched = json_object_get(root, "fetched_unix_ms");
    double fetched_ms = json_number_value(fetched);

    if (!is_of(root, issuer) || !json_is_number(fetched) || fetched_ms < 0 ||
        fetched_ms > WALL_MS_MAX || !copy_string(root, "url", &known->url))
        return false;
    if (json_object_get(root, "etag") != NULL && !copy_string(root, "etag", &known->etag))
        return false;
    *fetched_wall_ms = (int64_t)fetched_ms;
    if (!ti_json_dump(json_object_get(root, "metadata"), &known->json)) return false;
    known->metadata = ti_discovery_read(known->json.data, known->json.size, issuer, NULL);
    return known->metadata != NULL;
}

static bool read_bytes(const ti_buffer *bytes, const char *issuer, ti_discovery *known,
                       int64_t *fetched_wall_ms) {
    json_t *root;
    bool read;

    if (ti_json_load(bytes->data, bytes->size,
                     JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &root,
                     NULL) != TI_JSON_OK)
        return false;
    read = read_root(root, issuer, known, fetched_wall_ms);
    json_decref(root);
    if (!read) ti_discovery_free(known);
    return read;
}

static bool read_file(const char *path, const char *name, ti_buffer *bytes) {
    ti_directory directory;
    tacit_error ignored;
    bool read;

    if (ti_directory_open(&directory, path, TI_DIRECTORY_OURS, false, &ignored) != TACIT_OK)
        return false;
    read = ti_directory_read(&directory, name, TI_JSON_SIZE_MAX, bytes, &ignored) == TACIT_OK;
    ti_directory_close(&directory);
    return read;
}

bool ti_metadata_cache_load(const tacit_client *client, const char *issuer, ti_discovery *known,
                            int64_t *fetched_wall_ms) {
    char *name = client->state_dir == NULL ? NULL : make_name(client, issuer);
    ti_buffer bytes = TI_BUFFER_INIT;
    bool loaded;

    *known = (ti_discovery){.metadata = NULL};
    loaded = name != NULL && read_file(client->state_dir, name, &bytes) &&
             read_bytes(&bytes, issuer, known, fetched_wall_ms);
    ti_buffer_free(&bytes);
    free(name);
    return loaded;
}

/* ------------------------------------------------------------------ writing */

static bool put(json_t *object, const char *name, json_t *value) {
    return json_object_set_new(object, name, value) == 0;
}

/* What the server sent, as a value. NULL: no memory. */
static json_t *metadata_of(const ti_discovery *known) {
    static const char mark[] = "\xEF\xBB\xBF"; /* RFC 8259 section 8.1 */
    const char *text = known->json.data;
    size_t size = known->json.size;
    json_t *value;

    if (size >= sizeof mark - 1 && memcmp(text, mark, sizeof mark - 1) == 0) {
        text += sizeof mark - 1;
        size -= sizeof mark - 1;
    }
    ti_json_load(text, size, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &value, NULL);
    return value;
}

static bool write_root(json_t *root, const char *issuer, const ti_discovery *known,
                       int64_t fetched_wall_ms) {
    return put(root, "issuer", json_string(issuer)) && put(root, "url", json_string(known->url)) &&
           (known->etag == NULL || put(root, "etag", json_string(known->etag))) &&
           put(root, "fetched_unix_ms", json_integer(fetched_wall_ms)) &&
           put(root, "metadata", metadata_of(known));
}

static tacit_status write_file(const char *path, const char *name, const ti_buffer *bytes,
                               tacit_error *error) {
    ti_directory directory;
    tacit_status status = ti_directory_open(&directory, path, TI_DIRECTORY_OURS, true, error);

    if (status != TACIT_OK) return status;
    status = ti_directory_replace(&directory, name, bytes->data, bytes->size, error);
    ti_directory_close(&directory);
    return status;
}

tacit_status ti_metadata_cache_save(const tacit_client *client, const char *issuer,
                                    const ti_discovery *known, int64_t fetched_wall_ms,
                                    tacit_error *error) {
    ti_buffer bytes = TI_BUFFER_INIT;
    tacit_status status;
    json_t *root;
    char *name;

    if (client->state_dir == NULL)
        return ti_error_set(error, TACIT_ERR_UNSUPPORTED, "there is no state_dir");
    name = make_name(client, issuer);
    root = json_object();
    if (name == NULL || !write_root(root, issuer, known, fetched_wall_ms) ||
        !ti_json_dump(root, &bytes))
        status = ti_error_no_memory(error);
    else if (bytes.size > TI_JSON_SIZE_MAX) /* what is written must be read again */
        status = ti_error_set(error, TACIT_ERR_TOO_LARGE, "it is too large");
    else
        status = write_file(client->state_dir, name, &bytes, error);
    json_decref(root);
    ti_buffer_free(&bytes);
    free(name);
    return status;
}
