/* What the command says to people. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"

/* C0 and DEL, and C1 in its UTF-8 form. How many bytes of text it is; 0: it is none. */
static int control_size(const unsigned char *text) {
    if (text[0] < 0x20 || text[0] == 0x7f) return 1;
    return text[0] == 0xc2 && text[1] >= 0x80 && text[1] < 0xa0 ? 2 : 0;
}

void print_clean(FILE *file, const char *text) {
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0';) {
        int control = control_size(c);

        fputc(control > 0 ? '?' : *c, file);
        c += control > 0 ? control : 1;
    }
}

static void say_line(const char *prefix, const char *format, va_list arguments) {
    char *text;

    if (vasprintf(&text, format, arguments) < 0) return;
    flockfile(stderr);
    fputs(prefix, stderr);
    print_clean(stderr, text);
    fputc('\n', stderr);
    funlockfile(stderr);
    free(text);
}

void say(const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    say_line("", format, arguments);
    va_end(arguments);
}

exit_code complain(exit_code code, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    say_line("tacit: ", format, arguments);
    va_end(arguments);
    return code;
}

exit_code complain_of(const tacit_error *error, const char *name) {
    exit_code code = exit_code_of(error->status);

    if (interrupted()) return complain(EXIT_INTERRUPTED, "interrupted");
    complain(code, "%s", error->message);
    if (code == EXIT_SIGN_IN_REQUIRED) say("Sign in with: tacit login --name %s", name);
    if (error->status == TACIT_ERR_ORIGIN_NOT_ALLOWED)
        say("A token goes only where you say: tacit request --origin SCHEME://HOST[:PORT], or once "
            "for all with tacit login.");
    if (code == EXIT_NETWORK && error->retry_after_s > 0)
        say("Try again in %d s.", error->retry_after_s);
    return code;
}

exit_code finish_output(exit_code code) {
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    return complain(code == EXIT_OK ? EXIT_FAILED : code, "The standard output: %s",
                    strerror(errno));
}
