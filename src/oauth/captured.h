/* An answer as `curl -i` prints it. Pure. */
#ifndef TI_CAPTURED_H
#define TI_CAPTURED_H

#include <stdint.h>

#include "transport/handle.h"

/* Into an empty answer, which the caller frees. Of several heads in a row ("100 Continue", redirects that were followed) the last
 * counts; without any the text is the body of a 200. *wall_ms: now; then when the answer was made, where its Date says so. false: no memory. */
bool ti_captured_read(const char *text, size_t size, int64_t *wall_ms, ti_http_answer *answer);

#endif
