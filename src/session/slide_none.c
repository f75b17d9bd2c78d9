/* In a build without dialects no view slides. */
#include "session/slide.h"

#include "session/identity.h"
#include "session/session.h"

bool ti_slide_header(tacit_provider *provider, char **header) {
    (void)provider;
    *header = NULL;
    return true;
}

void ti_slide_begin_locked(ti_view *view) {
    (void)view;
}

bool ti_slide_prefers_locked(const ti_identity *identity, const ti_view *view,
                             const ti_record_token *found) {
    (void)identity, (void)view, (void)found;
    return false;
}

int64_t ti_slide_save_due_locked(const ti_identity *identity) {
    (void)identity;
    return TI_NEVER;
}

bool ti_slide_is_unsaved_locked(const ti_view *view) {
    (void)view;
    return false;
}

void ti_slide_saved_locked(ti_identity *identity, const ti_record *record) {
    (void)identity, (void)record;
}

void ti_slide_save_locked(ti_identity *identity) {
    (void)identity;
}

void ti_slide_save_failed_locked(ti_identity *identity, const tacit_error *error) {
    (void)identity, (void)error;
}

bool ti_session_slides(const tacit_session *session) {
    (void)session;
    return false;
}

void ti_session_slide(tacit_session *session, const tacit_token *sent, const ti_http_answer *answer,
                      int64_t sent_boot_ms) {
    (void)session, (void)sent, (void)answer, (void)sent_boot_ms;
}
