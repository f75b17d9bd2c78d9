/* What went wrong: a value, or an exception for those who like it. */
#ifndef TACIT_CXX_ERROR_HPP
#define TACIT_CXX_ERROR_HPP

#include <tacit/error.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS) || defined(_CPPUNWIND)
#define TACIT_CXX_EXCEPTIONS 1
#else
#define TACIT_CXX_EXCEPTIONS 0
#endif

namespace tacit {

enum class status : int {
    ok = TACIT_OK,
    invalid_argument = TACIT_ERR_INVALID_ARGUMENT,
    no_memory = TACIT_ERR_NO_MEMORY,
    unsupported = TACIT_ERR_UNSUPPORTED,
    reentrant = TACIT_ERR_REENTRANT,
    forked = TACIT_ERR_FORKED,
    closed = TACIT_ERR_CLOSED,
    cancelled = TACIT_ERR_CANCELLED,
    busy = TACIT_ERR_BUSY,
    network = TACIT_ERR_NETWORK,
    tls = TACIT_ERR_TLS,
    timeout = TACIT_ERR_TIMEOUT,
    insecure_url = TACIT_ERR_INSECURE_URL,
    origin_not_allowed = TACIT_ERR_ORIGIN_NOT_ALLOWED,
    too_large = TACIT_ERR_TOO_LARGE,
    body_not_replayable = TACIT_ERR_BODY_NOT_REPLAYABLE,
    file = TACIT_ERR_FILE,
    sign_in_required = TACIT_ERR_SIGN_IN_REQUIRED,
    signed_out = TACIT_ERR_SIGNED_OUT,
    server = TACIT_ERR_SERVER,
    oauth = TACIT_ERR_OAUTH,
    protocol = TACIT_ERR_PROTOCOL,
    refresh_storm = TACIT_ERR_REFRESH_STORM,
    access_denied = TACIT_ERR_ACCESS_DENIED,
    expired = TACIT_ERR_EXPIRED,
    store_not_found = TACIT_ERR_STORE_NOT_FOUND,
    store_locked = TACIT_ERR_STORE_LOCKED,
    store_unavailable = TACIT_ERR_STORE_UNAVAILABLE,
    store_corrupt = TACIT_ERR_STORE_CORRUPT,
    store_too_large = TACIT_ERR_STORE_TOO_LARGE,
    store_failed = TACIT_ERR_STORE_FAILED
};

/* "TACIT_ERR_NETWORK". */
inline const char *to_string(status value) noexcept {
    return tacit_status_name(static_cast<tacit_status>(value));
}

/* A copy of a tacit_error, whose members it shows; the texts are valid as long as it is. */
class error {
  public:
    error() noexcept : c_(TACIT_ERROR_INIT) {
    }
    error(const tacit_error &c, std::exception_ptr cause = nullptr) noexcept
        : c_(c), cause_(std::move(cause)) {
    }
    /* message is cut after 383 bytes. */
    error(tacit::status status, std::string_view message, int os_error = 0) noexcept
        : c_(TACIT_ERROR_INIT) {
        c_.status = static_cast<tacit_status>(status);
        c_.os_error = os_error;
        message = message.substr(0, sizeof c_.message - 1);
        if (!message.empty()) std::memcpy(c_.message, message.data(), message.size());
    }

    tacit::status status() const noexcept {
        return static_cast<tacit::status>(c_.status);
    }
    std::string_view message() const noexcept {
        return c_.message;
    }
    int http_status() const noexcept {
        return c_.http_status;
    }
    int os_error() const noexcept {
        return c_.os_error;
    }
    /* None: unknown. */
    std::optional<std::chrono::seconds> retry_after() const noexcept {
        if (c_.retry_after_s == 0) return std::nullopt;
        return std::chrono::seconds(c_.retry_after_s);
    }
    bool retryable() const noexcept {
        return c_.retryable;
    }
    bool sign_in_required() const noexcept {
        return c_.sign_in_required;
    }
    bool outcome_unknown() const noexcept {
        return c_.outcome_unknown;
    }
    std::string_view oauth_error() const noexcept {
        return c_.oauth_error;
    }
    std::string_view oauth_error_description() const noexcept {
        return c_.oauth_error_description;
    }
    /* What a callback of the request or the sign-in threw, where that ended it. */
    const std::exception_ptr &cause() const noexcept {
        return cause_;
    }
    const tacit_error &c_error() const noexcept {
        return c_;
    }

  private:
    tacit_error c_;
    std::exception_ptr cause_;
};

/* What result::value() throws. */
class exception : public std::exception {
  public:
    explicit exception(tacit::error error) noexcept : error_(std::move(error)) {
    }
    const char *what() const noexcept override {
        return error_.c_error().message;
    }
    const tacit::error &error() const noexcept {
        return error_;
    }

  private:
    tacit::error error_;
};

namespace detail {

[[noreturn]] inline void fail(const error &error) {
#if TACIT_CXX_EXCEPTIONS
    throw exception(error);
#else
    std::fprintf(stderr, "tacit: a result without a value: %s: %s\n", to_string(error.status()),
                 error.c_error().message);
    std::abort();
#endif
}

[[noreturn]] inline void misuse(const char *what) {
    std::fprintf(stderr, "tacit: %s\n", what);
    std::abort();
}

/* Runs what must not throw into C: the first exception is kept, and after it nothing runs any more. */
template <class Answer, class Function>
Answer guarded(std::exception_ptr &thrown, Answer otherwise, Function &&function) noexcept {
    if (thrown) return otherwise;
#if TACIT_CXX_EXCEPTIONS
    try {
        return function();
    } catch (...) {
        thrown = std::current_exception();
        return otherwise;
    }
#else
    return function();
#endif
}

inline void rethrow(const std::exception_ptr &thrown) {
#if TACIT_CXX_EXCEPTIONS
    if (thrown) std::rethrow_exception(thrown);
#else
    (void)thrown;
#endif
}

} // namespace detail

/*
 * The same callback, but for what it throws: that goes to handler(std::exception_ptr), on the same
 * thread. For completions and events.
 */
template <class Callback, class Handler> auto catching(Callback callback, Handler handler) {
    return [callback = std::move(callback),
            handler = std::move(handler)](auto &&...arguments) mutable {
        std::exception_ptr thrown;

        detail::guarded(thrown, 0, [&] {
            callback(std::forward<decltype(arguments)>(arguments)...);
            return 0;
        });
        if (thrown) handler(std::move(thrown));
    };
}

} // namespace tacit

#endif
