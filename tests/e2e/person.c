#include "e2e/person.h"

#include "support/unit.h"

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { ARGUMENTS_MAX = 10, VISIT_MS = 90000 };

static bool begin(person *person, const char *code, const char *url) {
    extern char **environ;
    char *script = real_server_script(person->has_chromium ? "chromium.mjs" : "user.mjs");
    const char *arguments[ARGUMENTS_MAX] = {E2E_NODE, script};
    int count = 2;
    bool started;

    if (person->jar != NULL) {
        arguments[count++] = "--jar";
        arguments[count++] = person->jar;
    }
    if (code != NULL) {
        arguments[count++] = "--code";
        arguments[count++] = code;
    }
    if (person->denies) arguments[count++] = "--deny";
    arguments[count] = url;
    started =
        posix_spawn(&person->pid, E2E_NODE, NULL, NULL, (char *const *)arguments, environ) == 0;
    if (!started) person->pid = 0;
    free(script);
    return started;
}

bool person_open_url(const char *url, void *person) {
    return begin(person, NULL, url);
}

void person_enter_code(const char *user_code, const char *verification_uri,
                       const char *verification_uri_complete, int expires_in_s, void *data) {
    person *person = data;

    assert_true(expires_in_s > 0);
    if (person->knows_code)
        begin(person, user_code, verification_uri);
    else
        begin(person, NULL, verification_uri_complete);
    person_join(person);
}

void person_join(person *person) {
    int64_t deadline_ms = now_ms() + VISIT_MS;
    int end = 0;
    pid_t ended;

    assert_true(person->pid > 0);
    while ((ended = waitpid(person->pid, &end, WNOHANG)) == 0 && now_ms() < deadline_ms)
        poll(NULL, 0, 5);
    if (ended == 0) {
        kill(person->pid, SIGKILL);
        waitpid(person->pid, &end, 0);
    }
    person->pid = 0;
    assert_true(WIFEXITED(end));
    assert_int_equal(WEXITSTATUS(end), 0);
}
