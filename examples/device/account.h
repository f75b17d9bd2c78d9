/* The device's sign-in: kept by tacit, asked of the user when there is none. */
#ifndef DEVICE_ACCOUNT_H
#define DEVICE_ACCOUNT_H

#include "display.h"
#include "mailbox.h"
#include "settings.h"

#include <tacit/tacit.h>

typedef struct account account;

/* Borrows the rest until account_free(). NULL: what is wrong was shown. */
account *account_open(const settings *s, display *d, mailbox *m);
/* Whether there is a token to send with. Begins a sign-in where there is none, and does not wait for it. *due_boot_ms: when to ask
 * again at the latest; news come to the mailbox. On one thread. */
bool account_is_ready(account *a, int64_t *due_boot_ms);
tacit_session *account_session(account *a);
/* Something has changed: no pause before the next sign-in. */
void account_try_again(account *a);
/* Ends what is under way, a request of another thread included. Does not wait. */
void account_close(account *a);
/* Waits for a refresh that is on its way: its answer may hold the only refresh token that still works. false: that took longer than
 * timeout_ms, and nothing was freed. */
bool account_free(account *a, int timeout_ms);

#endif
