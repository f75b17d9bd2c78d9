#include "cli.h"

static const struct {
    exit_code code;
    const char *meaning;
} meanings[] = {
    {EXIT_OK, "all well"},
    {EXIT_FAILED,
     "another failure; doctor: there are problems;\n       provider check: it cannot be used"},
    {EXIT_USAGE, "called in a way that it does not know"},
    {EXIT_SIGN_IN_REQUIRED, "nobody is signed in: tacit login"},
    {EXIT_NETWORK, "a server could not be reached, or failed"},
    {EXIT_DENIED, "the sign-in was refused, or ran out of time"},
    {EXIT_STORE, "the keyring or file with the sign-in failed"},
    {EXIT_HTTP, "request: the answer's status is 400 or more"},
    {EXIT_INTERRUPTED, "interrupted (SIGINT, SIGTERM, SIGHUP)"},
};

void print_exit_codes(FILE *file) {
    fprintf(file, "Exit codes:\n");
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        fprintf(file, "  %3d  %s\n", (int)meanings[i].code, meanings[i].meaning);
}

exit_code exit_code_of(tacit_status status) {
    switch (status) {
    case TACIT_OK:
        return EXIT_OK;
    case TACIT_ERR_SIGN_IN_REQUIRED:
    case TACIT_ERR_SIGNED_OUT:
        return EXIT_SIGN_IN_REQUIRED;
    case TACIT_ERR_NETWORK:
    case TACIT_ERR_TLS:
    case TACIT_ERR_TIMEOUT:
    case TACIT_ERR_SERVER:
    case TACIT_ERR_PROTOCOL:
        return EXIT_NETWORK;
    case TACIT_ERR_OAUTH:
    case TACIT_ERR_ACCESS_DENIED:
    case TACIT_ERR_EXPIRED:
        return EXIT_DENIED;
    case TACIT_ERR_STORE_NOT_FOUND:
    case TACIT_ERR_STORE_LOCKED:
    case TACIT_ERR_STORE_UNAVAILABLE:
    case TACIT_ERR_STORE_CORRUPT:
    case TACIT_ERR_STORE_TOO_LARGE:
    case TACIT_ERR_STORE_FAILED:
        return EXIT_STORE;
    default:
        return EXIT_FAILED;
    }
}
