/* ID tokens (OpenID Connect Core section 2): JWTs with a signature that nobody can verify. */
#include "server_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LIFETIME_S = 3600 };

static bool has_openid(const char *scope) {
    for (const char *word = scope; *word;) {
        size_t size = strcspn(word, " ");
        if (size == strlen("openid") && strncmp(word, "openid", size) == 0) return true;
        word += size + (word[size] == ' ');
    }
    return false;
}

static json_t *claims_locked(const ts_server *server, const ts_family *family,
                             const char *client_id, const char *nonce) {
    json_int_t now_s = (json_int_t)time(NULL);
    const char *user = ts_family_user(family);
    json_t *claims =
        json_pack("{s:s,s:s,s:s,s:I,s:I,s:s}", "iss", ts_issuer_locked(server), "sub", user, "aud",
                  client_id, "exp", now_s + LIFETIME_S, "iat", now_s, "name", user);

    if (nonce) json_object_set_new(claims, "nonce", json_string(nonce));
    ts_json_merge(claims, server->options.id_token_members);
    return claims;
}

char *ts_id_token_locked(const ts_server *server, const ts_family *family, const char *client_id,
                         const char *nonce) {
    static const char head[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";

    if (server->options.no_id_token || !has_openid(ts_family_scope(family))) return NULL;
    json_t *claims = claims_locked(server, family, client_id, nonce);
    char *payload = json_dumps(claims, JSON_COMPACT);
    char *head64 = ts_base64url(head, strlen(head));
    char *payload64 = ts_base64url(payload, strlen(payload));
    char *token = ts_format("%s.%s.c2lnbmF0dXJl", head64, payload64);

    free(payload64);
    free(head64);
    free(payload);
    json_decref(claims);
    return token;
}
