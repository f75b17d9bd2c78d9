/* The tacit command with a user in front of it: browser, device code, password prompt, and Ctrl-C at each of them. */
#include "support/browser.h"
#include "support/cli.h"
#include "support/unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static cli_run start_login(cli *w, const char *grant) {
    const char *const arguments[] = {"login",       server_url(w->server, ""),
                                     "--client-id", "test-client",
                                     "--scope",     "openid",
                                     grant,         "--no-open",
                                     NULL};

    return cli_start(w, NULL, arguments);
}

static void assert_nothing_is_left(cli *w) {
    ts_counters counters = server_counters(w->server);

    assert_false(cli_has_profile(w, "default"));
    assert_false(cli_finds(w, "\"client_id\"")); /* nor half a profile under another name */
    assert_int_equal(counters.live_refresh_tokens, 0);
    assert_int_equal(counters.live_access_tokens, 0);
}

/* ------------------------------------------------------------------ browser */

/* What the command prints to be opened; yours. */
static char *await_url(const cli_run *run) {
    char *words = cli_await_words(run, "code_challenge_method=S256"), *url;

    url = strstr(words, "http");
    assert_non_null(url);
    url = strndup(url, strcspn(url, "\n"));
    free(words);
    return url;
}

static int callback_port(const char *url) {
    const char *redirect = strstr(url, "redirect_uri=http%3A%2F%2F127.0.0.1%3A");

    assert_non_null(redirect);
    return atoi(strstr(redirect, "127.0.0.1%3A") + strlen("127.0.0.1%3A"));
}

static bool is_listening(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool accepted = connect(connection, (struct sockaddr *)&address, sizeof address) == 0;

    close(connection);
    return accepted;
}

/* What bin/xdg-open was given; yours. */
static char *await_opened(const cli *w) {
    cli_run opener = {.err_path = NULL};
    char *url;

    assert_true(asprintf(&opener.err_path, "%s/bin/opened", w->directory) > 0);
    url = cli_await_words(&opener, "\n");
    url[strcspn(url, "\n")] = '\0';
    free(opener.err_path);
    return url;
}

static void with_a_display_the_browser_opens(void **state) {
    const char *const arguments[] = {"login",       server_url(((cli *)*state)->server, ""),
                                     "--client-id", "test-client",
                                     "--scope",     "openid",
                                     NULL};
    browser *browser = browser_new(BROWSER_SIGNS_IN);
    cli *w = *state;
    char *url, *printed;
    cli_run run;

    w->display = true;
    run = cli_start(w, NULL, arguments);
    url = await_opened(w);
    printed = await_url(&run);
    assert_string_equal(url, printed);
    assert_true(browser_open(url, browser));
    cli_await(&run);
    assert_int_equal(browser_status(browser), 200);
    assert_run(run, 0, "", "kept in");
    assert_false(is_listening(callback_port(url)));
    assert_run(CLI(w, NULL, "token"), 0, "access-", "");
    browser_free(browser);
    free(printed);
    free(url);
}

static void ctrl_c_ends_the_wait_for_the_browser(void **state) {
    cli *w = *state;
    cli_run run = start_login(w, "--browser");
    char *url = await_url(&run);
    int port = callback_port(url);

    assert_true(is_listening(port));
    kill(run.pid, SIGINT);
    cli_await(&run);
    assert_run(run, 130, "", "interrupted");
    assert_false(is_listening(port));
    assert_nothing_is_left(w);
    free(url);
}

/* ------------------------------------------------------------------ device */

static void a_code_is_entered_elsewhere(void **state) {
    cli *w = *state;
    ts_options options = server_options(w->server);
    char *code, *words;
    cli_run run;

    options.device_interval = "1";
    server_configure(w->server, &options);
    run = start_login(w, "--device");
    words = cli_await_words(&run, "enter the code");
    code = server_newest_user_code(w->server);
    assert_non_null(strstr(words, code));
    assert_null(strstr(words, "\033")); /* no QR code beyond a terminal */
    assert_true(server_device_approve(w->server, code));
    cli_await(&run);
    assert_run(run, 0, "", "kept in");
    assert_run(CLI(w, NULL, "status"), 0, "who         ", "");
    assert_run(CLI(w, NULL, "logout", "--end-session"), 0, "/logout?", "");
    free(words);
    free(code);
}

/* No display here: the code where the server has it, else an address to be opened elsewhere. */
static void without_a_browser_the_code_is_shown(void **state) {
    cli *w = *state;
    cli_run run = start_login(w, "--no-open"); /* names no grant */

    free(cli_await_words(&run, "enter the code"));
    kill(run.pid, SIGINT);
    cli_await(&run);
    assert_run(run, 130, "", NULL);
}

static void without_a_browser_and_a_code_the_address_is_shown(void **state) {
    cli *w = *state;
    ts_options options = server_options(w->server);
    cli_run run;

    options.metadata_members = "{\"device_authorization_endpoint\": null}";
    server_configure(w->server, &options);
    run = start_login(w, "--no-open");
    free(await_url(&run));
    kill(run.pid, SIGINT);
    cli_await(&run);
    assert_run(run, 130, "", NULL);
    assert_int_equal(server_counters(w->server).device_requests, 0);
}

static void nobody_who_comes_back_is_an_exit_code(void **state) {
    cli *w = *state;

    assert_run(CLI(w, NULL, "login", server_url(w->server, ""), "--client-id", "test-client",
                   "--browser", "--no-open", "--timeout", "1"),
               5, "", "tacit: ");
    assert_nothing_is_left(w);
}

static void a_no_of_the_user_is_an_exit_code(void **state) {
    cli *w = *state;
    ts_options options = server_options(w->server);
    cli_run run;
    char *code;

    options.device_interval = "1";
    server_configure(w->server, &options);
    run = start_login(w, "--device");
    free(cli_await_words(&run, "enter the code"));
    code = server_newest_user_code(w->server);
    assert_true(server_device_deny(w->server, code));
    cli_await(&run);
    assert_run(run, 5, "", "tacit: ");
    assert_nothing_is_left(w);
    free(code);
}

static void signals_end_the_wait_for_the_device(void **state) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    cli *w = *state;

    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        cli_run run = start_login(w, "--device");

        free(cli_await_words(&run, "enter the code"));
        kill(run.pid, signals[i]);
        cli_await(&run);
        assert_run(run, 130, "", "interrupted");
        assert_nothing_is_left(w);
    }
}

static void ctrl_c_keeps_the_earlier_sign_in(void **state) {
    const char *const again[] = {"login", "--device", NULL};
    cli *w = *state;
    cli_run run;

    cli_login(w, "default");
    run = cli_start(w, NULL, again);
    free(cli_await_words(&run, "enter the code"));
    kill(run.pid, SIGINT);
    cli_await(&run);
    assert_run(run, 130, "", "interrupted");
    assert_run(CLI(w, NULL, "token"), 0, "access-", "");
    assert_int_equal(server_counters(w->server).live_refresh_tokens, 1);
}

/* ------------------------------------------------------------------ while a server answers */

static void ctrl_c_drops_a_password_that_was_sent(void **state) {
    cli *w = *state;
    const char *const arguments[] = {
        "login", server_url(w->server, ""), "--client-id", "test-client", "--password", NULL};
    cli_run run;

    server_gate_close(w->server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    run = cli_start(w, "alice\nwonderland\n", arguments);
    assert_true(server_gate_waiters(w->server, TS_TOKEN_ENDPOINT, 1, CLI_PATIENCE_MS));
    kill(run.pid, SIGINT);
    free(cli_await_words(&run, "interrupted"));
    server_gate_open(w->server, TS_TOKEN_ENDPOINT);
    cli_await(&run);
    assert_run(run, 130, "", NULL);
    assert_nothing_is_left(w);
}

/* The server has replaced the refresh token: what it answers is saved before the end. */
static void ctrl_c_loses_no_refresh_token(void **state) {
    const char *const arguments[] = {"refresh", NULL};
    cli *w = *state;
    cli_run run;

    cli_login(w, "default");
    server_gate_close(w->server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    run = cli_start(w, NULL, arguments);
    assert_true(server_gate_waiters(w->server, TS_TOKEN_ENDPOINT, 1, CLI_PATIENCE_MS));
    kill(run.pid, SIGINT);
    free(cli_await_words(&run, "interrupted"));
    server_gate_open(w->server, TS_TOKEN_ENDPOINT);
    cli_await(&run);
    assert_run(run, 130, "", NULL);
    assert_run(CLI(w, NULL, "status"), 0, "generation  2", "");
    assert_run(CLI(w, NULL, "refresh"), 0, "", "generation 3");
    assert_int_equal(server_counters(w->server).reuse_detections, 0);
}

static void a_second_ctrl_c_waits_for_nothing(void **state) {
    const char *const arguments[] = {"refresh", NULL};
    cli *w = *state;
    cli_run run;

    cli_login(w, "default");
    server_gate_close(w->server, TS_TOKEN_ENDPOINT, TS_BEFORE_ANSWER);
    run = cli_start(w, NULL, arguments);
    assert_true(server_gate_waiters(w->server, TS_TOKEN_ENDPOINT, 1, CLI_PATIENCE_MS));
    kill(run.pid, SIGINT);
    free(cli_await_words(&run, "interrupted"));
    kill(run.pid, SIGINT);
    cli_await(&run);
    assert_run(run, 130, "", NULL);
    assert_int_equal(server_counters(w->server).held, 1); /* it did not wait for this */
    server_gate_open(w->server, TS_TOKEN_ENDPOINT);
}

/* ------------------------------------------------------------------ the terminal */

typedef struct screen {
    char text[16384];
    size_t size;
} screen;

/* Reads on until the text is there. */
static void await_on_screen(int terminal, screen *screen, const char *text) {
    while (strstr(screen->text, text) == NULL) {
        struct pollfd some = {.fd = terminal, .events = POLLIN};
        ssize_t got;

        assert_int_equal(poll(&some, 1, CLI_PATIENCE_MS), 1);
        got = read(terminal, screen->text + screen->size, sizeof screen->text - 1 - screen->size);
        if (got <= 0) fail_msg("no \"%s\" on the screen: %s", text, screen->text);
        screen->size += (size_t)got;
    }
}

static bool has_echo(int terminal) {
    struct termios now;

    assert_int_equal(tcgetattr(terminal, &now), 0);
    return (now.c_lflag & ECHO) != 0;
}

static void type(int terminal, const char *text) {
    assert_int_equal(write(terminal, text, strlen(text)), strlen(text));
}

static cli_run ask_for_password(cli *w, int *terminal, screen *screen) {
    const char *const arguments[] = {
        "login", server_url(w->server, ""), "--client-id", "test-client", "--password", NULL};
    cli_run run = cli_start_on_terminal(w, terminal, arguments);

    await_on_screen(*terminal, screen, "User name: ");
    type(*terminal, "alice\n");
    await_on_screen(*terminal, screen, "Password: ");
    assert_false(has_echo(*terminal));
    return run;
}

static void a_password_is_not_seen(void **state) {
    cli *w = *state;
    screen screen = {.size = 0};
    int terminal;
    cli_run run = ask_for_password(w, &terminal, &screen);
    /* keeps the terminal's state, when the command has gone */
    int other_side = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);

    type(terminal, "wonderland\n");
    await_on_screen(terminal, &screen, "kept in");
    cli_await(&run);
    assert_null(strstr(screen.text, "wonderland"));
    assert_non_null(strstr(screen.text, "alice"));
    assert_true(has_echo(terminal));
    assert_run(run, 0, "", NULL);
    assert_run(CLI(w, NULL, "token"), 0, "access-", "");
    close(other_side);
    close(terminal);
}

static void ctrl_c_at_the_prompt_gives_the_echo_back(void **state) {
    cli *w = *state;
    screen screen = {.size = 0};
    int terminal;
    cli_run run = ask_for_password(w, &terminal, &screen);
    int other_side = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);

    type(terminal, "wonder\003");
    await_on_screen(terminal, &screen, "interrupted");
    cli_await(&run);
    assert_true(has_echo(terminal));
    assert_null(strstr(screen.text, "wonder"));
    assert_run(run, 130, "", NULL);
    assert_int_equal(server_counters(w->server).token_requests, 0);
    assert_nothing_is_left(w);
    close(other_side);
    close(terminal);
}

/* Where it was built with QR codes. */
static void a_terminal_shows_a_qr_code(void **state) {
    cli *w = *state;
    const char *const arguments[] = {
        "login", server_url(w->server, ""), "--client-id", "test-client", "--device", NULL};
    cli_run version = CLI(w, NULL, "--version");
    bool built = strstr(version.out, "with QR") != NULL;
    screen screen = {.size = 0};
    int terminal;
    cli_run run = cli_start_on_terminal(w, &terminal, arguments);

    await_on_screen(terminal, &screen, "enter the code");
    if (built) assert_non_null(strstr(screen.text, "\033[38;5;231;48;5;16m\u2588"));
    type(terminal, "\003");
    cli_await(&run);
    assert_run(run, 130, "", NULL);
    cli_run_free(&version);
    close(terminal);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, cli_begin, cli_end)

int main(void) {
    const struct CMUnitTest tests[] = {
        SCENE(with_a_display_the_browser_opens),
        SCENE(ctrl_c_ends_the_wait_for_the_browser),
        SCENE(a_code_is_entered_elsewhere),
        SCENE(without_a_browser_the_code_is_shown),
        SCENE(without_a_browser_and_a_code_the_address_is_shown),
        SCENE(nobody_who_comes_back_is_an_exit_code),
        SCENE(a_no_of_the_user_is_an_exit_code),
        SCENE(signals_end_the_wait_for_the_device),
        SCENE(ctrl_c_keeps_the_earlier_sign_in),
        SCENE(ctrl_c_drops_a_password_that_was_sent),
        SCENE(ctrl_c_loses_no_refresh_token),
        SCENE(a_second_ctrl_c_waits_for_nothing),
        SCENE(a_password_is_not_seen),
        SCENE(ctrl_c_at_the_prompt_gives_the_echo_back),
        SCENE(a_terminal_shows_a_qr_code),
    };

    return cli_is_there() ? cmocka_run_group_tests(tests, NULL, NULL) : 0;
}
