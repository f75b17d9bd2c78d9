/* Where the record of a sign-in survives the process. */
#ifndef TACIT_CXX_STORE_HPP
#define TACIT_CXX_STORE_HPP

#include <tacit/store.h>

#include <tacit/cxx/handle.hpp>
#include <tacit/cxx/text.hpp>

#include <array>
#include <functional>
#include <memory>
#include <string>

namespace tacit {

/* As tacit_store_file_options. */
struct store_file_options {
    std::string directory = {};
    std::string key_file = {};
    std::string passphrase = {};
    /* Fills the key, which is wiped after; an exception is status::store_failed. */
    std::function<status(std::array<unsigned char, 32> &key)> get_key = {};
};

/*
 * A store of your own, as tacit_store_ops: derive from it, or give lambdas in a store_functions. An
 * error's status is one of the store's; its message goes behind "Could not save to <description>: ".
 */
class store_backend {
  public:
    virtual ~store_backend() = default;
    /* None: there is no record, and you know it. The string is wiped. */
    virtual result<std::optional<std::string>> load(std::string_view key) = 0;
    virtual result<void> save(std::string_view key, std::string_view record) = 0;
    virtual result<void> erase(std::string_view key) = 0;
};

struct store_functions {
    std::function<result<std::optional<std::string>>(std::string_view key)> load = {};
    std::function<result<void>(std::string_view key, std::string_view record)> save = {};
    std::function<result<void>(std::string_view key)> erase = {};
};

/* What else is known of a store of your own; see tacit_store_ops. */
struct store_facts {
    std::string description = {};
    std::size_t record_size_max = 0;
    std::string lock_directory = {};
    std::string application_id = {};
    bool process_only = false;
};

namespace detail {

inline void wipe(void *memory, std::size_t size) noexcept {
    volatile unsigned char *bytes = static_cast<volatile unsigned char *>(memory);

    while (size > 0) bytes[--size] = 0;
}

class function_backend final : public store_backend {
  public:
    explicit function_backend(store_functions functions) : f_(std::move(functions)) {
    }
    result<std::optional<std::string>> load(std::string_view key) override {
        return f_.load(key);
    }
    result<void> save(std::string_view key, std::string_view record) override {
        return f_.save(key, record);
    }
    result<void> erase(std::string_view key) override {
        return f_.erase(key);
    }

  private:
    store_functions f_;
};

/* Between C and a backend; the store deletes it. One thread at a time. */
class store_bridge {
  public:
    explicit store_bridge(std::unique_ptr<store_backend> backend) : backend_(std::move(backend)) {
    }

    static void fill(tacit_store_ops &ops) noexcept {
        ops.load = load;
        ops.save = save;
        ops.erase = erase;
        ops.last_error = last_error;
        ops.release = release;
    }

  private:
    static store_bridge &of(void *data) noexcept {
        return *static_cast<store_bridge *>(data);
    }
    static tacit_status load(void *data, const char *key, char **record,
                             std::size_t *size) noexcept {
        store_bridge &self = of(data);

        return self.answer([&]() -> result<void> {
            auto loaded = self.backend_->load(key);

            if (!loaded) return std::move(loaded).error();
            if (!*loaded) return error(status::store_not_found, "");
            return hand_over(**loaded, record, size);
        });
    }
    static result<void> hand_over(std::string &bytes, char **record, std::size_t *size) {
        char *copy = static_cast<char *>(tacit_alloc(bytes.size() + 1));

        if (copy) std::memcpy(copy, bytes.data(), *size = bytes.size());
        wipe(bytes.data(), bytes.size());
        if (!copy) return error(status::store_failed, "there is no memory");
        *record = copy;
        return {};
    }
    static tacit_status save(void *data, const char *key, const char *record,
                             std::size_t size) noexcept {
        store_bridge &self = of(data);

        return self.answer(
            [&] { return self.backend_->save(key, std::string_view(record, size)); });
    }
    static tacit_status erase(void *data, const char *key) noexcept {
        store_bridge &self = of(data);

        return self.answer([&] { return self.backend_->erase(key); });
    }
    static const char *last_error(void *data, int *os_error) noexcept {
        const store_bridge &self = of(data);

        if (self.error_.os_error() != 0) *os_error = self.error_.os_error();
        return self.error_.message().empty() ? nullptr : self.error_.c_error().message;
    }
    static void release(void *data) noexcept {
        delete &of(data);
    }

    template <class Function> tacit_status answer(Function &&function) noexcept {
#if TACIT_CXX_EXCEPTIONS
        try {
            return keep(function());
        } catch (const exception &thrown) {
            return keep(thrown.error());
        } catch (const std::exception &thrown) {
            return keep(error(status::store_failed, thrown.what()));
        } catch (...) {
            return keep(error(status::store_failed, "the store threw an exception"));
        }
#else
        return keep(function());
#endif
    }
    tacit_status keep(const result<void> &answer) noexcept {
        error_ = answer ? error() : answer.error();
        return static_cast<tacit_status>(error_.status());
    }

    std::unique_ptr<store_backend> backend_;
    error error_; /* of the last call */
};

/* A file store's get_key; the store deletes it. */
struct key_source {
    std::function<status(std::array<unsigned char, 32> &)> get;

    static tacit_status on_get(void *data, unsigned char key[32]) noexcept {
        std::array<unsigned char, 32> own = {};
        std::exception_ptr thrown;
        status answer = guarded(thrown, status::store_failed,
                                [&] { return static_cast<key_source *>(data)->get(own); });

        if (answer == status::ok) std::memcpy(key, own.data(), own.size());
        wipe(own.data(), own.size());
        return static_cast<tacit_status>(answer);
    }
    static void on_release(void *data) noexcept {
        delete static_cast<key_source *>(data);
    }
};

} // namespace detail

/* Thread-safe. Sessions keep what is behind it alive. */
class store : public detail::handle<tacit_store, tacit_store_unref> {
  public:
    using handle::handle;

    static result<store> standard(const text &application_id) {
        return of(application_id, tacit_store_default);
    }
    static result<store> keyring(const text &application_id) {
        return of(application_id, tacit_store_keyring);
    }
    static result<store> memory() {
        tacit_error no_memory = TACIT_ERROR_INIT;

        no_memory.status = TACIT_ERR_NO_MEMORY;
        return detail::made<store>(tacit_store_memory(), no_memory);
    }
    static result<store> file(store_file_options options) {
        tacit_store_file_options c = TACIT_STORE_FILE_OPTIONS_INIT;
        std::unique_ptr<detail::key_source> source;
        detail::packer pack;
        tacit::error why;
        tacit_error error;

        c.directory = pack.string("directory", options.directory);
        c.key_file = pack.string("key_file", options.key_file);
        c.passphrase = pack.string("passphrase", options.passphrase);
        if (options.get_key) {
            source.reset(new detail::key_source{std::move(options.get_key)});
            c.get_key = detail::key_source::on_get;
            c.key_release = detail::key_source::on_release;
            c.key_data = source.get();
        }
        if (!pack.check(why)) return why;
        auto made = detail::made<store>(tacit_store_file(&c, &error), error);
        if (made) static_cast<void>(source.release());
        return made;
    }
    static result<store> custom(std::unique_ptr<store_backend> backend,
                                const store_facts &facts = {}) {
        if (!backend) return tacit::error(status::invalid_argument, "backend is null.");
        auto bridge = std::make_unique<detail::store_bridge>(std::move(backend));
        tacit_store_ops ops = TACIT_STORE_OPS_INIT;
        detail::packer pack;
        tacit::error why;
        tacit_error error;

        detail::store_bridge::fill(ops);
        ops.record_size_max = facts.record_size_max;
        ops.description = pack.string("description", facts.description);
        ops.lock_directory = pack.string("lock_directory", facts.lock_directory);
        ops.application_id = pack.string("application_id", facts.application_id);
        ops.process_only = facts.process_only;
        if (!pack.check(why)) return why;
        auto made = detail::made<store>(tacit_store_custom(&ops, bridge.get(), &error), error);
        if (made) static_cast<void>(bridge.release());
        return made;
    }
    static result<store> custom(store_functions functions, const store_facts &facts = {}) {
        if (!functions.load || !functions.save || !functions.erase)
            return tacit::error(status::invalid_argument, "functions lacks load, save or erase.");
        return custom(std::make_unique<detail::function_backend>(std::move(functions)), facts);
    }

    /* For a person: where the record lies, and how it is protected. */
    std::string_view describe() const noexcept {
        return tacit_store_describe(get());
    }
    store share() const noexcept {
        return store(tacit_store_ref(get()));
    }

  private:
    static result<store> of(const text &application_id,
                            tacit_store *(*make)(const char *, tacit_error *)) {
        tacit::error why;
        tacit_error error;

        if (!application_id.check("application_id", why)) return why;
        return detail::made<store>(make(application_id.c_str(), &error), error);
    }
};

} // namespace tacit

#endif
