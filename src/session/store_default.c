/*
 * Properties. A record is where the application's memory says, or, before the first record was
 * saved, where the choice of this object fell. Nothing is asked of the other store, so that a
 * keyring that is locked or away for a while never makes a second, stale place. A file takes the
 * keyring's place only where there is no keyring at all.
 *
 * Operation. The first call recalls the choice, or chooses: a keyring that keeps a probe, else the
 * file. What was chosen is remembered after the first save. Two processes may choose at the same
 * time: what the first of them remembered counts, and the other moves what it saved.
 *
 * Safety. All but the constructor runs within the store's calls, of which there is one at a time.
 * What others read meanwhile, the description and the reason of a failure, is kept by session/store.
 */
#include "session/store_default.h"

#include "session/store.h"
#include "session/store_choice.h"
#include "session/store_default_file.h"
#include "session/store_probe.h"

#include "base/error.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct default_store {
    /* set at creation, then read-only */
    ti_default_parts parts;
    tacit_store *shown; /* the store that this is the inside of; not counted */
    char *application_id;
    ti_default_file file;

    /* within the store's calls */
    tacit_store *stores[TI_CHOICES]; /* NULL: not made yet */
    ti_choice choice;                /* TI_CHOICE_NONE: still open */
    bool remembered;                 /* it cannot change any more */
    const tacit_store *left;         /* one of stores, where a record is to be erased; or NULL */
    tacit_error error;               /* of the last call, where no store was asked */
} default_store;

/* ------------------------------------------------------------------ what is said to a person */

#define OR_A_FILE ", or set TACIT_STORE_KEY_FILE to keep it in an encrypted file"

static const char *const neither[] = {
    [TI_KEYRING_UNSUPPORTED] = "this build of tacit knows no keyring" OR_A_FILE,
    [TI_KEYRING_NO_LIBRARY] = "there is no keyring library; install libsecret (libsecret-1.so.0) "
                              "and a keyring such as gnome-keyring" OR_A_FILE,
    [TI_KEYRING_NO_BUS] = "there is no session bus and so no keyring; start the program in a "
                          "desktop session" OR_A_FILE,
    [TI_KEYRING_NO_SERVICE] = "no keyring service is on the session bus; install one such as "
                              "gnome-keyring" OR_A_FILE,
    [TI_KEYRING_NO_COLLECTION] = "the keyring service has no keyring yet; make one in a desktop "
                                 "session" OR_A_FILE,
};

static const char *const descriptions[] = {
    [TI_CHOICE_KEYRING] = "the system's keyring",
    [TI_CHOICE_FILE] = "the encrypted file that the default store chose",
    [TI_CHOICE_NONE] = "the default store (the system's keyring, or an encrypted file)",
};

/* Answers status. */
static tacit_status because(default_store *self, tacit_status status, const char *reason) {
    return ti_error_set(&self->error, status, "%s", reason);
}

/* ------------------------------------------------------------------ the two stores */

static tacit_store *make(default_store *self, ti_choice choice, tacit_error *error) {
    return choice == TI_CHOICE_KEYRING
               ? self->parts.keyring(self->application_id, error)
               : ti_default_file_open(&self->file, self->application_id, self->parts.file, error);
}

/* A sentence, to stand behind a colon. */
static void make_clause(char *sentence) {
    size_t length = strlen(sentence);

    if (length > 0 && sentence[length - 1] == '.') sentence[length - 1] = '\0';
    *sentence = (char)tolower((unsigned char)*sentence);
}

/* The error of a store that cannot be made becomes one that a store may answer. */
static tacit_status not_made(default_store *self, tacit_error *error) {
    make_clause(error->message);
    switch (error->status) {
    case TACIT_ERR_STORE_UNAVAILABLE:
    case TACIT_ERR_UNSUPPORTED:
        return because(self, TACIT_ERR_STORE_UNAVAILABLE, error->message);
    default:
        return because(self, TACIT_ERR_STORE_FAILED, error->message);
    }
}

/* Makes sure that there is a store of that kind. */
static tacit_status provide(default_store *self, ti_choice choice) {
    tacit_error error = TACIT_ERROR_INIT;

    if (self->stores[choice] != NULL) return TACIT_OK;
    self->stores[choice] = make(self, choice, &error);
    if (self->stores[choice] != NULL) return TACIT_OK;
    return not_made(self, &error);
}

/* ------------------------------------------------------------------ the choice */

static tacit_status take(default_store *self, ti_choice choice) {
    tacit_status status = provide(self, choice);

    if (status != TACIT_OK) return status;
    self->choice = choice;
    ti_store_describe_as(self->shown, tacit_store_describe(self->stores[choice]));
    return ti_error_clear(&self->error); /* from here on it is the store's */
}

static tacit_status take_remembered(default_store *self, ti_choice choice) {
    self->choice = choice;
    self->remembered = true;
    ti_store_describe_as(self->shown, descriptions[choice]);
    if (choice == TI_CHOICE_FILE && !ti_default_file_has_key(&self->file))
        return because(self, TACIT_ERR_STORE_UNAVAILABLE,
                       "its key is not there; set TACIT_STORE_KEY_FILE as it was");
    return take(self, choice);
}

/* There may be a keyring, but it did not keep the probe. */
static tacit_status keyring_failed(default_store *self, tacit_status status) {
    switch (status) {
    case TACIT_ERR_STORE_LOCKED:
        return because(self, status, "the system's keyring is locked; the user can unlock it");
    case TACIT_ERR_STORE_UNAVAILABLE:
        if (self->error.status != TACIT_OK) return status; /* it could not be made */
        return because(self, status, "the system's keyring does not answer");
    default:
        return because(self, TACIT_ERR_STORE_FAILED,
                       "the system's keyring did not keep what was saved in it for a test");
    }
}

static tacit_status without_keyring(default_store *self) {
    ti_keyring_presence presence = self->parts.look();

    if (presence == TI_KEYRING_PRESENT) return keyring_failed(self, TACIT_ERR_STORE_UNAVAILABLE);
    if (!ti_default_file_has_key(&self->file))
        return because(self, TACIT_ERR_STORE_UNAVAILABLE, neither[presence]);
    return take(self, TI_CHOICE_FILE);
}

/* What a person reads where the keyring hangs. */
static tacit_status probe_keyring(default_store *self) {
    tacit_status status;

    ti_store_describe_as(self->shown, "the system's keyring, which the default store tries first");
    status = ti_store_probe(self->stores[TI_CHOICE_KEYRING]);
    ti_store_describe_as(self->shown, descriptions[TI_CHOICE_NONE]);
    return status;
}

static tacit_status choose(default_store *self) {
    tacit_status status = provide(self, TI_CHOICE_KEYRING);

    if (status == TACIT_OK) status = probe_keyring(self);
    if (status == TACIT_OK) return take(self, TI_CHOICE_KEYRING);
    if (status == TACIT_ERR_STORE_UNAVAILABLE) return without_keyring(self);
    return keyring_failed(self, status);
}

/* TI_CHOICE_NONE also where nothing can be remembered. */
static tacit_status recall(default_store *self, ti_choice *choice) {
    *choice = TI_CHOICE_NONE;
    if (self->file.directory == NULL) return TACIT_OK;
    return ti_choice_recall(self->file.directory, self->application_id, choice, &self->error);
}

/* Before each call: self->stores[self->choice] is the store to ask. */
static tacit_status settle(default_store *self) {
    ti_choice remembered;
    tacit_status status;

    ti_error_clear(&self->error);
    if (self->remembered) return take_remembered(self, self->choice);
    status = recall(self, &remembered);
    if (status != TACIT_OK) return status;
    if (remembered != TI_CHOICE_NONE) return take_remembered(self, remembered);
    return self->choice == TI_CHOICE_NONE ? choose(self) : TACIT_OK;
}

/* ------------------------------------------------------------------ the store's functions */

static tacit_status load(void *data, const char *key, char **record, size_t *size) {
    default_store *self = data;
    tacit_status status = settle(self);
    const tacit_store *store;

    if (status != TACIT_OK) return status;
    store = self->stores[self->choice];
    return store->ops.load(store->data, key, record, size);
}

/* What this object saved in the other store, before it knew better, goes when it is saved here. */
static void remove_left(default_store *self, const char *key) {
    const tacit_store *left = self->left;

    if (left != NULL && left->ops.erase(left->data, key) == TACIT_OK) self->left = NULL;
}

static tacit_status save_chosen(default_store *self, const char *key, const char *record,
                                size_t size) {
    const tacit_store *store = self->stores[self->choice];
    size_t max = store->ops.record_size_max;
    tacit_status status;

    if (max > 0 && size > max) return TACIT_ERR_STORE_TOO_LARGE;
    status = store->ops.save(store->data, key, record, size);
    if (status == TACIT_OK) remove_left(self, key);
    return status;
}

/* A record was saved. Where that could not be remembered, the next save tries again. */
static tacit_status remember(default_store *self, ti_choice *remembered) {
    if (self->file.directory != NULL)
        ti_choice_remember(self->file.directory, self->application_id, self->choice);
    return recall(self, remembered);
}

/* Another process chose otherwise, first. */
static tacit_status move(default_store *self, ti_choice to, const char *key, const char *record,
                         size_t size) {
    tacit_status status;

    self->left = self->stores[self->choice];
    status = take_remembered(self, to);
    return status == TACIT_OK ? save_chosen(self, key, record, size) : status;
}

static tacit_status save(void *data, const char *key, const char *record, size_t size) {
    default_store *self = data;
    tacit_status status = settle(self);
    ti_choice remembered;

    if (status == TACIT_OK) status = save_chosen(self, key, record, size);
    if (status != TACIT_OK || self->remembered) return status;
    status = remember(self, &remembered);
    if (status != TACIT_OK || remembered == TI_CHOICE_NONE) return status;
    if (remembered != self->choice) return move(self, remembered, key, record, size);
    self->remembered = true;
    return TACIT_OK;
}

static tacit_status erase(void *data, const char *key) {
    default_store *self = data;
    tacit_status status = settle(self);
    const tacit_store *store;

    if (status != TACIT_OK) return status;
    store = self->stores[self->choice];
    return store->ops.erase(store->data, key);
}

static const char *last_error(void *data, int *os_error) {
    const default_store *self = data;
    const tacit_store *store;

    if (self->error.status != TACIT_OK) {
        *os_error = self->error.os_error;
        return self->error.message;
    }
    store = self->stores[self->choice];
    return store->ops.last_error == NULL ? NULL : store->ops.last_error(store->data, os_error);
}

static void release(void *data) {
    default_store *self = data;

    for (int i = 0; i < TI_CHOICES; i++) tacit_store_unref(self->stores[i]);
    ti_default_file_free(&self->file);
    free(self->application_id);
    free(self);
}

/* ------------------------------------------------------------------ making it */

static default_store *inside_new(const char *application_id, const ti_default_parts *parts) {
    default_store *self = calloc(1, sizeof *self);

    if (self == NULL) return NULL;
    self->parts = *parts;
    self->choice = TI_CHOICE_NONE;
    self->application_id = strdup(application_id);
    if (ti_default_file_init(&self->file) && self->application_id != NULL) return self;
    release(self);
    return NULL;
}

tacit_store *ti_store_default_new(const char *application_id, const ti_default_parts *parts,
                                  tacit_error *error) {
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;
    default_store *self = inside_new(application_id, parts);
    tacit_store *store;

    if (self == NULL) return ti_error_no_memory(error), NULL;
    ops.load = load;
    ops.save = save;
    ops.erase = erase;
    ops.release = release;
    ops.last_error = last_error;
    ops.application_id = application_id;
    ops.description = descriptions[TI_CHOICE_NONE];
    store = tacit_store_custom(&ops, self, error);
    if (store == NULL) {
        release(self);
        return NULL;
    }
    self->shown = store;
    return store;
}

tacit_store *tacit_store_default(const char *application_id, tacit_error *error) {
    static const ti_default_parts parts = {
        .keyring = tacit_store_keyring, .look = ti_keyring_look, .file = tacit_store_file};

    ti_error_clear(error);
    if (application_id == NULL || *application_id == '\0') {
        ti_error_argument(error, "application_id", "is NULL or empty");
        return NULL;
    }
    return ti_store_default_new(application_id, &parts, error);
}
