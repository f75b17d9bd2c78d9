/* QR codes in the terminal. */
#ifndef CLI_QR_H
#define CLI_QR_H

#include <stdio.h>

/* "with QR codes (libqrencode 4.1.1)" or "without QR codes". */
const char *qr_support(void);
/* Nothing where that is no terminal, one that is too narrow or not in UTF-8, or without support. */
void qr_print(FILE *terminal, const char *text);

#endif
