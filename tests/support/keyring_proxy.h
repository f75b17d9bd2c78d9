/* A keyring service that does wrong what a test asks for, once or always: a proxy before the real one of keyring.h. */
#ifndef TEST_KEYRING_PROXY_H
#define TEST_KEYRING_PROXY_H

#include <stdbool.h>

/* Whether it was built. */
bool keyring_proxy_there(void);

/* The same as keyring_service_start() and keyring_service_stop(), with the proxy before it. */
void keyring_proxy_start(const char *password);
void keyring_proxy_stop(void);

/*
 * From now on the next `times` calls of that member of the Secret Service's interfaces are answered wrong, in the place of the fault
 * before; what that one held goes on. The counts begin again. what is the name of a D-Bus error, which is then the answer, or
 */
#define KEYRING_PROXY_HOLD "hold" /* no answer, and the service is not asked */
#define KEYRING_PROXY_GARBLE                                                                       \
    "garble" /* GetSecret only: what cannot be read with the session's key */
#define KEYRING_PROXY_ALWAYS 1000000
void keyring_proxy_fault(const char *member, const char *what, unsigned times);
void keyring_proxy_heal(void);

/* How often it was called since then. */
int keyring_proxy_calls(const char *member);
/* Waits until it was called; fails the test where it is not. */
void keyring_proxy_wait(const char *member);

#endif
