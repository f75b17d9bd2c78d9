/* custom_store DIRECTORY: signs in, into a store of its own; the next start finds that and signs out.
 * Its record is a file of the bytes as they come. A device with a vault seals them first. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <tacit/tacit.h>

enum { RECORD_MAX = 65536 };

/* There is one sign-in, so that one name does for every key. */
static tacit_status load(void *directory, const char *key, char **record, size_t *size) {
    int file = openat(*(int *)directory, "record", O_RDONLY);
    if (file < 0) return errno == ENOENT ? TACIT_ERR_STORE_NOT_FOUND : TACIT_ERR_STORE_UNAVAILABLE;
    ssize_t got = (*record = tacit_alloc(RECORD_MAX)) ? read(file, *record, RECORD_MAX) : -1;
    close(file);
    if (got < 0) tacit_free(*record), *record = NULL;
    *size = got < 0 ? 0 : (size_t)got;
    return (void)key, got < 0 ? TACIT_ERR_STORE_FAILED : TACIT_OK;
}

/* All or nothing, and durable: under another name first, then in its place. */
static tacit_status save(void *directory, const char *key, const char *record, size_t size) {
    int at = *(int *)directory, file = openat(at, "new", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0) return TACIT_ERR_STORE_UNAVAILABLE;
    bool done = write(file, record, size) == (ssize_t)size && fsync(file) == 0;
    done = close(file) == 0 && done && renameat(at, "new", at, "record") == 0 && fsync(at) == 0;
    return (void)key, done ? TACIT_OK : TACIT_ERR_STORE_FAILED;
}

static tacit_status erase(void *directory, const char *key) {
    int at = *(int *)directory;
    bool gone = unlinkat(at, "record", 0) == 0 || errno == ENOENT;
    return (void)key, gone && fsync(at) == 0 ? TACIT_OK : TACIT_ERR_STORE_FAILED;
}

int main(int argc, char **argv) {
    int directory = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;
    if (directory < 0) return 2;
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;
    ops.record_size_max = RECORD_MAX, ops.load = load, ops.save = save, ops.erase = erase;
    ops.description = "the drawer", ops.lock_directory = argv[1];
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    options.client_id = "example", options.store = tacit_store_custom(&ops, &directory, NULL);
    tacit_client *client = tacit_client_new(NULL, NULL);
    const char *json = "{\"token_endpoint\": \"https://auth.example/token\"}";
    tacit_provider *provider = tacit_provider_from_json(json, NULL);
    tacit_session *session = tacit_session_open(client, provider, &options, NULL);

    tacit_error error;
    tacit_session_state state;
    tacit_status status = tacit_session_load(session, TACIT_TIMEOUT_DEFAULT, &state, &error);
    if (!status && state == TACIT_STATE_SIGNED_IN)
        puts("found"), status = tacit_sign_out(session, TACIT_TIMEOUT_DEFAULT, &error);
    else if (!status)
        puts("new"), status = tacit_sign_in_with_tokens(session, "a", 3600, "b", &error);
    if (status) fprintf(stderr, "%s\n", error.message);
    return tacit_client_shutdown(client, TACIT_TIMEOUT_DEFAULT, NULL) || status;
}
