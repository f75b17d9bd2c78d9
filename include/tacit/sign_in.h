/* How a session gets its first tokens, and how it ends. */
#ifndef TACIT_SIGN_IN_H
#define TACIT_SIGN_IN_H

#include <tacit/request.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tacit_sign_in_options {
    size_t struct_size;
    int timeout_ms; /* of the whole sign-in; 0 and -1: 5 min for the browser, the life of the device
                       code, else 30 s */
    const char *username, *password; /* for tacit_sign_in_async() */
    const char *scope;               /* instead of the session's */
    const char *const *params;       /* NULL-terminated "name=value", added to the authorization
                                        request (browser), the device authorization request, or the
                                        token request ("prompt=consent", "audience=...") */
    /* Shows the URL to the user. On the thread that signs in; false: it could not. NULL: the
     * system's browser. It must not wait for the browser, which is not answered before this has
     * returned; nor can the sign-in end before, whoever cancels it. The session and others go on. */
    bool (*open_url)(const char *url, void *user_data);
    /* Where the browser comes back to, as registered with the server. NULL: http://127.0.0.1:PORT/
     * with a free port. On a loopback address or localhost; a port that is given is used exactly,
     * port 0 is a free one ("http://127.0.0.1:0/callback"); "localhost" listens on both address
     * families. tacit_sign_in_browser_begin() takes any URI, "com.example.app:/signed-in" too. */
    const char *redirect_uri;
    const char *success_html; /* the page that the user sees in the end; NULL: a plain one */
    /* Shows the code to the user. On the thread that signs in, once; verification_uri_complete may
     * be NULL. The strings are borrowed for the call. */
    void (*device_prompt)(const char *user_code, const char *verification_uri,
                          const char *verification_uri_complete, int expires_in_s, void *user_data);
    void *user_data;
} tacit_sign_in_options;
#define TACIT_SIGN_IN_OPTIONS_INIT TACIT_INIT(tacit_sign_in_options)

/*
 * Each waits until the sign-in is saved and in force, at most options->timeout_ms. options may be
 * NULL. On success the session's earlier sign-in, if any, ends and its refresh token is
 * revoked; requests of that user end with TACIT_ERR_SIGNED_OUT. On failure the earlier sign-in
 * stays. A store that cannot save does not fail the sign-in: the session works from memory,
 * TACIT_EVENT_STORE_FAILED says so, and the record is saved when the store comes back.
 *
 * TACIT_ERR_OAUTH: the server said no; oauth_error is its code (RFC 6749 section 5.2),
 *   "invalid_grant" for a wrong password or a spent refresh token. Where a dialect says how to sign in,
 *   400, 401, 403 and 422 mean a wrong password; oauth_error is the server's own word for it, or
 *   "invalid_grant" where it has none.
 * TACIT_ERR_SERVER: it answered 5xx or 429.
 * TACIT_ERR_PROTOCOL: what it answered is no token response, or carries an id_token that is not for
 *   this sign-in (OpenID Connect Core section 3.1.3.7); what was granted is revoked.
 * TACIT_ERR_UNSUPPORTED: the server's metadata lacks the endpoint that this sign-in needs.
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

/* RFC 6749 section 4.3, for servers that have nothing better, or as the provider's dialect says. The
 * password is wiped when the grant is over. */
TACIT_API tacit_status tacit_sign_in_with_password(tacit_session *session, const char *username,
                                                   const char *password,
                                                   const tacit_sign_in_options *options,
                                                   tacit_error *error);

/*
 * Client credentials (RFC 6749 section 4.4), for programs that act for themselves: the session's
 * client_id and client_secret are the sign-in. The token is fetched again when it is due, also
 * after a restart, without another call, with the session's scope, resource and token_params: the
 * scope and params of options go into the first request only. No answer of the server signs out.
 * Session options without client_secret: TACIT_ERR_INVALID_ARGUMENT.
 */
TACIT_API tacit_status tacit_sign_in_with_client_credentials(tacit_session *session,
                                                             const tacit_sign_in_options *options,
                                                             tacit_error *error);

/*
 * The system's browser, never an embedded one (RFC 8252): authorization code with PKCE S256 (RFC
 * 7636), state and nonce; the issuer in the callback is checked (RFC 9207). A listener on loopback
 * is bound before the browser opens, and gone on return. Callbacks that are not the expected one
 * get a 404 and do not end the wait.
 * TACIT_ERR_ACCESS_DENIED: the user said no. TACIT_ERR_EXPIRED: nobody came back in time.
 * TACIT_ERR_OAUTH: the server's error, from the callback or the token endpoint.
 * TACIT_ERR_PROTOCOL: the callback names another issuer.
 * TACIT_ERR_NETWORK: the port is taken (os_error EADDRINUSE). TACIT_ERR_UNSUPPORTED: no browser
 *   could be opened; the message has no URL, so print it from open_url.
 */
TACIT_API tacit_status tacit_sign_in_with_browser(tacit_session *session,
                                                  const tacit_sign_in_options *options,
                                                  tacit_error *error);

/*
 * The same in two calls, for apps whose redirect_uri the system hands to them (a private-use URI
 * scheme, RFC 8252 section 7.1). begin answers the URL to open, yours to tacit_free(); it waits for
 * nothing but the server's metadata. It holds up no other sign-in; the next begin of the session
 * replaces it, and sign-in, sign-out, cancel and close end it. finish takes what the system
 * delivered, checks it as above, and waits for the token request, at most timeout_ms (default
 * 30 s). A callback that does not belong to what was begun is TACIT_ERR_INVALID_ARGUMENT and ends
 * nothing; nothing begun, or finished already: TACIT_ERR_INVALID_ARGUMENT.
 */
TACIT_API char *tacit_sign_in_browser_begin(tacit_session *session,
                                            const tacit_sign_in_options *options,
                                            tacit_error *error);
TACIT_API tacit_status tacit_sign_in_browser_finish(tacit_session *session,
                                                    const char *callback_url, int timeout_ms,
                                                    tacit_error *error);

/*
 * Device authorization (RFC 8628), for devices without a browser: device_prompt shows the code, the
 * user enters it elsewhere, the server is polled at the interval that it asks for. Trouble on the
 * network between polls ends nothing.
 * TACIT_ERR_INVALID_ARGUMENT: no device_prompt. TACIT_ERR_ACCESS_DENIED: the user said no.
 * TACIT_ERR_EXPIRED: the code ran out, or timeout_ms did.
 */
TACIT_API tacit_status tacit_sign_in_with_device_code(tacit_session *session,
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
 * TACIT_ERR_SIGNED_OUT and the tokens are gone from memory at once; then the refresh token and the
 * access tokens that live are revoked (RFC 7009, or the dialect's sign_out with the one that it takes;
 * at most 5 s in all) and the record erased. Waits at most timeout_ms (default 30 s).
 * Signed out already: TACIT_OK. Whatever it answers, the session is signed out.
 * TACIT_ERR_STORE_*: the record could not be erased; tried again while the client lives.
 * TACIT_ERR_NETWORK, _TLS, _SERVER, _OAUTH, _PROTOCOL: erased, but the server could not be told.
 * TACIT_ERR_TIMEOUT: both go on in the background.
 * TACIT_ERR_CLOSED, TACIT_ERR_REENTRANT (on a thread of the library pass TACIT_NO_WAIT).
 */
TACIT_API tacit_status tacit_sign_out(tacit_session *session, int timeout_ms, tacit_error *error);

/* What tacit_sign_in_async() signs in with. */
typedef enum tacit_grant {
    TACIT_GRANT_BROWSER = 1,
    TACIT_GRANT_DEVICE_CODE = 2,
    TACIT_GRANT_PASSWORD = 3, /* options->username and password */
    TACIT_GRANT_CLIENT_CREDENTIALS = 4
} tacit_grant;

/*
 * The same without waiting: on a thread of its own, where open_url and device_prompt run too. done
 * gets the outcome exactly once, with response NULL, on the dispatch thread or through post; it may
 * run before this has returned. tacit_call_cancel() ends it as tacit_sign_in_cancel() does. options
 * are copied. Never blocks, so that it works on every thread.
 * The call is yours to give up with tacit_call_unref(). NULL: done is not called, and error says
 * why: TACIT_ERR_INVALID_ARGUMENT, _CLOSED, _FORKED, _NO_MEMORY (no thread either), _UNSUPPORTED
 * (built without that grant).
 */
TACIT_API tacit_call *tacit_sign_in_async(tacit_session *session, tacit_grant grant,
                                          const tacit_sign_in_options *options, tacit_done_fn done,
                                          void *user_data, tacit_error *error);
/* Cancelling the call ends the wait; the sign-out goes on. */
TACIT_API tacit_call *tacit_sign_out_async(tacit_session *session, int timeout_ms,
                                           tacit_done_fn done, void *user_data, tacit_error *error);

/*
 * The claims of the id_token that came with the sign-in, or with a refresh since, as JSON text
 * (OpenID Connect Core section 2), in memory or as loaded from the store: who is signed in. For
 * show: it was checked when it came, and may have expired since. Yours: tacit_free(). Never waits.
 * NULL with TACIT_OK: there is none, or nobody is signed in. NULL with TACIT_ERR_CLOSED, _FORKED,
 * _NO_MEMORY, _INVALID_ARGUMENT.
 */
TACIT_API char *tacit_session_claims_json(tacit_session *session, tacit_error *error);

/*
 * The URL that ends the user's session with the server too (OpenID Connect RP-Initiated Logout
 * section 2), to be opened in the browser; ask before tacit_sign_out(), which forgets the id_token
 * that stands in it. post_logout_redirect_uri: as registered with the server, or NULL. Yours:
 * tacit_free(). Never waits for the network.
 * NULL: TACIT_ERR_UNSUPPORTED (the server's metadata has no end_session_endpoint, or was never
 * fetched), _SIGN_IN_REQUIRED (nobody is signed in), _CLOSED, _FORKED, _NO_MEMORY,
 * _INVALID_ARGUMENT.
 */
TACIT_API char *tacit_session_end_session_url(tacit_session *session,
                                              const char *post_logout_redirect_uri,
                                              tacit_error *error);

#ifdef __cplusplus
}
#endif
#endif
