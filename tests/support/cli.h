/* The tacit command in processes of its own, with a home, a key for its files and a server that nobody else has. Fails the test where
 * something does not go as it must. */
#ifndef TS_CLI_H
#define TS_CLI_H

#include "support/server.h"

#include <sys/types.h>

enum { CLI_PATIENCE_MS = 20000 };

typedef struct cli {
    ts_server *server;
    const char *program; /* the command; another may take its place */
    char *directory;     /* home/ below it is HOME, state/ XDG_STATE_HOME */
    bool display; /* there is one, and an xdg-open that only writes the address to bin/opened */
    bool keyring; /* that of keyring.h, where none is otherwise */
    int runs;
} cli;

/* One process; what it says goes to files that can be read while it runs. */
typedef struct cli_run {
    pid_t pid;
    int code; /* once it ended; -1: by a signal */
    char *out_path, *err_path;
    char *out, *err; /* once it ended; NUL-terminated */
    size_t out_size;
} cli_run;

/* Whether the command was built, with what these tests need. */
bool cli_is_there(void);

/* NULL options: the defaults. */
cli cli_new(const ts_options *options);
void cli_free(cli *cli);
/* Around a test of cmocka, whose state it is; one at a time. */
int cli_begin(void **state);
int cli_end(void **state);

/* arguments: NULL-terminated; input: the standard input, NULL: nothing. */
cli_run cli_start(cli *cli, const char *input, const char *const *arguments);
/* The same with a terminal of its own as standard input and error: *terminal is the other side. */
cli_run cli_start_on_terminal(cli *cli, int *terminal, const char *const *arguments);
/* Waits for its end. */
void cli_await(cli_run *run);
/* Waits until its standard error has this text, and answers all of that; yours. */
char *cli_await_words(const cli_run *run, const char *text);
void cli_run_free(cli_run *run);

/* All of it: CLI(&w, "input", "token", "--header") */
cli_run cli_do(cli *cli, const char *input, const char *const *arguments);
#define CLI(cli, input, ...) cli_do(cli, input, (const char *const[]){__VA_ARGS__, NULL})

/* The run must end so, and say this: NULL, anything. Frees it. */
void assert_run(cli_run run, int code, const char *out_has, const char *err_has);

/* As alice, with the password from the standard input and the server as an origin. */
void cli_login(cli *cli, const char *name);
/* Of the profile NAME; freed with the next call. */
const char *cli_profile_path(const cli *cli, const char *name);
bool cli_has_profile(const cli *cli, const char *name);
/* Whether any file of the home, of the state or of what was said holds the text; inputs do not count. */
bool cli_finds(const cli *cli, const char *text);

#endif
