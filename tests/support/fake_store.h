/*
 * A store that does what a test says: it holds calls at a gate, fails, loses its record, and remembers every record that was
 * saved. It has room for one record, whatever the key.
 *
 *     fake_store *keyring = fake_store_new();
 *     world *w = world_new(&(world_options){.store = fake_store_handle(keyring)});
 */
#ifndef TS_FAKE_STORE_H
#define TS_FAKE_STORE_H

#include <tacit/store.h>

typedef struct fake_store fake_store;

typedef enum fake_call { FAKE_LOAD = 0, FAKE_SAVE = 1, FAKE_ERASE = 2, FAKE_CALLS = 3 } fake_call;

fake_store *fake_store_new(void);
fake_store *fake_store_new_process_only(void); /* without lock and journal */
/* With what ops say beside the functions: its description, where its lock lies, how much it takes. */
fake_store *fake_store_new_as(const tacit_store_ops *ops);
/* Waits for the library to give it up: a client that was not shut down may still be inside. */
void fake_store_free(fake_store *store);
tacit_store *fake_store_handle(fake_store *store); /* borrowed */

/* Such calls fail with status and change nothing; TACIT_OK: they work again. */
void fake_store_fail(fake_store *store, fake_call call, tacit_status status);
/* Such calls wait inside, before they do anything. */
void fake_store_gate_close(fake_store *store, fake_call call);
void fake_store_gate_open(fake_store *store, fake_call call);
/* Waits until one is held. false: not within a while. */
bool fake_store_gate_waiter(fake_store *store, fake_call call);

/* Calls so far, held and failed ones too. */
size_t fake_store_calls(fake_store *store, fake_call call);
/* Waits until there were so many. false: not within a while. */
bool fake_store_wait_calls(fake_store *store, fake_call call, size_t count);

/* What is stored; yours. NULL: nothing. */
char *fake_store_record(fake_store *store);
/* Puts something else there, as another program would; NULL: nothing. */
void fake_store_put(fake_store *store, const char *record);

/* What was ever saved, in order; yours. NULL: there were not so many. */
char *fake_store_saved(fake_store *store, size_t index);
size_t fake_store_saved_count(fake_store *store);

/* What a record says. The refresh token is yours, NULL for none; a text that is not a record fails the test. */
char *fake_record_refresh_token(const char *record);
long fake_record_generation(const char *record);
bool fake_record_is_refused(const char *record);
/* The record with a member changed to this JSON text; yours. */
char *fake_record_with(const char *record, const char *member, const char *json);
/* The record as if it and its access tokens were of this generation; yours. */
char *fake_record_at(const char *record, long generation);

#endif
