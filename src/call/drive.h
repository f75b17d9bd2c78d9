/*
 * An exchange under way: what its steps work on, and those steps that never wait. The drivers share
 * it; obtaining tokens and sending are their own.
 */
#ifndef TI_DRIVE_H
#define TI_DRIVE_H

#include "call/exchange.h"
#include "call/response.h"

typedef struct ti_drive {
    /* set at the beginning */
    tacit_session *session;
    const tacit_request *request; /* checked */
    tacit_error *error;           /* never NULL */
    tacit_response *response;     /* the driver's to take where the exchange ends with an answer */
    int64_t begun_boot_ms;

    ti_exchange exchange;

    /* of the hop that comes next */
    const ti_url *url;
    int origin; /* its place among the session's; -1: foreign */
    ti_http_request http;

    bool body_begun;      /* the streamed body is no longer at its beginning */
    const char **headers; /* what redirects left of the request's; NULL: all */
} ti_drive;

/*
 * Refuses what can be refused before a token is asked for; then the first step is TI_STEP_TOKEN. The
 * drive stays where it is: http points into it. session (entered), request and url are borrowed
 * until ti_drive_end().
 */
ti_step ti_drive_begin(ti_drive *drive, tacit_session *session, const tacit_request *request,
                       const ti_url *url, tacit_error *error);
/* Takes the response unless it was taken. */
void ti_drive_end(ti_drive *drive);

/* Before TI_STEP_SEND is done: completes http. */
void ti_drive_prepare_send(ti_drive *drive);
/* After it, with what ti_handle_send() answered. */
ti_step ti_drive_sent(ti_drive *drive, tacit_status status);
/* TI_STEP_REWIND */
ti_step ti_drive_rewind(ti_drive *drive);
/* TI_STEP_FOLLOW */
ti_step ti_drive_follow(ti_drive *drive);

#endif
