/* The optional member of a record that says how long the sign-in has lasted, and rested, when it was written. */
#ifndef TI_RECORD_USE_H
#define TI_RECORD_USE_H

#include "session/record_terms.h"

/* Left out where it is not known. false: no memory. */
bool ti_record_use_put(json_t *root, const ti_kept_use *use);
/* Not known where the record has none. */
ti_record_reading ti_record_use_get(const json_t *root, ti_kept_use *use);
bool ti_record_has_use(const json_t *root);

#endif
