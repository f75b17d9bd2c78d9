/* Events, from the identity's lock to the app. */
#ifndef TI_EVENT_H
#define TI_EVENT_H

#include "session/identity.h"

/* Queues an event for every open session of the identity, or of view where it is not NULL; kick the dispatch after unlocking. error may be
 * NULL. message is a literal. Without memory the event is lost; of those that carry an
 * error, a session still gets one at a time. */
void ti_event_push_locked(ti_identity *identity, const ti_view *view, tacit_event_type type,
                          const char *message, const tacit_error *error);

/* The same for TACIT_EVENT_ANOMALY; anomaly.h says which. */
void ti_event_push_anomaly_locked(ti_identity *identity, const ti_view *view, tacit_anomaly anomaly,
                                  const char *message, const tacit_error *error);

/* TACIT_EVENT_LOADED for a session that is opened when the store was read already. */
void ti_event_push_loaded_locked(tacit_session *session);

/* The last item of a session: calls its event_release. */
void ti_event_push_release(tacit_session *session);

#endif
