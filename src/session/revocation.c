#include "session/revocation.h"

#include "base/error.h"
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

void ti_revoke(ti_identity *identity, const ti_view *view, const ti_revoke_what *what,
               int64_t deadline_boot_ms, tacit_error *error) {
    bool of_access_token = what->kind == TI_REVOKE_ACCESS_TOKEN;
    const ti_grant_end end = {.token = what->token,
                              .hint = of_access_token ? "access_token" : "refresh_token",
                              .other = what->other,
                              .fingerprint = what->fingerprint};

    ti_error_clear(error);
    if (what->token == NULL ||
        discover(identity, view->grant.provider, deadline_boot_ms, error) != TACIT_OK)
        return;
    ti_grant_revoke(identity->client->transport, &view->grant, &end, deadline_boot_ms, error);
    /* RFC 7009 section 2: a server must revoke refresh tokens, and may leave access tokens to expire. */
    if (of_access_token && error->status == TACIT_ERR_UNSUPPORTED) ti_error_clear(error);
}

void ti_revocation_push_locked(ti_revocation **list, ti_view *view, ti_secret *token,
                               ti_secret *other, ti_revoke_kind kind) {
    ti_revocation *revocation;

    if (token == NULL) return;
    revocation = calloc(1, sizeof *revocation);
    if (revocation == NULL) return;
    revocation->token = ti_secret_ref(token);
    revocation->other = ti_secret_ref(other);
    revocation->kind = kind;
    revocation->view = view;
    view->users++;
    revocation->next = *list;
    *list = revocation;
}

static void free_revocation_locked(ti_identity *identity, ti_revocation *revocation) {
    ti_view_release_locked(identity, revocation->view);
    ti_secret_unref(revocation->token);
    ti_secret_unref(revocation->other);
    free(revocation);
}

void ti_revocations_free_locked(ti_identity *identity, ti_revocation *list) {
    while (list != NULL) {
        ti_revocation *revocation = list;

        list = revocation->next;
        free_revocation_locked(identity, revocation);
    }
}

void ti_revocation_add_locked(ti_identity *identity, ti_view *view, ti_secret *refresh_token) {
    ti_revocation_push_locked(&identity->revocations, view, refresh_token, NULL,
                              TI_REVOKE_REFRESH_TOKEN);
}

void ti_revocation_add_granted_locked(ti_identity *identity, ti_view *view,
                                      const ti_token_response *granted) {
    if (granted->refresh_token != NULL)
        ti_revocation_add_locked(identity, view, granted->refresh_token);
    else
        ti_revocation_push_locked(&identity->revocations, view, granted->access_token, NULL,
                                  TI_REVOKE_ACCESS_TOKEN);
}

void ti_revocation_run_locked(ti_identity *identity) {
    ti_revocation *revocation = identity->revocations;
    const ti_revoke_what what = {
        .token = revocation->token, .kind = revocation->kind, .other = revocation->other};
    tacit_error ignored;

    pthread_mutex_unlock(&identity->lock);
    ti_revoke(identity, revocation->view, &what, ti_revocation_deadline(identity), &ignored);
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
