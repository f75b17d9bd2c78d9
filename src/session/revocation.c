#include "session/revocation.h"

#include "session/client.h"

#include <stdlib.h>

enum { REVOCATION_MS = 5000 };

void ti_revoke(ti_identity *identity, const ti_view *view, const ti_secret *token,
               tacit_error *error) {
    tacit_client *client = identity->client;
    const ti_clock *clock = ti_identity_clock(identity);

    ti_grant_revoke(client->transport, &view->grant, token, "refresh_token",
                    ti_clock_deadline(clock, REVOCATION_MS), error);
}

void ti_revocation_add_locked(ti_identity *identity, ti_view *view, ti_secret *token) {
    ti_revocation *revocation;

    if (token == NULL) return;
    revocation = calloc(1, sizeof *revocation);
    if (revocation == NULL) return;
    revocation->token = ti_secret_ref(token);
    revocation->view = view;
    view->users++;
    revocation->next = identity->revocations;
    identity->revocations = revocation;
}

static void free_revocation_locked(ti_identity *identity, ti_revocation *revocation) {
    ti_view_release_locked(identity, revocation->view);
    ti_secret_unref(revocation->token);
    free(revocation);
}

void ti_revocation_run_locked(ti_identity *identity) {
    ti_revocation *revocation = identity->revocations;
    tacit_error ignored;

    pthread_mutex_unlock(&identity->lock);
    ti_revoke(identity, revocation->view, revocation->token, &ignored);
    pthread_mutex_lock(&identity->lock);
    for (ti_revocation **link = &identity->revocations; *link != NULL; link = &(*link)->next) {
        if (*link != revocation) continue;
        *link = revocation->next;
        break;
    }
    free_revocation_locked(identity, revocation);
}

void ti_revocations_drop_locked(ti_identity *identity) {
    while (identity->revocations != NULL) {
        ti_revocation *revocation = identity->revocations;

        identity->revocations = revocation->next;
        free_revocation_locked(identity, revocation);
    }
}
