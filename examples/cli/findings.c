#include "findings.h"

#include <stdarg.h>
#include <stdio.h>

static void print(const char *kind, const char *subject, const char *format, va_list arguments) {
    printf("%-8s %s: ", kind, subject);
    vprintf(format, arguments);
    printf("\n");
}

void finding_well(const char *subject, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    print("ok", subject, format, arguments);
    va_end(arguments);
}

void finding_note(const char *subject, const char *format, ...) {
    va_list arguments;

    va_start(arguments, format);
    print("note", subject, format, arguments);
    va_end(arguments);
}

void finding_problem(findings *findings, const char *advice, const char *subject,
                     const char *format, ...) {
    va_list arguments;

    findings->problems++;
    va_start(arguments, format);
    print("problem", subject, format, arguments);
    va_end(arguments);
    if (advice != NULL) printf("         -> %s\n", advice);
}
