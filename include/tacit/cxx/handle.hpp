/* What all handles share: one reference, given up when the handle goes. */
#ifndef TACIT_CXX_HANDLE_HPP
#define TACIT_CXX_HANDLE_HPP

#include <tacit/cxx/error.hpp>
#include <tacit/cxx/result.hpp>

#include <utility>

namespace tacit {
namespace detail {

template <class C, void (*give_up)(C *)> class handle {
  public:
    constexpr handle() noexcept = default;
    /* Takes over a reference that a C function gave. */
    explicit handle(C *c) noexcept : c_(c) {
    }
    handle(handle &&other) noexcept : c_(std::exchange(other.c_, nullptr)) {
    }
    handle &operator=(handle &&other) noexcept {
        C *mine = std::exchange(c_, std::exchange(other.c_, nullptr));

        /* Last, since it may call back. */
        if (mine) give_up(mine);
        return *this;
    }
    ~handle() {
        if (c_) give_up(c_);
    }

    /* For C functions; NULL where it was moved from. */
    C *get() const noexcept {
        return c_;
    }
    /* Gives the reference to the caller. */
    [[nodiscard]] C *release() noexcept {
        return std::exchange(c_, nullptr);
    }
    explicit operator bool() const noexcept {
        return c_ != nullptr;
    }

  private:
    C *c_ = nullptr;
};

/* What a C function that makes something has answered. */
template <class Handle, class C> result<Handle> made(C *c, const tacit_error &error) {
    if (!c) return tacit::error(error);
    return Handle(c);
}
inline result<void> outcome(const tacit_error &error) {
    if (error.status != TACIT_OK) return tacit::error(error);
    return {};
}

} // namespace detail
} // namespace tacit

#endif
