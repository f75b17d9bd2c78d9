/* The secrets of one request, which show neither in the log nor in an error while it lasts: as they are, and as a URL or form has them. */
#ifndef TI_MASK_H
#define TI_MASK_H

#include <tacit/error.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/secret.h"

#define TI_MASK_SECRETS_MAX 8

typedef struct ti_mask {
    const ti_secret *secrets[TI_MASK_SECRETS_MAX]; /* borrowed */
    size_t count;
    ti_log *log; /* NULL: not begun */
    ti_buffer encoded[TI_MASK_SECRETS_MAX];
    ti_log_mask as_is[TI_MASK_SECRETS_MAX], as_encoded[TI_MASK_SECRETS_MAX];
} ti_mask;
#define TI_MASK_INIT                                                                               \
    { .count = 0 }

void ti_mask_add(ti_mask *mask, const ti_secret *secret); /* takes NULL, and one twice */
/* From here to the end they are masked in the log; the mask stays where it is. false: no memory. */
bool ti_mask_begin(ti_mask *mask, ti_log *log);
void ti_mask_end(ti_mask *mask);

/* Some servers quote the token in their description; from there on it is cut. Between begin and end. */
void ti_mask_error(const ti_mask *mask, tacit_error *error);

#endif
