/* cplusplus TOKEN_ENDPOINT CLIENT_ID ORIGIN PATH...: gets pages of your API, signed in, all at once.
 * c++ -std=c++17 cplusplus.cpp $(pkg-config --cflags --libs tacit) -o cplusplus */
#include <future>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <tacit/tacit.hpp>

/* In one piece: events come on a thread of the client's. */
static void say(const std::string &what, std::string_view message) {
    std::cerr << what + ": " + std::string(message) + '\n';
}

static void on_event(tacit::session_ref &, const tacit::event &event) {
    say("event", event.message);
}

/* Only the first time: from then on the store has the refresh token. */
static void sign_in(const tacit::session &session) {
    std::string name, password;

    std::cerr << "User name and password, a line each:\n";
    std::getline(std::cin, name);
    std::getline(std::cin, password);
    session.sign_in_with_password(name, password).value();
}

static tacit::session open(const tacit::client &client, char **argv) {
    std::string json = std::string(R"({"token_endpoint": ")") + argv[1] + "\"}";
    tacit::session_options options;

    options.client_id = argv[2];
    options.origins = {argv[3]};
    options.on_event = on_event;
    return tacit::session::open(client, tacit::provider::from_json(json).value(), options).value();
}

static bool show(tacit::result<tacit::response> response) {
    if (response)
        std::cout << response->status() << '\n' << response->body() << '\n';
    else
        say(to_string(response.error().status()), response.error().message());
    return response.has_value();
}

static int get_pages(char **argv) {
    tacit::client_options options;
    options.application_id = "org.example.cplusplus";
    tacit::client client = tacit::client::make(options).value();
    tacit::session session = open(client, argv);
    if (session.load().value() != tacit::session_state::signed_in) sign_in(session);

    std::vector<std::future<tacit::result<tacit::response>>> pages;
    for (char **path = argv + 4; *path; path++) {
        tacit::request request;
        request.url = std::string(argv[3]) + *path;
        request.retries_max = 2;
        pages.push_back(session.send_future(std::move(request)));
    }
    int failures = 0;
    for (auto &page : pages) failures += !show(page.get());
    client.shutdown().value(); /* no thread outlives main() */
    return failures;
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    try {
        return get_pages(argv) == 0 ? 0 : 1;
    } catch (const tacit::exception &thrown) {
        say(to_string(thrown.error().status()), thrown.what());
        return 1;
    }
}
