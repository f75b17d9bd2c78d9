#include "base/log.h"

#include "base/buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MASK "***"
#define MASK_SIZE (sizeof MASK - 1)
/* What is shorter would mask ordinary words. It must not be shorter than MASK itself, since a
 * message is masked where it stands. */
#define VALUE_SIZE_MIN 8

bool ti_log_init(ti_log *log, tacit_log_fn fn, void *data, tacit_log_level level) {
    *log = (ti_log){.fn = fn, .data = data, .level = level ? level : TACIT_LOG_WARNING};
    return pthread_mutex_init(&log->lock, NULL) == 0;
}

void ti_log_destroy(ti_log *log) {
    assert(!log->masks && !log->names);
    pthread_mutex_destroy(&log->lock);
}

bool ti_log_enabled(const ti_log *log, tacit_log_level level) {
    return log->fn && level <= log->level;
}

void ti_log_mask_add(ti_log *log, ti_log_mask *mask, const char *secret, size_t size) {
    *mask = (ti_log_mask){.secret = secret, .size = size};
    if (!log->fn || size < VALUE_SIZE_MIN) return;
    pthread_mutex_lock(&log->lock);
    mask->next = log->masks;
    mask->link = &log->masks;
    if (mask->next) mask->next->link = &mask->next;
    log->masks = mask;
    pthread_mutex_unlock(&log->lock);
}

void ti_log_mask_remove(ti_log *log, ti_log_mask *mask) {
    pthread_mutex_lock(&log->lock);
    if (mask->link) {
        *mask->link = mask->next;
        if (mask->next) mask->next->link = mask->link;
    }
    *mask = (ti_log_mask){.link = NULL};
    pthread_mutex_unlock(&log->lock);
}

void ti_log_name_add(ti_log *log, ti_log_name *name, const char *text) {
    *name = (ti_log_name){.name = text};
    if (!log->fn) return;
    name->log = log;
    pthread_mutex_lock(&log->lock);
    name->next = log->names;
    name->link = &log->names;
    if (name->next) name->next->link = &name->next;
    log->names = name;
    pthread_mutex_unlock(&log->lock);
}

void ti_log_name_remove(ti_log_name *name) {
    if (!name->log) return;
    pthread_mutex_lock(&name->log->lock);
    *name->link = name->next;
    if (name->next) name->next->link = name->link;
    pthread_mutex_unlock(&name->log->lock);
    *name = (ti_log_name){.log = NULL};
}

/* The size of the longest live secret that text begins with; 0: none. */
static size_t secret_at_locked(const ti_log *log, const char *text, size_t size) {
    size_t longest = 0;
    for (const ti_log_mask *mask = log->masks; mask; mask = mask->next) {
        if (mask->size <= longest || mask->size > size) continue;
        if (memcmp(text, mask->secret, mask->size) == 0) longest = mask->size;
    }
    return longest;
}

/*
 * One pass over all values at once: masking one after the other would leave the rest of a token
 * that begins with, or overlaps, another. A run of secret bytes is replaced at its end, so that
 * nothing is overwritten before it was compared.
 */
static size_t mask_values_locked(const ti_log *log, char *text, size_t size) {
    size_t written = 0, secret_end = 0;
    for (size_t i = 0; i < size; i++) {
        size_t end = i + secret_at_locked(log, text + i, size - i);
        if (end > secret_end) secret_end = end;
        if (i >= secret_end) {
            text[written++] = text[i];
        } else if (i + 1 == secret_end) {
            memcpy(text + written, MASK, MASK_SIZE);
            written += MASK_SIZE;
        }
    }
    return written;
}

static void mask_values(ti_log *log, ti_buffer *message) {
    pthread_mutex_lock(&log->lock);
    if (log->masks) message->size = mask_values_locked(log, message->data, message->size);
    pthread_mutex_unlock(&log->lock);
    message->data[message->size] = '\0';
}

/* Hands the message out, and frees it. */
static void deliver(ti_log *log, tacit_log_level level, ti_buffer *message) {
    if (ti_buffer_append(message, "", 0)) {
        mask_values(log, message);
        log->fn(level, message->data, log->data);
    } else {
        log->fn(level, "Out of memory: a message is missing here.", log->data);
    }
    ti_buffer_free(message);
}

static void append_format(ti_buffer *buffer, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (size < 0 || !ti_buffer_reserve(buffer, (size_t)size)) return;
    vsnprintf(buffer->data + buffer->size, (size_t)size + 1, format, arguments);
    buffer->size += (size_t)size;
}

void ti_log_write(ti_log *log, tacit_log_level level, const char *format, ...) {
    if (!ti_log_enabled(log, level)) return;
    ti_buffer message = TI_BUFFER_SECRET;
    va_list arguments;
    va_start(arguments, format);
    append_format(&message, format, arguments);
    va_end(arguments);
    deliver(log, level, &message);
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Not strncasecmp(), which follows the app's locale: in Turkish, I and i are different letters. */
static bool same_name(const char *a, const char *b, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

static bool is_listed(ti_log *log, const char *name, size_t size) {
    pthread_mutex_lock(&log->lock);
    const ti_log_name *listed = log->names;
    while (listed && !(strlen(listed->name) == size && same_name(listed->name, name, size))) {
        listed = listed->next;
    }
    pthread_mutex_unlock(&log->lock);
    return listed != NULL;
}

static bool name_is_secret(ti_log *log, const char *name, size_t size) {
    static const char *const names[] = {"Authorization", "Proxy-Authorization", "Cookie",
                                        "Set-Cookie"};
    static const char suffix[] = "token";
    size_t suffix_size = sizeof suffix - 1;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i]) == size && same_name(names[i], name, size)) return true;
    }
    if (size >= suffix_size && same_name(name + size - suffix_size, suffix, suffix_size))
        return true;
    return is_listed(log, name, size);
}

/* How much of the line may be shown as it is; less than all: a secret follows. */
static size_t shown_size(ti_log *log, const char *line, size_t size) {
    /* A folded line (RFC 9112 section 5.2) goes on with a header that is not seen here. */
    if (size > 0 && (line[0] == ' ' || line[0] == '\t')) return 1;
    const char *colon = memchr(line, ':', size);
    if (!colon) return size;
    size_t name_size = (size_t)(colon - line);
    while (name_size > 0 && (line[name_size - 1] == ' ' || line[name_size - 1] == '\t')) {
        name_size--;
    }
    return name_is_secret(log, line, name_size) ? (size_t)(colon - line) + 1 : size;
}

void ti_log_header(ti_log *log, tacit_log_level level, const char *prefix, const char *line,
                   size_t size) {
    if (!ti_log_enabled(log, level)) return;
    while (size > 0 && (line[size - 1] == '\r' || line[size - 1] == '\n')) size--;
    size_t shown = size > 0 ? shown_size(log, line, size) : 0;
    ti_buffer message = TI_BUFFER_SECRET;
    ti_buffer_append_string(&message, prefix);
    ti_buffer_append(&message, line, shown);
    if (shown < size) ti_buffer_append_string(&message, " " MASK);
    deliver(log, level, &message);
}
