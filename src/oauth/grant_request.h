/* What a grant is as a request: the RFCs' form, or what the provider's dialect makes of it. Pure. */
#ifndef TI_GRANT_REQUEST_H
#define TI_GRANT_REQUEST_H

#include "oauth/grant.h"
#include "oauth/token_request.h"

/* Into an empty request, which borrows from all three. *url is where it goes. TACIT_ERR_UNSUPPORTED: the server takes the client's
 * secret in no way that tacit sends, or no such grant at all. */
tacit_status ti_grant_request(ti_token_request *request, const ti_grant_client *client,
                              const ti_grant *grant, const ti_metadata *metadata, const char **url,
                              tacit_error *error);

/* The same for the end of a sign-in. *url is NULL where there is nothing to send. */
tacit_status ti_grant_end_request(ti_token_request *request, const ti_grant_client *client,
                                  const ti_grant_end *end, const ti_metadata *metadata,
                                  const char **url, tacit_error *error);

/* How the answer to it reads. */
ti_token_asked ti_grant_asked(const ti_grant *grant, const ti_dialect *dialect);

#endif
