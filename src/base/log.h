/*
 * The app's log, with every secret masked: by header name, and by value for the tokens that live.
 *
 * Safety: the list of live secrets is guarded by `lock`; the app's function is called without it.
 */
#ifndef TI_LOG_H
#define TI_LOG_H

#include <pthread.h>

#include <tacit/client.h>

#include "base/format.h"

/* Lies inside what owns the secret. */
typedef struct ti_log_mask {
    struct ti_log_mask *next, **link; /* guarded by the log's lock; link NULL: not listed */
    const char *secret;               /* borrowed from the owner */
    size_t size;
} ti_log_mask;

/* Lies inside what owns the name. */
typedef struct ti_log_name {
    struct ti_log_name *next, **link; /* guarded by the log's lock */
    struct ti_log *log;               /* NULL: not listed */
    const char *name;                 /* borrowed from the owner */
} ti_log_name;

typedef struct ti_log {
    tacit_log_fn fn; /* NULL: everything here does nothing */
    void *data;
    tacit_log_level level;
    pthread_mutex_t lock;
    ti_log_mask *masks; /* guarded by lock, as is names */
    ti_log_name *names;
} ti_log;

bool ti_log_init(ti_log *log, tacit_log_fn fn, void *data, tacit_log_level level);
void ti_log_destroy(ti_log *log);
bool ti_log_enabled(const ti_log *log, tacit_log_level level);

/* While listed, the value shows as "***" in every message; remove it before the bytes go. */
void ti_log_mask_add(ti_log *log, ti_log_mask *mask, const char *secret, size_t size);
void ti_log_mask_remove(ti_log *log, ti_log_mask *mask);

/* While listed, a header of that name shows no value, whatever it is; remove it before the log goes. */
void ti_log_name_add(ti_log *log, ti_log_name *name, const char *text);
void ti_log_name_remove(ti_log_name *name); /* takes one that was never added, and zeroes */

void ti_log_write(ti_log *log, tacit_log_level level, const char *format, ...) TI_FORMAT(3, 4);
/* One header line, not NUL-terminated: the values of Authorization, Proxy-Authorization, Cookie,
 * Set-Cookie, of names that are listed and of those that end in "token" show as "***"; the rest is masked by value, as above.
 */
void ti_log_header(ti_log *log, tacit_log_level level, const char *prefix, const char *line,
                   size_t size);

#endif
