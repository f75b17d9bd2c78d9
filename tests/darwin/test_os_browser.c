/* open(1) is told the URL and nothing else; a shell stands in for it here. */
#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define POSIX_SPAWN_CLOEXEC_DEFAULT 0x4000

static struct {
    const char *script; /* what open(1) does, with the URL as $1 */
    int error;          /* 0: it can be started */
} stand_in;

static int fake_setflags(posix_spawnattr_t *attributes, short flags) {
    assert_true(flags & POSIX_SPAWN_CLOEXEC_DEFAULT); /* no descriptor of the app's */
    return posix_spawnattr_setflags(attributes, (short)(flags & ~POSIX_SPAWN_CLOEXEC_DEFAULT));
}

static int fake_spawn(pid_t *process, const char *path, const posix_spawn_file_actions_t *actions,
                      const posix_spawnattr_t *attributes, char *const arguments[],
                      char *const environment[]) {
    assert_string_equal(path, "/usr/bin/open");
    assert_string_equal(arguments[0], "open");
    assert_null(arguments[2]);
    if (stand_in.error) return stand_in.error;
    char *shell[] = {"sh", "-c", (char *)(uintptr_t)stand_in.script, "open", arguments[1], NULL};
    return posix_spawn(process, "/bin/sh", actions, attributes, shell, environment);
}

char ***_NSGetEnviron(void); /* NOLINT(bugprone-reserved-identifier): Apple's name */
char ***_NSGetEnviron(void) {
    return &environ;
}

/* The file under test. */
#define posix_spawnattr_setflags fake_setflags
#define posix_spawn fake_spawn
#include "platform/os_darwin_browser.c"
#undef posix_spawnattr_setflags
#undef posix_spawn

static void url_is_one_argument_as_it_is(void **state) {
    (void)state;
    static const char url[] = "https://login.example/?a=$(id)&b=%20'\";c=`id`\\n#x";
    char template[] = "/tmp/tacit-open.XXXXXX", heard[256] = "";
    int file = mkstemp(template);
    assert_true(file >= 0);
    assert_int_equal(setenv("SAID", template, 1), 0); /* the environment is the app's */
    stand_in.script = "printf %s \"$1\" >\"$SAID\"";

    assert_true(ti_os_open_browser(url));

    assert_int_equal(read(file, heard, sizeof heard - 1), strlen(url));
    assert_string_equal(heard, url);
    close(file);
    unlink(template);
}

static void app_that_blocks_signals_does_not_pass_that_on(void **state) {
    (void)state;
    sigset_t all, before;
    sigfillset(&all);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &all, &before), 0);
    stand_in.script = "kill -TERM $$; exit 0"; /* blocked, it would exit with 0 */

    assert_false(ti_os_open_browser("https://login.example/"));

    assert_int_equal(errno, ECHILD);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void nobody_who_shows_it_is_told(void **state) {
    (void)state;
    stand_in.script = "exit 1"; /* as open(1) does where no program takes it */
    assert_false(ti_os_open_browser("https://login.example/"));

    stand_in.error = ENOENT;
    errno = 0;
    assert_false(ti_os_open_browser("https://login.example/"));
    assert_int_equal(errno, ENOENT);
    stand_in.error = 0;
}

static void app_that_reaps_by_itself_is_not_failed(void **state) {
    (void)state;
    stand_in.script = "exit 0";
    assert_ptr_not_equal(signal(SIGCHLD, SIG_IGN), SIG_ERR);

    assert_true(ti_os_open_browser("https://login.example/"));

    signal(SIGCHLD, SIG_DFL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(url_is_one_argument_as_it_is),
        cmocka_unit_test(app_that_blocks_signals_does_not_pass_that_on),
        cmocka_unit_test(nobody_who_shows_it_is_told),
        cmocka_unit_test(app_that_reaps_by_itself_is_not_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
