#include "oauth/lifetime.h"

#include "oauth/json.h"

#include <string.h>

/* 1e9 s is the year 2001: no expiry that is meant as a date lies before. 1e12 s lies beyond the year
 * 33000, and 1e12 ms in 2001. */
#define DATE_MIN_S 1e9
#define DATE_MAX_S 1e12

int64_t ti_lifetime_clamp(double seconds) {
    if (!(seconds >= 1)) return 1;
    if (seconds >= (double)TI_LIFETIME_MAX_S) return TI_LIFETIME_MAX_S;
    return (int64_t)seconds;
}

int64_t ti_lifetime_relative_s(const json_t *value) {
    double seconds;
    if (!ti_json_number(value, &seconds) || !(seconds > 0)) return -1;
    return ti_lifetime_clamp(seconds);
}

/* Reads exactly `digits` digits, moves *text behind them, and checks the range. */
static bool read_digits(const char **text, int digits, int min, int max, int *number) {
    *number = 0;
    for (int i = 0; i < digits; i++) {
        char c = **text;
        if (c < '0' || c > '9') return false;
        *number = *number * 10 + (c - '0');
        (*text)++;
    }
    return *number >= min && *number <= max;
}

static bool read_char(const char **text, const char *any_of) {
    if (**text == '\0' || !strchr(any_of, **text)) return false;
    (*text)++;
    return true;
}

/* Of the proleptic Gregorian calendar, counted from 1970. Years begin in March, so that the leap
 * day is the last. */
static int64_t days_since_epoch(int year, int month, int day) {
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

/* Z, +02:00, +0200, +02; nothing means UTC. */
static bool read_offset_s(const char **text, int *offset_s) {
    int sign = **text == '-' ? -1 : 1, hours, minutes = 0;
    *offset_s = 0;
    if (**text == '\0' || read_char(text, "Zz")) return true;
    if (!read_char(text, "+-") || !read_digits(text, 2, 0, 23, &hours)) return false;
    bool has_minutes = read_char(text, ":") || **text != '\0';
    if (has_minutes && !read_digits(text, 2, 0, 59, &minutes)) return false;
    *offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

/* 2030-01-31T12:00:00Z, with a fraction, an offset, or a space for the T (RFC 3339). Not
 * strptime(): it follows the app's locale. */
static bool read_date(const char *text, double *epoch_s) {
    int year, month, day, hour, minute, second, offset_s;
    bool is_date = read_digits(&text, 4, 1970, 9999, &year) && read_char(&text, "-") &&
                   read_digits(&text, 2, 1, 12, &month) && read_char(&text, "-") &&
                   read_digits(&text, 2, 1, 31, &day) && read_char(&text, "Tt ") &&
                   read_digits(&text, 2, 0, 23, &hour) && read_char(&text, ":") &&
                   read_digits(&text, 2, 0, 59, &minute) && read_char(&text, ":") &&
                   read_digits(&text, 2, 0, 60, &second);
    if (!is_date) return false;
    if (read_char(&text, ".,")) text += strspn(text, "0123456789");
    if (!read_offset_s(&text, &offset_s) || *text != '\0') return false;

    int64_t of_day_s = hour * 3600 + minute * 60 + second;
    *epoch_s = (double)(days_since_epoch(year, month, day) * 86400 + of_day_s - offset_s);
    return true;
}

int64_t ti_lifetime_absolute_s(const json_t *value, int64_t wall_ms) {
    double epoch_s;
    if (ti_json_number(value, &epoch_s)) {
        if (epoch_s <= DATE_MIN_S) return ti_lifetime_relative_s(value);
        if (epoch_s > DATE_MAX_S) epoch_s /= 1000;
    } else if (!json_is_string(value) || !read_date(json_string_value(value), &epoch_s)) {
        return -1;
    }
    double lifetime = epoch_s - (double)wall_ms / 1000;
    return lifetime > 0 ? ti_lifetime_clamp(lifetime) : -1;
}
