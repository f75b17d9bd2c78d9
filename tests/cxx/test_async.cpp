/* Calls that go on without their caller: each completion comes once, whatever it does, and what it
 * holds is gone afterwards. */
#include "scene.hpp"

#include <future>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

using tacit::result;
using tacit::status;

/* ------------------------------------------------------------------ requests and tokens */

static void a_request_goes_on_without_its_caller() {
    scene s;
    tally done;
    auto kept = std::make_shared<int>(0);
    std::weak_ptr<int> alive = kept;
    tacit::request request = s.sign_in().to("/api/echo");

    request.body = "hello";
    tacit::call call = must(s.session.send_async(
        std::move(request), [&done, kept = std::move(kept)](result<tacit::response> response) {
            CHECK(has(must(std::move(response)), "\"body\":\"hello\""));
            done.add();
        }));
    done.wait(1, "the answer");
    call.cancel();
    call = {};
    must(s.client.shutdown());
    CHECK(done.count() == 1 && alive.expired());
}

/* A completion that can only be moved, and whose call was given up at once. */
static void a_call_may_be_given_up_at_once() {
    scene s;
    std::promise<int> promise;
    std::future<int> future = promise.get_future();

    must(s.sign_in().session.send_async(
        s.to("/api/x"), [promise = std::move(promise)](result<tacit::response> response) mutable {
            promise.set_value(response ? response->status() : 0);
        }));
    CHECK(future.get() == 200);
}

static void a_token_comes_without_waiting() {
    scene s;
    tally done;
    tacit::token first;

    s.sign_in();
    must(s.session.token_async([&](result<tacit::token> token) {
        first = must(std::move(token));
        done.add();
    }));
    done.wait(1, "a token");
    CHECK(first.generation() == 1);
    CHECK(must(s.session.token_future(&first).get()).generation() == 2);
    must(s.session.sign_out());
    CHECK(fails_with(s.session.token_future().get(), status::sign_in_required));
}

static void sign_in_and_sign_out_need_not_wait() {
    scene s;
    tacit::sign_in_options options;

    options.username = "alice";
    options.password = "wrong";
    CHECK(
        fails_with(s.session.sign_in_future(tacit::grant::password, options).get(), status::oauth));
    options.password = "wonderland";
    must(s.session.sign_in_future(tacit::grant::password, options).get());
    CHECK(s.session.state() == tacit::session_state::signed_in);
    must(s.session.sign_out_future().get());
    CHECK(s.session.state() == tacit::session_state::signed_out);
}

static void futures_have_values_and_errors() {
    scene s;
    tacit::call call;

    s.sign_in();
    CHECK(must(s.session.send_future(s.to("/api/x")).get()).status() == 200);
    tacit::request elsewhere;
    elsewhere.url = "http://127.0.0.1:1/";
    CHECK(fails_with(s.session.send_future(elsewhere).get(), status::origin_not_allowed));

    s.hold_api();
    auto future = s.session.send_future(s.to("/api/x"), &call);
    s.wait_held(1);
    call.cancel();
    CHECK(fails_with(future.get(), status::cancelled));
    s.let_go();
}

/* ------------------------------------------------------------------ where nothing was taken over */

static void what_could_not_be_started_is_never_done() {
    scene s;
    auto kept = std::make_shared<int>();
    std::weak_ptr<int> alive = kept;
    tacit::request request;
    auto never = [kept = std::move(kept)](auto &&...) {
        check(false, "called", __FILE__, __LINE__);
    };

    request.url = "http://127.0.0.1:1/";
    CHECK(fails_with(s.session.send_async(request, never), status::origin_not_allowed));
    request.url = std::string("a\0b", 3);
    CHECK(fails_with(s.session.send_async(request, never), status::invalid_argument));
    tacit::session closed = std::move(s.session);
    tacit::session_ref ref = closed.share();
    closed.close();
    CHECK(fails_with(ref.token_async(never), status::closed));
    CHECK(fails_with(ref.sign_out_async(never), status::closed));
    CHECK(
        fails_with(ref.sign_in_async(tacit::grant::browser, {}, std::move(never)), status::closed));
    CHECK(alive.expired());
}

/* ------------------------------------------------------------------ what a completion may do */

static void it_may_free_its_call() {
    scene s;
    tally done;
    auto call = std::make_shared<tacit::call>();
    std::promise<void> stored;
    std::shared_future<void> is_stored = stored.get_future();

    s.sign_in();
    *call = must(s.session.send_async(s.to("/api/x"), [&, call, is_stored](auto response) {
        is_stored.wait();
        *call = {};
        CHECK(must(std::move(response)).ok());
        done.add();
    }));
    stored.set_value();
    done.wait(1, "the answer");
}

static void it_may_cancel_others() {
    enum { OTHERS = 20 };
    scene s;
    tally cancelled, done;
    std::vector<tacit::call> others;

    s.sign_in().hold_api();
    for (int i = 0; i < OTHERS; i++)
        others.push_back(must(s.session.send_async(s.to("/api/x"), [&](auto response) {
            CHECK(fails_with(response, status::cancelled));
            cancelled.add();
        })));
    must(s.session.token_async([&](auto) {
        for (tacit::call &call : others) call.cancel();
        done.add();
    }));
    cancelled.wait(OTHERS, "all are cancelled");
    must(s.client.shutdown());
    CHECK(cancelled.count() == OTHERS && done.count() == 1);
    s.let_go();
}

static void send_anew(scene &s, tally &done, int left) {
    must(s.session.send_async(s.to("/api/x"), [&s, &done, left](auto response) {
        CHECK(must(std::move(response)).ok());
        if (left > 0) send_anew(s, done, left - 1);
        done.add();
    }));
}

static void it_may_send_anew() {
    scene s;
    tally done;

    send_anew(s.sign_in(), done, 9);
    done.wait(10, "one after the other");
}

static void it_may_close_the_session() {
    enum { OTHERS = 20 };
    scene s;
    tally closed, done;

    s.sign_in().hold_api();
    for (int i = 0; i < OTHERS; i++)
        must(s.session.send_async(s.to("/api/x"), [&](auto response) {
            CHECK(fails_with(response, status::closed));
            closed.add();
        }));
    must(s.session.token_async([&](auto token) {
        CHECK(token.has_value());
        s.session = {};
        done.add();
    }));
    done.wait(1, "the session is closed");
    closed.wait(OTHERS, "its calls have ended");
    must(s.client.shutdown());
    CHECK(closed.count() == OTHERS);
    s.let_go();
}

static void a_session_closes_with_calls_in_the_air() {
    enum { CALLS = 200 };
    scene s;
    tally done;
    auto kept = std::make_shared<int>();
    std::weak_ptr<int> alive = kept;

    s.sign_in().hold_api();
    for (int i = 0; i < CALLS; i++)
        must(s.session.send_async(s.to("/api/x"), [&done, kept](auto response) {
            CHECK(fails_with(response, status::closed));
            done.add();
        }));
    kept.reset();
    CHECK(s.session.close() == status::ok);
    done.wait(CALLS, "all have ended");
    must(s.client.shutdown());
    CHECK(done.count() == CALLS && alive.expired());
    s.let_go();
}

/* ------------------------------------------------------------------ streams */

static void a_stream_pauses_and_goes_on() {
    scene s;
    tally paused, done;
    std::string text;
    bool first = true;
    tacit::request request = s.sign_in().to("/api/bytes?n=100000");

    request.write = [&](std::string_view piece) {
        if (std::exchange(first, false)) {
            paused.add();
            return tacit::flow::pause;
        }
        text += piece;
        return tacit::flow::go_on;
    };
    tacit::call call = must(s.session.send_async(std::move(request), [&](auto response) {
        CHECK(must(std::move(response)).ok());
        done.add();
    }));
    paused.wait(1, "the stream pauses");
    CHECK(done.count() == 0);
    call.resume();
    done.wait(1, "the stream goes on");
    CHECK(text.size() == 100000);
}

static void a_body_is_borrowed_from_its_owner() {
    auto owner = std::make_shared<std::string>(100000, 'b');
    std::weak_ptr<std::string> alive = owner;
    scene s;
    tacit::request request = s.sign_in().to("/api/echo");

    request.body_view = *owner;
    request.body_owner = owner;
    owner.reset();
    CHECK(has(must(s.session.send_future(std::move(request)).get()), std::string(100000, 'b')));
    must(s.client.shutdown());
    CHECK(alive.expired());
}

/* ------------------------------------------------------------------ the app's own loop */

static void completions_run_on_the_loop_of_the_app() {
    auto events = std::make_shared<loop>();
    std::thread::id here = std::this_thread::get_id();
    std::weak_ptr<loop> alive = events;
    tacit::client_options options;
    int done = 0;

    options.post = [events](tacit::job job) { return events->post(job); };
    {
        scene s(std::move(options));

        options = {};
        s.sign_in();
        for (int i = 0; i < 5; i++)
            must(s.session.send_async(s.to("/api/x"), [&](auto response) {
                CHECK(must(std::move(response)).ok() && std::this_thread::get_id() == here);
                done++;
            }));
        events->run([&] { return done == 5; });
        must(s.session.token_async([&](auto) { s.session = {}; }));
        events->run([&] { return !s.session; });
    }
    events.reset();
    CHECK(alive.expired());
}

/* ------------------------------------------------------------------ exceptions */

#if TACIT_CXX_EXCEPTIONS

static void what_is_thrown_goes_to_its_handler() {
    scene s;
    tally caught, done;

    s.sign_in();
    for (int i = 0; i < 5; i++) {
        must(s.session.send_async(s.to("/api/x"),
                                  tacit::catching([](result<tacit::response>) { throw 7; },
                                                  [&](std::exception_ptr) { caught.add(); })));
        must(s.session.send_async(s.to("/api/x"), [&](auto) { done.add(); }));
    }
    caught.wait(5, "all are caught");
    done.wait(5, "the others are not harmed");
}

static void a_callback_that_throws_ends_its_request() {
    scene s;
    tacit::request request = s.sign_in().to("/api/bytes?n=100000");

    request.write = [](std::string_view) -> tacit::flow { throw std::string("enough"); };
    auto failed = s.session.send_future(std::move(request)).get();
    CHECK(fails_with(failed, status::cancelled) && failed.error().cause());
    try {
        std::rethrow_exception(failed.error().cause());
    } catch (const std::string &what) {
        CHECK(what == "enough");
    }
}

static void a_prompt_that_throws_ends_its_sign_in() {
    scene s;
    tacit::sign_in_options options;

    options.device_prompt = [](const tacit::device_prompt &) { throw 7; };
    auto failed = s.session.sign_in_future(tacit::grant::device_code, options).get();
    CHECK(fails_with(failed, status::cancelled) && failed.error().cause());
}

/* In a process of its own, which ends as terminate says. */
static void throws_out_of_a_completion() {
    std::set_terminate([] { _exit(42); });
    scene s;
    tally never;

    s.sign_in();
    must(s.session.send_async(s.to("/api/x"), [](auto) { throw 7; }));
    never.wait(1, "the program ends");
}

static void what_nobody_handles_ends_the_program() {
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        throws_out_of_a_completion();
        _exit(1);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

#endif

int main() {
    return run_tests({
#if TACIT_CXX_EXCEPTIONS
        TEST(what_nobody_handles_ends_the_program), /* first: it forks */
            TEST(what_is_thrown_goes_to_its_handler), TEST(a_callback_that_throws_ends_its_request),
            TEST(a_prompt_that_throws_ends_its_sign_in),
#endif
            TEST(a_request_goes_on_without_its_caller), TEST(a_call_may_be_given_up_at_once),
            TEST(a_token_comes_without_waiting), TEST(sign_in_and_sign_out_need_not_wait),
            TEST(futures_have_values_and_errors), TEST(what_could_not_be_started_is_never_done),
            TEST(it_may_free_its_call), TEST(it_may_cancel_others), TEST(it_may_send_anew),
            TEST(it_may_close_the_session), TEST(a_session_closes_with_calls_in_the_air),
            TEST(a_stream_pauses_and_goes_on), TEST(a_body_is_borrowed_from_its_owner),
            TEST(completions_run_on_the_loop_of_the_app),
    });
}
