/* TacitNetworkAccessManager: where the token goes, and what a 401 and a redirect become. */
#include "tacitnetworkaccessmanager.h"
#include "testserver.h"

#include <QBuffer>
#include <QHttpMultiPart>
#include <QJsonDocument>
#include <QNetworkProxy>
#include <QNetworkReply>
#include <QSignalSpy>
#include <QTest>

class TestAdapter : public QObject {
    Q_OBJECT

  private Q_SLOTS:
    void init();
    void cleanup();

    void the_token_goes_to_the_sessions_origins_alone();
    void the_callers_own_authorization_is_left_alone();
    void no_proxy_sees_the_token();
    void a_401_is_renewed_unseen();
    void a_second_401_is_the_answer();
    void a_401_about_something_else_is_the_answer_data();
    void a_401_about_something_else_is_the_answer();
    void a_storm_of_401s_is_one_refresh();
    void an_upload_is_sent_again_from_where_it_began();
    void a_form_is_sent_again();
    void a_body_that_cannot_seek_is_sent_once();
    void a_large_answer_streams();
    void a_small_buffer_holds_up_neither_a_401_nor_a_redirect_data();
    void a_small_buffer_holds_up_neither_a_401_nor_a_redirect();
    void a_sign_in_that_is_over_is_an_error();
    void redirects_within_the_origins_keep_the_token();
    void a_foreign_origin_gets_neither_token_nor_cookie();
    void a_foreign_origin_cannot_send_the_token_back();
    void redirect_policies_hold_data();
    void redirect_policies_hold();
    void a_user_may_verify_a_redirect();
    void a_redirect_loop_ends();
    void a_post_becomes_a_get_or_stays_data();
    void a_post_becomes_a_get_or_stays();
    void abort_ends_it_wherever_it_is_data();
    void abort_ends_it_wherever_it_is();
    void the_managers_own_signals_name_the_reply();
    void a_session_that_is_gone_ends_what_waits();

  private:
    QNetworkReply *get(const char *path);
    void finish(QNetworkReply *reply);
    int statusOf(QNetworkReply *reply);

    std::unique_ptr<TestServer> server, elsewhere;
    std::unique_ptr<TacitSession> session;
    std::unique_ptr<TacitNetworkAccessManager> manager;
};

void TestAdapter::init() {
    server = std::make_unique<TestServer>();
    elsewhere = std::make_unique<TestServer>();
    session = std::make_unique<TacitSession>(server->configuration());
    manager = std::make_unique<TacitNetworkAccessManager>(session.get());
    signIn(*session);
}

void TestAdapter::cleanup() {
    manager.reset();
    session.reset();
    elsewhere.reset();
    server.reset();
}

QNetworkReply *TestAdapter::get(const char *path) {
    return manager->get(QNetworkRequest(server->api(path)));
}

void TestAdapter::finish(QNetworkReply *reply) {
    WAIT(reply->isFinished());
}

int TestAdapter::statusOf(QNetworkReply *reply) {
    return reply->attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt();
}

/* ------------------------------------------------------------------ where the token goes */

void TestAdapter::the_token_goes_to_the_sessions_origins_alone() {
    QNetworkReply *ours = get("echo"), *theirs = manager->get(QNetworkRequest(elsewhere->api("x")));

    finish(ours);
    finish(theirs);

    QCOMPARE(statusOf(ours), 200);
    QCOMPARE(server->apiHeader(0, "Authorization"), session->currentToken().authorization());
    QVERIFY(!ours->request().hasRawHeader("Authorization"));
    QCOMPARE(statusOf(theirs), 401);
    QCOMPARE(elsewhere->apiHeader(0, "Authorization"), QByteArray());
}

void TestAdapter::the_callers_own_authorization_is_left_alone() {
    QNetworkRequest request(server->api("x"));
    request.setRawHeader("Authorization", "Bearer of-the-callers-own");
    QNetworkReply *reply = manager->get(request);

    finish(reply);

    QCOMPARE(statusOf(reply), 401);
    QCOMPARE(server->counters().refresh_grants, 0);
    QCOMPARE(server->apiHeader(0, "Authorization"), "Bearer of-the-callers-own");
}

void TestAdapter::no_proxy_sees_the_token() {
    QUrl proxy(elsewhere->url());
    manager->setProxy(QNetworkProxy(QNetworkProxy::HttpProxy, proxy.host(), quint16(proxy.port())));
    QNetworkReply *reply = get("x");

    finish(reply);

    QCOMPARE(reply->error(), QNetworkReply::ProxyConnectionRefusedError);
    QCOMPARE(elsewhere->counters().connections, 0);
}

/* ------------------------------------------------------------------ a 401 */

void TestAdapter::a_401_is_renewed_unseen() {
    QByteArray old = session->currentToken().authorization();
    QSignalSpy refused(manager.get(), &TacitNetworkAccessManager::tokenRefused);
    QSignalSpy waiting(manager.get(), &TacitNetworkAccessManager::waitingChanged);
    server_revoke_access_tokens(*server);
    QNetworkReply *reply = get("echo");
    QSignalSpy headers(reply, &QNetworkReply::metaDataChanged);
    QSignalSpy errors(reply, &QNetworkReply::errorOccurred);
    QSignalSpy finished(reply, &QNetworkReply::finished);

    finish(reply);

    QCOMPARE(statusOf(reply), 200);
    QCOMPARE(reply->error(), QNetworkReply::NoError);
    QCOMPARE(headers.count(), 1);
    QCOMPARE(errors.count(), 0);
    QCOMPARE(finished.count(), 1);
    QCOMPARE(refused.count(), 1);
    QCOMPARE(waiting.count(), 2);
    QVERIFY(!reply->hasRawHeader("WWW-Authenticate"));
    QVERIFY(QJsonDocument::fromJson(reply->readAll()).isObject());
    QCOMPARE(server->apiHeader(0, "Authorization"), old);
    QCOMPARE(server->apiHeader(1, "Authorization"), session->currentToken().authorization());
    QCOMPARE(server->counters().refreshes_ok, 1);
}

void TestAdapter::a_second_401_is_the_answer() {
    server_refuse_api(*server, 2, TS_CHALLENGE_INVALID_TOKEN);
    QNetworkReply *reply = get("x");
    QSignalSpy errors(reply, &QNetworkReply::errorOccurred);

    finish(reply);

    QCOMPARE(statusOf(reply), 401);
    QCOMPARE(reply->error(), QNetworkReply::AuthenticationRequiredError);
    QCOMPARE(errors.count(), 1);
    QCOMPARE(server->counters().api_requests, 2);
    QCOMPARE(server->counters().refreshes_ok, 1);
}

void TestAdapter::a_401_about_something_else_is_the_answer_data() {
    QTest::addColumn<int>("challenge");
    QTest::addColumn<int>("sends");
    QTest::newRow("invalid_token") << int(TS_CHALLENGE_INVALID_TOKEN) << 2;
    QTest::newRow("no challenge") << int(TS_CHALLENGE_NONE) << 2;
    QTest::newRow("insufficient_scope") << int(TS_CHALLENGE_INSUFFICIENT_SCOPE) << 1;
    QTest::newRow("Basic") << int(TS_CHALLENGE_BASIC) << 1;
    QTest::newRow("Negotiate") << int(TS_CHALLENGE_NEGOTIATE) << 1;
}

void TestAdapter::a_401_about_something_else_is_the_answer() {
    QFETCH(int, challenge);
    QFETCH(int, sends);
    server_refuse_api(*server, 1, ts_challenge(challenge));
    QNetworkReply *reply = get("x");

    finish(reply);

    QCOMPARE(statusOf(reply), sends == 2 ? 200 : 401);
    QCOMPARE(server->counters().api_requests, long(sends));
    QCOMPARE(server->counters().refresh_grants, long(sends - 1));
}

void TestAdapter::a_storm_of_401s_is_one_refresh() {
    enum { CROWD = 100 };
    QList<QNetworkReply *> replies;

    server_revoke_access_tokens(*server);
    server_gate_close(*server, TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    for (int i = 0; i < CROWD; i++) replies.append(get("x"));
    WAIT(manager->waiting() == CROWD);
    server_gate_open(*server, TS_TOKEN_ENDPOINT);
    for (QNetworkReply *reply : replies) {
        finish(reply);
        QCOMPARE(statusOf(reply), 200);
    }

    QCOMPARE(manager->waiting(), 0);
    QCOMPARE(server->counters().refreshes_ok, 1);
}

/* ------------------------------------------------------------------ bodies */

void TestAdapter::an_upload_is_sent_again_from_where_it_began() {
    QByteArray large(300000, 'x');
    QBuffer device;
    device.setData("already read:" + large);
    device.open(QIODevice::ReadOnly);
    device.seek(13);
    server_revoke_access_tokens(*server);
    QNetworkReply *bytes = manager->post(QNetworkRequest(server->api("x")), large);
    finish(bytes);
    server_revoke_access_tokens(*server);
    QNetworkReply *stream = manager->put(QNetworkRequest(server->api("x")), &device);
    finish(stream);

    QCOMPARE(statusOf(bytes), 200);
    QCOMPARE(statusOf(stream), 200);
    QCOMPARE(server->counters().api_401, 2);
    for (size_t i : {0, 1, 2, 3}) QCOMPARE(server->apiBody(i), large);
}

void TestAdapter::a_form_is_sent_again() {
    auto *form = new QHttpMultiPart(QHttpMultiPart::FormDataType);
    QHttpPart part;
    part.setHeader(QNetworkRequest::ContentDispositionHeader, "form-data; name=\"colour\"");
    part.setBody("blue");
    form->append(part);
    server_revoke_access_tokens(*server);
    QNetworkReply *reply = manager->post(QNetworkRequest(server->api("x")), form);
    form->setParent(reply);

    finish(reply);

    QCOMPARE(statusOf(reply), 200);
    QVERIFY(server->apiBody(0).contains("\r\n\r\nblue\r\n"));
    QCOMPARE(server->apiBody(1), server->apiBody(0));
}

/* A pipe: bytes that are gone once they were read. */
class Pipe : public QIODevice {
  public:
    explicit Pipe(QByteArray bytes) : left(std::move(bytes)) {
        open(QIODevice::ReadOnly);
    }
    bool isSequential() const override {
        return true;
    }
    qint64 bytesAvailable() const override {
        return left.size() + QIODevice::bytesAvailable();
    }
    bool atEnd() const override {
        return bytesAvailable() == 0;
    }

  protected:
    qint64 readData(char *data, qint64 size) override {
        qint64 count = qMin(size, qint64(left.size()));
        if (count == 0) return -1;
        memcpy(data, left.constData(), size_t(count));
        left.remove(0, count);
        return count;
    }
    qint64 writeData(const char *, qint64) override {
        return -1;
    }

  private:
    QByteArray left;
};

void TestAdapter::a_body_that_cannot_seek_is_sent_once() {
    Pipe pipe("once");
    QNetworkRequest request(server->api("x"));
    request.setHeader(QNetworkRequest::ContentLengthHeader, 4);
    request.setAttribute(QNetworkRequest::DoNotBufferUploadDataAttribute, true);
    server_revoke_access_tokens(*server);
    QNetworkReply *reply = manager->post(request, &pipe);

    finish(reply);

    QCOMPARE(statusOf(reply), 401);
    QCOMPARE(server->counters().api_requests, 1);
    QCOMPARE(server->apiBody(0), "once");
    WAIT(server->counters().refreshes_ok == 1); /* so that the caller can send it anew */
}

void TestAdapter::a_large_answer_streams() {
    enum { SIZE = 5000000 };
    server_revoke_access_tokens(*server);
    QNetworkReply *reply = get("bytes?n=5000000");
    QSignalSpy progress(reply, &QNetworkReply::downloadProgress);
    qint64 received = 0;
    bool right = true;
    reply->setReadBufferSize(65536);
    connect(reply, &QIODevice::readyRead, this, [&] {
        for (char byte : reply->readAll()) right &= byte == 'a' + received++ % 26;
    });

    finish(reply);
    received += reply->readAll().size();

    QCOMPARE(received, qint64(SIZE));
    QVERIFY(right);
    QVERIFY(progress.count() > 0);
    QCOMPARE(progress.last().at(0).toLongLong(), qint64(SIZE));
    QCOMPARE(reply->header(QNetworkRequest::ContentLengthHeader).toLongLong(), qint64(SIZE));
}

void TestAdapter::a_small_buffer_holds_up_neither_a_401_nor_a_redirect_data() {
    QTest::addColumn<int>("status");
    QTest::addColumn<QByteArray>("header");
    QByteArray refusal = "WWW-Authenticate: Bearer error=\"invalid_token\"";
    QTest::newRow("401") << 401 << refusal;
    QTest::newRow("403") << 403 << refusal;
    QTest::newRow("302") << 302 << QByteArray("Location: /api/x");
}

void TestAdapter::a_small_buffer_holds_up_neither_a_401_nor_a_redirect() {
    QFETCH(int, status);
    QFETCH(QByteArray, header);
    QByteArray page(1000000, 'p');
    ts_fault fault = {};
    fault.kind = TS_FAULT_ANSWER;
    fault.requests = 1;
    fault.status = status;
    fault.headers = header;
    fault.body = page;
    server_fault_add(*server, TS_API, &fault);
    QNetworkReply *reply = get("echo");
    reply->setReadBufferSize(1000);

    finish(reply);

    QCOMPARE(statusOf(reply), 200);
}

void TestAdapter::a_sign_in_that_is_over_is_an_error() {
    server_revoke_family(*server);
    QNetworkReply *refused = get("x");
    finish(refused);
    QNetworkReply *late = get("x");
    finish(late);

    for (QNetworkReply *reply : {refused, late}) {
        QCOMPARE(reply->error(), QNetworkReply::AuthenticationRequiredError);
        QVERIFY(!reply->errorString().isEmpty());
        QCOMPARE(reply->readAll(), QByteArray());
    }
}

/* ------------------------------------------------------------------ redirects */

static void redirect(ts_server *server, int status, const QUrl &target) {
    server_redirect(server, TS_API, 1, status, target.toEncoded());
}

void TestAdapter::redirects_within_the_origins_keep_the_token() {
    redirect(*server, 302, server->api("echo"));
    server_revoke_access_tokens(*server);
    QNetworkReply *reply = get("x");
    QSignalSpy redirected(reply, &QNetworkReply::redirected);

    finish(reply);

    QCOMPARE(statusOf(reply), 200);
    QCOMPARE(redirected.count(), 1);
    QCOMPARE(reply->url(), server->api("echo"));
    QCOMPARE(server->apiHeader(2, "Authorization"), session->currentToken().authorization());
}

void TestAdapter::a_foreign_origin_gets_neither_token_nor_cookie() {
    QNetworkRequest request(server->api("x"));
    request.setRawHeader("Cookie", "mine=1");
    redirect(*server, 307, elsewhere->api("x"));
    QNetworkReply *reply = manager->put(request, "body");

    finish(reply);

    QCOMPARE(statusOf(reply), 401); /* just an answer */
    QCOMPARE(server->counters().refresh_grants, 0);
    QCOMPARE(elsewhere->apiHeader(0, "Authorization"), QByteArray());
    QCOMPARE(elsewhere->apiHeader(0, "Cookie"), QByteArray());
    QCOMPARE(elsewhere->apiBody(0), "body");
}

void TestAdapter::a_foreign_origin_cannot_send_the_token_back() {
    redirect(*server, 302, elsewhere->api("x"));
    redirect(*elsewhere, 302, server->api("delete-everything"));
    QNetworkReply *reply = get("x");

    finish(reply);

    QCOMPARE(statusOf(reply), 401);
    QCOMPARE(server->apiHeader(1, "Authorization"), QByteArray());
}

void TestAdapter::redirect_policies_hold_data() {
    QTest::addColumn<int>("policy");
    QTest::addColumn<bool>("isForeign");
    QTest::addColumn<int>("status");
    QTest::addColumn<int>("error");
    using R = QNetworkRequest;
    int insecure = QNetworkReply::InsecureRedirectError, none = QNetworkReply::NoError;
    QTest::newRow("manual") << int(R::ManualRedirectPolicy) << false << 302 << none;
    QTest::newRow("same origin") << int(R::SameOriginRedirectPolicy) << false << 200 << none;
    QTest::newRow("another origin") << int(R::SameOriginRedirectPolicy) << true << 302 << insecure;
    QTest::newRow("no less safe") << int(R::NoLessSafeRedirectPolicy) << false << 200 << none;
}

void TestAdapter::redirect_policies_hold() {
    QFETCH(int, policy);
    QFETCH(bool, isForeign);
    QFETCH(int, status);
    QFETCH(int, error);
    QNetworkRequest request(server->api("x"));
    request.setAttribute(QNetworkRequest::RedirectPolicyAttribute, policy);
    redirect(*server, 302, (isForeign ? *elsewhere : *server).api("echo"));
    QNetworkReply *reply = manager->get(request);

    finish(reply);

    QCOMPARE(statusOf(reply), status);
    QCOMPARE(int(reply->error()), error);
    QCOMPARE(elsewhere->counters().requests, 0);
}

void TestAdapter::a_user_may_verify_a_redirect() {
    QNetworkRequest request(server->api("x"));
    request.setAttribute(QNetworkRequest::RedirectPolicyAttribute,
                         QNetworkRequest::UserVerifiedRedirectPolicy);
    redirect(*server, 302, server->api("echo"));
    QNetworkReply *reply = manager->get(request);
    QSignalSpy asked(reply, &QNetworkReply::redirected);

    WAIT(asked.count() == 1);
    QVERIFY(!reply->isFinished());
    QCOMPARE(asked.first().first().toUrl(), server->api("echo"));
    Q_EMIT reply->redirectAllowed();

    finish(reply);
    QCOMPARE(statusOf(reply), 200);
}

void TestAdapter::a_redirect_loop_ends() {
    QNetworkRequest request(server->api("x"));
    request.setMaximumRedirectsAllowed(3);
    server_redirect(*server, TS_API, 0, 302, "/api/x");
    QNetworkReply *reply = manager->get(request);

    finish(reply);

    QCOMPARE(reply->error(), QNetworkReply::TooManyRedirectsError);
    QCOMPARE(server->counters().api_requests, 4);
}

void TestAdapter::a_post_becomes_a_get_or_stays_data() {
    QTest::addColumn<int>("status");
    QTest::addColumn<QString>("method");
    QTest::newRow("301") << 301 << "GET";
    QTest::newRow("302") << 302 << "GET";
    QTest::newRow("303") << 303 << "GET";
    QTest::newRow("307") << 307 << "POST";
    QTest::newRow("308") << 308 << "POST";
}

void TestAdapter::a_post_becomes_a_get_or_stays() {
    QFETCH(int, status);
    QFETCH(QString, method);
    QNetworkRequest request(server->api("x"));
    request.setHeader(QNetworkRequest::ContentTypeHeader, "text/plain");
    redirect(*server, status, server->api("echo"));
    QNetworkReply *reply = manager->post(request, "body");

    finish(reply);
    QJsonObject echo = QJsonDocument::fromJson(reply->readAll()).object();

    QCOMPARE(echo["method"].toString(), method);
    QCOMPARE(echo["body"].toString(), method == "POST" ? "body" : "");
    QCOMPARE(echo["headers"].toObject().contains("Content-Type"), method == "POST");
}

/* ------------------------------------------------------------------ the end */

void TestAdapter::abort_ends_it_wherever_it_is_data() {
    QTest::addColumn<int>("part");
    QTest::newRow("in the first exchange") << int(TS_API);
    QTest::newRow("waiting for a token") << int(TS_TOKEN_ENDPOINT);
}

void TestAdapter::abort_ends_it_wherever_it_is() {
    QFETCH(int, part);
    server_revoke_access_tokens(*server);
    server_gate_close(*server, ts_part(part), TS_BEFORE_PROCESSING);
    QNetworkReply *reply = get("x");
    QSignalSpy finished(reply, &QNetworkReply::finished);
    QSignalSpy errors(reply, &QNetworkReply::errorOccurred);

    WAIT(server->counters().held == 1);
    reply->abort();
    reply->abort();

    QCOMPARE(finished.count(), 1);
    QCOMPARE(errors.count(), 1);
    QCOMPARE(reply->error(), QNetworkReply::OperationCanceledError);
    QCOMPARE(manager->waiting(), 0);
    server_gate_open(*server, ts_part(part));
    QNetworkReply *next = get("x");
    finish(next);
    QCOMPARE(statusOf(next), 200);
    QCOMPARE(finished.count(), 1);
}

void TestAdapter::the_managers_own_signals_name_the_reply() {
    QSignalSpy finished(manager.get(), &QNetworkAccessManager::finished);
    manager->setAutoDeleteReplies(true);
    server_revoke_access_tokens(*server);
    QNetworkReply *itself = get("x");
    QPointer<QNetworkReply> reply = itself;

    QCOMPARE(reply->manager(), manager.get());
    WAIT(finished.count() == 1);
    QVERIFY(finished.first().first().value<QNetworkReply *>() == itself);
    WAIT(reply.isNull());
    QCOMPARE(finished.count(), 1);
}

void TestAdapter::a_session_that_is_gone_ends_what_waits() {
    server_revoke_access_tokens(*server);
    server_gate_close(*server, TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    QNetworkReply *reply = get("x");
    WAIT(server->counters().held == 1);
    session.reset();

    finish(reply);
    QCOMPARE(reply->error(), QNetworkReply::OperationCanceledError);
    server_gate_open(*server, TS_TOKEN_ENDPOINT);
    QNetworkReply *plain = get("x"); /* nobody's token */
    finish(plain);
    QCOMPARE(statusOf(plain), 401);
}

QTEST_GUILESS_MAIN(TestAdapter)
#include "test_adapter.moc"
