/*
 * An answer that goes into a file: what is asked for, what of it came, and when it takes the file's
 * place. Sends of one call that follow each other go on where the one before broke off; those of
 * another call do where the caller asked for that.
 */
#ifndef TI_DOWNLOAD_H
#define TI_DOWNLOAD_H

#include "session/token.h"
#include "transport/transport.h"

typedef struct ti_download ti_download;

typedef enum ti_download_verdict {
    TI_DOWNLOAD_NOT_MINE, /* the answer, or the failure, is not about the file */
    TI_DOWNLOAD_COMPLETE, /* then ti_download_keep() */
    TI_DOWNLOAD_BROKEN,   /* the server sent less than all: TACIT_ERR_NETWORK */
    TI_DOWNLOAD_REFUSED,  /* the rest cannot be had: to be asked for again, as a whole */
    TI_DOWNLOAD_FAILED    /* TACIT_ERR_FILE */
} ti_download_verdict;

/* file and url are borrowed; url is what is asked for, before redirects. NULL: no memory. */
ti_download *ti_download_new(const char *file, bool resume, const char *url);
/* What is not complete stays where the next call may go on with it; else nothing does. Takes NULL. */
void ti_download_free(ti_download *download);

/* Before each send; whose: of the token that goes along (R16: another user's part is not gone on
 * with). The lines to be added to the request's, at most two, NULL-terminated; they ask
 * for the rest where that can be had. NULL: TACIT_ERR_FILE. */
const char *const *ti_download_prepare(ti_download *download, const char *method,
                                       const ti_sign_in_id *whose, tacit_error *error);
/* ti_http_request's write_begins and write; data is the download. */
bool ti_download_begins(const ti_http_answer *answer, void *data);
size_t ti_download_write(const char *bytes, size_t size, void *data);
/* After each send. BROKEN and FAILED set the error, but for outcome_unknown. */
ti_download_verdict ti_download_sent(ti_download *download, tacit_status status,
                                     const ti_http_answer *answer, tacit_error *error);
/* Waits for the disk. TACIT_ERR_FILE. */
tacit_status ti_download_keep(ti_download *download, tacit_error *error);

#endif
