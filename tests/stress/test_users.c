/*
 * Several processes in which users sign in and out, refresh and ask, all at once and at random. Whatever the order was, in the end one
 * sign-in is left, everybody uses that or none, and the refresh tokens of all others are revoked.
 *
 *     stress_users [PROCESSES [COMMANDS [SEED]]]      default 4, 120, and a seed of its own, which is printed
 */
#include "support/apps.h"
#include "support/fixture.h"

#include "support/unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PROCESSES_MAX = 16, REFRESHES_MAX = 3 /* the storm guard lets five through */ };

static int processes = 4, commands = 120;
static unsigned seed;

typedef struct crowd {
    ts_server *server;
    char *directory;
    app *apps[PROCESSES_MAX];
    long asked[PROCESSES_MAX]; /* the command that runs there; 0: none */
    int users;                 /* that ever signed in */
    int refreshes;
    char *story; /* what was asked and answered, for when it goes wrong */
    size_t story_size;
    FILE *told;
} crowd;

#define FAIL(crowd, ...)                                                                           \
    do {                                                                                           \
        fflush((crowd)->told);                                                                     \
        print_error("%s", (crowd)->story);                                                         \
        fail_msg(__VA_ARGS__);                                                                     \
    } while (0)

static void ask_any(crowd *c, int i) {
    char command[64] = "get /api/whoami";

    switch (rand_r(&seed) % 10) {
    case 0:
        strcpy(command, "sign-out");
        break;
    case 1:
    case 2:
        snprintf(command, sizeof command, "sign-in user%d", ++c->users);
        break;
    case 3:
        if (c->refreshes++ < REFRESHES_MAX) strcpy(command, "refresh");
        break;
    default:
        break;
    }
    c->asked[i] = app_send(c->apps[i], "%s", command);
    fprintf(c->told, "%d: %s ...\n", i, command);
}

/* Whoever is overtaken is told so; nobody is told anything else. */
static void take_answer(crowd *c, int i, json_t *answer) {
    static const char *const fine[] = {"TACIT_OK", "TACIT_ERR_SIGNED_OUT",
                                       "TACIT_ERR_SIGN_IN_REQUIRED", "TACIT_ERR_STORE_UNAVAILABLE"};
    const char *body = answer_text(answer, "body");
    bool known = false;

    fprintf(c->told, "%d: %s %s\n", i, answer_text(answer, "status"), body != NULL ? body : "");
    for (size_t k = 0; k < sizeof fine / sizeof fine[0]; k++)
        known = known || answer_is(answer, fine[k]);
    if (!known) FAIL(c, "%s %s", answer_text(answer, "status"), answer_text(answer, "message"));
    json_decref(answer);
    c->asked[i] = 0;
}

static void one_step(crowd *c, int *left) {
    for (int i = 0; i < processes; i++) {
        json_t *answer;

        if (c->asked[i] == 0) {
            if (*left == 0) continue;
            ask_any(c, i);
            (*left)--;
        }
        answer = app_answer_to(c->apps[i], c->asked[i], 1);
        if (answer != NULL) take_answer(c, i, answer);
    }
}

static bool is_quiet(const crowd *c) {
    for (int i = 0; i < processes; i++)
        if (c->asked[i] != 0) return false;
    return true;
}

static bool one_sign_in_is_left(const crowd *c) {
    for (int waited = 0; waited < APPS_PATIENCE_MS; waited += 10) {
        if (server_counters(c->server).live_refresh_tokens == 1) return true;
        poll(NULL, 0, 10);
    }
    return false;
}

/* As the last user, or out: each has two requests to learn it with. */
static void assert_last_or_out(crowd *c, int i) {
    json_t *answer;

    json_decref(app_ask(c->apps[i], "get /api/whoami"));
    answer = app_ask(c->apps[i], "get /api/whoami");
    if (!answer_flag(answer, "sign_in_required") &&
        (!answer_is(answer, "TACIT_OK") || strstr(answer_text(answer, "body"), "\"last\"") == NULL))
        FAIL(c, "process %d: %s %s", i, answer_text(answer, "message"),
             answer_text(answer, "body") != NULL ? answer_text(answer, "body") : "");
    json_decref(answer);
}

static void crowd_begin(crowd *c) {
    ts_options options = TS_OPTIONS_INIT;

    options.username = options.password = NULL; /* any */
    c->directory = fixture_directory_new();
    c->server = server_start(&options);
    c->told = open_memstream(&c->story, &c->story_size);
    for (int i = 0; i < processes; i++) {
        c->apps[i] = app_start(&(app_options){.server = c->server, .directory = c->directory});
        assert_non_null(c->apps[i]);
        if (i == 0) ask_ok(c->apps[0], "sign-in first");
    }
}

static void crowd_end(crowd *c) {
    for (int i = 0; i < processes; i++) assert_true(app_free(c->apps[i]));
    server_stop(c->server);
    fixture_directory_free(c->directory);
    fclose(c->told);
    free(c->story);
}

static void users_come_and_go(void **state) {
    crowd c = {0};
    time_t give_up = time(NULL) + 90;
    int left = commands, last;

    (void)state;
    crowd_begin(&c);
    print_message("seed %u\n", seed);
    while (left > 0 || !is_quiet(&c)) {
        one_step(&c, &left);
        if (time(NULL) > give_up) FAIL(&c, "%d commands are left", left);
    }
    last = (int)(rand_r(&seed) % (unsigned)processes);
    fprintf(c.told, "%d: sign-in last\n", last);
    ask_ok(c.apps[last], "sign-in last");

    if (!one_sign_in_is_left(&c))
        FAIL(&c, "%ld refresh tokens live after %d users",
             server_counters(c.server).live_refresh_tokens, c.users + 2);
    for (int i = 0; i < processes; i++) assert_last_or_out(&c, i);
    assert_int_equal(server_counters(c.server).reuse_detections, 0);
    assert_int_equal(server_counters(c.server).live_refresh_tokens, 1);
    crowd_end(&c);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(users_come_and_go)};

    if (argc > 1) processes = atoi(argv[1]);
    if (argc > 2) commands = atoi(argv[2]);
    seed = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : (unsigned)time(NULL);
    if (processes < 1 || processes > PROCESSES_MAX || commands < 1) return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
