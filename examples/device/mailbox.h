/* What the main loop hands to the uplink. Nobody waits here for a disk or a network: the lock is held for moments. */
#ifndef DEVICE_MAILBOX_H
#define DEVICE_MAILBOX_H

#include "batch.h"

typedef struct mailbox mailbox;

typedef enum news {
    NEWS_STOP = 1,   /* stays */
    NEWS_CLOCK = 2,  /* the wall clock was set */
    NEWS_ACCOUNT = 4 /* something happened to the sign-in */
} news;

mailbox *mailbox_new(void);
void mailbox_free(mailbox *m);

/* Where it is full the oldest makes room, and is counted. */
void mailbox_push(mailbox *m, const reading *r);
void mailbox_tell(mailbox *m, news what);
/* Waits for readings or news, until then at the latest; answers the news since the last call. */
unsigned mailbox_wait(mailbox *m, int64_t until_boot_ms);
/* Moves readings behind those of the batch, as many as fit; its dropped grows by those that were lost. */
void mailbox_take(mailbox *m, batch *into);

#endif
