/*
 * /__control: the server's knobs for other processes.
 *
 * GET answers the counters. POST takes one JSON object, obeys its members in the order below, and
 * answers the counters, or 400 and the member that it could not obey. All members are optional:
 *
 *   {"options": {"access_lifetime_ms": 2000, "rotate": false, ...},   names as in ts_options
 *    "clear_faults": "token",                          or api, revocation, metadata, authorize, device
 *    "fault": {"part": "api", "kind": "answer", "requests": 2, "status": 503, ...},
 *    "refuse_api": {"requests": 1, "challenge": 0},                   a ts_challenge
 *    "close_gate": {"part": "token", "place": 1},                     a ts_gate_place
 *    "release": {"part": "token", "requests": 1},
 *    "open_gate": "token",
 *    "device_approve": "BCDF-GHJK", "device_deny": "BCDF-GHJK",       a user code
 *    "device_slow_down": 2,                                           polls
 *    "revoke_access_tokens": true, "revoke_family": true, "reset_counters": true,
 *    "away_ms": 500,                                                  goes away after the answer
 *    "authorization_away_ms": 500}                                    the API stays
 */
#include "server_internal.h"

#include <string.h>

/* -1: no such name. */
static int index_of(const char *name, const char *const *names, int count) {
    for (int i = 0; name && i < count; i++) {
        if (strcmp(name, names[i]) == 0) return i;
    }
    return -1;
}

static bool read_part(const char *name, ts_part *part) {
    static const char *const names[TS_PARTS] = {
        [TS_TOKEN_ENDPOINT] = "token", [TS_API] = "api",           [TS_REVOCATION] = "revocation",
        [TS_OTHER] = "other",          [TS_METADATA] = "metadata", [TS_AUTHORIZE] = "authorize",
        [TS_DEVICE] = "device"};
    int index = index_of(name, names, TS_PARTS);

    if (index < 0 || index == TS_OTHER) return false;
    *part = (ts_part)index;
    return true;
}

static bool read_kind(const char *name, ts_fault_kind *kind) {
    static const char *const names[] = {
        "none",    "answer", "close",     "reset", /* ts_fault_kind */
        "trickle", "gzip",   "oversized", "nested"};
    int index = index_of(name, names, 8);

    if (index < 0) return false;
    *kind = (ts_fault_kind)index;
    return true;
}

static bool obey_options(ts_request *request, json_t *json) {
    ts_options options = server_options(request->server);
    const char *name;
    json_t *value;
    bool ok = json_is_object(json);

    json_object_foreach(json, name, value) {
        ok = ts_option_set_json(&options, name, value) && ok;
    }
    if (ok) server_configure(request->server, &options);
    return ok;
}

static bool obey_clear_faults(ts_request *request, json_t *json) {
    ts_part part;

    if (!read_part(json_string_value(json), &part)) return false;
    server_faults_clear(request->server, part);
    return true;
}

static bool obey_fault(ts_request *request, json_t *json) {
    const char *part_name = NULL, *kind_name = "none";
    json_int_t size = 0;
    int after_processing = 0;
    ts_fault fault = {0};
    ts_part part;

    /* "!": a member of another name is an error. */
    if (json_unpack(json, "{s:s,s?s,s?i,s?s,s?b,s?i,s?i,s?i,s?s,s?s,s?I,s?i!}", "part", &part_name,
                    "kind", &kind_name, "requests", &fault.requests, "path", &fault.path,
                    "after_processing", &after_processing, "delay_before_ms",
                    &fault.delay_before_ms, "delay_after_ms", &fault.delay_after_ms, "status",
                    &fault.status, "headers", &fault.headers, "body", &fault.body, "size", &size,
                    "trickle_ms", &fault.trickle_ms) != 0) {
        return false;
    }
    if (!read_part(part_name, &part) || !read_kind(kind_name, &fault.kind)) return false;
    fault.after_processing = after_processing;
    fault.size = (size_t)size;
    server_fault_add(request->server, part, &fault);
    return true;
}

static bool obey_refuse_api(ts_request *request, json_t *json) {
    int requests = 1, challenge = TS_CHALLENGE_INVALID_TOKEN;

    if (json_unpack(json, "{s?i,s?i!}", "requests", &requests, "challenge", &challenge) != 0 ||
        challenge < TS_CHALLENGE_INVALID_TOKEN || challenge > TS_CHALLENGE_NEGOTIATE) {
        return false;
    }
    server_refuse_api(request->server, requests, (ts_challenge)challenge);
    return true;
}

static bool obey_close_gate(ts_request *request, json_t *json) {
    const char *part_name = NULL;
    int place = TS_BEFORE_ANSWER;
    ts_part part;

    if (json_unpack(json, "{s:s,s?i!}", "part", &part_name, "place", &place) != 0 ||
        !read_part(part_name, &part) || place < TS_BEFORE_PROCESSING || place > TS_BEFORE_ANSWER) {
        return false;
    }
    server_gate_close(request->server, part, (ts_gate_place)place);
    return true;
}

static bool obey_release(ts_request *request, json_t *json) {
    const char *part_name = NULL;
    int requests = 1;
    ts_part part;

    if (json_unpack(json, "{s:s,s?i!}", "part", &part_name, "requests", &requests) != 0 ||
        !read_part(part_name, &part)) {
        return false;
    }
    server_gate_release(request->server, part, requests);
    return true;
}

static bool obey_open_gate(ts_request *request, json_t *json) {
    ts_part part;

    if (!read_part(json_string_value(json), &part)) return false;
    server_gate_open(request->server, part);
    return true;
}

static bool obey_device_approve(ts_request *request, json_t *json) {
    const char *user_code = json_string_value(json);
    return user_code && server_device_approve(request->server, user_code);
}

static bool obey_device_deny(ts_request *request, json_t *json) {
    const char *user_code = json_string_value(json);
    return user_code && server_device_deny(request->server, user_code);
}

static bool obey_device_slow_down(ts_request *request, json_t *json) {
    server_device_slow_down(request->server, (int)json_integer_value(json));
    return json_is_integer(json);
}

static bool obey_revoke_access_tokens(ts_request *request, json_t *json) {
    if (json_is_true(json)) server_revoke_access_tokens(request->server);
    return json_is_boolean(json);
}

static bool obey_revoke_family(ts_request *request, json_t *json) {
    if (json_is_true(json)) server_revoke_family(request->server);
    return json_is_boolean(json);
}

static bool obey_reset_counters(ts_request *request, json_t *json) {
    if (json_is_true(json)) server_counters_reset(request->server);
    return json_is_boolean(json);
}

static bool obey_away_ms(ts_request *request, json_t *json) {
    request->away = TS_AWAY_ALL;
    request->away_ms = (int)json_integer_value(json);
    return json_is_integer(json);
}

static bool obey_authorization_away_ms(ts_request *request, json_t *json) {
    request->away = TS_AWAY_AUTHORIZATION;
    request->away_ms = (int)json_integer_value(json);
    return json_is_integer(json) && request->server->authorization_listener.port;
}

static const struct command {
    const char *name;
    bool (*obey)(ts_request *request, json_t *json);
} commands[] = {
    {"options", obey_options},
    {"clear_faults", obey_clear_faults},
    {"fault", obey_fault},
    {"refuse_api", obey_refuse_api},
    {"close_gate", obey_close_gate},
    {"release", obey_release},
    {"open_gate", obey_open_gate},
    {"device_approve", obey_device_approve},
    {"device_deny", obey_device_deny},
    {"device_slow_down", obey_device_slow_down},
    {"revoke_access_tokens", obey_revoke_access_tokens},
    {"revoke_family", obey_revoke_family},
    {"reset_counters", obey_reset_counters},
    {"away_ms", obey_away_ms},
    {"authorization_away_ms", obey_authorization_away_ms},
};

/* NULL: obeyed; else what was wrong. The members obeyed are gone afterwards. */
static const char *obey(ts_request *request, json_t *json) {
    if (!json_is_object(json)) return "not a JSON object";

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        json_t *member = json_object_get(json, commands[i].name);
        if (member && !commands[i].obey(request, member)) return commands[i].name;
        json_object_del(json, commands[i].name);
    }
    return json_object_size(json) ? "a member that is no command" : NULL;
}

static json_t *counters_json(ts_server *server) {
    ts_counters counters = server_counters(server);
    const struct {
        const char *name;
        long value;
    } members[] = {
#define MEMBER(name) {#name, counters.name}
        MEMBER(connections),
        MEMBER(requests),
        MEMBER(token_requests),
        MEMBER(api_requests),
        MEMBER(revocation_requests),
        MEMBER(api_2xx),
        MEMBER(api_401),
        MEMBER(api_slow),
        MEMBER(refresh_grants),
        MEMBER(password_grants),
        MEMBER(refreshes_ok),
        MEMBER(client_credentials_grants),
        MEMBER(refreshes_refused),
        MEMBER(code_grants),
        MEMBER(device_grants),
        MEMBER(code_replays),
        MEMBER(metadata_requests),
        MEMBER(metadata_unchanged),
        MEMBER(authorize_requests),
        MEMBER(device_requests),
        MEMBER(device_polls),
        MEMBER(device_polls_too_fast),
        MEMBER(grace_uses),
        MEMBER(reuse_detections),
        MEMBER(revocations),
        MEMBER(concurrent_grants),
        MEMBER(peak_concurrent_grants),
        MEMBER(held),
        MEMBER(live_access_tokens),
        MEMBER(live_refresh_tokens),
#undef MEMBER
    };
    json_t *json = json_object();

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_object_set_new(json, members[i].name, json_integer(members[i].value));
    }
    return json;
}

void ts_process_control(ts_request *request) {
    json_t *json = request->body ? json_loads(request->body, 0, NULL) : json_object();
    const char *problem = obey(request, json);

    json_decref(json);
    if (problem) {
        ts_answer_json(&request->answer, 400, json_pack("{s:s}", "error", problem));
    } else {
        ts_answer_json(&request->answer, 200, counters_json(request->server));
    }
}
