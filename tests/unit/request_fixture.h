/* Requests that are read, and those that are refused. */
#ifndef TS_REQUEST_FIXTURE_H
#define TS_REQUEST_FIXTURE_H

#include "call/request.h"

#include "tests/support/unit.h"

#include <string.h>

static inline tacit_request request_to(const char *url) {
    tacit_request request = TACIT_REQUEST_INIT;

    request.url = url;
    return request;
}

static inline void expect_refused(const tacit_request *request, const char *argument) {
    tacit_request checked;
    tacit_error error;

    assert_int_equal(ti_request_read(&checked, request, &error), TACIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    if (strstr(error.message, argument) == NULL) {
        fail_msg("\"%s\" does not name %s", error.message, argument);
    }
}

#endif
