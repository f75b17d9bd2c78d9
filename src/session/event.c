#include "session/event.h"

#include "base/error.h"
#include "session/client.h"
#include "session/move.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct queued_event {
    ti_dispatch_item item;
    tacit_session *session; /* counted */
    tacit_event event;
    tacit_error error;
    char text[512]; /* for a message that is not a literal */
} queued_event;

static void deliver(ti_dispatch_item *item) {
    queued_event *queued = (queued_event *)item;
    tacit_session *session = queued->session;

    session->on_event(session, &queued->event, session->event_data);
    free(queued);
    tacit_session_unref(session);
}

/* The spare of a session: one at a time, and without the details of the error. */
static void deliver_spare(ti_dispatch_item *item) {
    tacit_session *session = (tacit_session *)((char *)item - offsetof(tacit_session, spare_item));
    tacit_event event;

    pthread_mutex_lock(&session->identity->lock);
    event = session->spare_event;
    session->spare_queued = false;
    pthread_mutex_unlock(&session->identity->lock);
    session->on_event(session, &event, session->event_data);
    tacit_session_unref(session);
}

/* What is told, whoever it is told to. */
typedef struct notice {
    tacit_event_type type;
    tacit_anomaly anomaly;
    const char *message;
    const tacit_error *error; /* NULL: none */
} notice;

static tacit_event make_event(const ti_identity *identity, const ti_view *view, const notice *n) {
    return (tacit_event){.struct_size = sizeof(tacit_event),
                         .type = n->type,
                         .state = identity->state,
                         .expires_in_s = tacit_token_expires_in_s(view->token),
                         .generation = tacit_token_generation(view->token),
                         .message = n->message,
                         .anomaly = n->anomaly,
                         .sign_in_ends_in_s = ti_terms_end_in_s_locked(identity)};
}

/* R15: that something failed is told even where memory is what is missing. */
static void push_spare_locked(ti_identity *identity, tacit_session *session,
                              const tacit_event *event) {
    if (session->spare_queued) return;
    session->spare_queued = true;
    session->spare_item.run = deliver_spare;
    session->spare_event = *event;
    session->spare_event.error = &ti_error_out_of_memory;
    tacit_session_ref(session);
    ti_dispatch_push(identity->client->dispatch, &session->spare_item);
}

/* The default store has chosen by now. */
static void name_store(queued_event *queued, const ti_identity *identity) {
    const char *from = ti_move_source_locked(identity);
    char text[sizeof queued->text];

    snprintf(text, sizeof text, from == NULL ? "%s It is %s." : "%s It is %s; moved there from %s.",
             queued->event.message, tacit_store_describe(identity->store), from);
    ti_error_text(queued->text, sizeof queued->text, text);
    queued->event.message = queued->text;
}

static void push_one_locked(ti_identity *identity, const ti_view *view, tacit_session *session,
                            const notice *n) {
    queued_event *queued;
    tacit_event event;

    if (session->on_event == NULL) return;
    event = make_event(identity, view, n);
    queued = calloc(1, sizeof *queued);
    if (queued == NULL) {
        if (n->error != NULL) push_spare_locked(identity, session, &event);
        return;
    }
    queued->item.run = deliver;
    queued->session = tacit_session_ref(session);
    queued->event = event;
    if (n->type == TACIT_EVENT_LOADED) name_store(queued, identity);
    if (n->error != NULL) {
        queued->error = *n->error;
        queued->event.error = &queued->error;
    }
    ti_dispatch_push(identity->client->dispatch, &queued->item);
}

static void push_locked(ti_identity *identity, const ti_view *view, const notice *n) {
    for (const ti_view *v = identity->views; v != NULL; v = v->next) {
        if (view != NULL && v != view) continue;
        for (tacit_session *s = v->sessions; s != NULL; s = s->next)
            push_one_locked(identity, v, s, n);
    }
}

void ti_event_push_locked(ti_identity *identity, const ti_view *view, tacit_event_type type,
                          const char *message, const tacit_error *error) {
    notice n = {.type = type, .message = message, .error = error};

    push_locked(identity, view, &n);
}

void ti_event_push_anomaly_locked(ti_identity *identity, const ti_view *view, tacit_anomaly anomaly,
                                  const char *message, const tacit_error *error) {
    notice n = {
        .type = TACIT_EVENT_ANOMALY, .anomaly = anomaly, .message = message, .error = error};

    push_locked(identity, view, &n);
}

void ti_event_push_loaded_locked(tacit_session *session) {
    notice n = {.type = TACIT_EVENT_LOADED, .message = "The store was read before."};

    push_one_locked(session->identity, session->view, session, &n);
}

static void release_event_data(ti_dispatch_item *item) {
    tacit_session *session =
        (tacit_session *)((char *)item - offsetof(tacit_session, release_item));

    session->event_release(session->event_data);
    tacit_session_unref(session);
}

void ti_event_push_release(tacit_session *session) {
    if (session->event_release == NULL) return;
    session->release_item.run = release_event_data;
    tacit_session_ref(session);
    ti_dispatch_push(session->identity->client->dispatch, &session->release_item);
}
