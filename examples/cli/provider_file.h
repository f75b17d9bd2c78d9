/* A provider's JSON, from a file that a person writes. */
#ifndef CLI_PROVIDER_FILE_H
#define CLI_PROVIDER_FILE_H

#include <jansson.h>
#include <stdbool.h>

#include <tacit/provider.h>

#include "cli.h"

typedef struct provider_file {
    json_t *json;             /* an object */
    tacit_provider *provider; /* the library takes it */
} provider_file;

/* path "-": the standard input. Complains for itself, with the file, and the line or the path inside;
 * provider_file_free() it in any case. */
exit_code provider_file_read(provider_file *file, const char *path);
void provider_file_free(provider_file *file);

/* Borrowed; NULL: there is none. */
const json_t *provider_dialect(const json_t *provider);
/* Whether its dialect says how a name and a password are sent. */
bool provider_has_sign_in(const json_t *provider);
/* Whether the method of one of its requests has a body, where fields go by default. */
bool provider_has_body(const json_t *request);
/* Whether its dialect names the status among those that end a sign-in. */
bool provider_ends_with(const json_t *provider, json_int_t status);
/* Whether the API's answers may renew the token. */
bool provider_slides(const json_t *provider);

#endif
