/* A copy of a request, for calls that go on without their caller. */
#ifndef TI_REQUEST_COPY_H
#define TI_REQUEST_COPY_H

#include <tacit/request.h>

/*
 * One block with all that a checked request points to: strings, header lines, parts and the body;
 * but what the callbacks' data points to, and a body with body_release, stay borrowed. A url that
 * is NULL stays NULL, for who has parsed it. Yours; NULL: no memory.
 */
tacit_request *ti_request_copy(const tacit_request *checked);
/* Wiped: headers and bodies may be secrets. Takes NULL. Does not call body_release. */
void ti_request_copy_free(tacit_request *copy);

#endif
