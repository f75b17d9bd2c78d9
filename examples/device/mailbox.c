#include "mailbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { READINGS_MAX = 128 };

struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* guarded by lock */
    reading readings[READINGS_MAX];
    unsigned first, count;
    uint32_t dropped;
    unsigned news;
    bool pushed; /* since the last wait */
};

mailbox *mailbox_new(void) {
    mailbox *m = calloc(1, sizeof *m);
    pthread_condattr_t monotonic;

    if (m == NULL) return NULL;
    pthread_mutex_init(&m->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC); /* the other one will be set */
    pthread_cond_init(&m->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return m;
}

void mailbox_free(mailbox *m) {
    if (m == NULL) return;
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

void mailbox_push(mailbox *m, const reading *r) {
    pthread_mutex_lock(&m->lock);
    if (m->count == READINGS_MAX) {
        m->first = (m->first + 1) % READINGS_MAX;
        m->count--;
        m->dropped++;
    }
    m->readings[(m->first + m->count++) % READINGS_MAX] = *r;
    m->pushed = true;
    pthread_cond_signal(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

void mailbox_tell(mailbox *m, news what) {
    pthread_mutex_lock(&m->lock);
    m->news |= what;
    pthread_cond_signal(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

static struct timespec after_ms(int64_t ms) {
    struct timespec then;

    if (ms < 0) ms = 0;
    clock_gettime(CLOCK_MONOTONIC, &then);
    then.tv_sec += (time_t)(ms / 1000);
    then.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (then.tv_nsec >= 1000000000L) {
        then.tv_nsec -= 1000000000L;
        then.tv_sec++;
    }
    return then;
}

unsigned mailbox_wait(mailbox *m, int64_t until_boot_ms) {
    struct timespec until = after_ms(until_boot_ms - clock_boot_ms());
    unsigned news;
    int ended = 0;

    pthread_mutex_lock(&m->lock);
    while (!m->pushed && m->news == 0 && ended == 0)
        ended = pthread_cond_timedwait(&m->changed, &m->lock, &until);
    news = m->news;
    m->news &= NEWS_STOP;
    m->pushed = false;
    pthread_mutex_unlock(&m->lock);
    return news;
}

void mailbox_take(mailbox *m, batch *into) {
    pthread_mutex_lock(&m->lock);
    into->dropped += m->dropped;
    m->dropped = 0;
    for (; m->count > 0 && into->count < BATCH_READINGS_MAX; m->count--) {
        into->readings[into->count++] = m->readings[m->first];
        m->first = (m->first + 1) % READINGS_MAX;
    }
    pthread_mutex_unlock(&m->lock);
}
