/* Where the answer to a request goes: the standard output, a file, which is the library's to write,
 * or something else with a name, a pipe or a device. */
#ifndef CLI_REQUEST_OUTPUT_H
#define CLI_REQUEST_OUTPUT_H

#include <tacit/request.h>

#include "cli.h"

typedef struct request_output {
    const char *path; /* NULL: the standard output */
    bool is_file;     /* tacit_request.file takes it */
    FILE *file;       /* NULL: not open yet */
    bool failed;      /* the user was told why */
} request_output;

/* path may be NULL. ranged: a Range of the user's own, which the library writes into no file. */
request_output request_output_to(const char *path, bool ranged);
/* tacit_write_fn of a 2xx body; data is the request_output. */
size_t request_output_write(const char *bytes, size_t size, void *data);
/* "HTTP 200", the header lines, and an empty line. */
void request_output_head(const tacit_response *response);
/* What did not go through request_output_write(). false: told why. */
bool request_output_rest(request_output *output, const tacit_response *response);
/* Closes, and answers code, or that this failed. */
exit_code request_output_end(request_output *output, exit_code code);

#endif
