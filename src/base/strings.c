#include "base/strings.h"

#include <tacit/client.h>

#include <stdlib.h>
#include <string.h>

bool ti_string_copy(char **copy, const char *text) {
    *copy = text == NULL ? NULL : strdup(text);
    return text == NULL || *copy != NULL;
}

char *ti_string_of(const char *bytes, size_t size) {
    char *text = malloc(size + 1);

    if (text == NULL) return NULL;
    memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}

void ti_strings_free(char **list) {
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) tacit_free(list[i]);
    free(list);
}

bool ti_strings_copy(char ***copy, const char *const *list) {
    size_t count = 0;

    *copy = NULL;
    if (list == NULL) return true;
    while (list[count] != NULL) count++;
    *copy = calloc(count + 1, sizeof **copy);
    if (*copy == NULL) return false;
    for (size_t i = 0; i < count; i++) {
        if (ti_string_copy(&(*copy)[i], list[i])) continue;
        ti_strings_free(*copy);
        *copy = NULL;
        return false;
    }
    return true;
}

bool ti_string_equal(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool ti_strings_equal(char *const *a, char *const *b) {
    if (a == NULL || b == NULL) return a == b;
    for (; *a != NULL && *b != NULL; a++, b++) {
        if (strcmp(*a, *b) != 0) return false;
    }
    return *a == *b;
}
