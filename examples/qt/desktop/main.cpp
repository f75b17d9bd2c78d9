/* tacit-desktop --server URL: Messages, against a server as tacit-test-server is one. */
#include "window.h"

#include <QApplication>
#include <QCommandLineParser>

int main(int argc, char **argv) {
    QApplication app(argc, argv);
    QCommandLineParser parser;
    Window::Settings settings;
    QCommandLineOption server("server", "Authorization server and API, http on loopback.", "URL");
    QCommandLineOption memory("forget", "The sign-in ends with the program.");

    parser.setApplicationDescription("Messages: a desktop program that stays signed in.");
    parser.addHelpOption();
    parser.addOptions({server, memory});
    parser.process(app);
    if (!parser.isSet(server)) parser.showHelp(2);
    settings.server = QUrl(parser.value(server));
    if (parser.isSet(memory)) settings.store = tacit_store_memory();

    Window window(settings);
    tacit_store_unref(settings.store);
    window.show();
    return app.exec();
}
