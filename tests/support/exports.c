#include "support/exports.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static FILE *open_list(void) {
    char path[1024];
    FILE *list;

    snprintf(path, sizeof path, "%.*s../package/symbols.txt",
             (int)(strrchr(__FILE__, '/') + 1 - __FILE__), __FILE__);
    list = fopen(path, "r");
    if (list == NULL) fail_msg("%s cannot be read", path);
    return list;
}

void assert_every_export_has_row(const void *rows, size_t row_size, size_t count) {
    FILE *list = open_list();
    char line[128];
    size_t i = 0;

    while (fgets(line, sizeof line, list) != NULL) {
        const char *const *row = (const void *)((const char *)rows + i * row_size);

        line[strcspn(line, "\n")] = '\0';
        if (i == count || strcmp(line, *row) != 0) fail_msg("%s has no check", line);
        i++;
    }
    fclose(list);
    assert_int_equal(i, count);
}
