/* The program's window: a list from the API, what the account is doing, and the timeline. */
#ifndef TACIT_DESKTOP_WINDOW_H
#define TACIT_DESKTOP_WINDOW_H

#include "networkswitch.h"
#include "tacitnetworkaccessmanager.h"
#include "tacitsession.h"

#include <QTimer>
#include <QWidget>

class QLabel;
class QPushButton;
class QTreeWidget;
class Timeline;

class Window : public QWidget {
    Q_OBJECT

  public:
    struct Settings {
        QUrl server; /* authorization server and API, as tacit-test-server has them: plain http */
        QString clientId = QStringLiteral("test-client");
        tacit_store *store = nullptr; /* null: the system's keyring */
        int reloadMs = 1000;
        int refreshLeadSeconds = 0; /* 0: automatic */
    };

    explicit Window(const Settings &settings, QWidget *parent = nullptr);

    TacitSession *session();
    Timeline *timeline();

  private:
    TacitConfiguration configuration(const Settings &settings) const;
    QWidget *newHeader();
    QWidget *newActions();
    QPushButton *newButton(const QString &name, const QString &text, void (Window::*action)());
    void listen();

    void signInWithBrowser();
    void signInWithPassword();
    void signOut();
    void reload();
    void sendMany();
    void revoke();
    void showList(const QByteArray &json);
    void showState();
    void say(const QString &text, bool isTrouble = false);
    void sayOutcome(const TacitOutcome &outcome, const QString &done);
    QNetworkReply *get(const QString &path);

    NetworkSwitch network;
    TacitSession itsSession;
    TacitNetworkAccessManager manager;
    QNetworkAccessManager control; /* of the test server, past the switch */
    QUrl server;
    QTimer reloading;

    QLabel *state, *account, *saying;
    QTreeWidget *list;
    Timeline *itsTimeline;
    QList<QPushButton *> forGuests, forMembers;
};

#endif
