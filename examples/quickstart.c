/* quickstart TOKEN_ENDPOINT CLIENT_ID ORIGIN PATH: gets a page of your API, signed in.
 * cc quickstart.c $(pkg-config --cflags --libs tacit) -o quickstart */
#include <stdio.h>
#include <string.h>

#include <tacit/tacit.h>

static int failed(const char *what, const tacit_error *error) {
    fprintf(stderr, "%s: %s: %s\n", what, tacit_status_name(error->status), error->message);
    return 1;
}

/* Only the first time: from then on the keyring has the refresh token. */
static tacit_status sign_in(tacit_session *session, tacit_error *error) {
    char name[128] = "", password[128] = "";

    fprintf(stderr, "User name and password, a line each:\n");
    if (fgets(name, sizeof name, stdin)) name[strcspn(name, "\n")] = '\0';
    if (fgets(password, sizeof password, stdin)) password[strcspn(password, "\n")] = '\0';
    return tacit_sign_in_with_password(session, name, password, NULL, error);
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    tacit_error error;
    tacit_client_options client_options = TACIT_CLIENT_OPTIONS_INIT;
    client_options.application_id = "org.example.quickstart";
    tacit_client *client = tacit_client_new(&client_options, &error);
    if (!client) return failed("client", &error);

    char json[512], url[512];
    snprintf(json, sizeof json, "{\"token_endpoint\": \"%s\"}", argv[1]);
    tacit_provider *provider = tacit_provider_from_json(json, &error);
    if (!provider) return failed("provider", &error);

    const char *origins[] = {argv[3], NULL};
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    options.client_id = argv[2];
    options.origins = origins;
    tacit_session *session = tacit_session_open(client, provider, &options, &error);
    if (!session) return failed("session", &error);

    tacit_session_state state;
    if (tacit_session_load(session, TACIT_TIMEOUT_DEFAULT, &state, &error))
        return failed("keyring", &error);
    if (state == TACIT_STATE_SIGNED_OUT && sign_in(session, &error))
        return failed("sign-in", &error);

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
