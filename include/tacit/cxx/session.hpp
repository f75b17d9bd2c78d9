/* A session: one signed-in account, seen through one scope. */
#ifndef TACIT_CXX_SESSION_HPP
#define TACIT_CXX_SESSION_HPP

#include <tacit/session.h>

#include <tacit/cxx/client.hpp>
#include <tacit/cxx/session_functions.hpp>
#include <tacit/cxx/store.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tacit {

enum class event_type : int {
    loaded = TACIT_EVENT_LOADED,
    signed_in = TACIT_EVENT_SIGNED_IN,
    refreshed = TACIT_EVENT_REFRESHED,
    refresh_failed = TACIT_EVENT_REFRESH_FAILED,
    sign_in_required = TACIT_EVENT_SIGN_IN_REQUIRED,
    signed_out = TACIT_EVENT_SIGNED_OUT,
    store_failed = TACIT_EVENT_STORE_FAILED,
    store_recovered = TACIT_EVENT_STORE_RECOVERED,
    refresh_storm = TACIT_EVENT_REFRESH_STORM,
    sign_in_ends = TACIT_EVENT_SIGN_IN_ENDS,
    anomaly = TACIT_EVENT_ANOMALY
    /* more may follow */
};

/* With event_type::anomaly: what should not have happened. */
enum class anomaly : int {
    none = TACIT_ANOMALY_NONE,
    refused_early = TACIT_ANOMALY_REFUSED_EARLY,
    reuse = TACIT_ANOMALY_REUSE,
    other_subject = TACIT_ANOMALY_OTHER_SUBJECT,
    wall_clock_jumped = TACIT_ANOMALY_WALL_CLOCK_JUMPED
    /* more may follow */
};

enum class policy : int {
    proactive = TACIT_POLICY_PROACTIVE,
    reactive = TACIT_POLICY_REACTIVE,
    sliding = TACIT_POLICY_SLIDING
};

/* The message is valid for the call. */
struct event {
    event_type type;
    session_state state;
    std::optional<std::chrono::seconds> expires_in; /* none: unknown, or no token */
    std::uint64_t generation;
    std::string_view message;
    std::optional<tacit::error> error;
    std::optional<std::chrono::seconds> sign_in_ends_in; /* none: unknown, or no refresh token */
    tacit::anomaly anomaly;
};

/* As tacit_session_options. */
struct session_options {
    std::string client_id = {};
    std::string client_secret = {};
    std::string scope = {};
    std::string resource = {};
    std::vector<std::string> token_params = {};  /* "name=value" */
    std::vector<std::string> token_headers = {}; /* "Name: value" */
    std::string account = {};
    std::vector<std::string> origins = {};
    const tacit::store *store = nullptr; /* borrowed until open() returns; null: the standard one */
    tacit::policy policy = tacit::policy::proactive;
    std::chrono::seconds refresh_lead = std::chrono::seconds(0);
    std::function<void(session_ref &session, const event &event)> on_event = {};
    std::chrono::seconds max_idle = std::chrono::seconds(0); /* 0: no limit of the app's own */
    std::chrono::seconds max_age = std::chrono::seconds(0);
    const tacit::store *previous_store = nullptr; /* as store; where the record is moved from */
};

namespace detail {

inline void close_session(tacit_session *session) noexcept {
    tacit_session_close(session, TACIT_TIMEOUT_DEFAULT);
}

} // namespace detail

/* A further reference to a session, for a thread that may call while another one closes it: it gets
 * status::closed. */
class session_ref : public detail::session_functions<tacit_session_unref> {
  public:
    using session_functions::session_functions;
};

template <void (*give_up)(tacit_session *)>
session_ref detail::session_functions<give_up>::share() const noexcept {
    return session_ref(tacit_session_ref(get()));
}

namespace detail {

/* A session's event function; the session deletes it. */
struct event_hook {
    std::function<void(session_ref &, const event &)> function;

    static void on_event(tacit_session *session, const tacit_event *c, void *data) noexcept {
        session_ref ref(tacit_session_ref(session));
        event e = {static_cast<event_type>(c->type),
                   static_cast<session_state>(c->state),
                   known_seconds(c->expires_in_s),
                   c->generation,
                   c->message,
                   std::nullopt,
                   known_seconds(c->sign_in_ends_in_s),
                   static_cast<tacit::anomaly>(c->anomaly)};

        if (c->error) e.error.emplace(*c->error);
        static_cast<event_hook *>(data)->function(ref, e);
    }
    static void on_release(void *data) noexcept {
        delete static_cast<event_hook *>(data);
    }
};

} // namespace detail

/*
 * The session itself. Destroying it closes it as close() does: at most 30 s are waited for what must
 * be saved, and not at all on a thread of the library. To wait less, close(tacit::no_wait) before.
 */
class session : public detail::session_functions<detail::close_session> {
  public:
    using session_functions::session_functions;

    static result<session> open(const client &client, const provider &provider,
                                session_options options) {
        tacit_session_options c = TACIT_SESSION_OPTIONS_INIT;
        std::unique_ptr<detail::event_hook> hook;
        detail::packer pack;
        tacit::error why;
        tacit_error error;

        fill(c, options, pack);
        if (options.on_event) {
            hook.reset(new detail::event_hook{std::move(options.on_event)});
            c.on_event = detail::event_hook::on_event;
            c.event_release = detail::event_hook::on_release;
            c.event_data = hook.get();
        }
        if (!pack.check(why)) return why;
        auto made = detail::made<session>(
            tacit_session_open(client.get(), provider.get(), &c, &error), error);
        if (made) static_cast<void>(hook.release());
        return made;
    }
    /* Calls inside end with status::closed. The handle is empty then. */
    status close(timeout timeout = {}) noexcept {
        return static_cast<status>(tacit_session_close(release(), timeout.argument()));
    }

  private:
    static void fill(tacit_session_options &c, const session_options &o, detail::packer &pack) {
        c.client_id = pack.string("client_id", o.client_id);
        c.client_secret = pack.string("client_secret", o.client_secret);
        c.scope = pack.string("scope", o.scope);
        c.resource = pack.string("resource", o.resource);
        c.token_params = pack.strings("token_params", o.token_params);
        c.token_headers = pack.strings("token_headers", o.token_headers);
        c.account = pack.string("account", o.account);
        c.origins = pack.strings("origins", o.origins);
        c.store = o.store ? o.store->get() : nullptr;
        c.policy = static_cast<tacit_policy>(o.policy);
        c.refresh_lead_s = detail::whole_seconds(o.refresh_lead);
        c.max_idle_s = limit(o.max_idle);
        c.max_age_s = limit(o.max_age);
        c.previous_store = o.previous_store ? o.previous_store->get() : nullptr;
    }
    /* One below 0 stays so, and is refused: 0 would lift it. */
    static int limit(std::chrono::seconds time) noexcept {
        return time.count() < 0 ? -1 : detail::whole_seconds(time);
    }
};

#if TACIT_CXX_COROUTINES

template <void (*give_up)(tacit_session *)>
auto detail::session_functions<give_up>::send_await(tacit::request request) const {
    return awaitable_of<response>(
        [self = share(), request = std::move(request)](auto done) mutable {
            return self.send_async(std::move(request), std::move(done));
        });
}
template <void (*give_up)(tacit_session *)>
auto detail::session_functions<give_up>::token_await(const tacit::token *refused,
                                                     std::chrono::seconds min_valid,
                                                     tacit::timeout timeout) const {
    return awaitable_of<tacit::token>([self = share(),
                                       refused = refused ? refused->share() : tacit::token(),
                                       min_valid, timeout](auto done) {
        return self.token_async(std::move(done), refused ? &refused : nullptr, min_valid, timeout);
    });
}
template <void (*give_up)(tacit_session *)>
auto detail::session_functions<give_up>::sign_in_await(tacit::grant grant,
                                                       sign_in_options options) const {
    return awaitable_of<void>([self = share(), grant, options = std::move(options)](auto done) {
        return self.sign_in_async(grant, options, std::move(done));
    });
}
template <void (*give_up)(tacit_session *)>
auto detail::session_functions<give_up>::sign_out_await(tacit::timeout timeout) const {
    return awaitable_of<void>([self = share(), timeout](auto done) {
        return self.sign_out_async(std::move(done), timeout);
    });
}

#endif

static_assert(sizeof(session) == sizeof(void *) && sizeof(client) == sizeof(void *),
              "handles are as large as a pointer");

} // namespace tacit

#endif
