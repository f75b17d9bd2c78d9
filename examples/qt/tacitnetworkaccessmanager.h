/*
 * Qt's own HTTP with a session's token. Copy tacitnetworkaccessmanager.h and .cpp beside
 * tacitsession.h and .cpp, link Qt6::Network, and use it as any QNetworkAccessManager:
 *
 *     TacitNetworkAccessManager manager(session);
 *     QNetworkReply *reply = manager.get(QNetworkRequest(QUrl("https://api.example.com/notes")));
 *
 * A request to the session's origins gets the token; where the answer is a 401 about the token, it
 * is sent once more with a newer one (one refresh for everyone), its body too, from where it began.
 * All this is one QNetworkReply with the usual signals, and nothing of the first answer is seen. A
 * body from a device that cannot seek is sent once: then the 401 is the answer, and the token is
 * renewed for the next request.
 *
 * Redirects follow the request's policy, as ever; a hop to another origin is made without token,
 * cookies and the request's own Authorization. Requests to other origins, and those that bring an
 * Authorization header, are QNetworkAccessManager's alone. Plain http (to loopback) never gets the
 * token where a proxy would see it: such a request fails.
 *
 * Lives on the session's thread. Session, manager and replies may be deleted in any order.
 */
#ifndef TACIT_QT_NETWORK_ACCESS_MANAGER_H
#define TACIT_QT_NETWORK_ACCESS_MANAGER_H

#include "tacitsession.h"

#include <QNetworkAccessManager>
#include <QPointer>

class TacitNetworkAccessManager : public QNetworkAccessManager {
    Q_OBJECT
    Q_PROPERTY(int waiting READ waiting NOTIFY waitingChanged)

  public:
    explicit TacitNetworkAccessManager(TacitSession *session, QObject *parent = nullptr);
    ~TacitNetworkAccessManager() override;

    TacitSession *session() const; /* null: it was deleted */
    int waiting() const;           /* requests that wait for a token now */

  Q_SIGNALS:
    void waitingChanged(int waiting);
    void tokenRefused(const QUrl &url); /* a 401; the request waits for a newer token */
    void closing();                     /* the last moment, while everything is there */

  protected:
    QNetworkReply *createRequest(Operation operation, const QNetworkRequest &request,
                                 QIODevice *body) override;

  private:
    class Reply;

    bool isProxied(const QUrl &url) const;
    void addWaiting(int change);

    QPointer<TacitSession> itsSession;
    int waitingCount = 0;
};

#endif
