/* result<T>: a value, or the error that explains why there is none. */
#ifndef TACIT_CXX_RESULT_HPP
#define TACIT_CXX_RESULT_HPP

#include <tacit/cxx/error.hpp>

#include <functional>
#include <type_traits>
#include <utility>
#include <variant>

namespace tacit {

template <class T> class result;

namespace detail {

template <class T> struct is_result : std::false_type {};
template <class T> struct is_result<result<T>> : std::true_type {};

template <class T> using plain = std::remove_cv_t<std::remove_reference_t<T>>;

/* result<T> to whatever function makes of its value; result<void> gives it nothing. */
template <class Function, class Result> decltype(auto) apply(Function &&function, Result &&result) {
    if constexpr (std::is_void_v<typename plain<Result>::value_type>)
        return std::invoke(std::forward<Function>(function));
    else
        return std::invoke(std::forward<Function>(function), *std::forward<Result>(result));
}

/* value() throws tacit::exception; *, -> and error() must fit what there is. */
template <class Self> class chain {
  public:
    /* function: T -> result<U>; skipped where there is an error. */
    template <class Function> auto and_then(Function &&function) & {
        return then(self(), std::forward<Function>(function));
    }
    template <class Function> auto and_then(Function &&function) const & {
        return then(self(), std::forward<Function>(function));
    }
    template <class Function> auto and_then(Function &&function) && {
        return then(std::move(self()), std::forward<Function>(function));
    }
    /* function: T -> U. */
    template <class Function> auto transform(Function &&function) & {
        return map(self(), std::forward<Function>(function));
    }
    template <class Function> auto transform(Function &&function) const & {
        return map(self(), std::forward<Function>(function));
    }
    template <class Function> auto transform(Function &&function) && {
        return map(std::move(self()), std::forward<Function>(function));
    }
    /* function: error -> result<T>; skipped where there is a value. */
    template <class Function> Self or_else(Function &&function) const & {
        return self() ? self()
                      : Self(std::invoke(std::forward<Function>(function), self().error()));
    }
    template <class Function> Self or_else(Function &&function) && {
        if (self()) return std::move(self());
        return std::invoke(std::forward<Function>(function), std::move(self()).error());
    }

  private:
    Self &self() {
        return static_cast<Self &>(*this);
    }
    const Self &self() const {
        return static_cast<const Self &>(*this);
    }
    template <class Me, class Function> static auto then(Me &&me, Function &&function) {
        using Next =
            plain<decltype(detail::apply(std::forward<Function>(function), std::forward<Me>(me)))>;

        static_assert(is_result<Next>::value, "and_then() takes what answers a tacit::result");
        if (!me) return Next(std::forward<Me>(me).error());
        return Next(detail::apply(std::forward<Function>(function), std::forward<Me>(me)));
    }
    template <class Me, class Function> static auto map(Me &&me, Function &&function) {
        using Value =
            plain<decltype(detail::apply(std::forward<Function>(function), std::forward<Me>(me)))>;
        using Next = result<Value>;

        if (!me) return Next(std::forward<Me>(me).error());
        if constexpr (std::is_void_v<Value>) {
            detail::apply(std::forward<Function>(function), std::forward<Me>(me));
            return Next();
        } else {
            return Next(detail::apply(std::forward<Function>(function), std::forward<Me>(me)));
        }
    }
};

} // namespace detail

template <class T> class [[nodiscard]] result : public detail::chain<result<T>> {
  public:
    using value_type = T;
    using error_type = tacit::error;

    result(T value) : held_(std::in_place_index<0>, std::move(value)) {
    }
    result(tacit::error error) noexcept : held_(std::in_place_index<1>, std::move(error)) {
    }

    bool has_value() const noexcept {
        return held_.index() == 0;
    }
    explicit operator bool() const noexcept {
        return has_value();
    }

    T &value() & {
        if (!has_value()) detail::fail(error());
        return **this;
    }
    const T &value() const & {
        if (!has_value()) detail::fail(error());
        return **this;
    }
    T &&value() && {
        if (!has_value()) detail::fail(error());
        return *std::move(*this);
    }
    template <class U> T value_or(U &&other) const & {
        return has_value() ? **this : static_cast<T>(std::forward<U>(other));
    }
    template <class U> T value_or(U &&other) && {
        return has_value() ? *std::move(*this) : static_cast<T>(std::forward<U>(other));
    }

    T &operator*() &noexcept {
        return *pointer();
    }
    const T &operator*() const &noexcept {
        return *pointer();
    }
    T &&operator*() &&noexcept {
        return std::move(*pointer());
    }
    T *operator->() noexcept {
        return pointer();
    }
    const T *operator->() const noexcept {
        return pointer();
    }

    const tacit::error &error() const &noexcept {
        const tacit::error *error = std::get_if<1>(&held_);

        if (!error) detail::misuse("error() of a result that has a value");
        return *error;
    }
    tacit::error &&error() &&noexcept {
        return std::move(const_cast<tacit::error &>(std::as_const(*this).error()));
    }

  private:
    T *pointer() noexcept {
        return const_cast<T *>(std::as_const(*this).pointer());
    }
    const T *pointer() const noexcept {
        const T *value = std::get_if<0>(&held_);

        if (!value) detail::misuse("the value of a result that has an error");
        return value;
    }

    std::variant<T, tacit::error> held_;
};

template <> class [[nodiscard]] result<void> : public detail::chain<result<void>> {
  public:
    using value_type = void;
    using error_type = tacit::error;

    result() noexcept = default;
    result(tacit::error error) noexcept : error_(std::move(error)) {
    }

    bool has_value() const noexcept {
        return !error_;
    }
    explicit operator bool() const noexcept {
        return has_value();
    }
    void value() const {
        if (error_) detail::fail(*error_);
    }
    const tacit::error &error() const &noexcept {
        if (!error_) detail::misuse("error() of a result that has no error");
        return *error_;
    }
    tacit::error &&error() &&noexcept {
        if (!error_) detail::misuse("error() of a result that has no error");
        return std::move(*error_);
    }

  private:
    std::optional<tacit::error> error_;
};

} // namespace tacit

#endif
