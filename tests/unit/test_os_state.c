#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tacit/tacit.h>

static int open_watched(const char *path, int flags);

/* The file under test, on a system that may tell what the test wants of its boot. */
#define open open_watched
#include "platform/os_linux.c"
#undef open

static const char *boot_id_file; /* NULL: the system's own */

static int open_watched(const char *path, int flags) {
    assert_true(flags & O_CLOEXEC);
    return open(boot_id_file ? boot_id_file : path, flags);
}

static const unsigned char zeros[16];

static void state_lies_where_the_environment_says(void **state) {
    (void)state;
    static const struct {
        const char *xdg, *home, *expected;
    } rows[] = {
        {"/x/state", "/home/ann", "/x/state/tacit"},
        {NULL, "/home/ann", "/home/ann/.local/state/tacit"},
        {"", "/home/ann", "/home/ann/.local/state/tacit"},
        {"relative", "/home/ann", "/home/ann/.local/state/tacit"}, /* to be ignored */
        {"/x/state", NULL, "/x/state/tacit"},
        {NULL, NULL, NULL},
        {NULL, "", NULL},
        {"relative", "ann", NULL},
        {"~/state", "~", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsetenv("XDG_STATE_HOME");
        unsetenv("HOME");
        if (rows[i].xdg) setenv("XDG_STATE_HOME", rows[i].xdg, 1);
        if (rows[i].home) setenv("HOME", rows[i].home, 1);
        errno = 0;

        char *directory = ti_os_state_directory();

        if (rows[i].expected) {
            assert_non_null(directory);
            assert_string_equal(directory, rows[i].expected);
        } else {
            assert_null(directory);
            assert_int_equal(errno, ENOENT);
        }
        free(directory);
    }
}

static void path_is_the_same_from_everywhere(void **state) {
    (void)state;
    static const struct {
        const char *from, *path, *expected;
    } rows[] = {
        {"/usr", "/a/b", "/a/b"},
        {"/usr", "a/b", "/usr/a/b"},
        {"/usr", "a//", "/usr/a"},
        {"/", "a", "/a"},
        {"/", "/", "/"},
        {"/usr", "", "/usr"},
        {"/usr", "../x", "/usr/../x"},
    };
    char *before = getcwd(NULL, 0);
    assert_non_null(before);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(chdir(rows[i].from), 0);
        char *path = ti_os_absolute_path(rows[i].path);
        assert_non_null(path);
        assert_string_equal(path, rows[i].expected);
        free(path);
    }
    assert_int_equal(chdir(before), 0);
    free(before);
}

static void assert_nowhere(const void *made, const tacit_error *error, const char *argument) {
    assert_null(made);
    assert_int_equal(error->status, TACIT_ERR_INVALID_ARGUMENT);
    assert_int_equal(error->os_error, ENOENT);
    if (strstr(error->message, argument) == NULL) fail_msg("%s", error->message);
}

/* The working directory was removed. */
static void a_relative_path_from_nowhere_is_refused(void **state) {
    (void)state;
    tacit_client_options client = TACIT_CLIENT_OPTIONS_INIT;
    tacit_store_file_options store = TACIT_STORE_FILE_OPTIONS_INIT;
    char directory[] = "/tmp/tacit-gone.XXXXXX", *before = getcwd(NULL, 0);
    tacit_error error;
    assert_non_null(before);
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    assert_int_equal(rmdir(directory), 0);

    client.state_dir = "state";
    assert_nowhere(tacit_client_new(&client, &error), &error, "options->state_dir");
    store.directory = "records";
    store.key_file = "/key";
    assert_nowhere(tacit_store_file(&store, &error), &error, "options->directory");
    store.directory = "/records";
    store.key_file = "key";
    assert_nowhere(tacit_store_file(&store, &error), &error, "options->key_file");

    assert_int_equal(chdir(before), 0);
    free(before);
}

static void boot_id_is_the_kernels_and_stays(void **state) {
    (void)state;
    unsigned char id[16], again[16];
    char told[40] = "", shown[40];
    int file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (file < 0) skip();
    assert_int_equal(read(file, told, 36), 36);
    close(file);

    ti_os_boot_id(id);
    ti_os_boot_id(again);

    snprintf(shown, sizeof shown,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", id[0], id[1],
             id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11], id[12], id[13],
             id[14], id[15]);
    assert_string_equal(shown, told);
    assert_memory_equal(id, again, sizeof id);
    assert_memory_not_equal(id, zeros, sizeof id);
}

static void without_a_boot_id_it_is_zero(void **state) {
    (void)state;
    static const char *const contents[] = {
        "",
        "\n",
        "01234567-89ab-cdef-0123-456789abcde\n", /* one short */
        "0123456789abcdefx123456789abcdef\n",
        "not a number at all, but long enough",
        "01234567--89ab-cdef-0123-456789abcdef",
    };
    char path[] = "/tmp/tacit-boot-id.XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    boot_id_file = path;

    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        unsigned char id[16];
        memset(id, 1, sizeof id);
        assert_int_equal(ftruncate(file, 0), 0);
        assert_int_equal(pwrite(file, contents[i], strlen(contents[i]), 0),
                         (ssize_t)strlen(contents[i]));

        ti_os_boot_id(id);

        assert_memory_equal(id, zeros, sizeof id);
    }

    static const char *const unreadable[] = {"/nowhere", "/"};
    for (size_t i = 0; i < 2; i++) {
        unsigned char id[16];
        memset(id, 1, sizeof id);
        boot_id_file = unreadable[i];
        ti_os_boot_id(id);
        assert_memory_equal(id, zeros, sizeof id);
    }
    boot_id_file = NULL;
    close(file);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_lies_where_the_environment_says),
        cmocka_unit_test(path_is_the_same_from_everywhere),
        cmocka_unit_test(a_relative_path_from_nowhere_is_refused),
        cmocka_unit_test(boot_id_is_the_kernels_and_stays),
        cmocka_unit_test(without_a_boot_id_it_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
