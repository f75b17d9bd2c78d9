/*
 * The live picture: a line per second with the life of the access token, what the API answered, who
 * waits, and what happened. On a terminal the line of the current second is drawn ten times in it.
 */
#ifndef DEMO_TIMELINE_H
#define DEMO_TIMELINE_H

#include <tacit/tacit.h>

typedef struct timeline_subject {
    const char *server_url;
    /* must live until timeline_end() */
    tacit_client *client;
    tacit_session *session;
    int64_t began_ms; /* where its time starts, on pause_now_ms()'s clock */
    int lifetime_s;   /* of a token: a full bar */
} timeline_subject;

/* false: it could not start. */
bool timeline_begin(const timeline_subject *subject);
void timeline_end(void);

/* A line of its own, in bold, for what comes now. Waits until it is there. */
void timeline_heading(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A few words at the end of the current second's line. text is static. Thread-safe. */
void timeline_note(const char *text, bool is_bad);

#endif
