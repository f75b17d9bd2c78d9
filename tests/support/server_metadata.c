/* RFC 8414 and OpenID Connect Discovery: one document at both well-known paths. */
#include "server_internal.h"

#include <stdlib.h>
#include <string.h>

static const char oauth_path[] = "/.well-known/oauth-authorization-server";
static const char openid_path[] = "/.well-known/openid-configuration";

const char *ts_issuer_locked(const ts_server *server) {
    return server->options.issuer ? server->options.issuer : server->base_url;
}

static void set_endpoint(json_t *json, const char *name, const ts_server *server,
                         const char *path) {
    char *url = ts_format("%s%s", server->authorization_url, path);
    json_object_set_new(json, name, json_string(url));
    free(url);
}

static void set_strings(json_t *json, const char *name, const char *const *strings) {
    json_t *array = json_array();

    for (; *strings; strings++) json_array_append_new(array, json_string(*strings));
    json_object_set_new(json, name, array);
}

static void set_capabilities(json_t *json, ts_client_auth auth) {
    static const char *const auth_methods[] = {"none", "client_secret_basic", "client_secret_post"};
    static const char *const grant_types[] = {"authorization_code",
                                              "refresh_token",
                                              "password",
                                              "client_credentials",
                                              "urn:ietf:params:oauth:grant-type:device_code",
                                              NULL};

    set_strings(json, "token_endpoint_auth_methods_supported",
                (const char *const[]){auth_methods[auth], NULL});
    set_strings(json, "grant_types_supported", grant_types);
    set_strings(json, "response_types_supported", (const char *const[]){"code", NULL});
    set_strings(json, "code_challenge_methods_supported", (const char *const[]){"S256", NULL});
    set_strings(json, "scopes_supported",
                (const char *const[]){"openid", "offline_access", "read", NULL});
    set_strings(json, "subject_types_supported", (const char *const[]){"public", NULL});
    set_strings(json, "id_token_signing_alg_values_supported",
                (const char *const[]){"RS256", NULL});
}

char *ts_metadata_locked(const ts_server *server) {
    const ts_options *options = &server->options;
    json_t *json = json_pack("{s:s}", "issuer", ts_issuer_locked(server));

    set_endpoint(json, "authorization_endpoint", server, "/authorize");
    set_endpoint(json, "token_endpoint", server, "/token");
    set_endpoint(json, "device_authorization_endpoint", server, "/device");
    set_endpoint(json, "revocation_endpoint", server, "/revoke");
    set_endpoint(json, "end_session_endpoint", server, "/logout");
    set_capabilities(json, options->client_auth);
    /* RFC 9207 section 3: what is not promised is left out. */
    if (!options->no_callback_iss) {
        json_object_set_new(json, "authorization_response_iss_parameter_supported", json_true());
    }
    ts_json_merge(json, options->metadata_members);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (!text) abort();
    return text;
}

const char *server_provider_json(ts_server *server) {
    pthread_mutex_lock(&server->lock);
    const char *json = ts_keep_string_locked(server, ts_metadata_locked(server));
    pthread_mutex_unlock(&server->lock);
    return json;
}

static bool ends_with(const char *text, const char *end) {
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

bool ts_is_metadata_path(const char *path) {
    return strncmp(path, oauth_path, strlen(oauth_path)) == 0 || ends_with(path, openid_path);
}

/* Of an issuer's URL, without the slash at its end; yours. "" where there is none. */
static char *path_of_issuer(const char *issuer) {
    const char *host = strstr(issuer, "://");
    const char *path = host ? strchr(host + 3, '/') : NULL;
    char *copy = ts_strdup(path ? path : "");
    size_t size = strlen(copy);

    if (size && copy[size - 1] == '/') copy[size - 1] = '\0';
    return copy;
}

/* An issuer with a path: RFC 8414 section 3.1 puts the well-known part before it, OpenID Connect
 * Discovery section 4 behind. */
static bool is_served_locked(const ts_server *server, const char *path) {
    const ts_options *options = &server->options;
    char *tenant = path_of_issuer(ts_issuer_locked(server));
    char *oauth = ts_format("%s%s", oauth_path, tenant);
    char *openid = ts_format("%s%s", tenant, openid_path);
    bool is_oauth = strcmp(path, oauth_path) == 0 || strcmp(path, oauth) == 0;
    bool is_openid = strcmp(path, openid_path) == 0 || strcmp(path, openid) == 0;

    free(openid);
    free(oauth);
    free(tenant);
    return (is_oauth && !options->no_oauth_metadata) ||
           (is_openid && !options->no_openid_configuration);
}

static char *etag_of(const char *text) { /* FNV-1a */
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return ts_format("\"%016llx\"", (unsigned long long)hash);
}

static void answer_locked(ts_request *request) {
    ts_answer *answer = &request->answer;
    const char *known = ts_request_header(request, "If-None-Match");
    char *text = ts_metadata_locked(request->server);
    char *etag = etag_of(text);
    char *header = ts_format("ETag: %s", etag);

    ts_answer_add_header(answer, header);
    if (known && strstr(known, etag)) { /* a list, or W/ before it: RFC 9110 section 13.1.2 */
        request->server->counters.metadata_unchanged++;
        answer->status = 304;
        free(text);
    } else {
        answer->status = 200;
        answer->content_type = "application/json";
        answer->body = text;
        answer->body_size = strlen(text);
    }
    free(header);
    free(etag);
}

void ts_process_metadata(ts_request *request) {
    ts_server *server = request->server;

    pthread_mutex_lock(&server->lock);
    if (!is_served_locked(server, request->path))
        request->answer.status = 404;
    else if (strcmp(request->method, "GET") != 0)
        request->answer.status = 405;
    else
        answer_locked(request);
    pthread_mutex_unlock(&server->lock);
}
