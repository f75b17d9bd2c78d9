#include "settings.h"

#include <stdio.h>
#include <string.h>

static const settings defaults = {
    .sensor = "/sys/class/thermal/thermal_zone0/temp",
    .interval_ms = 1000,
    .flush_ms = 10000,
    .timeout_ms = 5000,
    .spool_bytes = 1 << 20,
    .stack_bytes = 128 << 10,
};

static bool unpack(settings *s, json_error_t *error) {
    /* "!": a member of another name is an error. */
    return json_unpack_ex(
               s->json, error, 0,
               "{s:s,s?s,s?o,s:s,s?s,s:s,s:s,s:s,s?s,s?s,s?s,s?s,s?s,s?i,s?i,s?i,s?i,s?i!}",
               "device", &s->device, "issuer", &s->issuer, "provider", &s->provider, "client_id",
               &s->client_id, "scope", &s->scope, "origin", &s->origin, "telemetry_url",
               &s->telemetry_url, "directory", &s->directory, "key_file", &s->key_file, "key_nvmem",
               &s->key_nvmem, "ca_file", &s->ca_file, "status_file", &s->status_file, "sensor",
               &s->sensor, "interval_ms", &s->interval_ms, "flush_ms", &s->flush_ms, "timeout_ms",
               &s->timeout_ms, "spool_bytes", &s->spool_bytes, "stack_bytes", &s->stack_bytes) == 0;
}

/* NULL: nothing. */
static const char *problem_of(const settings *s) {
    if ((s->issuer == NULL) == (s->provider == NULL)) return "wants either issuer or provider";
    if (s->key_file != NULL && s->key_nvmem != NULL) return "wants one of key_file and key_nvmem";
    if (s->interval_ms < 1 || s->flush_ms < 1 || s->timeout_ms < 1)
        return "has a time that is not positive";
    if (s->spool_bytes < 1 || s->stack_bytes < 1) return "has a size that is not positive";
    return NULL;
}

bool settings_read(settings *s, const char *path) {
    json_error_t error;
    const char *problem;

    *s = defaults;
    s->json = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (s->json == NULL || !unpack(s, &error)) {
        fprintf(stderr, "%s, line %d: %s\n", path, error.line, error.text);
        settings_free(s);
        return false;
    }
    problem = problem_of(s);
    if (problem == NULL) return true;
    fprintf(stderr, "%s %s\n", path, problem);
    settings_free(s);
    return false;
}

void settings_free(settings *s) {
    json_decref(s->json);
    memset(s, 0, sizeof *s);
}
