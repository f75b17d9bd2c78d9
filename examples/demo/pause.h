/* Time and waiting. Every wait of the demo goes through here, so that Ctrl-C ends it. */
#ifndef DEMO_PAUSE_H
#define DEMO_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

/* Ctrl-C and SIGTERM end waits instead of the program, which then signs out and goes. */
void pause_watch_signals(void);
bool pause_interrupted(void);

int64_t pause_now_ms(void); /* runs on across the processes of the demo */
/* false: interrupted. */
bool pause_ms(int64_t ms);
/* Asks again and again. false: not within timeout_ms, or interrupted. */
bool pause_until(bool (*is_so)(void *data), void *data, int64_t timeout_ms);

#endif
