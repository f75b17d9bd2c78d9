/* What a URL of a Redis says, and what is none. */
#include "platform/store_redis_url.h"
#include "support/unit.h"

#include <string.h>

#include <tacit/redis.h>

static void assert_text(const char *is, const char *expected, const char *url) {
    if ((is == NULL) != (expected == NULL) || (is != NULL && strcmp(is, expected) != 0))
        fail_msg("%s: %s, not %s", url, is, expected);
}

static void each_part_is_read(void **state) {
    static const struct {
        const char *url, *origin, *socket, *shown, *user, *password, *database;
    } rows[] = {
        {"redis://h", "http://h:6379", NULL, "redis://h", NULL, NULL, NULL},
        {"redis://h/", "http://h:6379", NULL, "redis://h", NULL, NULL, NULL},
        {"redis://h:7000/3", "http://h:7000", NULL, "redis://h:7000/3", NULL, NULL, "3"},
        {"rediss://h", "https://h:6379", NULL, "rediss://h", NULL, NULL, NULL},
        {"redis://127.0.0.1:1", "http://127.0.0.1:1", NULL, "redis://127.0.0.1:1", NULL, NULL,
         NULL},
        {"redis://[::1]", "http://[::1]:6379", NULL, "redis://[::1]", NULL, NULL, NULL},
        {"redis://[::1]:7", "http://[::1]:7", NULL, "redis://[::1]:7", NULL, NULL, NULL},
        {"redis://:secret@h", "http://h:6379", NULL, "redis://h", NULL, "secret", NULL},
        {"redis://u:a%40b%2f%25:c@h/0", "http://h:6379", NULL, "redis://h/0", "u", "a@b/%:c", "0"},
        {"redis://u%3a:p@h", "http://h:6379", NULL, "redis://h", "u:", "p", NULL},
        {"unix:///run/redis.sock", "http://localhost", "/run/redis.sock", "unix:///run/redis.sock",
         NULL, NULL, NULL},
        {"unix:///a%20b", "http://localhost", "/a b", "unix:///a%20b", NULL, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ti_redis_address address;

        if (ti_redis_url_parse(rows[i].url, &address) != TI_REDIS_URL_OK)
            fail_msg("%s is refused", rows[i].url);
        assert_text(address.origin, rows[i].origin, rows[i].url);
        assert_text(address.socket, rows[i].socket, rows[i].url);
        assert_text(address.shown, rows[i].shown, rows[i].url);
        assert_text(address.user, rows[i].user, rows[i].url);
        assert_text(ti_secret_data(address.password), rows[i].password, rows[i].url);
        assert_text(address.database, rows[i].database, rows[i].url);
        ti_redis_address_free(&address);
    }
}

static void what_is_none_is_refused(void **state) {
    static const char *const urls[] = {
        "",
        "h",
        "http://h",
        "Redis://h",
        "redis:h",
        "redis://",
        "redis:///0",
        "redis://:6379",
        "redis://h:port",
        "redis://h:",
        "redis://h:99999",
        "redis://[::1]:/1",
        "redis://[::1",
        "redis://h:6379:1",
        "redis://h/x",
        "redis://h/-1",
        "redis://h/1/2",
        "redis://h/9999999999",
        "redis://h?db=1",
        "redis://h#1",
        "redis://secret@h",
        "redis://u:@h",
        "redis://u:p%4@h",
        "redis://u:p%zz@h",
        "redis://u:p%00q@h",
        "redis://a@b:c@h",
        "redis://h h",
        "unix://",
        "unix:///",
        "unix://h/path",
        "unix:///a%00b",
    };

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        ti_redis_address address;

        if (ti_redis_url_parse(urls[i], &address) != TI_REDIS_URL_BAD)
            fail_msg("%s is taken", urls[i]);
        assert_null(address.origin);
    }
}

/* ------------------------------------------------------------------ options */

static tacit_status get_key(void *data, unsigned char key[32]) {
    (void)data;
    memset(key, 7, 32);
    return TACIT_OK;
}

static int released;

static void release_key(void *data) {
    (void)data;
    released++;
}

static void assert_refused(const tacit_store_redis_options *options, const char *sentence) {
    tacit_error error = TACIT_ERROR_INIT;

    assert_null(tacit_store_redis(options, &error));
    assert_int_equal(error.status, TACIT_ERR_INVALID_ARGUMENT);
    if (strstr(error.message, sentence) == NULL) fail_msg("%s", error.message);
    assert_null(strstr(error.message, "pass-word"));
    assert_int_equal(released, 0);
}

static void options_that_cannot_be_are_refused(void **state) {
    const tacit_store_redis_options good = {.struct_size = sizeof good,
                                            .url = "redis://h",
                                            .get_key = get_key,
                                            .key_release = release_key};
    tacit_store_redis_options options;

    (void)state;
    assert_refused(NULL, "options");
    options = good, options.struct_size = 0,
    assert_refused(&options, "TACIT_STORE_REDIS_OPTIONS_INIT");
    options = good, options.url = NULL, assert_refused(&options, "options->url");
    options = good, options.url = "redis://u:pass-word@h:x",
    assert_refused(&options, "options->url");
    options = good, options.get_key = NULL, assert_refused(&options, "options->get_key");
    options = good, options.timeout_ms = -1, assert_refused(&options, "options->timeout_ms");
    options = good, options.lease_ms = -1, assert_refused(&options, "options->lease_ms");
    options = good, options.lease_ms = 2999, assert_refused(&options, "options->lease_ms");
}

static void a_store_asks_nothing_and_shows_no_password(void **state) {
    tacit_store_redis_options options = {.struct_size = sizeof options,
                                         .url = "rediss://robot:pass-word@redis.invalid/7",
                                         .get_key = get_key,
                                         .key_release = release_key};
    tacit_store *store = tacit_store_redis(&options, NULL);

    (void)state;
    assert_string_equal(tacit_store_describe(store),
                        "Redis at rediss://redis.invalid/7, encrypted with a key from the app");
    tacit_store_unref(store);
    assert_int_equal(released, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_is_read),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(options_that_cannot_be_are_refused),
        cmocka_unit_test(a_store_asks_nothing_and_shows_no_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
