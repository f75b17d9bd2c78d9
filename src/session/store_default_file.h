/* The encrypted file that takes a keyring's place: where it lies, and where its key is. */
#ifndef TI_STORE_DEFAULT_FILE_H
#define TI_STORE_DEFAULT_FILE_H

#include <stdbool.h>

#include <tacit/store.h>

typedef tacit_store *(*ti_file_store_fn)(const tacit_store_file_options *options,
                                         tacit_error *error);

typedef struct ti_default_file {
    char *directory; /* for everything the user's programs keep; NULL: nothing says where */
    char *key_file;  /* $TACIT_STORE_KEY_FILE, else $CREDENTIALS_DIRECTORY/tacit.key, which systemd
                           gives a service; NULL: neither is set */
    bool is_credential; /* it may be missing, and is never made */
} ti_default_file;

/* Looks at the environment only. false: no memory. */
bool ti_default_file_init(ti_default_file *file);
void ti_default_file_free(ti_default_file *file);

/* Whether there is a key, or a place where one may be made. Asks the disk. */
bool ti_default_file_has_key(const ti_default_file *file);

/* A store for the application. TACIT_ERR_STORE_UNAVAILABLE: nothing says where. */
tacit_store *ti_default_file_open(const ti_default_file *file, const char *application_id,
                                  ti_file_store_fn make, tacit_error *error);
#endif
