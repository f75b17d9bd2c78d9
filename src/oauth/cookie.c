#include "oauth/cookie.h"

#include "oauth/ascii.h"
#include "oauth/lifetime.h"
#include "transport/date.h"

#include <string.h>

/* A date with its blanks and a time zone is shorter. */
#define DATE_SIZE_MAX 64

typedef struct attributes {
    ti_cookie_text path, domain, expires, max_age;
} attributes;

/* --- text --- */

static ti_cookie_text trim(const char *data, size_t size) {
    while (size > 0 && (*data == ' ' || *data == '\t')) {
        data++;
        size--;
    }
    while (size > 0 && (data[size - 1] == ' ' || data[size - 1] == '\t')) size--;
    return (ti_cookie_text){data, size};
}

static bool same(const ti_cookie_text *a, const ti_cookie_text *b) {
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

static bool is_called(const ti_cookie_text *text, const char *name) {
    size_t size = strlen(name);
    if (text->size != size) return false;
    for (size_t i = 0; i < size; i++) {
        if (ti_ascii_lower(text->data[i]) != ti_ascii_lower(name[i])) return false;
    }
    return true;
}

/* --- one line --- */

/* Splits what lies before the next semicolon; *line moves behind that, or to the end. */
static void next_pair(const char **line, ti_cookie_text *name, ti_cookie_text *value) {
    size_t size = strcspn(*line, ";");
    const char *equals = memchr(*line, '=', size);
    size_t name_size = equals ? (size_t)(equals - *line) : size;
    *name = trim(*line, name_size);
    *value = equals ? trim(equals + 1, size - name_size - 1) : (ti_cookie_text){NULL, 0};
    *line += size;
    if (**line == ';') (*line)++;
}

/* The last of a name counts. */
static void read_attributes(const char *line, attributes *found) {
    ti_cookie_text name, value;
    while (*line) {
        next_pair(&line, &name, &value);
        if (is_called(&name, "path")) found->path = value;
        if (is_called(&name, "domain")) found->domain = value;
        if (is_called(&name, "expires") && value.size > 0) found->expires = value;
        if (is_called(&name, "max-age") && value.size > 0) found->max_age = value;
    }
}

/* --- how long it lives --- */

/* Section 5.2.2. false: to be ignored. */
static bool read_max_age(const ti_cookie_text *text, double *seconds) {
    bool negative = text->size > 0 && text->data[0] == '-';
    size_t i = negative ? 1 : 0;
    if (text->size == i) return false;
    for (*seconds = 0; i < text->size; i++) {
        if (text->data[i] < '0' || text->data[i] > '9') return false;
        *seconds = 10 * *seconds + (text->data[i] - '0');
    }
    if (negative) *seconds = -*seconds;
    return true;
}

static bool read_expires(const ti_cookie_text *text, int64_t now_s, double *seconds) {
    char date[DATE_SIZE_MAX];
    int64_t unix_s;
    if (text->size == 0 || text->size >= sizeof date) return false;
    memcpy(date, text->data, text->size);
    date[text->size] = '\0';
    if (!ti_date_read(date, &unix_s)) return false;
    *seconds = (double)unix_s - (double)now_s;
    return true;
}

/* Max-Age wins (section 5.3). 0: it is over; -1: not said. */
static int64_t lifetime_of(const attributes *found, int64_t now_s) {
    double seconds;
    if (!read_max_age(&found->max_age, &seconds) &&
        !read_expires(&found->expires, now_s, &seconds)) {
        return -1;
    }
    return seconds > 0 ? ti_lifetime_clamp(seconds) : 0;
}

/* --- the cookie --- */

/* Visible ASCII: what else a browser would take could be neither stored nor sent as it came. */
static bool can_be_sent(const ti_cookie_text *value) {
    for (size_t i = 0; i < value->size; i++) {
        if (value->data[i] < 0x20 || value->data[i] > 0x7E) return false;
    }
    return value->size <= TI_COOKIE_SIZE_MAX;
}

void ti_cookie_read(ti_cookie *cookie, const char *line, const char *name, int64_t now_s) {
    ti_cookie_text own_name, value;
    attributes found = {.path.data = NULL};
    const char *rest = line;
    next_pair(&rest, &own_name, &value);
    if (own_name.size != strlen(name) || memcmp(own_name.data, name, own_name.size) != 0) return;
    read_attributes(rest, &found);

    int64_t lifetime_s = lifetime_of(&found, now_s);
    if (value.size > 0 && lifetime_s != 0) {
        *cookie = (ti_cookie){value, found.path, found.domain, lifetime_s, !can_be_sent(&value)};
        return;
    }
    /* A cookie elsewhere is often taken away beside the one that is set. */
    if (same(&cookie->path, &found.path) && same(&cookie->domain, &found.domain)) {
        *cookie = (ti_cookie)TI_COOKIE_INIT;
    }
}
