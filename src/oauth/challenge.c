#include "oauth/challenge.h"

#include "base/strings.h"
#include "oauth/ascii.h"

#include <stdlib.h>
#include <string.h>

/* --- characters (RFC 9110 sections 5.6.2 and 11.2) --- */

static bool is_alphanumeric(char c) {
    char lower = ti_ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

static bool is_token_char(char c) {
    return c != '\0' && (is_alphanumeric(c) || strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token68_char(char c) {
    return c != '\0' && (is_alphanumeric(c) || strchr("-._~+/", c));
}

static const char *skip_blanks(const char *at) {
    return at + strspn(at, " \t");
}

static const char *token_end(const char *at) {
    while (is_token_char(*at)) at++;
    return at;
}

/* Behind the closing quote; NULL where there is none. */
static const char *quoted_end(const char *at) {
    for (at++; *at != '"'; at++) {
        if (*at == '\\' && at[1] != '\0') at++;
        if (*at == '\0') return NULL;
    }
    return at + 1;
}

/* Over what cannot be read, up to a comma that no quotes hide. */
static const char *skip_garbage(const char *at) {
    while (*at != '\0' && *at != ',') {
        const char *end = *at == '"' ? quoted_end(at) : at + 1;
        at = end ? end : at + strlen(at);
    }
    return at;
}

/* --- copies --- */

static char *copy_lower(const char *text, size_t size) {
    char *copy = malloc(size + 1);
    if (!copy) return NULL;
    for (size_t i = 0; i < size; i++) copy[i] = ti_ascii_lower(text[i]);
    copy[size] = '\0';
    return copy;
}

/* Of a quoted string, what lies between the quotes with its backslashes resolved. */
static char *copy_unquoted(const char *begin, const char *end) {
    char *copy = malloc((size_t)(end - begin));
    if (!copy) return NULL;
    size_t size = 0;
    for (begin++; begin < end - 1; begin++) {
        if (*begin == '\\') begin++;
        copy[size++] = *begin;
    }
    copy[size] = '\0';
    return copy;
}

/* Room for one more element at the end: the capacity is the power of two at or above the count. */
static bool grow(void **items, size_t count, size_t item_size) {
    if (count > 0 && (count & (count - 1)) != 0) return true;
    void *grown = realloc(*items, (count > 0 ? 2 * count : 1) * item_size);
    if (!grown) return false;
    *items = grown;
    return true;
}

static bool add_challenge(ti_challenges *challenges, const char *scheme, size_t size) {
    void *items = challenges->items;
    if (!grow(&items, challenges->count, sizeof *challenges->items)) return false;
    challenges->items = items;
    char *lower = copy_lower(scheme, size);
    if (!lower) return false;
    challenges->items[challenges->count++] = (ti_challenge){.scheme = lower};
    return true;
}

/* Takes value over. */
static bool add_param(ti_challenge *challenge, const char *name, size_t name_size, char *value) {
    void *params = challenge->params;
    char *lower = copy_lower(name, name_size);
    bool done = lower && value && grow(&params, challenge->param_count, sizeof *challenge->params);
    challenge->params = params;
    if (!done) {
        free(lower);
        free(value);
        return false;
    }
    challenge->params[challenge->param_count++] = (ti_challenge_param){lower, value};
    return true;
}

/* --- the grammar --- */

typedef enum reading { READ, UNREADABLE, NO_MEMORY } reading;

/* auth-param = token BWS "=" BWS ( token / quoted-string ). *at moves behind it, if it is one. */
static reading read_param(ti_challenge *challenge, const char **at) {
    const char *name = *at, *name_end = token_end(name);
    const char *equals = skip_blanks(name_end);
    if (name == name_end || *equals != '=') return UNREADABLE;
    const char *value = skip_blanks(equals + 1);
    const char *end = *value == '"' ? quoted_end(value) : token_end(value);
    if (!end || end == value) return UNREADABLE;

    char *copy =
        *value == '"' ? copy_unquoted(value, end) : ti_string_of(value, (size_t)(end - value));
    if (!add_param(challenge, name, (size_t)(name_end - name), copy)) return NO_MEMORY;
    *at = end;
    return READ;
}

/* token68, with nothing behind it but the end of the list element. */
static reading read_token68(ti_challenge *challenge, const char **at) {
    const char *end = *at;
    while (is_token68_char(*end)) end++;
    if (end == *at) return UNREADABLE;
    end += strspn(end, "=");
    const char *next = skip_blanks(end);
    if (*next != '\0' && *next != ',') return UNREADABLE;

    challenge->token68 = ti_string_of(*at, (size_t)(end - *at));
    *at = next;
    return challenge->token68 ? READ : NO_MEMORY;
}

/* auth-scheme [ 1*SP ( token68 / auth-param ) ]; further parameters are list elements of their own.
 */
static reading read_scheme(ti_challenges *challenges, const char **at) {
    const char *end = token_end(*at), *next = skip_blanks(end);
    bool is_scheme = end > *at && (*end == '\0' || *end == ',' || next > end) && *next != '=';
    if (!is_scheme) return UNREADABLE;
    if (!add_challenge(challenges, *at, (size_t)(end - *at))) return NO_MEMORY;

    *at = next;
    if (*next == '\0' || *next == ',') return READ;
    ti_challenge *challenge = &challenges->items[challenges->count - 1];
    reading result = read_token68(challenge, at);
    return result == UNREADABLE ? read_param(challenge, at) : result;
}

bool ti_challenges_parse(ti_challenges *challenges, const char *value) {
    size_t before = challenges->count;
    /* Commas are skipped and not asked for: some servers leave them out between parameters. */
    for (value += strspn(value, ", \t"); *value != '\0'; value += strspn(value, ", \t")) {
        reading result = UNREADABLE;
        if (challenges->count > before) {
            result = read_param(&challenges->items[challenges->count - 1], &value);
        }
        if (result == UNREADABLE) result = read_scheme(challenges, &value);
        if (result == UNREADABLE) value = skip_garbage(value);
        if (result == NO_MEMORY) return false;
    }
    return true;
}

void ti_challenges_free(ti_challenges *challenges) {
    for (size_t i = 0; i < challenges->count; i++) {
        ti_challenge *challenge = &challenges->items[i];
        for (size_t j = 0; j < challenge->param_count; j++) {
            free(challenge->params[j].name);
            free(challenge->params[j].value);
        }
        free(challenge->params);
        free(challenge->token68);
        free(challenge->scheme);
    }
    free(challenges->items);
    *challenges = (ti_challenges){.items = NULL};
}

const char *ti_challenge_param_value(const ti_challenge *challenge, const char *name) {
    for (size_t i = 0; i < challenge->param_count; i++) {
        if (strcmp(challenge->params[i].name, name) == 0) return challenge->params[i].value;
    }
    return NULL;
}

/* --- what they mean (RFC 6750 section 3.1, RFC 9449 section 7.1) --- */

bool ti_challenges_refuse_token(const ti_challenges *challenges, int http_status) {
    if (http_status != 400 && http_status != 401 && http_status != 403) return false;
    if (challenges->count == 0) return http_status == 401;

    for (size_t i = 0; i < challenges->count; i++) {
        const ti_challenge *challenge = &challenges->items[i];
        bool takes_tokens =
            strcmp(challenge->scheme, "bearer") == 0 || strcmp(challenge->scheme, "dpop") == 0;
        if (!takes_tokens) continue;
        const char *error = ti_challenge_param_value(challenge, "error");
        if (error && strcmp(error, "invalid_token") == 0) return true;
        if (!error && http_status == 401) return true;
    }
    return false;
}
