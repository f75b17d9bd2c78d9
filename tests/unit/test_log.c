#include "support/unit.h"

#include "support/allocator.h"

/* Messages are formatted in buffers: with the allocator above, memory can run out on them. */
#include "base/buffer.c"
#include "base/log.h"
#include "base/secret.h"

#include <stdio.h>

/* What the app's function was given. */
typedef struct journal {
    ti_log log;
    size_t count;
    tacit_log_level level;
    char last[256 * 1024];
    bool lock_was_free;
} journal;

static void mask_secret(ti_log *log, ti_log_mask *mask, const ti_secret *secret) {
    ti_log_mask_add(log, mask, ti_secret_data(secret), ti_secret_size(secret));
}

static void keep(tacit_log_level level, const char *message, void *data) {
    journal *kept = data;
    kept->count++;
    kept->level = level;
    snprintf(kept->last, sizeof kept->last, "%s", message);
    kept->lock_was_free = pthread_mutex_trylock(&kept->log.lock) == 0;
    if (kept->lock_was_free) pthread_mutex_unlock(&kept->log.lock);
}

static int open_log(void **state) {
    static journal kept;
    memset(&kept, 0, sizeof kept);
    allocator_reset();
    *state = &kept;
    return ti_log_init(&kept.log, keep, &kept, TACIT_LOG_DEBUG) ? 0 : -1;
}

static int close_log(void **state) {
    ti_log_destroy(&((journal *)*state)->log);
    return 0;
}

static void message_arrives_with_its_level_and_without_the_lock(void **state) {
    journal *kept = *state;

    ti_log_write(&kept->log, TACIT_LOG_INFO, "%s is %d", "the answer", 42);

    assert_int_equal(kept->count, 1);
    assert_int_equal(kept->level, TACIT_LOG_INFO);
    assert_string_equal(kept->last, "the answer is 42");
    assert_true(kept->lock_was_free);
}

static void level_decides(void **state) {
    (void)state;
    static const struct {
        tacit_log_level limit;
        bool error, warning, info, debug;
    } cases[] = {
        {0, true, true, false, false}, /* the default */
        {TACIT_LOG_ERROR, true, false, false, false},
        {TACIT_LOG_WARNING, true, true, false, false},
        {TACIT_LOG_INFO, true, true, true, false},
        {TACIT_LOG_DEBUG, true, true, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ti_log log;
        assert_true(ti_log_init(&log, keep, NULL, cases[i].limit));
        assert_int_equal(ti_log_enabled(&log, TACIT_LOG_ERROR), cases[i].error);
        assert_int_equal(ti_log_enabled(&log, TACIT_LOG_WARNING), cases[i].warning);
        assert_int_equal(ti_log_enabled(&log, TACIT_LOG_INFO), cases[i].info);
        assert_int_equal(ti_log_enabled(&log, TACIT_LOG_DEBUG), cases[i].debug);
        ti_log_destroy(&log);
    }
}

static void nothing_is_formatted_that_nobody_reads(void **state) {
    journal *kept = *state;
    ti_log none;
    assert_true(ti_log_init(&none, NULL, NULL, TACIT_LOG_DEBUG));
    kept->log.level = TACIT_LOG_WARNING;

    ti_log_write(&kept->log, TACIT_LOG_INFO, "%s", "unread");
    ti_log_header(&kept->log, TACIT_LOG_INFO, "> ", "A: b", 4);
    ti_log_write(&none, TACIT_LOG_ERROR, "%s", "unread");
    ti_log_header(&none, TACIT_LOG_ERROR, "> ", "A: b", 4);

    assert_int_equal(kept->count, 0);
    assert_int_equal(allocator.made, 0);
    assert_false(ti_log_enabled(&none, TACIT_LOG_ERROR));
    ti_log_destroy(&none);
}

static void long_message_arrives_whole(void **state) {
    journal *kept = *state;
    static char text[200000];
    memset(text, 'a', sizeof text - 1);

    ti_log_write(&kept->log, TACIT_LOG_INFO, "%s!", text);

    assert_int_equal(strlen(kept->last), sizeof text);
    assert_int_equal(kept->last[sizeof text - 1], '!');
}

static void without_memory_a_notice_stands_for_the_message(void **state) {
    journal *kept = *state;
    allocator.left = 0;

    ti_log_write(&kept->log, TACIT_LOG_ERROR, "%s", "the message");
    assert_string_equal(kept->last, "Out of memory: a message is missing here.");
    ti_log_header(&kept->log, TACIT_LOG_DEBUG, "< ", "Server: x", 9);

    assert_string_equal(kept->last, "Out of memory: a message is missing here.");
    assert_int_equal(kept->count, 2);
}

/* The message is borrowed, and lies at the beginning of its block. */
static void watch_message(tacit_log_level level, const char *message, void *data) {
    (void)level;
    (void)data;
    allocator_watch(message, strlen(message) + 1);
}

static void message_is_wiped_when_it_was_handed_out(void **state) {
    journal *kept = *state;
    kept->log.fn = watch_message;

    ti_log_write(&kept->log, TACIT_LOG_INFO, "%s", "it may have held a token");

    assert_int_equal(allocator.watched_size, sizeof "it may have held a token");
    assert_true(allocator_saw_wiped());
}

static void headers_that_are_listed_show_no_value(void **state) {
    journal *kept = *state;
    ti_log_name first, second;
    ti_log_name_add(&kept->log, &first, "X-Renewed");
    ti_log_name_add(&kept->log, &second, "X-Other");

    ti_log_header(&kept->log, TACIT_LOG_DEBUG, "< ", "x-renewed: abc", 14);
    assert_string_equal(kept->last, "< x-renewed: ***");
    ti_log_header(&kept->log, TACIT_LOG_DEBUG, "< ", "X-Renewed-At: abc", 17);
    assert_string_equal(kept->last, "< X-Renewed-At: abc");

    ti_log_name_remove(&first);
    ti_log_name_remove(&first);
    ti_log_header(&kept->log, TACIT_LOG_DEBUG, "< ", "X-Other: abc", 12);
    assert_string_equal(kept->last, "< X-Other: ***");
    ti_log_header(&kept->log, TACIT_LOG_DEBUG, "< ", "X-Renewed: abc", 14);
    assert_string_equal(kept->last, "< X-Renewed: abc");
    ti_log_name_remove(&second);
}

/* Every live value, in every place. */
static void live_tokens_are_masked_by_value(void **state) {
    journal *kept = *state;
    static const char *const values[] = {"token-one-1", "token-one-1-and-longer",
                                         "inner-part",  "start inner-part end",
                                         "overlap-abc", "abc-overlap",
                                         "8-bytes!",    "7-bytes"};
    static const struct {
        const char *message, *expected, *why;
    } cases[] = {
        {"nothing secret", "nothing secret", "none in it"},
        {"", "", "an empty message"},
        {"token-one-1", "***", "nothing else in it"},
        {"token-one-1 begins", "*** begins", "at the beginning"},
        {"ends with token-one-1", "ends with ***", "at the end"},
        {"a token-one-1 b token-one-1 c", "a *** b *** c", "twice"},
        {"token-one-1, inner-part; 8-bytes!", "***, ***; ***", "several"},
        {"<token-one-1-and-longer>", "<***>", "one that begins with another"},
        {"<start inner-part end>", "<***>", "one around another"},
        {"<start inner-part stop>", "<start *** stop>", "the inner one alone"},
        {"<overlap-abc-overlap>", "<***>", "two that overlap"},
        {"8-bytes!8-bytes!", "******", "side by side"},
        {"inner-partoken-one-1", "***", "two that share a letter"},
        {"inner-parttoken-one-", "***token-one-", "nearly one, behind another"},
        {"token-one-", "token-one-", "nearly one, at the end"},
        {"ttoken-one-1", "t***", "a false start"},
        {"7-bytes", "7-bytes", "too short to be told from words"},
        {"***token-one-1***", "*********", "between stars"},
    };
    enum { COUNT = sizeof values / sizeof values[0] };
    ti_log_mask masks[COUNT];
    ti_secret *secrets[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        secrets[i] = ti_secret_from_string(values[i]);
        mask_secret(&kept->log, &masks[i], secrets[i]);
    }

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ti_log_write(&kept->log, TACIT_LOG_INFO, "%s", cases[i].message);
        if (strcmp(kept->last, cases[i].expected) != 0) {
            fail_msg("%s: \"%s\"", cases[i].why, kept->last);
        }
    }

    for (size_t i = 0; i < COUNT; i++) {
        ti_log_mask_remove(&kept->log, &masks[i]);
        ti_secret_unref(secrets[i]);
    }
}

static void masks_may_be_removed_in_any_order(void **state) {
    static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const char *const values[] = {"secret-0", "secret-1", "secret-2"};
    journal *kept = *state;
    for (size_t order = 0; order < 6; order++) {
        ti_log_mask masks[3];
        ti_secret *secrets[3];
        bool masked[3] = {true, true, true};
        for (size_t i = 0; i < 3; i++) {
            secrets[i] = ti_secret_from_string(values[i]);
            mask_secret(&kept->log, &masks[i], secrets[i]);
        }
        for (size_t step = 0; step < 3; step++) {
            size_t gone = orders[order][step];
            ti_log_mask_remove(&kept->log, &masks[gone]);
            masked[gone] = false;
            for (size_t i = 0; i < 3; i++) {
                ti_log_write(&kept->log, TACIT_LOG_INFO, "%s", values[i]);
                assert_string_equal(kept->last, masked[i] ? "***" : values[i]);
            }
        }
        for (size_t i = 0; i < 3; i++) ti_secret_unref(secrets[i]);
    }
}

static void mask_that_is_not_listed_may_be_removed(void **state) {
    journal *kept = *state;
    ti_log_mask never = {.link = NULL}, twice, none;
    ti_secret *secret = ti_secret_from_string("a long secret");

    ti_log_mask_remove(&kept->log, &never);
    mask_secret(&kept->log, &twice, secret);
    ti_log_mask_remove(&kept->log, &twice);
    ti_log_mask_remove(&kept->log, &twice);
    mask_secret(&kept->log, &none, NULL);
    ti_log_mask_remove(&kept->log, &none);

    assert_null(kept->log.masks);
    ti_secret_unref(secret);
}

static void header_lines_are_masked_by_name(void **state) {
    journal *kept = *state;
    static const struct {
        const char *line, *expected, *why;
    } cases[] = {
        {"Authorization: Bearer abc", "> Authorization: ***", "the credential"},
        {"AUTHORIZATION:abc", "> AUTHORIZATION: ***", "in capitals, without a space"},
        {"authorization : abc", "> authorization : ***", "a space before the colon"},
        {"Proxy-Authorization: Basic abc", "> Proxy-Authorization: ***", "the proxy's"},
        {"cookie: a=b; c=d", "> cookie: ***", "cookies"},
        {"Set-Cookie: sid=1; Path=/\r\n", "> Set-Cookie: ***", "with the line's end"},
        {"X-Auth-Token: abc", "> X-Auth-Token: ***", "ends in token"},
        {"x-csrf-TOKEN: abc", "> x-csrf-TOKEN: ***", "in any case"},
        {"token: abc", "> token: ***", "is token"},
        {"Tokens: 5", "> Tokens: 5", "does not end in token"},
        {"Authorization-Info: x", "> Authorization-Info: x", "only begins with a name"},
        {"Content-Type: text/plain\r\n", "> Content-Type: text/plain", "any other"},
        {"HTTP/1.1 200 OK\r\n", "> HTTP/1.1 200 OK", "the status line"},
        {":status: 200", "> :status: 200", "as HTTP/2 has it"},
        {" folded=secret", ">   ***", "goes on with an unknown header"},
        {"\tfolded=secret", "> \t ***", "folded by a tab"},
        {"Location: https://a.example/?t=live-token", "> Location: https://a.example/?t=***",
         "by value"},
        {"\r\n", "> ", "the end of the head"},
        {"", "> ", "nothing"},
    };
    ti_log_mask mask;
    ti_secret *secret = ti_secret_from_string("live-token");
    mask_secret(&kept->log, &mask, secret);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        /* No NUL behind it: the sanitizers see a read too far. */
        size_t size = strlen(cases[i].line);
        char *line = malloc(size > 0 ? size : 1);
        memcpy(line, cases[i].line, size);
        ti_log_header(&kept->log, TACIT_LOG_DEBUG, "> ", line, size);
        free(line);
        if (strcmp(kept->last, cases[i].expected) != 0) {
            fail_msg("%s: \"%s\"", cases[i].why, kept->last);
        }
    }
    assert_true(kept->lock_was_free);

    ti_log_mask_remove(&kept->log, &mask);
    ti_secret_unref(secret);
}

static void *add_and_remove(void *data) {
    ti_log *log = data;
    for (int i = 0; i < 300; i++) {
        ti_log_mask mask;
        ti_secret *secret = ti_secret_from_string("comes and goes");
        mask_secret(log, &mask, secret);
        ti_log_mask_remove(log, &mask);
        ti_secret_unref(secret);
    }
    return NULL;
}

static void check_masked(tacit_log_level level, const char *message, void *data) {
    (void)level;
    if (strcmp(message, "***, ***") != 0 && strcmp(message, "***, comes and goes") != 0) {
        *(bool *)data = true;
    }
}

static void threads_may_write_while_tokens_come_and_go(void **state) {
    (void)state;
    ti_log log;
    ti_log_mask mask;
    ti_secret *secret = ti_secret_from_string("always there");
    bool leaked = false;
    pthread_t thread;
    assert_true(ti_log_init(&log, check_masked, &leaked, TACIT_LOG_DEBUG));
    mask_secret(&log, &mask, secret);
    assert_int_equal(pthread_create(&thread, NULL, add_and_remove, &log), 0);

    for (int i = 0; i < 300; i++) {
        ti_log_write(&log, TACIT_LOG_INFO, "%s, %s", "always there", "comes and goes");
    }

    pthread_join(thread, NULL);
    ti_log_mask_remove(&log, &mask);
    ti_secret_unref(secret);
    ti_log_destroy(&log);
    assert_false(leaked);
}

int main(void) {
#define WITH_LOG(test) cmocka_unit_test_setup_teardown(test, open_log, close_log)
    const struct CMUnitTest tests[] = {
        WITH_LOG(message_arrives_with_its_level_and_without_the_lock),
        cmocka_unit_test(level_decides),
        WITH_LOG(nothing_is_formatted_that_nobody_reads),
        WITH_LOG(long_message_arrives_whole),
        WITH_LOG(without_memory_a_notice_stands_for_the_message),
        WITH_LOG(message_is_wiped_when_it_was_handed_out),
        WITH_LOG(live_tokens_are_masked_by_value),
        WITH_LOG(masks_may_be_removed_in_any_order),
        WITH_LOG(mask_that_is_not_listed_may_be_removed),
        WITH_LOG(header_lines_are_masked_by_name),
        WITH_LOG(headers_that_are_listed_show_no_value),
        cmocka_unit_test(threads_may_write_while_tokens_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
