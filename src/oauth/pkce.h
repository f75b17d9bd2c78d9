/* Values that are drawn anew for each sign-in by browser: code_verifier and challenge (RFC 7636), state, nonce. */
#ifndef TI_PKCE_H
#define TI_PKCE_H

#include <stdbool.h>

#define TI_PKCE_SIZE 44 /* 32 random bytes in base64url, with the NUL */

/* false: the system has no source of random. */
bool ti_pkce_draw(char value[TI_PKCE_SIZE]);
/* S256 (section 4.2). false: no memory. */
bool ti_pkce_challenge(const char *verifier, char challenge[TI_PKCE_SIZE]);

#endif
