#include "terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_live, has_colour, has_blocks;

void terminal_begin(void) {
    const char *no_colour = getenv("NO_COLOR"), *type = getenv("TERM");

    setlocale(LC_CTYPE, "");
    is_live = isatty(STDOUT_FILENO) && type && strcmp(type, "dumb") != 0;
    has_colour = is_live && !(no_colour && *no_colour);
    has_blocks = is_live && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

bool terminal_is_live(void) {
    return is_live;
}

const char *terminal_style(style style) {
    static const char *const sequences[] = {
        [STYLE_PLAIN] = "\033[0m", [STYLE_BOLD] = "\033[1m",     [STYLE_DIM] = "\033[2m",
        [STYLE_GOOD] = "\033[32m", [STYLE_WARNING] = "\033[33m", [STYLE_BAD] = "\033[31m",
    };
    return has_colour ? sequences[style] : "";
}

void terminal_bar(char text[TERMINAL_BAR_SIZE], int thousandths) {
    const char *full = has_blocks ? "█" : "#", *empty = has_blocks ? "░" : ".";
    int filled = (thousandths * TERMINAL_BAR_CELLS + 500) / 1000;

    text[0] = '\0';
    for (int cell = 0; cell < TERMINAL_BAR_CELLS; cell++) {
        strcat(text, cell < filled ? full : empty);
    }
}
