/* One connection of the listener: reads a head, writes an answer, closes so that the answer arrives. Never blocks. */
#ifndef TI_CONNECTION_H
#define TI_CONNECTION_H

#include "platform/poller.h"
#include "sign_in/listener.h"

typedef enum ti_connection_state {
    TI_CONNECTION_FREE, /* all zero */
    TI_CONNECTION_READING,
    TI_CONNECTION_WRITING,
    TI_CONNECTION_DRAINING /* all is written: waits for the browser to close, since closing first could take the answer back */
} ti_connection_state;

typedef struct ti_connection {
    ti_connection_state state;
    int descriptor;
    ti_poller *poller;        /* borrowed; forgets the descriptor before it is closed */
    int64_t deadline_boot_ms; /* of the state */
    ti_buffer head;           /* secret: a callback has the code in it */
    ti_buffer answer;
    size_t written;
} ti_connection;

void ti_connection_open(ti_connection *connection, ti_poller *poller, int descriptor,
                        int64_t now_boot_ms);
/* Back to TI_CONNECTION_FREE. */
void ti_connection_close(ti_connection *connection);

/* From now on the poller looks for what it needs next. false: no memory. */
bool ti_connection_watch(const ti_connection *connection);
/* Goes on as far as it can, and closes where it is over. true: what was waited for is here; its answer may still have to be written. */
bool ti_connection_advance(ti_connection *connection, ti_listener_answer_fn answer, void *data,
                           int64_t now_boot_ms);

#endif
