/* examples/device in processes of its own, with a directory, a sensor and a server that nobody else has. Fails the test where something
 * does not go as it must. */
#ifndef TS_DEVICE_H
#define TS_DEVICE_H

#include "support/fixture.h"
#include "support/server.h"

#include <stdint.h>
#include <sys/types.h>

enum { DEVICE_PATIENCE_MS = 20000 };

typedef struct device_options {
    const ts_options *server; /* NULL: polls every second */
    const char *settings;     /* further members, "\"spool_bytes\":9000"; NULL: none */
    bool tls;
} device_options;

typedef struct device {
    ts_server *server;
    fixture_tls tls;
    char *directory; /* state/ below it is the device's own */
    pid_t pid;
    int runs;
} device;

/* Whether the daemon was built. */
bool device_is_there(void);

device device_new(const device_options *options);
void device_free(device *d);

/* environment: "NAME=value", NULL-terminated; NULL: nothing further. */
void device_start(device *d, const char *const *environment);
/* SIGTERM, as often as asked for; it has to exit with 0. How long it took. */
int64_t device_terminate(device *d, int signals);
void device_kill(device *d);
/* Waits for its end; the exit code, -1: by a signal. */
int device_await(device *d);

/* The user elsewhere: waits until the run of now has shown so many codes, and approves the last. */
void device_approve(device *d, int codes);
/* Starts it and has it signed in. */
void device_sign_in(device *d);
/* Waits until the run of now has said this. */
void device_await_words(const device *d, const char *text);
bool device_said(const device *d, const char *text);
/* How many files the spool has. */
int device_spool_files(const device *d);
/* Waits until the server has taken so many readings more. */
void device_await_readings(const device *d, long more);
/* Waits until it has at least so many, or none. */
void device_await_spool_files(const device *d, int count);
void device_await_empty_spool(const device *d);

#endif
