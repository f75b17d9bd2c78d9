/* The configuration: a JSON object, see device.json. */
#ifndef DEVICE_SETTINGS_H
#define DEVICE_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>

/* Strings belong to json; NULL where they are optional and not there. */
typedef struct settings {
    json_t *json;
    const char *device; /* its name, as the server shall know it */
    const char *issuer; /* or */
    json_t *provider;   /* RFC 8414 metadata, for a server without */
    const char *client_id;
    const char *scope;
    const char *origin; /* where the token may go */
    const char *telemetry_url;
    const char *directory; /* the sign-in, the spool and what must outlive a restart */
    const char *key_file;  /* of the sign-in's file; default: "key" in the directory */
    const char
        *key_nvmem; /* or: a file of 32 bytes that is none, as of fuses or a secure element */
    const char *ca_file;
    const char *status_file; /* what the display shows, for other processes; best on a tmpfs */
    const char *sensor;      /* a file with a number, as sysfs has them */
    int interval_ms;         /* between readings */
    int flush_ms;            /* readings that are older than this are on flash, or delivered */
    int timeout_ms;          /* of one request */
    int spool_bytes;
    int stack_bytes; /* of each thread */
} settings;

/* false: what is wrong was said on stderr, and there is nothing to free. */
bool settings_read(settings *s, const char *path);
void settings_free(settings *s);

#endif
