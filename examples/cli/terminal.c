#include "terminal.h"

#include "interrupt.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* false: a signal came. */
static bool wait_for_input(void) {
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = interrupt_fd(), .events = POLLIN}};

    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    return fds[1].revents == 0;
}

/* Byte by byte, so that the next question finds the next line, and no buffer keeps a copy. */
static exit_code read_line(char answer[ANSWER_MAX]) {
    size_t size = 0;
    ssize_t got;
    char byte;

    for (;;) {
        if (!wait_for_input()) return complain(EXIT_INTERRUPTED, "interrupted");
        got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return complain(EXIT_FAILED, "The standard input: %s", strerror(errno));
        if (got == 0 && size == 0) return complain(EXIT_USAGE, "The standard input is at its end.");
        if (got == 0 || byte == '\n') break;
        if (byte == '\0' || size + 1 == ANSWER_MAX)
            return complain(EXIT_USAGE, "The answer is too long, or no text.");
        answer[size++] = byte;
    }
    if (size > 0 && answer[size - 1] == '\r') size--;
    answer[size] = '\0';
    return EXIT_OK;
}

static exit_code ask(const char *prompt, char answer[ANSWER_MAX]) {
    exit_code code;

    memset(answer, 0, ANSWER_MAX);
    if (isatty(STDIN_FILENO)) fputs(prompt, stderr);
    code = read_line(answer);
    if (code != EXIT_OK) explicit_bzero(answer, ANSWER_MAX);
    return code;
}

exit_code terminal_ask(const char *prompt, char answer[ANSWER_MAX]) {
    return ask(prompt, answer);
}

/* Nor may it be stopped meanwhile: the shell would get a terminal without echo. */
exit_code terminal_ask_secret(const char *prompt, char answer[ANSWER_MAX]) {
    struct termios before, silent;
    bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    exit_code code;

    if (is_terminal) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        silent.c_cc[VSUSP] = _POSIX_VDISABLE;
        silent.c_cc[VQUIT] = _POSIX_VDISABLE;
        if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) != 0)
            return complain(EXIT_FAILED, "The terminal: %s", strerror(errno));
    }
    code = ask(prompt, answer);
    if (is_terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    return code;
}
