#include "session/anomaly.h"

#include "oauth/jwt.h"
#include "session/client.h"
#include "session/event.h"

#include <string.h>
#include <strings.h>

enum { EARLY_MS = 60 * 1000, JUMP_MS = 60 * 1000 };

/* ------------------------------------------------------------------ refused */

static bool is_one_of(const char *text, char *const *list) {
    for (; list != NULL && *list != NULL; list++)
        if (*text != '\0' && strcasecmp(text, *list) == 0) return true;
    return false;
}

static bool dialect_says_reuse(const ti_view *view, const tacit_error *refusal) {
    ti_metadata *metadata = ti_provider_metadata(view->grant.provider);
    const ti_dialect *dialect = metadata == NULL ? NULL : ti_metadata_dialect(metadata);
    bool says =
        dialect != NULL && (is_one_of(refusal->oauth_error, dialect->reuse_errors) ||
                            is_one_of(refusal->oauth_error_description, dialect->reuse_errors));

    ti_metadata_unref(metadata);
    return says;
}

/* Lower case, with single spaces for what joins words. */
static void normalize(char *to, size_t size, const char *text) {
    size_t at = 0;

    for (; *text != '\0' && at + 1 < size; text++) {
        char c = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;

        if (c == '_' || c == '-') c = ' ';
        to[at++] = c;
    }
    to[at] = '\0';
}

/* As Keycloak, Supabase, Hydra and others put it. */
static bool text_says_reuse(const char *text) {
    static const char *const spellings[] = {"reuse",
                                            "re use",
                                            "already used",
                                            "already been used",
                                            "already redeemed",
                                            "already been redeemed",
                                            "used more than once"};
    char words[sizeof((tacit_error *)0)->oauth_error_description];

    normalize(words, sizeof words, text);
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++)
        if (strstr(words, spellings[i]) != NULL) return true;
    return false;
}

static bool is_early_locked(const ti_identity *identity) {
    const ti_terms *terms = identity->terms;

    if (terms == NULL || terms->refresh_expires_boot_ms == TI_NEVER) return false;
    return terms->refresh_expires_boot_ms - identity->flight.refused_boot_ms > EARLY_MS;
}

void ti_anomaly_refused_locked(ti_identity *identity, const ti_view *view,
                               const tacit_error *refusal) {
    if (dialect_says_reuse(view, refusal) || text_says_reuse(refusal->oauth_error) ||
        text_says_reuse(refusal->oauth_error_description))
        ti_event_push_anomaly_locked(identity, NULL, TACIT_ANOMALY_REUSE,
                                     "The server says that the refresh token was used twice.",
                                     refusal);
    else if (is_early_locked(identity))
        ti_event_push_anomaly_locked(
            identity, NULL, TACIT_ANOMALY_REFUSED_EARLY,
            "The server refused the refresh token before its lifetime was over.", refusal);
}

/* ------------------------------------------------------------------ somebody else's */

/* Of one that is a JWT with a subject; numbers are subjects, too. Both are the caller's to free. */
static const json_t *subject_of(const ti_secret *token, ti_buffer *text, json_t **claims) {
    const json_t *subject;

    if (ti_jwt_claims(token, 0, text, claims) != TI_JSON_OK) return NULL;
    subject = json_object_get(*claims, "sub");
    return json_is_string(subject) || json_is_number(subject) ? subject : NULL;
}

bool ti_anomaly_is_other_subject(const ti_secret *before, const ti_secret *after) {
    ti_buffer text_before = TI_BUFFER_SECRET, text_after = TI_BUFFER_SECRET;
    json_t *claims_before = NULL, *claims_after = NULL;
    const json_t *one = subject_of(before, &text_before, &claims_before);
    const json_t *other = one == NULL ? NULL : subject_of(after, &text_after, &claims_after);
    bool differ = one != NULL && other != NULL && !json_equal(one, other);

    ti_json_wipe_and_free(claims_before);
    ti_json_wipe_and_free(claims_after);
    ti_buffer_free(&text_before);
    ti_buffer_free(&text_after);
    return differ;
}

void ti_anomaly_other_subject_locked(ti_identity *identity, const ti_view *view) {
    ti_event_push_anomaly_locked(identity, view, TACIT_ANOMALY_OTHER_SUBJECT,
                                 "A renewed token is of another subject than the one before.",
                                 NULL);
}

/* ------------------------------------------------------------------ the clock */

void ti_anomaly_clock_stepped(tacit_client *client, int64_t step_ms) {
    if (step_ms <= JUMP_MS && step_ms >= -JUMP_MS) return;
    pthread_mutex_lock(&client->lock);
    for (ti_identity *i = client->identities; i != NULL; i = i->next) {
        pthread_mutex_lock(&i->lock);
        ti_event_push_anomaly_locked(i, NULL, TACIT_ANOMALY_WALL_CLOCK_JUMPED,
                                     "The wall clock was set by more than a minute.", NULL);
        pthread_mutex_unlock(&i->lock);
    }
    pthread_mutex_unlock(&client->lock);
    ti_dispatch_kick(client->dispatch);
}
