/* Dates as HTTP has them, in any of the ways that servers write them. */
#ifndef TI_DATE_H
#define TI_DATE_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970; false: it is no date. */
bool ti_date_read(const char *text, int64_t *unix_s);

#endif
