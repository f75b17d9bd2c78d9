/*
 * /__control: the server's knobs for other processes.
 *
 * GET answers the counters. POST takes one JSON object, obeys its members in the order below, and
 * answers the counters. All members are optional:
 *
 *   {"options": {"access_lifetime_ms": 2000, "rotate": false, ...},   names as in ts_options
 *    "clear_faults": "token",                                         or api, revocation
 *    "fault": {"part": "api", "kind": "answer", "requests": 2, "status": 503, ...},
 *    "refuse_api": {"requests": 1, "challenge": 0},
 *    "gate": {"part": "token", "closed": true, "place": 1},           or "release": 1
 *    "revoke_access_tokens": true, "revoke_family": true,
 *    "reset_counters": true,
 *    "away_ms": 500}                                                  goes away after the answer
 */
#include "server_internal.h"

#include <string.h>

static ts_part part_named(json_t *json) {
    const char *name = json_string_value(json);

    if (name && strcmp(name, "api") == 0) return TS_API;
    if (name && strcmp(name, "revocation") == 0) return TS_REVOCATION;
    return TS_TOKEN_ENDPOINT;
}

static void read_int(json_t *object, const char *name, int *value) {
    json_t *member = json_object_get(object, name);
    if (json_is_integer(member)) *value = (int)json_integer_value(member);
}

static void read_size(json_t *object, const char *name, size_t *value) {
    json_t *member = json_object_get(object, name);
    if (json_is_integer(member)) *value = (size_t)json_integer_value(member);
}

static void read_bool(json_t *object, const char *name, bool *value) {
    json_t *member = json_object_get(object, name);
    if (json_is_boolean(member)) *value = json_is_true(member);
}

/* null takes the string away. Borrowed from the object. */
static void read_string(json_t *object, const char *name, const char **value) {
    json_t *member = json_object_get(object, name);
    if (json_is_string(member) || json_is_null(member)) *value = json_string_value(member);
}

static void obey_options(ts_server *server, json_t *json) {
    ts_options options = server_options(server);
    int client_auth = (int)options.client_auth;

    read_int(json, "access_lifetime_ms", &options.access_lifetime_ms);
    read_string(json, "expires_in", &options.expires_in);
    read_string(json, "extra_members", &options.extra_members);
    read_size(json, "token_size", &options.token_size);
    read_bool(json, "jwt", &options.jwt);
    read_bool(json, "rotate", &options.rotate);
    read_bool(json, "repeat_refresh_token", &options.repeat_refresh_token);
    read_bool(json, "detect_reuse", &options.detect_reuse);
    read_int(json, "grace_ms", &options.grace_ms);
    read_bool(json, "grace_same_successor", &options.grace_same_successor);
    read_bool(json, "refresh_ends_older_access", &options.refresh_ends_older_access);
    read_int(json, "client_auth", &client_auth);
    read_string(json, "client_id", &options.client_id);
    read_string(json, "client_secret", &options.client_secret);
    read_string(json, "username", &options.username);
    read_string(json, "password", &options.password);
    read_int(json, "slow_ms", &options.slow_ms);
    options.client_auth = (ts_client_auth)client_auth;
    server_configure(server, &options);
}

static ts_fault_kind kind_named(json_t *json) {
    static const char *const names[] = {"none",    "answer", "close",     "reset",
                                        "trickle", "gzip",   "oversized", "nested"};
    const char *name = json_string_value(json);

    for (int kind = 0; name && kind < (int)(sizeof names / sizeof *names); kind++) {
        if (strcmp(name, names[kind]) == 0) return (ts_fault_kind)kind;
    }
    return TS_FAULT_NONE;
}

static void obey_fault(ts_server *server, json_t *json) {
    ts_fault fault = {.kind = kind_named(json_object_get(json, "kind"))};

    read_int(json, "requests", &fault.requests);
    read_string(json, "path", &fault.path);
    read_bool(json, "after_processing", &fault.after_processing);
    read_int(json, "delay_before_ms", &fault.delay_before_ms);
    read_int(json, "delay_after_ms", &fault.delay_after_ms);
    read_int(json, "status", &fault.status);
    read_string(json, "headers", &fault.headers);
    read_string(json, "body", &fault.body);
    read_size(json, "size", &fault.size);
    read_int(json, "trickle_ms", &fault.trickle_ms);
    server_fault_add(server, part_named(json_object_get(json, "part")), &fault);
}

static void obey_refusal(ts_server *server, json_t *json) {
    int requests = 1, challenge = TS_CHALLENGE_INVALID_TOKEN;

    read_int(json, "requests", &requests);
    read_int(json, "challenge", &challenge);
    if (challenge < TS_CHALLENGE_INVALID_TOKEN || challenge > TS_CHALLENGE_NEGOTIATE) return;
    server_refuse_api(server, requests, (ts_challenge)challenge);
}

static void obey_gate(ts_server *server, json_t *json) {
    ts_part part = part_named(json_object_get(json, "part"));
    json_t *closed = json_object_get(json, "closed");
    int release = 0, place = TS_BEFORE_ANSWER;

    read_int(json, "release", &release);
    read_int(json, "place", &place);
    if (release) server_gate_release(server, part, release);
    if (json_is_true(closed)) server_gate_close(server, part, place ? TS_BEFORE_ANSWER : 0);
    if (json_is_false(closed)) server_gate_open(server, part);
}

static void obey(ts_request *request, json_t *command) {
    ts_server *server = request->server;
    json_t *member;

    if ((member = json_object_get(command, "options"))) obey_options(server, member);
    if ((member = json_object_get(command, "clear_faults"))) {
        server_faults_clear(server, part_named(member));
    }
    if ((member = json_object_get(command, "fault"))) obey_fault(server, member);
    if ((member = json_object_get(command, "refuse_api"))) obey_refusal(server, member);
    if ((member = json_object_get(command, "gate"))) obey_gate(server, member);
    if (json_is_true(json_object_get(command, "revoke_access_tokens"))) {
        server_revoke_access_tokens(server);
    }
    if (json_is_true(json_object_get(command, "revoke_family"))) server_revoke_family(server);
    if (json_is_true(json_object_get(command, "reset_counters"))) server_counters_reset(server);
    read_int(command, "away_ms", &request->away_ms);
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
        MEMBER(grace_uses),
        MEMBER(reuse_detections),
        MEMBER(revocations),
        MEMBER(concurrent_grants),
        MEMBER(peak_concurrent_grants),
        MEMBER(held),
        MEMBER(live_access_tokens),
#undef MEMBER
    };
    json_t *json = json_object();

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_object_set_new(json, members[i].name, json_integer(members[i].value));
    }
    return json;
}

void ts_process_control(ts_request *request) {
    json_t *command = NULL;

    if (request->body) {
        command = json_loads(request->body, 0, NULL);
        if (!json_is_object(command)) {
            json_decref(command);
            ts_answer_json(&request->answer, 400, json_pack("{s:s}", "error", "not a JSON object"));
            return;
        }
        obey(request, command);
        json_decref(command);
    }
    ts_answer_json(&request->answer, 200, counters_json(request->server));
}
