/* The network, and its switch: a relay on 127.0.0.1 that everything goes through. Off, connections
 * are cut and refused. For plain http servers on loopback, such as that of the tests. */
#ifndef TACIT_DESKTOP_NETWORKSWITCH_H
#define TACIT_DESKTOP_NETWORKSWITCH_H

#include <QTcpServer>
#include <QUrl>

class NetworkSwitch : public QObject {
    Q_OBJECT

  public:
    explicit NetworkSwitch(const QUrl &server, QObject *parent = nullptr);

    QUrl url(const QString &path = {}) const; /* the server, seen through the relay */
    bool isOn() const;

  public Q_SLOTS:
    void setOn(bool on);

  Q_SIGNALS:
    void changed(bool on);
    void cut(); /* the connections that there are */

  private:
    void accept();

    QUrl server;
    QTcpServer listener;
    quint16 port;
};

#endif
