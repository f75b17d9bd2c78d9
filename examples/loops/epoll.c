/* epoll ISSUER CLIENT_ID ORIGIN PATH: requests from a program with an epoll loop of its own.
 * cc -D_GNU_SOURCE epoll.c app.c $(pkg-config --cflags --libs tacit) -o epoll */
#include "app.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

typedef struct posted {
    void (*run)(void *job);
    void *job;
} posted;

typedef struct loop {
    int jobs[2]; /* a pipe: it is the queue, the lock and what wakes the loop */
    int interrupt, epoll;
    bool ends;
} loop;

/* So few bytes go into a pipe at once, or not at all (PIPE_BUF). Never blocks: where thousands wait
 * already, tacit runs the job on a thread of its own. */
static bool post(void (*run)(void *job), void *job, void *data) {
    const loop *l = data;
    posted p = {run, job};

    return write(l->jobs[1], &p, sizeof p) == sizeof p;
}

static bool run_posted(const loop *l) {
    posted p;

    if (read(l->jobs[0], &p, sizeof p) != sizeof p) return false;
    p.run(p.job);
    return true;
}

static void quit(void *data) {
    loop *l = data;

    l->ends = true;
}

static bool watch(const loop *l, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* The signal is blocked before the first thread starts, so that it comes to the loop alone. */
static bool begin(loop *l) {
    sigset_t interrupt;

    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupt, NULL);
    l->interrupt = signalfd(-1, &interrupt, SFD_CLOEXEC);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    return pipe2(l->jobs, O_CLOEXEC | O_NONBLOCK) == 0 && watch(l, l->jobs[0]) &&
           watch(l, l->interrupt);
}

static void run(loop *l) {
    while (!l->ends) {
        struct epoll_event event;
        int ready = epoll_wait(l->epoll, &event, 1, -1);

        if (ready < 0 && errno != EINTR) return;
        if (ready <= 0) continue;
        if (event.data.fd == l->interrupt)
            quit(l);
        else
            run_posted(l);
    }
}

int main(int argc, char **argv) {
    static loop l;
    bool is_over;
    int exit_code;

    if (!begin(&l)) {
        perror("epoll");
        return 1;
    }
    if (!app_begin(argc, argv, post, quit, &l)) return 1;
    run(&l);
    is_over = app_shut_down();
    while (run_posted(&l)) continue;
    exit_code = app_end();
    if (!is_over) return exit_code;

    close(l.jobs[0]);
    close(l.jobs[1]);
    close(l.interrupt);
    close(l.epoll);
    return exit_code;
}
