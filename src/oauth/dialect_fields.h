/* The fields that a dialect wants in a request, with their placeholders. Pure. */
#ifndef TI_DIALECT_FIELDS_H
#define TI_DIALECT_FIELDS_H

#include "oauth/place.h"

typedef enum ti_dialect_errand {
    TI_ERRAND_SIGN_IN,
    TI_ERRAND_REFRESH,
    TI_ERRAND_SIGN_OUT
} ti_dialect_errand;

typedef struct ti_dialect_fields_rules {
    ti_dialect_errand errand; /* which placeholders there are */
    bool flat;                /* strings only: a form, or a query */
    bool in_url;              /* no placeholder of a token */
} ti_dialect_fields_rules;

/* A copy, in which whole numbers are integers; json_decref(). *fields stays NULL where the place is
 * absent. false: the place's error says why. */
bool ti_dialect_fields_parse(const ti_place *place, const ti_dialect_fields_rules *rules,
                             json_t **fields);

#endif
