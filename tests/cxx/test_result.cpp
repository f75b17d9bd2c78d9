/* Results, errors, strings and times, without a server. */
#include "check.hpp"

#include <memory>
#include <string>

using namespace std::chrono_literals;
using tacit::result;
using tacit::status;

static_assert(sizeof(tacit::client) == sizeof(void *) && sizeof(tacit::provider) == sizeof(void *));
static_assert(sizeof(tacit::session) == sizeof(void *) &&
              sizeof(tacit::session_ref) == sizeof(void *));
static_assert(sizeof(tacit::token) == sizeof(void *) && sizeof(tacit::response) == sizeof(void *));
static_assert(sizeof(tacit::call) == sizeof(void *) && sizeof(tacit::store) == sizeof(void *));
static_assert(!std::is_copy_constructible_v<tacit::session> &&
              std::is_nothrow_move_constructible_v<tacit::session> &&
              std::is_nothrow_move_assignable_v<tacit::session>);

static tacit::error broken() {
    return {status::network, "It broke.", 5};
}

static void a_value_is_there_or_an_error() {
    result<std::string> good(std::string("value")), bad(broken());

    CHECK(good && good.has_value() && *good == "value" && good->size() == 5);
    CHECK(!bad && bad.error().status() == status::network && bad.error().os_error() == 5);
    CHECK(bad.error().message() == "It broke.");
    CHECK(std::string(to_string(bad.error().status())) == "TACIT_ERR_NETWORK");
    CHECK(bad.value_or("other") == "other" && good.value_or("other") == "value");
}

static void what_only_moves_moves_out() {
    result<std::unique_ptr<int>> good(std::make_unique<int>(7));
    std::unique_ptr<int> out = std::move(good).value();

    CHECK(*out == 7);
}

static void results_chain() {
    result<int> good(20), bad(broken());
    auto half = [](int n) { return n % 2 ? result<int>(broken()) : result<int>(n / 2); };
    auto text = [](int n) { return std::to_string(n); };

    CHECK(*good.and_then(half).and_then(half).transform(text) == "5");
    CHECK(good.and_then(half).and_then(half).and_then(half).error().status() == status::network);
    CHECK(!bad.and_then(half).transform(text));
    CHECK(*bad.or_else([](const tacit::error &) { return result<int>(1); }) == 1);
    CHECK(*good.or_else([](const tacit::error &) { return result<int>(1); }) == 20);
}

/* std::apply() is not what their functions mean, whatever the types of std here. */
static void results_of_std_types_chain() {
    result<std::string> good(std::string("value"));
    std::function<std::size_t(const std::string &)> size = &std::string::size;

    CHECK(*good.transform(size) == 5);
    CHECK(*good.and_then([](const std::string &s) { return result<std::string>(s + "s"); }) ==
          "values");
    CHECK(*std::move(good).transform([](std::string s) { return s + s; }) == "valuevalue");
}

static void results_without_a_value_chain_too() {
    result<void> good, bad(broken());
    int runs = 0;

    CHECK(*good.transform([&] { return ++runs; }) == 1);
    CHECK(good.and_then([&] { return ++runs, result<void>(); }));
    CHECK(!bad.and_then([&] { return ++runs, result<void>(); }));
    CHECK(bad.or_else([](const tacit::error &) { return result<void>(); }));
    CHECK(result<int>(1).transform([&](int n) { runs += n; }).has_value());
    CHECK(runs == 3);
    good.value();
}

static void a_long_message_is_cut() {
    tacit::error error(status::file, std::string(1000, 'x'));

    CHECK(error.message() == std::string(383, 'x'));
}

static void only_a_view_is_copied() {
    const char *literal = "literal";
    std::string string = "string";
    tacit::text of_literal(literal), of_string(string),
        of_view(std::string_view("viewed").substr(2)), of_nothing(nullptr),
        of_no_view{std::string_view()};
    tacit::error why;

    CHECK(of_literal.c_str() == literal && of_string.c_str() == string.c_str());
    CHECK(std::string(of_view.c_str()) == "ewed");
    CHECK(!of_nothing.c_str() && !of_no_view.c_str());
    CHECK(of_view.check("x", why) && of_nothing.check("x", why));
}

static void a_nul_inside_is_refused() {
    std::string cut("a\0b", 3);
    tacit::client_options options;
    tacit::error why;

    CHECK(!tacit::text(cut).check("secret", why) && why.status() == status::invalid_argument);
    CHECK(why.message() == "secret has a NUL inside.");
    CHECK(!tacit::text(std::string_view(cut)).check("secret", why));
    options.user_agent = cut;
    CHECK(fails_with(tacit::client::make(options), status::invalid_argument));
    CHECK(fails_with(tacit::provider::from_json(cut), status::invalid_argument));
}

static void a_timeout_is_never_the_default_by_accident() {
    CHECK(tacit::timeout().argument() == TACIT_TIMEOUT_DEFAULT);
    CHECK(tacit::timeout(-1ms).argument() == 0 && tacit::timeout(0s).argument() == 0);
    CHECK(tacit::timeout(0s).option() == 1 && tacit::timeout().option() <= 0);
    CHECK(tacit::timeout(1us).argument() == 1 && tacit::timeout(5s).argument() == 5000);
    CHECK(tacit::timeout(100000h).argument() == INT_MAX);
    CHECK(tacit::timeout(std::chrono::hours::max()).argument() == INT_MAX);
    CHECK(tacit::timeout(std::chrono::hours::min()).argument() == 0);
    CHECK(tacit::timeout::never().argument() == INT_MAX && tacit::no_wait.argument() == 0);
}

static void what_the_library_refuses_is_told() {
    auto bad = tacit::provider::from_json("{");

    CHECK(fails_with(bad, status::invalid_argument) && !bad.error().message().empty());
    CHECK(fails_with(tacit::session().get("https://api.example/"), status::invalid_argument));
    CHECK(fails_with(tacit::session().load(), status::invalid_argument));
    CHECK(tacit::session().state() == tacit::session_state::unknown);
    CHECK(tacit::version() == "0.1.0");
}

#if TACIT_CXX_EXCEPTIONS
static void value_throws_where_there_is_none() {
    bool thrown = false;

    try {
        result<int>(broken()).value();
    } catch (const std::exception &e) {
        thrown = std::string(e.what()) == "It broke.";
        CHECK(dynamic_cast<const tacit::exception &>(e).error().status() == status::network);
    }
    CHECK(thrown);
}

static void a_handler_gets_what_is_thrown() {
    int caught = 0;
    auto callback = tacit::catching(
        [](int n) {
            if (n > 1) throw n;
        },
        [&](std::exception_ptr) { caught++; });

    callback(1);
    callback(2);
    callback(3);
    CHECK(caught == 2);
}
#endif

int main() {
    return run_tests({
        TEST(a_value_is_there_or_an_error), TEST(what_only_moves_moves_out), TEST(results_chain),
            TEST(results_of_std_types_chain), TEST(results_without_a_value_chain_too),
            TEST(a_long_message_is_cut), TEST(only_a_view_is_copied), TEST(a_nul_inside_is_refused),
            TEST(a_timeout_is_never_the_default_by_accident),
            TEST(what_the_library_refuses_is_told),
#if TACIT_CXX_EXCEPTIONS
            TEST(value_throws_where_there_is_none), TEST(a_handler_gets_what_is_thrown),
#endif
    });
}
