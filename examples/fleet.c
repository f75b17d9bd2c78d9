/* fleet PROVIDER_JSON CLIENT_ID ORIGIN URL REDIS_URL KEY_FILE: one of several machines.
 * cc fleet.c $(pkg-config --cflags --libs tacit-redis) -o fleet */
#include <stdio.h>
#include <stdlib.h>

#include <tacit/redis.h>
#include <tacit/tacit.h>

static int failed(const char *what, const tacit_error *error) {
    fprintf(stderr, "%s: %s: %s\n", what, tacit_status_name(error->status), error->message);
    return 1;
}

/* Of all machines, not of Redis: head -c 32 /dev/urandom >KEY_FILE, once. No buffer keeps it. */
static tacit_status read_key(void *path, unsigned char key[32]) {
    FILE *file = fopen(path, "rb");
    size_t size = file && !setvbuf(file, NULL, _IONBF, 0) ? fread(key, 1, 32, file) : 0;
    if (file) fclose(file);
    return size == 32 ? TACIT_OK : TACIT_ERR_STORE_UNAVAILABLE;
}

static int show(tacit_session *session, const char *url, const char *first) {
    tacit_error error;
    tacit_session_state state;
    if (tacit_session_load(session, TACIT_TIMEOUT_DEFAULT, &state, &error))
        return failed("load", &error);
    if (state == TACIT_STATE_SIGNED_OUT && first && /* one machine is given it, for all */
        tacit_sign_in_with_refresh_token(session, first, NULL, &error))
        return failed("sign-in", &error);
    tacit_response *response;
    if (tacit_get(session, url, &response, &error)) return failed("request", &error);
    printf("%d\n%s\n", tacit_response_status(response), tacit_response_body(response));
    tacit_response_free(response);
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 7) return 2;
    tacit_error error;
    tacit_client *client = tacit_client_new(NULL, &error);
    if (!client) return failed("client", &error);
    tacit_provider *provider = tacit_provider_from_json(argv[1], &error);
    if (!provider) return failed("provider", &error);
    tacit_store_redis_options redis = TACIT_STORE_REDIS_OPTIONS_INIT;
    redis.url = argv[5], redis.get_key = read_key, redis.key_data = argv[6];
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    options.client_id = argv[2];
    options.origins = (const char *[]){argv[3], NULL};
    options.store = tacit_store_redis(&redis, &error);
    if (!options.store) return failed("store", &error);
    tacit_session *session = tacit_session_open(client, provider, &options, &error);
    if (!session) return failed("session", &error);
    int code = show(session, argv[4], getenv("FLEET_REFRESH_TOKEN"));
    tacit_session_close(session, TACIT_TIMEOUT_DEFAULT); /* else the others wait for a lease */
    tacit_provider_unref(provider);
    tacit_store_unref(options.store);
    tacit_client_shutdown(client, TACIT_TIMEOUT_DEFAULT, NULL);
    tacit_client_unref(client);
    return code;
}
