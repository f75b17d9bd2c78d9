/* What the server saw, and what the test waits for to be seen. */
#ifndef TS_SEEN_H
#define TS_SEEN_H

#include "support/world.h"

/* The refresh token in the body of the index-th token request; yours. NULL: no such request, or it carried none. */
char *seen_refresh_token(ts_server *server, size_t index);
/* How many token requests carried this refresh token. */
size_t seen_refresh_token_count(ts_server *server, const char *refresh_token);
/* Any refresh token that was sent in more than one token request. */
bool seen_any_refresh_token_twice(ts_server *server);
/* How many API requests carried this access token. */
size_t seen_access_token_count(ts_server *server, const char *access_token);

/* Each waits until it is so, and fails the test where it does not come. */
void wait_token_requests(world *world, long count);
void wait_waiters(world *world, long count); /* threads that wait for a token */
/* ... until so many refreshes have failed, and what that means is in force. */
void wait_failed_refreshes(world *world, size_t count);
/* ... until the refusal of the refresh token was believed; moves the injected clock meanwhile. */
void wait_sign_in_required(world *world);
/* Looks for a moment whether something happens that must not: it can miss it, but never fail without it. */
void look_a_while(void);

/* Of the world's session. */
tacit_session_stats stats_of(world *world);

#endif
