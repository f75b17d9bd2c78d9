/*
 * A stand-in for the user's browser: it goes where it is sent and follows redirects, on a thread of its own.
 *
 *     browser *b = browser_new(BROWSER_SIGNS_IN);
 *     options.open_url = browser_open;
 *     options.user_data = b;
 */
#ifndef TS_BROWSER_H
#define TS_BROWSER_H

#include <stdbool.h>

typedef struct browser browser;

typedef enum browser_user {
    BROWSER_SIGNS_IN = 0, /* follows every redirect, back to the app too */
    BROWSER_STOPS_THERE =
        1,              /* signs in, but does not come back: browser_callback() says where to */
    BROWSER_LEAVES = 2, /* goes nowhere */
    BROWSER_FAILS = 3   /* cannot be opened */
} browser_user;

browser *browser_new(browser_user user);
/* Waits for the visit. Takes NULL. */
void browser_free(browser *browser);

/* tacit_sign_in_options.open_url, with a browser as user_data. Once for each browser. */
bool browser_open(const char *url, void *browser);

/* Each waits until it is known, and fails the test where that does not come. The browser's; valid until it is freed. */
const char *browser_url(browser *browser);      /* that it was opened with */
const char *browser_callback(browser *browser); /* where the server sent it (BROWSER_STOPS_THERE) */
int browser_status(browser *browser);           /* of the last answer; 0: none came */
const char *browser_page(browser *browser);     /* its body */

/* A decoded parameter of a URL's query; yours. NULL: it is not there. */
char *browser_parameter(const char *url, const char *name);

/* A GET by hand, without following redirects: its status, 0 without an answer. page and location may be NULL; yours. */
int browser_get(const char *url, char **page, char **location);

#endif
