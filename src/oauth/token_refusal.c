#include "oauth/token_refusal.h"

#include "base/error.h"
#include "oauth/token_error.h"

#include <string.h>

/* --- verdicts --- */

static void describe_answer(tacit_error *error, const ti_token_answer *answer) {
    error->http_status = answer->http_status;
    error->retry_after_s = answer->retry_after_s;
}

/* Something came back that says nothing about the grant. */
static ti_verdict not_an_answer(tacit_error *error, const ti_token_answer *answer,
                                const char *what) {
    ti_error_set(error, TACIT_ERR_PROTOCOL, "The authorization server answered %d with %s.",
                 answer->http_status, what);
    describe_answer(error, answer);
    return TI_VERDICT_ERROR;
}

ti_verdict ti_token_answer_is_lost(const ti_token_answer *answer, const char *what,
                                   tacit_error *error) {
    not_an_answer(error, answer, what);
    error->outcome_unknown = true;
    return TI_VERDICT_UNKNOWN;
}

ti_verdict ti_token_answer_no_memory(const ti_token_answer *answer, tacit_error *error) {
    ti_error_no_memory(error);
    describe_answer(error, answer);
    error->outcome_unknown = true;
    return TI_VERDICT_UNKNOWN;
}

static void describe_error(tacit_error *error, const ti_token_answer *answer,
                           const ti_token_error *found) {
    describe_answer(error, answer);
    ti_error_text(error->oauth_error, sizeof error->oauth_error, found->code);
    ti_error_text(error->oauth_error_description, sizeof error->oauth_error_description,
                  found->description);
}

/* --- what a dialect says of errors --- */

static bool has_status(const int *list, int http_status) {
    for (; list && *list; list++) {
        if (*list == http_status) return true;
    }
    return false;
}

/* What a server without codes says in words counts like one. */
static bool is_named(const ti_dialect *dialect, const ti_token_error *found) {
    const char *text = *found->code || !found->description ? found->code : found->description;
    return ti_token_error_is_named(dialect, text);
}

/* R6: neither a client that the server does not know nor its passing trouble ends a sign-in. */
static bool blames_token(const ti_token_error *found) {
    return !ti_token_error_blames_client(found->code) && !ti_token_error_passes(found->code);
}

static bool is_over(const ti_token_answer *answer, const ti_token_error *found) {
    const ti_dialect *dialect = ti_dialect_in_use(answer->reading->dialect);
    if (ti_token_error_refuses_grant(found->code)) return true;
    if (!dialect || answer->reading->asked != TI_ASKED_REFRESH) return false;
    if (is_named(dialect, found)) return true;
    return answer->http_status >= 400 && blames_token(found) &&
           has_status(dialect->signed_out_statuses, answer->http_status);
}

/* A sign-in that is no grant of OAuth fails with a status, and with whatever its authors had in mind. */
static bool is_wrong_password(const ti_token_answer *answer, const ti_token_error *found) {
    static const int statuses[] = {400, 401, 403, 422, 0};
    return answer->reading->asked == TI_ASKED_SIGN_IN && blames_token(found) &&
           has_status(statuses, answer->http_status);
}

/* The refresh token or the password is of no use any more. */
static bool ends_it(const ti_token_answer *answer, const ti_token_error *found) {
    return is_over(answer, found) || is_wrong_password(answer, found);
}

/* --- errors --- */

static ti_verdict server_trouble(tacit_error *error, const ti_token_answer *answer,
                                 const ti_token_error *found) {
    ti_error_set(error, TACIT_ERR_SERVER,
                 answer->http_status == 429
                     ? "The authorization server asks for fewer requests (%d)."
                     : "The authorization server has trouble of its own (%d).",
                 answer->http_status);
    describe_error(error, answer, found);
    return TI_VERDICT_ERROR;
}

/* Where a server has sentences for codes. */
static void end_without_period(char *text) {
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == '.') text[--size] = '\0';
}

static ti_verdict oauth_error(tacit_error *error, const ti_token_answer *answer,
                              const ti_token_error *found) {
    char shown[sizeof error->oauth_error];
    ti_error_text(shown, sizeof shown, *found->code ? found->code : "an error without a code");
    end_without_period(shown);
    ti_error_set(error, TACIT_ERR_OAUTH, "The authorization server refused the request: %s.",
                 shown);
    describe_error(error, answer, found);
    error->retryable = ti_token_error_passes(found->code);
    return ends_it(answer, found) ? TI_VERDICT_REFUSED : TI_VERDICT_ERROR;
}

/* With a status, and no code that says more. */
static ti_verdict refused(tacit_error *error, const ti_token_answer *answer,
                          ti_token_error *found) {
    ti_error_set(error, TACIT_ERR_OAUTH,
                 answer->reading->asked == TI_ASKED_SIGN_IN
                     ? "The server refused the sign-in (%d)."
                     : "The server says that the sign-in is over (%d).",
                 answer->http_status);
    found->code = "invalid_grant";
    describe_error(error, answer, found);
    return TI_VERDICT_REFUSED;
}

static const char *what_it_is(const ti_token_answer *answer) {
    if (answer->http_status >= 300 && answer->http_status < 400) {
        return "a redirect, which is not followed";
    }
    return answer->body == TI_TOKEN_BODY_MARKUP ? "a web page instead of a token response"
                                                : "something that is not an OAuth error response";
}

bool ti_token_answer_is_refused(const ti_token_answer *answer, ti_verdict *verdict,
                                tacit_error *error) {
    int status = answer->http_status;
    bool succeeded = status >= 200 && status < 300;
    ti_token_error found;
    bool is_error = ti_token_error_read(answer->members.top, answer->reading->dialect, &found);

    if (answer->body == TI_TOKEN_BODY_NO_MEMORY) {
        *verdict = ti_token_answer_no_memory(answer, error);
    } else if (status == 429 || status >= 500) {
        /* First, since a broken server's invalid_grant must not end a session. */
        *verdict = server_trouble(error, answer, &found);
    } else if (is_error && succeeded) {
        *verdict =
            ti_token_members_have_access_token(&answer->members)
                ? ti_token_answer_is_lost(answer, "an error and an access token at once", error)
                : oauth_error(error, answer, &found);
    } else if (status >= 400 && answer->body != TI_TOKEN_BODY_MARKUP && *found.code == '\0' &&
               ends_it(answer, &found)) {
        *verdict = refused(error, answer, &found);
    } else if (is_error && status >= 400) {
        *verdict = oauth_error(error, answer, &found);
    } else if (succeeded && answer->body != TI_TOKEN_BODY_MARKUP) {
        return false;
    } else {
        *verdict = not_an_answer(error, answer, what_it_is(answer));
    }
    return true;
}
