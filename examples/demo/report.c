#include "report.h"

#include "pause.h"
#include "terminal.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct report {
    const char *path; /* borrowed */
    json_t *json;     /* {"began_ms": ..., "rows": [[what, at least?, expected, counted], ...]} */
};

static json_t *read_or_begin(const char *path) {
    if (access(path, F_OK) == 0) return json_load_file(path, 0, NULL);
    return json_pack("{s:I,s:[]}", "began_ms", (json_int_t)pause_now_ms(), "rows");
}

report *report_open(const char *path) {
    report *report = calloc(1, sizeof *report);

    if (!report) return NULL;
    report->path = path;
    report->json = read_or_begin(path);
    if (report->json) return report;
    free(report);
    return NULL;
}

int64_t report_began_ms(const report *report) {
    return json_integer_value(json_object_get(report->json, "began_ms"));
}

void report_add(report *report, const char *what, report_rule rule, long expected, long counted) {
    json_t *row = json_pack("[s,b,I,I]", what, rule == REPORT_AT_LEAST, (json_int_t)expected,
                            (json_int_t)counted);

    json_array_append_new(json_object_get(report->json, "rows"), row);
}

bool report_save(const report *report) {
    return json_dump_file(report->json, report->path, 0) == 0;
}

static bool print_row(json_t *row) {
    const char *what;
    int at_least;
    json_int_t expected, counted;

    if (json_unpack(row, "[s,b,I,I]", &what, &at_least, &expected, &counted) != 0) return false;
    bool ok = at_least ? counted >= expected : counted == expected;
    char number[32];
    snprintf(number, sizeof number, "%s%lld", at_least ? ">= " : "", (long long)expected);
    printf("  %-50s %9s %8lld  %s%s%s\n", what, number, (long long)counted,
           terminal_style(ok ? STYLE_GOOD : STYLE_BAD), ok ? "ok" : "DIFFERS",
           terminal_style(STYLE_PLAIN));
    return ok;
}

bool report_print(const report *report) {
    json_t *rows = json_object_get(report->json, "rows"), *row;
    size_t index, differing = 0;

    printf("\n%s  %-50s %9s %8s%s\n", terminal_style(STYLE_BOLD), "what was done", "expected",
           "counted", terminal_style(STYLE_PLAIN));
    json_array_foreach(rows, index, row) {
        if (!print_row(row)) differing++;
    }
    printf("  Counted by the server; * by the app.\n");
    if (differing == 0)
        printf("\n%sEverything as expected.%s\n", terminal_style(STYLE_GOOD),
               terminal_style(STYLE_PLAIN));
    else
        printf("\n%s%zu of %zu differ.%s\n", terminal_style(STYLE_BAD), differing,
               json_array_size(rows), terminal_style(STYLE_PLAIN));
    return differing == 0 && json_array_size(rows) > 0;
}

void report_free(report *report) {
    if (!report) return;
    json_decref(report->json);
    free(report);
}
