/* Calls that go on without their caller: the handle, completions, futures, and what co_await takes. */
#ifndef TACIT_CXX_ASYNC_HPP
#define TACIT_CXX_ASYNC_HPP

#include <tacit/request.h>

#include <tacit/cxx/handle.hpp>
#include <tacit/cxx/request.hpp>
#include <tacit/cxx/sign_in.hpp>

#include <future>
#include <memory>
#include <mutex>
#include <type_traits>

#if defined(__has_include)
#if __has_include(<coroutine>) && defined(__cpp_impl_coroutine)
#include <coroutine>
#endif
#endif
#if defined(__cpp_lib_coroutine)
#define TACIT_CXX_COROUTINES 1
#else
#define TACIT_CXX_COROUTINES 0
#endif

namespace tacit {

/* Thread-safe but for moving and destroying, which gives up the handle, not the call. */
class call : public detail::handle<tacit_call, tacit_call_unref> {
  public:
    using handle::handle;

    /* Ends it with status::cancelled unless it is over; the completion still comes. */
    void cancel() const noexcept {
        tacit_call_cancel(get());
    }
    void pause() const noexcept {
        tacit_call_pause(get());
    }
    void resume() const noexcept {
        tacit_call_resume(get());
    }
};

/* One immutable access token. Thread-safe; its texts are valid as long as a handle is. */
class token : public detail::handle<tacit_token, tacit_token_unref> {
  public:
    using handle::handle;

    std::string_view value() const noexcept {
        return detail::view(tacit_token_value(get()));
    }
    std::string_view type() const noexcept {
        return detail::view(tacit_token_type(get()));
    }
    /* The header's value, "Bearer ey...". */
    std::string_view authorization() const noexcept {
        return detail::view(tacit_token_authorization(get()));
    }
    /* 0: over; none: unknown. */
    std::optional<std::chrono::seconds> expires_in() const noexcept {
        return detail::known_seconds(tacit_token_expires_in_s(get()));
    }
    std::uint64_t generation() const noexcept {
        return tacit_token_generation(get());
    }
    token share() const noexcept {
        return token(tacit_token_ref(get()));
    }
};

namespace detail {

/*
 * A completion and what its call needs, from the start to the end of the completion, which deletes
 * it. Out of a completion no exception comes: noexcept ends the program.
 */
template <class Done> struct sending {
    sending(tacit::request &&r, Done &&d) : request(std::move(r)), done(std::move(d)) {
    }
    static void finish(tacit_call *, tacit_response *response, const tacit_error *error,
                       void *data) noexcept {
        std::unique_ptr<sending> self(static_cast<sending *>(data));

        self->done(self->frame.outcome(response, error));
    }

    tacit::request request;
    request_frame frame = {request, true};
    Done done;
};

template <class Done> struct fetching {
    static void finish(tacit_call *, tacit_token *token, const tacit_error *error,
                       void *data) noexcept {
        std::unique_ptr<fetching> self(static_cast<fetching *>(data));
        result<tacit::token> answer(tacit::token{token});

        if (error) answer = tacit::error(*error);
        self->done(std::move(answer));
    }

    Done done;
};

template <class Done> struct signing {
    signing(const sign_in_options &o, tacit_session *session, Done &&d)
        : hooks(o, session), done(std::move(d)) {
    }
    static void finish(tacit_call *, tacit_response *, const tacit_error *error,
                       void *data) noexcept {
        std::unique_ptr<signing> self(static_cast<signing *>(data));

        self->done(self->hooks.outcome(error));
    }

    sign_in_hooks hooks;
    Done done;
};

/* box is C's from here on, and perhaps gone, unless there was no call. */
template <class Box>
result<call> started(std::unique_ptr<Box> &box, tacit_call *c, const tacit_error &error) {
    if (!c) return tacit::error(error);
    static_cast<void>(box.release());
    return result<call>(call(c));
}

/* start(completion) -> result<call>. What could not be started is in the future at once. */
template <class T, class Start> std::future<result<T>> future_of(Start &&start, call *running) {
    auto promise = std::make_shared<std::promise<result<T>>>();
    std::future<result<T>> future = promise->get_future();
    result<call> begun = start([promise](result<T> r) { promise->set_value(std::move(r)); });

    if (!begun)
        promise->set_value(std::move(begun).error());
    else if (running)
        *running = *std::move(begun);
    return future;
}

} // namespace detail

#if TACIT_CXX_COROUTINES

/*
 * What co_await takes, once; nothing happens before. Answers a result<T>. The coroutine goes on on the
 * dispatch thread, or where post leads; on its own thread, at once, where nothing could be started.
 * Destroying it while it waits cancels the call, and nothing of it is touched any more. That must
 * happen where completions run, or when none can come, since elsewhere it may be going on already.
 */
template <class T, class Start> class [[nodiscard]] awaitable {
  public:
    explicit awaitable(Start start) : start_(std::move(start)) {
    }
    awaitable(awaitable &&) = default;
    awaitable &operator=(awaitable &&) = delete;
    ~awaitable() {
        if (state_) abandon(*state_);
    }

    bool await_ready() const noexcept {
        return false;
    }
    /* After start() the coroutine may go on, and this be gone. */
    bool await_suspend(std::coroutine_handle<> waiting) {
        auto state = std::make_shared<shared>();
        Start start = std::move(start_);

        state_ = state;
        state->waiting = waiting;
        result<call> begun =
            start([state](result<T> outcome) { finish(*state, std::move(outcome)); });
        if (!begun) {
            state->over = true;
            state->outcome.emplace(std::move(begun).error());
            return false;
        }
        std::unique_lock<std::mutex> lock(state->mutex);
        if (!state->over) {
            state->running = *std::move(begun);
        } else {
            lock.unlock();
            begun->cancel(); /* it has gone on, or was destroyed */
        }
        return true;
    }
    result<T> await_resume() {
        return std::move(*state_->outcome);
    }

  private:
    struct shared {
        std::coroutine_handle<> waiting;
        std::mutex mutex;
        /* guarded by mutex until it is over */
        bool over = false; /* the outcome is there, or nobody wants it */
        call running;
        std::optional<result<T>> outcome;
    };

    static void finish(shared &state, result<T> &&outcome) {
        {
            std::lock_guard<std::mutex> lock(state.mutex);

            if (state.over) return;
            state.over = true;
            state.outcome.emplace(std::move(outcome));
        }
        state.waiting.resume();
    }
    static void abandon(shared &state) noexcept {
        call running;

        {
            std::lock_guard<std::mutex> lock(state.mutex);

            if (state.over) return;
            state.over = true;
            running = std::move(state.running);
        }
        running.cancel();
    }

    Start start_;
    std::shared_ptr<shared> state_;
};

namespace detail {
template <class T, class Start> awaitable<T, std::decay_t<Start>> awaitable_of(Start &&start) {
    return awaitable<T, std::decay_t<Start>>(std::forward<Start>(start));
}
} // namespace detail

#endif
} // namespace tacit

#endif
