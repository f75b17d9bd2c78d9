/* The cache in state_dir: what comes back is what was put in, for the same issuer, or nothing. */
#include "session/metadata_cache.h"

#include "session/client.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ISSUER "https://as.example.com"
#define URL ISSUER "/.well-known/openid-configuration"
#define METADATA "{\"issuer\":\"" ISSUER "\",\"token_endpoint\":\"https://as.example.com/token\"}"
#define FETCHED_MS INT64_C(1767225600123)

static struct {
    char *directory;
    tacit_client client;
    ti_discovery loaded;
    int64_t fetched_ms;
    tacit_error error;
} with;

static int setup(void **state) {
    (void)state;
    memset(&with, 0, sizeof with);
    with.directory = fixture_directory_new();
    with.client.state_dir = with.directory;
    with.client.application_id = "org.example.app";
    return with.directory ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    ti_discovery_free(&with.loaded);
    fixture_directory_free(with.directory);
    return 0;
}

static tacit_status save_as(const char *issuer, const char *json, const char *etag) {
    ti_discovery known = {.url = (char *)URL, .etag = (char *)etag};
    tacit_status status;

    assert_true(ti_buffer_append_string(&known.json, json));
    status = ti_metadata_cache_save(&with.client, issuer, &known, FETCHED_MS, &with.error);
    ti_buffer_free(&known.json);
    return status;
}

static void save(void) {
    assert_int_equal(save_as(ISSUER, METADATA, "\"v1\""), TACIT_OK);
}

static bool load_as(const char *issuer) {
    ti_discovery_free(&with.loaded);
    return ti_metadata_cache_load(&with.client, issuer, &with.loaded, &with.fetched_ms);
}

static bool load(void) {
    return load_as(ISSUER);
}

static int count_files(void) {
    DIR *directory = opendir(with.client.state_dir);
    const struct dirent *entry;
    int count = 0;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

/* The only one; yours. */
static char *the_file(void) {
    DIR *directory = opendir(with.client.state_dir);
    const struct dirent *entry;
    char *path = NULL;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.') path = fixture_path(with.client.state_dir, entry->d_name);
    closedir(directory);
    assert_non_null(path);
    return path;
}

static void write_file(const char *path, const char *text, size_t size) {
    int fd = open(path, O_WRONLY | O_TRUNC | O_NOFOLLOW);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    close(fd);
}

static void assert_loads_what_was_saved(void) {
    assert_true(load());
    assert_int_equal(with.fetched_ms, FETCHED_MS);
    assert_string_equal(with.loaded.url, URL);
    assert_string_equal(with.loaded.json.data, METADATA);
    assert_string_equal(ti_metadata_issuer(with.loaded.metadata), ISSUER);
    assert_string_equal(ti_metadata_token_endpoint(with.loaded.metadata),
                        "https://as.example.com/token");
}

/* --- what it is for --- */

static void what_was_saved_is_loaded(void **state) {
    (void)state;
    assert_false(load());

    save();

    assert_loads_what_was_saved();
    assert_string_equal(with.loaded.etag, "\"v1\"");
    assert_int_equal(with.error.status, TACIT_OK);
}

static void an_etag_is_not_needed(void **state) {
    (void)state;

    assert_int_equal(save_as(ISSUER, METADATA, NULL), TACIT_OK);

    assert_loads_what_was_saved();
    assert_null(with.loaded.etag);
}

static void the_last_one_counts(void **state) {
    (void)state;
    assert_int_equal(
        save_as(ISSUER, "{\"issuer\":\"" ISSUER "\",\"token_endpoint\":\"https://b.example/\"}",
                "\"v0\""),
        TACIT_OK);

    save();

    assert_int_equal(count_files(), 1);
    assert_loads_what_was_saved();
}

/* Numbers beyond 64 bits, NULs, a byte order mark: none of it is used, all of it is JSON. */
static void odd_members_do_no_harm(void **state) {
    (void)state;

    assert_int_equal(save_as(ISSUER,
                             "\xEF\xBB\xBF{\"issuer\":\"" ISSUER
                             "\",\"token_endpoint\":\"https://as.example.com/token\","
                             "\"big\":123456789012345678901234567890,\"nul\":\"\\u0000\"}",
                             NULL),
                     TACIT_OK);

    assert_true(load());
}

/* The cache holds what the server sent, word for word, and reads it as the server's word again. */
static void a_dialect_in_it_does_not_count(void **state) {
    (void)state;

    assert_int_equal(save_as(ISSUER,
                             "{\"issuer\":\"" ISSUER
                             "\",\"token_endpoint\":\"https://as.example.com/token\","
                             "\"dialect\":{\"refresh\":{\"send\":\"json\"}}}",
                             NULL),
                     TACIT_OK);

    assert_true(load());
    assert_null(ti_metadata_dialect(with.loaded.metadata));
}

/* --- whose it is --- */

static void an_issuer_gets_its_own_only(void **state) {
    (void)state;
    static const char *const others[] = {ISSUER "/", "https://as.example.com:444",
                                         "https://b.example.com"};
    save();

    for (size_t i = 0; i < sizeof others / sizeof *others; i++) assert_false(load_as(others[i]));
}

static void an_application_gets_its_own_only(void **state) {
    (void)state;
    save();

    with.client.application_id = "org.example.other";
    assert_false(load());
    with.client.application_id = NULL;
    assert_false(load());
}

/* Someone copied it, or two hashes are the same. */
static void a_file_of_another_issuer_never_serves(void **state) {
    (void)state;
    char *path;
    save();
    path = the_file();
    assert_int_equal(save_as("https://b.example", METADATA, NULL), TACIT_OK);
    assert_int_equal(count_files(), 2);
    assert_int_equal(unlink(path), 0);
    char *foreign = the_file();
    assert_int_equal(rename(foreign, path), 0);

    assert_false(load());

    save();
    assert_loads_what_was_saved();
    free(foreign);
    free(path);
}

/* --- what may lie there --- */

static void a_damaged_file_is_as_if_absent_and_is_replaced(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{}",
        "null",
        "{\"issuer\":\"" ISSUER "\",\"url\":\"" URL "\",\"metadata\":" METADATA "}",
        "{\"issuer\":\"" ISSUER "\",\"url\":\"" URL
        "\",\"fetched_unix_ms\":\"now\",\"metadata\":" METADATA "}",
        "{\"issuer\":\"" ISSUER "\",\"url\":\"" URL
        "\",\"fetched_unix_ms\":-1,\"metadata\":" METADATA "}",
        "{\"issuer\":\"" ISSUER "\",\"url\":\"" URL
        "\",\"fetched_unix_ms\":1e300,\"metadata\":" METADATA "}",
        "{\"issuer\":\"" ISSUER "\",\"fetched_unix_ms\":1,\"metadata\":" METADATA "}",
        "{\"issuer\":\"" ISSUER "\",\"url\":7,\"fetched_unix_ms\":1,\"metadata\":" METADATA "}",
        "{\"issuer\":\"" ISSUER "\",\"url\":\"" URL
        "\",\"etag\":[],\"fetched_unix_ms\":1,\"metadata\":" METADATA "}",
        "{\"url\":\"" URL "\",\"fetched_unix_ms\":1,\"metadata\":" METADATA "}",
        "{\"issuer\":\"" ISSUER "\",\"url\":\"" URL "\",\"fetched_unix_ms\":1}",
        "{\"issuer\":\"" ISSUER "\",\"url\":\"" URL "\",\"fetched_unix_ms\":1,\"metadata\":{}}",
        "{\"issuer\":\"" ISSUER "\",\"url\":\"" URL
        "\",\"fetched_unix_ms\":1,\"metadata\":{\"issuer\":\"https://evil.example\","
        "\"token_endpoint\":\"https://evil.example/token\"}}",
        "{\"issuer\":\"" ISSUER "\",\"url\":\"" URL
        "\",\"fetched_unix_ms\":1,\"metadata\":{\"issuer\":\"" ISSUER
        "\",\"token_endpoint\":\"http://localhost/token\"}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        save();
        char *path = the_file();
        write_file(path, texts[i], strlen(texts[i]));

        if (load()) fail_msg("it served: %s", texts[i]);
        assert_null(with.loaded.metadata);
        assert_null(with.loaded.url);

        save();
        assert_loads_what_was_saved();
        free(path);
    }
}

static void half_a_file_is_as_if_absent(void **state) {
    (void)state;
    char *path;
    struct stat facts;
    save();
    path = the_file();
    assert_int_equal(stat(path, &facts), 0);

    for (off_t size = facts.st_size - 1; size >= 0; size -= 7) {
        assert_int_equal(truncate(path, size), 0);
        assert_false(load());
    }
    free(path);
}

static void a_file_that_is_too_large_is_as_if_absent_and_is_replaced(void **state) {
    (void)state;
    size_t size = ((size_t)1 << 20) + 1;
    char *text = malloc(size), *path;
    assert_non_null(text);
    memset(text, ' ', size);
    save();
    path = the_file();
    write_file(path, text, size);

    assert_false(load());

    save();
    assert_loads_what_was_saved();
    free(text);
    free(path);
}

static void what_could_not_be_read_again_is_not_written(void **state) {
    (void)state;
    ti_buffer json = TI_BUFFER_INIT;
    ti_buffer_append_string(&json, "{\"issuer\":\"" ISSUER
                                   "\",\"token_endpoint\":\"https://a.example\",\"x\":\"");
    while (json.size < ((size_t)1 << 20) - 16) ti_buffer_append_string(&json, "0123456789");
    ti_buffer_append_string(&json, "\"}");

    assert_int_not_equal(save_as(ISSUER, json.data, NULL), TACIT_OK);

    assert_int_equal(count_files(), 0);
    ti_buffer_free(&json);
}

static void a_symbolic_link_is_not_followed(void **state) {
    (void)state;
    char *path, *target = fixture_path(with.directory, "target");
    save();
    path = the_file();
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink(target, path), 0);

    assert_false(load());

    int fd = open(target, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0);
    close(fd);
    save();
    assert_loads_what_was_saved();
    struct stat facts;
    assert_int_equal(lstat(path, &facts), 0);
    assert_true(S_ISREG(facts.st_mode));
    assert_int_equal(stat(target, &facts), 0);
    assert_int_equal(facts.st_size, 0);
    free(target);
    free(path);
}

static void what_others_may_have_written_does_not_serve(void **state) {
    (void)state;
    char *path;
    save();
    path = the_file();
    assert_int_equal(chmod(path, 0666), 0);

    assert_false(load());

    save();
    assert_loads_what_was_saved();
    assert_int_equal(chmod(with.directory, 0777), 0);
    assert_false(load());
    assert_int_not_equal(save_as(ISSUER, METADATA, NULL), TACIT_OK);
    assert_int_equal(chmod(with.directory, 0700), 0);
    free(path);
}

static void a_pipe_or_a_directory_is_not_waited_for(void **state) {
    (void)state;
    char *path;
    save();
    path = the_file();
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(load());
    save(); /* in its place */
    assert_loads_what_was_saved();

    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(load());
    assert_int_not_equal(save_as(ISSUER, METADATA, NULL), TACIT_OK);
    free(path);
}

/* --- where --- */

static void the_directory_is_made_for_this_user_alone(void **state) {
    (void)state;
    char *nested = fixture_path(with.directory, "a/b");
    struct stat facts;
    with.client.state_dir = nested;
    assert_false(load());

    save();

    assert_loads_what_was_saved();
    assert_int_equal(stat(nested, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0700);
    char *path = the_file();
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_non_null(strstr(path, ".metadata"));
    free(path);
    free(nested);
}

static void without_a_directory_nothing_is_kept(void **state) {
    (void)state;
    with.client.state_dir = NULL;

    assert_int_not_equal(save_as(ISSUER, METADATA, NULL), TACIT_OK);

    assert_false(load());
}

static void a_place_that_cannot_be_made_is_told(void **state) {
    (void)state;
    with.client.state_dir = (char *)"/dev/null/state";

    assert_int_equal(save_as(ISSUER, METADATA, NULL), TACIT_ERR_STORE_FAILED);

    assert_non_null(strstr(with.error.message, "/dev/null/state"));
    assert_false(load());
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_was_saved_is_loaded),
        TEST(an_etag_is_not_needed),
        TEST(the_last_one_counts),
        TEST(odd_members_do_no_harm),
        TEST(a_dialect_in_it_does_not_count),
        TEST(an_issuer_gets_its_own_only),
        TEST(an_application_gets_its_own_only),
        TEST(a_file_of_another_issuer_never_serves),
        TEST(a_damaged_file_is_as_if_absent_and_is_replaced),
        TEST(half_a_file_is_as_if_absent),
        TEST(a_file_that_is_too_large_is_as_if_absent_and_is_replaced),
        TEST(what_could_not_be_read_again_is_not_written),
        TEST(a_symbolic_link_is_not_followed),
        TEST(what_others_may_have_written_does_not_serve),
        TEST(a_pipe_or_a_directory_is_not_waited_for),
        TEST(the_directory_is_made_for_this_user_alone),
        TEST(without_a_directory_nothing_is_kept),
        TEST(a_place_that_cannot_be_made_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
