/* The default store: the system's keyring, else an encrypted file, chosen once for an application. */
#ifndef TI_STORE_DEFAULT_H
#define TI_STORE_DEFAULT_H

#include <tacit/store.h>

#include "platform/store_keyring.h"
#include "session/store_default_file.h"

/* What it is made of; tests bring their own. */
typedef struct ti_default_parts {
    tacit_store *(*keyring)(const char *application_id, tacit_error *error);
    ti_keyring_presence (*look)(void);
    ti_file_store_fn file;
} ti_default_parts;

/* tacit_store_default() with parts of the caller's, which are copied. */
tacit_store *ti_store_default_new(const char *application_id, const ti_default_parts *parts,
                                  tacit_error *error);

#endif
