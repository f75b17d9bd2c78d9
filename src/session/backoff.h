/* After a failure (R8): when the background tries again, and until when whoever needs a token gets the error at once. */
#ifndef TI_BACKOFF_H
#define TI_BACKOFF_H

#include "session/failure.h"
#include "session/journal_bytes.h"

typedef struct ti_identity ti_identity;

/* Of an attempt that failed. */
typedef enum ti_backoff_kind {
    TI_BACKOFF_NONE,     /* it says nothing about the next one */
    TI_BACKOFF_NOT_SENT, /* nothing reached the server, or the store failed: 2 s */
    TI_BACKOFF_ANSWERED, /* the server wants peace */
    TI_BACKOFF_UNKNOWN   /* the answer was lost: one early retry, then peace */
} ti_backoff_kind;

typedef struct ti_backoff {       /* guarded by the identity's lock */
    unsigned failures;            /* in a row */
    bool retried_early;           /* ... after a lost answer, which is done once */
    int64_t retry_boot_ms;        /* when the background tries again */
    int64_t refuse_until_boot_ms; /* until then whoever needs a token gets `last` at once */
    ti_failure *last;             /* NULL: none */
} ti_backoff;

/* A failure of that kind: becomes `last`, and ends every view's demand. Whether the one early retry is due (TI_BACKOFF_UNKNOWN). */
bool ti_backoff_begin_locked(ti_identity *identity, ti_failure *failure, ti_backoff_kind kind);

/* While the server wants peace, or nothing can be sent, the last error is the answer; with the time that is left. */
bool ti_backoff_refuses_locked(const ti_backoff *backoff, int64_t now_boot_ms, tacit_error *error);

/* What other processes are to know of it, and what they let know (R8): only what the server or the network said. */
bool ti_backoff_is_the_servers_locked(const ti_backoff *backoff); /* or the network's */
void ti_backoff_share_locked(const ti_identity *identity, ti_shared_backoff *shared);
void ti_backoff_follow_locked(ti_identity *identity, const ti_shared_backoff *shared);

/* Nobody's demand outlives this: called when a sign-in begins or ends. */
void ti_backoff_reset_locked(ti_identity *identity);

#endif
