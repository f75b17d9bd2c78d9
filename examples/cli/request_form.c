#include "request_form.h"

#include <stdlib.h>
#include <string.h>

static exit_code read_field(tacit_part *part, const command_spec *command, const char *field) {
    const char *equals = strchr(field, '='), *value;

    if (equals == NULL || equals == field || strcmp(equals, "=@") == 0)
        return refuse_usage(command, "--form wants NAME=VALUE or NAME=@FILE, not \"%s\"", field);
    value = equals + 1;
    part->struct_size = sizeof *part;
    part->name = strndup(field, (size_t)(equals - field));
    if (part->name == NULL) return complain(EXIT_FAILED, "Out of memory.");
    if (*value == '@') {
        part->file = value + 1;
    } else {
        part->data = value;
        part->size = strlen(value);
    }
    return EXIT_OK;
}

exit_code request_form_read(request_form *form, const command_spec *command,
                            const text_list *fields) {
    exit_code code = EXIT_OK;

    *form = (request_form){.parts = calloc(fields->count + 1, sizeof *form->parts),
                           .list = calloc(fields->count + 1, sizeof *form->list)};
    if (form->parts == NULL || form->list == NULL) return complain(EXIT_FAILED, "Out of memory.");
    for (size_t i = 0; i < fields->count && code == EXIT_OK; i++) {
        form->list[i] = &form->parts[i];
        form->count++;
        code = read_field(&form->parts[i], command, fields->items[i]);
    }
    return code;
}

void request_form_free(request_form *form) {
    for (size_t i = 0; i < form->count; i++) free((char *)form->parts[i].name);
    free(form->parts);
    free(form->list);
    *form = (request_form){.parts = NULL};
}
