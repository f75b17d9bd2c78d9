/* What an app's security log is to know (TACIT_EVENT_ANOMALY): signs of an attack or of a broken server. Told, and nothing else. */
#ifndef TI_ANOMALY_H
#define TI_ANOMALY_H

#include "session/identity.h"

/* The server refused the refresh token for good: was it early, or because somebody else had used it? Before the sign-in ends. */
void ti_anomaly_refused_locked(ti_identity *identity, const ti_view *view,
                               const tacit_error *refusal);

/* Whether both are JWTs that name a subject, and not the same. Pure. */
bool ti_anomaly_is_other_subject(const ti_secret *before, const ti_secret *after);
void ti_anomaly_other_subject_locked(ti_identity *identity, const ti_view *view);

/* The wall clock was set, to every session where it was by more than a minute. Takes the client's lock. */
void ti_anomaly_clock_stepped(tacit_client *client, int64_t step_ms);

#endif
