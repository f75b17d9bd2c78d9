/* tacit request: one request to an API, with the token attached and renewed. */
#include "connection.h"
#include "request_body.h"
#include "request_form.h"
#include "request_output.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

typedef struct request_options {
    const char *name, *data, *output;
    text_list headers, form, origins;
    int timeout_s, retries;
    bool include, resume;
} request_options;

static const option_spec specs[] = {
    {"name", 0, OPTION_TEXT, offsetof(request_options, name), "NAME",
     "the sign-in, as with NAME; default \"" PROFILE_DEFAULT_NAME "\""},
    {"header", 'H', OPTION_LIST, offsetof(request_options, headers), "LINE",
     "\"Name: value\", sent along; may be repeated"},
    {"data", 'd', OPTION_TEXT, offsetof(request_options, data), "DATA",
     "the body; @FILE: what is in the file, @-: in the\nstandard input, byte for byte"},
    {"form", 'F', OPTION_LIST, offsetof(request_options, form), "FIELD",
     "NAME=VALUE or NAME=@FILE, a field of a form instead of\na body; may be repeated"},
    {"include", 'i', OPTION_FLAG, offsetof(request_options, include), NULL,
     "the answer's head before its body"},
    {"output", 'o', OPTION_TEXT, offsetof(request_options, output), "FILE",
     "a 2xx body goes there, any other to the standard output"},
    {"continue", 'C', OPTION_FLAG, offsetof(request_options, resume), NULL,
     "what is left of a download stays, and the next one asks\nfor the rest; with --output"},
    {"retry", 0, OPTION_COUNT, offsetof(request_options, retries), "TIMES",
     "so often anew after 429, 503 and broken connections;\nGET, HEAD, OPTIONS, PUT and DELETE "
     "only"},
    {"origin", 0, OPTION_LIST, offsetof(request_options, origins), "ORIGIN",
     "the token may go there too, this once:\nSCHEME://HOST[:PORT]; may be repeated"},
    {"timeout", 0, OPTION_SECONDS, offsetof(request_options, timeout_s), "SECONDS",
     "wait at most so long for all of it; default 60"},
    {.name = NULL},
};
static const command_spec command = {
    "request", "[NAME] [METHOD] URL [OPTION...]",
    "Sends a request to an API and prints the body of the answer. METHOD is in capitals, else\n"
    "it is taken for NAME; without it GET, or POST with a body. The token goes to the origins\n"
    "of the sign-in (--origin) only. A 401 is met with a new token and another try. No\n"
    "Content-Type is made up for a body.",
    specs, OPERANDS_MAX};

static bool is_method(const char *text) {
    for (const char *c = text; *c != '\0'; c++)
        if (!isascii(*c) || (!isupper(*c) && *c != '-')) return false;
    return true;
}

/* [NAME] [METHOD] URL */
static bool read_operands(const operands *operands, request_options *options,
                          tacit_request *request) {
    int last = operands->count - 1, first = 0;

    if (last < 0) return refuse_usage(&command, "where is the URL?"), false;
    request->url = operands->items[last];
    if (strstr(request->url, "://") == NULL)
        return refuse_usage(&command, "\"%s\" is no URL", request->url), false;
    if (last == 2 || (last == 1 && !is_method(operands->items[0])))
        options->name = operands->items[first++];
    if (first < last) request->method = operands->items[first];
    return true;
}

static bool asks_for_a_range(const text_list *headers) {
    for (size_t i = 0; i < headers->count; i++)
        if (strncasecmp(headers->items[i], "Range:", 6) == 0 ||
            strncasecmp(headers->items[i], "If-Range:", 9) == 0)
            return true;
    return false;
}

static bool fit_each_other(const request_options *options) {
    if (options->data != NULL && options->form.count > 0)
        return refuse_usage(&command, "--data and --form are two bodies"), false;
    if (options->resume && options->output == NULL)
        return refuse_usage(&command, "--continue wants an --output"), false;
    if (options->resume && asks_for_a_range(&options->headers))
        return refuse_usage(&command, "--continue asks for a range itself"), false;
    return true;
}

static exit_code answer(const tacit_response *response, request_output *output,
                        const request_options *options) {
    int status = tacit_response_status(response);

    if (options->include) request_output_head(response);
    if (!request_output_rest(output, response)) return EXIT_FAILED;
    if (status >= 400) return complain(finish_output(EXIT_HTTP), "The server answered %d.", status);
    return finish_output(EXIT_OK);
}

/* What goes to the API, and what becomes of the answer. */
typedef struct errand {
    const request_options *options;
    tacit_request request;
} errand;

static exit_code send_it(connection *connection, const void *data) {
    const errand *errand = data;
    const request_options *options = errand->options;
    tacit_request request = errand->request;
    request_output output = request_output_to(options->output, asks_for_a_range(&options->headers));
    bool is_head = request.method != NULL && strcmp(request.method, "HEAD") == 0;
    tacit_response *response;
    tacit_error error;
    exit_code code;

    if (output.is_file && !is_head) {
        request.file = options->output;
        request.file_resume = options->resume;
    } else if (!options->include || options->output != NULL) { /* else the head comes first */
        request.write = request_output_write;
        request.write_data = &output;
    }
    if (tacit_send(connection->session, &request, &response, &error) == TACIT_OK)
        code = answer(response, &output, options);
    else
        code = output.failed ? EXIT_FAILED : complain_of(&error, connection->profile->name);
    code = request_output_end(&output, code);
    tacit_response_free(response);
    return code;
}

static exit_code run(const operands *operands, request_options *options) {
    errand errand = {.options = options, .request = TACIT_REQUEST_INIT};
    tacit_request *request = &errand.request;
    request_body body = {.bytes = NULL};
    request_form form = {.parts = NULL};
    exit_code code = EXIT_OK;

    if (!read_operands(operands, options, request) || !fit_each_other(options)) return EXIT_USAGE;
    if (options->data != NULL) code = request_body_read(&body, options->data);
    if (options->form.count > 0) code = request_form_read(&form, &command, &options->form);
    if (code == EXIT_OK) {
        request->headers = options->headers.items;
        request->body = body.bytes; /* in memory, so that it can be sent twice */
        request->body_size = body.size;
        request->parts = form.list;
        request->timeout_ms = options->timeout_s * 1000;
        request->retries_max = (unsigned)options->retries;
        code = connection_use(options->name, &options->origins, send_it, &errand);
    }
    request_form_free(&form);
    request_body_free(&body);
    return code;
}

int request_main(int argc, char **argv) {
    request_options options = {.timeout_s = 60};
    operands operands;
    exit_code code;

    if (options_read(&command, argc, argv, &options, &operands, &code))
        code = run(&operands, &options);
    text_list_free(&options.headers);
    text_list_free(&options.form);
    text_list_free(&options.origins);
    return code;
}
