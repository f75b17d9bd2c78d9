#include "call/headers.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(array)[0])

typedef struct word {
    const char *text;
    size_t size;
} word;
#define WORD(text)                                                                                 \
    { text, sizeof text - 1 }

/* The token, the URL and the body say these; the rest belongs to one connection (RFC 9110 section
 * 7.6.1), which the caller does not see. */
static const word REFUSED[] = {
    WORD("Authorization"),
    WORD("Proxy-Authorization"),
    WORD("Host"),
    WORD("Content-Length"),
    WORD("Transfer-Encoding"),
    WORD("Connection"),
    WORD("Proxy-Connection"),
    WORD("Keep-Alive"),
    WORD("TE"),
    WORD("Trailer"),
    WORD("Upgrade"),
};

static const word CONTENT[] = {
    WORD("Content-Type"),
    WORD("Content-Encoding"),
    WORD("Content-Language"),
    WORD("Content-Location"),
};

/* What names of headers with credentials end in: X-Api-Key, X-Auth-Token, X-Amz-Security-Token ...
 * Losing one too many costs a foreign server nothing that it needs. */
static const word CREDENTIALS[] = {
    WORD("Cookie"),    WORD("Authorization"), WORD("Token"),      WORD("Key"),  WORD("Secret"),
    WORD("Signature"), WORD("Password"),      WORD("Credential"), WORD("Auth"), WORD("Session"),
};

static const bool TOKEN_CHARACTERS[256] = {
    ['!'] = true,         ['#'] = true,         ['$'] = true,         ['%'] = true, ['&'] = true,
    ['\''] = true,        ['*'] = true,         ['+'] = true,         ['-'] = true, ['.'] = true,
    ['^'] = true,         ['_'] = true,         ['`'] = true,         ['|'] = true, ['~'] = true,
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
};

static size_t token_size(const char *text) {
    size_t size = 0;

    while (TOKEN_CHARACTERS[(unsigned char)text[size]]) size++;
    return size;
}

bool ti_is_http_token(const char *text) {
    size_t size = token_size(text);

    return size > 0 && text[size] == '\0';
}

static bool is_one_of(const word *words, size_t count, const char *name, size_t size) {
    for (size_t i = 0; i < count; i++) {
        if (words[i].size == size && strncasecmp(words[i].text, name, size) == 0) return true;
    }
    return false;
}

static bool ends_in_one_of(const word *words, size_t count, const char *name, size_t size) {
    for (size_t i = 0; i < count; i++) {
        size_t n = words[i].size;

        if (n <= size && strncasecmp(words[i].text, name + size - n, n) == 0) return true;
    }
    return false;
}

/* RFC 9110 section 5.5: no control characters, tabs excepted. */
static bool is_value(const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if ((*p < 0x20 && *p != '\t') || *p == 0x7f) return false;
    }
    return true;
}

static tacit_status check_line(const char *line, tacit_error *error) {
    size_t size = token_size(line);

    if (size == 0 || line[size] != ':') {
        return ti_error_argument(error, "request->headers",
                                 "has a line that is not \"Name: value\"");
    }
    if (!is_value(line + size + 1)) {
        return ti_error_argument(error, "request->headers", "has a control character in a line");
    }
    if (is_one_of(REFUSED, ARRAY_SIZE(REFUSED), line, size)) {
        return ti_error_set(error, TACIT_ERR_INVALID_ARGUMENT,
                            "request->headers has %.*s, which the library sets itself", (int)size,
                            line);
    }
    return TACIT_OK;
}

tacit_status ti_headers_check(const char *const *lines, tacit_error *error) {
    for (; lines != NULL && *lines != NULL; lines++) {
        tacit_status status = check_line(*lines, error);

        if (status != TACIT_OK) return status;
    }
    return TACIT_OK;
}

static bool is_kept(const char *line, ti_headers_keep keep) {
    size_t size = token_size(line);

    if (!keep.content && is_one_of(CONTENT, ARRAY_SIZE(CONTENT), line, size)) return false;
    return keep.credentials || !ends_in_one_of(CREDENTIALS, ARRAY_SIZE(CREDENTIALS), line, size);
}

static size_t count_of(const char *const *lines) {
    size_t count = 0;

    while (lines != NULL && lines[count] != NULL) count++;
    return count;
}

const char **ti_headers_filter(const char *const *lines, ti_headers_keep keep) {
    size_t count = count_of(lines), kept = 0;
    const char **list = calloc(count + 1, sizeof *list);

    if (list == NULL) return NULL;
    for (size_t i = 0; i < count; i++) {
        if (is_kept(lines[i], keep)) list[kept++] = lines[i];
    }
    return list;
}

const char **ti_headers_join(const char *const *lines, const char *const *more) {
    size_t count = count_of(lines), added = count_of(more);
    const char **list = calloc(count + added + 1, sizeof *list);

    if (list == NULL) return NULL;
    for (size_t i = 0; i < count; i++) list[i] = lines[i];
    for (size_t i = 0; i < added; i++) list[count + i] = more[i];
    return list;
}

bool ti_headers_have(const char *const *lines, const char *name) {
    word wanted = {.text = name, .size = strlen(name)};

    for (; lines != NULL && *lines != NULL; lines++) {
        if (is_one_of(&wanted, 1, *lines, token_size(*lines))) return true;
    }
    return false;
}
