#include "testserver.h"

#include <QTest>

#include <cstdlib>

TestServer::TestServer(const ts_options &options)
    : server(server_start(&options)), store(tacit_store_memory()) {
    if (server == nullptr) qFatal("the server did not start");
}

TestServer::~TestServer() {
    tacit_store_unref(store);
    server_stop(server);
}

ts_options TestServer::defaults() {
    ts_options options = TS_OPTIONS_INIT;

    options.device_interval = "1";
    return options;
}

TestServer::operator ts_server *() const {
    return server;
}

QString TestServer::url(const char *path) const {
    return QString::fromUtf8(server_url(server, path));
}

QUrl TestServer::api(const char *path) const {
    return QUrl(url("/api/") + QString::fromUtf8(path));
}

ts_counters TestServer::counters() const {
    return server_counters(server);
}

QByteArray TestServer::apiHeader(size_t index, const char *name) const {
    QByteArray wanted = QByteArray(name).toLower() + ": ", found;
    ts_record record;

    if (!server_record(server, TS_API, index, &record)) return {};
    for (const QByteArray &line : QByteArray(record.headers).split('\n'))
        if (line.toLower().startsWith(wanted)) found = line.mid(wanted.size());
    server_record_free(&record);
    return found;
}

QByteArray TestServer::apiBody(size_t index) const {
    ts_record record;

    if (!server_record(server, TS_API, index, &record)) return {};
    QByteArray body(record.body, qsizetype(record.body_size));
    server_record_free(&record);
    return body;
}

TacitConfiguration TestServer::configuration() const {
    TacitConfiguration c;

    c.metadata = server_provider_json(server);
    c.clientId = "test-client";
    c.origins = QStringList{url()};
    c.store = store;
    return c;
}

void signIn(TacitSession &session) {
    TacitOutcome outcome = resultOf(session.signInWithPassword("alice", "wonderland"));

    QVERIFY2(outcome.ok(), qPrintable(outcome.error.message));
    WAIT(session.state() == TacitSession::SignedIn);
}
