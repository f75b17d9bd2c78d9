/* What a session can do, and a reference to one as well. */
#ifndef TACIT_CXX_SESSION_FUNCTIONS_HPP
#define TACIT_CXX_SESSION_FUNCTIONS_HPP

#include <tacit/session.h>

#include <tacit/cxx/async.hpp>
#include <tacit/cxx/request.hpp>
#include <tacit/cxx/sign_in.hpp>

#include <memory>
#include <string>

namespace tacit {

enum class session_state : int {
    unknown = TACIT_STATE_UNKNOWN,
    signed_out = TACIT_STATE_SIGNED_OUT,
    signed_in = TACIT_STATE_SIGNED_IN
};

using session_stats = tacit_session_stats;

class session_ref;

namespace detail {

/*
 * What a session and a reference to one can do; the C headers describe each. Thread-safe. Functions
 * that wait answer status::reentrant on a thread of the library, completions and events included:
 * do not wait for a future there either.
 */
template <void (*give_up)(tacit_session *)>
class session_functions : public handle<tacit_session, give_up> {
  public:
    using handle<tacit_session, give_up>::handle;
    using handle<tacit_session, give_up>::get;

    /* ---------------------------------------------------------------- state */

    result<session_state> load(timeout timeout = {}) const {
        tacit_session_state state;
        tacit_error error;

        tacit_session_load(get(), timeout.argument(), &state, &error);
        if (error.status != TACIT_OK) return tacit::error(error);
        return static_cast<session_state>(state);
    }
    session_state state() const noexcept {
        return static_cast<session_state>(tacit_session_get_state(get()));
    }
    session_stats stats() const noexcept {
        session_stats stats = TACIT_SESSION_STATS_INIT;

        tacit_session_get_stats(get(), &stats);
        return stats;
    }
    /* None: there is no id_token. */
    result<std::optional<std::string>> claims_json() const {
        tacit_error error;
        auto json = owned(tacit_session_claims_json(get(), &error));

        if (error.status != TACIT_OK) return tacit::error(error);
        if (!json) return std::optional<std::string>();
        return std::optional<std::string>(json.get());
    }
    result<std::string> end_session_url(const text &post_logout_redirect_uri = nullptr) const {
        tacit::error why;
        tacit_error error;

        if (!post_logout_redirect_uri.check("post_logout_redirect_uri", why)) return why;
        auto url =
            owned(tacit_session_end_session_url(get(), post_logout_redirect_uri.c_str(), &error));
        if (!url) return tacit::error(error);
        return std::string(url.get());
    }
    session_ref share() const noexcept;

    /* ---------------------------------------------------------------- tokens */

    result<tacit::token> token(std::chrono::seconds min_valid = std::chrono::seconds(0),
                               timeout timeout = {}) const {
        tacit_token *token = nullptr;
        tacit_error error;

        tacit_session_token(get(), whole_seconds(min_valid), timeout.argument(), &token, &error);
        return made<tacit::token>(token, error);
    }
    result<tacit::token> renew(const tacit::token &refused, timeout timeout = {}) const {
        tacit_token *token = nullptr;
        tacit_error error;

        tacit_session_renew(get(), refused.get(), timeout.argument(), &token, &error);
        return made<tacit::token>(token, error);
    }
    result<void> refresh(timeout timeout = {}) const {
        tacit_error error;

        tacit_session_refresh(get(), timeout.argument(), &error);
        return outcome(error);
    }
    /* done(result<token>), as tacit_session_token_async(); refused may be null. */
    template <class Done>
    result<call> token_async(Done &&done, const tacit::token *refused = nullptr,
                             std::chrono::seconds min_valid = std::chrono::seconds(0),
                             timeout timeout = {}) const {
        using box_type = fetching<std::decay_t<Done>>;
        std::unique_ptr<box_type> box(new box_type{std::forward<Done>(done)});
        tacit_error error;
        tacit_call *c = tacit_session_token_async(get(), refused ? refused->get() : nullptr,
                                                  whole_seconds(min_valid), timeout.argument(),
                                                  box_type::finish, box.get(), &error);

        return started(box, c, error);
    }
    std::future<result<tacit::token>>
    token_future(const tacit::token *refused = nullptr,
                 std::chrono::seconds min_valid = std::chrono::seconds(0), timeout timeout = {},
                 call *running = nullptr) const {
        return future_of<tacit::token>(
            [&](auto done) { return token_async(std::move(done), refused, min_valid, timeout); },
            running);
    }

    /* ---------------------------------------------------------------- requests */

    /* Throws what a callback of the request threw. */
    result<response> send(const request &request) const {
        request_frame frame(request, false);
        tacit_response *response = nullptr;
        tacit::error why;
        tacit_error error;

        if (!frame.check(why)) return why;
        tacit_send(get(), frame.c(), &response, &error);
        tacit::response answer(response);
        rethrow(frame.thrown());
        if (!answer) return tacit::error(error);
        return result<tacit::response>(std::move(answer));
    }
    result<response> get(const text &url) const {
        tacit_response *response = nullptr;
        tacit::error why;
        tacit_error error;

        if (!url.check("url", why)) return why;
        tacit_get(get(), url.c_str(), &response, &error);
        return made<tacit::response>(response, error);
    }
    /* done(result<response>), as tacit_send_async(): once, unless this answers an error. */
    template <class Done> result<call> send_async(request request, Done &&done) const {
        using box_type = sending<std::decay_t<Done>>;
        auto box = std::make_unique<box_type>(std::move(request),
                                              std::decay_t<Done>(std::forward<Done>(done)));
        tacit::error why;
        tacit_error error;

        if (!box->frame.check(why)) return why;
        tacit_call *c =
            tacit_send_async(get(), box->frame.c(), box_type::finish, box.get(), &error);
        return started(box, c, error);
    }
    /* running: gets the call, to cancel it by. */
    std::future<result<response>> send_future(request request, call *running = nullptr) const {
        return future_of<response>(
            [&](auto done) { return send_async(std::move(request), std::move(done)); }, running);
    }

    /* ---------------------------------------------------------------- sign-in and sign-out */

    result<void> sign_in_with_refresh_token(const text &refresh_token,
                                            const sign_in_options &options = {}) const {
        tacit::error why;

        if (!refresh_token.check("refresh_token", why)) return why;
        return sign_in(options, [&](const tacit_sign_in_options *c, tacit_error *error) {
            tacit_sign_in_with_refresh_token(get(), refresh_token.c_str(), c, error);
        });
    }
    /* expires_in none or zero: unknown. refresh_token nullptr: the sign-in ends with the token. */
    result<void> sign_in_with_tokens(const text &access_token,
                                     std::optional<std::chrono::seconds> expires_in = {},
                                     const text &refresh_token = nullptr) const {
        int expires_in_s = expires_in ? whole_seconds(*expires_in) : -1;
        tacit::error why;
        tacit_error error;

        if (!access_token.check("access_token", why)) return why;
        if (!refresh_token.check("refresh_token", why)) return why;
        tacit_sign_in_with_tokens(get(), access_token.c_str(), expires_in_s, refresh_token.c_str(),
                                  &error);
        return outcome(error);
    }
    result<void> sign_in_with_password(const text &username, const text &password,
                                       const sign_in_options &options = {}) const {
        tacit::error why;

        if (!username.check("username", why) || !password.check("password", why)) return why;
        return sign_in(options, [&](const tacit_sign_in_options *c, tacit_error *error) {
            tacit_sign_in_with_password(get(), username.c_str(), password.c_str(), c, error);
        });
    }
    result<void> sign_in_with_client_credentials(const sign_in_options &options = {}) const {
        return sign_in(options, [&](const tacit_sign_in_options *c, tacit_error *error) {
            tacit_sign_in_with_client_credentials(get(), c, error);
        });
    }
    /* These two throw what open_url or device_prompt threw. */
    result<void> sign_in_with_browser(const sign_in_options &options = {}) const {
        return sign_in(options, [&](const tacit_sign_in_options *c, tacit_error *error) {
            tacit_sign_in_with_browser(get(), c, error);
        });
    }
    result<void> sign_in_with_device_code(const sign_in_options &options) const {
        return sign_in(options, [&](const tacit_sign_in_options *c, tacit_error *error) {
            tacit_sign_in_with_device_code(get(), c, error);
        });
    }
    /* The URL to open. */
    result<std::string> sign_in_browser_begin(const sign_in_options &options = {}) const {
        std::string url;
        result<void> begun =
            sign_in(options, [&](const tacit_sign_in_options *c, tacit_error *error) {
                auto c_url = owned(tacit_sign_in_browser_begin(get(), c, error));

                if (c_url) url = c_url.get();
            });

        if (!begun) return std::move(begun).error();
        return result<std::string>(std::move(url));
    }
    result<void> sign_in_browser_finish(const text &callback_url, timeout timeout = {}) const {
        tacit::error why;
        tacit_error error;

        if (!callback_url.check("callback_url", why)) return why;
        tacit_sign_in_browser_finish(get(), callback_url.c_str(), timeout.argument(), &error);
        return outcome(error);
    }
    void sign_in_cancel() const noexcept {
        tacit_sign_in_cancel(get());
    }
    result<void> sign_out(timeout timeout = {}) const {
        tacit_error error;

        tacit_sign_out(get(), timeout.argument(), &error);
        return outcome(error);
    }

    /* done(result<void>), once, unless these answer an error. */
    template <class Done>
    result<call> sign_in_async(grant grant, const sign_in_options &options, Done &&done) const {
        using box_type = signing<std::decay_t<Done>>;
        auto box = std::make_unique<box_type>(options, get(),
                                              std::decay_t<Done>(std::forward<Done>(done)));
        sign_in_frame frame(options, box->hooks);
        tacit::error why;
        tacit_error error;

        if (!frame.check(why)) return why;
        tacit_call *c = tacit_sign_in_async(get(), static_cast<tacit_grant>(grant), frame.c(),
                                            box_type::finish, box.get(), &error);
        return started(box, c, error);
    }
    template <class Done> result<call> sign_out_async(Done &&done, timeout timeout = {}) const {
        using box_type = signing<std::decay_t<Done>>;
        auto box = std::make_unique<box_type>(sign_in_options(), get(),
                                              std::decay_t<Done>(std::forward<Done>(done)));
        tacit_error error;
        tacit_call *c =
            tacit_sign_out_async(get(), timeout.argument(), box_type::finish, box.get(), &error);

        return started(box, c, error);
    }
    std::future<result<void>> sign_in_future(grant grant, const sign_in_options &options,
                                             call *running = nullptr) const {
        return future_of<void>(
            [&](auto done) { return sign_in_async(grant, options, std::move(done)); }, running);
    }
    std::future<result<void>> sign_out_future(timeout timeout = {}, call *running = nullptr) const {
        return future_of<void>([&](auto done) { return sign_out_async(std::move(done), timeout); },
                               running);
    }

#if TACIT_CXX_COROUTINES
    /* ---------------------------------------------------------------- co_await session.send_await(...) */

    auto send_await(request request) const;
    auto token_await(const tacit::token *refused = nullptr,
                     std::chrono::seconds min_valid = std::chrono::seconds(0),
                     timeout timeout = {}) const;
    auto sign_in_await(grant grant, sign_in_options options) const;
    auto sign_out_await(timeout timeout = {}) const;
#endif

  private:
    template <class Function>
    result<void> sign_in(const sign_in_options &options, Function &&function) const {
        sign_in_hooks hooks(options, get());
        sign_in_frame frame(options, hooks);
        tacit::error why;
        tacit_error error;

        if (!frame.check(why)) return why;
        function(frame.c(), &error);
        rethrow(hooks.thrown());
        return outcome(error);
    }
};

} // namespace detail

} // namespace tacit

#endif
