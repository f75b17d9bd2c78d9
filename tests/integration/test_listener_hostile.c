/*
 * The listener among hostile connections: while several threads do what they can to keep the browser out, it comes back and the sign-in
 * is completed, with bounded memory and descriptors. TACIT_TEST_HOSTILE_CONNECTIONS says how many; 10,000 without.
 */
#include "support/browser.h"
#include "support/seen.h"
#include "support/unit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS = 10000,
    THREADS = 4,
    HELD = 64, /* that each thread keeps open: together far more than the listener has places for */
    SERVED_MAX =
        48 /* descriptors of a listener: its places, what it listens with, and a few beside it */
};

/* ------------------------------------------------------------------ one connection */

static int connect_to(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static void say(int fd, const char *text, size_t size) {
    while (size > 0) {
        ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);

        if (sent <= 0) return; /* it was cut off, as it should be */
        text += sent;
        size -= (size_t)sent;
    }
}

static void say_text(int fd, const char *text) {
    say(fd, text, strlen(text));
}

static void reset(int fd) {
    struct linger none = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

/* The status of the answer; 0: it was closed without one. */
static int answer_of(int fd) {
    char answer[4096] = "";
    size_t size = 0;
    ssize_t got;

    while (size < sizeof answer - 1 &&
           (got = recv(fd, answer + size, sizeof answer - 1 - size, 0)) > 0)
        size += (size_t)got;
    answer[size] = '\0';
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : 0;
}

/* ------------------------------------------------------------------ many */

typedef struct attack {
    uint16_t port;
    int connections; /* of each thread */
    atomic_int wrong_answers, refused;
} attack;

typedef struct attacker {
    pthread_t thread;
    attack *attack;
    unsigned number;
    int held[HELD];
} attacker;

static void huge_head(int fd) {
    char line[1024];

    memset(line, 'x', sizeof line);
    memcpy(line, "X: ", 3);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    say_text(fd, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 64; i++) say(fd, line, sizeof line);
}

static void garbage(int fd, unsigned seed) {
    char bytes[700];

    for (size_t i = 0; i < sizeof bytes; i++) {
        seed = seed * 1103515245 + 12345;
        bytes[i] = (char)(seed >> 16);
    }
    say(fd, bytes, sizeof bytes);
}

/* A whole request that is not what is waited for. Nothing but refusals, or nothing at all, may come back. */
static void ask(attack *a, int fd, const char *format) {
    char text[512];

    snprintf(text, sizeof text, format, a->port);
    say_text(fd, text);
    if (answer_of(fd) == 200) atomic_fetch_add(&a->wrong_answers, 1);
}

/* true: to be kept open. */
static bool be_hostile(attack *a, int fd, unsigned kind) {
    switch (kind % 10) {
    case 0: /* says nothing, and stays */
        return true;
    case 1: /* begins, and stays */
        say_text(fd, "GET /?code=1&state=");
        return true;
    case 2: /* half a closed one: it will say nothing more, and hear what comes */
        say_text(fd, "GET / HT");
        shutdown(fd, SHUT_WR);
        return true;
    case 3:
        reset(fd);
        return false;
    case 4:
        huge_head(fd);
        return false;
    case 5:
        garbage(fd, kind);
        return false;
    case 6:
        ask(a, fd, "GET /other HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n");
        return false;
    case 7:
        ask(a, fd, "GET /?code=1&state=2 HTTP/1.1\r\nHost: evil.example:%u\r\n\r\n");
        return false;
    case 8: /* asks, and never hears the answer */
        say_text(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        reset(fd);
        return false;
    default:
        ask(a, fd, "GET /\x01 HTTP/1.1\nHost: 127.0.0.1:%u\r\n\r\n\r\n");
        return false;
    }
}

static void *attacker_main(void *data) {
    attacker *me = data;
    attack *a = me->attack;
    size_t next = 0;

    for (int i = 0; i < HELD; i++) me->held[i] = -1;
    for (int i = 0; i < a->connections; i++) {
        int fd = connect_to(a->port);

        if (fd < 0) {
            atomic_fetch_add(&a->refused, 1);
            continue;
        }
        if (be_hostile(a, fd, (unsigned)i + me->number)) {
            if (me->held[next] >= 0) close(me->held[next]);
            me->held[next] = fd;
            next = (next + 1) % HELD;
        } else {
            close(fd);
        }
    }
    return NULL;
}

static void let_go(attacker *me) {
    for (int i = 0; i < HELD; i++)
        if (me->held[i] >= 0) close(me->held[i]);
}

/* ------------------------------------------------------------------ the sign-in among them */

typedef struct sign_in {
    pthread_t thread;
    world *world;
    browser *browser;
    tacit_status status;
    tacit_error error;
} sign_in;

static void *sign_in_main(void *data) {
    sign_in *s = data;
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;

    o.open_url = browser_open;
    o.user_data = s->browser;
    s->status = tacit_sign_in_with_browser(world_session(s->world), &o, &s->error);
    return NULL;
}

static uint16_t begin(sign_in *s, world *w) {
    char *uri;
    uint16_t port;

    *s = (sign_in){.world = w, .browser = browser_new(BROWSER_STOPS_THERE)};
    assert_int_equal(pthread_create(&s->thread, NULL, sign_in_main, s), 0);
    uri = browser_parameter(browser_url(s->browser), "redirect_uri");
    port = (uint16_t)strtoul(strrchr(uri, ':') + 1, NULL, 10);
    free(uri);
    return port;
}

static void end(sign_in *s) {
    pthread_join(s->thread, NULL);
    if (s->status != TACIT_OK) fail_msg("%s: %s", tacit_status_name(s->status), s->error.message);
    browser_free(s->browser);
}

/* The browser tries again where it is cut off, as users and browsers do. */
static int come_back(browser *b) {
    const char *callback = browser_callback(b);
    int status = 0;

    for (int i = 0; i < 50 && status != 200; i++) status = browser_get(callback, NULL, NULL);
    return status;
}

static int descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(directory);
    while (readdir(directory) != NULL) count++;
    closedir(directory);
    return count;
}

static int hostile_connections(void) {
    const char *asked = getenv("TACIT_TEST_HOSTILE_CONNECTIONS");
    int connections = asked != NULL ? atoi(asked) : CONNECTIONS;

    assert_true(connections >= THREADS);
    return connections;
}

static void assert_within(const char *what, long is, long most) {
    if (is > most) fail_msg("%s: %ld, more than %ld", what, is, most);
}

/* The listener and the attackers live in one process, so what the attackers hold is taken off. */
static void the_browser_comes_through_ten_thousand_hostile_connections(void **state) {
    world *w = world_new(NULL);
    attack a = {.connections = hostile_connections() / THREADS};
    attacker attackers[THREADS];
    int descriptors_before, held = 0;
    size_t memory_before;
    sign_in s;

    (void)state;
    a.port = begin(&s, w);
    browser_callback(s.browser);
    descriptors_before = descriptors();
    memory_before = mallinfo2().uordblks;
    for (unsigned i = 0; i < THREADS; i++) {
        attackers[i] = (attacker){.attack = &a, .number = i};
        assert_int_equal(pthread_create(&attackers[i].thread, NULL, attacker_main, &attackers[i]),
                         0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(attackers[i].thread, NULL);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < HELD; j++) held += attackers[i].held[j] >= 0;
    assert_true(held > 32);
    assert_within("descriptors", descriptors() - descriptors_before - held, SERVED_MAX);
    assert_within("memory", (long)mallinfo2().uordblks - (long)memory_before, 1024 * 1024);
    assert_int_equal(atomic_load(&a.wrong_answers), 0);
    assert_int_equal(atomic_load(&a.refused), 0); /* it never went away */

    /* what is held is still there: the true callback needs a place among them */
    assert_int_equal(come_back(s.browser), 200);
    for (int i = 0; i < THREADS; i++) let_go(&attackers[i]);
    end(&s);
    assert_int_equal(connect_to(a.port), -1);
    assert_int_equal(errno, ECONNREFUSED);
    assert_int_equal(server_counters(world_server(w)).token_requests, 1);
    assert_int_equal(world_get(w, "/api/x"), 200);
    world_free(w);
}

static void the_browser_comes_through_in_the_middle_of_it(void **state) {
    world *w = world_new(NULL);
    attack a = {.connections = 200};
    attacker attackers[THREADS];
    sign_in s;

    (void)state;
    a.port = begin(&s, w);
    browser_callback(s.browser);
    for (unsigned i = 0; i < THREADS; i++) {
        attackers[i] = (attacker){.attack = &a, .number = i};
        assert_int_equal(pthread_create(&attackers[i].thread, NULL, attacker_main, &attackers[i]),
                         0);
    }
    assert_int_equal(come_back(s.browser), 200);
    end(&s);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(attackers[i].thread, NULL);
        let_go(&attackers[i]);
    }
    assert_int_equal(atomic_load(&a.wrong_answers), 0);
    world_free(w);
}

/* Whoever says nothing is sent away by the clock alone, with nobody behind him. */
static void a_silent_connection_is_closed(void **state) {
    world *w = world_new(NULL);
    char byte;
    sign_in s;
    int fd;

    (void)state;
    fd = connect_to(begin(&s, w));
    assert_true(fd >= 0);
    assert_int_equal(recv(fd, &byte, 1, 0), 0); /* SO_RCVTIMEO would make it -1 */
    close(fd);
    assert_int_equal(come_back(s.browser), 200);
    end(&s);
    world_free(w);
}

/* A whole request comes in single bytes. */
static void a_slow_browser_is_served(void **state) {
    world *w = world_new(NULL);
    struct timespec pause = {.tv_nsec = 1000000};
    char request[4096];
    uint16_t port;
    sign_in s;
    int fd;

    (void)state;
    port = begin(&s, w);
    snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
             strchr(browser_callback(s.browser), '?'), port);
    fd = connect_to(port);
    for (size_t i = 0; request[i] != '\0'; i++) {
        say(fd, &request[i], 1);
        if (i % 16 == 0) nanosleep(&pause, NULL);
    }
    assert_int_equal(answer_of(fd), 200);
    close(fd);
    end(&s);
    world_free(w);
}

/* Whatever it asks for. */
static void a_head_without_end_is_cut_off(void **state) {
    world *w = world_new(NULL);
    char line[4096];
    uint16_t port;
    sign_in s;
    int fd;

    (void)state;
    port = begin(&s, w);
    fd = connect_to(port);
    snprintf(line, sizeof line, "GET /%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n",
             strchr(browser_callback(s.browser), '?'), port);
    say_text(fd, line);
    memset(line, 'x', sizeof line);
    memcpy(line, "X: ", 3);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    for (int i = 0; i < 4; i++) say(fd, line, sizeof line);
    say_text(fd, "\r\n");
    assert_int_equal(answer_of(fd), 0);
    close(fd);
    assert_int_equal(come_back(s.browser), 200);
    end(&s);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_browser_comes_through_ten_thousand_hostile_connections),
        cmocka_unit_test(the_browser_comes_through_in_the_middle_of_it),
        cmocka_unit_test(a_silent_connection_is_closed),
        cmocka_unit_test(a_slow_browser_is_served),
        cmocka_unit_test(a_head_without_end_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
