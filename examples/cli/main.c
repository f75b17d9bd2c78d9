/* tacit COMMAND [ARGUMENT...]: data goes to the standard output, words to the standard error. */
#include "cli.h"
#include "interrupt.h"
#include "qr.h"

#include <locale.h>
#include <string.h>

#include <tacit/client.h>

typedef struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
} command;

static const command commands[] = {
    {"login", "signs in, and keeps the sign-in in the keyring", login_main},
    {"token", "prints an access token that is valid", token_main},
    {"request", "sends a request to an API, with the token", request_main},
    {"status", "says who is signed in, without asking a server", status_main},
    {"refresh", "renews the access token now", refresh_main},
    {"logout", "revokes the tokens and forgets the sign-in", logout_main},
    {"store", "keeps a sign-in in another store from now on (store move)", store_main},
    {"provider", "checks the description of a server (provider check FILE)", provider_main},
    {"doctor", "says what works here, what does not, and what to do about it", doctor_main},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_usage(FILE *file) {
    fprintf(file, "usage: tacit COMMAND [ARGUMENT...]\n"
                  "       tacit COMMAND --help\n"
                  "       tacit --version\n\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(file, "  %-10s %s\n", commands[i].name, commands[i].summary);
}

/* The doctor ends by itself, and has no sign-in to end. */
static int run(const command *command, int argc, char **argv) {
    if (command->run != doctor_main && !interrupt_begin())
        return complain(EXIT_FAILED, "Signals cannot be waited for here.");
    return command->run(argc, argv);
}

int main(int argc, char **argv) {
    setlocale(LC_CTYPE, ""); /* before there are threads: whether the terminal takes UTF-8 */
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        putchar('\n');
        print_exit_codes(stdout);
        return finish_output(EXIT_OK);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("tacit %s, %s\n", tacit_version(), qr_support());
        return finish_output(EXIT_OK);
    }
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0) return run(&commands[i], argc - 1, argv + 1);
    say("tacit: there is no command \"%s\"", argv[1]);
    print_usage(stderr);
    return EXIT_USAGE;
}
