/* A request as the caller gave it, checked. */
#ifndef TI_REQUEST_H
#define TI_REQUEST_H

#include <tacit/request.h>

#include "call/exchange.h"

/*
 * Reads source into a full-size copy, whose pointers are borrowed from it (parts as they are: see
 * parts.h). method is set, timeout_ms is -1 where the client's holds. url is checked by who parses
 * it. TACIT_ERR_INVALID_ARGUMENT names
 * the member.
 */
tacit_status ti_request_read(tacit_request *request, const tacit_request *source,
                             tacit_error *error);

/* A body may be empty, and is one all the same. */
bool ti_request_has_body(const tacit_request *request);
ti_exchange_plan ti_request_plan(const tacit_request *request);

#endif
