#include "display.h"

#include <jansson.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct display {
    const char *status_file;
    pthread_mutex_t lock;
    /* guarded by lock */
    const char *state;
    char message[512];
};

display *display_new(const char *status_file) {
    display *d = calloc(1, sizeof *d);

    if (d == NULL) return NULL;
    d->status_file = status_file;
    d->state = "";
    pthread_mutex_init(&d->lock, NULL);
    return d;
}

void display_free(display *d) {
    if (d == NULL) return;
    pthread_mutex_destroy(&d->lock);
    free(d);
}

/* Renamed into its place: who reads it sees all of it. It need not outlive a restart. */
static void write_status(const char *path, json_t *status) {
    char beside[512];
    int length = snprintf(beside, sizeof beside, "%s.new", path);

    if (length < 0 || (size_t)length >= sizeof beside) return;
    if (json_dump_file(status, beside, 0) != 0 || rename(beside, path) != 0) unlink(beside);
}

/* Takes further, which may be NULL. */
static void show_locked(display *d, json_t *further) {
    json_t *status = json_pack("{s:s,s:s}", "state", d->state, "message", d->message);

    if (status != NULL && further != NULL) json_object_update(status, further);
    if (status != NULL && d->status_file != NULL) write_status(d->status_file, status);
    printf("%s: %s\n", d->state, d->message);
    fflush(stdout);
    json_decref(status);
    json_decref(further);
}

void display_show(display *d, const char *state, const char *format, ...) {
    char message[sizeof d->message];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&d->lock);
    if (strcmp(d->state, state) != 0 || strcmp(d->message, message) != 0) {
        d->state = state;
        memcpy(d->message, message, sizeof message);
        show_locked(d, NULL);
    }
    pthread_mutex_unlock(&d->lock);
}

void display_prompt(display *d, const char *user_code, const char *uri, const char *complete_uri,
                    int expires_in_s) {
    json_t *prompt =
        json_pack("{s:s,s:s,s:s,s:i}", "user_code", user_code, "verification_uri", uri,
                  "verification_uri_complete", complete_uri == NULL ? uri : complete_uri,
                  "expires_in_s", expires_in_s);

    pthread_mutex_lock(&d->lock);
    d->state = "sign-in";
    snprintf(d->message, sizeof d->message, "within %d s, open %s and enter %s", expires_in_s, uri,
             user_code);
    show_locked(d, prompt);
    pthread_mutex_unlock(&d->lock);
}
