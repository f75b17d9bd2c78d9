#include "support/keyring_proxy.h"

#include "support/keyring.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAME_BEHIND "org.tacit.Test.Behind"
#define NAME_OF_SERVICE "GNOME_KEYRING_TEST_SERVICE" /* gnome-keyring-daemon reads it */

enum { PATIENCE_MS = 20000 };

static pid_t proxy;

bool keyring_proxy_there(void) {
#ifdef TS_KEYRING_PROXY
    return true;
#else
    return false;
#endif
}

static void start_program(void) {
#ifdef TS_KEYRING_PROXY
    const char *const arguments[] = {TS_KEYRING_PROXY, NAME_BEHIND, NULL};

    proxy = keyring_spawn(arguments);
#endif
}

void keyring_proxy_start(const char *password) {
    start_program();
    setenv(NAME_OF_SERVICE, NAME_BEHIND, 1);
    keyring_service_start(password);
    unsetenv(NAME_OF_SERVICE);
    keyring_proxy_heal();
}

/* The proxy ends with the service. */
void keyring_proxy_stop(void) {
    if (proxy == 0) return;
    keyring_service_stop();
    assert_int_equal(keyring_wait(proxy), 0);
    proxy = 0;
}

static FILE *open_calls(const char *mode) {
    char path[128];

    snprintf(path, sizeof path, "%s/calls", getenv("HOME"));
    return fopen(path, mode);
}

static void forget_calls(void) {
    FILE *file = open_calls("w");

    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

void keyring_proxy_fault(const char *member, const char *what, unsigned times) {
    char member_argument[64], what_argument[128], times_argument[32];
    const char *const arguments[] = {"dbus-send",
                                     "--session",
                                     "--print-reply",
                                     "--dest=org.freedesktop.secrets",
                                     "/",
                                     "org.tacit.Test.Fault",
                                     member_argument,
                                     what_argument,
                                     times_argument,
                                     NULL};

    snprintf(member_argument, sizeof member_argument, "string:%s", member);
    snprintf(what_argument, sizeof what_argument, "string:%s", what);
    snprintf(times_argument, sizeof times_argument, "uint32:%u", times);
    forget_calls();
    assert_int_equal(keyring_wait(keyring_spawn(arguments)), 0);
}

void keyring_proxy_heal(void) {
    keyring_proxy_fault("", "", 0);
}

int keyring_proxy_calls(const char *member) {
    FILE *file = open_calls("r");
    char line[128];
    int count = 0;

    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        count += strcmp(line, member) == 0;
    }
    fclose(file);
    return count;
}

void keyring_proxy_wait(const char *member) {
    for (int waited = 0; keyring_proxy_calls(member) == 0; waited += 5) {
        if (waited >= PATIENCE_MS) fail_msg("nobody calls %s", member);
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}
