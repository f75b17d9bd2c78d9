/*
 * A signed-in account as a QObject. Copy tacitsession.h and tacitsession.cpp into your project and
 * link tacit::tacit and Qt6::Core.
 *
 *     TacitConfiguration c;
 *     c.applicationId = "com.example.notes";
 *     c.issuer = "https://login.example.com";
 *     c.clientId = "notes";
 *     c.origins = {"https://api.example.com"};
 *     auto *session = new TacitSession(c, this);
 *     connect(session, &TacitSession::signInRequired, this, &Window::askTheUser);
 *     session->get(QUrl("https://api.example.com/notes")).then(this, [](TacitResponse r) { ... });
 *
 * Nothing here waits, so that it belongs into the thread of the user interface. Signals are emitted
 * and futures finish on the object's thread, from its event loop: QFuture::waitForFinished() there
 * would wait for ever; use then() or a QFutureWatcher. QFuture::cancel() cancels the call.
 *
 * Use it on its thread alone; moveToThread() takes all that is under way along. It may be deleted at
 * any time, in a slot of its own signals too: what is under way ends with TACIT_ERR_CLOSED, at once.
 */
#ifndef TACIT_QT_SESSION_H
#define TACIT_QT_SESSION_H

#include <tacit/tacit.h>

#include <QByteArray>
#include <QDateTime>
#include <QFuture>
#include <QJsonObject>
#include <QList>
#include <QObject>
#include <QPair>
#include <QString>
#include <QStringList>
#include <QUrl>

#include <memory>

/* Why something failed; TACIT_OK where nothing did. */
struct TacitError {
    tacit_status status = TACIT_OK;
    QString message;    /* one sentence for a person; never a secret */
    QString oauthError; /* the server's code, "invalid_grant" */
    int httpStatus = 0;
    int retryAfterSeconds = 0;
    bool retryable = false;
    bool signInRequired = false; /* only a new sign-in helps */
    bool outcomeUnknown = false; /* it was sent, and the answer was lost */
};
Q_DECLARE_METATYPE(TacitError)

/* What every future of a session carries; the future of a sign-in or sign-out nothing else. */
struct TacitOutcome {
    TacitError error;

    bool ok() const {
        return error.status == TACIT_OK;
    }
};

/* An HTTP answer. ok() says that there is one: 404 and 500 are answers too. */
struct TacitResponse : TacitOutcome {
    int status = 0;
    QByteArray body;
    QList<QPair<QByteArray, QByteArray>> headers; /* as they came */
    QUrl url;                                     /* after redirects */
    int attempts = 0;

    QByteArray header(const QByteArray &name) const; /* the first; case does not matter */
};

/* One access token. The bytes of authorization() are not wiped: let go of them soon. */
struct TacitToken : TacitOutcome {
    std::shared_ptr<tacit_token> handle;

    QByteArray authorization() const; /* "Bearer ey...": the header's value */
};

struct TacitRequest {
    QUrl url;
    QByteArray method;         /* empty: GET, or POST with a body */
    QList<QByteArray> headers; /* "Name: value" */
    QByteArray body;           /* sent again after a 401 */
    int timeoutMs = 0;         /* 0: 60 s */
    int minValidSeconds = 0;   /* the token must live at least this long */
    unsigned retriesMax = 0;   /* after 429, 503 and failed connections */
    bool followRedirects = true;
};

/* What a sign-in may want beyond the usual. */
struct TacitSignIn {
    QString scope; /* instead of the session's */
    QStringList params;
    QString redirectUri; /* browser; empty: http://127.0.0.1 with a free port */
    QString successHtml; /* browser: the page that the user sees in the end */
    int timeoutMs = 0;   /* 0: 5 min for the browser, the life of a device code, else 30 s */
};

struct TacitConfiguration {
    QString applicationId; /* of the app, "com.example.notes"; names its entries in the keyring */
    QString issuer;        /* of the authorization server, ... */
    QByteArray metadata;   /* ... or, instead, its metadata as JSON (RFC 8414) */
    QString clientId;
    QString clientSecret;
    QString scope;
    QString resource;
    QString account; /* empty: "default" */
    QStringList origins;
    QStringList tokenParams;
    tacit_policy policy = TACIT_POLICY_PROACTIVE;
    int refreshLeadSeconds = 0; /* 0: automatic */
    int maxIdleSeconds = 0;     /* the sign-in ends after so long without a request; 0: never */
    int maxAgeSeconds = 0;      /* and so long after it began; 0: never */
    QString caFile;             /* PEM; instead of the system's CAs */
    QString stateDirectory;     /* empty: below the user's state directory */
    /* All may be null, and are only looked at by the constructor; a session keeps what it uses. */
    tacit_store *store = nullptr;         /* null: the system's keyring */
    tacit_store *previousStore = nullptr; /* where an earlier version of the app kept the sign-in */
    tacit_client *client = nullptr; /* shared with other sessions; null: one of its own, made with
                                       applicationId, caFile and stateDirectory */
};

class TacitSession : public QObject {
    Q_OBJECT
    Q_PROPERTY(State state READ state NOTIFY stateChanged)
    Q_PROPERTY(QDateTime expiry READ expiry NOTIFY expiryChanged)

  public:
    enum State {
        Unknown = 0,
        SignedOut = 1,
        SignedIn = 2
    }; /* Unknown: the store was not read yet */
    Q_ENUM(State)

    /* What cannot be opened stays Unknown, and every future says why: openError(). */
    explicit TacitSession(const TacitConfiguration &configuration, QObject *parent = nullptr);
    ~TacitSession() override;

    TacitError openError() const;
    State state() const;
    QDateTime expiry() const; /* of the access token, UTC; invalid: unknown or none */
    /* Whether requests to this URL get the token: one of the origins, over https or to loopback. */
    bool isForUrl(const QUrl &url) const;
    QJsonObject claims() const; /* of the id_token: who is signed in */
    /* For the rest of the C interface; borrowed, null where it could not be opened. */
    tacit_session *handle() const;

    QFuture<TacitResponse> get(const QUrl &url);
    QFuture<TacitResponse> send(const TacitRequest &request);
    /* For an HTTP stack of your own; TacitNetworkAccessManager is one for Qt's. */
    TacitToken currentToken() const; /* what is at hand; else its error says why there is none */
    /* One that lives so much longer, after a refresh if need be. timeoutMs 0: 60 s. */
    QFuture<TacitToken> token(int minValidSeconds = 0, int timeoutMs = 0);
    /* The API answered 401 to refused: a newer one. */
    QFuture<TacitToken> renew(const TacitToken &refused, int timeoutMs = 0);

    /* The earlier sign-in stays until the new one is in force. */
    QFuture<TacitOutcome> signInWithBrowser(const TacitSignIn &options = {});
    QFuture<TacitOutcome> signInWithDeviceCode(const TacitSignIn &options = {});
    QFuture<TacitOutcome> signInWithPassword(const QString &username, const QString &password,
                                             const TacitSignIn &options = {});
    QFuture<TacitOutcome> signInWithClientCredentials(const TacitSignIn &options = {});
    QFuture<TacitOutcome> signOut();

  public Q_SLOTS:
    /* The network is back, or another one: overdue refreshes begin now. Made for
     * QNetworkInformation::reachabilityChanged. */
    void networkChanged();

  Q_SIGNALS:
    void stateChanged(TacitSession::State state);
    void expiryChanged(const QDateTime &expiry);
    void loaded(const QString &store); /* once: the store was read; which one it is */
    void signedIn();
    void refreshed(quint64 generation, qint64 expiresInSeconds); /* -1: unknown */
    void refreshFailed(const TacitError &error); /* the current token is kept while it lives */
    void signInRequired(const TacitError &error);
    void signedOut();
    void storeFailed(const TacitError &error); /* tried again by itself */
    void storeRecovered();
    void refreshStorm(const TacitError &error); /* tokens are refused as fast as they come */
    /* The refresh token ends in so long: ask the user to sign in when it suits. */
    void signInEnds(qint64 inSeconds);
    /* Something that should not happen did, for the security log. message is a sentence. */
    void anomaly(tacit_anomaly anomaly, const QString &message);

    /* Open this page, with QDesktopServices::openUrl() for instance. Where nobody is connected when
     * the sign-in begins, tacit starts the system's browser. */
    void browserRequested(const QUrl &url);
    void deviceCodeReady(const QString &userCode, const QUrl &verificationUrl,
                         const QUrl &verificationUrlComplete, int expiresInSeconds);

  private:
    class Private;
    std::unique_ptr<Private> d;
};

#endif
