/* Checks that end the program with what was expected, and waits for what must come. */
#ifndef TEST_CHECK_HPP
#define TEST_CHECK_HPP

#include <tacit/tacit.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <mutex>
#include <vector>

inline void check(bool holds, const char *what, const char *file, int line) {
    if (holds) return;
    std::fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    std::exit(1);
}
#define CHECK(...) check(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)

/* The value; ends the program, with the error, where there is none. */
template <class T> T must(tacit::result<T> result) {
    if (!result) {
        std::fprintf(stderr, "%s: %s\n", to_string(result.error().status()),
                     result.error().c_error().message);
        std::exit(1);
    }
    if constexpr (!std::is_void_v<T>) return *std::move(result);
}
template <class T> bool fails_with(const tacit::result<T> &result, tacit::status status) {
    if (!result && result.error().status() == status) return true;
    std::fprintf(stderr, "%s: %s\n", result ? "TACIT_OK" : to_string(result.error().status()),
                 result ? "" : result.error().c_error().message);
    return false;
}

/* What happens on other threads, to be waited for. */
class tally {
  public:
    void add() {
        std::lock_guard<std::mutex> lock(mutex_);

        count_++;
        changed_.notify_all();
    }
    int count() {
        std::lock_guard<std::mutex> lock(mutex_);

        return count_;
    }
    void wait(int count, const char *what) {
        std::unique_lock<std::mutex> lock(mutex_);

        check(changed_.wait_for(lock, std::chrono::seconds(30), [&] { return count_ >= count; }),
              what, "tally", count_);
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int count_ = 0;
};

struct test {
    const char *name;
    void (*run)();
};
#define TEST(function)                                                                             \
    { #function, function }

inline int run_tests(std::initializer_list<test> tests) {
    for (const test &t : tests) {
        std::printf("%s\n", t.name);
        std::fflush(stdout);
        t.run();
    }
    return 0;
}

#endif
