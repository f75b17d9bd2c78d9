/*
 * An exchange under way: what its steps work on, and those steps that never wait. The drivers share
 * it; obtaining tokens, sending and pausing are their own.
 */
#ifndef TI_DRIVE_H
#define TI_DRIVE_H

#include "call/download.h"
#include "call/exchange.h"
#include "call/parts.h"
#include "call/response.h"

typedef struct ti_drive {
    /* set at the beginning */
    tacit_session *session;
    const tacit_request *request; /* checked */
    tacit_error *error;           /* never NULL */
    tacit_response *response;     /* the driver's to take where the exchange ends with an answer */
    int64_t begun_boot_ms;        /* this part of it: a pause begins another */

    ti_exchange exchange;

    /* of the hop that comes next */
    const ti_url *url;
    int origin; /* its place among the session's; -1: foreign */
    ti_http_request http;

    int64_t pause_until_boot_ms; /* of TI_STEP_PAUSE; before the deadline */

    bool slides;          /* answers may renew the token */
    int64_t sent_boot_ms; /* then: when the last hop was */

    bool body_begun;       /* the streamed body is no longer at its beginning */
    bool delivered;        /* bytes of an answer went to the caller's write */
    bool outcome_unknown;  /* the server may have done it at a send that failed */
    int tokens;            /* exchange's, as it was counted */
    ti_parts *parts;       /* NULL: no form */
    ti_download *download; /* NULL: no file */
    const char **headers;  /* what redirects left of the request's; NULL: all */
    const char **lines;    /* ... with those of the download; NULL: none */
} ti_drive;

/*
 * Refuses what can be refused before a token is asked for; then the first step is TI_STEP_TOKEN. The
 * drive stays where it is: http points into it. session (entered), request and url are borrowed
 * until ti_drive_end().
 */
ti_step ti_drive_begin(ti_drive *drive, tacit_session *session, const tacit_request *request,
                       const ti_url *url, tacit_error *error);
/* TI_STEP_FAIL: completes the error with what may have come of the sends before. */
void ti_drive_failed(ti_drive *drive);
/* Takes the response unless it was taken. */
void ti_drive_end(ti_drive *drive);

/* TI_STEP_TOKEN where there is none: with the error that obtaining it gave. */
ti_step ti_drive_no_token(ti_drive *drive, tacit_status status);

/* Before TI_STEP_SEND is done: completes http. false: TI_STEP_FAIL. */
bool ti_drive_prepare_send(ti_drive *drive);
/* After it, with what ti_handle_send() answered. */
ti_step ti_drive_sent(ti_drive *drive, tacit_status status);
/* TI_STEP_REWIND */
ti_step ti_drive_rewind(ti_drive *drive);
/* TI_STEP_PAUSE, once it is over, or the session closing. */
ti_step ti_drive_paused(ti_drive *drive);
/* TI_STEP_KEEP: syncs the file, which may take the disk a while. */
ti_step ti_drive_keep(ti_drive *drive);
/* TI_STEP_FOLLOW */
ti_step ti_drive_follow(ti_drive *drive);

#endif
