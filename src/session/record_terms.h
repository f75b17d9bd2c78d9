/* The optional members of a record that say what bounds the sign-in. */
#ifndef TI_RECORD_TERMS_H
#define TI_RECORD_TERMS_H

#include <jansson.h>

#include "session/record.h"

typedef enum ti_record_reading {
    TI_RECORD_READ,
    TI_RECORD_FOREIGN, /* it is not of the form in which a record has it */
    TI_RECORD_NO_MEMORY
} ti_record_reading;

/* An integer of at least that much, which every JSON reader holds exactly. */
bool ti_record_get_integer(const json_t *object, const char *name, int64_t least, int64_t *value);

/* 16 bytes, as a record has them. false: they are not of that form. */
enum { TI_RECORD_HEX_SIZE = 33 };
void ti_record_to_hex(const unsigned char bytes[16], char hex[TI_RECORD_HEX_SIZE]);
bool ti_record_from_hex(const char *hex, unsigned char bytes[16]);

/* What is unknown is left out. terms may be NULL. false: no memory. */
bool ti_record_terms_put(json_t *root, const ti_record_terms *terms);
/* *terms: NULL where the record says nothing; in any case the record's to free. */
ti_record_reading ti_record_terms_get(const json_t *root, ti_record_terms **terms);
void ti_record_terms_free(ti_record_terms *terms); /* takes NULL */

#endif
