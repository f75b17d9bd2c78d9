#include "doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: tacit doctor [OPTION...]\n"
    "\n"
    "Looks at what tacit needs here, as the user who runs it: libcurl and TLS, the clock, the "
    "state\n"
    "directory, which stores work and why not, and who holds the locks between processes. Records\n"
    "of sign-ins are neither read nor changed: what is tried, is tried with a record of the\n"
    "doctor's own, which is erased again.\n"
    "\n"
    "  --application-id ID  say which store the app with this id has, or would get\n"
    "  --state-dir DIR      where its client keeps locks and journals (state_dir), or the\n"
    "                       directory of its file store; default $XDG_STATE_HOME/tacit, or\n"
    "                       ~/.local/state/tacit\n"
    "  --help\n"
    "\n"
    "A line each: \"ok\", \"note\" (worth knowing) or \"problem\", with what to do about it.\n"
    "Exit codes: 0, no problem; 1, there are problems; 2, an option it does not know.\n";

static int refuse(const char *format, const char *argument) {
    fprintf(stderr, format, argument);
    fprintf(stderr, "Try: tacit doctor --help\n");
    return 2;
}

/* As the library does: paths that are not absolute do not count. */
static const char *absolute_from(const char *variable) {
    const char *path = getenv(variable);

    return path != NULL && *path == '/' ? path : NULL;
}

static char *default_state_dir(void) {
    const char *state = absolute_from("XDG_STATE_HOME"), *home = absolute_from("HOME");
    char *path = NULL;

    if (state != NULL && asprintf(&path, "%s/tacit", state) < 0) return NULL;
    if (state == NULL && home != NULL && asprintf(&path, "%s/.local/state/tacit", home) < 0)
        return NULL;
    return path;
}

static char *absolute(const char *given) {
    char *here, *path = NULL;

    if (*given == '/') return strdup(given);
    here = getcwd(NULL, 0);
    if (here == NULL || asprintf(&path, "%s/%s", here, given) < 0) path = NULL;
    free(here);
    return path;
}

static void trim_slashes(char *path) {
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/') path[--length] = '\0';
}

static int report(const doctor *doctor) {
    int problems = doctor->findings.problems;

    if (problems == 0)
        printf("\nNo problem was found.\n");
    else
        printf("\n%d problem%s found.\n", problems, problems == 1 ? " was" : "s were");
    return problems == 0 ? 0 : 1;
}

static int examine(doctor *doctor, const char *state_dir) {
    int code;

    doctor->state_dir = state_dir == NULL ? default_state_dir() : absolute(state_dir);
    doctor_look_at_system(doctor);
    if (doctor->state_dir == NULL) {
        finding_problem(&doctor->findings, "Set HOME or XDG_STATE_HOME, or the client's state_dir.",
                        "state directory", "nothing says where it is");
        return report(doctor);
    }
    trim_slashes(doctor->state_dir);
    doctor_look_at_directory(doctor);
    doctor_look_at_stores(doctor);
    doctor_look_at_locks(doctor);
    code = report(doctor);
    free(doctor->state_dir);
    return code;
}

int doctor_main(int argc, char **argv) {
    doctor doctor = {.application_id = NULL};
    const char *state_dir = NULL;

    for (int i = 1; i < argc; i++) {
        bool is_state = strcmp(argv[i], "--state-dir") == 0;
        bool is_application = strcmp(argv[i], "--application-id") == 0;

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return 0;
        }
        if (!is_state && !is_application)
            return refuse("tacit doctor: there is no option \"%s\"\n", argv[i]);
        if (i + 1 == argc || *argv[i + 1] == '\0')
            return refuse("tacit doctor: %s wants a value\n", argv[i]);
        if (is_state)
            state_dir = argv[++i];
        else
            doctor.application_id = argv[++i];
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* a keyring may let us wait */
    return examine(&doctor, state_dir);
}
