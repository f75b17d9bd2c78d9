#include "networkswitch.h"

#include <QTcpSocket>

NetworkSwitch::NetworkSwitch(const QUrl &server, QObject *parent)
    : QObject(parent), server(server) {
    connect(&listener, &QTcpServer::newConnection, this, &NetworkSwitch::accept);
    listener.listen(QHostAddress::LocalHost);
    port = listener.serverPort();
}

QUrl NetworkSwitch::url(const QString &path) const {
    QUrl relayed(server);

    relayed.setHost(QStringLiteral("127.0.0.1"));
    relayed.setPort(port);
    relayed.setPath(path);
    return relayed;
}

bool NetworkSwitch::isOn() const {
    return listener.isListening();
}

void NetworkSwitch::setOn(bool on) {
    if (on == isOn()) return;
    if (on)
        listener.listen(QHostAddress::LocalHost, port);
    else
        listener.close();
    if (!on) Q_EMIT cut();
    Q_EMIT changed(isOn());
}

static void pour(QTcpSocket *from, QTcpSocket *into) {
    QObject::connect(from, &QIODevice::readyRead, into, [=] {
        if (into->isOpen()) into->write(from->readAll());
    });
    QObject::connect(from, &QAbstractSocket::disconnected, into, [=] {
        if (from->isOpen() && into->isOpen()) into->write(from->readAll());
        into->disconnectFromHost();
        from->deleteLater();
    });
}

void NetworkSwitch::accept() {
    while (QTcpSocket *here = listener.nextPendingConnection()) {
        auto *there = new QTcpSocket(this);

        here->setParent(this);
        for (QTcpSocket *end : {here, there})
            connect(this, &NetworkSwitch::cut, end, &QAbstractSocket::abort);
        pour(here, there);
        pour(there, here);
        connect(there, &QAbstractSocket::errorOccurred, here, &QAbstractSocket::abort);
        there->connectToHost(server.host(), quint16(server.port(80)));
    }
}
