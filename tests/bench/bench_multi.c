/*
 * Many GETs on one thread, so many in the air: tacit_send_async() against two loops that a user
 * writes by hand on libcurl's multi interface.
 *
 *   bench_multi <mode> <url> <requests> [CA file]     for callgrind; poll, socket or tacit
 *   bench_multi compare <url> [CA file]               requests per second, as ratios
 *
 * bench_multi.sh starts the server, and runs both. In a comparison the loops run in turn, and the
 * median of the ratios counts: neighbours on the machine disturb a round less than they disturb its
 * parts.
 */
#include "bench/setup.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { IN_THE_AIR = 256, TOKEN_SIZE = 64, ROUNDS = 9, REQUESTS = 10000, READY_MAX = 64 };

typedef struct job {
    const char *url, *ca_file;
    long requests;
    int in_the_air; /* IN_THE_AIR at most */
} job;

/*
 * By hand: handles and the header list are kept
 */

typedef struct hand {
    const job *job;
    CURLM *multi;
    CURL *handles[IN_THE_AIR];
    struct curl_slist *headers;
    long started, finished;
    size_t received;
    int poller;      /* of the loop on sockets */
    long timeout_ms; /* likewise; -1: none */
    double timer_set_ns;
} hand;

static size_t ignore_body(char *data, size_t one, size_t size, void *user_data) {
    (void)data;
    *(size_t *)user_data += one * size;
    return one * size;
}

static CURL *new_handle(hand *h) {
    CURL *easy = curl_easy_init();
    if (!easy) bench_fail("no memory");
    curl_easy_setopt(easy, CURLOPT_URL, h->job->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, h->headers);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &h->received);
    if (h->job->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, h->job->ca_file);
        curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    }
    return easy;
}

static void hand_open(hand *h, const job *j) {
    char line[TOKEN_SIZE + 32];
    snprintf(line, sizeof line, "Authorization: Bearer %0*d", TOKEN_SIZE, 7);
    *h = (hand){.job = j, .timeout_ms = -1};
    h->headers = curl_slist_append(NULL, line);
    h->multi = curl_multi_init();
    if (!h->headers || !h->multi) bench_fail("no memory");
    curl_multi_setopt(h->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)j->in_the_air);
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)j->in_the_air);
    for (int i = 0; i < j->in_the_air; i++) h->handles[i] = new_handle(h);
}

static void hand_close(hand *h) {
    for (int i = 0; i < h->job->in_the_air; i++) {
        curl_multi_remove_handle(h->multi, h->handles[i]);
        curl_easy_cleanup(h->handles[i]);
    }
    curl_multi_cleanup(h->multi);
    curl_slist_free_all(h->headers);
}

static void start_one(hand *h, CURL *easy) {
    if (h->started == h->job->requests) return;
    h->started++;
    if (curl_multi_add_handle(h->multi, easy)) bench_fail("a handle is not taken");
}

static void hand_begin(hand *h) {
    h->started = h->finished = 0;
    for (int i = 0; i < h->job->in_the_air; i++) start_one(h, h->handles[i]);
}

/* What has ended makes room for the next. */
static void take_finished(hand *h) {
    const CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(h->multi, &left))) {
        CURL *easy = message->easy_handle;
        long status = 0;
        if (message->data.result) bench_fail(curl_easy_strerror(message->data.result));
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        if (status != 200) bench_fail("an answer is not 200");
        curl_multi_remove_handle(h->multi, easy);
        h->finished++;
        start_one(h, easy);
    }
}

static void by_poll(hand *h) {
    hand_begin(h);
    while (h->finished < h->job->requests) {
        int running;
        if (curl_multi_perform(h->multi, &running)) bench_fail("curl_multi_perform()");
        long before = h->finished;
        take_finished(h);
        if (h->finished > before) continue; /* what was started wants to send */
        if (curl_multi_poll(h->multi, NULL, 0, 1000, NULL)) bench_fail("curl_multi_poll()");
    }
}

static int on_socket(CURL *easy, curl_socket_t descriptor, int what, void *user_data,
                     void *is_known) {
    (void)easy;
    hand *h = user_data;
    struct epoll_event event = {.data.fd = descriptor};
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(h->poller, EPOLL_CTL_DEL, descriptor, NULL);
        return 0;
    }
    if (what & CURL_POLL_IN) event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
    epoll_ctl(h->poller, is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, &event);
    if (!is_known) curl_multi_assign(h->multi, descriptor, h);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *user_data) {
    (void)multi;
    hand *h = user_data;
    h->timeout_ms = timeout_ms;
    h->timer_set_ns = timeout_ms > 0 ? bench_now_ns() : 0;
    return 0;
}

static int wait_ms(const hand *h) {
    if (h->timeout_ms <= 0) return (int)h->timeout_ms;
    double left_ms = (double)h->timeout_ms - (bench_now_ns() - h->timer_set_ns) / 1e6;
    return left_ms > 0 ? (int)left_ms + 1 : 0;
}

static void socket_open(hand *h) {
    h->poller = epoll_create1(EPOLL_CLOEXEC);
    if (h->poller < 0) bench_fail("no epoll");
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
}

static void by_socket(hand *h) {
    int running;
    hand_begin(h);
    while (h->finished < h->job->requests) {
        struct epoll_event ready[READY_MAX];
        int count = epoll_wait(h->poller, ready, READY_MAX, wait_ms(h));
        for (int i = 0; i < count; i++) {
            int what = (ready[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                       (ready[i].events & ~(unsigned)EPOLLOUT ? CURL_CSELECT_IN : 0);
            curl_multi_socket_action(h->multi, ready[i].data.fd, what, &running);
        }
        if (h->timeout_ms >= 0 && wait_ms(h) == 0) {
            h->timeout_ms = -1; /* it says when again */
            curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        take_finished(h);
    }
}

/*
 * The library, as an app uses it
 */

typedef struct crowd {
    const job *job;
    bench_app app;
    pthread_mutex_t lock;
    pthread_cond_t all_done;
    long finished; /* the dispatch thread's, until all are */
    bool over;     /* guarded by lock */
} crowd;

static void on_done(tacit_call *call, tacit_response *response, const tacit_error *error,
                    void *user_data) {
    (void)call;
    crowd *c = user_data;
    if (error) bench_fail(error->message);
    if (tacit_response_status(response) != 200) bench_fail("an answer is not 200");
    tacit_response_free(response);
    if (++c->finished < c->job->requests) return;
    pthread_mutex_lock(&c->lock);
    c->over = true;
    pthread_cond_signal(&c->all_done);
    pthread_mutex_unlock(&c->lock);
}

static void tacit_open(crowd *c, const job *j) {
    char base[256];
    tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;
    const char *path = strstr(j->url, "/api");
    if (!path) bench_fail("the URL's path is not within /api");
    snprintf(base, sizeof base, "%.*s", (int)(path - j->url), j->url);
    options.calls_max = (unsigned)j->in_the_air;
    options.ca_file = j->ca_file;
    *c = (crowd){.job = j, .app = bench_app_open_with(base, &options)};
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->all_done, NULL);
    bench_sign_in_with_token(&c->app, TOKEN_SIZE);
}

static void tacit_close(crowd *c) {
    bench_app_close(&c->app);
    pthread_cond_destroy(&c->all_done);
    pthread_mutex_destroy(&c->lock);
}

static void by_tacit(crowd *c) {
    tacit_request request = TACIT_REQUEST_INIT;
    tacit_error error;
    request.url = c->job->url;
    c->finished = 0;
    c->over = false;
    for (long i = 0; i < c->job->requests; i++) {
        tacit_call *call = tacit_send_async(c->app.session, &request, on_done, c, &error);
        if (!call) bench_fail(error.message);
        tacit_call_unref(call);
    }
    pthread_mutex_lock(&c->lock);
    while (!c->over) pthread_cond_wait(&c->all_done, &c->lock);
    pthread_mutex_unlock(&c->lock);
}

/*
 * One alone, or all in turn
 */

static void run_one(const char *mode, const job *j) {
    hand h;
    crowd c;
    if (strcmp(mode, "tacit") == 0) {
        tacit_open(&c, j);
        by_tacit(&c);
        tacit_close(&c);
        return;
    }
    hand_open(&h, j);
    if (strcmp(mode, "poll") == 0) {
        by_poll(&h);
    } else if (strcmp(mode, "socket") == 0) {
        socket_open(&h);
        by_socket(&h);
        close(h.poller);
    } else {
        bench_fail("unknown mode");
    }
    hand_close(&h);
}

static double per_s(double began_ns, const job *j) {
    return (double)j->requests / ((bench_now_ns() - began_ns) / 1e9);
}

static void show(const job *j, const char *name, double *ratios, double *tacit, double *other) {
    char what[96], target[96];
    double ratio = bench_median(ratios, ROUNDS);
    snprintf(what, sizeof what, "%ld asynchronous requests/s, %d in the air, %s", j->requests,
             j->in_the_air, j->ca_file ? "HTTP/2 with TLS" : "HTTP/1.1");
    snprintf(target, sizeof target, ">= 0.97 of %s by hand", name);
    bench_row(what, target, ratio >= 0.97, "%.2f (%.0f; by hand %.0f; ratios %.2f to %.2f)", ratio,
              bench_median(tacit, ROUNDS), bench_median(other, ROUNDS), ratios[0],
              ratios[ROUNDS - 1]);
}

static void compare(const job *j) {
    double tacit[ROUNDS], poll[ROUNDS], sockets[ROUNDS], to_poll[ROUNDS], to_sockets[ROUNDS];
    hand with_poll, with_sockets;
    crowd c;
    hand_open(&with_poll, j);
    hand_open(&with_sockets, j);
    socket_open(&with_sockets);
    tacit_open(&c, j);
    by_poll(&with_poll); /* all connect, and the server warms up */
    by_socket(&with_sockets);
    by_tacit(&c);
    for (int i = 0; i < ROUNDS; i++) {
        double began_ns = bench_now_ns();
        by_poll(&with_poll);
        poll[i] = per_s(began_ns, j);
        began_ns = bench_now_ns();
        by_tacit(&c);
        tacit[i] = per_s(began_ns, j);
        began_ns = bench_now_ns();
        by_socket(&with_sockets);
        sockets[i] = per_s(began_ns, j);
        to_poll[i] = tacit[i] / poll[i];
        to_sockets[i] = tacit[i] / sockets[i];
    }
    show(j, "curl_multi_poll()", to_poll, tacit, poll);
    show(j, "epoll and curl_multi_socket_action()", to_sockets, tacit, sockets);
    tacit_close(&c);
    close(with_sockets.poller);
    hand_close(&with_sockets);
    hand_close(&with_poll);
}

int main(int argc, char **argv) {
    static const char usage[] = "usage: bench_multi compare <url> [CA file] | "
                                "poll|socket|tacit <url> <requests> <in the air> [CA file]";
    bench_allow_many_files();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if ((argc == 3 || argc == 4) && strcmp(argv[1], "compare") == 0) {
        compare(&(job){
            .url = argv[2], .ca_file = argv[3], .requests = REQUESTS, .in_the_air = IN_THE_AIR});
    } else if ((argc == 5 || argc == 6) && atoi(argv[4]) > 0 && atoi(argv[4]) <= IN_THE_AIR) {
        run_one(argv[1], &(job){.url = argv[2],
                                .requests = atol(argv[3]),
                                .in_the_air = atoi(argv[4]),
                                .ca_file = argv[5]});
    } else {
        bench_fail(usage);
    }
    curl_global_cleanup();
    return 0;
}
