/*
 * tacit COMMAND [OPTION...]
 *
 * Results go to the standard output, errors to the standard error. Exit codes: 0, all well; 1, the
 * command found or met a problem; 2, it was called in a way that it does not know.
 */
#include "doctor.h"

#include <stdio.h>
#include <string.h>

#include <tacit/client.h>

typedef struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
} command;

static const command commands[] = {
    {"doctor", "says what works here, what does not, and what to do about it", doctor_main},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_usage(FILE *file) {
    fprintf(file, "usage: tacit COMMAND [OPTION...]\n"
                  "       tacit COMMAND --help\n"
                  "       tacit --version\n\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(file, "  %-10s %s\n", commands[i].name, commands[i].summary);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("tacit %s\n", tacit_version());
        return 0;
    }
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "tacit: there is no command \"%s\"\n", argv[1]);
    print_usage(stderr);
    return 2;
}
