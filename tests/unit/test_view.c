#include "session/view.h"

#include "tests/support/unit.h"

#include "session/client.h"
#include "session/identity.h"

#include <stdlib.h>
#include <string.h>

#define HOUR_MS INT64_C(3600000)
#define WALL_MS INT64_C(1767225600000)
#define BOOT_MS INT64_C(5000000)

/* A client with a clock, and an identity that is signed in; nothing of it works by itself. */
typedef struct scene {
    tacit_client client;
    ti_identity identity;
    tacit_provider *provider;
    int64_t boot_ms, wall_ms;
} scene;

static int64_t boot_ms(void *data) {
    return ((scene *)data)->boot_ms;
}

static int64_t wall_ms(void *data) {
    return ((scene *)data)->wall_ms;
}

static scene *new_scene(void) {
    scene *s = calloc(1, sizeof *s);
    tacit_clock clock = {sizeof clock, boot_ms, wall_ms, s};

    assert_non_null(s);
    s->boot_ms = BOOT_MS;
    s->wall_ms = WALL_MS;
    s->client.context = ti_context_new(&(tacit_client_options){.clock = &clock});
    s->identity.client = &s->client;
    s->identity.client_id = "app";
    s->identity.state = TACIT_STATE_SIGNED_IN;
    s->identity.refresh_token = ti_secret_from_string("refresh");
    s->identity.journal.sign_in_id.bytes[0] = 1;
    s->provider = tacit_provider_from_json(
        "{\"issuer\":\"https://i\",\"token_endpoint\":\"https://i/t\"}", NULL);
    assert_non_null(s->client.context);
    assert_non_null(s->provider);
    return s;
}

static void free_scene(scene *s) {
    ti_views_reset_locked(&s->identity);
    assert_null(s->identity.views);
    ti_secret_unref(s->identity.refresh_token);
    ti_context_unref(s->client.context);
    tacit_provider_unref(s->provider);
    free(s);
}

static ti_view *find(scene *s, const tacit_session_options *options) {
    tacit_session_options o = TACIT_SESSION_OPTIONS_INIT;
    ti_view *view =
        ti_view_find_locked(&s->identity, s->provider, options == NULL ? &o : options, NULL);

    assert_non_null(view);
    return view;
}

static void release(scene *s, ti_view *view) {
    ti_view_release_locked(&s->identity, view);
}

static ti_record_token stored(int64_t expires_wall_ms, int64_t lifetime_ms) {
    return (ti_record_token){.value = ti_secret_from_string("access"),
                             .generation = 4,
                             .expires_wall_ms = expires_wall_ms,
                             .lifetime_ms = lifetime_ms};
}

/* ------------------------------------------------------------------ which view */

static void sessions_that_ask_for_the_same_share_a_view(void **state) {
    static const char *const params[] = {"audience=a", NULL};
    static const char *const same[] = {"audience=a", NULL}, *const other[] = {"audience=b", NULL};
    tacit_session_options o = {.scope = "a b", .token_params = params, .client_secret = "s"};
    tacit_session_options changed[] = {o, o, o, o, o, o, o};
    scene *s = new_scene();
    ti_view *view = find(s, &o), *again;

    (void)state;
    changed[0].token_params = same;
    again = find(s, &changed[0]);
    assert_ptr_equal(again, view);
    assert_int_equal(view->users, 2);
    release(s, again);
    changed[1].scope = "a";
    changed[2].resource = "https://r";
    changed[3].token_params = other;
    changed[4].client_secret = "t";
    changed[5].policy = TACIT_POLICY_REACTIVE;
    changed[6].refresh_lead_s = 5;
    for (int i = 1; i <= 6; i++) {
        again = find(s, &changed[i]);
        if (again == view) fail_msg("%d", i);
        release(s, again);
    }
    release(s, view);
    free_scene(s);
}

/* ------------------------------------------------------------------ what a record brings (R13) */

typedef struct clamp_case {
    int64_t left_ms, lifetime_ms; /* by the wall clock, and as granted */
    int64_t expected_ms;          /* what it lives; -1: unknown */
    const char *why;
} clamp_case;

static void wall_clock_is_believed_within_the_lifetime(void **state) {
    static const clamp_case cases[] = {
        {1000, HOUR_MS, 1000, "a second is left"},
        {HOUR_MS, HOUR_MS, HOUR_MS, "all of it"},
        {HOUR_MS + 1, HOUR_MS, HOUR_MS, "the wall clock went back"},
        {60 * 365 * 24 * HOUR_MS, HOUR_MS, HOUR_MS, "a device that boots in 1970"},
        {0, HOUR_MS, 0, "over just now"},
        {-1, HOUR_MS, 0, "over"},
        {-365 * 24 * HOUR_MS, HOUR_MS, 0, "over for a year"},
        {1000, -1, -1, "an expiry without a lifetime"},
        {1000, 0, 0, "no lifetime at all"},
        {INT64_C(1) << 52, INT64_C(1) << 53, INT64_C(1) << 52, "as long as a record can say"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scene *s = new_scene();
        ti_view *view = find(s, NULL);
        ti_record_token found = stored(WALL_MS + cases[i].left_ms, cases[i].lifetime_ms);
        int64_t left_ms;

        ti_view_adopt_locked(&s->identity, view, &found);
        assert_non_null(view->token);
        left_ms =
            view->token->expires_boot_ms == TI_NEVER ? -1 : view->token->expires_boot_ms - BOOT_MS;
        if (left_ms != cases[i].expected_ms) fail_msg("%s: %lld", cases[i].why, (long long)left_ms);
        assert_int_equal(view->current_id, view->token->id);
        assert_int_equal(view->token->generation, 4);
        assert_true(view->token_adopted);
        ti_secret_unref(found.value);
        release(s, view);
        free_scene(s);
    }
}

static void unknown_expiry_is_used_until_a_401(void **state) {
    scene *s = new_scene();
    ti_view *view = find(s, NULL);
    ti_record_token found = stored(-1, HOUR_MS);

    (void)state;
    ti_view_adopt_locked(&s->identity, view, &found);
    assert_int_equal(view->token->expires_boot_ms, TI_NEVER);
    assert_int_equal(view->due_boot_ms, TI_NEVER);
    ti_secret_unref(found.value);
    release(s, view);
    free_scene(s);
}

static void token_reads_back_from_its_record_with_the_life_that_is_left(void **state) {
    scene *s = new_scene();
    ti_view *view = find(s, NULL);
    ti_record_token found = stored(WALL_MS + 1000, HOUR_MS), kept;

    (void)state;
    ti_view_adopt_locked(&s->identity, view, &found);
    ti_view_token_to_record(view->key, view->token, &kept);
    assert_int_equal(kept.expires_wall_ms, found.expires_wall_ms);
    assert_int_equal(kept.lifetime_ms, found.lifetime_ms);
    assert_int_equal(kept.generation, found.generation);
    assert_string_equal(kept.view, view->key);
    assert_true(ti_secret_equal(kept.value, found.value));
    ti_secret_unref(kept.value);
    ti_secret_unref(found.value);
    release(s, view);
    free_scene(s);
}

/* ------------------------------------------------------------------ parked */

static void token_of_a_view_that_goes_is_parked_once(void **state) {
    scene *s = new_scene();
    ti_record_token found = stored(WALL_MS + HOUR_MS, HOUR_MS);

    (void)state;
    for (int i = 0; i < 3; i++) {
        ti_view *view = find(s, NULL);

        assert_int_equal(s->identity.parked_count, 0);
        if (i == 0) ti_view_adopt_locked(&s->identity, view, &found);
        assert_int_equal(tacit_token_generation(view->token), 4);
        release(s, view);
        assert_int_equal(s->identity.parked_count, 1);
    }
    ti_secret_unref(found.value);
    free_scene(s);
}

/* ------------------------------------------------------------------ when */

static void view_without_a_token_is_due_within_a_minute_where_it_can_get_one(void **state) {
    scene *s = new_scene();
    ti_view *view = find(s, NULL), *other;

    (void)state;
    assert_in_range(view->due_boot_ms, BOOT_MS, BOOT_MS + 59999);
    ti_secret_unref(s->identity.refresh_token);
    s->identity.refresh_token = NULL;
    other = find(s, &(tacit_session_options){.scope = "other"});
    assert_int_equal(other->due_boot_ms, TI_NEVER);
    release(s, other);
    release(s, view);
    free_scene(s);
}

static void reset_forgets_tokens_wants_and_what_is_parked(void **state) {
    scene *s = new_scene();
    ti_view *view = find(s, NULL), *parked = find(s, &(tacit_session_options){.scope = "p"});
    ti_record_token found = stored(WALL_MS + HOUR_MS, HOUR_MS);

    (void)state;
    ti_view_adopt_locked(&s->identity, view, &found);
    ti_view_adopt_locked(&s->identity, parked, &found);
    release(s, parked);
    assert_true(ti_views_have_token_locked(&s->identity, view));
    view->wanted_generation = view->wanted_attempt = view->anew_attempt = 9;
    view->retry_anyway = true;
    ti_views_reset_locked(&s->identity);

    assert_null(view->token);
    assert_int_equal(view->current_id, 0);
    assert_int_equal(view->due_boot_ms, TI_NEVER);
    assert_int_equal(view->wanted_generation, 0);
    assert_int_equal(view->wanted_attempt, 0);
    assert_int_equal(view->anew_attempt, 0);
    assert_false(view->retry_anyway);
    assert_int_equal(s->identity.parked_count, 0);
    assert_false(ti_views_have_token_locked(&s->identity, NULL));
    ti_secret_unref(found.value);
    release(s, view);
    free_scene(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_that_ask_for_the_same_share_a_view),
        cmocka_unit_test(wall_clock_is_believed_within_the_lifetime),
        cmocka_unit_test(unknown_expiry_is_used_until_a_401),
        cmocka_unit_test(token_reads_back_from_its_record_with_the_life_that_is_left),
        cmocka_unit_test(token_of_a_view_that_goes_is_parked_once),
        cmocka_unit_test(view_without_a_token_is_due_within_a_minute_where_it_can_get_one),
        cmocka_unit_test(reset_forgets_tokens_wants_and_what_is_parked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
