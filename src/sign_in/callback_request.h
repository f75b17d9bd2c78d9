/* What the listener was sent: the head of a browser's request (RFC 9112), or anything else. Pure. */
#ifndef TI_CALLBACK_REQUEST_H
#define TI_CALLBACK_REQUEST_H

#include <stddef.h>
#include <stdint.h>

typedef enum ti_callback_request {
    TI_CALLBACK_REQUEST_GET,         /* of the redirect_uri: *query is set, maybe empty */
    TI_CALLBACK_REQUEST_NOT_FOUND,   /* of something else, or for another host: DNS rebinding */
    TI_CALLBACK_REQUEST_NOT_ALLOWED, /* another method */
    TI_CALLBACK_REQUEST_MALFORMED
} ti_callback_request;

/* What the request has to name. */
typedef struct ti_callback_address {
    const char *host, *path; /* "127.0.0.1", "/callback" */
    uint16_t port;
} ti_callback_address;

/* head: up to and including the empty line. *query lies within, between ? and the space. */
ti_callback_request ti_callback_request_read(const ti_callback_address *address, const char *head,
                                             size_t size, const char **query, size_t *query_size);

#endif
