#include "support/app_program.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct app_load {
    app_account *account;
    int thread_count;
    pthread_t *threads;
    long pause_ns;
    atomic_bool stop;
    atomic_long ok, unauthorized, other; /* answers: 200, 401, another */
    atomic_long errors[APP_STATUSES];
};

static void count_answer(app_load *load, const tacit_response *response) {
    int status = tacit_response_status(response);

    if (status == 200)
        atomic_fetch_add(&load->ok, 1);
    else if (status == 401)
        atomic_fetch_add(&load->unauthorized, 1);
    else
        atomic_fetch_add(&load->other, 1);
}

static void *make_requests(void *data) {
    app_load *load = data;
    struct timespec pause = {.tv_sec = load->pause_ns / 1000000000,
                             .tv_nsec = load->pause_ns % 1000000000};

    while (!atomic_load(&load->stop)) {
        tacit_response *response;
        tacit_status status =
            tacit_get(load->account->session, load->account->api_url, &response, NULL);

        if (status == TACIT_OK)
            count_answer(load, response);
        else if ((int)status < APP_STATUSES)
            atomic_fetch_add(&load->errors[status], 1);
        tacit_response_free(response);
        if (status == TACIT_ERR_CLOSED) break;
        nanosleep(&pause, NULL);
    }
    return NULL;
}

app_load *app_load_start(app_account *account, int threads, int per_second) {
    app_load *load = calloc(1, sizeof *load);

    if (load == NULL) return NULL;
    load->account = account;
    load->pause_ns = 1000000000L / (per_second > 0 ? per_second : 1);
    load->threads = calloc((size_t)threads, sizeof *load->threads);
    while (load->threads != NULL && load->thread_count < threads &&
           pthread_create(&load->threads[load->thread_count], NULL, make_requests, load) == 0)
        load->thread_count++;
    if (load->thread_count == threads) return load;
    app_load_free(load);
    return NULL;
}

void app_load_stop(app_load *load) {
    if (load == NULL) return;
    atomic_store(&load->stop, true);
    for (int i = 0; i < load->thread_count; i++) pthread_join(load->threads[i], NULL);
    load->thread_count = 0;
}

void app_load_count(app_load *load, json_t *answer) {
    json_t *errors = json_object();

    for (int i = 0; i < APP_STATUSES; i++) {
        long count = atomic_load(&load->errors[i]);
        if (count > 0)
            json_object_set_new(errors, tacit_status_name((tacit_status)i), json_integer(count));
    }
    json_object_set_new(answer, "ok", json_integer(atomic_load(&load->ok)));
    json_object_set_new(answer, "unauthorized", json_integer(atomic_load(&load->unauthorized)));
    json_object_set_new(answer, "other", json_integer(atomic_load(&load->other)));
    json_object_set_new(answer, "errors", errors);
}

void app_load_free(app_load *load) {
    if (load == NULL) return;
    app_load_stop(load);
    free(load->threads);
    free(load);
}
