#include "call/exchange.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "transport/transport.h"

enum { PAUSE_MS_MAX = 10 * 1000 };

ti_step ti_exchange_begin(ti_exchange *exchange, const ti_exchange_plan *plan) {
    *exchange = (ti_exchange){
        .need = {.min_valid_s = plan->min_valid_s},
        .wait = true,
        .method = plan->method,
        .with_body = plan->body,
        .sends = 1,
        .tokens = 1,
        .plan = *plan,
    };
    if (plan->streamed && exchange->need.min_valid_s < TI_STREAM_MIN_VALID_S) {
        exchange->need.min_valid_s = TI_STREAM_MIN_VALID_S;
    }
    return TI_STEP_TOKEN;
}

static const char *why_again(const ti_exchange *exchange) {
    if (exchange->answer.refuses_token) return "the token was refused and has been renewed";
    return exchange->retrying ? "the request was to be retried" : "the server redirects";
}

static ti_step fail_not_replayable(const ti_exchange *exchange, tacit_error *error) {
    int status = exchange->answer.status;

    ti_error_set(error, TACIT_ERR_BODY_NOT_REPLAYABLE,
                 "%s, but the streamed body cannot be sent again (HTTP status %d)",
                 why_again(exchange), status);
    if (error != NULL) {
        error->http_status = status;
        /* the token is new now; or time has passed */
        error->retryable = exchange->answer.refuses_token || exchange->retrying;
    }
    return TI_STEP_FAIL;
}

/* A body of which nothing was read, say because the server refused at "Expect: 100-continue", is
 * still at its beginning. */
static bool needs_rewind(const ti_exchange *exchange) {
    return exchange->with_body && exchange->plan.streamed && exchange->answer.body_begun;
}

static ti_step send_now(ti_exchange *exchange) {
    exchange->retrying = false;
    return TI_STEP_SEND;
}

static ti_step send_again(ti_exchange *exchange, tacit_error *error) {
    if (!needs_rewind(exchange)) return send_now(exchange);
    return exchange->plan.rewindable ? TI_STEP_REWIND : fail_not_replayable(exchange, error);
}

static ti_step take_first(ti_exchange *exchange, const tacit_token *token) {
    exchange->token = token;
    exchange->sign_in_id = token->sign_in_id;
    return TI_STEP_SEND;
}

static ti_step take_newer(ti_exchange *exchange, const tacit_token *token, tacit_error *error) {
    if (token->id == exchange->token->id) return TI_STEP_ANSWER;
    exchange->token = token;
    exchange->tokens++;
    exchange->sends++;
    /* R3: a token that was there already costs no replay, since the refused one was merely late. */
    if (exchange->wait) exchange->replayed = true;
    return send_again(exchange, error);
}

ti_step ti_exchange_token(ti_exchange *exchange, const tacit_token *token, tacit_error *error) {
    if (exchange->token == NULL) return take_first(exchange, token);
    /* R16: a request of user A is never sent as user B. */
    if (!ti_sign_in_id_equal(&exchange->sign_in_id, &token->sign_in_id)) {
        ti_error_set(error, TACIT_ERR_SIGNED_OUT,
                     "someone else signed in while the request was under way");
        return TI_STEP_FAIL;
    }
    if (!exchange->retrying) return take_newer(exchange, token, error);
    exchange->token = token;
    return send_again(exchange, error);
}

ti_step ti_exchange_no_token(ti_exchange *exchange, tacit_status status) {
    if (exchange->token == NULL || exchange->retrying) return TI_STEP_FAIL;
    if (exchange->need.refused == NULL) return TI_STEP_ANSWER;
    if (exchange->wait || status != TACIT_ERR_TIMEOUT) return TI_STEP_FAIL;
    exchange->wait = true;
    return TI_STEP_TOKEN;
}

ti_step ti_exchange_rewound(ti_exchange *exchange, bool done, tacit_error *error) {
    return done ? send_now(exchange) : fail_not_replayable(exchange, error);
}

/* Asks first for a token that is there at once, to know whether the refused one was late. Where the
 * origin may force no refresh (R14), a token that is there already is all it can have. */
static ti_step after_refusal(ti_exchange *exchange) {
    if (exchange->replayed || exchange->tokens >= TI_SENDS_MAX) return TI_STEP_ANSWER;
    exchange->need.refused = exchange->answer.may_force ? exchange->token : NULL;
    exchange->wait = false;
    return TI_STEP_TOKEN;
}

/* Of RFC 9110 section 9.2.2; another method may be one too, but nobody can know. */
static bool is_idempotent(const char *method) {
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(method, methods[i]) == 0) return true;
    }
    return false;
}

static bool may_retry(const ti_exchange *exchange) {
    return exchange->retries < exchange->plan.retries_max && !exchange->answer.delivered &&
           is_idempotent(exchange->method) &&
           (exchange->plan.rewindable || !needs_rewind(exchange));
}

/* 0.5 s, 1 s, 2 s ... 10 s, of which a random half, so that many clients do not come back at once. */
static int drawn_pause_ms(unsigned retries, uint32_t random) {
    int whole_ms = retries < 5 ? 500 << retries : PAUSE_MS_MAX;
    int half_ms = (whole_ms < PAUSE_MS_MAX ? whole_ms : PAUSE_MS_MAX) / 2;

    return half_ms + (int)(random % ((unsigned)half_ms + 1));
}

static ti_step begin_pause(ti_exchange *exchange) {
    int retry_after_s = exchange->answer.retry_after_s;

    if (retry_after_s > INT_MAX / 1000) retry_after_s = INT_MAX / 1000;
    exchange->pause_ms = retry_after_s > 0
                             ? retry_after_s * 1000
                             : drawn_pause_ms(exchange->retries, exchange->answer.random);
    return TI_STEP_PAUSE;
}

ti_step ti_exchange_answered(ti_exchange *exchange, const ti_exchange_answer *answer) {
    bool keep_body;

    exchange->answer = *answer;
    if (answer->refuses_token && !exchange->foreign) return after_refusal(exchange);
    if (answer->status == 429 || answer->status == 503) {
        return may_retry(exchange) ? begin_pause(exchange) : TI_STEP_ANSWER;
    }
    if (exchange->plan.no_redirects || !answer->location) return TI_STEP_ANSWER;
    if (exchange->hops >= TI_HOPS_MAX) return TI_STEP_ANSWER;
    if (ti_redirect_method(answer->status, exchange->method, &keep_body) == NULL) {
        return TI_STEP_ANSWER;
    }
    return TI_STEP_FOLLOW;
}

ti_step ti_exchange_failed(ti_exchange *exchange, tacit_status why,
                           const ti_exchange_answer *answer) {
    exchange->answer = *answer;
    /* A connection that was not made in time; after the deadline there is no time to pause. */
    if (why != TACIT_ERR_NETWORK && why != TACIT_ERR_TIMEOUT) return TI_STEP_FAIL;
    return may_retry(exchange) ? begin_pause(exchange) : TI_STEP_FAIL;
}

/* The token may be over by now. */
ti_step ti_exchange_paused(ti_exchange *exchange, tacit_error *error) {
    exchange->retries++;
    exchange->sends++;
    exchange->retrying = true;
    if (exchange->foreign) return send_again(exchange, error);
    exchange->need.refused = NULL;
    exchange->wait = true;
    return TI_STEP_TOKEN;
}

ti_step ti_exchange_reworded(ti_exchange *exchange, const ti_exchange_answer *answer,
                             tacit_error *error) {
    exchange->answer = *answer;
    exchange->sends++;
    return send_again(exchange, error);
}

ti_step ti_exchange_followed(ti_exchange *exchange, bool foreign, tacit_error *error) {
    bool keep_body = true;

    exchange->method = ti_redirect_method(exchange->answer.status, exchange->method, &keep_body);
    exchange->with_body = exchange->with_body && keep_body;
    exchange->hops++;
    /* For good: a foreign server must not be able to send the request back with a token on it to a
     * URL of its choice. */
    if (foreign) exchange->foreign = true;
    return send_again(exchange, error);
}
