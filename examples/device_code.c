/* device_code ISSUER CLIENT_ID ORIGIN PATH: gets a page of your API, on a device without a browser.
 * Without a keyring the sign-in is in an encrypted file; its key is in $TACIT_STORE_KEY_FILE. */
#include <stdio.h>

#include <tacit/tacit.h>

static int failed(const char *what, const tacit_error *error) {
    fprintf(stderr, "%s: %s: %s\n", what, tacit_status_name(error->status), error->message);
    return 1;
}

static void show(const char *user_code, const char *uri, const char *uri_complete, int expires_in_s,
                 void *user_data) {
    (void)uri_complete, (void)user_data;
    fprintf(stderr, "Within %d s, open %s and enter %s\n", expires_in_s, uri, user_code);
}

/* Only the first time: from then on the store has the refresh token. */
static tacit_status sign_in(tacit_session *session, tacit_error *error) {
    tacit_sign_in_options options = TACIT_SIGN_IN_OPTIONS_INIT;
    options.device_prompt = show;
    return tacit_sign_in_with_device_code(session, &options, error);
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    tacit_error error;
    tacit_client_options client_options = TACIT_CLIENT_OPTIONS_INIT;
    client_options.application_id = "org.example.device";
    tacit_client *client = tacit_client_new(&client_options, &error);
    if (!client) return failed("client", &error);
    tacit_provider *provider = tacit_provider_from_issuer(argv[1], &error);
    if (!provider) return failed("provider", &error);

    const char *origins[] = {argv[3], NULL};
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    options.client_id = argv[2];
    options.origins = origins;
    tacit_session *session = tacit_session_open(client, provider, &options, &error);
    if (!session) return failed("session", &error);

    tacit_session_state state;
    if (tacit_session_load(session, TACIT_TIMEOUT_DEFAULT, &state, &error))
        return failed("store", &error);
    if (state == TACIT_STATE_SIGNED_OUT && sign_in(session, &error))
        return failed("sign-in", &error);

    char url[512];
    tacit_response *response;
    snprintf(url, sizeof url, "%s%s", argv[3], argv[4]);
    if (tacit_get(session, url, &response, &error)) return failed("request", &error);
    printf("%d\n%s\n", tacit_response_status(response), tacit_response_body(response));

    tacit_response_free(response);
    tacit_session_close(session, TACIT_TIMEOUT_DEFAULT);
    tacit_provider_unref(provider);
    tacit_client_shutdown(client, TACIT_TIMEOUT_DEFAULT, NULL); /* no thread outlives main() */
    tacit_client_unref(client);
    return 0;
}
