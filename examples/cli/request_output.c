#include "request_output.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static bool fail(request_output *output) {
    if (!output->failed)
        complain(EXIT_FAILED, "%s: %s", output->path == NULL ? "The standard output" : output->path,
                 strerror(errno));
    output->failed = true;
    return false;
}

/* One that is not there yet will be one. */
static bool is_file(const char *path) {
    struct stat about;

    return stat(path, &about) != 0 || S_ISREG(about.st_mode);
}

request_output request_output_to(const char *path, bool ranged) {
    return (request_output){.path = path, .is_file = path != NULL && !ranged && is_file(path)};
}

static bool open_output(request_output *output) {
    if (output->file != NULL) return true;
    output->file = output->path == NULL ? stdout : fopen(output->path, "wbe");
    return output->file != NULL || fail(output);
}

size_t request_output_write(const char *bytes, size_t size, void *data) {
    request_output *output = data;

    if (!open_output(output)) return 0;
    if (fwrite(bytes, 1, size, output->file) == size) return size;
    fail(output);
    return 0;
}

void request_output_head(const tacit_response *response) {
    const char *line;

    printf("HTTP %d\r\n", tacit_response_status(response));
    for (size_t i = 0; (line = tacit_response_header_line(response, i)) != NULL; i++)
        printf("%s\r\n", line);
    printf("\r\n");
}

bool request_output_rest(request_output *output, const tacit_response *response) {
    int status = tacit_response_status(response);
    size_t size = tacit_response_body_size(response);

    if (status >= 200 && status < 300) {
        if (output->is_file) return true;
        if (!open_output(output)) return false;
        return request_output_write(tacit_response_body(response), size, output) == size;
    }
    if (fwrite(tacit_response_body(response), 1, size, stdout) == size) return true;
    return fail(output);
}

exit_code request_output_end(request_output *output, exit_code code) {
    if (output->file == NULL || output->file == stdout) return code;
    if (fclose(output->file) != 0 && !fail(output)) return EXIT_FAILED;
    return code;
}
