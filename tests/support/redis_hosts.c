#include "support/redis_hosts.h"

#include "support/fixture.h"
#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WORDS_MAX = 16, PATIENCE_MS = 20000 };

struct host_machine {
    int number, port;
    int space; /* its network */
    int listener;
    pthread_t thread;
};

static int middle = -1; /* the network of the middle */

/* ------------------------------------------------------------------ networks */

static int this_network(void) {
    return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* "link set lo up", for the thread's network. */
static bool ip(const char *format, ...) {
    const char *words[WORDS_MAX] = {"ip"};
    char line[256], *rest = NULL;
    fixture_run run;
    va_list arguments;
    int count = 1;
    bool ok;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (char *word = strtok_r(line, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    if (!fixture_run_program(words, NULL, PATIENCE_MS, &run)) return false;
    ok = run.exit_code == 0;
    if (!ok) print_message("ip %s: %s", format, run.output);
    fixture_run_free(&run);
    return ok;
}

static bool enter_own_network(void) {
    if (unshare(CLONE_NEWNET) == 0) return true;
    return errno == EPERM && unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

bool hosts_are_possible(void) {
    if (!enter_own_network()) {
        print_message("Networks of their own are not permitted here: hosts cannot be tested\n");
        return false;
    }
    middle = this_network();
    if (middle >= 0 && ip("link set lo up") && ip("link add probe type veth peer name eborp")) {
        return ip("link del probe");
    }
    print_message("Lines between networks are not to be had here: hosts cannot be tested\n");
    return false;
}

void host_machine_enter(const host_machine *machine) {
    assert_int_equal(setns(machine->space, CLONE_NEWNET), 0);
}

void host_machine_leave(void) {
    assert_int_equal(setns(middle, CLONE_NEWNET), 0);
}

static void draw_line(host_machine *machine) {
    int n = machine->number;

    assert_true(ip("link add middle%d type veth peer name outer%d", n, n));
    assert_true(ip("link set outer%d netns /proc/%d/fd/%d", n, (int)getpid(), machine->space));
    assert_true(ip("addr add 10.213.%d.1/24 dev middle%d", n, n));
    assert_true(ip("link set middle%d up", n));
    host_machine_enter(machine);
    assert_true(ip("link set lo up"));
    assert_true(ip("addr add 10.213.%d.2/24 dev outer%d", n, n));
    assert_true(ip("link set outer%d up", n));
    host_machine_leave();
}

void host_machine_cut(const host_machine *machine, bool cut) {
    assert_true(ip("link set middle%d %s", machine->number, cut ? "down" : "up"));
}

/* ------------------------------------------------------------------ the way to the port */

static struct sockaddr_in at_port(int port) {
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

typedef struct passage {
    int outer, inner;
} passage;

/* false: nothing more comes, and the other end is told. */
static bool pass_on(int from, int to) {
    char bytes[16384];
    ssize_t size = read(from, bytes, sizeof bytes);

    for (ssize_t sent = 0, part; sent < size; sent += part)
        if ((part = send(to, bytes + sent, (size_t)(size - sent), MSG_NOSIGNAL)) < 0) return false;
    if (size <= 0) shutdown(to, SHUT_WR);
    return size > 0;
}

static void *pass(void *data) {
    passage *self = data;
    struct pollfd ends[] = {{.fd = self->outer, .events = POLLIN},
                            {.fd = self->inner, .events = POLLIN}};

    while ((ends[0].fd >= 0 || ends[1].fd >= 0) && poll(ends, 2, -1) > 0) {
        if (ends[0].revents != 0 && !pass_on(self->outer, self->inner)) ends[0].fd = -1;
        if (ends[1].revents != 0 && !pass_on(self->inner, self->outer)) ends[1].fd = -1;
    }
    close(self->outer);
    close(self->inner);
    free(self);
    return NULL;
}

/* In the middle's network; the listener is of the machine's. */
static void *listen_for_machine(void *data) {
    host_machine *machine = data;
    struct sockaddr_in address = at_port(machine->port);
    int outer;

    while ((outer = accept4(machine->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        passage *one = malloc(sizeof *one);
        pthread_t thread;

        *one = (passage){outer, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        if (connect(one->inner, (struct sockaddr *)&address, sizeof address) == 0 &&
            pthread_create(&thread, NULL, pass, one) == 0) {
            pthread_detach(thread);
            continue;
        }
        close(one->inner);
        close(outer);
        free(one);
    }
    return NULL;
}

static void offer_port(host_machine *machine) {
    struct sockaddr_in address = at_port(machine->port);

    host_machine_enter(machine);
    machine->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(machine->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(machine->listener, 64), 0);
    host_machine_leave();
    assert_int_equal(pthread_create(&machine->thread, NULL, listen_for_machine, machine), 0);
}

/* ------------------------------------------------------------------ machines */

host_machine *host_machine_new(int number, int port) {
    host_machine *machine = calloc(1, sizeof *machine);

    machine->number = number;
    machine->port = port;
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    machine->space = this_network();
    host_machine_leave();
    draw_line(machine);
    offer_port(machine);
    return machine;
}

void host_machine_free(host_machine *machine) {
    shutdown(machine->listener, SHUT_RDWR);
    pthread_join(machine->thread, NULL);
    close(machine->listener);
    ip("link del middle%d", machine->number);
    close(machine->space);
    free(machine);
}
