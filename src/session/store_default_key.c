#include "session/store_default_key.h"

#include "platform/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_SIZE = 32 };

/* NULL also where it is empty, or the program has more rights than who started it. */
static const char *variable(const char *name) {
    const char *value = secure_getenv(name);

    return value == NULL || *value == '\0' ? NULL : value;
}

bool ti_default_key_init(ti_default_key *key) {
    const char *file = variable("TACIT_STORE_KEY_FILE");
    const char *directory = variable("CREDENTIALS_DIRECTORY");

    *key = (ti_default_key){.key_file = NULL};
    if (file != NULL) return (key->key_file = strdup(file)) != NULL;
    if (directory == NULL) return true;
    if (asprintf(&key->credential, "%s/tacit.key", directory) >= 0) return true;
    key->credential = NULL;
    return false;
}

void ti_default_key_free(ti_default_key *key) {
    free(key->key_file);
    free(key->credential);
}

bool ti_default_key_is_there(const ti_default_key *key) {
    return key->key_file != NULL || (key->credential != NULL && access(key->credential, R_OK) == 0);
}

/* One byte more than the key, to see that there is no more. */
static ssize_t read_key(const char *path, unsigned char bytes[KEY_SIZE + 1]) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;

    if (fd < 0) return -1;
    do got = read(fd, bytes, KEY_SIZE + 1);
    while (got < 0 && errno == EINTR);
    close(fd);
    return got;
}

/* systemd keeps who may read it; the owner may well be root. */
static tacit_status get_credential(void *data, unsigned char key[KEY_SIZE]) {
    const ti_default_key *self = data;
    unsigned char bytes[KEY_SIZE + 1];
    ssize_t got = read_key(self->credential, bytes);
    tacit_status status = TACIT_OK;

    if (got == KEY_SIZE) memcpy(key, bytes, KEY_SIZE);
    if (got != KEY_SIZE) status = got < 0 ? TACIT_ERR_STORE_UNAVAILABLE : TACIT_ERR_STORE_FAILED;
    ti_os_wipe(bytes, sizeof bytes);
    return status;
}

void ti_default_key_use(ti_default_key *key, tacit_store_file_options *options) {
    options->key_file = key->key_file;
    if (key->key_file != NULL) return;
    options->get_key = get_credential;
    options->key_data = key;
}
