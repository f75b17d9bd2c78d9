/*
 * A server that sends bytes as they are given, for answers that no HTTP library would send. It
 * listens on 127.0.0.1 and serves all connections on one thread.
 */
#ifndef TS_RAW_SERVER_H
#define TS_RAW_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct raw_server raw_server;

typedef enum raw_then {
    RAW_KEEP = 0,  /* keep the connection for another request */
    RAW_CLOSE = 1, /* close it */
    RAW_RESET = 2  /* end it with a RST */
} raw_then;

typedef struct raw_options {
    const char *answer; /* to each request, once its head is there; NULL: none */
    size_t answer_size; /* 0: strlen(answer) */
    /* Instead: one after the other, NULL-terminated; the last one for all that come after it. */
    const char *const *answers;
    raw_then then; /* after the answer */
    bool at_once;  /* ... or as soon as a connection is there, without reading */
} raw_options;

/* Strings are borrowed until raw_server_stop(). NULL on failure. */
raw_server *raw_server_start(const raw_options *options);
void raw_server_stop(raw_server *server); /* takes NULL */

uint16_t raw_server_port(const raw_server *server);
/* "http://127.0.0.1:port/"; freed by raw_server_stop(). */
const char *raw_server_url(const raw_server *server);

/* So far. */
long raw_server_connections(raw_server *server);
long raw_server_requests(raw_server *server);
/* The bytes of all requests, one after the other; yours. */
char *raw_server_received(raw_server *server);

#endif
