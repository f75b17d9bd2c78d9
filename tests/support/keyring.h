/*
 * A desktop's keyring without the desktop: a message bus, a gnome-keyring-daemon and a home, all of
 * the test's own. The variables that lead to the real ones are replaced before anything starts, and
 * what was started dies with the test.
 */
#ifndef TEST_KEYRING_H
#define TEST_KEYRING_H

#include <stdbool.h>
#include <sys/types.h>

/* A new home in a temporary directory, with no bus. Call it before threads are started. */
void keyring_home_make(void);
void keyring_home_remove(void);
/* The last home, from a program that the test starts again: it must be a test's. */
void keyring_home_check(void);

/* A bus that activates no service. */
void keyring_bus_start(void);
void keyring_bus_stop(void);

/* The real service. It opens the keyring of the home with the password, makes one where there is
 * none, and leaves it locked where the password is wrong. NULL: it opens and makes none. */
void keyring_service_start(const char *password);
void keyring_service_stop(void);

/* A program that owns the service's name and never answers: the test itself, started again. main()
 * calls this first; in that program it does not return. */
void keyring_hanging_service_main(int argc, char **argv);
void keyring_hanging_service_start(void);

/* Troubles of a service with that password, as a store_contract wants them. */
#define KEYRING_PASSWORD "correct horse"
void keyring_lock(void *unused, bool locked);
void keyring_take_away(void *unused, bool away);
void keyring_hang(void *unused, bool hangs);

/* Starts a program, and waits for it: its exit status. arguments end with NULL; "self" as the first
 * is the test. */
pid_t keyring_spawn(const char *const *arguments);
int keyring_wait(pid_t pid);

#endif
