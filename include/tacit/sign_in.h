/* How a session gets its first tokens, and how it ends. */
#ifndef TACIT_SIGN_IN_H
#define TACIT_SIGN_IN_H

#include <tacit/session.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tacit_sign_in_options {
    size_t struct_size;
    int timeout_ms;                  /* of the whole sign-in; 0: 30 s (0 and -1 mean the default) */
    const char *username, *password; /* reserved for asynchronous sign-in */
    const char *scope;               /* instead of the session's */
    const char *const *params;       /* NULL-terminated "name=value", added to this token request */
    bool (*open_url)(const char *url,
                     void *user_data); /* reserved for sign-in by browser, as are the next two */
    const char *redirect_uri;
    const char *success_html;
    void (*device_prompt)(const char *user_code, const char *verification_uri,
                          const char *verification_uri_complete, int expires_in_s,
                          void *user_data); /* reserved for sign-in by device code */
    void *user_data;
} tacit_sign_in_options;
#define TACIT_SIGN_IN_OPTIONS_INIT TACIT_INIT(tacit_sign_in_options)

/*
 * Each waits until the sign-in is saved and in force, at most 30 s or options->timeout_ms. options
 * may be NULL. On success the session's earlier sign-in, if any, ends and its refresh token is
 * revoked; requests of that user end with TACIT_ERR_SIGNED_OUT. On failure the earlier sign-in
 * stays. A store that cannot save does not fail the sign-in: the session works from memory,
 * TACIT_EVENT_STORE_FAILED says so, and the record is saved when the store comes back.
 *
 * TACIT_ERR_OAUTH: the server said no; oauth_error is its code (RFC 6749 section 5.2),
 *   "invalid_grant" for a wrong password or a spent refresh token.
 * TACIT_ERR_SERVER: it answered 5xx or 429.
 * TACIT_ERR_PROTOCOL: what it answered is no token response.
 * TACIT_ERR_NETWORK, TACIT_ERR_TLS.
 * TACIT_ERR_TIMEOUT: the wait is over; a grant that was sent goes on and may still sign in.
 * TACIT_ERR_CANCELLED: by tacit_sign_in_cancel().
 * TACIT_ERR_BUSY: another sign-in is under way.
 * TACIT_ERR_CLOSED, _REENTRANT.
 */

/* Imports a refresh token and proves it with a refresh (RFC 6749 section 6), after which the server
 * may have replaced it. */
TACIT_API tacit_status tacit_sign_in_with_refresh_token(tacit_session *session,
                                                        const char *refresh_token,
                                                        const tacit_sign_in_options *options,
                                                        tacit_error *error);

/* Imports tokens that the app obtained by itself, without asking the server. expires_in_s: -1 or 0
 * where unknown (the exp of a JWT is used, else the token is used until a 401). refresh_token may
 * be NULL: then the sign-in ends with the token. */
TACIT_API tacit_status tacit_sign_in_with_tokens(tacit_session *session, const char *access_token,
                                                 int expires_in_s, const char *refresh_token,
                                                 tacit_error *error);

/* RFC 6749 section 4.3, for servers that have nothing better. The password is wiped when the grant
 * is over. */
TACIT_API tacit_status tacit_sign_in_with_password(tacit_session *session, const char *username,
                                                   const char *password,
                                                   const tacit_sign_in_options *options,
                                                   tacit_error *error);

/*
 * From another thread: the sign-in under way, if any, ends with TACIT_ERR_CANCELLED. A password
 * grant that was sent is dropped and what it brings is revoked; an imported refresh token that was
 * sent still signs in, since the server may have replaced it.
 */
TACIT_API void tacit_sign_in_cancel(tacit_session *session);

/*
 * Ends the sign-in of all sessions that share it: waiting requests are turned away with
 * TACIT_ERR_SIGNED_OUT and the tokens are gone from memory at once; then the refresh token is
 * revoked (RFC 7009; at most 5 s) and the record erased. Waits at most timeout_ms (default 30 s).
 * Signed out already: TACIT_OK. Whatever it answers, the session is signed out.
 * TACIT_ERR_STORE_*: the record could not be erased; tried again while the client lives.
 * TACIT_ERR_NETWORK, _TLS, _SERVER, _OAUTH, _PROTOCOL: erased, but the server could not be told.
 * TACIT_ERR_TIMEOUT: both go on in the background.
 * TACIT_ERR_CLOSED, TACIT_ERR_REENTRANT (on a thread of the library pass TACIT_NO_WAIT).
 */
TACIT_API tacit_status tacit_sign_out(tacit_session *session, int timeout_ms, tacit_error *error);

#ifdef __cplusplus
}
#endif
#endif
