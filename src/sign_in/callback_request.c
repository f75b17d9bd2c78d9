#include "sign_in/callback_request.h"

#include "oauth/ascii.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct span {
    const char *text;
    size_t size;
} span;

static bool equals(span s, const char *text) {
    return s.size == strlen(text) && memcmp(s.text, text, s.size) == 0;
}

static bool equals_ignoring_case(span s, const char *text) {
    if (s.size != strlen(text)) return false;
    for (size_t i = 0; i < s.size; i++)
        if (ti_ascii_lower(s.text[i]) != ti_ascii_lower(text[i])) return false;
    return true;
}

/* What comes before the separator (all, where it is not there) is cut off and answered. */
static span cut(span *rest, char separator) {
    const char *found = rest->size > 0 ? memchr(rest->text, separator, rest->size) : NULL;
    span before = {rest->text, found != NULL ? (size_t)(found - rest->text) : rest->size};
    size_t gone = before.size + (found != NULL);

    rest->text += gone;
    rest->size -= gone;
    return before;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static span trim(span s) {
    while (s.size > 0 && is_blank(s.text[s.size - 1])) s.size--;
    while (s.size > 0 && is_blank(*s.text)) {
        s.text++;
        s.size--;
    }
    return s;
}

/* Lines with CR and LF, an empty one at the end, and no other control characters but tabs: so that no two readers see different lines. */
static bool is_clean(span head) {
    static const char end[] = "\r\n\r\n";

    if (head.size < strlen(end)) return false;
    if (memcmp(head.text + head.size - strlen(end), end, strlen(end)) != 0) return false;
    for (size_t i = 0; i < head.size; i++) {
        unsigned char c = (unsigned char)head.text[i];
        bool line_end = c == '\r' && i + 1 < head.size && head.text[i + 1] == '\n';

        if (c == '\n' && (i == 0 || head.text[i - 1] != '\r')) return false;
        if ((c < ' ' && c != '\t' && c != '\n' && !line_end) || c == 0x7f) return false;
    }
    return true;
}

static span next_line(span *rest) {
    span line = cut(rest, '\n');

    if (line.size > 0) line.size--; /* the CR */
    return line;
}

/* HTTP/1.0 or 1.1, or what else is 1. */
static bool is_version(span version) {
    static const char one[] = "HTTP/1.";

    return version.size == strlen(one) + 1 && memcmp(version.text, one, strlen(one)) == 0 &&
           version.text[strlen(one)] >= '0' && version.text[strlen(one)] <= '9';
}

/* Another site's page may send its reader's browser here under a name of its own. */
static bool is_ours(const ti_callback_address *address, span host) {
    char expected[80];

    snprintf(expected, sizeof expected, "%s:%u", address->host, address->port);
    return equals_ignoring_case(host, expected) ||
           (address->port == 80 && equals_ignoring_case(host, address->host));
}

/* false: it is malformed, or has not just one Host (RFC 9112 section 3.2). */
static bool read_host(span fields, span *host) {
    size_t hosts = 0;

    for (;;) {
        span line = next_line(&fields), name;

        if (line.size == 0) return hosts == 1 && fields.size == 0;
        if (memchr(line.text, ':', line.size) == NULL) return false;
        name = cut(&line, ':');
        if (name.size == 0 || is_blank(*name.text) || is_blank(name.text[name.size - 1]))
            return false;
        if (!equals_ignoring_case(name, "Host")) continue;
        *host = trim(line);
        hosts++;
    }
}

ti_callback_request ti_callback_request_read(const ti_callback_address *address, const char *head,
                                             size_t size, const char **query, size_t *query_size) {
    span rest = {head, size}, line, method, target, path, host = {NULL, 0};

    *query = NULL;
    *query_size = 0;
    if (!is_clean(rest)) return TI_CALLBACK_REQUEST_MALFORMED;
    line = next_line(&rest);
    method = cut(&line, ' ');
    target = cut(&line, ' ');
    if (method.size == 0 || !is_version(line) || !read_host(rest, &host))
        return TI_CALLBACK_REQUEST_MALFORMED;
    if (!is_ours(address, host)) return TI_CALLBACK_REQUEST_NOT_FOUND;
    if (!equals(method, "GET")) return TI_CALLBACK_REQUEST_NOT_ALLOWED;
    path = cut(&target, '?');
    if (!equals(path, *address->path != '\0' ? address->path : "/"))
        return TI_CALLBACK_REQUEST_NOT_FOUND;
    *query = target.text;
    *query_size = target.size;
    return TI_CALLBACK_REQUEST_GET;
}
