#include "signindialog.h"

#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLineEdit>
#include <QPushButton>

SignInDialog::SignInDialog(QWidget *parent)
    : QDialog(parent), username(new QLineEdit), password(new QLineEdit) {
    auto *layout = new QFormLayout(this);
    auto *buttons = new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel);

    setWindowTitle(tr("Sign in"));
    username->setObjectName("username");
    password->setObjectName("password");
    password->setEchoMode(QLineEdit::Password);
    buttons->button(QDialogButtonBox::Ok)->setText(tr("Sign in"));
    buttons->button(QDialogButtonBox::Ok)->setObjectName("ok");
    layout->addRow(tr("User name"), username);
    layout->addRow(tr("Password"), password);
    layout->addRow(buttons);
    connect(buttons, &QDialogButtonBox::accepted, this, [this] {
        accept();
        Q_EMIT entered(username->text(), password->text());
    });
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
}
