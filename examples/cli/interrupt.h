/* Ctrl-C and its kin, as something that a command ends on in good order. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>

#include <tacit/sign_in.h>

/* Before the first thread starts. From now on SIGINT, SIGTERM and SIGHUP end what goes on as below;
 * the second one ends the process at once. */
bool interrupt_begin(void);

/* Readable once a signal came, for a wait of the command's own. */
int interrupt_fd(void);
bool interrupted(void);

/* What a signal ends until interrupt_let_go(): a sign-in, by cancelling it, or everything that
 * waits on the client, by shutting it down. */
void interrupt_ends_sign_in(tacit_session *session);
void interrupt_ends_client(tacit_client *client);
/* Back when the signal's thread has its hands off. */
void interrupt_let_go(void);

#endif
