/* Asks for a user name and a password, for servers that have nothing better. */
#ifndef TACIT_DESKTOP_SIGNINDIALOG_H
#define TACIT_DESKTOP_SIGNINDIALOG_H

#include <QDialog>

class QLineEdit;

class SignInDialog : public QDialog {
    Q_OBJECT

  public:
    explicit SignInDialog(QWidget *parent = nullptr);

  Q_SIGNALS:
    void entered(const QString &username, const QString &password);

  private:
    QLineEdit *username, *password;
};

#endif
