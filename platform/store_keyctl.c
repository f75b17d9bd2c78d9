/*
 * The keyring of the Linux kernel: a key of the type "user" for each record.
 *
 * Properties: a save replaces a record as a whole, since add_key() updates the key of that name in
 * place. What a load answers is what was saved under that key: the name is a hash of application and
 * key, and the payload begins with a hash of name and record.
 *
 * Operation: the keys lie in the user's persistent keyring, or in the user keyring where the kernel
 * has no persistent ones. Each call links that keyring to the one of its own thread, which ends with
 * the thread. So the process possesses the keys whatever session it runs in (ssh, cron, a service),
 * the session's keyring stays as it is, and the persistent keyring's time to live starts anew.
 *
 * The system calls are made directly: the C library has none of them, and libkeyutils would be one
 * more library for every program that links this one, for four calls.
 */
#include <tacit/store.h>

#include "base/buffer.h"
#include "base/error.h"
#include "platform/crypto.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEY_TYPE "user"
#define PAYLOAD_MAX 32767 /* of that type */

#define MAGIC "TACITK1\n" /* what it is, and the version of its form */
#define MAGIC_SIZE (sizeof MAGIC - 1)
#define HEAD_SIZE (MAGIC_SIZE + TI_SHA256_SIZE)
#define RECORD_MAX (PAYLOAD_MAX - HEAD_SIZE)

#define READABLE_MAX 64

typedef struct kernel_keyring {
    char *application_id;
    tacit_error error; /* of the last call */
} kernel_keyring;

/* ------------------------------------------------------------------ the kernel's calls */

/* The serial number of the user's keyring, possessed by this thread. -1, and errno. */
static long join_keyring(void) {
    /* Not the real user's, as the user keyring is: a setuid program's records are not for who started it. */
    long keyring =
        syscall(SYS_keyctl, KEYCTL_GET_PERSISTENT, (long)geteuid(), KEY_SPEC_THREAD_KEYRING);

    if (keyring >= 0 || errno != EOPNOTSUPP || getuid() != geteuid()) return keyring;
    if (syscall(SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_THREAD_KEYRING) < 0)
        return -1;
    return KEY_SPEC_USER_KEYRING;
}

static long find_key(long keyring, const char *description) {
    return syscall(SYS_keyctl, KEYCTL_SEARCH, keyring, KEY_TYPE, description, 0);
}

/* How many bytes it has, though no more than size are read. */
static long read_key(long id, void *bytes, size_t size) {
    return syscall(SYS_keyctl, KEYCTL_READ, id, bytes, size);
}

/* Wherever else somebody linked it, it ends there too. The link is taken back by hand: when the kernel
 * collects a key, its keyring goes on counting against the quota. */
static long end_key(long keyring, long id) {
    long done = syscall(SYS_keyctl, KEYCTL_REVOKE, id);

    if (done >= 0) syscall(SYS_keyctl, KEYCTL_UNLINK, id, keyring);
    return done;
}

/* Also for what expired or was revoked and is not collected yet. */
static bool is_gone(int os_error) {
    return os_error == ENOKEY || os_error == EKEYEXPIRED || os_error == EKEYREVOKED;
}

/* ------------------------------------------------------------------ what went wrong */

static tacit_status fail_no_memory(kernel_keyring *self) {
    return ti_error_set(&self->error, TACIT_ERR_STORE_FAILED, "there is no memory");
}

static tacit_status describe_failure(tacit_error *error, int os_error) {
    char text[128];

    switch (os_error) {
    case EDQUOT: /* a few bytes are needed to come at the keyring, too */
        return ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                            "the user's keys fill their quota, which the system's administrator "
                            "sets in /proc/sys/kernel/keys (maxbytes, maxkeys)");
    case ENOSYS:
    case EPERM:
        return ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                            "the system calls keyctl and add_key are forbidden to this process");
    case EOPNOTSUPP:
        return ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                            "this kernel has no keyring for a program with another user's rights");
    case EACCES:
        return ti_error_set(error, TACIT_ERR_STORE_FAILED,
                            "the permissions of its keyring or its key forbid it");
    default:
        if (is_gone(os_error))
            return ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                                "the user's keyring ended at this moment");
        return ti_error_set(error, TACIT_ERR_STORE_FAILED, "%s",
                            ti_error_system_text(os_error, text, sizeof text));
    }
}

static tacit_status fail(kernel_keyring *self, int os_error) {
    tacit_status status = describe_failure(&self->error, os_error);

    self->error.os_error = os_error;
    return status;
}

static tacit_status fail_to_save(kernel_keyring *self, int os_error) {
    tacit_status status = fail(self, os_error);

    return os_error == EDQUOT ? TACIT_ERR_STORE_TOO_LARGE : status;
}

static tacit_status not_found(kernel_keyring *self) {
    return ti_error_set(&self->error, TACIT_ERR_STORE_NOT_FOUND, "there is none");
}

/* What find_key() did not find. */
static tacit_status fail_to_find(kernel_keyring *self, int os_error) {
    return is_gone(os_error) ? not_found(self) : fail(self, os_error);
}

static tacit_status corrupt(kernel_keyring *self) {
    return ti_error_set(&self->error, TACIT_ERR_STORE_CORRUPT,
                        "its key holds something else than what was saved");
}

/* ------------------------------------------------------------------ names and payloads */

typedef struct key_name {
    unsigned char digest[TI_SHA256_SIZE];
    char description[sizeof "tacit::" + READABLE_MAX + 2 * TI_SHA256_SIZE];
} key_name;

static bool is_readable(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

/* "tacit:org.example.App:<digest in hex>". Who lists the keys sees whose it is, not whose account. */
static void write_description(key_name *name, const char *application_id) {
    char *end = name->description;

    end += sprintf(end, "tacit:");
    for (size_t i = 0; i < READABLE_MAX && application_id[i] != '\0'; i++)
        *end++ = is_readable(application_id[i]) ? application_id[i] : '_';
    *end++ = ':';
    for (size_t i = 0; i < TI_SHA256_SIZE; i++) end += sprintf(end, "%02x", name->digest[i]);
}

static tacit_status name_of(kernel_keyring *self, const char *key, key_name *name) {
    ti_buffer both = TI_BUFFER_INIT;
    bool done = ti_buffer_append(&both, self->application_id, strlen(self->application_id) + 1) &&
                ti_buffer_append_string(&both, key) &&
                ti_crypto_sha256(both.data, both.size, name->digest);

    ti_buffer_free(&both);
    if (!done) return fail_no_memory(self);
    write_description(name, self->application_id);
    return TACIT_OK;
}

/* The payload's hash, over all of it with the name's digest in its place. It stays there. */
static bool hash_payload(ti_buffer *payload, const key_name *name,
                         unsigned char digest[TI_SHA256_SIZE]) {
    memcpy(payload->data + MAGIC_SIZE, name->digest, TI_SHA256_SIZE);
    return ti_crypto_sha256(payload->data, payload->size, digest);
}

static tacit_status pack(kernel_keyring *self, const key_name *name, const char *record,
                         size_t size, ti_buffer *payload) {
    unsigned char digest[TI_SHA256_SIZE] = {0};

    if (!ti_buffer_append(payload, MAGIC, MAGIC_SIZE) ||
        !ti_buffer_append(payload, digest, sizeof digest) ||
        !ti_buffer_append(payload, record, size) || !hash_payload(payload, name, digest))
        return fail_no_memory(self);
    memcpy(payload->data + MAGIC_SIZE, digest, sizeof digest);
    return TACIT_OK;
}

static tacit_status unpack(kernel_keyring *self, const key_name *name, ti_buffer *payload,
                           char **record, size_t *size) {
    unsigned char said[TI_SHA256_SIZE], digest[TI_SHA256_SIZE];

    if (payload->size < HEAD_SIZE || memcmp(payload->data, MAGIC, MAGIC_SIZE) != 0)
        return corrupt(self);
    memcpy(said, payload->data + MAGIC_SIZE, sizeof said);
    if (!hash_payload(payload, name, digest)) return fail_no_memory(self);
    if (memcmp(said, digest, sizeof said) != 0) return corrupt(self);
    *size = payload->size - HEAD_SIZE;
    *record = malloc(*size + 1);
    if (*record == NULL) return fail_no_memory(self);
    memcpy(*record, payload->data + HEAD_SIZE, *size);
    return TACIT_OK;
}

/* ------------------------------------------------------------------ load, save and erase */

static tacit_status read_payload(kernel_keyring *self, const key_name *name, ti_buffer *payload) {
    long keyring = join_keyring();
    long id, size;

    if (keyring == -1) return fail(self, errno);
    if (!ti_buffer_reserve(payload, PAYLOAD_MAX)) return fail_no_memory(self);
    do {
        id = find_key(keyring, name->description);
        if (id < 0) return fail_to_find(self, errno);
        size = read_key(id, payload->data, PAYLOAD_MAX);
    } while (size < 0 && is_gone(errno)); /* it ended since; there may be another one */
    if (size < 0) return fail(self, errno);
    if (size > PAYLOAD_MAX) return corrupt(self);
    payload->size = (size_t)size;
    return TACIT_OK;
}

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    kernel_keyring *self = data;
    ti_buffer payload = TI_BUFFER_SECRET;
    key_name name;
    tacit_status status = name_of(self, key, &name);

    if (status == TACIT_OK) status = read_payload(self, &name, &payload);
    if (status == TACIT_OK) status = unpack(self, &name, &payload, record, size);
    ti_buffer_free(&payload);
    return status;
}

static tacit_status write_payload(kernel_keyring *self, const key_name *name,
                                  const ti_buffer *payload) {
    long keyring = join_keyring();

    if (keyring == -1 || syscall(SYS_add_key, KEY_TYPE, name->description, payload->data,
                                 payload->size, keyring) < 0)
        return fail_to_save(self, errno);
    return TACIT_OK;
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    kernel_keyring *self = data;
    ti_buffer payload = TI_BUFFER_SECRET;
    key_name name;
    tacit_status status;

    if (size > RECORD_MAX)
        return ti_error_set(&self->error, TACIT_ERR_STORE_TOO_LARGE, "it takes at most %zu bytes",
                            RECORD_MAX);
    status = name_of(self, key, &name);
    if (status == TACIT_OK) status = pack(self, &name, record, size, &payload);
    if (status == TACIT_OK) status = write_payload(self, &name, &payload);
    ti_buffer_free(&payload);
    return status;
}

static tacit_status erase(void *data, const char *key) {
    kernel_keyring *self = data;
    key_name name;
    tacit_status status = name_of(self, key, &name);
    long keyring, id;

    if (status != TACIT_OK) return status;
    keyring = join_keyring();
    if (keyring == -1) return fail(self, errno);
    id = find_key(keyring, name.description);
    if (id < 0 || end_key(keyring, id) < 0) status = fail_to_find(self, errno);
    return status == TACIT_ERR_STORE_NOT_FOUND ? TACIT_OK : status;
}

static const char *last_error(void *data, int *os_error) {
    const kernel_keyring *self = data;

    if (self->error.status == TACIT_ERR_STORE_NOT_FOUND) return NULL; /* that says it all */
    *os_error = self->error.os_error;
    return self->error.message;
}

/* ------------------------------------------------------------------ the store object */

static void release(void *data) {
    kernel_keyring *self = data;

    free(self->application_id);
    free(self);
}

static kernel_keyring *keyring_new(const char *application_id) {
    kernel_keyring *self = calloc(1, sizeof *self);

    if (self == NULL) return NULL;
    self->application_id = strdup(application_id);
    if (self->application_id != NULL) return self;
    free(self);
    return NULL;
}

static tacit_store *store_of(kernel_keyring *self, tacit_error *error) {
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;

    ops.record_size_max = RECORD_MAX;
    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    ops.release = release;
    ops.last_error = last_error;
    ops.application_id = self->application_id;
    ops.description = "the kernel's keyring, in memory until the system restarts";
    return tacit_store_custom(&ops, self, error);
}

/* Asks for what changes nothing. */
static bool kernel_has_keyrings(void) {
    return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_THREAD_KEYRING, 0) >= 0 ||
           (errno != ENOSYS && errno != EPERM);
}

static void explain_unsupported(int os_error, tacit_error *error) {
    ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                 "This process has no kernel keyring: the kernel is without (CONFIG_KEYS), or a "
                 "seccomp filter forbids the system calls keyctl and add_key, as containers' do.");
    if (error != NULL) error->os_error = os_error;
}

tacit_store *tacit_store_kernel_keyring(const char *application_id, tacit_error *error) {
    kernel_keyring *self;
    tacit_store *store;

    ti_error_clear(error);
    if (application_id == NULL || *application_id == '\0') {
        ti_error_argument(error, "application_id", "is NULL or empty");
        return NULL;
    }
    if (!kernel_has_keyrings()) {
        explain_unsupported(errno, error);
        return NULL;
    }
    self = keyring_new(application_id);
    if (self == NULL) {
        ti_error_no_memory(error);
        return NULL;
    }
    store = store_of(self, error);
    if (store == NULL) release(self);
    return store;
}
