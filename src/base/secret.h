/* Immutable, counted bytes that are wiped when the last reference goes. Thread-safe. Passwords and
 * tokens move as these. */
#ifndef TI_SECRET_H
#define TI_SECRET_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ti_secret ti_secret;

ti_secret *ti_secret_new(const void *bytes, size_t size); /* copies; NULL: no memory */
ti_secret *ti_secret_from_string(const char *text);
ti_secret *ti_secret_ref(ti_secret *secret); /* answers secret; NULL is fine */
void ti_secret_unref(ti_secret *secret);

const char *ti_secret_data(const ti_secret *secret); /* NUL-terminated; NULL for NULL */
size_t ti_secret_size(const ti_secret *secret);      /* without the NUL */
bool ti_secret_equal(
    const ti_secret *a,
    const ti_secret *b); /* in constant time for equal sizes; two NULLs are equal */

#endif
