/* How a session gets its first tokens. */
#ifndef TACIT_CXX_SIGN_IN_HPP
#define TACIT_CXX_SIGN_IN_HPP

#include <tacit/sign_in.h>

#include <tacit/cxx/handle.hpp>
#include <tacit/cxx/text.hpp>

#include <functional>
#include <string>
#include <vector>

namespace tacit {

enum class grant : int {
    browser = TACIT_GRANT_BROWSER,
    device_code = TACIT_GRANT_DEVICE_CODE,
    password = TACIT_GRANT_PASSWORD,
    client_credentials = TACIT_GRANT_CLIENT_CREDENTIALS
};

/* What the user has to be shown; valid for the call. */
struct device_prompt {
    std::string_view user_code, verification_uri;
    std::optional<std::string_view> verification_uri_complete;
    std::chrono::seconds expires_in;
};

/* As tacit_sign_in_options. */
struct sign_in_options {
    tacit::timeout timeout = {};
    std::string username = {}; /* for grant::password */
    std::string password = {};
    std::string scope = {};
    std::vector<std::string> params = {}; /* "name=value" */
    std::function<bool(std::string_view url)> open_url = {};
    std::string redirect_uri = {};
    std::string success_html = {};
    std::function<void(const tacit::device_prompt &)> device_prompt = {};
};

namespace detail {

/* The callbacks of a sign-in, and what they threw: that ends it. Stays where it is. */
class sign_in_hooks {
  public:
    sign_in_hooks(const sign_in_options &o, tacit_session *session)
        : open_url_(o.open_url), prompt_(o.device_prompt), session_(session) {
    }
    sign_in_hooks(const sign_in_hooks &) = delete;
    sign_in_hooks &operator=(const sign_in_hooks &) = delete;

    const std::exception_ptr &thrown() const noexcept {
        return thrown_;
    }
    void fill(tacit_sign_in_options &c) noexcept {
        if (open_url_) c.open_url = on_open_url;
        if (prompt_) c.device_prompt = on_prompt;
        c.user_data = this;
    }
    /* What a completion gets. */
    result<void> outcome(const tacit_error *failure) const {
        if (!failure) return {};
        return error(*failure, thrown_);
    }

  private:
    static sign_in_hooks &of(void *data) noexcept {
        return *static_cast<sign_in_hooks *>(data);
    }
    static bool on_open_url(const char *url, void *data) noexcept {
        sign_in_hooks &self = of(data);
        bool opened = guarded(self.thrown_, false, [&] { return self.open_url_(url); });

        self.give_up_if_thrown();
        return opened;
    }
    static void on_prompt(const char *user_code, const char *uri, const char *uri_complete,
                          int expires_in_s, void *data) noexcept {
        sign_in_hooks &self = of(data);

        guarded(self.thrown_, false, [&] {
            device_prompt prompt = {user_code, uri, std::nullopt,
                                    std::chrono::seconds(expires_in_s)};

            if (uri_complete) prompt.verification_uri_complete = uri_complete;
            self.prompt_(prompt);
            return true;
        });
        self.give_up_if_thrown();
    }
    void give_up_if_thrown() const noexcept {
        if (thrown_) tacit_sign_in_cancel(session_);
    }

    std::function<bool(std::string_view)> open_url_;
    std::function<void(const device_prompt &)> prompt_;
    tacit_session *session_; /* signing in, so that it lives */
    std::exception_ptr thrown_;
};

/* The options as C sees them, for the length of a call. */
class sign_in_frame {
  public:
    sign_in_frame(const sign_in_options &o, sign_in_hooks &hooks) {
        c_.timeout_ms = o.timeout.option();
        c_.username = pack_.string("username", o.username);
        c_.password = pack_.string("password", o.password);
        c_.scope = pack_.string("scope", o.scope);
        c_.params = pack_.strings("params", o.params);
        c_.redirect_uri = pack_.string("redirect_uri", o.redirect_uri);
        c_.success_html = pack_.string("success_html", o.success_html);
        hooks.fill(c_);
    }
    const tacit_sign_in_options *c() const noexcept {
        return &c_;
    }
    bool check(error &why) const {
        return pack_.check(why);
    }

  private:
    tacit_sign_in_options c_ = TACIT_SIGN_IN_OPTIONS_INIT;
    packer pack_;
};

} // namespace detail
} // namespace tacit

#endif
