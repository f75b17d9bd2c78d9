/* The scriptable server, and a client with a session that knows it. */
#ifndef TEST_SCENE_HPP
#define TEST_SCENE_HPP

#include "check.hpp"

extern "C" {
#include "support/browser.h"
#include "support/server.h"
}

#include <atomic>
#include <string>

using namespace std::chrono_literals;

class scene {
  public:
    explicit scene(tacit::client_options client_options = {}, tacit::session_options options = {})
        : server(server_start(nullptr)),
          client(must(tacit::client::make(std::move(client_options)))),
          provider(must(tacit::provider::from_json(server_provider_json(server)))),
          store(must(tacit::store::memory())) {
        options.client_id = "test-client";
        options.origins = {url("")};
        if (!options.store) options.store = &store;
        session = must(tacit::session::open(client, provider, std::move(options)));
    }
    ~scene() {
        session = {};
        if (client) must(client.shutdown());
        server_stop(server);
    }
    scene(const scene &) = delete;
    scene &operator=(const scene &) = delete;

    scene &sign_in() {
        must(session.sign_in_with_password("alice", "wonderland"));
        return *this;
    }
    std::string url(const char *path) const {
        return server_url(server, path);
    }
    tacit::request to(const char *path) const {
        tacit::request request;

        request.url = url(path);
        return request;
    }
    /* Requests to the API wait there until server_gate_open(). */
    void hold_api() const {
        server_gate_close(server, TS_API, TS_BEFORE_PROCESSING);
    }
    void let_go() const {
        server_gate_open(server, TS_API);
    }
    void wait_held(int requests) const {
        CHECK(server_gate_waiters(server, TS_API, requests, 20000));
    }

    ts_server *server;
    tacit::client client;
    tacit::provider provider;
    tacit::store store;
    tacit::session session;
};

inline bool has(const tacit::response &response, std::string_view text) {
    return response.body().find(text) != std::string_view::npos;
}

/* A loop of the app's: post brings jobs, run() runs them on the thread that calls it. */
class loop {
  public:
    bool post(tacit::job job) {
        std::lock_guard<std::mutex> lock(mutex_);

        jobs_.push_back(job);
        changed_.notify_all();
        return true;
    }
    /* Until condition holds. */
    template <class Condition> void run(Condition &&condition) {
        auto end = std::chrono::steady_clock::now() + 30s;

        while (!condition()) {
            std::unique_lock<std::mutex> lock(mutex_);
            CHECK(changed_.wait_until(lock, end, [&] { return !jobs_.empty(); }));
            tacit::job job = jobs_.front();
            jobs_.erase(jobs_.begin());
            lock.unlock();
            job();
        }
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<tacit::job> jobs_;
};

#endif
