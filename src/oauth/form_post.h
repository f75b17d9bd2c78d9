/* A POST of a form to the authorization server, on a fresh connection that is not kept (R17). */
#ifndef TI_FORM_POST_H
#define TI_FORM_POST_H

#include "oauth/grant.h"

typedef struct ti_form_post {
    ti_buffer body;
    ti_buffer username, password; /* client_secret_basic, form-encoded */
    bool basic;
    const char *const *token_headers; /* borrowed, as is what follows */
    const ti_secret *client_secret;
    const atomic_bool *cancelled; /* NULL: it cannot be (R4) */
} ti_form_post;
#define TI_FORM_POST_INIT                                                                          \
    { .body = TI_BUFFER_SECRET, .username = TI_BUFFER_SECRET, .password = TI_BUFFER_SECRET }
void ti_form_post_free(ti_form_post *post);

/* Fields, in the order of the calls; NULL: left out. What finds no memory shows when it is sent. */
void ti_form_post_text(ti_form_post *post, const char *name, const char *value);
void ti_form_post_secret(ti_form_post *post, const char *name, const ti_secret *value);
/* NULL-terminated "name=value"; NULL: none. */
void ti_form_post_params(ti_form_post *post, const char *const *params);
/* Who asks (RFC 6749 section 2.3.1), as the server takes it. TACIT_ERR_UNSUPPORTED: it takes neither Basic nor post. */
tacit_status ti_form_post_client(ti_form_post *post, const ti_grant_client *client,
                                 const ti_metadata *metadata, tacit_error *error);

/* answer->sent is set as far as it came. */
tacit_status ti_form_post_send(ti_form_post *post, ti_transport *transport, const char *endpoint,
                               int64_t deadline_boot_ms, ti_http_answer *answer,
                               tacit_error *error);

/* Some servers quote the token in their description; from there on it is cut. secret may be NULL. */
void ti_form_post_mask(tacit_error *error, const ti_secret *secret);

#endif
