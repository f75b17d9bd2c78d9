/* The thread that has the disk and the network: readings from the mailbox go to the server, or wait in the spool. */
#ifndef DEVICE_UPLINK_H
#define DEVICE_UPLINK_H

#include "account.h"
#include "dates.h"
#include "spool.h"

/* What it works with; borrowed until uplink_join(), the spool and the dates for its thread alone. */
typedef struct uplink_parts {
    const settings *settings;
    display *display;
    mailbox *mailbox;
    account *account;
    spool *spool;
    const dates *dates;
    boot_id boot;
    int64_t run_boot_ms;
} uplink_parts;

typedef struct uplink uplink;

/* NULL: no memory or no thread. */
uplink *uplink_start(const uplink_parts *parts);
/* After NEWS_STOP and account_close(): what is in memory is on the disk when it returns. */
void uplink_join(uplink *u);

#endif
