/* The key for the default store's encrypted file: the environment says where it lies. */
#ifndef TI_STORE_DEFAULT_KEY_H
#define TI_STORE_DEFAULT_KEY_H

#include <stdbool.h>

#include <tacit/store.h>

typedef struct ti_default_key {
    char *key_file;   /* $TACIT_STORE_KEY_FILE; NULL: not set */
    char *credential; /* $CREDENTIALS_DIRECTORY/tacit.key, which systemd gives a service; or NULL */
} ti_default_key;

/* Looks at the environment only. false: no memory. */
bool ti_default_key_init(ti_default_key *key);
void ti_default_key_free(ti_default_key *key);

/* Whether there is a key, or a place where one may be made. Asks the disk. */
bool ti_default_key_is_there(const ti_default_key *key);
/* Borrows key for as long as a store made with the options lives. */
void ti_default_key_use(ti_default_key *key, tacit_store_file_options *options);

#endif
