/*
 * Properties: everything that a user of the class sees happens on the object's thread. Every future
 * finishes exactly once. What the library still has to say after the object is gone is freed, unheard.
 *
 * Operation: the library's callbacks turn what they get into values and post them into the mailbox,
 * which runs them from the object's event loop. The object keeps the calls under way; its destructor
 * closes the mailbox and finishes them. A call itself lives until the library has called done, since
 * its body and its mailbox are used until then.
 *
 * Safety: the mailbox's lock is held while an event is posted, so that the object cannot vanish
 * meanwhile; nothing of a user's runs under it. All else belongs to the object's thread.
 */
#include "tacitsession.h"

#include <QFutureWatcher>
#include <QJsonDocument>
#include <QMetaMethod>
#include <QMetaObject>
#include <QPointer>
#include <QPromise>
#include <QStringEncoder>

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace {

/* ------------------------------------------------------------------ values */

TacitError toError(const tacit_error *error) {
    TacitError e;

    if (error == nullptr) return e;
    e.status = error->status;
    e.message = QString::fromUtf8(error->message);
    e.oauthError = QString::fromUtf8(error->oauth_error);
    e.httpStatus = error->http_status;
    e.retryAfterSeconds = error->retry_after_s;
    e.retryable = error->retryable;
    e.signInRequired = error->sign_in_required;
    e.outcomeUnknown = error->outcome_unknown;
    return e;
}

QPair<QByteArray, QByteArray> toHeader(const char *line) {
    const char *colon = std::strchr(line, ':');

    if (colon == nullptr) return {QByteArray(line), QByteArray()};
    return {QByteArray(line, colon - line), QByteArray(colon + 1).trimmed()};
}

TacitResponse toResponse(const tacit_response *response, const tacit_error *error) {
    TacitResponse r;

    r.error = toError(error);
    if (response == nullptr) return r;
    r.status = tacit_response_status(response);
    r.body = QByteArray(tacit_response_body(response), tacit_response_body_size(response));
    for (size_t i = 0; const char *line = tacit_response_header_line(response, i); i++)
        r.headers.append(toHeader(line));
    r.url = QUrl::fromEncoded(tacit_response_url(response));
    r.attempts = tacit_response_attempts(response);
    return r;
}

/* UTF-8 strings that live as long as this does; empty is NULL. */
class Strings {
  public:
    const char *operator()(const QString &string) {
        return (*this)(string.toUtf8());
    }
    const char *operator()(const QByteArray &bytes) {
        if (bytes.isEmpty()) return nullptr;
        kept.push_back(bytes);
        return kept.back().constData();
    }
    template <class Container> const char *const *list(const Container &container) {
        if (container.isEmpty()) return nullptr;
        lists.emplace_back();
        for (const auto &string : container) lists.back().push_back((*this)(string));
        lists.back().push_back(nullptr);
        return lists.back().data();
    }

  private:
    std::deque<QByteArray> kept;
    std::deque<std::vector<const char *>> lists;
};

/* Wiped when it is gone. */
using SecretString = std::unique_ptr<char, decltype(&tacit_free)>;

SecretString toSecret(const QString &string) {
    QStringEncoder encoder(QStringEncoder::Utf8);
    size_t capacity = size_t(encoder.requiredSpace(string.size())) + 1;
    SecretString secret(static_cast<char *>(tacit_alloc(capacity)), tacit_free);

    Q_CHECK_PTR(secret.get());
    *encoder.appendToBuffer(secret.get(), string) = '\0';
    return secret;
}

/* ------------------------------------------------------------------ to the object's thread */

class Mailbox {
  public:
    explicit Mailbox(QObject *owner) : owner(owner) {
    }

    /* On any thread. One event for each job, so that a slot with a loop of its own (a dialog) holds
     * up no other. */
    bool post(std::function<void()> job) {
        std::lock_guard<std::mutex> guard(lock);

        if (owner == nullptr) return false;
        jobs.push_back(std::move(job));
        QMetaObject::invokeMethod(
            owner, [this] { runNext(); }, Qt::QueuedConnection);
        return true;
    }

    /* On the object's thread; its events go with it, and with them runNext(). */
    void close() {
        std::deque<std::function<void()>> unheard;
        std::lock_guard<std::mutex> guard(lock);

        owner = nullptr;
        unheard.swap(jobs);
    }

  private:
    void runNext() {
        std::function<void()> job;
        {
            std::lock_guard<std::mutex> guard(lock);
            if (jobs.empty()) return; /* closed, and a slot runs a loop of its own */
            job = std::move(jobs.front());
            jobs.pop_front();
        }
        job(); /* the object may be gone afterwards, and this with it */
    }

    std::mutex lock;
    QObject *owner; /* null: closed */
    std::deque<std::function<void()>> jobs;
};

/* ------------------------------------------------------------------ calls */

/* The library has a reference until done, the object until the future is finished. */
class Call {
  public:
    explicit Call(std::shared_ptr<Mailbox> mailbox) : mailbox(std::move(mailbox)) {
    }
    virtual ~Call() {
        tacit_call_unref(handle);
    }
    virtual void fail(const TacitError &error) = 0;

    const std::shared_ptr<Mailbox> mailbox;
    QByteArray body;              /* borrowed by the library */
    tacit_call *handle = nullptr; /* on the object's thread */
};

template <class Result> class CallOf : public Call {
  public:
    using Call::Call;

    /* Cancelling the future cancels the call. The watcher moves with the object, its parent. */
    void watch(QObject *object) {
        watcher = new QFutureWatcher<Result>(object);
        QObject::connect(watcher, &QFutureWatcherBase::canceled, watcher,
                         [this] { tacit_call_cancel(handle); });
        watcher->setFuture(promise.future());
    }
    /* Last, since whoever waits may delete the object. */
    void finish(const Result &result) {
        delete watcher;
        watcher = nullptr;
        promise.addResult(result);
        promise.finish();
    }
    void fail(const TacitError &error) override {
        Result result;

        result.error = error;
        finish(result);
    }

    QPromise<Result> promise;

  private:
    QFutureWatcher<Result> *watcher = nullptr;
};

TacitError closedError() {
    TacitError error;

    error.status = TACIT_ERR_CLOSED;
    error.message = QStringLiteral("The session was deleted.");
    return error;
}

} // namespace

/* ------------------------------------------------------------------ the object's inside */

class TacitSession::Private {
  public:
    explicit Private(TacitSession *session)
        : q(session), mailbox(std::make_shared<Mailbox>(session)) {
    }

    void open(const TacitConfiguration &configuration);
    void close();

    struct Event {
        tacit_event_type type;
        State state;
        qint64 expiresInSeconds;
        quint64 generation;
        QString message;
        TacitError error;
        qint64 signInEndsInSeconds;
        tacit_anomaly anomaly;
    };
    void heard(const Event &event);

    /* begin(user_data, error) starts the call with the library. */
    template <class Result, class Begin> QFuture<Result> start(Begin begin, QByteArray body = {});
    QFuture<TacitOutcome> signIn(tacit_grant grant, const TacitSignIn &options,
                                 const char *username = nullptr, const char *password = nullptr);

    TacitSession *const q;
    const std::shared_ptr<Mailbox> mailbox;
    tacit_client *client = nullptr; /* kept alive by the session where it is another's */
    bool ownsClient = false;
    tacit_session *session = nullptr;
    TacitError openError;
    State state = Unknown;
    QDateTime expiry;
    QList<QUrl> origins;
    std::unordered_map<const Call *, std::shared_ptr<Call>> calls; /* under way */

    tacit_client *newClient(const TacitConfiguration &configuration, tacit_error *error);
    void openSession(const TacitConfiguration &configuration, tacit_provider *provider,
                     tacit_error *error);
    void setState(State newState, qint64 expiresInSeconds);
    void tell(const Event &event);

    template <class Result> static void deliver(void *data, const Result &result);
    template <class Result>
    void finished(const std::shared_ptr<CallOf<Result>> &call, const Result &result);

    static void onEvent(tacit_session *session, const tacit_event *event, void *data);
    static void onResponse(tacit_call *call, tacit_response *response, const tacit_error *error,
                           void *data);
    static void onSigned(tacit_call *call, tacit_response *response, const tacit_error *error,
                         void *data);
    static void onToken(tacit_call *call, tacit_token *token, const tacit_error *error, void *data);
    static bool openUrl(const char *url, void *data);
    static void showCode(const char *userCode, const char *url, const char *urlComplete,
                         int expiresInSeconds, void *data);

    /* What the library holds for its callbacks; data of those above. */
    template <class Result> struct Reference {
        Private *d; /* valid in jobs, which run only while the object lives */
        std::shared_ptr<CallOf<Result>> call;
    };
    struct Listener {
        Private *d;
        std::shared_ptr<Mailbox> mailbox;
    };
};

/* ------------------------------------------------------------------ open and close */

tacit_client *TacitSession::Private::newClient(const TacitConfiguration &c, tacit_error *error) {
    tacit_client_options options = TACIT_CLIENT_OPTIONS_INIT;
    Strings strings;

    options.application_id = strings(c.applicationId);
    options.ca_file = strings(c.caFile);
    options.state_dir = strings(c.stateDirectory);
    return tacit_client_new(&options, error);
}

void TacitSession::Private::openSession(const TacitConfiguration &c, tacit_provider *provider,
                                        tacit_error *error) {
    tacit_session_options options = TACIT_SESSION_OPTIONS_INIT;
    Strings strings;
    auto *listener = new Listener{this, mailbox};

    options.client_id = strings(c.clientId);
    options.client_secret = strings(c.clientSecret);
    options.scope = strings(c.scope);
    options.resource = strings(c.resource);
    options.account = strings(c.account);
    options.origins = strings.list(c.origins);
    options.token_params = strings.list(c.tokenParams);
    options.store = c.store;
    options.previous_store = c.previousStore;
    options.policy = c.policy;
    options.refresh_lead_s = c.refreshLeadSeconds;
    options.max_idle_s = c.maxIdleSeconds;
    options.max_age_s = c.maxAgeSeconds;
    options.on_event = onEvent;
    options.event_data = listener;
    options.event_release = [](void *data) { delete static_cast<Listener *>(data); };
    session = tacit_session_open(client, provider, &options, error);
    if (session == nullptr) delete listener;
}

void TacitSession::Private::open(const TacitConfiguration &c) {
    tacit_error error = TACIT_ERROR_INIT;
    tacit_provider *provider;

    for (const QString &origin : c.origins) origins.append(QUrl(origin));
    ownsClient = c.client == nullptr;
    client = ownsClient ? newClient(c, &error) : c.client;
    if (client != nullptr) {
        provider = c.issuer.isEmpty()
                       ? tacit_provider_from_json(c.metadata.constData(), &error)
                       : tacit_provider_from_issuer(c.issuer.toUtf8().constData(), &error);
        if (provider != nullptr) openSession(c, provider, &error);
        tacit_provider_unref(provider);
    }
    if (session == nullptr) openError = toError(&error);
}

/* Without waiting: what has been sent goes on by itself. */
void TacitSession::Private::close() {
    mailbox->close();
    for (const auto &entry : calls) tacit_call_cancel(entry.second->handle);
    tacit_session_close(session, TACIT_NO_WAIT);
    if (ownsClient) tacit_client_unref(client);
    session = nullptr;
    openError = closedError(); /* for what a continuation may start now */
    while (!calls.empty()) {
        std::shared_ptr<Call> call = calls.begin()->second;

        calls.erase(calls.begin());
        call->fail(openError);
    }
}

/* ------------------------------------------------------------------ events */

void TacitSession::Private::onEvent(tacit_session *, const tacit_event *event, void *data) {
    auto *listener = static_cast<Listener *>(data);
    Event copy = {event->type,
                  State(event->state),
                  event->expires_in_s,
                  event->generation,
                  QString::fromUtf8(event->message),
                  toError(event->error),
                  event->sign_in_ends_in_s,
                  event->anomaly};

    listener->mailbox->post([d = listener->d, copy] { d->heard(copy); });
}

/* It is told in whole seconds from now. */
static bool isSameExpiry(const QDateTime &a, const QDateTime &b) {
    return a.isValid() == b.isValid() && (!a.isValid() || qAbs(a.msecsTo(b)) <= 1000);
}

void TacitSession::Private::setState(State newState, qint64 expiresInSeconds) {
    QPointer<TacitSession> alive(q);
    bool isNewState = newState != state;
    QDateTime newExpiry = expiresInSeconds < 0
                              ? QDateTime()
                              : QDateTime::currentDateTimeUtc().addSecs(expiresInSeconds);
    bool isNewExpiry = !isSameExpiry(newExpiry, expiry);

    state = newState;
    if (isNewExpiry) expiry = newExpiry;
    if (isNewState) Q_EMIT q->stateChanged(newState);
    if (alive && isNewExpiry) Q_EMIT q->expiryChanged(newExpiry);
}

void TacitSession::Private::heard(const Event &event) {
    QPointer<TacitSession> alive(q);

    setState(event.state, event.expiresInSeconds);
    if (alive) tell(event);
}

/* One signal, and nothing after it: a slot may delete the object. */
void TacitSession::Private::tell(const Event &event) {
    switch (event.type) {
    case TACIT_EVENT_LOADED:
        Q_EMIT q->loaded(event.message);
        break;
    case TACIT_EVENT_SIGNED_IN:
        Q_EMIT q->signedIn();
        break;
    case TACIT_EVENT_REFRESHED:
        Q_EMIT q->refreshed(event.generation, event.expiresInSeconds);
        break;
    case TACIT_EVENT_REFRESH_FAILED:
        Q_EMIT q->refreshFailed(event.error);
        break;
    case TACIT_EVENT_SIGN_IN_REQUIRED:
        Q_EMIT q->signInRequired(event.error);
        break;
    case TACIT_EVENT_SIGNED_OUT:
        Q_EMIT q->signedOut();
        break;
    case TACIT_EVENT_STORE_FAILED:
        Q_EMIT q->storeFailed(event.error);
        break;
    case TACIT_EVENT_STORE_RECOVERED:
        Q_EMIT q->storeRecovered();
        break;
    case TACIT_EVENT_REFRESH_STORM:
        Q_EMIT q->refreshStorm(event.error);
        break;
    case TACIT_EVENT_SIGN_IN_ENDS:
        Q_EMIT q->signInEnds(event.signInEndsInSeconds);
        break;
    case TACIT_EVENT_ANOMALY:
        Q_EMIT q->anomaly(event.anomaly, event.message);
        break;
    }
}

/* ------------------------------------------------------------------ calls */

template <class Result, class Begin>
QFuture<Result> TacitSession::Private::start(Begin begin, QByteArray body) {
    auto call = std::make_shared<CallOf<Result>>(mailbox);
    QFuture<Result> future = call->promise.future();
    tacit_error error = TACIT_ERROR_INIT;

    call->body = std::move(body);
    call->promise.start();
    if (session == nullptr) {
        call->fail(openError);
        return future;
    }
    auto *reference = new Reference<Result>{this, call};
    call->handle = begin(reference, &error);
    if (call->handle == nullptr) {
        delete reference;
        call->fail(toError(&error));
        return future;
    }
    calls.emplace(call.get(), call);
    call->watch(q);
    return future;
}

/* Gives up the library's reference, on its thread. */
template <class Result> void TacitSession::Private::deliver(void *data, const Result &result) {
    std::unique_ptr<Reference<Result>> reference(static_cast<Reference<Result> *>(data));

    reference->call->mailbox->post(
        [d = reference->d, call = reference->call, result] { d->finished(call, result); });
}

template <class Result>
void TacitSession::Private::finished(const std::shared_ptr<CallOf<Result>> &call,
                                     const Result &result) {
    if (calls.erase(call.get()) > 0) call->finish(result);
}

void TacitSession::Private::onResponse(tacit_call *, tacit_response *response,
                                       const tacit_error *error, void *data) {
    TacitResponse result = toResponse(response, error);

    tacit_response_free(response);
    deliver(data, result);
}

void TacitSession::Private::onSigned(tacit_call *, tacit_response *, const tacit_error *error,
                                     void *data) {
    deliver(data, TacitOutcome{toError(error)});
}

void TacitSession::Private::onToken(tacit_call *, tacit_token *token, const tacit_error *error,
                                    void *data) {
    TacitToken result;

    result.error = toError(error);
    if (token != nullptr) result.handle.reset(token, tacit_token_unref);
    deliver(data, result);
}

/* ------------------------------------------------------------------ sign-in */

/* The sign-in's reference is there until done. */
bool TacitSession::Private::openUrl(const char *url, void *data) {
    auto *reference = static_cast<Reference<TacitOutcome> *>(data);
    QUrl page = QUrl::fromEncoded(url);

    return reference->call->mailbox->post(
        [d = reference->d, page] { Q_EMIT d->q->browserRequested(page); });
}

void TacitSession::Private::showCode(const char *userCode, const char *url, const char *urlComplete,
                                     int expiresInSeconds, void *data) {
    auto *reference = static_cast<Reference<TacitOutcome> *>(data);
    QString code = QString::fromUtf8(userCode);
    QUrl page = QUrl::fromEncoded(url), pageComplete = QUrl::fromEncoded(urlComplete);

    reference->call->mailbox->post([=, d = reference->d] {
        Q_EMIT d->q->deviceCodeReady(code, page, pageComplete, expiresInSeconds);
    });
}

QFuture<TacitOutcome> TacitSession::Private::signIn(tacit_grant grant, const TacitSignIn &options,
                                                    const char *username, const char *password) {
    tacit_sign_in_options o = TACIT_SIGN_IN_OPTIONS_INIT;
    Strings strings;

    o.timeout_ms = options.timeoutMs;
    o.username = username;
    o.password = password;
    o.scope = strings(options.scope);
    o.params = strings.list(options.params);
    o.redirect_uri = strings(options.redirectUri);
    o.success_html = strings(options.successHtml);
    if (q->isSignalConnected(QMetaMethod::fromSignal(&TacitSession::browserRequested)))
        o.open_url = openUrl;
    o.device_prompt = showCode;
    return start<TacitOutcome>([&](void *data, tacit_error *error) {
        o.user_data = data;
        return tacit_sign_in_async(session, grant, &o, onSigned, data, error);
    });
}

/* ------------------------------------------------------------------ the public face */

QByteArray TacitResponse::header(const QByteArray &name) const {
    for (const auto &header : headers)
        if (header.first.compare(name, Qt::CaseInsensitive) == 0) return header.second;
    return {};
}

QByteArray TacitToken::authorization() const {
    return tacit_token_authorization(handle.get());
}

TacitSession::TacitSession(const TacitConfiguration &configuration, QObject *parent)
    : QObject(parent), d(std::make_unique<Private>(this)) {
    qRegisterMetaType<TacitError>();
    d->open(configuration);
}

TacitSession::~TacitSession() {
    d->close();
}

TacitError TacitSession::openError() const {
    return d->openError;
}

TacitSession::State TacitSession::state() const {
    return d->state;
}

QDateTime TacitSession::expiry() const {
    return d->expiry;
}

static bool isSameOrigin(const QUrl &a, const QUrl &b) {
    int port = a.scheme() == QLatin1String("https") ? 443 : 80;

    return a.scheme() == b.scheme() && a.host() == b.host() && a.port(port) == b.port(port);
}

/* An origin with http is loopback: the library takes no other. */
bool TacitSession::isForUrl(const QUrl &url) const {
    auto isSame = [&url](const QUrl &origin) { return isSameOrigin(url, origin); };

    return d->session != nullptr && std::any_of(d->origins.begin(), d->origins.end(), isSame);
}

QJsonObject TacitSession::claims() const {
    std::unique_ptr<char, decltype(&tacit_free)> json(
        d->session ? tacit_session_claims_json(d->session, nullptr) : nullptr, tacit_free);

    return QJsonDocument::fromJson(json.get()).object();
}

tacit_session *TacitSession::handle() const {
    return d->session;
}

QFuture<TacitResponse> TacitSession::get(const QUrl &url) {
    TacitRequest request;

    request.url = url;
    return send(request);
}

QFuture<TacitResponse> TacitSession::send(const TacitRequest &request) {
    tacit_request r = TACIT_REQUEST_INIT;
    Strings strings;

    r.url = strings(request.url.toEncoded(QUrl::RemoveFragment));
    r.method = strings(request.method);
    r.headers = strings.list(request.headers);
    if (!request.body.isNull()) r.body = request.body.constData();
    r.body_size = size_t(request.body.size());
    r.body_release = [](void *) {}; /* the call has a share in the body */
    r.timeout_ms = request.timeoutMs;
    r.min_valid_s = request.minValidSeconds;
    r.retries_max = request.retriesMax;
    r.no_redirects = !request.followRedirects;
    return d->start<TacitResponse>(
        [&](void *data, tacit_error *error) {
            return tacit_send_async(d->session, &r, Private::onResponse, data, error);
        },
        request.body);
}

TacitToken TacitSession::currentToken() const {
    TacitToken result;
    tacit_error error = TACIT_ERROR_INIT;
    tacit_token *token = nullptr;

    result.error = d->openError;
    if (d->session == nullptr) return result;
    tacit_session_token(d->session, 0, TACIT_NO_WAIT, &token, &error);
    result.error = toError(&error);
    if (token != nullptr) result.handle.reset(token, tacit_token_unref);
    return result;
}

static int toTimeout(int timeoutMs) {
    return timeoutMs > 0 ? timeoutMs : TACIT_TIMEOUT_DEFAULT;
}

QFuture<TacitToken> TacitSession::token(int minValidSeconds, int timeoutMs) {
    return d->start<TacitToken>([&](void *data, tacit_error *error) {
        return tacit_session_token_async(d->session, nullptr, minValidSeconds, toTimeout(timeoutMs),
                                         Private::onToken, data, error);
    });
}

QFuture<TacitToken> TacitSession::renew(const TacitToken &refused, int timeoutMs) {
    return d->start<TacitToken>([&](void *data, tacit_error *error) {
        return tacit_session_token_async(d->session, refused.handle.get(), 0, toTimeout(timeoutMs),
                                         Private::onToken, data, error);
    });
}

QFuture<TacitOutcome> TacitSession::signInWithBrowser(const TacitSignIn &options) {
    return d->signIn(TACIT_GRANT_BROWSER, options);
}

QFuture<TacitOutcome> TacitSession::signInWithDeviceCode(const TacitSignIn &options) {
    return d->signIn(TACIT_GRANT_DEVICE_CODE, options);
}

QFuture<TacitOutcome> TacitSession::signInWithPassword(const QString &username,
                                                       const QString &password,
                                                       const TacitSignIn &options) {
    SecretString secret = toSecret(password);

    return d->signIn(TACIT_GRANT_PASSWORD, options, username.toUtf8().constData(), secret.get());
}

QFuture<TacitOutcome> TacitSession::signInWithClientCredentials(const TacitSignIn &options) {
    return d->signIn(TACIT_GRANT_CLIENT_CREDENTIALS, options);
}

QFuture<TacitOutcome> TacitSession::signOut() {
    return d->start<TacitOutcome>([&](void *data, tacit_error *error) {
        return tacit_sign_out_async(d->session, TACIT_TIMEOUT_DEFAULT, Private::onSigned, data,
                                    error);
    });
}

void TacitSession::networkChanged() {
    if (d->session != nullptr) tacit_client_network_changed(d->client);
}
