/* What a provider's JSON says, in words: which requests go where, what ends a sign-in, and what is
 * worth a thought. */
#ifndef CLI_PROVIDER_SUMMARY_H
#define CLI_PROVIDER_SUMMARY_H

#include <jansson.h>

/* An object of texts, in the order in which they are to be read. Yours; NULL: no memory. */
json_t *provider_summary(const json_t *provider);
/* An array of sentences. Yours; NULL: no memory. */
json_t *provider_notes(const json_t *provider);

#endif
