/*
 * tests/windows/left_out.txt has a line for each case that does not run under Windows, as wine has it: the program,
 * the case, how, and why. "fails": it is run, and has to fail. "not_run": it is not run.
 */
#include "left_out.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef _cmocka_run_group_tests

typedef enum fate { RUNS, FAILS, NOT_RUN } fate;

/* Of the path, without ".exe". */
static void program_name(char *name, size_t size) {
    const char *path = __argv[0], *start = path;

    for (; *path != '\0'; path++)
        if (*path == '/' || *path == '\\') start = path + 1;
    snprintf(name, size, "%s", start);
    name[strcspn(name, ".")] = '\0';
}

/* Names of cases may have spaces. */
static bool take(const char **line, const char *word) {
    size_t size = strlen(word);

    if (strncmp(*line, word, size) != 0 || (*line)[size] != ' ') return false;
    *line += size + 1;
    return true;
}

static fate fate_in(const char *line, const char *program, const char *test) {
    if (!take(&line, program) || !take(&line, test)) return RUNS;
    if (take(&line, "fails")) return FAILS;
    return take(&line, "not_run") ? NOT_RUN : RUNS;
}

static fate fate_of(const char *test) {
    char program[128], line[512];
    FILE *list = fopen(TS_LEFT_OUT, "r");
    fate found = RUNS;

    if (list == NULL) {
        fprintf(stderr, "%s cannot be read\n", TS_LEFT_OUT);
        exit(2);
    }
    program_name(program, sizeof program);
    while (found == RUNS && fgets(line, sizeof line, list) != NULL)
        found = fate_in(line, program, test);
    fclose(list);
    return found;
}

/* How many of those that have to fail passed. */
static int count_passing(const char *group, const struct CMUnitTest *tests, size_t count,
                         CMFixtureFunction set_up, CMFixtureFunction tear_down) {
    int passing = 0;

    for (size_t i = 0; i < count; i++) {
        if (fate_of(tests[i].name) != FAILS ||
            _cmocka_run_group_tests(group, &tests[i], 1, set_up, tear_down) != 0)
            continue;
        fprintf(stderr, "%s: passes, and is listed as one that fails\n", tests[i].name);
        passing++;
    }
    return passing;
}

int ts_run_group_tests(const char *group, const struct CMUnitTest *tests, size_t count,
                       CMFixtureFunction set_up, CMFixtureFunction tear_down) {
    struct CMUnitTest *running = calloc(count, sizeof *running);
    size_t running_count = 0;
    int failed;

    if (running == NULL) return -1;
    for (size_t i = 0; i < count; i++)
        if (fate_of(tests[i].name) == RUNS) running[running_count++] = tests[i];
    failed = _cmocka_run_group_tests(group, running, running_count, set_up, tear_down);
    failed += count_passing(group, tests, count, set_up, tear_down);
    free(running);
    fflush(NULL);
    _Exit(failed); /* what a failed case has left running does not matter */
}
