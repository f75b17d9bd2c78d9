/* The test server's control channel: what it counted, and what it shall do. No part of an app. */
#ifndef DEMO_CONTROL_H
#define DEMO_CONTROL_H

#include <stdbool.h>

typedef struct control control;

typedef struct server_counts {
    long sign_ins, refreshes, refreshes_refused, most_grants_at_once, reused_refresh_tokens;
    long api_requests, api_200, api_401, held;
    long revocations, live_access_tokens, live_refresh_tokens;
} server_counts;

/* For one thread. NULL: no memory. */
control *control_new(const char *server_url);
void control_free(control *control);

/* false, and all zero: the server does not answer. */
bool control_counts(control *control, server_counts *counts);
/* A JSON object with commands. false: it was not obeyed. */
bool control_command(control *control, const char *json);
/* RFC 8414 metadata, as tacit_provider_from_json() takes it. Yours; NULL on failure. */
char *control_metadata(control *control);

#endif
