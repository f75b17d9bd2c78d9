/* Who is signed in, as the id_token says; and the URL that ends that with the server too. */
#include "support/apps.h"
#include "support/claims.h"
#include "support/fake_store.h"
#include "support/seen.h"
#include "support/sending.h"
#include "support/unit.h"

enum { PATIENCE_MS = WORLD_PATIENCE_MS };

/* ------------------------------------------------------------------ claims */

static void nobody_and_who_has_no_id_token_has_no_claims(void **state) {
    world *w = world_new(NULL);

    (void)state;
    assert_claim(world_session(w), "sub", NULL);
    world_sign_in(w);
    assert_claim(world_session(w), "sub", NULL);
    world_free(w);
}

static void claims_end_with_the_sign_in(void **state) {
    world_options options = openid_options();
    world *w = signed_in(&options);

    (void)state;
    assert_claim(world_session(w), "sub", "alice");
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_claim(world_session(w), "sub", NULL);
    world_sign_in(w);
    assert_claim(world_session(w), "sub", "alice");
    assert_int_equal(tacit_sign_in_with_tokens(world_session(w), "a", 60, NULL, NULL), TACIT_OK);
    assert_claim(world_session(w), "sub", NULL); /* of whoever that is */
    world_free(w);
}

static void refusal_of_the_refresh_token_ends_them_too(void **state) {
    world_options options = openid_options();
    world *w;

    (void)state;
    options.clock = true;
    w = signed_in(&options);
    server_revoke_family(world_server(w));
    tacit_session_refresh(world_session(w), TACIT_NO_WAIT, NULL);
    wait_sign_in_required(w);
    assert_claim(world_session(w), "sub", NULL);
    world_free(w);
}

static void claims_are_there_after_a_restart_without_a_request(void **state) {
    fake_store *store = fake_store_new();
    world_options options = openid_options();
    world *w;

    (void)state;
    options.store = fake_store_handle(store);
    w = signed_in(&options);
    server_counters_reset(world_server(w));
    fake_store_gate_close(store, FAKE_LOAD);
    world_restart(w);
    assert_claim(world_session(w), "sub", NULL); /* it never waits */
    fake_store_gate_open(store, FAKE_LOAD);
    assert_int_equal(tacit_session_load(world_session(w), PATIENCE_MS, NULL, NULL), TACIT_OK);
    assert_claim(world_session(w), "sub", "alice");
    assert_int_equal(server_counters(world_server(w)).requests, 0);
    world_free(w);
    fake_store_free(store);
}

/* As an earlier version of the library left it. */
static void record_without_an_id_token_loads(void **state) {
    fake_store *store = fake_store_new();
    world_options options = openid_options();
    char *record, *older;
    json_t *members;
    world *w;

    (void)state;
    options.store = fake_store_handle(store);
    w = signed_in(&options);
    record = fake_store_record(store);
    members = json_loads(record, 0, NULL);
    assert_int_equal(json_object_del(members, "id_token"), 0);
    older = json_dumps(members, JSON_COMPACT);
    fake_store_put(store, older);
    world_restart(w);
    assert_int_equal(tacit_session_load(world_session(w), PATIENCE_MS, NULL, NULL), TACIT_OK);

    assert_claim(world_session(w), "sub", NULL);
    assert_int_equal(world_get(w, "/api/x"), 200);
    json_decref(members);
    free(older);
    free(record);
    world_free(w);
    fake_store_free(store);
}

/* It may be junk, but junk without line ends. */
static void record_with_something_else_for_an_id_token_has_no_claims(void **state) {
    fake_store *store = fake_store_new();
    world_options options = openid_options();
    char *record, *odd;
    world *w;

    (void)state;
    options.store = fake_store_handle(store);
    w = signed_in(&options);
    record = fake_store_record(store);
    odd = fake_record_with(record, "id_token", "\"no.jwt.at-all\"");
    fake_store_put(store, odd);
    world_restart(w);
    assert_int_equal(tacit_session_load(world_session(w), PATIENCE_MS, NULL, NULL), TACIT_OK);
    assert_claim(world_session(w), "sub", NULL);
    assert_int_equal(tacit_session_refresh(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    assert_claim(world_session(w), "sub", "alice");
    free(odd);
    free(record);
    world_free(w);
    fake_store_free(store);
}

static void another_process_has_the_newest(void **state) {
    static const char *const arguments[] = {"--scope", "openid", NULL};
    apps p = apps_new(NULL, arguments);
    json_t *claims;

    (void)state;
    claims = app_ask(p.b, "claims");
    assert_string_equal(answer_text(claims, "claims.sub"), "alice");
    json_decref(claims);
    set_claims(p.server, "{\"name\":\"Alice Liddell\"}");
    server_revoke_access_tokens(p.server);
    ask_user(p.a, "alice");
    ask_user(p.b, "alice");

    claims = app_ask(p.b, "claims");
    assert_string_equal(answer_text(claims, "claims.name"), "Alice Liddell");
    assert_int_equal(server_counters(p.server).refreshes_ok, 1);
    json_decref(claims);
    apps_free(&p);
}

/* ------------------------------------------------------------------ the end of the session */

static char *end_url(world *w, const char *redirect_uri, tacit_status expected) {
    tacit_error error;
    char *url = tacit_session_end_session_url(world_session(w), redirect_uri, &error);

    assert_int_equal(error.status, expected);
    assert_int_equal(url != NULL, expected == TACIT_OK);
    return url;
}

/* What the server says that it was asked; yours. */
static json_t *visit(world *w, const char *url) {
    tacit_response *response;
    json_t *asked;

    assert_int_equal(tacit_get(world_session(w), url, &response, NULL), TACIT_OK);
    assert_int_equal(tacit_response_status(response), 200);
    asked = json_loads(tacit_response_body(response), 0, NULL);
    assert_non_null(asked);
    tacit_response_free(response);
    return asked;
}

static const char *asked_for(const json_t *asked, const char *name) {
    return json_string_value(json_object_get(asked, name));
}

static void server_understands_the_end_session_url(void **state) {
    static const char back[] = "com.example.app:/bye?a=1&b=\xC3\xA9 c";
    world_options options = openid_options();
    world *w = signed_in(&options);
    char *url = end_url(w, back, TACIT_OK);
    json_t *asked = visit(w, url);

    (void)state;
    assert_memory_equal(url, server_url(world_server(w), "/logout?"),
                        strlen(server_url(world_server(w), "/logout?")));
    assert_string_equal(asked_for(asked, "post_logout_redirect_uri"), back);
    assert_string_equal(asked_for(asked, "client_id"), "test-client");
    assert_memory_equal(asked_for(asked, "id_token_hint"), "eyJ", 3);
    assert_int_equal(json_object_size(asked), 3);
    json_decref(asked);
    tacit_free(url);
    world_free(w);
}

static void what_is_not_there_is_left_out(void **state) {
    world *w = signed_in(NULL);
    char *url = end_url(w, NULL, TACIT_OK);
    json_t *asked = visit(w, url);

    (void)state;
    assert_string_equal(asked_for(asked, "client_id"), "test-client");
    assert_int_equal(json_object_size(asked), 1);
    json_decref(asked);
    tacit_free(url);
    world_free(w);
}

/* A world whose server's metadata has these members too. */
static world *world_of_metadata(const char *members) {
    world_options options = openid_options();
    ts_options server = TS_OPTIONS_INIT;

    server.metadata_members = members;
    options.server = &server;
    return signed_in(&options);
}

static void query_of_the_endpoint_stays(void **state) {
    static const struct {
        const char *members, *begin;
    } rows[] = {
        {"{\"end_session_endpoint\":\"https://login.example/end\"}",
         "https://login.example/end?id_token_hint="},
        {"{\"end_session_endpoint\":\"https://login.example/end?tenant=a%26b\"}",
         "https://login.example/end?tenant=a%26b&id_token_hint="},
        {"{\"end_session_endpoint\":\"https://login.example/end?tenant=a&\"}",
         "https://login.example/end?tenant=a&id_token_hint="},
        {"{\"end_session_endpoint\":\"https://login.example/end#part\"}",
         "https://login.example/end?id_token_hint="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        world *w = world_of_metadata(rows[i].members);
        char *url = end_url(w, NULL, TACIT_OK);

        if (strncmp(url, rows[i].begin, strlen(rows[i].begin)) != 0) fail_msg("%.60s", url);
        tacit_free(url);
        world_free(w);
    }
}

static void server_without_the_endpoint_has_no_url(void **state) {
    world *w = world_of_metadata("{\"end_session_endpoint\":null}");

    (void)state;
    end_url(w, NULL, TACIT_ERR_UNSUPPORTED);
    world_free(w);
}

static void nobody_has_a_session_to_end(void **state) {
    world *w = world_new(NULL);

    (void)state;
    end_url(w, NULL, TACIT_ERR_SIGN_IN_REQUIRED);
    world_sign_in(w);
    tacit_free(end_url(w, NULL, TACIT_OK));
    assert_int_equal(tacit_sign_out(world_session(w), PATIENCE_MS, NULL), TACIT_OK);
    end_url(w, NULL, TACIT_ERR_SIGN_IN_REQUIRED);
    world_free(w);
}

/* Signed in without a word to the server, whose metadata nobody asked for yet. */
static void metadata_that_was_never_fetched_has_no_url(void **state) {
    world *w = world_new(&(world_options){.from_issuer = true});

    (void)state;
    assert_int_equal(tacit_sign_in_with_tokens(world_session(w), "a", 60, NULL, NULL), TACIT_OK);
    end_url(w, NULL, TACIT_ERR_UNSUPPORTED);
    assert_int_equal(server_counters(world_server(w)).requests, 0);
    world_sign_in(w);
    tacit_free(end_url(w, NULL, TACIT_OK));
    world_free(w);
}

static void closed_session_tells_nothing(void **state) {
    world_options options = openid_options();
    world *w = signed_in(&options);
    tacit_session *session = tacit_session_ref(world_session(w));
    tacit_error error;

    (void)state;
    world_close(w, PATIENCE_MS);
    assert_null(tacit_session_claims_json(session, &error));
    assert_int_equal(error.status, TACIT_ERR_CLOSED);
    assert_null(tacit_session_end_session_url(session, NULL, &error));
    assert_int_equal(error.status, TACIT_ERR_CLOSED);
    tacit_session_unref(session);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_and_who_has_no_id_token_has_no_claims),
        cmocka_unit_test(claims_end_with_the_sign_in),
        cmocka_unit_test(refusal_of_the_refresh_token_ends_them_too),
        cmocka_unit_test(claims_are_there_after_a_restart_without_a_request),
        cmocka_unit_test(record_without_an_id_token_loads),
        cmocka_unit_test(record_with_something_else_for_an_id_token_has_no_claims),
        cmocka_unit_test(another_process_has_the_newest),
        cmocka_unit_test(server_understands_the_end_session_url),
        cmocka_unit_test(what_is_not_there_is_left_out),
        cmocka_unit_test(query_of_the_endpoint_stays),
        cmocka_unit_test(server_without_the_endpoint_has_no_url),
        cmocka_unit_test(nobody_has_a_session_to_end),
        cmocka_unit_test(metadata_that_was_never_fetched_has_no_url),
        cmocka_unit_test(closed_session_tells_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
