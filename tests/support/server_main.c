/* tacit-test-server: the test server as a program, for shell scripts and other processes. */
#include "server_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const char usage[] =
    "tacit-test-server [options]: an authorization server and API to test against.\n"
    "The first line on stdout is its URL. Knobs while it runs: POST JSON to URL/__control.\n"
    "  --port-file FILE           writes the port there, once it listens\n"
    "  --max-seconds N            ends by itself, default 300\n"
    "  --stdin                    ends when stdin does\n"
    "  --port N                   default: a free one\n"
    "  --threads N                default 2\n"
    "  --tls-cert FILE, --tls-key FILE\n"
    "  --[no-]own-authorization-port\n"
    "                             the metadata's endpoints are on a second port\n"
    "  --record-limit N           requests kept per part, default 10000\n"
    "  --access-lifetime-ms N     default 3600000\n"
    "  --expires-in JSON          as given; empty: left out\n"
    "  --extra-members JSON       merged into token answers\n"
    "  --token-size N             default 64\n"
    "  --[no-]jwt                 access tokens look like JWTs\n"
    "  --[no-]rotate              default: rotate\n"
    "  --[no-]repeat-refresh-token\n"
    "                             without rotation: answers repeat it\n"
    "  --[no-]detect-reuse        default: detect\n"
    "  --grace-ms N, --[no-]grace-same-successor\n"
    "  --[no-]refresh-ends-older-access\n"
    "  --client-auth public|basic|post, --client-id ID, --client-secret SECRET\n"
    "  --username NAME, --password PASSWORD\n"
    "  --issuer URL               default: its own\n"
    "  --no-openid-configuration, --no-oauth-metadata\n"
    "  --metadata-members JSON    merged into the metadata; null leaves out\n"
    "  --callback-params TEXT, --no-callback-iss, --authorize-error CODE\n"
    "  --no-id-token, --id-token-members JSON\n"
    "  --device-expires-in-s N, --device-interval JSON, --device-members JSON\n"
    "  --slow-ms N                API requests that took longer count as slow\n";

typedef struct settings {
    ts_options options;
    const char *port_file;
    int max_seconds;
    bool until_stdin_ends;
} settings;

/* How many arguments it took; 0: it is none of ours. */
static int take_argument(settings *settings, const char *argument, const char *value) {
    if (strcmp(argument, "--stdin") == 0) {
        settings->until_stdin_ends = true;
        return 1;
    }
    if (strcmp(argument, "--port-file") == 0 && value) {
        settings->port_file = value;
        return 2;
    }
    if (strcmp(argument, "--max-seconds") == 0 && value) {
        settings->max_seconds = atoi(value);
        return 2;
    }
    if (strncmp(argument, "--", 2) != 0) return 0;
    return ts_option_set_argument(&settings->options, argument + 2, value);
}

/* Written beside and renamed: who finds the file finds the port in it. */
static bool write_port_file(const char *path, const char *url) {
    char *beside = ts_format("%s.new", path);
    FILE *file = fopen(beside, "w");
    bool ok = file && fprintf(file, "%s\n", strrchr(url, ':') + 1) > 0;

    if (file) ok = fclose(file) == 0 && ok;
    ok = ok && rename(beside, path) == 0;
    free(beside);
    return ok;
}

static bool stdin_has_ended(void) {
    char ignored[256];
    return read(STDIN_FILENO, ignored, sizeof ignored) <= 0;
}

static void wait_for_the_end(const settings *settings, int signal_fd) {
    int64_t end_ms = ts_now_ms() + (int64_t)settings->max_seconds * 1000;
    int stdin_fd = settings->until_stdin_ends ? STDIN_FILENO : -1; /* poll() leaves out -1 */
    struct pollfd fds[] = {{.fd = signal_fd, .events = POLLIN}, {.fd = stdin_fd, .events = POLLIN}};

    for (int64_t left_ms; (left_ms = end_ms - ts_now_ms()) > 0;) {
        int ready = poll(fds, 2, left_ms < INT32_MAX ? (int)left_ms : INT32_MAX);
        if (ready < 0 && errno != EINTR) return;
        if (ready <= 0) continue;
        if (fds[0].revents) return;
        if (fds[1].revents && stdin_has_ended()) return;
    }
}

/* Blocked before the first thread starts, so that all inherit it. */
static int open_signals(void) {
    sigset_t ending;

    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    return signalfd(-1, &ending, SFD_CLOEXEC);
}

/* A connection is a file, and often the soft limit is 1024. */
static void allow_many_connections(void) {
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv) {
    settings settings = {.options = TS_OPTIONS_INIT, .max_seconds = 300};

    for (int i = 1, taken; i < argc; i += taken) {
        taken = take_argument(&settings, argv[i], argv[i + 1]);
        if (taken) continue;
        fprintf(stderr, "tacit-test-server: %s?\n%s", argv[i], usage);
        return 2;
    }
    allow_many_connections();
    int signal_fd = open_signals();
    ts_server *server = server_start(&settings.options);
    if (!server || signal_fd < 0) return 1;

    const char *url = server_url(server, "");
    bool ok = !settings.port_file || write_port_file(settings.port_file, url);
    if (ok) {
        printf("%s\n", url);
        fflush(stdout);
        wait_for_the_end(&settings, signal_fd);
    }
    server_stop(server);
    close(signal_fd);
    return ok ? 0 : 1;
}
