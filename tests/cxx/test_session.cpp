/* Clients, stores, sessions, tokens and events; what keeps their callbacks, and for how long. */
#include "scene.hpp"

using tacit::status;

static void a_session_signs_in_and_out() {
    scene s;

    CHECK(must(s.session.load()) == tacit::session_state::signed_out);
    CHECK(fails_with(s.session.get(s.url("/api/x")), status::sign_in_required));
    s.sign_in();
    CHECK(s.session.state() == tacit::session_state::signed_in);
    CHECK(must(s.session.get(s.url("/api/x"))).status() == 200);
    CHECK(!must(s.session.claims_json()));
    CHECK(s.session.stats().requests > 0 && s.client.stats().sessions == 1);
    must(s.session.sign_out());
    CHECK(s.session.state() == tacit::session_state::signed_out);
}

static void a_token_is_shared_and_renewed() {
    scene s;
    tacit::token token = must(s.sign_in().session.token());
    tacit::token other = token.share();

    CHECK(other.value() == token.value() && token.type() == "Bearer");
    CHECK(token.authorization() == "Bearer " + std::string(token.value()));
    CHECK(token.generation() == 1 && token.expires_in().value() > 3000s);
    CHECK(must(s.session.renew(token)).generation() == 2);
    must(s.session.refresh());
    CHECK(must(s.session.token()).generation() == 3);
}

static void every_grant_signs_in() {
    scene s;
    tacit::sign_in_options options;
    browser *person = browser_new(BROWSER_SIGNS_IN);
    ts_options fast = server_options(s.server);
    char *refresh_token = server_sign_in(s.server, "alice", "mail", nullptr);

    must(s.session.sign_in_with_refresh_token(refresh_token));
    free(refresh_token);
    CHECK(must(s.session.token()).generation() >= 1);
    must(s.session.sign_in_with_tokens("token", 60s));
    CHECK(must(s.session.token()).value() == "token");

    options.open_url = [&](std::string_view url) {
        return browser_open(std::string(url).c_str(), person);
    };
    must(s.session.sign_in_with_browser(options));
    browser_free(person);

    fast.device_interval = "1";
    server_configure(s.server, &fast);
    options.device_prompt = [&](const tacit::device_prompt &prompt) {
        CHECK(prompt.expires_in == 600s && !prompt.verification_uri.empty());
        server_device_approve(s.server, std::string(prompt.user_code).c_str());
    };
    must(s.session.sign_in_with_device_code(options));
    CHECK(must(s.session.get(s.url("/api/x"))).ok());
}

static void a_browser_sign_in_comes_in_two_parts() {
    scene s;
    browser *person = browser_new(BROWSER_STOPS_THERE);
    tacit::sign_in_options options;

    options.redirect_uri = "com.example.app:/signed-in";
    options.scope = "openid";
    std::string url = must(s.session.sign_in_browser_begin(options));
    CHECK(browser_open(url.c_str(), person));
    CHECK(fails_with(s.session.sign_in_browser_finish("com.example.app:/other?code=1&state=2"),
                     status::invalid_argument));
    must(s.session.sign_in_browser_finish(std::string_view(browser_callback(person))));
    browser_free(person);

    CHECK(must(s.session.claims_json())->find("\"sub\"") != std::string::npos);
    CHECK(must(s.session.end_session_url()).find("/logout?") != std::string::npos);
}

static void what_the_server_refuses_is_told() {
    scene s;
    auto wrong = s.session.sign_in_with_password("alice", "wrong");

    CHECK(fails_with(wrong, status::oauth) && wrong.error().oauth_error() == "invalid_grant");
}

/* ------------------------------------------------------------------ events */

static void events_come_until_the_session_is_closed() {
    auto seen = std::make_shared<std::vector<tacit::event_type>>();
    std::weak_ptr<std::vector<tacit::event_type>> alive = seen;
    auto signed_in = std::make_shared<tally>();
    tacit::session_options options;

    options.on_event = [seen, signed_in](tacit::session_ref &session, const tacit::event &event) {
        CHECK(session.state() != tacit::session_state::unknown && !event.message.empty());
        seen->push_back(event.type);
        if (event.type == tacit::event_type::signed_in) signed_in->add();
    };
    {
        scene s({}, std::move(options));

        s.sign_in();
        signed_in->wait(1, "the event of the sign-in");
        CHECK(seen->front() == tacit::event_type::loaded);
        seen.reset();
        CHECK(!alive.expired());
    }
    CHECK(alive.expired());
}

static void an_event_may_close_the_session() {
    tacit::session *victim = nullptr;
    tally closed;
    tacit::session_options options;

    options.on_event = [&](tacit::session_ref &ref, const tacit::event &event) {
        if (event.type != tacit::event_type::signed_in) return;
        victim->close(tacit::no_wait);
        CHECK(fails_with(ref.token(), status::closed));
        closed.add();
    };
    scene s({}, std::move(options));
    victim = &s.session;
    must(s.session.share().sign_in_with_password("alice", "wonderland"));
    closed.wait(1, "the session is closed");
    CHECK(!s.session);
}

static void a_session_that_was_not_opened_keeps_nothing() {
    auto kept = std::make_shared<int>();
    std::weak_ptr<int> alive = kept;
    scene s;
    tacit::session_options options; /* without a client_id */

    options.store = &s.store;
    options.on_event = [kept = std::move(kept)](tacit::session_ref &, const tacit::event &) {};
    CHECK(fails_with(tacit::session::open(s.client, s.provider, std::move(options)),
                     status::invalid_argument));
    CHECK(alive.expired());
}

static void an_event_says_when_the_sign_in_ends_and_what_is_odd() {
    std::atomic<tacit::anomaly> odd{tacit::anomaly::none};
    tally signed_in, anomalies;
    tacit::session_options options;

    options.on_event = [&](tacit::session_ref &, const tacit::event &event) {
        if (event.type == tacit::event_type::signed_in) {
            CHECK(event.sign_in_ends_in > 86000s && event.anomaly == tacit::anomaly::none);
            signed_in.add();
        }
        if (event.type != tacit::event_type::anomaly) return;
        odd = event.anomaly;
        anomalies.add();
    };
    scene s({}, std::move(options));
    ts_options server = server_options(s.server);
    server.extra_members = "{\"refresh_token_expires_in\": 86400}";
    server_configure(s.server, &server);
    s.sign_in();
    signed_in.wait(1, "the event of the sign-in");
    CHECK(s.session.stats().sign_in_ends_in_s > 86000 && s.session.stats().slides == 0);

    server_revoke_family(s.server);
    CHECK(fails_with(s.session.get(s.url("/api/x")), status::sign_in_required));
    anomalies.wait(1, "the refresh token was refused before its time");
    CHECK(odd == tacit::anomaly::refused_early);
}

static void a_provider_reads_a_captured_answer() {
    scene s;
    std::string_view answer = "{\"access_token\":\"abcd-the-rest\",\"token_type\":\"Bearer\","
                              "\"expires_in\":60}";
    std::string read = must(s.provider.read_answer(tacit::answer_kind::sign_in, answer));

    CHECK(read.find("abcd") != std::string::npos && read.find("the-rest") == std::string::npos);
    CHECK(fails_with(s.provider.read_answer(tacit::answer_kind::refresh, {}),
                     status::invalid_argument));
}

static void the_sliding_policy_wants_a_header() {
    scene s;
    tacit::session_options options;

    options.client_id = "test-client";
    options.store = &s.store;
    options.policy = tacit::policy::sliding;
    CHECK(
        fails_with(tacit::session::open(s.client, s.provider, options), status::invalid_argument));
    auto provider =
        must(tacit::provider::from_json(std::string("{\"token_endpoint\":\"") + s.url("/token") +
                                        "\",\"dialect\":{\"sliding_header\":\"X-New-Token\"}}"));
    CHECK(must(tacit::session::open(s.client, provider, options)));
}

/* ------------------------------------------------------------------ the client's callbacks */

static void a_client_keeps_its_callbacks_as_long_as_it_needs_them() {
    auto lines = std::make_shared<tally>();
    std::weak_ptr<tally> alive = lines;
    tacit::client_options options;
    tacit::token token;

    options.log_level = tacit::log_level::debug;
    options.log = [lines = std::move(lines)](tacit::log_level, std::string_view line) {
        CHECK(line.find("wonderland") == std::string_view::npos);
        lines->add();
    };
    {
        scene s(std::move(options));

        options = {};
        token = must(s.sign_in().session.token());
        CHECK(alive.lock()->count() > 0);
    }
    CHECK(!alive.expired()); /* a token is masked in the log, even now */
    token = {};
    CHECK(alive.expired());
}

static void a_client_that_was_not_made_keeps_nothing() {
    auto kept = std::make_shared<int>();
    std::weak_ptr<int> alive = kept;
    tacit::client_options options;

    options.ca_file = "/nonexistent/ca.pem";
    options.log = [kept = std::move(kept)](tacit::log_level, std::string_view) {};
    CHECK(fails_with(tacit::client::make(std::move(options)), status::invalid_argument));
    CHECK(alive.expired());
}

class still_clock final : public tacit::clock {
  public:
    std::chrono::milliseconds boot() noexcept override {
        return std::chrono::milliseconds(now_ms);
    }
    std::chrono::milliseconds wall() noexcept override {
        return std::chrono::milliseconds(now_ms) + 1600000000s;
    }
    std::atomic<std::int64_t> now_ms{1000000};
};

static void a_clock_can_be_moved_by_hand() {
    auto clock = std::make_shared<still_clock>();
    tacit::client_options options;

    options.clock = clock;
    scene s(std::move(options));
    tacit::token token = must(s.sign_in().session.token());

    CHECK(token.expires_in() == 3600s);
    clock->now_ms += 600000;
    s.client.clock_moved();
    CHECK(token.expires_in() == 3000s);
    clock->now_ms += 4000000;
    CHECK(token.expires_in() == 0s);
}

static void a_sign_in_has_the_age_that_the_app_grants_it() {
    auto clock = std::make_shared<still_clock>();
    tally required;
    tacit::client_options client_options;
    tacit::session_options options;

    client_options.clock = clock;
    options.max_age = 8h;
    options.max_idle = 15min;
    options.on_event = [&](tacit::session_ref &, const tacit::event &event) {
        if (event.type == tacit::event_type::sign_in_required) required.add();
    };
    scene s(std::move(client_options), std::move(options));
    s.sign_in();
    clock->now_ms += 600000;
    s.client.clock_moved();
    CHECK(must(s.session.get(s.url("/api/x"))).ok());
    clock->now_ms += 901000;
    s.client.clock_moved();
    required.wait(1, "the sign-in ends");
    CHECK(fails_with(s.session.get(s.url("/api/x")), status::sign_in_required));
}

/* Or a deadline that has passed already would lift the limit. */
static void a_limit_below_zero_is_refused() {
    scene s;
    tacit::session_options idle, age;

    idle.client_id = age.client_id = "test-client";
    idle.store = age.store = &s.store;
    idle.max_idle = -1s;
    age.max_age = -8h;
    CHECK(fails_with(tacit::session::open(s.client, s.provider, idle), status::invalid_argument));
    CHECK(fails_with(tacit::session::open(s.client, s.provider, age), status::invalid_argument));
}

int main() {
    return run_tests({
        TEST(a_session_signs_in_and_out),
        TEST(a_token_is_shared_and_renewed),
        TEST(every_grant_signs_in),
        TEST(a_browser_sign_in_comes_in_two_parts),
        TEST(what_the_server_refuses_is_told),
        TEST(events_come_until_the_session_is_closed),
        TEST(an_event_may_close_the_session),
        TEST(a_session_that_was_not_opened_keeps_nothing),
        TEST(an_event_says_when_the_sign_in_ends_and_what_is_odd),
        TEST(a_provider_reads_a_captured_answer),
        TEST(the_sliding_policy_wants_a_header),
        TEST(a_client_keeps_its_callbacks_as_long_as_it_needs_them),
        TEST(a_client_that_was_not_made_keeps_nothing),
        TEST(a_clock_can_be_moved_by_hand),
        TEST(a_sign_in_has_the_age_that_the_app_grants_it),
        TEST(a_limit_below_zero_is_refused),
    });
}
