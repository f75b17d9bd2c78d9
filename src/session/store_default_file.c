#include "session/store_default_file.h"

#include "session/store_choice.h"

#include "base/buffer.h"
#include "base/error.h"
#include "platform/os.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static bool init_key(ti_default_file *file) {
    const char *key_file = ti_os_variable("TACIT_STORE_KEY_FILE");
    const char *credentials = ti_os_variable("CREDENTIALS_DIRECTORY");
    ti_buffer path = TI_BUFFER_INIT;

    file->is_credential = key_file == NULL && credentials != NULL;
    if (key_file != NULL) ti_buffer_append_string(&path, key_file);
    if (file->is_credential) {
        ti_buffer_append_string(&path, credentials);
        ti_buffer_append_string(&path, "/tacit.key");
    }
    file->key_file = path.data;
    return !path.failed;
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
}

bool ti_default_file_has_key(const ti_default_file *file) {
    if (file->key_file == NULL) return false;
    return !file->is_credential || access(file->key_file, F_OK) == 0;
}

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

tacit_store *ti_default_file_open(const ti_default_file *file, const char *application_id,
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
    store = make(&options, error);
    free(directory);
    /* cppcheck-suppress returnDanglingLifetime ; the store has copies */
    return store;
}
