/* Where in an answer a token may be, for whoever writes a provider. */
#ifndef CLI_PROVIDER_HINTS_H
#define CLI_PROVIDER_HINTS_H

#include <stddef.h>

/* A sentence, of names and places only; yours. NULL: nothing looks like a token. */
char *provider_hint(const char *answer, size_t size);

#endif
