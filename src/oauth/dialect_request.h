/* What a dialect says of one request: the sign-in, the refresh, the sign-out. Pure. */
#ifndef TI_DIALECT_REQUEST_H
#define TI_DIALECT_REQUEST_H

#include "oauth/dialect.h"
#include "oauth/dialect_fields.h"

/* *request stays NULL where the place is absent. false: the place's error says why. */
bool ti_dialect_request_parse(const ti_place *place, ti_dialect_errand errand,
                              ti_dialect_request **request);
void ti_dialect_request_free(ti_dialect_request *request); /* takes NULL */
bool ti_dialect_request_equal(const ti_dialect_request *a, const ti_dialect_request *b);

/* What is wrong with the name of a header that a dialect may name, or NULL. */
const char *ti_dialect_header_fault(const char *name);

#endif
