#include "session/revocation.h"

#include "base/error.h"
#include "base/log.h"
#include "base/strings.h"
#include "session/client.h"
#include "session/discover.h"

#include <stdlib.h>

enum { REVOCATION_MS = 5000 };

int64_t ti_revocation_deadline(const ti_identity *identity) {
    return ti_clock_deadline(ti_identity_clock(identity), REVOCATION_MS);
}

/* The metadata that is known will do, however old: there is not much time. */
static tacit_status discover(const ti_identity *identity, tacit_provider *provider,
                             int64_t deadline_boot_ms, tacit_error *error) {
    ti_metadata *known = ti_discover_known(identity->client, provider);

    ti_metadata_unref(known);
    if (known != NULL) return ti_error_clear(error);
    return ti_discover(identity->client, provider, deadline_boot_ms, NULL, error);
}

void ti_revoke(ti_identity *identity, const ti_revocation *revocation, int64_t deadline_boot_ms,
               tacit_error *error) {
    bool is_access_token = revocation->kind == TI_REVOKE_ACCESS_TOKEN;
    const ti_grant_client *client = &revocation->view->grant;
    ti_grant_end end = {.token = revocation->token,
                        .hint = is_access_token ? "access_token" : "refresh_token",
                        .other = revocation->other,
                        .fingerprint = (const char *const *)revocation->fingerprint};

    ti_error_clear(error);
    if (end.token == NULL ||
        discover(identity, client->provider, deadline_boot_ms, error) != TACIT_OK)
        return;
    ti_grant_revoke(identity->client->transport, client, &end, deadline_boot_ms, error);
    /* RFC 7009 section 2: a server must revoke refresh tokens, and may leave access tokens to expire. */
    if (is_access_token && error->status == TACIT_ERR_UNSUPPORTED) ti_error_clear(error);
}

/* The record's list of access tokens has those of the session, too. */
static bool is_in(const ti_revocation *list, const ti_secret *token) {
    for (; list != NULL; list = list->next)
        if (ti_secret_equal(list->token, token)) return true;
    return false;
}

void ti_revocation_push_locked(ti_revocation **list, const ti_revocation *revocation) {
    ti_revocation *copy;

    if (revocation->token == NULL || is_in(*list, revocation->token)) return;
    copy = malloc(sizeof *copy);
    if (copy == NULL) return;
    *copy = *revocation;
    ti_strings_copy(&copy->fingerprint, (const char *const *)revocation->fingerprint);
    ti_secret_ref(copy->token);
    ti_secret_ref(copy->other);
    copy->view->users++;
    copy->next = *list;
    *list = copy;
}

static void free_revocation_locked(ti_identity *identity, ti_revocation *revocation) {
    ti_view_release_locked(identity, revocation->view);
    ti_secret_unref(revocation->token);
    ti_secret_unref(revocation->other);
    ti_strings_free(revocation->fingerprint);
    free(revocation);
}

void ti_revocations_free_locked(ti_identity *identity, ti_revocation *list) {
    while (list != NULL) {
        ti_revocation *revocation = list;

        list = revocation->next;
        free_revocation_locked(identity, revocation);
    }
}

void ti_revocation_add_locked(ti_identity *identity, ti_view *view, ti_secret *refresh_token,
                              char **fingerprint) {
    ti_revocation revocation = {.view = view,
                                .token = refresh_token,
                                .kind = TI_REVOKE_REFRESH_TOKEN,
                                .fingerprint = fingerprint};

    ti_revocation_push_locked(&identity->revocations, &revocation);
}

void ti_revocation_add_granted_locked(ti_identity *identity, ti_view *view,
                                      const ti_token_response *granted, char **fingerprint) {
    bool by_refresh_token =
        granted->refresh_token != NULL && !ti_grant_ends_by_access_token(&view->grant);
    ti_revocation revocation = {
        .view = view,
        .token = by_refresh_token ? granted->refresh_token : granted->access_token,
        .kind = by_refresh_token ? TI_REVOKE_REFRESH_TOKEN : TI_REVOKE_ACCESS_TOKEN,
        .other = by_refresh_token ? granted->access_token : granted->refresh_token,
        .fingerprint = fingerprint};

    ti_revocation_push_locked(&identity->revocations, &revocation);
}

/* Nobody asked for it, so there is nobody to tell; a server without such an endpoint is no trouble. */
static void log_failure(const ti_identity *identity, const tacit_error *failure) {
    tacit_log_level level =
        failure->status == TACIT_ERR_UNSUPPORTED ? TACIT_LOG_INFO : TACIT_LOG_WARNING;

    if (failure->status == TACIT_OK) return;
    ti_log_write(&identity->client->context->log, level,
                 "A token of a sign-in that ended was not revoked: %s", failure->message);
}

void ti_revocation_run_locked(ti_identity *identity) {
    ti_revocation *revocation = identity->revocations;
    tacit_error failure;

    pthread_mutex_unlock(&identity->lock);
    ti_revoke(identity, revocation, ti_revocation_deadline(identity), &failure);
    log_failure(identity, &failure);
    pthread_mutex_lock(&identity->lock);
    for (ti_revocation **link = &identity->revocations; *link != NULL; link = &(*link)->next) {
        if (*link != revocation) continue;
        *link = revocation->next;
        break;
    }
    free_revocation_locked(identity, revocation);
}

void ti_revocations_drop_locked(ti_identity *identity) {
    ti_revocations_free_locked(identity, identity->revocations);
    identity->revocations = NULL;
}
