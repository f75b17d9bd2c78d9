/* The fields of a form, as --form names them. */
#ifndef CLI_REQUEST_FORM_H
#define CLI_REQUEST_FORM_H

#include <tacit/request.h>

#include "options.h"

typedef struct request_form {
    tacit_part *parts; /* their names are its own, the rest is borrowed from the fields */
    const tacit_part **list;
    size_t count;
} request_form;

/* NAME=VALUE or NAME=@FILE each; complains for itself. request_form_free() it in any case. */
exit_code request_form_read(request_form *form, const command_spec *command,
                            const text_list *fields);
void request_form_free(request_form *form);

#endif
