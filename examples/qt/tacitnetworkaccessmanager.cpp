/*
 * Properties: a Reply emits finished() exactly once, and shows the headers and the body of its last
 * exchange alone. The token stands in an exchange's request only, never in what reply->request()
 * answers.
 *
 * Operation: a Reply makes one exchange after the other with QNetworkAccessManager's own
 * createRequest(), without redirects. When the headers of an exchange are there it decides: refused,
 * redirected, or the answer; the first two end without being seen.
 *
 * Safety: one thread. Slots may delete whatever they like, so that each emission is a function's last
 * act, or is followed by a look whether the reply is still there. An exchange is never deleted at
 * once: it may be what is emitting.
 */
#include "tacitnetworkaccessmanager.h"

#include <QCoreApplication>
#include <QFutureWatcher>
#include <QNetworkProxy>
#include <QNetworkReply>
#include <QNetworkRequest>
#include <QRegularExpression>
#include <QSslConfiguration>
#include <QSslKey>

#include <utility>

/* ------------------------------------------------------------------ what answers mean */

/* As the library has it: a 401 without a challenge, or with one for tokens that names no error; and
 * invalid_token (RFC 6750 section 3.1), whatever the status. The rest is the caller's. */
static bool isAboutToken(int status, const QByteArray &challenge) {
    static const QRegularExpression takesTokens(QStringLiteral("(^|,)\\s*(Bearer|DPoP)(\\s|,|$)"),
                                                QRegularExpression::CaseInsensitiveOption);
    static const QRegularExpression namesError(
        QStringLiteral("(^|[\\s,])error\\s*=\\s*\"?([^\",\\s]+)"),
        QRegularExpression::CaseInsensitiveOption);
    QString text = QString::fromLatin1(challenge);

    if (status != 400 && status != 401 && status != 403) return false;
    if (text.isEmpty()) return status == 401;
    if (!takesTokens.match(text).hasMatch()) return false;
    QRegularExpressionMatch error = namesError.match(text);
    return error.hasMatch() ? error.captured(2) == QLatin1String("invalid_token") : status == 401;
}

static QNetworkReply::NetworkError toNetworkError(tacit_status status) {
    switch (status) {
    case TACIT_ERR_SIGN_IN_REQUIRED:
    case TACIT_ERR_SIGNED_OUT:
        return QNetworkReply::AuthenticationRequiredError;
    case TACIT_ERR_NETWORK:
        return QNetworkReply::TemporaryNetworkFailureError;
    case TACIT_ERR_TLS:
        return QNetworkReply::SslHandshakeFailedError;
    case TACIT_ERR_TIMEOUT:
        return QNetworkReply::TimeoutError;
    case TACIT_ERR_SERVER:
    case TACIT_ERR_REFRESH_STORM:
        return QNetworkReply::ServiceUnavailableError;
    case TACIT_ERR_CLOSED:
    case TACIT_ERR_CANCELLED:
        return QNetworkReply::OperationCanceledError;
    default:
        return QNetworkReply::UnknownNetworkError;
    }
}

static bool isSameOrigin(const QUrl &a, const QUrl &b) {
    int port = a.scheme() == QLatin1String("https") ? 443 : 80;

    return a.scheme() == b.scheme() && a.host() == b.host() && a.port(port) == b.port(port);
}

/* ------------------------------------------------------------------ one request */

class TacitNetworkAccessManager::Reply : public QNetworkReply {
  public:
    Reply(TacitNetworkAccessManager *manager, QNetworkAccessManager::Operation operation,
          const QNetworkRequest &request, QIODevice *body);
    ~Reply() override;

    void abort() override;
    void close() override;
    qint64 bytesAvailable() const override;
    bool canReadLine() const override;
    void setReadBufferSize(qint64 size) override;
    void ignoreSslErrors() override;

  protected:
    qint64 readData(char *data, qint64 size) override;
#if QT_CONFIG(ssl)
    void ignoreSslErrorsImplementation(const QList<QSslError> &errors) override;
    void sslConfigurationImplementation(QSslConfiguration &configuration) const override;
    void setSslConfigurationImplementation(const QSslConfiguration &configuration) override;
#endif

  private:
    TacitSession *session() const;
    void begin();
    void ask();
    void tokenArrived();
    void stopAsking();

    void exchange();
    void forwardSignals();
    void stopExchange();
    bool canRewindBody() const;
    bool rewindBody();

    void headersArrived();
    bool isRefused() const;
    QUrl redirectTarget() const;
    void showAnswer();
    void exchangeFinished();

    int policy() const;
    void redirect(const QUrl &target);
    NetworkError refusalOf(const QUrl &target);
    void follow(const QUrl &target);
    void becomeGet();
    void leaveHome();

    void end(NetworkError code, const QString &text);
    void endSoon(NetworkError code, const QString &text);

    QPointer<TacitNetworkAccessManager> home;
    QNetworkAccessManager::Operation verb;
    QNetworkRequest next; /* as it will be sent, but for the token */
    QPointer<QIODevice> body;
    bool hasBody;
    qint64 bodyBegin;

    QFutureWatcher<TacitToken> *asked = nullptr; /* for a token; null: nobody waits */
    TacitToken token;
    QPointer<QNetworkReply> inner; /* the exchange; kept for what is left to read */
    enum { Unknown, Refused, Redirected, Shown } answer = Unknown; /* of the exchange */
    bool renewed = false;
    bool foreign = false; /* for good: a foreign server must not send the token where it likes */
    QUrl proposed;        /* waits for redirectAllowed() */
    int redirectsLeft;

    bool ignoresSslErrors = false;
#if QT_CONFIG(ssl)
    QList<QSslError> ignoredSslErrors;
#endif
};

TacitNetworkAccessManager::Reply::Reply(TacitNetworkAccessManager *manager,
                                        QNetworkAccessManager::Operation operation,
                                        const QNetworkRequest &request, QIODevice *body)
    : QNetworkReply(manager), home(manager), verb(operation), next(request), body(body),
      hasBody(body != nullptr), bodyBegin(body != nullptr ? body->pos() : 0),
      redirectsLeft(request.maximumRedirectsAllowed()) {
    if (!next.attribute(QNetworkRequest::RedirectPolicyAttribute).isValid())
        next.setAttribute(QNetworkRequest::RedirectPolicyAttribute, manager->redirectPolicy());
    if (!next.attribute(QNetworkRequest::AutoDeleteReplyOnFinishAttribute).isValid())
        next.setAttribute(QNetworkRequest::AutoDeleteReplyOnFinishAttribute,
                          manager->autoDeleteReplies());
    setRequest(next);
    setOperation(operation);
    setUrl(request.url());
    open(QIODevice::ReadOnly);
    connect(this, &QNetworkReply::redirectAllowed, this, [this] {
        if (!proposed.isEmpty()) follow(std::exchange(proposed, QUrl()));
    });
    connect(manager, &TacitNetworkAccessManager::closing, this, [this] {
        home = nullptr;
        abort();
    });
    begin();
}

TacitNetworkAccessManager::Reply::~Reply() {
    stopAsking();
    stopExchange();
}

/* ------------------------------------------------------------------ the token */

TacitSession *TacitNetworkAccessManager::Reply::session() const {
    return home ? home->session() : nullptr;
}

/* Nothing is emitted before the event loop runs. */
void TacitNetworkAccessManager::Reply::begin() {
    token = session()->currentToken();
    if (token.ok())
        exchange();
    else
        ask();
}

/* For the first token, or for a newer one than that which was refused. */
void TacitNetworkAccessManager::Reply::ask() {
    int timeoutMs = next.transferTimeout();

    if (session() == nullptr) {
        endSoon(OperationCanceledError, tr("The session was deleted."));
        return;
    }
    asked = new QFutureWatcher<TacitToken>(this);
    connect(asked, &QFutureWatcherBase::finished, this, &Reply::tokenArrived);
    asked->setFuture(renewed ? session()->renew(token, timeoutMs) : session()->token(0, timeoutMs));
    home->addWaiting(1);
}

void TacitNetworkAccessManager::Reply::tokenArrived() {
    QFuture<TacitToken> future = asked->future();

    token = future.resultCount() > 0 ? future.result() : TacitToken();
    stopAsking();
    if (token.handle)
        exchange();
    else
        end(toNetworkError(token.error.status), token.error.message);
}

void TacitNetworkAccessManager::Reply::stopAsking() {
    if (asked == nullptr) return;
    asked->disconnect(this);
    asked->cancel();
    asked->deleteLater();
    asked = nullptr;
    if (home) home->addWaiting(-1);
}

/* ------------------------------------------------------------------ an exchange */

void TacitNetworkAccessManager::Reply::exchange() {
    QNetworkRequest request = next;

    if (!home) {
        endSoon(OperationCanceledError, tr("The network access manager was deleted."));
        return;
    }
    if (!foreign && home->isProxied(next.url())) {
        endSoon(ProxyConnectionRefusedError, tr("A token goes through no proxy in plain text."));
        return;
    }
    if (!foreign) {
        request.setRawHeader("Authorization", token.authorization());
        request.setAttribute(QNetworkRequest::AuthenticationReuseAttribute,
                             QNetworkRequest::Manual);
    }
    request.setAttribute(QNetworkRequest::RedirectPolicyAttribute,
                         QNetworkRequest::ManualRedirectPolicy);
    answer = Unknown;
    inner =
        home->QNetworkAccessManager::createRequest(verb, request, hasBody ? body.data() : nullptr);
    inner->setParent(nullptr); /* else the manager's destructor deletes it and its parent */
    inner->setReadBufferSize(readBufferSize());
#if QT_CONFIG(ssl)
    inner->ignoreSslErrors(ignoredSslErrors);
#endif
    if (ignoresSslErrors) inner->ignoreSslErrors();
    forwardSignals();
}

void TacitNetworkAccessManager::Reply::forwardSignals() {
    QNetworkReply *from = inner;

    connect(from, &QNetworkReply::metaDataChanged, this, &Reply::headersArrived);
    connect(from, &QNetworkReply::finished, this, &Reply::exchangeFinished);
    connect(from, &QIODevice::readyRead, this, [this] {
        if (answer == Shown) Q_EMIT readyRead();
    });
    connect(from, &QNetworkReply::downloadProgress, this, [this](qint64 received, qint64 total) {
        if (answer == Shown) Q_EMIT downloadProgress(received, total);
    });
    connect(from, &QNetworkReply::uploadProgress, this, &QNetworkReply::uploadProgress);
    connect(from, &QNetworkReply::socketStartedConnecting, this,
            &QNetworkReply::socketStartedConnecting);
    connect(from, &QNetworkReply::requestSent, this, &QNetworkReply::requestSent);
#if QT_CONFIG(ssl)
    connect(from, &QNetworkReply::encrypted, this, &QNetworkReply::encrypted);
    connect(from, &QNetworkReply::sslErrors, this, &QNetworkReply::sslErrors);
    connect(from, &QNetworkReply::preSharedKeyAuthenticationRequired, this,
            &QNetworkReply::preSharedKeyAuthenticationRequired);
#endif
}

/* It lets go of the body at once, and is deleted from the event loop. */
void TacitNetworkAccessManager::Reply::stopExchange() {
    QNetworkReply *old = std::exchange(inner, nullptr);

    if (old == nullptr) return;
    old->disconnect(this);
    old->abort();
    if (QCoreApplication::instance() != nullptr)
        old->deleteLater();
    else
        delete old;
}

bool TacitNetworkAccessManager::Reply::canRewindBody() const {
    return !hasBody || (body && !body->isSequential());
}

/* reset() is what the device of a QHttpMultiPart knows. */
bool TacitNetworkAccessManager::Reply::rewindBody() {
    if (!hasBody) return true;
    if (!canRewindBody()) return false;
    return bodyBegin == 0 ? body->reset() : body->seek(bodyBegin);
}

/* ------------------------------------------------------------------ its answer */

bool TacitNetworkAccessManager::Reply::isRefused() const {
    int status = inner->attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt();

    return !foreign && !renewed && isAboutToken(status, inner->rawHeader("WWW-Authenticate"));
}

/* Empty: it is none, or the caller follows redirects himself. */
QUrl TacitNetworkAccessManager::Reply::redirectTarget() const {
    QUrl location = inner->attribute(QNetworkRequest::RedirectionTargetAttribute).toUrl();

    if (location.isEmpty() || policy() == QNetworkRequest::ManualRedirectPolicy) return {};
    QUrl target = inner->url().resolved(location);
    if (!target.hasFragment()) target.setFragment(url().fragment());
    return target;
}

void TacitNetworkAccessManager::Reply::headersArrived() {
    if (answer != Unknown) return;
    bool refused = isRefused();
    if (refused && canRewindBody())
        answer = Refused;
    else if (!redirectTarget().isEmpty())
        answer = Redirected;
    if (refused && answer != Refused && session() != nullptr)
        session()->renew(token); /* for the caller's next try */
    if (answer == Unknown)
        showAnswer();
    else
        inner->setReadBufferSize(0); /* nobody reads it, and it must come to its end */
}

void TacitNetworkAccessManager::Reply::showAnswer() {
    static const QNetworkRequest::Attribute shown[] = {
        QNetworkRequest::HttpStatusCodeAttribute,
        QNetworkRequest::HttpReasonPhraseAttribute,
        QNetworkRequest::RedirectionTargetAttribute,
        QNetworkRequest::ConnectionEncryptedAttribute,
        QNetworkRequest::SourceIsFromCacheAttribute,
        QNetworkRequest::HttpPipeliningWasUsedAttribute,
        QNetworkRequest::Http2WasUsedAttribute,
        QNetworkRequest::OriginalContentLengthAttribute};

    answer = Shown;
    for (QNetworkRequest::Attribute attribute : shown)
        setAttribute(attribute, inner->attribute(attribute));
    for (const RawHeaderPair &header : inner->rawHeaderPairs())
        setRawHeader(header.first, header.second);
    Q_EMIT metaDataChanged();
}

void TacitNetworkAccessManager::Reply::exchangeFinished() {
    switch (answer) {
    case Refused:
        stopExchange();
        renewed = true;
        if (rewindBody())
            ask();
        else
            endSoon(ContentReSendError, tr("The body cannot be sent again."));
        if (home) Q_EMIT home->tokenRefused(url());
        break;
    case Redirected:
        redirect(redirectTarget());
        break;
    case Unknown: /* no answer came */
    case Shown:
        end(inner->error(), inner->errorString());
        break;
    }
}

/* ------------------------------------------------------------------ redirects */

int TacitNetworkAccessManager::Reply::policy() const {
    return next.attribute(QNetworkRequest::RedirectPolicyAttribute).toInt();
}

/* NoError: it may be followed. */
QNetworkReply::NetworkError TacitNetworkAccessManager::Reply::refusalOf(const QUrl &target) {
    bool isHttps = target.scheme() == QLatin1String("https");

    if (!isHttps && target.scheme() != QLatin1String("http")) return ProtocolUnknownError;
    if (redirectsLeft-- <= 0) return TooManyRedirectsError;
    if (policy() == QNetworkRequest::SameOriginRedirectPolicy && !isSameOrigin(url(), target))
        return InsecureRedirectError;
    bool isLessSafe = url().scheme() == QLatin1String("https") && !isHttps;
    return isLessSafe && policy() != QNetworkRequest::UserVerifiedRedirectPolicy
               ? InsecureRedirectError
               : NoError;
}

void TacitNetworkAccessManager::Reply::redirect(const QUrl &target) {
    QPointer<Reply> alive(this);
    NetworkError refusal = refusalOf(target);

    if (refusal != NoError) {
        showAnswer();
        if (alive) end(refusal, tr("The redirect was not followed."));
        return;
    }
    proposed = target;
    Q_EMIT redirected(target);
    if (!alive || isFinished() || policy() == QNetworkRequest::UserVerifiedRedirectPolicy) return;
    if (!proposed.isEmpty()) follow(std::exchange(proposed, QUrl()));
}

/* RFC 9110 section 15.4: 307 and 308 keep the method, after the others all but HEAD becomes GET. */
void TacitNetworkAccessManager::Reply::follow(const QUrl &target) {
    int status = inner ? inner->attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt() : 0;

    stopExchange();
    next.setUrl(target);
    setUrl(target);
    if (status != 307 && status != 308) becomeGet();
    if (session() == nullptr || !session()->isForUrl(target)) leaveHome();
    if (!rewindBody())
        end(ContentReSendError, tr("The body cannot be sent again."));
    else
        exchange();
}

void TacitNetworkAccessManager::Reply::becomeGet() {
    static const QNetworkRequest::KnownHeaders ofBody[] = {QNetworkRequest::ContentTypeHeader,
                                                           QNetworkRequest::ContentLengthHeader};

    if (verb == QNetworkAccessManager::HeadOperation) return;
    verb = QNetworkAccessManager::GetOperation;
    setOperation(verb);
    hasBody = false;
    for (QNetworkRequest::KnownHeaders header : ofBody) next.setHeader(header, QVariant());
    next.setAttribute(QNetworkRequest::CustomVerbAttribute, QVariant());
}

void TacitNetworkAccessManager::Reply::leaveHome() {
    foreign = true;
    token = TacitToken();
    next.setRawHeader("Cookie", QByteArray());
#if QT_CONFIG(ssl)
    QSslConfiguration ssl = next.sslConfiguration();
    ssl.setLocalCertificateChain({});
    ssl.setPrivateKey({});
    next.setSslConfiguration(ssl);
#endif
}

/* ------------------------------------------------------------------ the end */

void TacitNetworkAccessManager::Reply::end(NetworkError code, const QString &text) {
    QPointer<Reply> alive(this);

    if (isFinished()) return;
    setFinished(true);
    if (code != NoError) {
        setError(code, text);
        Q_EMIT errorOccurred(code);
    }
    if (alive) Q_EMIT finished();
}

/* Where nothing may be emitted yet. */
void TacitNetworkAccessManager::Reply::endSoon(NetworkError code, const QString &text) {
    QMetaObject::invokeMethod(
        this, [=] { end(code, text); }, Qt::QueuedConnection);
}

void TacitNetworkAccessManager::Reply::abort() {
    if (isFinished()) return;
    stopAsking();
    stopExchange();
    end(OperationCanceledError, tr("Operation canceled"));
}

void TacitNetworkAccessManager::Reply::close() {
    QNetworkReply::close();
    abort();
}

/* ------------------------------------------------------------------ as a device */

qint64 TacitNetworkAccessManager::Reply::bytesAvailable() const {
    bool isThere = inner && answer == Shown;

    return QNetworkReply::bytesAvailable() + (isThere ? inner->bytesAvailable() : 0);
}

bool TacitNetworkAccessManager::Reply::canReadLine() const {
    return QNetworkReply::canReadLine() || (inner && answer == Shown && inner->canReadLine());
}

qint64 TacitNetworkAccessManager::Reply::readData(char *data, qint64 size) {
    if (inner && answer == Shown) return inner->read(data, size);
    return isFinished() ? -1 : 0;
}

void TacitNetworkAccessManager::Reply::setReadBufferSize(qint64 size) {
    QNetworkReply::setReadBufferSize(size);
    if (inner) inner->setReadBufferSize(size);
}

void TacitNetworkAccessManager::Reply::ignoreSslErrors() {
    ignoresSslErrors = true;
    if (inner) inner->ignoreSslErrors();
}

#if QT_CONFIG(ssl)
void TacitNetworkAccessManager::Reply::ignoreSslErrorsImplementation(
    const QList<QSslError> &errors) {
    ignoredSslErrors = errors;
    if (inner) inner->ignoreSslErrors(errors);
}

void TacitNetworkAccessManager::Reply::sslConfigurationImplementation(
    QSslConfiguration &configuration) const {
    configuration = inner ? inner->sslConfiguration() : next.sslConfiguration();
}

void TacitNetworkAccessManager::Reply::setSslConfigurationImplementation(
    const QSslConfiguration &configuration) {
    next.setSslConfiguration(configuration);
    if (inner) inner->setSslConfiguration(configuration);
}
#endif

/* ------------------------------------------------------------------ the manager */

TacitNetworkAccessManager::TacitNetworkAccessManager(TacitSession *session, QObject *parent)
    : QNetworkAccessManager(parent), itsSession(session) {
}

TacitNetworkAccessManager::~TacitNetworkAccessManager() {
    Q_EMIT closing();
}

TacitSession *TacitNetworkAccessManager::session() const {
    return itsSession;
}

int TacitNetworkAccessManager::waiting() const {
    return waitingCount;
}

void TacitNetworkAccessManager::addWaiting(int change) {
    waitingCount += change;
    QMetaObject::invokeMethod(
        this, [this] { Q_EMIT waitingChanged(waitingCount); }, Qt::QueuedConnection);
}

/* Only plain http: through a proxy https is a tunnel. */
bool TacitNetworkAccessManager::isProxied(const QUrl &url) const {
    QNetworkProxyQuery query(url);
    QList<QNetworkProxy> proxies;

    if (url.scheme() != QLatin1String("http")) return false;
    if (proxyFactory() != nullptr)
        proxies = proxyFactory()->queryProxy(query);
    else if (proxy().type() != QNetworkProxy::DefaultProxy)
        proxies = {proxy()};
    else
        proxies = QNetworkProxyFactory::proxyForQuery(query);
    return !proxies.isEmpty() && proxies.first().type() != QNetworkProxy::NoProxy;
}

QNetworkReply *TacitNetworkAccessManager::createRequest(Operation operation,
                                                        const QNetworkRequest &request,
                                                        QIODevice *body) {
    if (!itsSession || !itsSession->isForUrl(request.url()) ||
        request.hasRawHeader("Authorization"))
        return QNetworkAccessManager::createRequest(operation, request, body);
    return new Reply(this, operation, request, body);
}
