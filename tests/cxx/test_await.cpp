/* Coroutines that wait for calls, from C++20 on. */
#include "scene.hpp"

#if TACIT_CXX_COROUTINES

#include <thread>

using tacit::status;

/* A coroutine that begins at once; destroying it destroys the frame, wherever that has come to. */
class task {
  public:
    struct promise_type {
        task get_return_object() {
            return task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_never initial_suspend() noexcept {
            return {};
        }
        std::suspend_always final_suspend() noexcept {
            return {};
        }
        void return_void() {
        }
        void unhandled_exception() {
            std::abort();
        }
    };

    task(task &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {
    }
    ~task() {
        if (handle_) handle_.destroy();
    }

  private:
    explicit task(std::coroutine_handle<promise_type> handle) : handle_(handle) {
    }
    std::coroutine_handle<promise_type> handle_;
};

/* Adds when the frame goes. */
struct farewell {
    tally &gone;
    ~farewell() {
        gone.add();
    }
};

static task work(scene &s, tally &done) {
    tacit::sign_in_options options;

    options.username = "alice";
    options.password = "wonderland";
    must(co_await s.session.sign_in_await(tacit::grant::password, options));
    tacit::token token = must(co_await s.session.token_await());
    tacit::request request = s.to("/api/x");
    tacit::response response = must(co_await s.session.send_await(std::move(request)));
    CHECK(response.status() == 200 && token.generation() == 1);
    auto renewed = co_await s.session.token_await(&token);
    CHECK(renewed->generation() == 2);
    must(co_await s.session.sign_out_await());
    auto refused = co_await s.session.send_await(s.to("/api/x"));
    CHECK(fails_with(refused, status::sign_in_required));
    done.add();
}

static void a_coroutine_does_one_thing_after_the_other() {
    scene s;
    tally done;
    task working = work(s, done);

    done.wait(1, "the coroutine is over");
    must(s.client.shutdown());
}

static task ask_elsewhere(scene &s, bool &answered) {
    tacit::request request;

    request.url = "http://127.0.0.1:1/";
    auto refused = co_await s.session.send_await(std::move(request));
    answered = fails_with(refused, status::origin_not_allowed);
}

static void what_cannot_be_started_goes_on_at_once() {
    scene s;
    bool answered = false;
    task asking = ask_elsewhere(s, answered);

    CHECK(answered);
}

static task ask(scene &s, tally &gone, tally &answered) {
    farewell bye{gone};
    auto response = co_await s.session.send_await(s.to("/api/x"));

    CHECK(response.has_value());
    answered.add();
}

static void a_coroutine_may_be_destroyed_while_it_waits() {
    scene s;
    tally gone, answered;

    s.sign_in().hold_api();
    {
        task first = ask(s, gone, answered), second = ask(s, gone, answered);

        s.wait_held(2);
    }
    CHECK(gone.count() == 2);
    must(s.client.shutdown());
    s.let_go();
    CHECK(gone.count() == 2 && answered.count() == 0);
}

static task ask_and_look(scene &s, std::thread::id &where, bool &over) {
    auto response = co_await s.session.send_await(s.to("/api/x"));

    CHECK(response.has_value());
    where = std::this_thread::get_id();
    over = true;
}

static void a_coroutine_stays_on_the_loop_of_the_app() {
    loop events;
    tacit::client_options options;
    std::thread::id where;
    bool over = false;
    tally gone, answered;

    options.post = [&](tacit::job job) { return events.post(job); };
    scene s(std::move(options));
    s.sign_in();
    task asking = ask_and_look(s, where, over);
    events.run([&] { return over; });
    CHECK(where == std::this_thread::get_id());

    { /* on the loop's own thread it may be destroyed at any time: nothing comes in between */
        task dropped = ask(s, gone, answered);
    }
    over = false;
    task last = ask_and_look(s, where, over);
    events.run([&] { return over; });
    CHECK(gone.count() == 1 && answered.count() == 0);
}

static task close_it(scene &s, tally &done) {
    must(co_await s.session.token_await());
    s.session = {}; /* on the dispatch thread */
    done.add();
}

static void a_coroutine_may_close_its_session() {
    scene s;
    tally done;

    s.sign_in();
    task closing = close_it(s, done);
    done.wait(1, "it is closed");
    must(s.client.shutdown());
}

static void what_nobody_awaits_never_begins() {
    scene s;

    s.sign_in();
    static_cast<void>(s.session.send_await(s.to("/api/x")));
    CHECK(server_counters(s.server).api_requests == 0);
}

int main() {
    return run_tests({
        TEST(a_coroutine_does_one_thing_after_the_other),
        TEST(what_cannot_be_started_goes_on_at_once),
        TEST(a_coroutine_may_be_destroyed_while_it_waits),
        TEST(a_coroutine_stays_on_the_loop_of_the_app),
        TEST(a_coroutine_may_close_its_session),
        TEST(what_nobody_awaits_never_begins),
    });
}

#else

int main() {
    return run_tests({});
}

#endif
