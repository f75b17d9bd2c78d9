/* What the commands of tacit share: how they are called, how they end, how they speak to people. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#include <tacit/error.h>

/* Whose sign-ins they are, in the keyring. */
#define CLI_APPLICATION_ID "org.tacit.cli"

/* What the command ends with; exit_codes.c says the same to people. */
typedef enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_SIGN_IN_REQUIRED = 3,
    EXIT_NETWORK = 4,
    EXIT_DENIED = 5,
    EXIT_STORE = 6,
    EXIT_HTTP = 22,
    EXIT_INTERRUPTED = 130
} exit_code;

exit_code exit_code_of(tacit_status status);
void print_exit_codes(FILE *file);

/* Each gets its own name as argv[0]. */
int doctor_main(int argc, char **argv);
int login_main(int argc, char **argv);
int logout_main(int argc, char **argv);
int provider_main(int argc, char **argv);
int refresh_main(int argc, char **argv);
int request_main(int argc, char **argv);
int status_main(int argc, char **argv);
int store_main(int argc, char **argv);
int token_main(int argc, char **argv);

/* A line for a person, on the standard error. What a server sent cannot steer the terminal. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, behind "tacit: "; answers code. */
exit_code complain(exit_code code, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What the library answered; name is the sign-in's, for the advice. */
exit_code complain_of(const tacit_error *error, const char *name);

/* text, with ? for what a terminal would obey. */
void print_clean(FILE *file, const char *text);

/* Whether all that was written to the standard output arrived; else complains. */
exit_code finish_output(exit_code code);

#endif
