/*
 * What the listener is sent: the first byte says how much the server promised, the rest is a request head, or, where it is none, a
 * callback's query. Only what carries the state may end a sign-in.
 */
#include "oauth/authorization.h"
#include "sign_in/callback_page.h"
#include "sign_in/callback_request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define STATE "state-state-state-state-state-state-state-1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
    if (!holds) abort();
}

static bool is_text(const char *text, size_t room) {
    size_t size = strnlen(text, room);

    if (size == room) return false;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) return false;
    return true;
}

static void read_query(uint8_t promises, const char *query, size_t size) {
    static char issuer[] = "https://as.example", redirect_uri[] = "http://127.0.0.1:5555/back";
    ti_authorization authorization = {.state = STATE,
                                      .redirect_uri = redirect_uri,
                                      .issuer = promises & 1 ? issuer : NULL,
                                      .sends_iss = promises & 2};
    tacit_error error = TACIT_ERROR_INIT;
    ti_secret *code;
    ti_callback callback = ti_authorization_read(&authorization, query, size, &code, &error);

    check((callback == TI_CALLBACK_CODE) == (code != NULL));
    if (code != NULL) {
        check(ti_secret_size(code) > 0 && ti_secret_size(code) <= size);
        check(strlen(ti_secret_data(code)) == ti_secret_size(code));
        check(is_text(ti_secret_data(code), ti_secret_size(code) + 1));
        check(size > strlen(STATE) + ti_secret_size(code));
    }
    check(callback != TI_CALLBACK_FAILED);
    check((callback == TI_CALLBACK_REFUSED) == (error.status != TACIT_OK));
    check(is_text(error.message, sizeof error.message));
    check(is_text(error.oauth_error, sizeof error.oauth_error));
    check(is_text(error.oauth_error_description, sizeof error.oauth_error_description));
    ti_secret_unref(code);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const ti_callback_address address = {"127.0.0.1", "/back", 5555};
    const char *head = (const char *)data + 1, *query;
    size_t query_size;

    if (size == 0) return 0;
    size--;
    switch (ti_callback_request_read(&address, head, size, &query, &query_size)) {
    case TI_CALLBACK_REQUEST_GET:
        check(query >= head && query_size <= size && query + query_size <= head + size);
        check(query_size == 0 || memchr(query, '\n', query_size) == NULL);
        check(size > 10 && memcmp(head, "GET /back", 9) == 0);
        read_query(data[0], query, query_size);
        break;
    default:
        check(query == NULL && query_size == 0);
        read_query(data[0], head, size);
    }
    return 0;
}
