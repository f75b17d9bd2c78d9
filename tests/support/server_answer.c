/* What an answer is made of. */
#include "server_internal.h"

#include <stdlib.h>
#include <string.h>

void ts_answer_json(ts_answer *answer, int status, json_t *taken) {
    free(answer->body);
    answer->status = status;
    answer->content_type = "application/json";
    answer->body = json_dumps(taken, JSON_COMPACT);
    answer->body_size = answer->body ? strlen(answer->body) : 0;
    json_decref(taken);
}

void ts_answer_error(ts_answer *answer, int status, const char *error) {
    ts_answer_json(answer, status, json_pack("{s:s}", "error", error));
}

void ts_answer_add_header(ts_answer *answer, const char *line) {
    char *headers = answer->headers ? ts_format("%s\n%s", answer->headers, line) : ts_strdup(line);
    free(answer->headers);
    answer->headers = headers;
}

void ts_json_merge(json_t *object, const char *members) {
    json_t *merged = members ? json_loads(members, 0, NULL) : NULL;
    const char *name;
    json_t *value;

    json_object_foreach(merged, name, value) {
        if (json_is_null(value))
            json_object_del(object, name);
        else
            json_object_set(object, name, value);
    }
    json_decref(merged);
}
