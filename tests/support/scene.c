#include "support/scene.h"

#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

scene scene_begin_signed_out(const ts_options *server, bool from_issuer) {
    scene s = {.store = fake_store_new()};
    world_options options = {.server = server,
                             .store = fake_store_handle(s.store),
                             .from_issuer = from_issuer,
                             .clock = true,
                             .session = TACIT_SESSION_OPTIONS_INIT};

    options.session.scope = "openid";
    s.world = world_new(&options);
    s.server = world_server(s.world);
    return s;
}

scene scene_begin(const ts_options *server, bool from_issuer) {
    scene s = scene_begin_signed_out(server, from_issuer);
    tacit_error error;

    s.refresh = server_sign_in(s.server, "bob", NULL, &s.access);
    assert_int_equal(
        tacit_sign_in_with_tokens(world_session(s.world), s.access, 24 * 3600, s.refresh, &error),
        TACIT_OK);
    s.record = fake_store_record(s.store);
    s.saved = fake_store_saved_count(s.store);
    assert_non_null(s.record);
    return s;
}

void scene_end(scene *s) {
    world_free(s->world);
    fake_store_free(s->store);
    free(s->access);
    free(s->refresh);
    free(s->record);
}

/* What was granted to alice is revoked. */
static bool only_bob_is_left(void *data) {
    const scene *s = data;
    ts_counters counters = server_counters(s->server);

    return counters.live_refresh_tokens == (s->record ? 1 : 0);
}

static void assert_bob_is_signed_in(const scene *s) {
    tacit_token *token = world_token(s->world);

    assert_non_null(token);
    assert_string_equal(tacit_token_value(token), s->access);
    assert_int_equal(world_get(s->world, "/api/x"), 200);
    assert_true(server_refresh_token_is_live(s->server, s->refresh));
    assert_int_equal(server_counters(s->server).refresh_grants, 0);
    tacit_token_unref(token);
}

void assert_nothing_happened(scene *s) {
    char *record = fake_store_record(s->store);

    assert_int_equal(fake_store_saved_count(s->store), s->saved);
    assert_int_equal(fake_store_calls(s->store, FAKE_ERASE), 0);
    if (s->record) {
        assert_string_equal(record, s->record);
        assert_bob_is_signed_in(s);
    } else {
        assert_null(record);
        assert_int_equal(tacit_session_get_state(world_session(s->world)), TACIT_STATE_SIGNED_OUT);
        assert_int_equal(world_event_count(s->world, TACIT_EVENT_SIGNED_IN), 0);
    }
    world_wait(only_bob_is_left, s, "what was granted is revoked");
    free(record);
}

void assert_clear(const tacit_error *error, tacit_status status, const char *why) {
    size_t size = strlen(error->message);

    if (error->status != status) {
        fail_msg("%s: %s (%s)", why, tacit_status_name(error->status), error->message);
    }
    if (size < 10 || strpbrk(error->message, "\r\n\033") || strstr(error->message, "Hotel") ||
        strstr(error->message, "Gateway")) {
        fail_msg("%s: \"%s\"", why, error->message);
    }
}

const bad_id_token bad_id_tokens[BAD_ID_TOKENS] = {
    {"{\"iss\":\"https://evil.example\"}", "another issuer"},
    {"{\"iss\":null}", "no issuer"},
    {"{\"sub\":null}", "no subject"},
    {"{\"sub\":\"\"}", "an empty subject"},
    {"{\"aud\":\"other-client\"}", "another client"},
    {"{\"aud\":[\"other-client\"]}", "another client in a list"},
    {"{\"aud\":[]}", "no client"},
    {"{\"aud\":null}", "no audience"},
    {"{\"aud\":[\"test-client\",\"other-client\"]}", "two clients without azp"},
    {"{\"aud\":[\"test-client\",\"other-client\"],\"azp\":\"other-client\"}", "issued to another"},
    {"{\"azp\":\"other-client\"}", "azp of another"},
    {"{\"exp\":1000000000}", "over since 2001"},
    {"{\"exp\":null}", "no end"},
    {"{\"exp\":\"tomorrow\"}", "an end that is none"},
    {"{\"nonce\":\"other\"}", "another nonce"}, /* by browser only, from here */
    {"{\"nonce\":null}", "no nonce"},
    {"{\"nonce\":7}", "a nonce that is no text"},
};
