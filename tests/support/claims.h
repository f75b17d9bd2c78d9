/* What the tests of id_tokens share. */
#ifndef TS_CLAIMS_H
#define TS_CLAIMS_H

#include "support/unit.h"
#include "support/world.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The options of a world whose sessions ask for an id_token. */
static inline world_options openid_options(void) {
    world_options options = {.session = TACIT_SESSION_OPTIONS_INIT};

    options.session.scope = "openid";
    return options;
}

/* From now on claims of id_tokens are these; NULL: as they are by themselves. */
static inline void set_claims(ts_server *server, const char *members) {
    ts_options options = server_options(server);

    options.id_token_members = members;
    server_configure(server, &options);
}

/* One claim of who is signed in; yours. NULL: none, or no id_token. */
static inline char *claim_of(tacit_session *session, const char *name) {
    tacit_error error;
    char *text = tacit_session_claims_json(session, &error);
    json_t *claims = text != NULL ? json_loads(text, 0, NULL) : NULL;
    const char *value = json_string_value(json_object_get(claims, name));
    char *copy = value != NULL ? strdup(value) : NULL;

    assert_int_equal(error.status, TACIT_OK);
    assert_true(text == NULL || claims != NULL);
    json_decref(claims);
    tacit_free(text);
    return copy;
}

/* expected NULL: there is none. */
static inline void assert_claim(tacit_session *session, const char *name, const char *expected) {
    char *value = claim_of(session, name);

    if (expected == NULL) assert_null(value);
    if (expected != NULL && value == NULL) fail_msg("no %s", name);
    if (expected != NULL) assert_string_equal(value, expected);
    free(value);
}

#endif
