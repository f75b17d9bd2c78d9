#include "session/event.h"

#include "session/client.h"

#include <stdlib.h>

typedef struct queued_event {
    ti_dispatch_item item;
    tacit_session *session; /* counted */
    tacit_event event;
    tacit_error error;
} queued_event;

static void deliver(ti_dispatch_item *item) {
    queued_event *queued = (queued_event *)item;
    tacit_session *session = queued->session;

    session->on_event(session, &queued->event, session->event_data);
    free(queued);
    tacit_session_unref(session);
}

static void fill(queued_event *queued, const ti_identity *identity, const ti_view *view,
                 tacit_event_type type, const char *message, const tacit_error *error) {
    tacit_event *event = &queued->event;

    event->struct_size = sizeof *event;
    event->type = type;
    event->state = identity->state;
    event->expires_in_s = tacit_token_expires_in_s(view->token);
    event->generation = tacit_token_generation(view->token);
    event->message = message;
    if (error == NULL) return;
    queued->error = *error;
    event->error = &queued->error;
}

static void push_one_locked(ti_identity *identity, const ti_view *view, tacit_session *session,
                            tacit_event_type type, const char *message, const tacit_error *error) {
    queued_event *queued;

    if (session->on_event == NULL) return;
    queued = calloc(1, sizeof *queued);
    if (queued == NULL) return;
    queued->item.run = deliver;
    queued->session = tacit_session_ref(session);
    fill(queued, identity, view, type, message, error);
    ti_dispatch_push(identity->client->dispatch, &queued->item);
}

void ti_event_push_locked(ti_identity *identity, const ti_view *view, tacit_event_type type,
                          const char *message, const tacit_error *error) {
    for (const ti_view *v = identity->views; v != NULL; v = v->next) {
        if (view != NULL && v != view) continue;
        for (tacit_session *s = v->sessions; s != NULL; s = s->next)
            push_one_locked(identity, v, s, type, message, error);
    }
}

void ti_event_push_loaded_locked(tacit_session *session) {
    push_one_locked(session->identity, session->view, session, TACIT_EVENT_LOADED,
                    "The store was read before.", NULL);
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
