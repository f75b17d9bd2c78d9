/* Which stores work here, and whether a realistic secret survives in them. */
#include "doctor.h"

#include "round_trip.h"
#include "scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define OWN_ID "tacit-doctor" /* of what the doctor stores, and erases */
enum { KEY_SIZE = 32 };

static const char survived[] = "a sign-in of 4096 bytes came back when it was opened anew";

/* ------------------------------------------------------------------ the keyring */

static tacit_store *open_keyring(void *data, tacit_error *error) {
    (void)data;
    return tacit_store_keyring(OWN_ID, error);
}

/* That there is none is no problem by itself: see the default store. */
static void look_at_keyring(doctor *doctor, const char *scratch) {
    tacit_error error;

    (void)doctor;
    if (round_trip(scratch, open_keyring, NULL, &error))
        finding_well("keyring", "%s", survived);
    else
        finding_note("keyring", "it does not work here: %s", error.message);
}

/* ------------------------------------------------------------------ the kernel's keyring */

static tacit_store *open_kernel_keyring(void *data, tacit_error *error) {
    (void)data;
    return tacit_store_kernel_keyring(OWN_ID, error);
}

/* Nobody has it who did not ask for it by name. */
static void look_at_kernel_keyring(doctor *doctor, const char *scratch) {
    tacit_error error;

    (void)doctor;
    if (round_trip(scratch, open_kernel_keyring, NULL, &error))
        finding_well("kernel keyring", "%s; it ends when the system restarts", survived);
    else
        finding_note("kernel keyring", "it does not work here: %s", error.message);
}

/* ------------------------------------------------------------------ the encrypted file */

typedef struct file_try {
    const char *directory;
    const char *key_file; /* NULL: own_key */
    unsigned char own_key[KEY_SIZE];
} file_try;

static tacit_status get_own_key(void *data, unsigned char key[KEY_SIZE]) {
    memcpy(key, ((file_try *)data)->own_key, KEY_SIZE);
    return TACIT_OK;
}

static tacit_store *open_file(void *data, tacit_error *error) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;
    file_try *self = data;

    options.directory = self->directory;
    options.key_file = self->key_file;
    if (self->key_file == NULL) {
        options.get_key = get_own_key;
        options.key_data = self;
    }
    return tacit_store_file(&options, error);
}

/* As the default store finds it. NULL: none is named, or no memory; yours. */
static char *named_key_file(void) {
    const char *file = getenv("TACIT_STORE_KEY_FILE");
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    char *path;

    if (file != NULL && *file != '\0') return strdup(file);
    if (credentials == NULL || *credentials == '\0') return NULL;
    return asprintf(&path, "%s/tacit.key", credentials) < 0 ? NULL : path;
}

/* A key file that is not there yet is not made: the first sign-in does that. */
static void try_file(doctor *doctor, const char *scratch, const char *key_file) {
    file_try try = {.directory = scratch, .key_file = key_file};
    tacit_error error;

    if (getrandom(try.own_key, KEY_SIZE, 0) != KEY_SIZE) return;
    if (round_trip(scratch, open_file, &try, &error))
        finding_well("encrypted file", "%s, with %s", survived,
                     key_file == NULL ? "a key made for the test" : key_file);
    else if (error.status == TACIT_ERR_UNSUPPORTED)
        finding_note("encrypted file", "%s", error.message);
    else
        finding_problem(&doctor->findings,
                        "Repair what the sentence names; a key file has 32 bytes, belongs to its "
                        "user and has mode 600.",
                        "encrypted file", "%s", error.message);
}

static void look_at_key(doctor *doctor, const char *key_file, bool is_there) {
    if (key_file == NULL)
        finding_note("file's key", "none is named; TACIT_STORE_KEY_FILE would");
    else if (*key_file != '/')
        finding_problem(&doctor->findings, "Name it from the root (/...).", "file's key",
                        "%s is found from one working directory only", key_file);
    else if (!is_there)
        finding_note("file's key", "%s does not exist yet", key_file);
    else
        finding_well("file's key", "%s", key_file);
}

static void look_at_file(doctor *doctor, const char *scratch) {
    char *key_file = named_key_file();
    bool is_there = key_file != NULL && access(key_file, F_OK) == 0;

    try_file(doctor, scratch, is_there ? key_file : NULL);
    look_at_key(doctor, key_file, is_there);
    free(key_file);
}

/* ------------------------------------------------------------------ the default */

static const char *advice_for(const tacit_error *error) {
    switch (error->status) {
    case TACIT_ERR_STORE_LOCKED:
        return "Unlock it: log in to the desktop, or use the keyring's own program.";
    case TACIT_ERR_STORE_UNAVAILABLE:
        return "Start it, or start it anew; else install or set what the sentence names.";
    case TACIT_ERR_STORE_CORRUPT:
        return "Use the version of tacit that wrote it, or remove it and sign in again.";
    default:
        return "Repair what the sentence names.";
    }
}

/* Loading makes the choice, as an app's first load does; only a save would be remembered. */
static void look_at_default(doctor *doctor, const char *scratch) {
    const char *id = doctor->application_id == NULL ? OWN_ID : doctor->application_id;
    const char *whose = doctor->application_id == NULL ? "a new application" : id;
    tacit_error error;
    tacit_store *store = tacit_store_default(id, &error);

    if (store != NULL && round_trip_load(scratch, store, &error))
        finding_well("default store", "%s has %s", whose, tacit_store_describe(store));
    else
        finding_problem(&doctor->findings, advice_for(&error), "default store", "%s",
                        error.message);
    tacit_store_unref(store);
}

/* ------------------------------------------------------------------ */

typedef void (*look)(doctor *doctor, const char *scratch);

/* One directory for each: what a try that failed leaves behind is not the next one's. */
static void in_scratch(doctor *doctor, look look) {
    char *scratch = scratch_make(doctor->state_dir);

    if (scratch != NULL) look(doctor, scratch);
    scratch_remove(scratch);
}

void doctor_look_at_stores(doctor *doctor) {
    char *scratch = scratch_make(doctor->state_dir);

    if (scratch == NULL) {
        finding_problem(&doctor->findings, "Make it writable for this user.", "state directory",
                        "nothing can be made in %s: %s", doctor->state_dir, strerror(errno));
        return;
    }
    scratch_remove(scratch);
    in_scratch(doctor, look_at_keyring);
    in_scratch(doctor, look_at_kernel_keyring);
    in_scratch(doctor, look_at_file);
    in_scratch(doctor, look_at_default);
}
