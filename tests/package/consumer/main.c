/* The smallest use of each part: it links every floor, and needs neither network nor keyring. */
#include <tacit/tacit.h>

#include <stdio.h>
#include <string.h>

static int failed(const char *what, const tacit_error *error) {
    fprintf(stderr, "%s: %s\n", what, error->message);
    return 1;
}

int main(void) {
    tacit_error error;
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", TACIT_VERSION_MAJOR, TACIT_VERSION_MINOR,
             TACIT_VERSION_PATCH);
    if (strcmp(version, tacit_version()) != 0) {
        fprintf(stderr, "headers %s, library %s\n", version, tacit_version());
        return 1;
    }

    tacit_client *client = tacit_client_new(NULL, &error);
    if (!client) return failed("client", &error);
    tacit_provider *provider =
        tacit_provider_from_json("{\"token_endpoint\": \"http://127.0.0.1:9/token\"}", &error);
    if (!provider) return failed("provider", &error);

    const char *const origins[] = {"http://127.0.0.1:9", NULL};
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    options.client_id = "consumer";
    options.origins = origins;
    options.store = tacit_store_memory();
    tacit_session *session = tacit_session_open(client, provider, &options, &error);
    if (!session) return failed("session", &error);
    tacit_store_unref(options.store);
    tacit_provider_unref(provider);

    tacit_response *response;
    tacit_status status = tacit_get(session, "http://127.0.0.1:9/", &response, &error);
    if (status != TACIT_ERR_SIGN_IN_REQUIRED) return failed("a request, signed out", &error);

    tacit_session_close(session, TACIT_TIMEOUT_DEFAULT);
    if (tacit_client_shutdown(client, TACIT_TIMEOUT_DEFAULT, &error) != TACIT_OK)
        return failed("shutdown", &error);
    tacit_client_unref(client);
    return 0;
}
