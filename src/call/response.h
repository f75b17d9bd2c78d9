/* The answer as the caller sees it. */
#ifndef TI_RESPONSE_H
#define TI_RESPONSE_H

#include <tacit/request.h>

#include "transport/transport.h"

struct tacit_response {
    ti_http_answer answer;
    int attempts, retries;
    ti_url *redirected; /* where the last redirect led to; NULL: there was none */
    char url[];         /* where it began */
};

/* One block, so that a request without redirects costs one allocation here. NULL: no memory. */
tacit_response *ti_response_new(const ti_url *url);

#endif
