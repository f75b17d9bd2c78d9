/* What a person in front of the device sees: lines on stdout, and the last word in a file. Thread-safe. */
#ifndef DEVICE_DISPLAY_H
#define DEVICE_DISPLAY_H

typedef struct display display;

/* status_file: borrowed; may be NULL. */
display *display_new(const char *status_file);
void display_free(display *d);

/* state: one word, static. Nothing happens where it shows the same already. */
void display_show(display *d, const char *state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Asks for a sign-in. */
void display_prompt(display *d, const char *user_code, const char *uri, const char *complete_uri,
                    int expires_in_s);

#endif
