/* Tokens, their families, rotation, grace and reuse. The caller holds the server's lock. */
#include "server_internal.h"

#include <stdlib.h>
#include <string.h>

struct ts_family { /* one sign-in and everything that came of it */
    ts_family *next;
    bool is_revoked;
    char *user, *scope;
};

struct ts_token {
    ts_token *next; /* of the bucket */
    uint64_t hash;
    ts_family *family;
    bool is_access, is_revoked, is_spent;
    int64_t expires_ms;  /* access */
    int64_t spent_ms;    /* refresh */
    ts_token *successor; /* refresh: what it was exchanged for */
    char *value;
};

static uint64_t hash_of(const char *text) { /* FNV-1a */
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

static ts_token *find(const ts_token_table *tokens, const char *value) {
    if (!tokens->bucket_count) return NULL;

    uint64_t hash = hash_of(value);
    ts_token *token = tokens->buckets[hash & (tokens->bucket_count - 1)];
    while (token && (token->hash != hash || strcmp(token->value, value) != 0)) token = token->next;
    return token;
}

static void free_token(ts_token *token) {
    free(token->value);
    free(token);
}

static void insert(ts_token_table *tokens, ts_token *token) {
    ts_token **bucket = &tokens->buckets[token->hash & (tokens->bucket_count - 1)];
    token->next = *bucket;
    *bucket = token;
    tokens->count++;
}

/* To the API an expired access token and an unknown one are the same: growing drops them. */
static void grow(ts_token_table *tokens) {
    ts_token_table larger = *tokens;
    int64_t now_ms = ts_now_ms();

    larger.bucket_count = tokens->bucket_count ? tokens->bucket_count * 2 : 256;
    larger.buckets = ts_alloc(larger.bucket_count * sizeof *larger.buckets);
    larger.count = 0;
    for (size_t i = 0; i < tokens->bucket_count; i++) {
        for (ts_token *next, *token = tokens->buckets[i]; token; token = next) {
            next = token->next;
            if (token->is_access && token->expires_ms <= now_ms)
                free_token(token);
            else
                insert(&larger, token);
        }
    }
    free(tokens->buckets);
    *tokens = larger;
}

static ts_token *issue(ts_server *server, ts_family *family, bool is_access) {
    ts_token_table *tokens = &server->tokens;
    ts_token *token = ts_alloc(sizeof *token);

    token->family = family;
    token->is_access = is_access;
    token->value = ts_token_value(&server->options, is_access, family->user);
    token->hash = hash_of(token->value);
    token->expires_ms = ts_now_ms() + server->options.access_lifetime_ms;
    if (tokens->count >= tokens->bucket_count) grow(tokens);
    insert(tokens, token);
    if (!is_access) tokens->newest_refresh = token;
    return token;
}

static void fill_in(ts_issued *issued, ts_family *family, const ts_token *access,
                    const ts_token *refresh) {
    issued->access = access->value;
    issued->refresh = refresh ? refresh->value : NULL;
    issued->family = family;
}

void ts_tokens_sign_in_locked(ts_server *server, const char *user, const char *scope,
                              bool with_refresh, ts_issued *issued) {
    ts_family *family = ts_alloc(sizeof *family);

    family->user = ts_strdup(user);
    family->scope = ts_strdup(scope);
    family->next = server->tokens.families;
    server->tokens.families = family;
    const ts_token *refresh = with_refresh ? issue(server, family, false) : NULL;
    fill_in(issued, family, issue(server, family, true), refresh);
}

/* NULL: all families. */
static void revoke_access_of(ts_token_table *tokens, const ts_family *family) {
    for (size_t i = 0; i < tokens->bucket_count; i++) {
        for (ts_token *token = tokens->buckets[i]; token; token = token->next) {
            if (token->is_access && (!family || token->family == family)) token->is_revoked = true;
        }
    }
}

static bool is_live_refresh(const ts_token *token) {
    return token && !token->is_access && !token->is_revoked && !token->family->is_revoked;
}

/* The refresh token for the answer to a second use of a spent one, or NULL: that was reuse. */
static ts_token *successor_in_grace(ts_server *server, ts_token *token) {
    const ts_options *options = &server->options;

    if (options->grace_ms <= 0 || ts_now_ms() - token->spent_ms > options->grace_ms) return NULL;
    if (!options->grace_same_successor) return issue(server, token->family, false);
    return token->successor->is_spent ? NULL : token->successor;
}

static ts_token *exchange_spent(ts_server *server, ts_token *token) {
    ts_token *successor = successor_in_grace(server, token);

    if (successor) {
        server->counters.grace_uses++;
    } else if (server->options.detect_reuse) {
        server->counters.reuse_detections++;
        token->family->is_revoked = true;
    }
    return successor;
}

static ts_token *exchange(ts_server *server, ts_token *token) {
    if (token->is_spent) return exchange_spent(server, token);
    if (!server->options.rotate) return token;

    token->is_spent = true;
    token->spent_ms = ts_now_ms();
    token->successor = issue(server, token->family, false);
    return token->successor;
}

ts_refresh_result ts_tokens_refresh_locked(ts_server *server, const char *refresh_token,
                                           ts_issued *issued) {
    ts_token *token = find(&server->tokens, refresh_token);
    ts_token *next = is_live_refresh(token) ? exchange(server, token) : NULL;

    if (!next) {
        server->counters.refreshes_refused++;
        return TS_REFRESH_REFUSED;
    }
    server->counters.refreshes_ok++;
    if (server->options.refresh_ends_older_access) {
        revoke_access_of(&server->tokens, token->family);
    }
    if (next == token && !server->options.repeat_refresh_token) next = NULL;
    fill_in(issued, token->family, issue(server, token->family, true), next);
    return TS_REFRESH_OK;
}

static bool is_live_access(const ts_token *token, int64_t now_ms) {
    return token && token->is_access && !token->is_revoked && !token->family->is_revoked &&
           token->expires_ms > now_ms;
}

const ts_family *ts_tokens_check_access_locked(ts_server *server, const char *value) {
    const ts_token *token = find(&server->tokens, value);
    return is_live_access(token, ts_now_ms()) ? token->family : NULL;
}

const char *ts_tokens_slide_locked(ts_server *server, const char *value) {
    ts_family *family = find(&server->tokens, value)->family;

    if (server->options.sliding_ends_older_access) revoke_access_of(&server->tokens, family);
    return issue(server, family, true)->value;
}

const char *ts_family_user(const ts_family *family) {
    return family->user;
}

const char *ts_family_scope(const ts_family *family) {
    return family->scope;
}

void ts_family_revoke(ts_family *family) {
    family->is_revoked = true;
}

bool ts_tokens_revoke_locked(ts_server *server, const char *value) {
    ts_token *token = find(&server->tokens, value);

    if (!token) return false;
    if (token->is_access)
        token->is_revoked = true;
    else
        token->family->is_revoked = true;
    server->counters.revocations++;
    return true;
}

void ts_tokens_count_live_locked(const ts_server *server, ts_counters *counters) {
    const ts_token_table *tokens = &server->tokens;
    int64_t now_ms = ts_now_ms();

    counters->live_access_tokens = counters->live_refresh_tokens = 0;
    for (size_t i = 0; i < tokens->bucket_count; i++) {
        for (const ts_token *token = tokens->buckets[i]; token; token = token->next) {
            counters->live_access_tokens += is_live_access(token, now_ms);
            counters->live_refresh_tokens += is_live_refresh(token) && !token->is_spent;
        }
    }
}

void ts_tokens_free(ts_token_table *tokens) {
    for (size_t i = 0; i < tokens->bucket_count; i++) {
        for (ts_token *next, *token = tokens->buckets[i]; token; token = next) {
            next = token->next;
            free_token(token);
        }
    }
    for (ts_family *next, *family = tokens->families; family; family = next) {
        next = family->next;
        free(family->user);
        free(family->scope);
        free(family);
    }
    free(tokens->buckets);
}

char *server_sign_in(ts_server *server, const char *user, const char *scope, char **access) {
    ts_issued issued;

    pthread_mutex_lock(&server->lock);
    ts_tokens_sign_in_locked(server, user, scope ? scope : "", true, &issued);
    char *refresh = ts_strdup(issued.refresh);
    if (access) *access = ts_strdup(issued.access);
    pthread_mutex_unlock(&server->lock);
    return refresh;
}

void server_revoke_access_tokens(ts_server *server) {
    pthread_mutex_lock(&server->lock);
    revoke_access_of(&server->tokens, NULL);
    pthread_mutex_unlock(&server->lock);
}

void server_revoke_family(ts_server *server) {
    pthread_mutex_lock(&server->lock);
    for (ts_family *family = server->tokens.families; family; family = family->next) {
        family->is_revoked = true;
    }
    pthread_mutex_unlock(&server->lock);
}

bool server_access_token_is_live(ts_server *server, const char *token) {
    pthread_mutex_lock(&server->lock);
    bool live = ts_tokens_check_access_locked(server, token) != NULL;
    pthread_mutex_unlock(&server->lock);
    return live;
}

bool server_refresh_token_is_live(ts_server *server, const char *value) {
    pthread_mutex_lock(&server->lock);
    const ts_token *token = find(&server->tokens, value);
    bool live = is_live_refresh(token) && !token->is_spent;
    pthread_mutex_unlock(&server->lock);
    return live;
}

char *server_newest_refresh_token(ts_server *server) {
    pthread_mutex_lock(&server->lock);
    const ts_token *token = server->tokens.newest_refresh;
    char *value = token ? ts_strdup(token->value) : NULL;
    pthread_mutex_unlock(&server->lock);
    return value;
}
