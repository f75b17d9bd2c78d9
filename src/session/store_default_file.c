#include "session/store_default_file.h"

#include "session/store_choice.h"

#include "base/buffer.h"
#include "base/error.h"
#include "platform/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_SIZE = 32 };

/* ------------------------------------------------------------------ the environment */

/* NULL also where it is empty, or the program has more rights than who started it. */
static const char *variable(const char *name) {
    const char *value = secure_getenv(name);

    return value == NULL || *value == '\0' ? NULL : value;
}

static bool init_key(ti_default_file *file) {
    const char *key_file = variable("TACIT_STORE_KEY_FILE");
    const char *credentials = variable("CREDENTIALS_DIRECTORY");

    if (key_file != NULL) return (file->key_file = strdup(key_file)) != NULL;
    if (credentials == NULL) return true;
    if (asprintf(&file->credential, "%s/tacit.key", credentials) >= 0) return true;
    file->credential = NULL;
    return false;
}

bool ti_default_file_init(ti_default_file *file) {
    *file = (ti_default_file){.key_file = NULL};
    errno = 0;
    file->directory = ti_os_state_directory();
    if (file->directory == NULL && errno != ENOENT) return false;
    return init_key(file);
}

void ti_default_file_free(ti_default_file *file) {
    free(file->directory);
    free(file->key_file);
    free(file->credential);
}

/* ------------------------------------------------------------------ the key */

bool ti_default_file_has_key(const ti_default_file *file) {
    return file->key_file != NULL ||
           (file->credential != NULL && access(file->credential, R_OK) == 0);
}

/* One byte more than the key, to see that there is no more. */
static ssize_t read_key(const char *path, unsigned char bytes[KEY_SIZE + 1]) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0) return -1;
    do got = read(fd, bytes, KEY_SIZE + 1);
    while (got < 0 && errno == EINTR);
    close(fd);
    return got;
}

/* Not a key file of the file store: systemd keeps who may read it, and root may own it. */
static tacit_status get_credential(void *data, unsigned char key[KEY_SIZE]) {
    const ti_default_file *file = data;
    unsigned char bytes[KEY_SIZE + 1];
    ssize_t got = read_key(file->credential, bytes);
    tacit_status status = got < 0 ? TACIT_ERR_STORE_UNAVAILABLE : TACIT_ERR_STORE_FAILED;

    if (got == KEY_SIZE) {
        memcpy(key, bytes, KEY_SIZE);
        status = TACIT_OK;
    }
    ti_os_wipe(bytes, sizeof bytes);
    return status;
}

/* ------------------------------------------------------------------ the store */

/* The application's own: a record's key says nothing of the application. NULL: no memory. */
static char *directory_for(const ti_default_file *file, const char *application_id) {
    char *name = ti_choice_name(application_id, ".records");
    ti_buffer path = TI_BUFFER_INIT;

    if (name == NULL) return NULL;
    ti_buffer_append_string(&path, file->directory);
    ti_buffer_append_string(&path, "/");
    ti_buffer_append_string(&path, name);
    free(name);
    if (path.failed) ti_buffer_free(&path);
    return path.data;
}

tacit_store *ti_default_file_open(ti_default_file *file, const char *application_id,
                                  ti_file_store_fn make, tacit_error *error) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;
    tacit_store *store;
    char *directory;

    if (file->directory == NULL) {
        ti_error_set(error, TACIT_ERR_STORE_UNAVAILABLE,
                     "there is no place for an encrypted file; set HOME or XDG_STATE_HOME");
        return NULL;
    }
    directory = directory_for(file, application_id);
    if (directory == NULL) return ti_error_no_memory(error), NULL;
    options.directory = directory;
    options.key_file = file->key_file;
    if (file->key_file == NULL) {
        options.get_key = get_credential;
        options.key_data = file;
    }
    store = make(&options, error);
    free(directory);
    /* cppcheck-suppress returnDanglingLifetime ; the store has copies */
    return store;
}

const char *ti_default_file_describe(const ti_default_file *file, const tacit_store *store) {
    if (file->key_file != NULL) return tacit_store_describe(store);
    return "an encrypted file, whose key is the credential tacit.key that systemd passed in";
}
