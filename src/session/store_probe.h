/* Whether a store keeps what it is given. */
#ifndef TI_STORE_PROBE_H
#define TI_STORE_PROBE_H

#include <tacit/store.h>

/* Saves a record of a realistic size under a key that no sign-in has, loads it back, compares, and
 * erases it: TACIT_OK, or the first answer that was not right. From within a store's call. */
tacit_status ti_store_probe(tacit_store *store);

#endif
