/* Calls that need a thread while they go on: sign-in and sign-out. */
#ifndef TI_ASYNC_H
#define TI_ASYNC_H

#include <tacit/request.h>

/*
 * A call that runs work on a thread of its own (of the library; joined by tacit_client_shutdown()) while the session is entered, then
 * delivers done through the dispatch. work gets data, answers with error; release(data) follows, once. cancel may come at any time from
 * any thread until work has returned, and does not block. NULL: nothing was taken over, error says why.
 */
typedef struct ti_async_ops {
    void (*work)(tacit_session *session, void *data, tacit_error *error);
    void (*cancel)(tacit_session *session, void *data);
    void (*release)(void *data);
} ti_async_ops;

tacit_call *ti_async_start(tacit_session *session, const ti_async_ops *ops, void *data,
                           tacit_done_fn done, void *user_data, tacit_error *error);

#endif
