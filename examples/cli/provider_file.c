#include "provider_file.h"

#include "request_body.h"

#include <stdlib.h>
#include <string.h>

/* What to call it in a sentence. */
static const char *name_of(const char *path) {
    return strcmp(path, "-") == 0 ? "The standard input" : path;
}

/* As a text, which the library wants; it says what is wrong with it as JSON. */
static exit_code read_text(const char *path, char **text) {
    request_body body;
    char *data = NULL;
    exit_code code = EXIT_OK;

    *text = NULL;
    if (asprintf(&data, "@%s", path) < 0) return complain(EXIT_FAILED, "Out of memory.");
    code = request_body_read(&body, data);
    free(data);
    if (code == EXIT_OK && body.size == 0)
        code = complain(EXIT_FAILED, "%s: it is empty.", name_of(path));
    if (code == EXIT_OK && memchr(body.bytes, '\0', body.size) != NULL)
        code = complain(EXIT_FAILED, "%s: it is no text.", name_of(path));
    if (code == EXIT_OK) *text = strndup(body.bytes, body.size);
    if (code == EXIT_OK && *text == NULL) code = complain(EXIT_FAILED, "Out of memory.");
    request_body_free(&body);
    return code;
}

/* As some editors put it before a text (RFC 8259 section 8.1). */
static const char *skip_byte_order_mark(const char *text) {
    static const char mark[] = "\xEF\xBB\xBF";

    return strncmp(text, mark, sizeof mark - 1) == 0 ? text + sizeof mark - 1 : text;
}

static exit_code parse(provider_file *file, const char *path, const char *text) {
    json_error_t at;
    tacit_error error;

    file->json = json_loads(skip_byte_order_mark(text), JSON_REJECT_DUPLICATES, &at);
    if (file->json == NULL)
        return complain(EXIT_FAILED, "%s, line %d: %s", name_of(path), at.line, at.text);
    file->provider = tacit_provider_from_json(text, &error);
    if (file->provider != NULL) return EXIT_OK;
    return complain(exit_code_of(error.status), "%s: %s", name_of(path), error.message);
}

exit_code provider_file_read(provider_file *file, const char *path) {
    char *text;
    exit_code code = read_text(path, &text);

    *file = (provider_file){.json = NULL};
    if (text != NULL) code = parse(file, path, text);
    free(text);
    return code;
}

void provider_file_free(provider_file *file) {
    json_decref(file->json);
    tacit_provider_unref(file->provider);
    *file = (provider_file){.json = NULL};
}

const json_t *provider_dialect(const json_t *provider) {
    return json_object_get(provider, "dialect");
}

bool provider_has_sign_in(const json_t *provider) {
    return json_object_get(provider_dialect(provider), "sign_in") != NULL;
}

bool provider_has_body(const json_t *request) {
    const char *method = json_string_value(json_object_get(request, "method"));

    return method == NULL || (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 &&
                              strcmp(method, "DELETE") != 0);
}

bool provider_ends_with(const json_t *provider, json_int_t status) {
    const json_t *listed;
    size_t i;

    json_array_foreach(json_object_get(provider_dialect(provider), "signed_out_statuses"), i,
                       listed) if (json_integer_value(listed) == status) return true;
    return false;
}

bool provider_slides(const json_t *provider) {
    return json_object_get(provider_dialect(provider), "sliding_header") != NULL;
}
