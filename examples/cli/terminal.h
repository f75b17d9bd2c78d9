/* Questions to whoever sits there, and to whoever does not: then a line of the standard input. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include "cli.h"

enum { ANSWER_MAX = 1024 };

/* Both complain for themselves. A signal ends the wait. The prompt goes to the standard error,
 * where the standard input is a terminal. */
exit_code terminal_ask(const char *prompt, char answer[ANSWER_MAX]);
/* The same without echo, which is back afterwards whatever happens. Wipe the answer. */
exit_code terminal_ask_secret(const char *prompt, char answer[ANSWER_MAX]);

#endif
