/* Built without libqrencode. */
#include "qr.h"

const char *qr_support(void) {
    return "without QR codes";
}

void qr_print(FILE *terminal, const char *text) {
    (void)terminal;
    (void)text;
}
