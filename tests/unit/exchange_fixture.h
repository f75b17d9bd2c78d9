/* An exchange without a driver: what it is told, and tokens for it. */
#ifndef TS_EXCHANGE_FIXTURE_H
#define TS_EXCHANGE_FIXTURE_H

#include "call/exchange.h"

#include "tests/support/unit.h"

/* Answers, as the driver tells of them. */
static const ti_exchange_answer OK = {.status = 200};
static const ti_exchange_answer REFUSED = {.status = 401, .refuses_token = true, .may_force = true};

static inline tacit_token *token_of(int user, uint64_t id) {
    static tacit_token tokens[2][8];
    tacit_token *token = &tokens[user][id];

    token->id = id + 100 * (uint64_t)user;
    token->generation = id;
    token->sign_in_id.bytes[0] = (unsigned char)(user + 1);
    return token;
}

static inline ti_exchange begun(const ti_exchange_plan *plan) {
    ti_exchange exchange;

    assert_int_equal(ti_exchange_begin(&exchange, plan), TI_STEP_TOKEN);
    assert_true(exchange.wait);
    assert_null(exchange.need.refused);
    return exchange;
}

/* Up to the first send, with alice's token 1. */
static inline ti_exchange sending(const ti_exchange_plan *plan) {
    ti_exchange exchange = begun(plan);

    assert_int_equal(ti_exchange_token(&exchange, token_of(0, 1), NULL), TI_STEP_SEND);
    assert_int_equal(exchange.sends, 1);
    return exchange;
}

#endif
