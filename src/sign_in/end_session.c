/* The end of the user's session with the server: a page of the server's, for the browser. */
#include <tacit/sign_in.h>

#include "base/buffer.h"
#include "base/error.h"
#include "session/client.h"
#include "session/discover.h"
#include "session/failure.h"
#include "session/identity.h"
#include "session/session.h"
#include "transport/url.h"

#include <string.h>

static void append(ti_buffer *query, const char *name, const char *value) {
    if (value != NULL) ti_buffer_append_form(query, name, value, strlen(value));
}

/* OpenID Connect RP-Initiated Logout section 2. NULL: no memory. */
static char *build_url(const char *endpoint, const ti_secret *id_token, const char *client_id,
                       const char *post_logout_redirect_uri) {
    ti_buffer query = TI_BUFFER_SECRET, url = TI_BUFFER_SECRET;

    append(&query, "id_token_hint", ti_secret_data(id_token));
    append(&query, "client_id", client_id);
    append(&query, "post_logout_redirect_uri", post_logout_redirect_uri);
    ti_url_append_query(&url, endpoint, &query);
    ti_buffer_free(&query);
    if (url.failed) ti_buffer_free(&url);
    return url.data;
}

/* Before the metadata is asked for, which may be on the disk. */
static bool is_signed_in(const tacit_session *session, ti_secret **id_token, tacit_error *error) {
    bool signed_in;

    *id_token = ti_session_id_token(session, &signed_in);
    if (!signed_in) ti_error_sign_in_required(error);
    return signed_in;
}

static char *end_session_url(const tacit_session *session, const char *post_logout_redirect_uri,
                             tacit_error *error) {
    const ti_identity *identity = session->identity;
    ti_secret *id_token;
    ti_metadata *metadata;
    const char *endpoint;
    char *url = NULL;

    if (!is_signed_in(session, &id_token, error)) return NULL;
    metadata = ti_discover_known(identity->client, session->view->grant.provider);
    endpoint = metadata == NULL ? NULL : ti_metadata_end_session_endpoint(metadata);
    if (endpoint != NULL) {
        url = build_url(endpoint, id_token, identity->client_id, post_logout_redirect_uri);
        if (url != NULL)
            ti_error_clear(error);
        else
            ti_error_no_memory(error);
    } else {
        ti_error_set(error, TACIT_ERR_UNSUPPORTED,
                     metadata == NULL ? "The server's metadata was not fetched yet."
                                      : "The server's metadata has no end_session_endpoint.");
    }
    ti_metadata_unref(metadata);
    ti_secret_unref(id_token);
    return url;
}

char *tacit_session_end_session_url(tacit_session *session, const char *post_logout_redirect_uri,
                                    tacit_error *error) {
    char *url;

    if (post_logout_redirect_uri != NULL && *post_logout_redirect_uri == '\0') {
        ti_error_argument(error, "post_logout_redirect_uri", "is empty");
        return NULL;
    }
    if (!ti_session_enter(session, error)) return NULL;
    url = end_session_url(session, post_logout_redirect_uri, error);
    ti_session_leave(session);
    return url;
}
