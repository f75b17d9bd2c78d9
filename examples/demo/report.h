/* The table at the end: what was done, what was expected, what was counted. It is kept in a file,
 * since two processes fill it. */
#ifndef DEMO_REPORT_H
#define DEMO_REPORT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct report report;

typedef enum report_rule { REPORT_EXACTLY, REPORT_AT_LEAST } report_rule;

/* Goes on where the file ends; a new file begins now. NULL: it cannot be read. */
report *report_open(const char *path);
int64_t report_began_ms(const report *report); /* on pause_now_ms()'s clock */
void report_add(report *report, const char *what, report_rule rule, long expected, long counted);
bool report_save(const report *report);
/* Prints the table. true: nothing differs. */
bool report_print(const report *report);
void report_free(report *report);

#endif
