#include "platform/store_redis_script.h"

#include "base/buffer.h"
#include "base/error.h"
#include "platform/crypto.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * KEYS: 1 the lock {owner, fence, and the highest number of a command: take, journal, record}, 2 the counter of fences, 3 the journal
 * {fence, bytes}, 4 the record {fence, bytes}; or 1 a life. EVAL each time: Redis knows a script by its hash anyway, and its text is
 * shorter than what has to be done when EVALSHA meets a Redis that has forgotten it.
 */

/* ARGV: owner, number, lease, size of the journal. */
static const char take_script[] =
    "local held = redis.call('HMGET', KEYS[1], 'owner', 'take')\n"
    "if held[1] and (held[1] ~= ARGV[1] or tonumber(held[2]) > tonumber(ARGV[2])) then return 0 "
    "end\n"
    "local fence = tonumber(redis.call('GET', KEYS[2]) or 0)\n"
    "for i = 3, 4 do fence = math.max(fence, tonumber(redis.call('HGET', KEYS[i], 'fence') or 0)) "
    "end\n"
    "fence = string.format('%.0f', fence + 1)\n"
    "redis.call('SET', KEYS[2], fence)\n"
    "redis.call('HMSET', KEYS[1], 'owner', ARGV[1], 'fence', fence, 'take', ARGV[2],\n"
    "    'journal', ARGV[2], 'record', ARGV[2])\n"
    "redis.call('PEXPIRE', KEYS[1], ARGV[3])\n"
    "local size = tonumber(ARGV[4])\n"
    "if size > 0 then redis.call('HSETNX', KEYS[3], 'bytes', string.rep('\\0', size)) end\n"
    "return tonumber(fence)\n";

/* ARGV of all that claim: owner, fence, number, then their own. */
#define OWNED                                                                                      \
    "local held = redis.call('HMGET', KEYS[1], 'owner', 'fence', 'journal', 'record')\n"           \
    "if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return 0 end\n"

/* A write into what = 'journal' or 'record', of key n. */
#define IN_ORDER(what, key, last)                                                                  \
    "if tonumber(held[" last "]) > tonumber(ARGV[3]) then return 0 end\n"                          \
    "local before = redis.call('HGET', KEYS[" key "], 'fence')\n"                                  \
    "if before and tonumber(before) > tonumber(ARGV[2]) then return 0 end\n"                       \
    "redis.call('HSET', KEYS[1], '" what "', ARGV[3])\n"

static const char renew_script[] = OWNED "redis.call('PEXPIRE', KEYS[1], ARGV[4])\nreturn 1\n";

/* By the number alone, since whoever has no answer to a take has no fence. */
static const char release_script[] =
    "local held = redis.call('HMGET', KEYS[1], 'owner', 'take')\n"
    "if held[1] ~= ARGV[1] or tonumber(held[2]) > tonumber(ARGV[3]) then return 0 end\n"
    "redis.call('DEL', KEYS[1])\n"
    "return 1\n";

static const char write_script[] = OWNED IN_ORDER(
    "journal", "3", "3") "local bytes = redis.call('HGET', KEYS[3], 'bytes') or ''\n"
                         "local offset = tonumber(ARGV[4])\n"
                         "bytes = bytes .. string.rep('\\0', offset - #bytes)\n"
                         "bytes = string.sub(bytes, 1, offset) .. ARGV[5] .. string.sub(bytes, "
                         "offset + #ARGV[5] + 1)\n"
                         "redis.call('HMSET', KEYS[3], 'fence', ARGV[2], 'bytes', bytes)\n"
                         "return 1\n";

static const char save_script[] = OWNED IN_ORDER(
    "record", "4", "4") "redis.call('HMSET', KEYS[4], 'fence', ARGV[2], 'bytes', ARGV[4])\n"
                        "return 1\n";

static const char erase_script[] = OWNED IN_ORDER("record", "4", "4") "redis.call('DEL', KEYS[4])\n"
                                                                      "return 1\n";

/* A life: {owner, and the highest number of a command that began or renewed it}. ARGV: owner, number, lease. */
static const char live_script[] =
    "local held = redis.call('HMGET', KEYS[1], 'owner', 'number')\n"
    "if held[1] and held[1] ~= ARGV[1] then return 0 end\n"
    "if tonumber(held[2] or 0) > tonumber(ARGV[2]) then return 1 end\n"
    "redis.call('HMSET', KEYS[1], 'owner', ARGV[1], 'number', ARGV[2])\n"
    "redis.call('PEXPIRE', KEYS[1], ARGV[3])\n"
    "return 1\n";

/* ARGV: owner, number. */
static const char end_life_script[] =
    "local held = redis.call('HMGET', KEYS[1], 'owner', 'number')\n"
    "if held[1] ~= ARGV[1] or tonumber(held[2]) > tonumber(ARGV[2]) then return 1 end\n"
    "redis.call('DEL', KEYS[1])\n"
    "return 1\n";

/* ARGV: size. */
static const char make_journal_script[] =
    "redis.call('HSETNX', KEYS[3], 'bytes', string.rep('\\0', tonumber(ARGV[1])))\n"
    "return 1\n";

/* ------------------------------------------------------------------ names */

enum { HASH_DIGITS = 32 };

bool ti_redis_names_make(ti_redis_names *names, const char *prefix, const char *key) {
    unsigned char digest[TI_SHA256_SIZE];
    size_t size = strlen(prefix) + HASH_DIGITS + sizeof "{}";
    char hash[HASH_DIGITS + 1];

    names->base = NULL;
    if (!ti_crypto_sha256(key, strlen(key), digest)) return false;
    for (size_t i = 0; i < HASH_DIGITS / 2; i++) snprintf(hash + 2 * i, 3, "%02x", digest[i]);
    names->base = malloc(size);
    if (names->base == NULL) return false;
    snprintf(names->base, size, "%s{%s}", prefix, hash);
    return true;
}

void ti_redis_names_free(ti_redis_names *names) {
    free(names->base);
    names->base = NULL;
}

/* ------------------------------------------------------------------ a command in the making */

enum { NAMES = 4, ARGUMENTS_MAX = 16, NUMBER_SIZE = 24 };

/* Its arguments, and the memory of those that are made for it. */
typedef struct command {
    ti_redis_argument arguments[ARGUMENTS_MAX];
    int count;
    char numbers[6][NUMBER_SIZE];
    int number_count;
    char *names[NAMES];
    int name_count;
    bool failed; /* no memory for a name */
} command;

static void add(command *command, const void *bytes, size_t size) {
    command->arguments[command->count++] = (ti_redis_argument){bytes, size};
}

static void add_text(command *command, const char *text) {
    add(command, text, strlen(text));
}

static void add_number(command *command, int64_t number) {
    char *text = command->numbers[command->number_count++];

    snprintf(text, NUMBER_SIZE, "%" PRId64, number);
    add_text(command, text);
}

static void add_name(command *command, const ti_redis_names *names, const char *ending) {
    char *name = NULL;

    if (asprintf(&name, "%s:%s", names->base, ending) < 0) {
        command->failed = true;
        return;
    }
    command->names[command->name_count++] = name;
    add_text(command, name);
}

static void add_life(command *command, const ti_redis_names *names, int64_t life) {
    char ending[NUMBER_SIZE + sizeof "life:"];

    snprintf(ending, sizeof ending, "life:%" PRId64, life);
    add_name(command, names, ending);
}

static void begin_script(command *command, const char *script) {
    add_text(command, "EVAL");
    add_text(command, script);
}

static void begin_on_all(command *command, const char *script, const ti_redis_names *names) {
    begin_script(command, script);
    add_text(command, "4");
    add_name(command, names, "lock");
    add_name(command, names, "fence");
    add_name(command, names, "journal");
    add_name(command, names, "record");
}

static void begin_on_life(command *command, const char *script, const ti_redis_names *names,
                          int64_t life) {
    begin_script(command, script);
    add_text(command, "1");
    add_life(command, names, life);
}

static void begin_claim(command *command, const char *script, const ti_redis_names *names,
                        const ti_redis_claim *claim) {
    begin_on_all(command, script, names);
    add_text(command, claim->owner);
    add_number(command, claim->fence);
    add_number(command, claim->number);
}

/* ------------------------------------------------------------------ asking */

static tacit_status ask(ti_redis_server *server, command *command, int type, int timeout_ms,
                        redisReply **reply, tacit_error *error) {
    tacit_status status = TACIT_ERR_NO_MEMORY;

    *reply = NULL;
    if (!command->failed)
        status = ti_redis_ask(server, command->arguments, command->count, type, timeout_ms, reply,
                              error);
    else
        ti_error_no_memory(error);
    for (int i = 0; i < command->name_count; i++) free(command->names[i]);
    return status;
}

/* 0 means that another owns it. */
static tacit_status ask_number(ti_redis_server *server, command *command, int timeout_ms,
                               int64_t *number, tacit_error *error) {
    redisReply *reply;
    tacit_status status = ask(server, command, REDIS_REPLY_INTEGER, timeout_ms, &reply, error);

    if (status != TACIT_OK) return status;
    *number = reply != NULL ? reply->integer : 0;
    freeReplyObject(reply);
    if (*number != 0) return TACIT_OK;
    return ti_error_set(error, TACIT_ERR_BUSY, "another machine has the lock now");
}

static tacit_status ask_script(ti_redis_server *server, command *command, int timeout_ms,
                               tacit_error *error) {
    int64_t ignored;

    return ask_number(server, command, timeout_ms, &ignored, error);
}

tacit_status ti_redis_take(ti_redis_server *server, const ti_redis_names *names, const char *owner,
                           int64_t number, int lease_ms, size_t journal_size, int64_t *fence,
                           tacit_error *error) {
    command c = {.count = 0};

    begin_on_all(&c, take_script, names);
    add_text(&c, owner);
    add_number(&c, number);
    add_number(&c, lease_ms);
    add_number(&c, (int64_t)journal_size);
    return ask_number(server, &c, ti_redis_server_timeout_ms(server), fence, error);
}

tacit_status ti_redis_renew(ti_redis_server *server, const ti_redis_names *names,
                            const ti_redis_claim *claim, int lease_ms, int timeout_ms,
                            tacit_error *error) {
    command c = {.count = 0};

    begin_claim(&c, renew_script, names, claim);
    add_number(&c, lease_ms);
    return ask_script(server, &c, timeout_ms, error);
}

tacit_status ti_redis_release(ti_redis_server *server, const ti_redis_names *names,
                              const ti_redis_claim *claim, int timeout_ms, tacit_error *error) {
    command c = {.count = 0};

    begin_claim(&c, release_script, names, claim);
    return ask_script(server, &c, timeout_ms, error);
}

tacit_status ti_redis_write(ti_redis_server *server, const ti_redis_names *names,
                            const ti_redis_claim *claim, size_t offset, const void *bytes,
                            size_t size, tacit_error *error) {
    command c = {.count = 0};

    begin_claim(&c, write_script, names, claim);
    add_number(&c, (int64_t)offset);
    add(&c, bytes, size);
    return ask_script(server, &c, ti_redis_server_timeout_ms(server), error);
}

tacit_status ti_redis_save(ti_redis_server *server, const ti_redis_names *names,
                           const ti_redis_claim *claim, const void *sealed, size_t size,
                           tacit_error *error) {
    command c = {.count = 0};

    begin_claim(&c, save_script, names, claim);
    add(&c, sealed, size);
    return ask_script(server, &c, ti_redis_server_timeout_ms(server), error);
}

tacit_status ti_redis_erase(ti_redis_server *server, const ti_redis_names *names,
                            const ti_redis_claim *claim, tacit_error *error) {
    command c = {.count = 0};

    begin_claim(&c, erase_script, names, claim);
    return ask_script(server, &c, ti_redis_server_timeout_ms(server), error);
}

tacit_status ti_redis_live(ti_redis_server *server, const ti_redis_names *names, int64_t life,
                           const ti_redis_claim *claim, int lease_ms, int timeout_ms,
                           tacit_error *error) {
    command c = {.count = 0};

    begin_on_life(&c, live_script, names, life);
    add_text(&c, claim->owner);
    add_number(&c, claim->number);
    add_number(&c, lease_ms);
    return ask_script(server, &c, timeout_ms, error);
}

tacit_status ti_redis_end_life(ti_redis_server *server, const ti_redis_names *names, int64_t life,
                               const ti_redis_claim *claim, int timeout_ms, tacit_error *error) {
    command c = {.count = 0};

    begin_on_life(&c, end_life_script, names, life);
    add_text(&c, claim->owner);
    add_number(&c, claim->number);
    return ask_script(server, &c, timeout_ms, error);
}

tacit_status ti_redis_find_life(ti_redis_server *server, const ti_redis_names *names, int64_t life,
                                redisReply **owner, tacit_error *error) {
    command c = {.count = 0};

    add_text(&c, "HGET");
    add_life(&c, names, life);
    add_text(&c, "owner");
    return ask(server, &c, REDIS_REPLY_STRING, ti_redis_server_timeout_ms(server), owner, error);
}

tacit_status ti_redis_make_journal(ti_redis_server *server, const ti_redis_names *names,
                                   size_t size, tacit_error *error) {
    command c = {.count = 0};

    begin_on_all(&c, make_journal_script, names);
    add_number(&c, (int64_t)size);
    return ask_script(server, &c, ti_redis_server_timeout_ms(server), error);
}

static tacit_status get_bytes(ti_redis_server *server, const ti_redis_names *names,
                              const char *ending, redisReply **reply, tacit_error *error) {
    command c = {.count = 0};

    add_text(&c, "HGET");
    add_name(&c, names, ending);
    add_text(&c, "bytes");
    return ask(server, &c, REDIS_REPLY_STRING, ti_redis_server_timeout_ms(server), reply, error);
}

tacit_status ti_redis_read_journal(ti_redis_server *server, const ti_redis_names *names,
                                   redisReply **reply, tacit_error *error) {
    return get_bytes(server, names, "journal", reply, error);
}

tacit_status ti_redis_load(ti_redis_server *server, const ti_redis_names *names, redisReply **reply,
                           tacit_error *error) {
    return get_bytes(server, names, "record", reply, error);
}
