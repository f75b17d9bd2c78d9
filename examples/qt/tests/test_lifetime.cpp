/* Deleting things: in every order, at any time, in slots of their own signals, on either side of the
 * application's life. What is under way then ends, once, with an error that says so. */
#include "tacitnetworkaccessmanager.h"
#include "testserver.h"

#include <QCoreApplication>
#include <QNetworkReply>
#include <QSignalSpy>
#include <QTest>

#include <algorithm>
#include <functional>
#include <optional>

class TestLifetime : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void every_order_of_deletion_data();
    void every_order_of_deletion();
    void deleted_with_a_hundred_calls_in_the_air();
    void deleted_in_a_slot_of_its_own_signal_data();
    void deleted_in_a_slot_of_its_own_signal();
    void deleted_in_a_continuation();
    void used_in_a_continuation_of_its_own_end();
    void deleted_while_its_browser_is_out();
    void a_reply_deleted_in_a_slot_of_its_own_signal();
    void a_reply_outlives_its_manager();
    void a_manager_deleted_in_a_slot_of_its_reply();
    void the_sign_out_goes_on_after_the_end();
};

/* ------------------------------------------------------------------ every order */

/* What an app may own, with calls under way on both ways to the API. */
struct Scene {
    explicit Scene(ts_server *server, const TestServer &test) {
        TacitConfiguration c = test.configuration();

        client = tacit_client_new(nullptr, nullptr);
        c.client = client;
        session = new TacitSession(c);
        signIn(*session);
        manager = new TacitNetworkAccessManager(session);
        server_gate_close(server, TS_API, TS_BEFORE_PROCESSING);
        future = session->get(test.api("x"));
        future.then([this](TacitResponse r) {
            outcomes++;
            status = r.error.status;
        });
        reply = manager->get(QNetworkRequest(test.api("y")));
        if (reply == nullptr) return;
        reply->setParent(nullptr);
        QObject::connect(reply, &QNetworkReply::finished, reply, [this] { finished++; });
    }

    void remove(char what) {
        switch (what) {
        case 'c':
            tacit_client_unref(client);
            break;
        case 's':
            delete session;
            break;
        case 'm':
            delete manager;
            break;
        case 'r':
            delete reply;
            break;
        case 'f':
            future = QFuture<TacitResponse>();
            break;
        }
    }

    tacit_client *client;
    TacitSession *session;
    TacitNetworkAccessManager *manager;
    QNetworkReply *reply;
    QFuture<TacitResponse> future;
    int outcomes = 0, finished = 0;
    tacit_status status = TACIT_OK;
};

void TestLifetime::every_order_of_deletion_data() {
    std::string order = "cfmrs";

    QTest::addColumn<QString>("order");
    do {
        QTest::newRow(order.c_str()) << QString::fromStdString(order);
    } while (std::next_permutation(order.begin(), order.end()));
}

void TestLifetime::every_order_of_deletion() {
    QFETCH(QString, order);
    TestServer server;
    Scene scene(server, server);

    WAIT(server.counters().held == 2);
    for (QChar what : order) scene.remove(what.toLatin1());

    QCOMPARE(scene.outcomes, 1); /* by then */
    QCOMPARE(scene.status, TACIT_ERR_CLOSED);
    QVERIFY(scene.finished <= 1);
    server_gate_open(server, TS_API);
    QCoreApplication::processEvents();
    QCOMPARE(scene.outcomes, 1);
}

/* ------------------------------------------------------------------ at any time */

void TestLifetime::deleted_with_a_hundred_calls_in_the_air() {
    enum { CROWD = 100 };
    TestServer server;
    auto *session = new TacitSession(server.configuration());
    QList<QFuture<TacitResponse>> futures;
    int outcomes = 0;

    signIn(*session);
    server_gate_close(server, TS_API, TS_BEFORE_PROCESSING);
    for (int i = 0; i < CROWD; i++) {
        futures.append(session->get(server.api("x")));
        futures.last().then([&outcomes](TacitResponse) { outcomes++; });
    }
    WAIT(server.counters().held > 0);
    server_gate_open(server, TS_API); /* some answers are on their way */
    delete session;

    QCOMPARE(outcomes, int(CROWD));
    for (const QFuture<TacitResponse> &future : futures) {
        QVERIFY(future.isFinished());
        tacit_status status = future.result().error.status;
        QVERIFY(status == TACIT_ERR_CLOSED || status == TACIT_OK);
    }
}

void TestLifetime::deleted_in_a_slot_of_its_own_signal_data() {
    QTest::addColumn<int>("signal");
    QTest::newRow("loaded") << 0;
    QTest::newRow("stateChanged") << 1;
    QTest::newRow("expiryChanged") << 2;
    QTest::newRow("signedIn") << 3;
    QTest::newRow("refreshed") << 4;
    QTest::newRow("signedOut") << 5;
}

void TestLifetime::deleted_in_a_slot_of_its_own_signal() {
    QFETCH(int, signal);
    TestServer server;
    QPointer<TacitSession> session = new TacitSession(server.configuration());
    auto end = [&session] { delete session.data(); };

    if (signal == 0) connect(session, &TacitSession::loaded, end);
    if (signal == 1) connect(session, &TacitSession::stateChanged, end);
    if (signal == 2) connect(session, &TacitSession::expiryChanged, end);
    if (signal == 3) connect(session, &TacitSession::signedIn, end);
    if (signal == 4) connect(session, &TacitSession::refreshed, end);
    if (signal == 5) connect(session, &TacitSession::signedOut, end);
    QFuture<TacitOutcome> future = session->signInWithPassword("alice", "wonderland");
    WAIT(future.isFinished());
    if (session && signal == 4) {
        server_revoke_access_tokens(server);
        session->get(server.api("x"));
    }
    if (session && signal == 5) session->signOut();

    WAIT(session.isNull());
}

void TestLifetime::deleted_in_a_continuation() {
    TestServer server;
    QPointer<TacitSession> session = new TacitSession(server.configuration());
    QFuture<TacitResponse> other;

    signIn(*session);
    server_gate_close(server, TS_API, TS_BEFORE_PROCESSING);
    session->get(server.api("x")).then([&session](TacitResponse) { delete session.data(); });
    WAIT(server.counters().held == 1); /* so that it is the one to be released */
    other = session->get(server.api("x"));
    WAIT(server.counters().held == 2);
    server_gate_release(server, TS_API, 1);

    WAIT(session.isNull());
    QVERIFY(other.isFinished());
    server_gate_open(server, TS_API);
}

void TestLifetime::used_in_a_continuation_of_its_own_end() {
    TestServer server;
    auto *session = new TacitSession(server.configuration());
    tacit_status status = TACIT_OK;

    signIn(*session);
    server_gate_close(server, TS_API, TS_BEFORE_PROCESSING);
    session->get(server.api("x")).then([&](TacitResponse) {
        QFuture<TacitResponse> late = session->get(server.api("x"));
        QVERIFY(late.isFinished());
        status = late.result().error.status;
        QCoreApplication::processEvents();
    });
    delete session;

    QCOMPARE(status, TACIT_ERR_CLOSED);
    server_gate_open(server, TS_API);
}

void TestLifetime::deleted_while_its_browser_is_out() {
    TestServer server;
    auto *session = new TacitSession(server.configuration());
    QSignalSpy browser(session, &TacitSession::browserRequested);
    QFuture<TacitOutcome> early = session->signInWithBrowser();
    delete session; /* perhaps before the browser was asked for */
    session = new TacitSession(server.configuration());
    QSignalSpy again(session, &TacitSession::browserRequested);
    QFuture<TacitOutcome> late = session->signInWithBrowser();
    WAIT(again.count() == 1);
    delete session;

    QCOMPARE(early.result().error.status, TACIT_ERR_CLOSED);
    QCOMPARE(late.result().error.status, TACIT_ERR_CLOSED);
}

void TestLifetime::a_reply_deleted_in_a_slot_of_its_own_signal() {
    TestServer server;
    TacitSession session(server.configuration());
    TacitNetworkAccessManager manager(&session);

    signIn(session);
    for (auto signal : {&QNetworkReply::metaDataChanged, &QNetworkReply::finished}) {
        QPointer<QNetworkReply> reply = manager.get(QNetworkRequest(server.api("bytes?n=100000")));
        connect(reply, signal, this, [&reply] { delete reply.data(); });
        WAIT(reply.isNull());
    }
    QPointer<QNetworkReply> reply = manager.get(QNetworkRequest(server.api("bytes?n=100000")));
    connect(reply, &QIODevice::readyRead, this, [&reply] { delete reply.data(); });
    WAIT(reply.isNull());
    server_revoke_access_tokens(server);
    reply = manager.get(QNetworkRequest(server.api("x")));
    connect(&manager, &TacitNetworkAccessManager::tokenRefused, this,
            [&reply] { delete reply.data(); });
    WAIT(reply.isNull());

    WAIT(manager.waiting() == 0);
}

void TestLifetime::a_reply_outlives_its_manager() {
    TestServer server;
    TacitSession session(server.configuration());
    auto *manager = new TacitNetworkAccessManager(&session);

    signIn(session);
    server_gate_close(server, TS_API, TS_BEFORE_PROCESSING);
    std::unique_ptr<QNetworkReply> running(manager->get(QNetworkRequest(server.api("x"))));
    WAIT(server.counters().held == 1);
    server_gate_open(server, TS_API);
    std::unique_ptr<QNetworkReply> over(manager->get(QNetworkRequest(server.api("echo"))));
    WAIT(over->isFinished());
    server_gate_close(server, TS_API, TS_BEFORE_PROCESSING);
    std::unique_ptr<QNetworkReply> held(manager->get(QNetworkRequest(server.api("x"))));
    QSignalSpy finished(held.get(), &QNetworkReply::finished);
    WAIT(server.counters().held == 1);
    running->setParent(nullptr);
    over->setParent(nullptr);
    held->setParent(nullptr);
    delete manager;

    QCOMPARE(finished.count(), 1);
    QCOMPARE(held->error(), QNetworkReply::OperationCanceledError);
    QVERIFY(over->readAll().contains("\"method\""));
    server_gate_open(server, TS_API);
}

/* What emits in the end is an exchange, which Qt's destructor would take along as a child. */
void TestLifetime::a_manager_deleted_in_a_slot_of_its_reply() {
    TestServer server;
    TacitSession session(server.configuration());
    QPointer<TacitNetworkAccessManager> manager = new TacitNetworkAccessManager(&session);

    signIn(session);
    QPointer<QNetworkReply> reply = manager->get(QNetworkRequest(server.api("bytes?n=1000000")));
    qsizetype children = 0;
    connect(reply, &QIODevice::readyRead, this, [&] {
        reply->abort();
        children = manager->findChildren<QNetworkReply *>().size();
        delete manager.data();
    });

    WAIT(manager.isNull() && reply.isNull());
    QCOMPARE(children, 1); /* the reply itself */
}

void TestLifetime::the_sign_out_goes_on_after_the_end() {
    TestServer server;
    auto *session = new TacitSession(server.configuration());

    signIn(*session);
    QFuture<TacitOutcome> future = session->signOut();
    delete session;

    QVERIFY(future.isFinished());
    WAIT(server.counters().live_refresh_tokens == 0);
}

/* ------------------------------------------------------------------ the application's life */

/* Made before QCoreApplication or within its life, and deleted after it. (A reply that runs still is
 * Qt's own to lose then, with any manager.) */
static bool outlivesTheApplication(int argc, char **argv, bool madeBefore) {
    TestServer server;
    std::optional<TacitSession> session;
    std::optional<TacitNetworkAccessManager> manager;
    QNetworkReply *reply;
    QFuture<TacitResponse> future;
    QFuture<TacitOutcome> signedIn;

    if (madeBefore) session.emplace(server.configuration());
    {
        QCoreApplication app(argc, argv);
        if (!session) session.emplace(server.configuration());
        signedIn = session->signInWithPassword("alice", "wonderland");
        if (!resultOf(signedIn).ok()) return false;
        manager.emplace(&*session);
        reply = manager->get(QNetworkRequest(server.api("y")));
        while (!reply->isFinished()) QCoreApplication::processEvents();
        server_gate_close(server, TS_API, TS_BEFORE_PROCESSING);
        future = session->get(server.api("x"));
        if (!server_gate_waiters(server, TS_API, 1, 20000)) return false;
    }
    server_gate_open(server, TS_API); /* what is posted now has no loop to run in */
    if (!server_wait_counter(server, TS_COUNTER(api_2xx), 2, 20000)) return false;
    if (!madeBefore) session.reset();
    manager.reset();
    session.reset();
    return future.isFinished() && future.result().error.status == TACIT_ERR_CLOSED;
}

int main(int argc, char **argv) {
    if (!outlivesTheApplication(argc, argv, false)) qFatal("made within the application's life");
    if (!outlivesTheApplication(argc, argv, true)) qFatal("made before the application");

    QCoreApplication app(argc, argv);
    TestLifetime test;
    return QTest::qExec(&test, argc, argv);
}
#include "test_lifetime.moc"
