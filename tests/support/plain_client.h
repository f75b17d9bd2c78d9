/* A plain libcurl client, to look at the test server from outside. Asserts with cmocka. */
#ifndef TS_PLAIN_CLIENT_H
#define TS_PLAIN_CLIENT_H

#include "support/server.h"

#include <curl/curl.h>

#include <pthread.h>

enum { PATIENCE_MS = 20000 };

/* Strings are never NULL. */
typedef struct reply {
    CURLcode code;
    long status;
    char *body, *headers;
    size_t body_size, headers_size;
} reply;

/* Header lines and body (then it is a POST) may be NULL. */
reply ask_with_lines(CURL *curl, const char *url, struct curl_slist *headers, const char *body);
/* token (for the API) and form (then it is a POST) may be NULL. */
reply ask_with(CURL *curl, const char *url, const char *token, const char *form);
reply ask(ts_server *server, const char *path, const char *token, const char *form);
reply ask_refresh(ts_server *server, const char *refresh_token);
void reply_free(reply *reply);

/* These free the reply. */
void assert_status(reply reply, long status);
void assert_header(reply reply, long status, const char *header);
void assert_fails(reply reply, CURLcode code);

/* The form is what it begins with, and the value at its end. */
reply ask_form(ts_server *server, const char *path, const char *begin, const char *value);
/* 400 with this OAuth error (RFC 6749 section 5.2). Frees the reply. */
void assert_error(reply reply, const char *error);
/* A string member of a JSON object. */
void assert_member(const char *json, const char *name, const char *value);

/* A string member of a JSON object; NULL: none. Yours. */
char *json_member(const char *body, const char *name);

typedef struct tokens {
    char *access, *refresh; /* refresh NULL: none in the answer */
} tokens;

tokens tokens_of(reply reply); /* frees the reply */
tokens sign_in(ts_server *server);
void tokens_free(tokens *tokens);

/* A request in the background, an API request or a refresh. */
typedef struct background {
    ts_server *server;
    const char *path, *token;
    char *refresh; /* NULL: an API request */
    pthread_t thread;
    reply reply;
} background;

void begin_request(background *job);
reply finish_request(background *job);

int64_t now_ms(void); /* monotonic */

/* A test's server, in *state; stop_server() is the teardown for it. */
ts_server *start_server(void **state, const ts_options *options);
int stop_server(void **state);

#endif
