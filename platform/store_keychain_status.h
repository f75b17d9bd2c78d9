/* What the Keychain answers, in the words of a store. */
#ifndef TI_STORE_KEYCHAIN_STATUS_H
#define TI_STORE_KEYCHAIN_STATUS_H

#include <tacit/store.h>

#include <Security/Security.h>

/* In *error a clause says why; its status is the answer. */
tacit_status ti_keychain_status(OSStatus status, tacit_error *error);

#endif
