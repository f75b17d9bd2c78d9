/* TacitSession: sign-in, requests, one refresh for all, cancel, another thread. */
#include "testserver.h"

#include <QNetworkAccessManager>
#include <QNetworkReply>
#include <QSignalSpy>
#include <QTest>
#include <QThread>

class TestSession : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void a_password_signs_in();
    void a_browser_signs_in();
    void a_device_signs_in();
    void a_wrong_password_is_an_error_with_a_sentence();
    void sign_out_ends_it();
    void what_cannot_be_opened_says_why();
    void a_request_carries_the_token_and_the_body();
    void an_answer_is_a_value();
    void a_storm_of_401s_is_one_refresh();
    void a_future_that_is_cancelled_cancels_the_call();
    void a_cancelled_sign_in_never_comes();
    void continuations_run_on_the_objects_thread();
    void a_slot_with_a_loop_of_its_own_holds_up_nobody();
    void the_server_asks_for_a_new_sign_in();
    void a_refusal_before_its_time_is_an_anomaly();
    void the_end_of_a_sign_in_is_told_before_it_comes();
    void a_refresh_that_fails_is_told_and_the_network_ends_the_wait();
    void a_store_that_fails_is_told();
    void an_object_moves_with_its_calls();
    void sessions_share_a_client();
};

void TestSession::a_password_signs_in() {
    TestServer server;
    TacitSession session(server.configuration());
    QSignalSpy states(&session, &TacitSession::stateChanged);
    QSignalSpy loaded(&session, &TacitSession::loaded), signedIn(&session, &TacitSession::signedIn);

    QCOMPARE(session.state(), TacitSession::Unknown);
    WAIT(loaded.count() == 1);
    QCOMPARE(session.state(), TacitSession::SignedOut);
    QVERIFY(!session.expiry().isValid());
    signIn(session);

    WAIT(signedIn.count() == 1);
    QCOMPARE(states.count(), 2);
    qint64 left = QDateTime::currentDateTimeUtc().secsTo(session.expiry());
    QVERIFY2(left > 3500 && left <= 3600, qPrintable(QString::number(left)));
    QCOMPARE(resultOf(session.get(server.api("x"))).status, 200);
}

void TestSession::a_browser_signs_in() {
    TestServer server;
    TacitSession session(server.configuration());
    QNetworkAccessManager browser;
    TacitSignIn options;

    connect(&session, &TacitSession::browserRequested, &browser, [&browser](const QUrl &url) {
        QVERIFY(url.query().contains("code_challenge"));
        browser.get(QNetworkRequest(url));
    });
    options.scope = "openid";
    TacitOutcome outcome = resultOf(session.signInWithBrowser(options));

    QVERIFY2(outcome.ok(), qPrintable(outcome.error.message));
    WAIT(session.state() == TacitSession::SignedIn);
    QCOMPARE(session.claims()["aud"].toString(), "test-client");
}

void TestSession::a_device_signs_in() {
    TestServer server;
    TacitSession session(server.configuration());

    connect(&session, &TacitSession::deviceCodeReady, this,
            [&server](const QString &code, const QUrl &url, const QUrl &complete, int seconds) {
                QCOMPARE(url, QUrl(server.url("/activate")));
                QVERIFY(complete.query().contains(code));
                QCOMPARE(seconds, 600);
                QVERIFY(server_device_approve(server, code.toUtf8()));
            });
    TacitOutcome outcome = resultOf(session.signInWithDeviceCode());

    QVERIFY2(outcome.ok(), qPrintable(outcome.error.message));
}

void TestSession::a_wrong_password_is_an_error_with_a_sentence() {
    TestServer server;
    TacitSession session(server.configuration());
    TacitOutcome outcome = resultOf(session.signInWithPassword("alice", "w\u00f6nderland"));

    QCOMPARE(outcome.error.status, TACIT_ERR_OAUTH);
    QCOMPARE(outcome.error.oauthError, "invalid_grant");
    QVERIFY(!outcome.error.message.isEmpty());
    QVERIFY(!outcome.error.message.contains("nderland"));
}

void TestSession::sign_out_ends_it() {
    TestServer server;
    TacitSession session(server.configuration());
    QSignalSpy signedOut(&session, &TacitSession::signedOut);

    signIn(session);
    TacitOutcome outcome = resultOf(session.signOut());

    QVERIFY2(outcome.ok(), qPrintable(outcome.error.message));
    WAIT(signedOut.count() == 1);
    QCOMPARE(session.state(), TacitSession::SignedOut);
    QCOMPARE(server.counters().live_refresh_tokens, 0);
    QCOMPARE(resultOf(session.get(server.api("x"))).error.status, TACIT_ERR_SIGN_IN_REQUIRED);
}

void TestSession::what_cannot_be_opened_says_why() {
    TestServer server;
    TacitConfiguration c = server.configuration();

    c.origins = QStringList{"http://api.example.com"};
    TacitSession insecure(c);
    c = server.configuration();
    c.metadata = "{";
    TacitSession unreadable(c);

    QCOMPARE(insecure.openError().status, TACIT_ERR_INSECURE_URL);
    QVERIFY(!insecure.isForUrl(QUrl("http://api.example.com/")));
    QCOMPARE(unreadable.openError().status, TACIT_ERR_INVALID_ARGUMENT);
    QCOMPARE(unreadable.state(), TacitSession::Unknown);
    QFuture<TacitResponse> future = unreadable.get(server.api("x"));
    QVERIFY(future.isFinished());
    QCOMPARE(future.result().error.status, TACIT_ERR_INVALID_ARGUMENT);
    QCOMPARE(unreadable.currentToken().error.status, TACIT_ERR_INVALID_ARGUMENT);
    QVERIFY(unreadable.claims().isEmpty());
    unreadable.networkChanged();
}

void TestSession::a_request_carries_the_token_and_the_body() {
    TestServer server;
    TacitSession session(server.configuration());
    TacitRequest request;

    signIn(session);
    request.url = server.api("echo");
    request.method = "PUT";
    request.headers = {"X-Colour: blue"};
    request.body = QByteArray("a\0b", 3);
    TacitResponse response = resultOf(session.send(request));

    QVERIFY2(response.ok(), qPrintable(response.error.message));
    QCOMPARE(response.status, 200);
    QCOMPARE(server.apiHeader(0, "X-Colour"), "blue");
    QCOMPARE(server.apiBody(0), request.body);
    QCOMPARE(server.apiHeader(0, "Authorization"), session.currentToken().authorization());
}

void TestSession::an_answer_is_a_value() {
    TestServer server;
    TacitSession session(server.configuration());

    signIn(session);
    server_fail(server, TS_API, 1, 404);
    TacitResponse missing = resultOf(session.get(server.api("x")));
    TacitResponse foreign = resultOf(session.get(QUrl("https://other.example/")));

    QVERIFY(missing.ok());
    QCOMPARE(missing.status, 404);
    QCOMPARE(missing.attempts, 1);
    QCOMPARE(missing.url, server.api("x"));
    QVERIFY(!missing.header("date").isEmpty());
    QCOMPARE(foreign.error.status, TACIT_ERR_ORIGIN_NOT_ALLOWED);
}

void TestSession::a_storm_of_401s_is_one_refresh() {
    enum { CROWD = 200 };
    TestServer server;
    TacitSession session(server.configuration());
    QSignalSpy refreshed(&session, &TacitSession::refreshed);
    QList<QFuture<TacitResponse>> futures;

    signIn(session);
    server_revoke_access_tokens(server);
    for (int i = 0; i < CROWD; i++) futures.append(session.get(server.api("x")));
    for (const QFuture<TacitResponse> &future : futures) {
        TacitResponse response = resultOf(future);
        QVERIFY2(response.ok(), qPrintable(response.error.message));
        QCOMPARE(response.status, 200);
    }

    QCOMPARE(server.counters().refreshes_ok, 1);
    WAIT(refreshed.count() == 1);
    QCOMPARE(refreshed.first().at(0).toULongLong(), 2u);
}

void TestSession::a_future_that_is_cancelled_cancels_the_call() {
    TestServer server;
    TacitSession session(server.configuration());

    signIn(session);
    server_gate_close(server, TS_API, TS_BEFORE_PROCESSING);
    QFuture<TacitResponse> future = session.get(server.api("x"));
    WAIT(server.counters().held == 1);
    bool heard = false;
    future.onCanceled(&session, [&heard] {
        heard = true;
        return TacitResponse();
    });
    future.cancel();

    WAIT(future.isFinished()); /* while the server holds the answer still */
    QVERIFY(future.isCanceled());
    QCOMPARE(future.resultCount(), 0);
    WAIT(heard);
    server_gate_open(server, TS_API);
    QCOMPARE(resultOf(session.get(server.api("x"))).status, 200);
}

void TestSession::a_cancelled_sign_in_never_comes() {
    TestServer server;
    TacitSession session(server.configuration());
    QSignalSpy browser(&session, &TacitSession::browserRequested);
    QFuture<TacitOutcome> future = session.signInWithBrowser();

    WAIT(browser.count() == 1);
    future.cancel();
    WAIT(future.isFinished());

    QVERIFY(future.isCanceled());
    signIn(session); /* and nothing is in the way */
}

void TestSession::continuations_run_on_the_objects_thread() {
    TestServer server;
    TacitSession session(server.configuration());
    QThread *responded = nullptr, *failed = nullptr, *told = nullptr;

    connect(&session, &TacitSession::signedIn, [&told] { told = QThread::currentThread(); });
    signIn(session);
    session.get(server.api("x")).then([&responded](TacitResponse) {
        responded = QThread::currentThread();
    });
    session.get(QUrl("http://127.0.0.1:1/")).then([&failed](TacitResponse) {
        failed = QThread::currentThread();
    });

    WAIT(responded != nullptr);
    QCOMPARE(responded, thread());
    QCOMPARE(failed, thread());
    QCOMPARE(told, thread());
}

void TestSession::a_slot_with_a_loop_of_its_own_holds_up_nobody() {
    TestServer server;
    TacitSession session(server.configuration());
    int status = 0;

    connect(&session, &TacitSession::signedIn, &session,
            [&] { /* as a dialog does */
                  status = resultOf(session.get(server.api("x"))).status;
            });
    signIn(session);

    WAIT(status == 200);
}

void TestSession::the_server_asks_for_a_new_sign_in() {
    TestServer server;
    TacitSession session(server.configuration());
    QSignalSpy required(&session, &TacitSession::signInRequired);

    signIn(session);
    server_revoke_family(server);
    TacitResponse response = resultOf(session.get(server.api("x")));

    QCOMPARE(response.error.status, TACIT_ERR_SIGN_IN_REQUIRED);
    QVERIFY(response.error.signInRequired);
    WAIT(required.count() == 1);
    QCOMPARE(required.first().first().value<TacitError>().oauthError, "invalid_grant");
    QCOMPARE(session.state(), TacitSession::SignedOut);
}

void TestSession::a_refusal_before_its_time_is_an_anomaly() {
    ts_options options = TestServer::defaults();
    options.extra_members = "{\"refresh_token_expires_in\": 86400}";
    TestServer server(options);
    TacitSession session(server.configuration());
    QSignalSpy anomalies(&session, &TacitSession::anomaly);

    signIn(session);
    server_revoke_family(server);
    resultOf(session.get(server.api("x")));

    WAIT(anomalies.count() == 1);
    QCOMPARE(anomalies.first().at(0).value<tacit_anomaly>(), TACIT_ANOMALY_REFUSED_EARLY);
    QVERIFY(!anomalies.first().at(1).toString().isEmpty());
}

void TestSession::the_end_of_a_sign_in_is_told_before_it_comes() {
    ts_options options = TestServer::defaults();
    options.rotate = false; /* no refresh puts it off */
    options.extra_members = "{\"refresh_token_expires_in\": 4}";
    TestServer server(options);
    TacitSession session(server.configuration());
    QSignalSpy ends(&session, &TacitSession::signInEnds);

    signIn(session);
    options.extra_members = nullptr;
    server_configure(server, &options);

    WAIT(ends.count() == 1);
    QVERIFY(ends.first().first().toLongLong() < 4);
}

void TestSession::a_refresh_that_fails_is_told_and_the_network_ends_the_wait() {
    TestServer server;
    TacitSession session(server.configuration());
    QSignalSpy failed(&session, &TacitSession::refreshFailed);
    QSignalSpy expiries(&session, &TacitSession::expiryChanged);

    signIn(session);
    server_fail_retry_after(server, TS_TOKEN_ENDPOINT, 1, 503, "600");
    server_revoke_access_tokens(server);
    TacitResponse response = resultOf(session.get(server.api("x")));
    QCOMPARE(response.error.status, TACIT_ERR_SERVER);
    QVERIFY(response.error.retryable);
    QVERIFY(response.error.retryAfterSeconds > 500);
    WAIT(failed.count() == 1);
    QCOMPARE(failed.first().first().value<TacitError>().httpStatus, 503);
    QCOMPARE(expiries.count(), 1); /* the token is still the same */
    session.networkChanged();

    QCOMPARE(resultOf(session.get(server.api("x"))).status, 200);
}

static tacit_status findNothing(void *, const char *, char **, size_t *) {
    return TACIT_ERR_STORE_NOT_FOUND;
}
static tacit_status saveNothing(void *, const char *, const char *, size_t) {
    return TACIT_ERR_STORE_LOCKED;
}
static tacit_status eraseNothing(void *, const char *) {
    return TACIT_OK;
}

void TestSession::a_store_that_fails_is_told() {
    TestServer server;
    tacit_store_ops ops = TACIT_STORE_OPS_INIT;
    ops.load = findNothing;
    ops.save = saveNothing;
    ops.erase = eraseNothing;
    ops.process_only = true;
    TacitConfiguration c = server.configuration();
    c.store = tacit_store_custom(&ops, nullptr, nullptr);
    TacitSession session(c);
    tacit_store_unref(c.store);
    QSignalSpy failed(&session, &TacitSession::storeFailed);

    signIn(session);

    WAIT(failed.count() >= 1);
    QCOMPARE(failed.first().first().value<TacitError>().status, TACIT_ERR_STORE_LOCKED);
}

/* Calls begun on one thread finish on another, from that one's loop. */
void TestSession::an_object_moves_with_its_calls() {
    enum { CROWD = 50 };
    TestServer server;
    QThread worker;
    auto *session = new TacitSession(server.configuration());
    std::atomic<int> there{0}, elsewhere{0};
    std::atomic<bool> told{false}, cancelled{false};

    signIn(*session);
    connect(
        session, &TacitSession::refreshed, session,
        [&] { told = QThread::currentThread() == &worker; }, Qt::DirectConnection);
    server_gate_close(server, TS_API, TS_BEFORE_PROCESSING);
    for (int i = 0; i < CROWD; i++)
        session->get(server.api("x")).then([&](TacitResponse response) {
            bool right = QThread::currentThread() == &worker && response.status == 200;
            (right ? there : elsewhere)++;
        });
    QFuture<TacitResponse> dropped = session->get(server.api("x"));
    WAIT(server.counters().held > 0);
    session->moveToThread(&worker);
    worker.start();
    dropped.cancel();
    WAIT(dropped.isFinished());
    server_revoke_access_tokens(server);
    server_gate_open(server, TS_API);

    WAIT(there + elsewhere == CROWD);
    QCOMPARE(elsewhere.load(), 0);
    WAIT(told.load());
    session->deleteLater();
    worker.quit();
    QVERIFY(worker.wait(20000));
}

void TestSession::sessions_share_a_client() {
    TestServer server;
    TacitConfiguration c = server.configuration();
    c.client = tacit_client_new(nullptr, nullptr);
    TacitSession one(c);
    c.account = "second";
    TacitSession two(c);
    tacit_client_unref(c.client); /* the sessions keep it */

    signIn(one);
    signIn(two);

    QCOMPARE(resultOf(one.get(server.api("x"))).status, 200);
    QVERIFY(one.currentToken().authorization() != two.currentToken().authorization());
    two.networkChanged();
}

QTEST_GUILESS_MAIN(TestSession)
#include "test_session.moc"
