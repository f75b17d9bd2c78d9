/* The user's browser. */
#ifndef CLI_BROWSER_H
#define CLI_BROWSER_H

#include <stdbool.h>

/* Whether there is a display, and something that opens a browser on it. */
bool browser_is_likely(void);
/* Does not wait for it. Whether it comes up is for the user to see. */
void browser_open(const char *url);

#endif
