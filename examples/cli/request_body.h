/* The body of a request, whole and in memory: after a 401 it is sent again. */
#ifndef CLI_REQUEST_BODY_H
#define CLI_REQUEST_BODY_H

#include "cli.h"

typedef struct request_body {
    char *bytes; /* not NULL once read, also where it is empty */
    size_t size;
} request_body;

/* DATA, @FILE or @-; complains for itself. request_body_free() it in any case. */
exit_code request_body_read(request_body *body, const char *data);
void request_body_free(request_body *body);

#endif
