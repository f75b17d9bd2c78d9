#include "support/crowd.h"

#include "support/unit.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct member {
    crowd *crowd;
    pthread_t thread;
    int result;
    tacit_error error;
} member;

struct crowd {
    tacit_session *session;
    const char *url;
    crowd_doing doing;
    int timeout_ms;
    tacit_token *refused;
    int size;
    member members[];
};

static int send_one(const crowd *c, tacit_error *error) {
    tacit_request request = TACIT_REQUEST_INIT;
    tacit_response *response;
    tacit_status status;
    int result;

    request.url = c->url;
    request.timeout_ms = c->timeout_ms;
    status = tacit_send(c->session, &request, &response, error);
    result = status == TACIT_OK ? tacit_response_status(response) : -(int)status;
    tacit_response_free(response);
    return result;
}

static int call_one(const crowd *c, tacit_error *error) {
    tacit_token *token = NULL;
    int result = 0;

    switch (c->doing) {
    case CROWD_GET:
        return send_one(c, error);
    case CROWD_TOKEN:
        result = -(int)tacit_session_token(c->session, 0, c->timeout_ms, &token, error);
        break;
    case CROWD_RENEW:
        result = -(int)tacit_session_renew(c->session, c->refused, c->timeout_ms, &token, error);
        break;
    case CROWD_REFRESH:
        return -(int)tacit_session_refresh(c->session, c->timeout_ms, error);
    }
    tacit_token_unref(token);
    return result;
}

static void *run(void *data) {
    member *m = data;

    m->result = call_one(m->crowd, &m->error);
    return NULL;
}

crowd *crowd_start(world *w, tacit_session *session, crowd_doing doing, int threads,
                   int timeout_ms) {
    crowd *c = calloc(1, sizeof *c + (size_t)threads * sizeof *c->members);

    assert_non_null(c);
    c->session = tacit_session_ref(session);
    c->url = server_url(world_server(w), "/api/x");
    c->doing = doing;
    c->timeout_ms = timeout_ms;
    c->size = threads;
    if (doing == CROWD_RENEW)
        assert_int_equal(tacit_session_token(session, 0, TACIT_NO_WAIT, &c->refused, NULL),
                         TACIT_OK);
    for (int i = 0; i < threads; i++) {
        c->members[i].crowd = c;
        assert_int_equal(pthread_create(&c->members[i].thread, NULL, run, &c->members[i]), 0);
    }
    return c;
}

void crowd_join(crowd *c) {
    for (int i = 0; i < c->size; i++) pthread_join(c->members[i].thread, NULL);
}

int crowd_count(const crowd *c, int result) {
    int count = 0;

    for (int i = 0; i < c->size; i++) count += c->members[i].result == result;
    return count;
}

const tacit_error *crowd_error(const crowd *c, int index) {
    return &c->members[index].error;
}

void crowd_free(crowd *c) {
    tacit_token_unref(c->refused);
    tacit_session_unref(c->session);
    free(c);
}
