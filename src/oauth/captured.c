#include "oauth/captured.h"

#include "transport/date.h"

#include <limits.h>
#include <string.h>

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 OK", "HTTP/2 200 ": the status; 0: no such line. */
static int read_status_line(const char *line, size_t size) {
    const char *blank = size > 5 && memcmp(line, "HTTP/", 5) == 0 ? memchr(line, ' ', size) : NULL;
    if (!blank || !is_digit(line[5]) || line + size - blank < 4) return 0;
    const char *digits = blank + 1;
    if (!is_digit(digits[0]) || !is_digit(digits[1]) || !is_digit(digits[2])) return 0;
    return 100 * (digits[0] - '0') + 10 * (digits[1] - '0') + (digits[2] - '0');
}

/* The line at *text, which moves behind it; what ends it is left out. */
static size_t next_line(const char **text, const char *end) {
    const char *line = *text;
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    size_t size = (size_t)((newline ? newline : end) - line);
    *text = newline ? newline + 1 : end;
    while (size > 0 && (line[size - 1] == '\r' || line[size - 1] == ' ' || line[size - 1] == '\t'))
        size--;
    return size;
}

/* A head at *text, which moves behind its empty line; nothing happens where there is none. false: no memory. */
static bool read_head(const char **text, const char *end, ti_http_answer *answer) {
    const char *line = *text;
    int status = read_status_line(line, next_line(text, end));
    if (status == 0) {
        *text = line;
        return true;
    }
    answer->status = status;
    ti_buffer_clear(&answer->head);
    while (*text < end) {
        line = *text;
        size_t size = next_line(text, end);
        if (size == 0) break;
        if (!ti_buffer_append(&answer->head, line, size)) return false;
        if (!ti_buffer_append(&answer->head, "", 1)) return false;
    }
    return true;
}

/* RFC 9110 section 10.2.3. */
static int read_retry_after_s(const ti_http_answer *answer, int64_t wall_ms) {
    const char *value = ti_http_answer_header(answer, "Retry-After", 0);
    int64_t seconds = 0, unix_s;
    if (!value || answer->status < 300) return 0;
    size_t digits = strspn(value, "0123456789");
    if (value[digits] == '\0') {
        for (size_t i = 0; i < digits && seconds < INT_MAX; i++)
            seconds = 10 * seconds + (value[i] - '0');
    } else if (ti_date_read(value, &unix_s)) {
        seconds = unix_s - wall_ms / 1000;
    }
    return seconds <= 0 ? 0 : seconds > INT_MAX ? INT_MAX : (int)seconds;
}

/* RFC 9110 section 6.6.1. */
static void read_date(const ti_http_answer *answer, int64_t *wall_ms) {
    const char *value = ti_http_answer_header(answer, "Date", 0);
    int64_t unix_s;
    if (value && ti_date_read(value, &unix_s)) *wall_ms = unix_s * 1000;
}

bool ti_captured_read(const char *text, size_t size, int64_t *wall_ms, ti_http_answer *answer) {
    const char *end = text + size, *before;
    answer->head.secret = answer->body.secret = true;
    answer->status = 200;
    while (text < end && (*text == '\r' || *text == '\n')) text++;
    do {
        before = text;
        if (!read_head(&text, end, answer)) return false;
    } while (text > before);
    read_date(answer, wall_ms);
    answer->retry_after_s = read_retry_after_s(answer, *wall_ms);
    return ti_buffer_append(&answer->body, text, (size_t)(end - text));
}
