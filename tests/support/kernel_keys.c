#include "support/kernel_keys.h"

#include "support/unit.h"

#include "platform/crypto.h"

#include <ctype.h>
#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NAME_SIZE 256
#define KEYS_MAX 512

static long must(long answer) {
    if (answer < 0) fail_msg("a call of keyctl failed: %s", strerror(errno));
    return answer;
}

void kernel_keys_enter_session(void) {
    must(syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL));
}

size_t kernel_keys_in_session(void) {
    return (size_t)must(
               syscall(SYS_keyctl, KEYCTL_READ, (long)KEY_SPEC_SESSION_KEYRING, NULL, 0UL)) /
           sizeof(int32_t);
}

static long user_keyring(void) {
    must(syscall(SYS_keyctl, KEYCTL_LINK, (long)KEY_SPEC_USER_KEYRING,
                 (long)KEY_SPEC_THREAD_KEYRING));
    return KEY_SPEC_USER_KEYRING;
}

long kernel_keys_keyring(void) {
    long keyring = syscall(SYS_keyctl, KEYCTL_GET_PERSISTENT, -1L, (long)KEY_SPEC_THREAD_KEYRING);

    return keyring >= 0 ? keyring : user_keyring();
}

/* ------------------------------------------------------------------ names */

static size_t write_prefix(char name[NAME_SIZE], const char *application_id) {
    size_t size = (size_t)snprintf(name, NAME_SIZE, "tacit:%.64s:", application_id);

    for (size_t i = strlen("tacit:"); i < size - 1; i++)
        if (!isalnum((unsigned char)name[i]) && strchr(".-_", name[i]) == NULL) name[i] = '_';
    return size;
}

static void write_name(char name[NAME_SIZE], const char *application_id, const char *key) {
    unsigned char digest[TI_SHA256_SIZE];
    char both[1024];
    int size = snprintf(both, sizeof both, "%s%c%s", application_id, '\0', key);
    size_t end = write_prefix(name, application_id);

    assert_true(size > 0 && (size_t)size < sizeof both);
    assert_true(ti_crypto_sha256(both, (size_t)size, digest));
    for (size_t i = 0; i < sizeof digest; i++) snprintf(name + end + 2 * i, 3, "%02x", digest[i]);
}

/* "user;uid;gid;permissions;name", without what comes before the name. false: it is gone. */
static bool read_name(long id, char name[NAME_SIZE]) {
    char text[NAME_SIZE + 64] = "";
    const char *last;

    if (syscall(SYS_keyctl, KEYCTL_DESCRIBE, id, text, sizeof text) < 0) return false;
    last = strrchr(text, ';');
    assert_non_null(last);
    snprintf(name, NAME_SIZE, "%s", last + 1);
    return true;
}

/* ------------------------------------------------------------------ finding */

long kernel_key_of(const char *application_id, const char *key) {
    char name[NAME_SIZE];

    write_name(name, application_id, key);
    return syscall(SYS_keyctl, KEYCTL_SEARCH, kernel_keys_keyring(), "user", name, 0L);
}

/* The keys of the application in a keyring, at most KEYS_MAX. */
static size_t list(long keyring, const char *application_id, long ids[KEYS_MAX]) {
    int32_t all[KEYS_MAX];
    char prefix[NAME_SIZE], name[NAME_SIZE];
    size_t size = write_prefix(prefix, application_id), count = 0;
    long bytes = must(syscall(SYS_keyctl, KEYCTL_READ, keyring, all, (unsigned long)sizeof all));

    assert_true((size_t)bytes <= sizeof all);
    for (size_t i = 0; i < (size_t)bytes / sizeof *all; i++)
        if (read_name(all[i], name) && strncmp(name, prefix, size) == 0) ids[count++] = all[i];
    return count;
}

long kernel_key_only(const char *application_id) {
    long ids[KEYS_MAX];

    return list(kernel_keys_keyring(), application_id, ids) == 1 ? ids[0] : -1;
}

static void forget_in(long keyring, const char *application_id) {
    long ids[KEYS_MAX];

    for (size_t i = list(keyring, application_id, ids); i > 0; i--)
        syscall(SYS_keyctl, KEYCTL_INVALIDATE, ids[i - 1]);
}

void kernel_keys_forget(const char *application_id) {
    forget_in(kernel_keys_keyring(), application_id);
}

void kernel_keys_forget_everywhere(const char *application_id) {
    kernel_keys_forget(application_id);
    forget_in(user_keyring(), application_id);
}

/* ------------------------------------------------------------------ what may happen to a key */

size_t kernel_key_read(long id, void *bytes, size_t size) {
    long got = must(syscall(SYS_keyctl, KEYCTL_READ, id, bytes, size));

    assert_true((size_t)got <= size);
    return (size_t)got;
}

void kernel_key_write(long id, const void *bytes, size_t size) {
    must(syscall(SYS_keyctl, KEYCTL_UPDATE, id, bytes, size));
}

void kernel_key_expire(long id) {
    must(syscall(SYS_keyctl, KEYCTL_SET_TIMEOUT, id, 1UL));
    while (syscall(SYS_keyctl, KEYCTL_READ, id, NULL, 0UL) >= 0)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

void kernel_key_revoke(long id) {
    must(syscall(SYS_keyctl, KEYCTL_REVOKE, id));
}

void kernel_key_permit(long id, unsigned permissions) {
    must(syscall(SYS_keyctl, KEYCTL_SETPERM, id, (unsigned long)permissions));
}
