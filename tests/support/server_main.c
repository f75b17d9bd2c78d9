/* tacit-test-server: the test server as a program, for shell scripts and other processes. */
#include "server.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "tacit-test-server [options]: an authorization server and API to test against.\n"
    "The first line on stdout is its URL. Knobs while it runs: POST JSON to URL/__control.\n"
    "  --port N                   default: a free one\n"
    "  --port-file FILE           writes the port there, once it listens\n"
    "  --max-seconds N            ends by itself, default 300\n"
    "  --stdin                    ends when stdin does\n"
    "  --threads N                default 2\n"
    "  --tls-cert FILE, --tls-key FILE\n"
    "  --record-limit N           requests kept per part, default 10000\n"
    "  --access-lifetime-ms N     default 3600000\n"
    "  --expires-in JSON          as given; empty: left out\n"
    "  --extra-members JSON       merged into token answers\n"
    "  --token-size N             default 64\n"
    "  --jwt                      access tokens look like JWTs\n"
    "  --rotate, --no-rotate      default: rotate\n"
    "  --repeat-refresh-token     without rotation: answers repeat it\n"
    "  --no-reuse-detection\n"
    "  --grace-ms N, --grace-fresh-successor\n"
    "  --refresh-ends-older-access\n"
    "  --client-auth public|basic|post, --client-id ID, --client-secret SECRET\n"
    "  --username NAME, --password PASSWORD\n";

typedef struct settings {
    ts_options options;
    const char *port_file;
    int max_seconds;
    bool until_stdin_ends;
} settings;

enum option_id {
    OPT_PORT = 256,
    OPT_PORT_FILE,
    OPT_MAX_SECONDS,
    OPT_STDIN,
    OPT_THREADS,
    OPT_TLS_CERT,
    OPT_TLS_KEY,
    OPT_RECORD_LIMIT,
    OPT_ACCESS_LIFETIME_MS,
    OPT_EXPIRES_IN,
    OPT_EXTRA_MEMBERS,
    OPT_TOKEN_SIZE,
    OPT_JWT,
    OPT_ROTATE,
    OPT_NO_ROTATE,
    OPT_REPEAT_REFRESH_TOKEN,
    OPT_NO_REUSE_DETECTION,
    OPT_GRACE_MS,
    OPT_GRACE_FRESH_SUCCESSOR,
    OPT_REFRESH_ENDS_OLDER_ACCESS,
    OPT_CLIENT_AUTH,
    OPT_CLIENT_ID,
    OPT_CLIENT_SECRET,
    OPT_USERNAME,
    OPT_PASSWORD
};

static const struct option long_options[] = {
    {"port", required_argument, NULL, OPT_PORT},
    {"port-file", required_argument, NULL, OPT_PORT_FILE},
    {"max-seconds", required_argument, NULL, OPT_MAX_SECONDS},
    {"stdin", no_argument, NULL, OPT_STDIN},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"tls-cert", required_argument, NULL, OPT_TLS_CERT},
    {"tls-key", required_argument, NULL, OPT_TLS_KEY},
    {"record-limit", required_argument, NULL, OPT_RECORD_LIMIT},
    {"access-lifetime-ms", required_argument, NULL, OPT_ACCESS_LIFETIME_MS},
    {"expires-in", required_argument, NULL, OPT_EXPIRES_IN},
    {"extra-members", required_argument, NULL, OPT_EXTRA_MEMBERS},
    {"token-size", required_argument, NULL, OPT_TOKEN_SIZE},
    {"jwt", no_argument, NULL, OPT_JWT},
    {"rotate", no_argument, NULL, OPT_ROTATE},
    {"no-rotate", no_argument, NULL, OPT_NO_ROTATE},
    {"repeat-refresh-token", no_argument, NULL, OPT_REPEAT_REFRESH_TOKEN},
    {"no-reuse-detection", no_argument, NULL, OPT_NO_REUSE_DETECTION},
    {"grace-ms", required_argument, NULL, OPT_GRACE_MS},
    {"grace-fresh-successor", no_argument, NULL, OPT_GRACE_FRESH_SUCCESSOR},
    {"refresh-ends-older-access", no_argument, NULL, OPT_REFRESH_ENDS_OLDER_ACCESS},
    {"client-auth", required_argument, NULL, OPT_CLIENT_AUTH},
    {"client-id", required_argument, NULL, OPT_CLIENT_ID},
    {"client-secret", required_argument, NULL, OPT_CLIENT_SECRET},
    {"username", required_argument, NULL, OPT_USERNAME},
    {"password", required_argument, NULL, OPT_PASSWORD},
    {NULL, 0, NULL, 0},
};

static bool read_client_auth(const char *name, ts_client_auth *auth) {
    if (strcmp(name, "public") == 0)
        *auth = TS_CLIENT_AUTH_PUBLIC;
    else if (strcmp(name, "basic") == 0)
        *auth = TS_CLIENT_AUTH_BASIC;
    else if (strcmp(name, "post") == 0)
        *auth = TS_CLIENT_AUTH_POST;
    else
        return false;
    return true;
}

/* One line for each option: longer than most functions, and simpler. */
static bool take_option(settings *settings, int id, const char *value) {
    ts_options *options = &settings->options;

    switch (id) {
    case OPT_PORT:
        options->port = (uint16_t)atoi(value);
        break;
    case OPT_PORT_FILE:
        settings->port_file = value;
        break;
    case OPT_MAX_SECONDS:
        settings->max_seconds = atoi(value);
        break;
    case OPT_STDIN:
        settings->until_stdin_ends = true;
        break;
    case OPT_THREADS:
        options->threads = (unsigned)atoi(value);
        break;
    case OPT_TLS_CERT:
        options->tls_cert = value;
        break;
    case OPT_TLS_KEY:
        options->tls_key = value;
        break;
    case OPT_RECORD_LIMIT:
        options->record_limit = (size_t)atol(value);
        break;
    case OPT_ACCESS_LIFETIME_MS:
        options->access_lifetime_ms = atoi(value);
        break;
    case OPT_EXPIRES_IN:
        options->expires_in = value;
        break;
    case OPT_EXTRA_MEMBERS:
        options->extra_members = value;
        break;
    case OPT_TOKEN_SIZE:
        options->token_size = (size_t)atol(value);
        break;
    case OPT_JWT:
        options->jwt = true;
        break;
    case OPT_ROTATE:
        options->rotate = true;
        break;
    case OPT_NO_ROTATE:
        options->rotate = false;
        break;
    case OPT_REPEAT_REFRESH_TOKEN:
        options->repeat_refresh_token = true;
        break;
    case OPT_NO_REUSE_DETECTION:
        options->detect_reuse = false;
        break;
    case OPT_GRACE_MS:
        options->grace_ms = atoi(value);
        break;
    case OPT_GRACE_FRESH_SUCCESSOR:
        options->grace_same_successor = false;
        break;
    case OPT_REFRESH_ENDS_OLDER_ACCESS:
        options->refresh_ends_older_access = true;
        break;
    case OPT_CLIENT_AUTH:
        return read_client_auth(value, &options->client_auth);
    case OPT_CLIENT_ID:
        options->client_id = value;
        break;
    case OPT_CLIENT_SECRET:
        options->client_secret = value;
        break;
    case OPT_USERNAME:
        options->username = value;
        break;
    case OPT_PASSWORD:
        options->password = value;
        break;
    default:
        return false;
    }
    return true;
}

/* Written beside and renamed: who finds the file finds the port in it. */
static bool write_port_file(const char *path, const char *url) {
    char beside[4096];

    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside) return false;
    FILE *file = fopen(beside, "w");
    if (!file) return false;
    bool ok = fprintf(file, "%s\n", strrchr(url, ':') + 1) > 0;
    ok = fclose(file) == 0 && ok;
    return ok && rename(beside, path) == 0;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool stdin_has_ended(void) {
    char ignored[256];
    return read(STDIN_FILENO, ignored, sizeof ignored) <= 0;
}

static void wait_for_the_end(const settings *settings, int signal_fd) {
    int64_t end_ms = now_ms() + (int64_t)settings->max_seconds * 1000;
    struct pollfd fds[] = {
        {.fd = signal_fd, .events = POLLIN},
        {.fd = settings->until_stdin_ends ? STDIN_FILENO : -1, .events = POLLIN}};

    for (int64_t left_ms; (left_ms = end_ms - now_ms()) > 0;) {
        int ready = poll(fds, 2, (int)left_ms);
        if (ready < 0 && errno != EINTR) return;
        if (ready <= 0) continue;
        if (fds[0].revents) return;
        if (fds[1].revents && stdin_has_ended()) return;
    }
}

int main(int argc, char **argv) {
    settings settings = {.options = TS_OPTIONS_INIT, .max_seconds = 300};
    sigset_t ending;

    for (int id; (id = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        if (take_option(&settings, id, optarg)) continue;
        fputs(usage, stderr);
        return 2;
    }
    /* Blocked before the first thread starts, so that all inherit it. */
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    sigprocmask(SIG_BLOCK, &ending, NULL);
    int signal_fd = signalfd(-1, &ending, SFD_CLOEXEC);
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
