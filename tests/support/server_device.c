/* The device authorization grant (RFC 8628): /device, the polls, and the user elsewhere. */
#include "server_internal.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum {
    EXPIRES_IN_S = 600,
    INTERVAL_S = 5,
    SLOWER_MS = 5000, /* RFC 8628 section 3.5 */
    TOLERANCE_MS =
        20 /* for what the network and two schedulers add to one poll and not to another */
};

typedef enum verdict { PENDING, APPROVED, DENIED, REDEEMED } verdict;

struct ts_device {
    ts_device *next; /* the one before it in time */
    char *device_code, *user_code, *client_id, *scope;
    verdict verdict;
    int64_t expires_ms, polled_ms; /* polled 0: not yet */
    int64_t interval_ms;           /* in force */
};

/* Like WDJB-MJHT, RFC 8628 section 6.1: 20 letters that nobody mistakes. */
static char *new_user_code(void) {
    static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ";
    unsigned char bytes[8];
    char code[] = "xxxx-xxxx";

    if (RAND_bytes(bytes, sizeof bytes) != 1) abort();
    for (int i = 0; i < 8; i++) code[i + (i >= 4)] = letters[bytes[i] % 20];
    return ts_strdup(code);
}

/* NULL: no interval in the answer. */
static json_t *interval_json(const ts_options *options) {
    if (!options->device_interval) return json_integer(INTERVAL_S);
    if (!options->device_interval[0]) return NULL;
    return json_loads(options->device_interval, JSON_DECODE_ANY, NULL);
}

/* RFC 8628 section 3.2: without one it is 5 s; so it is with one that nobody can read. */
static int64_t interval_ms_of(const json_t *interval) {
    if (!json_is_number(interval)) return INTERVAL_S * 1000;
    return (int64_t)(json_number_value(interval) * 1000);
}

static ts_device *new_device_locked(ts_request *request, int expires_in_s, const json_t *interval) {
    ts_device *device = ts_alloc(sizeof *device);

    device->device_code = ts_random_value("device", 0);
    device->user_code = new_user_code();
    device->client_id = ts_grant_client_id(request);
    device->scope = ts_form_field(request->body, "scope");
    device->expires_ms = ts_now_ms() + (int64_t)expires_in_s * 1000;
    device->interval_ms = interval_ms_of(interval);
    device->next = request->server->devices;
    request->server->devices = device;
    return device;
}

static void begin_locked(ts_request *request) {
    const ts_server *server = request->server;
    const ts_options *options = &server->options;
    int expires_in_s = options->device_expires_in_s ? options->device_expires_in_s : EXPIRES_IN_S;
    json_t *interval = interval_json(options);
    const ts_device *device = new_device_locked(request, expires_in_s, interval);
    char *uri = ts_format("%s/activate", server->authorization_url);
    char *complete = ts_format("%s?user_code=%s", uri, device->user_code);
    json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:i}", "device_code", device->device_code,
                             "user_code", device->user_code, "verification_uri", uri,
                             "verification_uri_complete", complete, "expires_in", expires_in_s);

    if (interval) json_object_set_new(json, "interval", interval);
    ts_json_merge(json, options->device_members);
    ts_answer_json(&request->answer, 200, json);
    ts_answer_add_header(&request->answer, "Cache-Control: no-store");
    free(complete);
    free(uri);
}

void ts_process_device(ts_request *request) {
    ts_server *server = request->server;

    pthread_mutex_lock(&server->lock);
    if (ts_grant_check_client_locked(request)) begin_locked(request);
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static ts_device *find(const ts_request *request) {
    char *code = ts_form_field(request->body, "device_code");
    char *client_id = ts_grant_client_id(request);
    ts_device *device = request->server->devices;

    while (device && (!code || strcmp(device->device_code, code) != 0)) device = device->next;
    if (device && (!client_id || strcmp(device->client_id, client_id) != 0)) device = NULL;
    free(client_id);
    free(code);
    return device;
}

static bool is_too_fast_locked(ts_request *request, ts_device *device) {
    int64_t polled_ms = device->polled_ms;

    device->polled_ms = request->received_ms;
    if (!polled_ms || request->received_ms + TOLERANCE_MS >= polled_ms + device->interval_ms) {
        return false;
    }
    request->server->counters.device_polls_too_fast++;
    return true;
}

static bool wants_slower_locked(ts_request *request, ts_device *device) {
    ts_server *server = request->server;
    bool asked = server->slow_downs > 0;

    if (asked) server->slow_downs--;
    if (!is_too_fast_locked(request, device) && !asked) return false;
    device->interval_ms += SLOWER_MS;
    return true;
}

/* NULL: the user has said yes. */
static const char *problem_locked(ts_request *request, ts_device *device) {
    if (!device || device->verdict == REDEEMED) return "invalid_grant";
    if (device->expires_ms <= ts_now_ms()) return "expired_token";
    if (wants_slower_locked(request, device)) return "slow_down";
    if (device->verdict == DENIED) return "access_denied";
    return device->verdict == PENDING ? "authorization_pending" : NULL;
}

void ts_grant_device_locked(ts_request *request) {
    ts_server *server = request->server;
    ts_device *device = find(request);

    server->counters.device_polls++;
    const char *problem = problem_locked(request, device);
    if (problem) {
        ts_answer_error(&request->answer, 400, problem);
        return;
    }
    device->verdict = REDEEMED;
    server->counters.device_grants++;
    ts_grant_sign_in_locked(request, ts_user_locked(server), device->scope ? device->scope : "",
                            NULL);
}

static bool decide(ts_server *server, const char *user_code, verdict verdict) {
    pthread_mutex_lock(&server->lock);
    ts_device *device = server->devices;
    while (device && strcmp(device->user_code, user_code) != 0) device = device->next;
    bool found = device && device->verdict != REDEEMED;
    if (found) device->verdict = verdict;
    pthread_mutex_unlock(&server->lock);
    return found;
}

bool server_device_approve(ts_server *server, const char *user_code) {
    return decide(server, user_code, APPROVED);
}

bool server_device_deny(ts_server *server, const char *user_code) {
    return decide(server, user_code, DENIED);
}

void server_device_slow_down(ts_server *server, int polls) {
    pthread_mutex_lock(&server->lock);
    server->slow_downs = polls;
    pthread_mutex_unlock(&server->lock);
}

char *server_newest_user_code(ts_server *server) {
    pthread_mutex_lock(&server->lock);
    char *code = server->devices ? ts_strdup(server->devices->user_code) : NULL;
    pthread_mutex_unlock(&server->lock);
    return code;
}

void ts_devices_free(ts_device *devices) {
    for (ts_device *next, *device = devices; device; device = next) {
        next = device->next;
        free(device->device_code);
        free(device->user_code);
        free(device->client_id);
        free(device->scope);
        free(device);
    }
}
