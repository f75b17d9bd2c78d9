/* A captured answer of a server, as tacit reads it with a provider. */
#ifndef CLI_PROVIDER_ANSWER_H
#define CLI_PROVIDER_ANSWER_H

#include <jansson.h>
#include <stdbool.h>

#include <tacit/provider.h>

#include "provider_file.h"

typedef struct provider_answer {
    json_t *read;  /* what the library found; tokens are masked */
    json_t *notes; /* sentences: what is missing, and where it may be */
} provider_answer;

/* path "-": the standard input. Complains for itself; provider_answer_free() it in any case. */
exit_code provider_answer_read(provider_answer *answer, const provider_file *provider,
                               tacit_answer_kind kind, const char *path);
/* Whether there is nothing in it that would do something. */
bool provider_answer_is_unknown(const provider_answer *answer);
void provider_answer_free(provider_answer *answer);

#endif
