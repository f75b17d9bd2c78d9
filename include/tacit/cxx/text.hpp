/* How strings and times of C++ reach C. */
#ifndef TACIT_CXX_TEXT_HPP
#define TACIT_CXX_TEXT_HPP

#include <tacit/client.h>

#include <tacit/cxx/error.hpp>

#include <chrono>
#include <climits>
#include <cstddef>
#include <cstring>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tacit {

/*
 * A string argument, for the length of a call: const char * and std::string go to C as they are, only
 * a std::string_view is copied, and the copy wiped. nullptr and an empty string_view without data
 * are NULL. One with a NUL inside is status::invalid_argument.
 */
class text {
  public:
    text(std::nullptr_t = nullptr) noexcept {
    }
    text(const char *string) noexcept : c_(string) {
    }
    text(const std::string &string) noexcept
        : c_(string.c_str()), cut_(string.find('\0') != std::string::npos) {
    }
    text(std::string_view string) noexcept {
        if (!string.data()) return;
        cut_ = string.find('\0') != std::string_view::npos;
        copy_ = static_cast<char *>(tacit_alloc(string.size() + 1));
        lost_ = !copy_;
        if (!copy_) return;
        std::memcpy(copy_, string.data(), string.size());
        copy_[string.size()] = '\0';
        c_ = copy_;
    }
    ~text() {
        tacit_free(copy_);
    }
    text(const text &) = delete;
    text &operator=(const text &) = delete;

    const char *c_str() const noexcept {
        return c_;
    }
    /* Whether C may have it; name is the argument's. */
    bool check(const char *name, error &why) const {
        if (lost_) why = error(status::no_memory, "There is no memory for an argument.");
        if (cut_) why = nul_inside(name);
        return !lost_ && !cut_;
    }
    static error nul_inside(const char *name) {
        return error(status::invalid_argument, std::string(name) + " has a NUL inside.");
    }

  private:
    const char *c_ = nullptr;
    char *copy_ = nullptr;
    bool cut_ = false, lost_ = false;
};

/* How long something may take: any duration, which is rounded up to milliseconds, where negative is
 * zero; timeout() is the function's default. */
class timeout {
  public:
    constexpr timeout() noexcept = default;
    template <class Rep, class Period>
    constexpr timeout(std::chrono::duration<Rep, Period> time) noexcept : ms_(0) {
        using float_ms = std::chrono::duration<double, std::milli>;

        if (float_ms(time).count() >= static_cast<double>(INT_MAX))
            ms_ = INT_MAX;
        else if (time > time.zero())
            ms_ = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(time).count());
    }
    /* For streams that never end. */
    static constexpr timeout never() noexcept {
        return timeout(std::chrono::milliseconds(INT_MAX));
    }
    /* What a timeout_ms argument takes. */
    constexpr int argument() const noexcept {
        return ms_;
    }
    /* What a member of an options struct takes, where 0 is the default. */
    constexpr int option() const noexcept {
        return ms_ == 0 ? 1 : ms_;
    }

  private:
    int ms_ = TACIT_TIMEOUT_DEFAULT;
};
inline constexpr timeout no_wait = timeout(std::chrono::milliseconds(0));

namespace detail {

/* A text that C gave; wiped when it goes. */
struct c_free {
    void operator()(char *memory) const noexcept {
        tacit_free(memory);
    }
};
inline std::unique_ptr<char, c_free> owned(char *memory) noexcept {
    return std::unique_ptr<char, c_free>(memory);
}

inline int whole_seconds(std::chrono::seconds time) noexcept {
    if (time.count() < 0) return 0;
    return time.count() > INT_MAX ? INT_MAX : static_cast<int>(time.count());
}

inline std::optional<std::chrono::seconds> known_seconds(int64_t seconds) noexcept {
    if (seconds < 0) return std::nullopt;
    return std::chrono::seconds(seconds);
}

inline std::string_view view(const char *string) noexcept {
    return string ? std::string_view(string) : std::string_view();
}

/* The members of an options struct as C sees them, for the length of a call. */
class packer {
  public:
    /* "" is NULL, the default. */
    const char *string(const char *name, const std::string &value) {
        if (value.empty()) return nullptr;
        if (value.find('\0') != std::string::npos) bad_ = name;
        return value.c_str();
    }
    const char *string(const char *name, const std::optional<std::string> &value) {
        if (value && value->find('\0') != std::string::npos) bad_ = name;
        return value ? value->c_str() : nullptr;
    }
    const char *const *strings(const char *name, const std::vector<std::string> &values) {
        if (values.empty()) return nullptr;
        std::vector<const char *> &list = lists_.emplace_back();
        list.reserve(values.size() + 1);
        for (const std::string &value : values) {
            if (value.find('\0') != std::string::npos) bad_ = name;
            list.push_back(value.c_str());
        }
        list.push_back(nullptr);
        return list.data();
    }
    /* Whether C may have them. */
    bool check(error &why) const {
        if (bad_) why = text::nul_inside(bad_);
        return !bad_;
    }

  private:
    const char *bad_ = nullptr;
    std::list<std::vector<const char *>> lists_;
};

} // namespace detail
} // namespace tacit

#endif
