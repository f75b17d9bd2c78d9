/*
 * tacit-test-home-made: a back-end that is not quite OAuth, as an app has one of its own. For shell
 * scripts. All bodies are JSON.
 *
 *   POST /auth/login    {email, password}: {"data": {"user": ..., "tokens": {access, refresh}}}
 *   POST /auth/refresh  {refreshToken}: the tokens, both new; 401 for any but the newest refresh token
 *   POST /auth/logout   {refreshToken}: 204, and that one is over
 *   GET  /me            wants "Authorization: Bearer <the newest access token>"
 *
 * Tokens are JWTs, for 30 minutes and 30 days; nothing else says how long they live.
 */
#include "support/server_internal.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ACCESS_S = 1800, REFRESH_S = 30 * 86400, BODY_MAX = 64 * 1024 };

/* One thread serves all. NULL: signed out. */
static char *access_token, *refresh_token;

typedef struct asked {
    char body[BODY_MAX + 1];
    size_t size;
} asked;

typedef struct answered {
    unsigned status;
    json_t *body; /* NULL: none */
} answered;

static char *new_token(json_int_t lifetime_s) {
    json_int_t now_s = (json_int_t)time(NULL);
    char *id = ts_random_value("id", 0);
    json_t *claims = json_pack("{s:s, s:s, s:I, s:I}", "sub", "ada", "jti", id, "iat", now_s, "exp",
                               now_s + lifetime_s);
    char *payload = json_dumps(claims, JSON_COMPACT);
    char *payload64 = ts_base64url(payload, strlen(payload));
    /* {"alg":"HS256","typ":"JWT"}, and a signature that nobody looks at */
    char *token = ts_format("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.%s.%s", payload64, id);

    json_decref(claims);
    free(id);
    free(payload);
    free(payload64);
    return token;
}

static void forget(void) {
    free(access_token);
    free(refresh_token);
    access_token = refresh_token = NULL;
}

static json_t *new_tokens(void) {
    forget();
    access_token = new_token(ACCESS_S);
    refresh_token = new_token(REFRESH_S);
    return json_pack("{s:s, s:s}", "access", access_token, "refresh", refresh_token);
}

/* ------------------------------------------------------------------ routes */

static answered refuse(const char *message) {
    json_t *body = json_pack("{s:i, s:s}", "statusCode", 401, "message", message);

    return (answered){.status = 401, .body = body};
}

static bool has(const json_t *body, const char *member, const char *value) {
    const char *text = json_string_value(json_object_get(body, member));

    return text != NULL && value != NULL && strcmp(text, value) == 0;
}

static answered log_in(const json_t *body) {
    if (!has(body, "email", "ada@example.com") || !has(body, "password", "correct horse"))
        return refuse("Wrong e-mail address or password");
    return (answered){200, json_pack("{s:{s:{s:s}, s:o}}", "data", "user", "name", "Ada", "tokens",
                                     new_tokens())};
}

static answered renew(const json_t *body) {
    if (!has(body, "refreshToken", refresh_token)) return refuse("Refresh token is over");
    return (answered){200, json_pack("{s:{s:o}}", "data", "tokens", new_tokens())};
}

static answered log_out(const json_t *body) {
    if (!has(body, "refreshToken", refresh_token)) return refuse("Refresh token is over");
    forget();
    return (answered){.status = 204};
}

static answered tell_who(const char *authorization) {
    if (access_token == NULL || authorization == NULL ||
        strncmp(authorization, "Bearer ", 7) != 0 || strcmp(authorization + 7, access_token) != 0)
        return refuse("Unauthorized");
    return (answered){200, json_pack("{s:s}", "name", "Ada")};
}

static answered route(const char *method, const char *path, const char *authorization,
                      const json_t *body) {
    bool post = strcmp(method, "POST") == 0;

    if (post && strcmp(path, "/auth/login") == 0) return log_in(body);
    if (post && strcmp(path, "/auth/refresh") == 0) return renew(body);
    if (post && strcmp(path, "/auth/logout") == 0) return log_out(body);
    if (!post && strcmp(path, "/me") == 0) return tell_who(authorization);
    return (answered){404, json_pack("{s:i}", "statusCode", 404)};
}

/* ------------------------------------------------------------------ HTTP */

static enum MHD_Result send_answer(struct MHD_Connection *connection, answered answer) {
    char *json = answer.body == NULL ? NULL : json_dumps(answer.body, JSON_COMPACT);
    char *text = json == NULL ? NULL : ts_format("%s\n", json);
    struct MHD_Response *response = MHD_create_response_from_buffer(text == NULL ? 0 : strlen(text),
                                                                    text, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result queued;

    if (text != NULL) MHD_add_response_header(response, "Content-Type", "application/json");
    queued = MHD_queue_response(connection, answer.status, response);
    MHD_destroy_response(response);
    free(json);
    json_decref(answer.body);
    return queued;
}

static enum MHD_Result serve(void *data, struct MHD_Connection *connection, const char *path,
                             const char *method, const char *version, const char *part,
                             size_t *size, void **kept) {
    asked *asked = *kept;
    enum MHD_Result sent;
    json_t *body;

    (void)data;
    (void)version;
    if (asked == NULL) {
        *kept = calloc(1, sizeof *asked);
        return *kept == NULL ? MHD_NO : MHD_YES;
    }
    if (*size > BODY_MAX - asked->size) return MHD_NO;
    memcpy(asked->body + asked->size, part == NULL ? "" : part, *size);
    asked->size += *size;
    if (*size > 0) {
        *size = 0;
        return MHD_YES;
    }
    body = json_loads(asked->body, 0, NULL);
    sent = send_answer(
        connection,
        route(method, path,
              MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization"), body));
    json_decref(body);
    return sent;
}

static void forget_asked(void *data, struct MHD_Connection *connection, void **kept,
                         enum MHD_RequestTerminationCode why) {
    (void)data;
    (void)connection;
    (void)why;
    free(*kept);
    *kept = NULL;
}

/* tacit-test-home-made: prints its URL, and ends with its standard input, at the latest after two
 * minutes. */
int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct MHD_Daemon *server = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, serve, NULL, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_NOTIFY_COMPLETED, forget_asked, NULL, MHD_OPTION_END);
    const union MHD_DaemonInfo *info;
    char byte;

    if (server == NULL) return 1;
    info = MHD_get_daemon_info(server, MHD_DAEMON_INFO_BIND_PORT);
    printf("http://127.0.0.1:%u\n", info->port);
    fflush(stdout);
    alarm(120);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    MHD_stop_daemon(server);
    forget();
    return 0;
}
