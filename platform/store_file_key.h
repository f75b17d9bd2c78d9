/*
 * Where the keys of a file store come from: a key file, a passphrase or the app. One thread at a
 * time. Messages are clauses, as those of store_file_directory.h.
 */
#ifndef TI_STORE_FILE_KEY_H
#define TI_STORE_FILE_KEY_H

#include <tacit/store.h>

#include "platform/crypto.h"
#include "platform/store_file_directory.h"
#include "platform/store_file_format.h"

typedef struct ti_key_source ti_key_source;

/* What a store's keys come from; paths are absolute. NULL: no memory. */
ti_key_source *ti_key_source_of_file(const char *path);
ti_key_source *ti_key_source_of_passphrase(const char *passphrase);
ti_key_source *ti_key_source_of_app(tacit_status (*get_key)(void *, unsigned char *), void *data);
void ti_key_source_free(ti_key_source *source);

/* "the key in <path>", and so on: for tacit_store_describe(). NULL: no memory. Yours. */
char *ti_key_source_describe(const ti_key_source *source);

/*
 * The key for a record that was sealed so. To be wiped whatever it answers.
 * TACIT_ERR_STORE_CORRUPT: sealed with another kind of key, or the key file is no key;
 * TACIT_ERR_STORE_UNAVAILABLE: there is no key file; the app's own status.
 */
tacit_status ti_key_for_opening(ti_key_source *source, const ti_key_recipe *recipe,
                                unsigned char key[TI_CRYPTO_KEY_SIZE], tacit_error *error);
/* A record was opened with it: other records may be sealed with it without new work. */
void ti_key_was_right(ti_key_source *source, const ti_key_recipe *recipe,
                      const unsigned char key[TI_CRYPTO_KEY_SIZE]);

/* The key for a record to be sealed, and what to write beside it. A key file is made where there is
 * none and no record in `records` either: else those would be lost without a word. */
tacit_status ti_key_for_sealing(ti_key_source *source, const ti_directory *records,
                                ti_key_recipe *recipe, unsigned char key[TI_CRYPTO_KEY_SIZE],
                                tacit_error *error);

#define TI_RECORD_ENDING ".record" /* of the files of records */

#endif
