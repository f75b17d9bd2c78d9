/*
 * The keyring of Windows: Credential Manager, which keeps what is written there encrypted with the user's password (DPAPI), for
 * this user on this machine.
 *
 * Properties: a record is one generic credential "tacit/<application>/<hash>", and where 2,560 bytes
 * are not enough, more of them below that name (store_chunks.c). The application is in it for a
 * person who reads the list, as far as its letters mean the same to everybody; the hash is over
 * the application's id and the key, since names do not differ by the case of their letters, and have an end.
 */
#include <tacit/store.h>

#include "platform/store_keyring.h"
#include "platform/store_wincred_vault.h"

#include "base/buffer.h"
#include "base/error.h"
#include "platform/crypto.h"
#include "platform/windows_translate.h"

#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APPLICATION_MAX 64 /* what of the application's id is shown */
#define NAME_SIZE (sizeof "tacit//" + APPLICATION_MAX + 2 * TI_SHA256_SIZE)

typedef struct keyring {
    char *application_id;
    ti_vault vault;
} keyring;

static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

static char *write_application(char *to, const char *application_id) {
    for (size_t i = 0; i < APPLICATION_MAX && application_id[i]; i++)
        *to++ = is_plain(application_id[i]) ? application_id[i] : '_';
    return to;
}

/* false: no memory. */
static bool name_record(const keyring *self, const char *key, char name[NAME_SIZE]) {
    unsigned char digest[TI_SHA256_SIZE];
    ti_buffer both = TI_BUFFER_INIT;
    bool hashed = ti_buffer_append(&both, self->application_id, strlen(self->application_id) + 1) &&
                  ti_buffer_append_string(&both, key) &&
                  ti_crypto_sha256(both.data, both.size, digest);
    ti_buffer_free(&both);
    if (!hashed) return false;
    char *end = write_application(name + sprintf(name, "tacit/"), self->application_id);
    *end++ = '/';
    for (size_t i = 0; i < sizeof digest; i++) end += sprintf(end, "%02x", digest[i]);
    return true;
}

/* A call: what it is about, and its turn. */
typedef struct visit {
    char name[NAME_SIZE];
    ti_shelf shelf;
    void *turn;
} visit;

/* Unless it answers TACIT_OK there is nothing to end. */
static tacit_status begin(keyring *self, const char *key, visit *visit) {
    self->vault.error = 0;
    visit->shelf = ti_vault_shelf(&self->vault);
    if (name_record(self, key, visit->name)) return ti_vault_begin_turn(&self->vault, &visit->turn);
    self->vault.error = ERROR_NOT_ENOUGH_MEMORY;
    return TACIT_ERR_STORE_FAILED;
}

static tacit_status end(const visit *visit, tacit_status status) {
    ti_vault_end_turn(visit->turn);
    return status;
}

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    visit visit;
    tacit_status status = begin(data, key, &visit);
    if (status != TACIT_OK) return status;
    return end(&visit, ti_chunks_load(&visit.shelf, visit.name, record, size));
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    visit visit;
    tacit_status status = begin(data, key, &visit);
    if (status != TACIT_OK) return status;
    return end(&visit, ti_chunks_save(&visit.shelf, visit.name, record, size));
}

static tacit_status erase(void *data, const char *key) {
    visit visit;
    tacit_status status = begin(data, key, &visit);
    if (status != TACIT_OK) return status;
    return end(&visit, ti_chunks_erase(&visit.shelf, visit.name));
}

static const char *last_error(void *data, int *os_error) {
    const keyring *self = data;
    unsigned long error = self->vault.error;
    if (error == 0 || error == ERROR_NOT_FOUND) return NULL;
    *os_error = ti_windows_errno(error);
    switch (error) {
    case ERROR_NO_SUCH_LOGON_SESSION:
        return "this logon has no credentials, as that of a service or of an SSH session; sign in "
               "to Windows "
               "on the machine itself";
    case ERROR_TIMEOUT:
        return "another process is using it and does not come to an end";
    case ERROR_NOT_ENOUGH_MEMORY:
        return "there is not enough memory";
    case ERROR_INVALID_PARAMETER:
    case ERROR_BAD_LENGTH:
    case RPC_X_BAD_STUB_DATA:
        return "it does not take what was to be stored";
    case ERROR_ACCESS_DENIED:
        return "the system's policy does not let this program use it";
    default:
        return "it does not work now";
    }
}

static void release(void *data) {
    keyring *self = data;
    if (!self) return;
    free(self->application_id);
    free(self);
}

static keyring *keyring_new(const char *application_id) {
    keyring *self = calloc(1, sizeof *self);
    if (!self) return NULL;
    self->application_id = strdup(application_id);
    if (self->application_id) return self;
    release(self);
    return NULL;
}

static tacit_store *store_of(keyring *self, tacit_error *error) {
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;
    ops.record_size_max = TI_CHUNKS_RECORD_MAX;
    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    ops.release = release;
    ops.last_error = last_error;
    ops.application_id = self->application_id;
    ops.description = "Credential Manager of Windows, encrypted for this user on this machine";
    return tacit_store_custom(&ops, self, error);
}

tacit_store *tacit_store_keyring(const char *application_id, tacit_error *error) {
    ti_error_clear(error);
    if (!application_id || !*application_id) {
        ti_error_argument(error, "application_id", "is NULL or empty");
        return NULL;
    }
    keyring *self = keyring_new(application_id);
    if (!self) {
        ti_error_no_memory(error);
        return NULL;
    }
    tacit_store *store = store_of(self, error);
    if (!store) release(self);
    return store;
}

/* Windows has one always; a logon that does not reach it is not a system without it. */
ti_keyring_presence ti_keyring_look(void) {
    return TI_KEYRING_PRESENT;
}
