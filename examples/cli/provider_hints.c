#include "provider_hints.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TOKEN_MIN_BYTES = 16, DEPTH_MAX = 16 };

typedef struct places {
    FILE *file;
    int count;
} places;

static void add_place(places *places, const char *format, const char *name, int size) {
    fputs(places->count++ == 0 ? "What may be one: " : ", ", places->file);
    fprintf(places->file, format, size, name);
}

/* ------------------------------------------------------------------ the body */

/* 2030-01-31T12:00:00Z (RFC 3339) */
static bool is_date(const char *text) {
    static const char digits[] = "0123456789";

    return strspn(text, digits) == 4 && text[4] == '-' && strspn(text + 5, digits) == 2 &&
           text[7] == '-' && strspn(text + 8, digits) == 2;
}

static bool may_be_token(const char *text) {
    return strlen(text) >= TOKEN_MIN_BYTES && strpbrk(text, " \t\r\n") == NULL &&
           strstr(text, "://") == NULL && !is_date(text);
}

/* RFC 6901: "~" and "/" in a name are "~0" and "~1". Yours. */
static char *pointer_to(const char *above, const char *name) {
    char *pointer = NULL;
    size_t size;
    FILE *file = open_memstream(&pointer, &size);

    if (file == NULL) return NULL;
    fprintf(file, "%s/", above);
    for (; *name != '\0'; name++) {
        if (*name == '~' || *name == '/')
            fputs(*name == '~' ? "~0" : "~1", file);
        else
            fputc(*name, file);
    }
    fclose(file);
    return pointer;
}

static void walk(places *places, const json_t *value, const char *pointer, int depth) {
    const char *name, *text = json_string_value(value);
    json_t *member;

    if (text != NULL && may_be_token(text))
        add_place(places, "%.*s", pointer, (int)strlen(pointer));
    if (!json_is_object(value) || depth == DEPTH_MAX) return;
    json_object_foreach((json_t *)value, name, member) {
        char *below = pointer_to(pointer, name);

        if (below != NULL) walk(places, member, below, depth + 1);
        free(below);
    }
}

/* Behind the last head: there may be several, of a proxy and of "100 Continue". */
static const char *find_body(const char *text) {
    while (strncmp(text, "HTTP/", 5) == 0) {
        const char *crlf = strstr(text, "\r\n\r\n"), *lf = strstr(text, "\n\n");

        if (crlf == NULL && lf == NULL) return text + strlen(text);
        text = crlf != NULL && (lf == NULL || crlf < lf) ? crlf + 4 : lf + 2;
    }
    return text;
}

/* ------------------------------------------------------------------ the head */

static void walk_cookies(places *places, const char *text, const char *body) {
    static const char field[] = "\nset-cookie:";

    for (; (text = strchr(text, '\n')) != NULL && text < body; text++) {
        if (strncasecmp(text, field, sizeof field - 1) != 0) continue;
        const char *name = text + sizeof field - 1;

        name += strspn(name, " \t");
        add_place(places, "the cookie %.*s", name, (int)strcspn(name, "=;\r\n"));
    }
}

char *provider_hint(const char *answer, size_t size) {
    char *text = strndup(answer, size), *hint = NULL;
    size_t hint_size;
    places places = {.file = open_memstream(&hint, &hint_size)};
    const char *body = text == NULL ? "" : find_body(text);
    json_t *json = json_loads(body, 0, NULL);

    if (places.file != NULL && text != NULL) {
        walk(&places, json, "", 0);
        walk_cookies(&places, text, body);
        if (places.count > 0) fputc('.', places.file);
    }
    if (places.file != NULL) fclose(places.file);
    if (places.count == 0) {
        free(hint);
        hint = NULL;
    }
    json_decref(json);
    if (text != NULL) explicit_bzero(text, strlen(text)); /* tokens */
    free(text);
    return hint;
}
