#include "platform/os.h"

#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A PATH that has nothing but a stand-in for xdg-open, which runs the script. */
typedef struct desktop {
    char *directory, *program, *said;
    char *path_before;
} desktop;

static void write_program(const char *path, const char *script) {
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fprintf(file, "#!/bin/sh\n%s\n", script) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
}

/* %s: the file to say things in, made whole by one rename. */
static desktop desktop_new(const char *script) {
    desktop d = {.directory = fixture_directory_new()};
    char text[1024];

    assert_non_null(d.directory);
    d.program = fixture_path(d.directory, "xdg-open");
    d.said = fixture_path(d.directory, "said");
    d.path_before = strdup(getenv("PATH"));
    snprintf(text, sizeof text, "PATH='%s'\n{ %s\n} >'%s.new'\nmv '%s.new' '%s'", d.path_before,
             script, d.said, d.said, d.said);
    write_program(d.program, text);
    setenv("PATH", d.directory, 1);
    return d;
}

static void desktop_free(desktop *d) {
    setenv("PATH", d->path_before, 1);
    free(d->path_before);
    free(d->program);
    free(d->said);
    fixture_directory_free(d->directory);
}

/* What it said; yours. Fails the test where nothing comes. */
static char *heard(const desktop *d) {
    char *text = calloc(1, 4096);
    FILE *file = NULL;

    for (int i = 0; i < 2000 && file == NULL; i++) {
        file = fopen(d->said, "r");
        if (file == NULL) usleep(5000);
    }
    assert_non_null(file);
    assert_true(fread(text, 1, 4095, file) < 4095);
    fclose(file);
    return text;
}

static void the_url_arrives_as_it_is(void **state) {
    static const char *const urls[] = {
        "https://as.example/authorize?a=b&c=d",
        "https://as.example/$(touch${IFS}/tmp/x);`id`&x='\"\\|<>*?~!#{}",
        "https://as.example/%s%n%20",
    };

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        desktop d = desktop_new("printf %s \"$#:$1\"");
        char expected[256], *said;

        assert_true(ti_os_open_browser(urls[i]));
        said = heard(&d);
        snprintf(expected, sizeof expected, "1:%s", urls[i]);
        assert_string_equal(said, expected);
        free(said);
        desktop_free(&d);
    }
}

static void without_a_program_nothing_opens(void **state) {
    desktop d = desktop_new("");

    (void)state;
    assert_int_equal(unlink(d.program), 0);
    assert_false(ti_os_open_browser("https://as.example/"));
    assert_int_equal(errno, ENOENT);
    unsetenv("PATH");
    assert_false(ti_os_open_browser("https://as.example/"));
    setenv("PATH", "", 1);
    assert_false(ti_os_open_browser("https://as.example/"));
    desktop_free(&d);
}

/* Nobody plants a program by being where the app happens to work. */
static void the_working_directory_is_not_searched(void **state) {
    static const char *const paths[] = {"", ":", ".", "./", "relative:"};
    desktop d = desktop_new("echo ran");
    char *before = getcwd(NULL, 0);

    (void)state;
    assert_int_equal(chdir(d.directory), 0);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        setenv("PATH", paths[i], 1);
        assert_false(ti_os_open_browser("https://as.example/"));
    }
    assert_int_equal(chdir(before), 0);
    free(before);
    desktop_free(&d);
}

static void later_entries_are_searched(void **state) {
    desktop d = desktop_new("echo found");
    char path[512], *said;

    (void)state;
    snprintf(path, sizeof path, "/nonexistent:relative::%s", d.directory);
    setenv("PATH", path, 1);
    assert_true(ti_os_open_browser("https://as.example/"));
    said = heard(&d);
    assert_string_equal(said, "found\n");
    free(said);
    desktop_free(&d);
}

/* The browser runs on while the app does not wait for it, and is no child of the app's. */
static void nobody_waits_for_the_browser(void **state) {
    desktop d = desktop_new("read line <\"${0%/*}/gate\"; echo \"$line\"");
    char *gate = fixture_path(d.directory, "gate"), *said;
    int fd;

    (void)state;
    assert_int_equal(mkfifo(gate, 0600), 0);
    assert_true(ti_os_open_browser("https://as.example/"));
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child, no zombie */
    assert_int_equal(errno, ECHILD);
    assert_int_equal(access(d.said, F_OK), -1);
    fd = open(gate, O_WRONLY);
    assert_int_equal(write(fd, "done\n", 5), 5);
    close(fd);
    said = heard(&d);
    assert_string_equal(said, "done\n");
    free(said);
    free(gate);
    desktop_free(&d);
}

/* Descriptors, blocked signals and the terminal are the app's own. */
static void the_browser_inherits_nothing(void **state) {
    desktop d = desktop_new("ls -l /proc/self/fd | grep -c marked; "
                            "grep SigBlk /proc/self/status; readlink /proc/self/fd/0");
    char *marked = fixture_path(d.directory, "marked"), *said;
    int fd = open(marked, O_RDWR | O_CREAT, 0600);
    sigset_t blocked, before;

    (void)state;
    assert_true(fd >= 0);
    sigfillset(&blocked);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    assert_true(ti_os_open_browser("https://as.example/"));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    said = heard(&d);
    assert_string_equal(said, "0\nSigBlk:\t0000000000000000\n/dev/null\n");
    close(fd);
    free(marked);
    free(said);
    desktop_free(&d);
}

static void the_apps_own_handling_of_children_stays(void **state) {
    desktop d = desktop_new("echo ran");
    char *said;

    (void)state;
    signal(SIGCHLD, SIG_IGN); /* the system reaps them */
    assert_true(ti_os_open_browser("https://as.example/"));
    assert_true(signal(SIGCHLD, SIG_DFL) == SIG_IGN);
    said = heard(&d);
    assert_string_equal(said, "ran\n");
    free(said);
    desktop_free(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_url_arrives_as_it_is),
        cmocka_unit_test(without_a_program_nothing_opens),
        cmocka_unit_test(the_working_directory_is_not_searched),
        cmocka_unit_test(later_entries_are_searched),
        cmocka_unit_test(nobody_waits_for_the_browser),
        cmocka_unit_test(the_browser_inherits_nothing),
        cmocka_unit_test(the_apps_own_handling_of_children_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
