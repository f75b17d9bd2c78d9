/* Where the browser comes back to: as the app registered it with the server, and as the listener needs it. Pure. */
#ifndef TI_REDIRECT_URI_H
#define TI_REDIRECT_URI_H

#include <stdbool.h>
#include <stdint.h>

#include <tacit/error.h>

enum { TI_REDIRECT_HOST_SIZE = sizeof "localhost" + 8 };

/* One on this machine, that a listener can serve. */
typedef struct ti_redirect_uri {
    const char *text;                 /* borrowed */
    char host[TI_REDIRECT_HOST_SIZE]; /* "127.0.0.1", "[::1]", "localhost" */
    uint32_t ipv4;                    /* in host order; 0: not on IPv4 */
    bool ipv6;                        /* on ::1 */
    uint16_t port;                    /* 0: a free one */
    const char *path;                 /* within text; "" is "/" to a browser */
} ti_redirect_uri;

/* text: NULL for http://127.0.0.1:<free port>/. Plain http on 127.0.0.0/8, [::1] or localhost, without user, query or fragment. false:
 * error names options->redirect_uri. */
bool ti_redirect_uri_read(ti_redirect_uri *uri, const char *text, tacit_error *error);
/* For the server: exactly what the app gave, with the port filled in where that left it open. Yours; NULL: no memory. */
char *ti_redirect_uri_text(const ti_redirect_uri *uri, uint16_t port);

/* One that the system hands to the app (RFC 8252 section 7.1): any absolute URI without a fragment (RFC 6749 section 3.1.2). false: error
 * names options->redirect_uri. */
bool ti_redirect_uri_check(const char *text, tacit_error *error);

#endif
