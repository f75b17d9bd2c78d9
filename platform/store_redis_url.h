/* Where Redis is, and who asks: redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], rediss://, unix:///PATH. */
#ifndef TI_STORE_REDIS_URL_H
#define TI_STORE_REDIS_URL_H

#include "base/secret.h"

typedef struct ti_redis_address {
    char *origin;        /* as libcurl takes it: "http://host:6379", https for TLS */
    char *socket;        /* NULL: none, but a host */
    char *shown;         /* the URL without user and password */
    char *user;          /* NULL: the default user */
    ti_secret *password; /* NULL: nothing is asked for */
    char *database;      /* digits; NULL: 0 */
} ti_redis_address;

typedef enum ti_redis_url_result {
    TI_REDIS_URL_OK,
    TI_REDIS_URL_BAD, /* not of the form */
    TI_REDIS_URL_NO_MEMORY
} ti_redis_url_result;

/* Percent-encoding is undone in user, password and path. Unless it answers OK, nothing has to be freed. */
ti_redis_url_result ti_redis_url_parse(const char *url, ti_redis_address *address);
void ti_redis_address_free(ti_redis_address *address);

#endif
