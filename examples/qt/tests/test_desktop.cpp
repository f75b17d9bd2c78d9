/* The program as its user has it, without a display: clicks, the list, the network's switch, and the
 * picture that stands in README. */
#include "testserver.h"
#include "timeline.h"
#include "window.h"

#include <QCheckBox>
#include <QDesktopServices>
#include <QDir>
#include <QLabel>
#include <QLineEdit>
#include <QNetworkReply>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>
#include <QTreeWidget>

class TestDesktop : public QObject {
    Q_OBJECT

  public Q_SLOTS:
    void visit(const QUrl &url);

  private Q_SLOTS:
    void init();
    void cleanup();

    void a_browser_signs_in_and_the_list_is_there();
    void a_wrong_password_is_told();
    void the_network_goes_and_comes();
    void closed_at_any_time();
    void the_picture();

  private:
    template <class Widget> Widget *find(const char *name) {
        return window->findChild<Widget *>(name);
    }
    void open(int accessLifetimeMs);
    void click(const char *button);
    void enterPassword(const QString &password);
    void setNetwork(bool on);
    bool isSignedIn();

    std::unique_ptr<TestServer> server;
    tacit_store *store = nullptr;
    std::unique_ptr<Window> window;
    QNetworkAccessManager browser;
};

/* What QDesktopServices opens. */
void TestDesktop::visit(const QUrl &url) {
    QNetworkReply *reply = browser.get(QNetworkRequest(url));

    connect(reply, &QNetworkReply::finished, reply, &QObject::deleteLater);
}

void TestDesktop::init() {
    QDesktopServices::setUrlHandler("http", this, "visit");
    store = tacit_store_memory();
}

void TestDesktop::cleanup() {
    QDesktopServices::unsetUrlHandler("http");
    window.reset();
    tacit_store_unref(store);
    server.reset();
}

void TestDesktop::open(int accessLifetimeMs) {
    ts_options options = TestServer::defaults();
    Window::Settings settings;

    options.access_lifetime_ms = accessLifetimeMs;
    server = std::make_unique<TestServer>(options);
    settings.server = QUrl(server->url());
    settings.store = store;
    settings.reloadMs = 400;
    window = std::make_unique<Window>(settings);
    window->show();
    QVERIFY(QTest::qWaitForWindowExposed(window.get()));
    WAIT(window->session()->state() == TacitSession::SignedOut);
}

void TestDesktop::click(const char *button) {
    WAIT(find<QPushButton>(button)->isEnabled());
    QTest::mouseClick(find<QPushButton>(button), Qt::LeftButton);
}

void TestDesktop::enterPassword(const QString &password) {
    click("signInWithPassword");
    WAIT(find<QLineEdit>("password") != nullptr);
    QTest::keyClicks(find<QLineEdit>("username"), "alice");
    QTest::keyClicks(find<QLineEdit>("password"), password);
    QTest::mouseClick(find<QPushButton>("ok"), Qt::LeftButton);
}

void TestDesktop::setNetwork(bool on) {
    if (find<QCheckBox>("network")->isChecked() != on)
        QTest::keyClick(find<QCheckBox>("network"), Qt::Key_Space);
    QCOMPARE(find<QCheckBox>("network")->isChecked(), on);
}

bool TestDesktop::isSignedIn() {
    return window->session()->state() == TacitSession::SignedIn;
}

void TestDesktop::a_browser_signs_in_and_the_list_is_there() {
    open(3600000);
    QVERIFY(!find<QPushButton>("signOut")->isEnabled());
    click("signInWithBrowser");

    WAIT(isSignedIn());
    WAIT(find<QTreeWidget>("list")->topLevelItemCount() == 6);
    QCOMPARE(find<QLabel>("account")->text(), "alice");
    QCOMPARE(find<QLabel>("state")->text(), "Signed in");
    click("signOut");
    WAIT(!isSignedIn());
    WAIT(find<QTreeWidget>("list")->topLevelItemCount() == 0);
    WAIT(server->counters().live_refresh_tokens == 0);
    QVERIFY(find<QPushButton>("signInWithBrowser")->isVisible());
}

void TestDesktop::a_wrong_password_is_told() {
    open(3600000);
    enterPassword("sesame");

    WAIT(find<QLabel>("saying")->property("trouble").toBool());
    QVERIFY(!isSignedIn());
    WAIT(find<QLineEdit>("password") == nullptr);
    enterPassword("wonderland");
    WAIT(isSignedIn());
    QVERIFY(!find<QLabel>("saying")->property("trouble").toBool());
}

void TestDesktop::the_network_goes_and_comes() {
    open(2000); /* renewed after a second */
    enterPassword("wonderland");
    WAIT(find<QTreeWidget>("list")->topLevelItemCount() == 6);
    setNetwork(false);
    WAIT(window->timeline()->markCount(Timeline::RefreshFailed) >= 1);

    QVERIFY(isSignedIn()); /* nobody is signed out by that */
    QCOMPARE(find<QTreeWidget>("list")->topLevelItemCount(), 6);
    int refreshes = window->timeline()->markCount(Timeline::Refreshed);
    setNetwork(true);
    WAIT(window->timeline()->markCount(Timeline::Refreshed) > refreshes);
    long served = server->counters().api_2xx;
    WAIT(server->counters().api_2xx > served);
}

void TestDesktop::closed_at_any_time() {
    open(3600000);
    click("signInWithBrowser");
    window.reset();
    open(3600000);
    enterPassword("wonderland");
    WAIT(isSignedIn());
    server_gate_close(*server, TS_API, TS_BEFORE_PROCESSING);
    click("sendMany");
    WAIT(server->counters().held > 0);
    window.reset();
    server_gate_open(*server, TS_API);
}

/* The pauses are for the eye alone. What tacit is for, in some seconds: a refresh ahead of the end, requests that go on without the
 * network's help, and twenty 401s that are one refresh. */
void TestDesktop::the_picture() {
    open(8000);
    Timeline *timeline = window->timeline();
    timeline->setSpan(15000, 6000);
    click("signInWithBrowser");
    WAIT(timeline->markCount(Timeline::Refreshed) >= 1);
    setNetwork(false);
    WAIT(timeline->markCount(Timeline::RefreshFailed) >= 1);
    QTest::qWait(800);
    setNetwork(true);
    WAIT(timeline->markCount(Timeline::Refreshed) >= 2);
    QTest::qWait(1500);
    server_gate_close(*server, TS_TOKEN_ENDPOINT, TS_BEFORE_PROCESSING);
    click("revoke");
    WAIT(server->counters().live_access_tokens == 0);
    click("sendMany");
    WAIT(timeline->waitingPeak() >= 20);
    QTest::qWait(1200);
    int refreshed = timeline->markCount(Timeline::Refreshed);
    long before = server->counters().refreshes_ok;
    server_gate_open(*server, TS_TOKEN_ENDPOINT);
    WAIT(timeline->markCount(Timeline::Refreshed) == refreshed + 1);
    QCOMPARE(server->counters().refreshes_ok, before + 1);
    QVERIFY(timeline->markCount(Timeline::Refused) >= 20);
    QTest::qWait(1500);
    QImage picture = window->grab().toImage();

    QCOMPARE(picture.size(), window->size());
    QVERIFY(picture.save(QDir(QCoreApplication::applicationDirPath()).filePath("screenshot.png")));
    QCOMPARE(find<QTreeWidget>("list")->topLevelItemCount(), 6);
}

QTEST_MAIN(TestDesktop)
#include "test_desktop.moc"
