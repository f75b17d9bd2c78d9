#include "session/view.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/strings.h"
#include "platform/crypto.h"
#include "session/identity.h"
#include "session/schedule.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ its own copies */

static void free_list(const char *const *list) {
    ti_strings_free((char **)list);
}

static bool copy_list(const char *const **copy, const char *const *list) {
    char **items;
    bool copied = ti_strings_copy(&items, list);

    *copy = (const char *const *)items;
    return copied;
}

static bool same_list(const char *const *a, const char *const *b) {
    return ti_strings_equal((char *const *)a, (char *const *)b);
}

static bool same_secret(const ti_secret *a, const char *b) {
    if (a == NULL || b == NULL) return a == NULL && b == NULL;
    return strlen(b) == ti_secret_size(a) && memcmp(ti_secret_data(a), b, strlen(b)) == 0;
}

/* ------------------------------------------------------------------ which view */

/* A hash of what the token is granted for, so that a record finds it again. */
static bool make_key(char key[TI_VIEW_KEY_SIZE], const tacit_session_options *options) {
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[TI_SHA256_SIZE];
    ti_buffer text = TI_BUFFER_SECRET;
    const char *scope = options->scope == NULL ? "" : options->scope;
    const char *resource = options->resource == NULL ? "" : options->resource;
    bool ok;

    ti_buffer_append(&text, scope, strlen(scope) + 1);
    ti_buffer_append(&text, resource, strlen(resource) + 1);
    for (size_t i = 0; options->token_params != NULL && options->token_params[i] != NULL; i++)
        ti_buffer_append(&text, options->token_params[i], strlen(options->token_params[i]) + 1);
    ok = !text.failed && ti_crypto_sha256(text.data, text.size, hash);
    ti_buffer_free(&text);
    if (!ok) return false;
    for (size_t i = 0; i + 1 < TI_VIEW_KEY_SIZE; i++)
        key[i] = digits[(hash[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15];
    key[TI_VIEW_KEY_SIZE - 1] = '\0';
    return true;
}

static bool serves(const ti_view *view, const tacit_provider *provider, const char *key,
                   const tacit_session_options *options) {
    return memcmp(view->key, key, TI_VIEW_KEY_SIZE) == 0 && view->grant.provider == provider &&
           view->policy == options->policy && view->lead_s == options->refresh_lead_s &&
           same_secret(view->grant.client_secret, options->client_secret) &&
           same_list(view->grant.token_headers, options->token_headers);
}

static void free_view(ti_view *view) {
    tacit_token_unref(view->token);
    ti_failure_unref_locked(view->failure);
    tacit_provider_unref(view->grant.provider);
    ti_secret_unref((ti_secret *)view->grant.client_secret);
    free_list(view->grant.token_params);
    free_list(view->grant.token_headers);
    free(view->scope);
    free(view->resource);
    if (view->slides) {
        ti_log_name_remove(&view->slide->hidden);
        free(view->slide->header);
    }
    free(view);
}

/* With room for what it needs to slide. NULL: no memory. */
static ti_view *new_bare_view(tacit_provider *provider) {
    ti_view *view;
    char *header;

    if (!ti_slide_header(provider, &header)) return NULL;
    view = calloc(1, sizeof *view + (header == NULL ? 0 : sizeof(ti_slide)));
    if (view == NULL) {
        free(header);
        return NULL;
    }
    if (header == NULL) return view;
    view->slides = true;
    view->slide->header = header;
    ti_slide_begin_locked(view);
    return view;
}

static ti_view *new_view(const ti_identity *identity, tacit_provider *provider,
                         const tacit_session_options *options) {
    ti_view *view = new_bare_view(provider);

    if (view == NULL) return NULL;
    view->policy = options->policy;
    view->lead_s = options->refresh_lead_s;
    view->due_boot_ms = TI_NEVER;
    view->grant.provider = ti_provider_ref(provider);
    view->grant.client_id = identity->client_id;
    if (view->slides)
        ti_log_name_add(&ti_identity_context(identity)->log, &view->slide->hidden,
                        view->slide->header);
    if (options->client_secret != NULL)
        view->grant.client_secret = ti_secret_from_string(options->client_secret);
    if ((options->client_secret == NULL || view->grant.client_secret != NULL) &&
        ti_string_copy(&view->scope, options->scope) &&
        ti_string_copy(&view->resource, options->resource) &&
        copy_list(&view->grant.token_params, options->token_params) &&
        copy_list(&view->grant.token_headers, options->token_headers))
        return view;
    free_view(view);
    return NULL;
}

static ti_record_token *find_parked_locked(const ti_identity *identity, const char *key) {
    for (size_t i = 0; i < identity->parked_count; i++)
        if (strcmp(identity->parked[i].view, key) == 0) return &identity->parked[i];
    return NULL;
}

static void remove_parked_locked(ti_identity *identity, ti_record_token *parked) {
    ti_secret_unref(parked->value);
    *parked = identity->parked[--identity->parked_count];
}

/* What a record, or a view that was closed, left for it. */
static void take_parked_locked(ti_identity *identity, ti_view *view) {
    ti_record_token *parked = find_parked_locked(identity, view->key);

    if (parked == NULL) return;
    ti_view_adopt_locked(identity, view, parked);
    remove_parked_locked(identity, parked);
}

ti_view *ti_view_find_locked(ti_identity *identity, tacit_provider *provider,
                             const tacit_session_options *options, tacit_error *error) {
    char key[TI_VIEW_KEY_SIZE];
    ti_view *view;

    if (!make_key(key, options)) {
        ti_error_no_memory(error);
        return NULL;
    }
    for (view = identity->views; view != NULL; view = view->next)
        if (serves(view, provider, key, options)) break;
    if (view == NULL) {
        view = new_view(identity, provider, options);
        if (view == NULL) {
            ti_error_no_memory(error);
            return NULL;
        }
        memcpy(view->key, key, sizeof key);
        view->next = identity->views;
        identity->views = view;
        if (identity->state == TACIT_STATE_SIGNED_IN) {
            take_parked_locked(identity, view);
            ti_view_expect_token_locked(identity, view);
        }
    }
    view->users++;
    return view;
}

/* ------------------------------------------------------------------ its token */

static bool is_better_locked(const ti_identity *identity, const ti_view *view,
                             const ti_record_token *parked) {
    if (view->slides) return ti_slide_prefers_locked(identity, view, parked);
    return parked->generation >= view->token->generation;
}

static void park_locked(ti_identity *identity, const ti_view *view) {
    ti_record_token *parked = find_parked_locked(identity, view->key);

    if (ti_slide_is_unsaved_locked(view)) identity->slide_parked = true;
    if (parked != NULL) { /* of a record that came while the view was open, or of one like it */
        if (is_better_locked(identity, view, parked)) return;
        remove_parked_locked(identity, parked);
    }
    parked = realloc(identity->parked, (identity->parked_count + 1) * sizeof *identity->parked);
    if (parked == NULL) return; /* one refresh more, some day */
    identity->parked = parked;
    if (ti_view_token_to_record(view->key, view->token, &parked[identity->parked_count]))
        identity->parked_count++;
}

void ti_view_release_locked(ti_identity *identity, ti_view *view) {
    ti_view **link = &identity->views;

    if (--view->users > 0) return;
    while (*link != view) link = &(*link)->next;
    *link = view->next;
    if (view->token != NULL) park_locked(identity, view);
    free_view(view);
}

void ti_view_set_token_locked(ti_view *view, tacit_token *token, uint64_t attempt,
                              int64_t due_boot_ms) {
    tacit_token *before = view->token;

    view->token = token;
    view->token_attempt = attempt;
    view->token_adopted = false;
    view->due_boot_ms = due_boot_ms;
    atomic_store_explicit(&view->current_id, token == NULL ? 0 : token->id, memory_order_release);
    if (view->slides) ti_slide_begin_locked(view);
    tacit_token_unref(before);
}

int64_t ti_view_due_locked(const ti_identity *identity, const ti_view *view,
                           const tacit_token *token, int64_t refresh_in_s) {
    /* Nothing can renew it: when it is over, so is the sign-in. */
    if (!ti_identity_can_renew_locked(identity)) return token->expires_boot_ms;
    return ti_schedule_due(token->issued_boot_ms, token->lifetime_ms, refresh_in_s, view->lead_s,
                           ti_identity_random());
}

void ti_view_adopt_locked(ti_identity *identity, ti_view *view, const ti_record_token *found) {
    const ti_clock *clock = ti_identity_clock(identity);
    int64_t now = ti_clock_boot_ms(clock), due;
    int64_t left_ms = found->expires_wall_ms - ti_clock_wall_ms(clock);
    ti_token_facts facts = {.value = found->value,
                            .generation = found->generation,
                            .sign_in_id = identity->journal.sign_in_id,
                            .issued_boot_ms = now,
                            .lifetime_ms = found->lifetime_ms};
    tacit_token *token;

    if (view->token != NULL && facts.generation <= view->token->generation)
        facts.generation = view->token->generation + 1; /* what slid counts for itself */
    if (found->expires_wall_ms < 0) facts.lifetime_ms = -1;
    if (facts.lifetime_ms >= 0) { /* R13: the wall clock may lie, but never beyond the lifetime */
        if (left_ms < 0) left_ms = 0;
        if (left_ms > facts.lifetime_ms) left_ms = facts.lifetime_ms;
        facts.issued_boot_ms = now - (facts.lifetime_ms - left_ms);
    }
    token = ti_token_new(ti_identity_context(identity), &facts);
    if (token == NULL) return; /* it is renewed instead */
    due = ti_view_due_locked(identity, view, token, -1);
    if (due != TI_NEVER)
        due = ti_schedule_due_loaded(due, token->expires_boot_ms, now, ti_identity_random());
    ti_view_set_token_locked(view, token, identity->flight.attempt, due);
    view->token_adopted = true;
    if (view->slides) view->slide->saved_generation = token->generation;
}

void ti_view_expect_token_locked(const ti_identity *identity, ti_view *view) {
    int64_t now = ti_identity_now(identity);

    if (view->token == NULL && ti_identity_can_renew_locked(identity))
        view->due_boot_ms = ti_schedule_due_loaded(now, now, now, ti_identity_random());
}

bool ti_view_token_to_record(const char *key, const tacit_token *token, ti_record_token *kept) {
    const ti_clock *clock = &token->context->clock;

    memcpy(kept->view, key, TI_VIEW_KEY_SIZE);
    kept->value = ti_token_copy_value(token);
    kept->generation = token->generation;
    kept->lifetime_ms = token->lifetime_ms;
    kept->expires_wall_ms = -1;
    if (kept->value == NULL || token->expires_boot_ms == TI_NEVER) return kept->value != NULL;
    kept->expires_wall_ms =
        ti_clock_wall_ms(clock) + token->expires_boot_ms - ti_clock_boot_ms(clock);
    if (kept->expires_wall_ms < 0) kept->expires_wall_ms = 0;
    return true;
}

bool ti_view_is_proactive_locked(const ti_identity *identity, const ti_view *view) {
    bool by_itself =
        view->policy == TACIT_POLICY_PROACTIVE ||
        (view->policy == TACIT_POLICY_SLIDING && !ti_identity_can_renew_locked(identity));

    return by_itself && view->sessions != NULL;
}

bool ti_views_have_token_locked(const ti_identity *identity, const ti_view *refused) {
    const ti_clock *clock = ti_identity_clock(identity);
    int64_t now = ti_clock_boot_ms(clock);

    for (const ti_view *view = identity->views; view != NULL; view = view->next)
        if (view != refused && view->token != NULL && ti_token_lives(view->token, now, 0))
            return true;
    for (size_t i = 0; i < identity->parked_count; i++)
        if (ti_record_token_lives(&identity->parked[i], ti_clock_wall_ms(clock)) &&
            (refused == NULL || strcmp(identity->parked[i].view, refused->key) != 0))
            return true;
    return false;
}

void ti_view_drop_wants_locked(ti_view *view) {
    view->wanted_generation = 0;
    view->wanted_attempt = 0;
    view->anew_attempt = 0;
}

void ti_views_reset_locked(ti_identity *identity) {
    for (ti_view *view = identity->views; view != NULL; view = view->next) {
        ti_view_set_token_locked(view, NULL, 0, TI_NEVER);
        ti_view_drop_wants_locked(view);
        view->retry_anyway = false;
    }
    for (size_t i = 0; i < identity->parked_count; i++) ti_secret_unref(identity->parked[i].value);
    free(identity->parked);
    identity->parked = NULL;
    identity->parked_count = 0;
    identity->slide_parked = false;
}
