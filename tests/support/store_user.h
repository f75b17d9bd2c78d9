/* Store calls as a session makes them, with a deadline that only a hang reaches. */
#ifndef TEST_STORE_USER_H
#define TEST_STORE_USER_H

#include <tacit/store.h>

#include "session/store_calls.h"

typedef struct store_user {
    ti_clock clock;
    ti_store_calls *calls;
    tacit_store *store;
} store_user;

void store_user_open(store_user *user, tacit_store *store); /* takes the reference */
void store_user_close(store_user *user);
tacit_status store_user_save(store_user *user, const char *key, const void *bytes, size_t size);
tacit_status store_user_erase(store_user *user, const char *key);
tacit_status store_user_load(store_user *user, const char *key, ti_buffer *record);

/* The record under the key is this. */
void assert_stored(store_user *user, const char *key, const void *bytes, size_t size);
void assert_stored_text(store_user *user, const char *key, const char *text);
void assert_not_stored(store_user *user, const char *key);

#endif
