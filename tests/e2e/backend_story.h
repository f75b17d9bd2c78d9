/*
 * What a sign-in goes through with every back-end that has refresh tokens: tests for a group whose state
 * is a backend_site. Lifetimes are ACCESS_TTL and REFRESH_TTL, in seconds.
 */
#ifndef E2E_BACKEND_STORY_H
#define E2E_BACKEND_STORY_H

#include "e2e/backend_app.h"

enum { CROWD = 20 };

/* So many threads ask the API at the same moment. How many of them saw this outcome (see
 * backend_app_get()). */
int crowd_ask(backend_app *app, int outcome);
/* They ask without a pause until the generation is reached. How many requests did not end in 200. */
long crowd_ask_until(backend_app *app, uint64_t generation);

/* Waits until the wall clock, which JWTs go by, is so far. */
void wait_wall(int64_t unix_s);

/* Tests. */
void twenty_threads_live_on_short_tokens(void **state);
void a_storm_is_one_refresh(void **state);
void a_restart_goes_on_from_the_file(void **state);
void the_end_of_the_refresh_token_asks_once(void **state);
void a_wrong_password_is_told(void **state);

#define BACKEND_STORY                                                                              \
    cmocka_unit_test(twenty_threads_live_on_short_tokens),                                         \
        cmocka_unit_test(a_storm_is_one_refresh),                                                  \
        cmocka_unit_test(a_restart_goes_on_from_the_file),                                         \
        cmocka_unit_test(the_end_of_the_refresh_token_asks_once),                                  \
        cmocka_unit_test(a_wrong_password_is_told)

#endif
