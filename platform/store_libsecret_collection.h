/* The collection of the Secret Service that takes new items. */
#ifndef TI_STORE_LIBSECRET_COLLECTION_H
#define TI_STORE_LIBSECRET_COLLECTION_H

#include "platform/store_libsecret_visit.h"

/*
 * The default collection, open; yours. Without one: TACIT_ERR_STORE_LOCKED, or
 * TACIT_ERR_STORE_NOT_FOUND where nothing is locked that it could be (nothing was ever stored).
 */
tacit_status ti_libsecret_default_collection(ti_libsecret_visit *visit,
                                             SecretCollection **collection);

#endif
