/* What stdout can show. */
#ifndef DEMO_TERMINAL_H
#define DEMO_TERMINAL_H

#include <stdbool.h>

typedef enum style {
    STYLE_PLAIN,
    STYLE_BOLD,
    STYLE_DIM,
    STYLE_GOOD,
    STYLE_WARNING,
    STYLE_BAD
} style;

/* Looks once; call it before there are threads. */
void terminal_begin(void);
/* A terminal: the last line may be drawn over and over. */
bool terminal_is_live(void);
/* The sequence that begins a style; "" where stdout is no terminal, or NO_COLOR is set. */
const char *terminal_style(style style);
/* A bar of cells, filled to so many thousandths; text for one bar, 4 bytes per cell at most. */
enum { TERMINAL_BAR_CELLS = 20, TERMINAL_BAR_SIZE = 4 * TERMINAL_BAR_CELLS + 1 };
void terminal_bar(char text[TERMINAL_BAR_SIZE], int thousandths);

#endif
