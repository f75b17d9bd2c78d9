/*
 * Properties: a signal is never lost, whenever it comes; nothing is called from a signal handler.
 *
 * Operation: the signals are blocked in all threads and one waits for them. A sign-in is cancelled
 * again and again until the command lets go of it, since a cancel that comes a moment before the
 * sign-in began finds nothing to end; a client is shut down once, which stays, and which waits for a
 * refresh token that is on its way.
 *
 * Safety: what is to be ended is guarded by lock; the thread calls the library without it, on
 * references that cannot go away, as interrupt_let_go() waits for `busy`.
 */
#include "interrupt.h"

#include "cli.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { AGAIN_MS = 20, END_MS = 10000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
/* guarded by lock */
static tacit_session *sign_in;
static tacit_client *client;
static bool came, busy;
/* set at the beginning, then read-only */
static sigset_t signals;
static int event = -1;

static void wait_a_moment_locked(void) {
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += AGAIN_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&changed, &lock, &until);
}

static void end_locked(void) {
    tacit_session *session = sign_in;
    tacit_client *of = client;

    busy = true;
    pthread_mutex_unlock(&lock);
    if (session != NULL) tacit_sign_in_cancel(session);
    if (of != NULL) tacit_client_shutdown(of, END_MS, NULL);
    pthread_mutex_lock(&lock);
    busy = false;
    if (client == of) client = NULL; /* once is enough */
    pthread_cond_broadcast(&changed);
}

/* The second signal's: what the first began takes too long for the user. */
static void *wait_for_second(void *unused) {
    int number;

    sigwait(&signals, &number);
    _exit(EXIT_INTERRUPTED);
    return unused;
}

static void *wait_for_signal(void *unused) {
    pthread_t second;
    int number;

    if (sigwait(&signals, &number) != 0) return unused;
    pthread_mutex_lock(&lock);
    came = true;
    (void)!write(event, &(uint64_t){1}, sizeof(uint64_t));
    if (pthread_create(&second, NULL, wait_for_second, NULL) == 0) pthread_detach(second);
    for (;;) {
        if (sign_in != NULL || client != NULL) end_locked();
        if (sign_in != NULL)
            wait_a_moment_locked();
        else if (client == NULL)
            pthread_cond_wait(&changed, &lock);
    }
    return unused;
}

bool interrupt_begin(void) {
    pthread_t thread;

    signal(SIGPIPE, SIG_IGN); /* a write says so, too */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    event = eventfd(0, EFD_CLOEXEC);
    if (event < 0 || pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0) return false;
    if (pthread_create(&thread, NULL, wait_for_signal, NULL) != 0) return false;
    pthread_detach(thread);
    return true;
}

int interrupt_fd(void) {
    return event;
}

bool interrupted(void) {
    bool result;

    pthread_mutex_lock(&lock);
    result = came;
    pthread_mutex_unlock(&lock);
    return result;
}

static void end_on_signal(tacit_session *session, tacit_client *of) {
    pthread_mutex_lock(&lock);
    sign_in = session;
    client = of;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

void interrupt_ends_sign_in(tacit_session *session) {
    end_on_signal(session, NULL);
}

void interrupt_ends_client(tacit_client *of) {
    end_on_signal(NULL, of);
}

void interrupt_let_go(void) {
    pthread_mutex_lock(&lock);
    sign_in = NULL;
    client = NULL;
    pthread_cond_broadcast(&changed);
    while (busy) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}
