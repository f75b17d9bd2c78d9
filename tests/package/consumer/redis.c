/* Makes a store in Redis, which does not connect, and tells what is wrong with one that has no key. */
#include <tacit/redis.h>
#include <tacit/tacit.h>

#include <stdio.h>

static tacit_status no_key(void *key_data, unsigned char key[32]) {
    (void)key_data;
    (void)key;
    return TACIT_ERR_STORE_UNAVAILABLE;
}

int main(void) {
    tacit_error error;
    tacit_store_redis_options options = TACIT_STORE_REDIS_OPTIONS_INIT;
    options.url = "redis://127.0.0.1:9/0";
    if (tacit_store_redis(&options, &error) || error.status != TACIT_ERR_INVALID_ARGUMENT) return 1;
    options.get_key = no_key;
    tacit_store *store = tacit_store_redis(&options, &error);
    if (!store) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    tacit_store_unref(store);
    return 0;
}
