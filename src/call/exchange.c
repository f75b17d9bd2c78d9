#include "call/exchange.h"

#include <stddef.h>

#include "base/error.h"
#include "transport/transport.h"

ti_step ti_exchange_begin(ti_exchange *exchange, const ti_exchange_plan *plan) {
    *exchange = (ti_exchange){
        .need = {.min_valid_s = plan->min_valid_s},
        .wait = true,
        .method = plan->method,
        .with_body = plan->body,
        .sends = 1,
        .plan = *plan,
    };
    if (plan->streamed && exchange->need.min_valid_s < TI_STREAM_MIN_VALID_S) {
        exchange->need.min_valid_s = TI_STREAM_MIN_VALID_S;
    }
    return TI_STEP_TOKEN;
}

static ti_step fail_not_replayable(const ti_exchange *exchange, tacit_error *error) {
    int status = exchange->answer.status;

    ti_error_set(error, TACIT_ERR_BODY_NOT_REPLAYABLE,
                 exchange->answer.refuses_token
                     ? "the token was refused and has been renewed, but the streamed body cannot "
                       "be sent again (HTTP status %d)"
                     : "the server redirects, but the streamed body cannot be sent again (HTTP "
                       "status %d)",
                 status);
    if (error != NULL) {
        error->http_status = status;
        error->retryable = exchange->answer.refuses_token; /* the token is new now */
    }
    return TI_STEP_FAIL;
}

/* A body of which nothing was read, say because the server refused at "Expect: 100-continue", is
 * still at its beginning. */
static ti_step send_again(const ti_exchange *exchange, tacit_error *error) {
    bool begun = exchange->with_body && exchange->plan.streamed && exchange->answer.body_begun;

    if (!begun) return TI_STEP_SEND;
    return exchange->plan.rewindable ? TI_STEP_REWIND : fail_not_replayable(exchange, error);
}

ti_step ti_exchange_token(ti_exchange *exchange, const tacit_token *token, tacit_error *error) {
    const tacit_token *refused = exchange->token;

    if (refused == NULL) {
        exchange->token = token;
        exchange->sign_in_id = token->sign_in_id;
        return TI_STEP_SEND;
    }
    /* R16: a request of user A is never sent as user B. */
    if (!ti_sign_in_id_equal(&exchange->sign_in_id, &token->sign_in_id)) {
        ti_error_set(error, TACIT_ERR_SIGNED_OUT,
                     "someone else signed in while the request was under way");
        return TI_STEP_FAIL;
    }
    if (token->id == refused->id) return TI_STEP_ANSWER;
    exchange->token = token;
    exchange->sends++;
    /* R3: a token that was there already costs no replay, since the refused one was merely late. */
    if (exchange->wait) exchange->replayed = true;
    return send_again(exchange, error);
}

ti_step ti_exchange_no_token(ti_exchange *exchange, tacit_status status) {
    if (exchange->token == NULL) return TI_STEP_FAIL;
    if (exchange->need.refused == NULL) return TI_STEP_ANSWER;
    if (exchange->wait || status != TACIT_ERR_TIMEOUT) return TI_STEP_FAIL;
    exchange->wait = true;
    return TI_STEP_TOKEN;
}

ti_step ti_exchange_rewound(ti_exchange *exchange, bool done, tacit_error *error) {
    return done ? TI_STEP_SEND : fail_not_replayable(exchange, error);
}

/* Asks first for a token that is there at once, to know whether the refused one was late. Where the
 * origin may force no refresh (R14), a token that is there already is all it can have. */
static ti_step after_refusal(ti_exchange *exchange) {
    if (exchange->replayed || exchange->sends >= TI_SENDS_MAX) return TI_STEP_ANSWER;
    exchange->need.refused = exchange->answer.may_force ? exchange->token : NULL;
    exchange->wait = false;
    return TI_STEP_TOKEN;
}

ti_step ti_exchange_answered(ti_exchange *exchange, const ti_exchange_answer *answer) {
    bool keep_body;

    exchange->answer = *answer;
    if (answer->refuses_token && !exchange->foreign) return after_refusal(exchange);
    if (exchange->plan.no_redirects || !answer->location) return TI_STEP_ANSWER;
    if (exchange->hops >= TI_HOPS_MAX) return TI_STEP_ANSWER;
    if (ti_redirect_method(answer->status, exchange->method, &keep_body) == NULL) {
        return TI_STEP_ANSWER;
    }
    return TI_STEP_FOLLOW;
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
