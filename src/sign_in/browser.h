/* What the two forms of signing in by browser have in common. */
#ifndef TI_BROWSER_H
#define TI_BROWSER_H

#include "oauth/authorization.h"
#include "sign_in/sign_in.h"

/* Metadata first, where it is not known. *url is for the browser; yours: free(). Where TACIT_OK is not the answer, nothing is to be
 * freed. cancelled may be NULL. */
tacit_status ti_browser_authorize(tacit_session *session, const tacit_sign_in_options *options,
                                  const char *redirect_uri, int64_t deadline_boot_ms,
                                  const atomic_bool *cancelled, ti_authorization *authorization,
                                  char **url, tacit_error *error);

/* Redeems the code; code and attempt are taken over. scope: the options'. Waits until deadline_boot_ms. */
tacit_status ti_browser_redeem(tacit_session *session, ti_attempt *attempt,
                               const ti_authorization *authorization, const char *scope,
                               ti_secret *code, int64_t deadline_boot_ms, tacit_error *error);

#endif
