/*
 * Two modules above each other in a character, by half blocks. Both colours are named, white on
 * black by number, so that it is dark on light whatever the terminal's colours are, and with the
 * quiet zone around that scanners want (ISO/IEC 18004 section 6.3.8).
 */
#include "qr.h"

#include <langinfo.h>
#include <qrencode.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { QUIET = 4 };

const char *qr_support(void) {
    static char text[64];

    snprintf(text, sizeof text, "with QR codes (libqrencode %s)", QRcode_APIVersionString());
    return text;
}

static bool has_room(FILE *terminal, int width) {
    const char *term = getenv("TERM");
    struct winsize size;

    if (!isatty(fileno(terminal)) || term == NULL || strcmp(term, "dumb") == 0) return false;
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) return false;
    return ioctl(fileno(terminal), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 ||
           size.ws_col >= width;
}

/* Beyond the code everything is light. */
static bool is_light(const QRcode *code, int x, int y) {
    if (x < 0 || y < 0 || x >= code->width || y >= code->width) return true;
    return (code->data[y * code->width + x] & 1) == 0;
}

static void print_code(FILE *terminal, const QRcode *code) {
    static const char *const blocks[] = {" ", "\u2584", "\u2580", "\u2588"};

    for (int y = -QUIET; y < code->width + QUIET; y += 2) {
        fputs("\033[38;5;231;48;5;16m", terminal);
        for (int x = -QUIET; x < code->width + QUIET; x++)
            fputs(blocks[2 * is_light(code, x, y) + is_light(code, x, y + 1)], terminal);
        fputs("\033[0m\n", terminal);
    }
}

void qr_print(FILE *terminal, const char *text) {
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);

    if (code == NULL) return;
    if (has_room(terminal, code->width + 2 * QUIET)) print_code(terminal, code);
    QRcode_free(code);
}
