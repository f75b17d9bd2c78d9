/* Stores in C++: a class, lambdas, and what they answer or throw. */
#include "scene.hpp"

#include <filesystem>
#include <map>
#include <stdexcept>

#include <unistd.h>

using tacit::result;
using tacit::status;
using record = std::optional<std::string>;

/* What stays when the store is gone. */
struct shelf {
    std::mutex mutex;
    std::map<std::string, std::string> records;
};

class shelf_store final : public tacit::store_backend {
  public:
    explicit shelf_store(std::shared_ptr<shelf> shelf) : shelf_(std::move(shelf)) {
    }
    result<record> load(std::string_view key) override {
        std::lock_guard<std::mutex> lock(shelf_->mutex);
        auto found = shelf_->records.find(std::string(key));

        return found == shelf_->records.end() ? record() : record(found->second);
    }
    result<void> save(std::string_view key, std::string_view bytes) override {
        std::lock_guard<std::mutex> lock(shelf_->mutex);

        shelf_->records[std::string(key)] = bytes;
        return {};
    }
    result<void> erase(std::string_view key) override {
        std::lock_guard<std::mutex> lock(shelf_->mutex);

        shelf_->records.erase(std::string(key));
        return {};
    }

  private:
    std::shared_ptr<shelf> shelf_;
};

static tacit::session open_another(scene &s, const tacit::client &client,
                                   const tacit::store &store) {
    tacit::session_options options;

    options.client_id = "test-client";
    options.origins = {s.url("")};
    options.store = &store;
    return must(tacit::session::open(client, s.provider, std::move(options)));
}

static void a_class_keeps_the_sign_in() {
    auto kept = std::make_shared<shelf>();
    std::weak_ptr<shelf> alive = kept;
    tacit::store_facts facts;
    tacit::session_options options;

    facts.description = "a shelf";
    facts.process_only = true;
    tacit::store store =
        must(tacit::store::custom(std::make_unique<shelf_store>(std::move(kept)), facts));
    CHECK(store.describe() == "a shelf");
    options.store = &store;
    {
        scene s({}, std::move(options));

        s.sign_in();
        CHECK(s.session.close() == status::ok);
        CHECK(alive.lock()->records.size() == 1);
        s.session = open_another(s, s.client, store);
        CHECK(must(s.session.load()) == tacit::session_state::signed_in);
        must(s.session.sign_out());
        CHECK(alive.lock()->records.empty());
    }
    CHECK(!alive.expired());
    tacit::store shared = store.share();
    store = {};
    CHECK(!alive.expired());
    shared = {};
    CHECK(alive.expired());
}

/* Loads with these functions; what the session says. */
static void a_sign_in_moves_to_another_store() {
    auto old_shelf = std::make_shared<shelf>(), new_shelf = std::make_shared<shelf>();
    tacit::store_facts facts;
    tacit::session_options first, second;

    facts.process_only = true;
    tacit::store from = must(tacit::store::custom(std::make_unique<shelf_store>(old_shelf), facts));
    tacit::store to = must(tacit::store::custom(std::make_unique<shelf_store>(new_shelf), facts));
    first.store = &from;
    scene s({}, std::move(first));
    s.sign_in();
    CHECK(s.session.close() == status::ok);
    second.client_id = "test-client";
    second.store = &to;
    second.previous_store = &from;
    s.session = must(tacit::session::open(s.client, s.provider, std::move(second)));
    CHECK(must(s.session.load()) == tacit::session_state::signed_in);
    CHECK(s.session.close() == status::ok);
    CHECK(old_shelf->records.empty());
    CHECK(new_shelf->records.size() == 1);
}

static result<tacit::session_state> load_with(tacit::store_functions functions) {
    tacit::store_facts facts;
    tacit::session_options options;

    facts.description = "lambdas";
    facts.process_only = true;
    if (!functions.save) functions.save = [](auto...) { return result<void>(); };
    functions.erase = [](auto...) { return result<void>(); };
    tacit::store store = must(tacit::store::custom(std::move(functions), facts));
    options.store = &store;
    scene s({}, std::move(options));
    return s.session.load();
}

static void what_lambdas_answer_is_told() {
    tacit::store_functions functions;

    functions.load = [](std::string_view) { return record(); };
    CHECK(must(load_with(functions)) == tacit::session_state::signed_out);
    functions.load = [](std::string_view) -> result<record> {
        return tacit::error(status::store_locked, "the drawer is locked", 13);
    };
    auto locked = load_with(functions);
    CHECK(fails_with(locked, status::store_locked) && locked.error().os_error() == 13);
    CHECK(locked.error().message().find("the drawer is locked") != std::string_view::npos);
    functions.load = [](std::string_view) { return record("this is no record"); };
    CHECK(fails_with(load_with(functions), status::store_corrupt));
    CHECK(fails_with(tacit::store::custom(tacit::store_functions()), status::invalid_argument));
    CHECK(fails_with(tacit::store::custom(std::unique_ptr<tacit::store_backend>()),
                     status::invalid_argument));
}

static void a_file_keeps_the_sign_in_under_a_key_of_the_app() {
    auto keys = std::make_shared<std::atomic<int>>(0);
    std::weak_ptr<std::atomic<int>> alive = keys;
    std::filesystem::path directory =
        std::filesystem::temp_directory_path() / ("tacit-cxx-" + std::to_string(getpid()));
    tacit::store_file_options file;
    tacit::session_options options;

    file.directory = directory.string();
    file.get_key = [keys = std::move(keys)](std::array<unsigned char, 32> &key) {
        key.fill(7);
        ++*keys;
        return status::ok;
    };
    tacit::store store = must(tacit::store::file(std::move(file)));
    options.store = &store;
    {
        scene s({}, std::move(options));

        s.sign_in();
        CHECK(s.session.close() == status::ok);
        s.session = open_another(s, s.client, store);
        CHECK(must(s.session.load()) == tacit::session_state::signed_in);
        CHECK(*alive.lock() > 0);
    }
    store = {};
    CHECK(alive.expired());
    file.get_key = nullptr;
    CHECK(fails_with(tacit::store::file(file), status::invalid_argument));
    std::filesystem::remove_all(directory);
}

#if TACIT_CXX_EXCEPTIONS
static void what_a_store_throws_is_its_failure() {
    tacit::store_functions functions;

    functions.load = [](std::string_view) -> result<record> {
        throw std::runtime_error("it burns");
    };
    auto burning = load_with(functions);
    CHECK(fails_with(burning, status::store_failed));
    CHECK(burning.error().message().find("it burns") != std::string_view::npos);
    functions.load = [](std::string_view) -> result<record> {
        return result<record>(tacit::error(status::store_unavailable, "not now")).value();
    };
    CHECK(fails_with(load_with(functions), status::store_unavailable));
    functions.load = [](std::string_view) -> result<record> { throw 7; };
    CHECK(fails_with(load_with(functions), status::store_failed));
}

static void what_a_key_throws_is_a_failure_of_the_store() {
    std::filesystem::path directory =
        std::filesystem::temp_directory_path() / ("tacit-cxx-" + std::to_string(getpid()));
    tacit::store_file_options file;
    tacit::session_options options;

    file.directory = directory.string();
    file.get_key = [](std::array<unsigned char, 32> &) -> status { throw 7; };
    tacit::store store = must(tacit::store::file(std::move(file)));
    options.store = &store;
    {
        scene s({}, std::move(options));

        s.sign_in(); /* in memory */
        CHECK(s.session.stats().last_error == TACIT_ERR_STORE_FAILED);
    }
    std::filesystem::remove_all(directory);
}
#endif

int main() {
    return run_tests({
        TEST(a_class_keeps_the_sign_in), TEST(a_sign_in_moves_to_another_store),
            TEST(what_lambdas_answer_is_told),
            TEST(a_file_keeps_the_sign_in_under_a_key_of_the_app),
#if TACIT_CXX_EXCEPTIONS
            TEST(what_a_store_throws_is_its_failure),
            TEST(what_a_key_throws_is_a_failure_of_the_store),
#endif
    });
}
