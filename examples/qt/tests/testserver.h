/* The scriptable server, and a session on it. */
#ifndef TACIT_QT_TESTSERVER_H
#define TACIT_QT_TESTSERVER_H

#include "tacitsession.h"

extern "C" {
#include "support/server.h"
}

#include <QUrl>

#include <memory>

class TestServer {
  public:
    explicit TestServer(const ts_options &options = defaults());
    ~TestServer();

    static ts_options defaults();

    operator ts_server *() const;
    QString url(const char *path = "") const;
    QUrl api(const char *path) const; /* "/api/" + path */
    ts_counters counters() const;
    QByteArray apiHeader(size_t index, const char *name) const; /* of a recorded request */
    QByteArray apiBody(size_t index) const;

    /* A session on this server with a memory store of its own. */
    TacitConfiguration configuration() const;

  private:
    ts_server *server;
    tacit_store *store;
};

/* Waits for a future from the event loop, and answers its result. */
template <class Result> Result resultOf(QFuture<Result> future);
void signIn(TacitSession &session);

#define WAIT(condition) QTRY_VERIFY_WITH_TIMEOUT(condition, 20000)

#include <QEventLoop>
#include <QFutureWatcher>
#include <QTimer>

template <class Result> Result resultOf(QFuture<Result> future) {
    QFutureWatcher<Result> watcher;
    QEventLoop loop;

    QObject::connect(&watcher, &QFutureWatcherBase::finished, &loop, &QEventLoop::quit);
    QTimer::singleShot(20000, &loop, &QEventLoop::quit);
    watcher.setFuture(future);
    if (!future.isFinished()) loop.exec();
    return future.isFinished() && future.resultCount() > 0 ? future.result() : Result();
}

#endif
