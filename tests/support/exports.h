/* What the library exports: package/symbols.txt, which package/check_symbols.sh holds against the library. */
#ifndef TS_EXPORTS_H
#define TS_EXPORTS_H

#include <stddef.h>

/* Fails the test unless the rows of a table, each of which begins with a `const char *function`, are for these functions, in order. */
void assert_every_export_has_row(const void *rows, size_t row_size, size_t count);

#endif
