/* Where in an answer its members stand: where the dialect points, else under the names that servers give them. Pure. */
#ifndef TI_TOKEN_MEMBERS_H
#define TI_TOKEN_MEMBERS_H

#include <stdbool.h>

#include <jansson.h>

#include "oauth/dialect.h"

typedef enum ti_token_member {
    TI_MEMBER_ACCESS_TOKEN,
    TI_MEMBER_REFRESH_TOKEN,
    TI_MEMBER_ID_TOKEN,
    TI_MEMBER_TOKEN_TYPE,
    TI_MEMBER_SCOPE,
    TI_MEMBER_EXPIRES_IN,
    TI_MEMBER_EXPIRES_ON,
    TI_MEMBER_EXPIRES_AT,
    TI_MEMBER_EXPIRES,
    TI_MEMBER_REFRESH_IN,
    TI_MEMBER_REFRESH_EXPIRES_IN,
    TI_MEMBER_REFRESH_EXPIRES_AT
} ti_token_member;

typedef struct ti_token_members { /* borrowed */
    json_t *top;                  /* an object, or NULL */
    json_t *holder;               /* the object with the access token: top, or one inside it */
    const ti_dialect *dialect;    /* NULL: none */
} ti_token_members;

ti_token_members ti_token_members_of(json_t *top, const ti_dialect *dialect);

/* NULL: not there, or null. */
json_t *ti_token_member_find(const ti_token_members *members, ti_token_member which);

/* A string with something in it. */
bool ti_token_members_have_access_token(const ti_token_members *members);

#endif
