#include "window.h"
#include "signindialog.h"
#include "timeline.h"

#include <QCheckBox>
#include <QDesktopServices>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QJsonArray>
#include <QJsonDocument>
#include <QLabel>
#include <QNetworkReply>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

enum { Many = 20 };

static const char look[] = R"(
    Window { background: #f3f4f6; }
    QLabel { color: #1f2937; }
    #header { background: white; border-bottom: 1px solid #e5e7eb; }
    #title { font-size: 20px; font-weight: bold; }
    #account { color: #6b7280; font-size: 13px; }
    #state { border-radius: 11px; padding: 3px 12px; font-size: 13px; font-weight: bold; }
    #card { background: white; border: 1px solid #e5e7eb; border-radius: 8px; }
    #saying { color: #374151; font-size: 13px; }
    #saying[trouble="true"] { color: #b91c1c; }
    QPushButton { background: white; border: 1px solid #d1d5db; border-radius: 6px;
                  padding: 6px 14px; font-size: 13px; color: #1f2937; }
    QPushButton:hover { background: #f9fafb; }
    QPushButton:pressed { background: #e5e7eb; }
    QPushButton:disabled { color: #9ca3af; background: #f3f4f6; }
    #signInWithBrowser:enabled { background: #2563eb; border-color: #2563eb; color: white; }
    QTreeWidget { border: none; background: white; font-size: 13px; color: #1f2937; }
    QTreeWidget::item { padding: 5px 4px; border-bottom: 1px solid #f3f4f6; }
    QHeaderView::section { background: white; border: none; border-bottom: 1px solid #e5e7eb;
                           padding: 6px 4px; color: #6b7280; font-size: 12px; }
    QCheckBox { font-size: 13px; color: #1f2937; spacing: 8px; }
)";

static QWidget *asCard(QWidget *content) {
    auto *card = new QFrame;
    auto *layout = new QVBoxLayout(card);

    card->setObjectName("card");
    layout->setContentsMargins(8, 6, 8, 6);
    layout->addWidget(content);
    return card;
}

/* ------------------------------------------------------------------ how it is put together */

/* Every endpoint is reached through the switch. */
TacitConfiguration Window::configuration(const Settings &settings) const {
    TacitConfiguration c;
    QJsonObject metadata{{"issuer", settings.server.toString(QUrl::StripTrailingSlash)},
                         {"token_endpoint", network.url("/token").toString()},
                         {"authorization_endpoint", network.url("/authorize").toString()},
                         {"revocation_endpoint", network.url("/revoke").toString()}};

    c.applicationId = "org.example.tacit-desktop";
    c.metadata = QJsonDocument(metadata).toJson();
    c.clientId = settings.clientId;
    c.scope = "openid messages";
    c.origins = QStringList{network.url().toString()};
    c.store = settings.store;
    c.refreshLeadSeconds = settings.refreshLeadSeconds;
    return c;
}

Window::Window(const Settings &settings, QWidget *parent)
    : QWidget(parent), network(settings.server), itsSession(configuration(settings)),
      manager(&itsSession), server(settings.server), state(new QLabel), account(new QLabel),
      saying(new QLabel), list(new QTreeWidget), itsTimeline(new Timeline) {
    auto *layout = new QVBoxLayout(this), *body = new QVBoxLayout;

    setWindowTitle(tr("Messages"));
    setStyleSheet(look);
    list->setObjectName("list");
    list->setHeaderLabels({tr("From"), tr("Subject"), tr("Received")});
    list->setRootIsDecorated(false);
    list->header()->setSectionResizeMode(QHeaderView::Fixed);
    list->header()->resizeSection(0, 210);
    list->header()->resizeSection(1, 480);
    saying->setObjectName("saying");
    body->setContentsMargins(16, 12, 16, 12);
    body->setSpacing(12);
    body->addWidget(asCard(list), 1);
    body->addWidget(newActions());
    body->addWidget(asCard(itsTimeline));
    body->addWidget(saying);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(newHeader());
    layout->addLayout(body);
    resize(980, 670);
    reloading.setInterval(settings.reloadMs);
    listen();
    showState();
    TacitError error = itsSession.openError();
    if (error.status != TACIT_OK) say(error.message, true);
}

QPushButton *Window::newButton(const QString &name, const QString &text, void (Window::*action)()) {
    auto *button = new QPushButton(text);

    button->setObjectName(name);
    connect(button, &QPushButton::clicked, this, action);
    return button;
}

QWidget *Window::newHeader() {
    auto *header = new QFrame;
    auto *layout = new QHBoxLayout(header);
    auto *title = new QLabel(tr("Messages"));

    header->setObjectName("header");
    title->setObjectName("title");
    account->setObjectName("account");
    state->setObjectName("state");
    forGuests = {newButton("signInWithBrowser", tr("Sign in"), &Window::signInWithBrowser),
                 newButton("signInWithPassword", tr("Sign in with password\u2026"),
                           &Window::signInWithPassword)};
    forMembers = {newButton("signOut", tr("Sign out"), &Window::signOut)};
    layout->setContentsMargins(20, 12, 20, 12);
    layout->addWidget(title);
    layout->addSpacing(12);
    layout->addWidget(state);
    layout->addWidget(account);
    layout->addStretch();
    for (QPushButton *button : forGuests + forMembers) layout->addWidget(button);
    return header;
}

QWidget *Window::newActions() {
    auto *actions = new QWidget;
    auto *layout = new QHBoxLayout(actions);
    auto *networkBox = new QCheckBox(tr("Network"));
    auto *many = newButton("sendMany", tr("Send %1 requests").arg(int(Many)), &Window::sendMany);
    auto *revokeButton = newButton("revoke", tr("Let the API refuse the token"), &Window::revoke);

    networkBox->setObjectName("network");
    networkBox->setChecked(true);
    connect(networkBox, &QCheckBox::toggled, &network, &NetworkSwitch::setOn);
    forMembers += {many, revokeButton};
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(many);
    layout->addWidget(revokeButton);
    layout->addStretch();
    layout->addWidget(networkBox);
    return actions;
}

void Window::listen() {
    TacitSession *s = &itsSession;
    auto trouble = [this](const TacitError &error) { say(error.message, true); };

    connect(s, &TacitSession::stateChanged, this, &Window::showState);
    connect(s, &TacitSession::browserRequested, this, &QDesktopServices::openUrl);
    connect(s, &TacitSession::signedIn, this, [this] {
        itsTimeline->addMark(Timeline::SignedIn);
        itsTimeline->addToken(QDateTime::currentDateTimeUtc().secsTo(itsSession.expiry()));
        reload();
    });
    connect(s, &TacitSession::refreshed, this, [this](quint64, qint64 seconds) {
        itsTimeline->addMark(Timeline::Refreshed);
        itsTimeline->addToken(seconds);
        say(tr("The token was renewed."));
    });
    connect(s, &TacitSession::refreshFailed, this, [=](const TacitError &error) {
        itsTimeline->addMark(Timeline::RefreshFailed);
        trouble(error);
    });
    connect(s, &TacitSession::signedOut, this, [this] {
        itsTimeline->addMark(Timeline::SignedOut);
        itsTimeline->endToken();
        list->clear();
    });
    connect(s, &TacitSession::signInRequired, this, trouble);
    connect(s, &TacitSession::storeFailed, this, trouble);
    connect(s, &TacitSession::refreshStorm, this, trouble);
    connect(&manager, &TacitNetworkAccessManager::tokenRefused, this,
            [this] { itsTimeline->addMark(Timeline::Refused); });
    connect(&manager, &TacitNetworkAccessManager::waitingChanged, itsTimeline,
            &Timeline::setWaiting);
    connect(&network, &NetworkSwitch::changed, itsTimeline, &Timeline::setOnline);
    connect(&network, &NetworkSwitch::changed, this, [this](bool on) {
        say(on ? tr("The network is back.") : tr("The network is off."));
        if (on) itsSession.networkChanged(); /* as QNetworkInformation would say */
    });
    connect(&reloading, &QTimer::timeout, this, &Window::reload);
}

TacitSession *Window::session() {
    return &itsSession;
}

Timeline *Window::timeline() {
    return itsTimeline;
}

/* ------------------------------------------------------------------ what the user does */

void Window::signInWithBrowser() {
    say(tr("Your browser is open: please sign in there."));
    itsSession.signInWithBrowser().then(
        this, [this](TacitOutcome outcome) { sayOutcome(outcome, tr("Welcome.")); });
}

void Window::signInWithPassword() {
    auto *dialog = new SignInDialog(this);

    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &SignInDialog::entered, this, [this](const QString &name, const QString &word) {
        itsSession.signInWithPassword(name, word).then(this, [this](TacitOutcome outcome) {
            sayOutcome(outcome, tr("Welcome."));
        });
    });
    dialog->open();
}

void Window::signOut() {
    itsSession.signOut().then(
        this, [this](TacitOutcome outcome) { sayOutcome(outcome, tr("You are signed out.")); });
}

QNetworkReply *Window::get(const QString &path) {
    QNetworkReply *reply = manager.get(QNetworkRequest(network.url(path)));
    int request = itsTimeline->requestBegan();

    connect(reply, &QNetworkReply::finished, this, [=] {
        itsTimeline->requestEnded(request, reply->error() == QNetworkReply::NoError);
        reply->deleteLater();
    });
    return reply;
}

void Window::reload() {
    QNetworkReply *reply = get("/api/messages");

    connect(reply, &QNetworkReply::finished, this, [=] {
        if (reply->error() == QNetworkReply::NoError)
            showList(reply->readAll());
        else if (network.isOn())
            say(tr("The list could not be loaded: %1").arg(reply->errorString()), true);
    });
}

void Window::sendMany() {
    for (int i = 0; i < Many; i++) get("/api/x");
}

void Window::revoke() {
    QNetworkRequest request(server.resolved(QUrl("/__control")));

    request.setHeader(QNetworkRequest::ContentTypeHeader, "application/json");
    QNetworkReply *reply = control.post(request, R"({"revoke_access_tokens": true})");
    connect(reply, &QNetworkReply::finished, reply, &QObject::deleteLater);
    say(tr("The API refuses every token issued so far."));
}

/* ------------------------------------------------------------------ what the user sees */

void Window::showList(const QByteArray &json) {
    const QJsonArray messages = QJsonDocument::fromJson(json).array();

    list->clear();
    for (const QJsonValue &message : messages)
        list->addTopLevelItem(
            new QTreeWidgetItem({message["from"].toString(), message["subject"].toString(),
                                 message["received"].toString()}));
}

void Window::showState() {
    static const struct {
        const char *text, *colours;
    } shown[] = {
        {QT_TR_NOOP("Looking for your sign-in\u2026"), "background: #e5e7eb; color: #374151;"},
        {QT_TR_NOOP("Signed out"), "background: #e5e7eb; color: #374151;"},
        {QT_TR_NOOP("Signed in"), "background: #dcfce7; color: #166534;"}};
    bool isMember = itsSession.state() == TacitSession::SignedIn;

    state->setText(tr(shown[itsSession.state()].text));
    state->setStyleSheet(shown[itsSession.state()].colours);
    account->setText(isMember ? itsSession.claims()["sub"].toString() : QString());
    for (QPushButton *button : forGuests) button->setVisible(!isMember);
    for (QPushButton *button : forMembers) button->setEnabled(isMember);
    if (isMember)
        reloading.start();
    else
        reloading.stop();
}

void Window::say(const QString &text, bool isTrouble) {
    saying->setText(text);
    saying->setProperty("trouble", isTrouble);
    saying->setStyleSheet(saying->styleSheet()); /* looks at the property again */
}

void Window::sayOutcome(const TacitOutcome &outcome, const QString &done) {
    say(outcome.ok() ? done : outcome.error.message, !outcome.ok());
}
