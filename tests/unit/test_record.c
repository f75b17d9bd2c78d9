#include "session/record.h"

#include "base/strings.h"
#include "tests/support/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ISSUER "https://login.example.com"
#define CLIENT "app"
#define VIEW_A "0123456789abcdef0123456789abcdef"
#define VIEW_B "fedcba9876543210fedcba9876543210"

static const ti_sign_in_id some_id = {{0x00, 0x01, 0x7F, 0x80, 0xFF}};

static ti_secret *secret(const char *text) {
    ti_secret *made = ti_secret_from_string(text);

    assert_non_null(made);
    return made;
}

static ti_record_token some_token(const char *view, const char *value, uint64_t generation,
                                  int64_t expires_wall_ms, int64_t lifetime_ms) {
    ti_record_token token = {.value = secret(value),
                             .generation = generation,
                             .expires_wall_ms = expires_wall_ms,
                             .lifetime_ms = lifetime_ms};

    snprintf(token.view, sizeof token.view, "%s", view);
    return token;
}

static ti_record_terms *some_terms(void) {
    static const char *const lines[] = {
        "User-Agent: app/1 \"x\"", "Accept-Language:", "X-Any: \xC3\xA4\xFF\t\xA0\x01\x7F", NULL};
    ti_record_terms *terms = calloc(1, sizeof *terms);

    assert_non_null(terms);
    *terms = (ti_record_terms){.refresh_expires_wall_ms = INT64_C(1767830400000),
                               .refresh_lifetime_ms = 604800000,
                               .use = {.known = true,
                                       .unproven = true,
                                       .age_ms = 86400000,
                                       .idle_ms = 1,
                                       .at = {.boot_id = "0123456789abcde",
                                              .boot_ms = 7000,
                                              .wall_ms = INT64_C(1767225600000)}}};
    assert_true(ti_strings_copy(&terms->fingerprint, lines));
    return terms;
}

static ti_record some_record(void) {
    ti_record record = {.sign_in_id = some_id, .generation = 7, .token_count = 2};

    record.refresh_token = secret("refresh \"\\/ \xC3\xA9");
    record.id_token = secret("aGVhZA.Ym9keQ.c2ln");
    record.tokens = calloc(2, sizeof *record.tokens);
    assert_non_null(record.tokens);
    record.tokens[0] = some_token(VIEW_A, "access-a", 7, INT64_C(1767225600000), 3600000);
    record.tokens[1] = some_token(VIEW_B, "access-b", 3, -1, -1);
    record.terms = some_terms();
    return record;
}

static ti_buffer written(const ti_record *record, size_t size_max) {
    ti_buffer bytes = TI_BUFFER_INIT;

    assert_int_equal(ti_record_write(record, ISSUER, CLIENT, size_max, &bytes, NULL), TACIT_OK);
    assert_true(bytes.secret);
    return bytes;
}

static tacit_status read_back(const char *bytes, size_t size, ti_record *record,
                              tacit_error *error) {
    return ti_record_read(bytes, size, ISSUER, CLIENT, record, error);
}

static void assert_same_token(const ti_record_token *a, const ti_record_token *b) {
    assert_string_equal(a->view, b->view);
    assert_true(ti_secret_equal(a->value, b->value));
    assert_int_equal(a->generation, b->generation);
    assert_int_equal(a->expires_wall_ms, b->expires_wall_ms);
    assert_int_equal(a->lifetime_ms, b->lifetime_ms);
}

static void assert_same_terms(const ti_record_terms *a, const ti_record_terms *b) {
    assert_int_equal(a == NULL, b == NULL);
    if (a == NULL || b == NULL) return;
    assert_int_equal(a->refresh_expires_wall_ms, b->refresh_expires_wall_ms);
    assert_int_equal(a->refresh_lifetime_ms, b->refresh_lifetime_ms);
    assert_int_equal(a->use.known, b->use.known);
    assert_int_equal(a->use.unproven, b->use.unproven);
    assert_int_equal(a->use.age_ms, b->use.age_ms);
    assert_int_equal(a->use.idle_ms, b->use.idle_ms);
    assert_int_equal(a->use.at.boot_ms, b->use.at.boot_ms);
    assert_int_equal(a->use.at.wall_ms, b->use.at.wall_ms);
    assert_memory_equal(a->use.at.boot_id, b->use.at.boot_id, sizeof b->use.at.boot_id);
    for (size_t i = 0;; i++) {
        assert_int_equal(a->fingerprint[i] == NULL, b->fingerprint[i] == NULL);
        if (a->fingerprint[i] == NULL) break;
        assert_string_equal(a->fingerprint[i], b->fingerprint[i]);
    }
}

static void assert_same(const ti_record *a, const ti_record *b) {
    assert_true(ti_sign_in_id_equal(&a->sign_in_id, &b->sign_in_id));
    assert_int_equal(a->generation, b->generation);
    assert_true(ti_secret_equal(a->refresh_token, b->refresh_token));
    assert_true(ti_secret_equal(a->id_token, b->id_token));
    assert_int_equal(a->by_credentials, b->by_credentials);
    assert_int_equal(a->refused, b->refused);
    assert_int_equal(a->token_count, b->token_count);
    assert_same_terms(a->terms, b->terms);
    for (size_t i = 0; i < a->token_count; i++) assert_same_token(&a->tokens[i], &b->tokens[i]);
}

static void assert_empty(const ti_record *record) {
    assert_null(record->refresh_token);
    assert_null(record->id_token);
    assert_null(record->tokens);
    assert_null(record->terms);
    assert_int_equal(record->token_count, 0);
}

/* ------------------------------------------------------------------ round trips */

static void assert_round_trip(ti_record *record) {
    ti_buffer bytes = written(record, 0);
    ti_record back;
    tacit_error error;

    if (read_back(bytes.data, bytes.size, &back, &error) != TACIT_OK) fail_msg("%s", error.message);
    assert_same(record, &back);
    ti_record_free(&back);
    ti_buffer_free(&bytes);
    ti_record_free(record);
    assert_empty(record);
}

static void record_reads_back_as_it_was_written(void **state) {
    ti_record whole = some_record(), refused = some_record(), bare = {.sign_in_id = some_id},
              own = {.sign_in_id = some_id, .generation = 3, .by_credentials = true};

    (void)state;
    assert_round_trip(&whole);
    refused.refused = true;
    assert_round_trip(&refused);
    bare.generation = 1;
    assert_round_trip(&bare);
    assert_round_trip(&own);
}

/* They cannot stand in a form or a header line by themselves, and must not break the record either. */
static void refresh_tokens_of_any_text_read_back(void **state) {
    static const char *const texts[] = {"a\r\nb",           "\t",    "\x7F",
                                        "\xF0\x9F\x94\x91", "\"}],", "\\u0000"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ti_record record = {.sign_in_id = some_id, .generation = 1};

        record.refresh_token = secret(texts[i]);
        assert_round_trip(&record);
    }
}

/* A keyring that fills them in would put another of the user's secrets there. */
static void what_a_keyring_takes_for_a_placeholder_is_not_written(void **state) {
    static const char *const texts[] = {"{REF:P@T:Bank}", "{TITLE}", "a{{}{\"b\"}{", "\\{S:x}"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ti_record record = some_record();
        ti_buffer bytes;

        ti_secret_unref(record.refresh_token);
        record.refresh_token = secret(texts[i]);
        bytes = written(&record, 0);
        for (const char *brace = bytes.data; (brace = strchr(brace, '{')) != NULL; brace++)
            assert_true(brace[1] == '"' || brace[1] == '}');
        ti_buffer_free(&bytes);
        assert_round_trip(&record);
    }
}

static void writing_replaces_what_the_buffer_held(void **state) {
    ti_record record = some_record();
    ti_buffer bytes = written(&record, 0), again = TI_BUFFER_INIT;

    (void)state;
    ti_buffer_append_string(&again, "something longer, which is not to stay");
    assert_int_equal(ti_record_write(&record, ISSUER, CLIENT, 0, &again, NULL), TACIT_OK);
    assert_int_equal(again.size, bytes.size);
    assert_memory_equal(again.data, bytes.data, bytes.size);
    ti_buffer_free(&again);
    ti_buffer_free(&bytes);
    ti_record_free(&record);
}

/* As earlier versions wrote them, and read them. */
static void record_without_the_newer_members_is_as_it_was(void **state) {
    ti_record record = {.sign_in_id = some_id, .generation = 1}, back;
    ti_buffer bytes;

    (void)state;
    record.refresh_token = secret("r");
    bytes = written(&record, 0);
    assert_null(strstr(bytes.data, "id_token"));
    assert_null(strstr(bytes.data, "renewal"));
    assert_null(strstr(bytes.data, "refresh_expires"));
    assert_null(strstr(bytes.data, "fingerprint"));
    assert_int_equal(read_back(bytes.data, bytes.size, &back, NULL), TACIT_OK);
    assert_null(back.id_token);
    assert_false(back.by_credentials);
    assert_null(back.terms);
    ti_record_free(&back);
    ti_buffer_free(&bytes);
    ti_record_free(&record);
}

/* ------------------------------------------------------------------ sizes */

static void access_tokens_are_left_out_where_they_do_not_fit(void **state) {
    ti_record record = some_record(), back;
    ti_buffer whole = written(&record, 0), exact = written(&record, whole.size),
              short_by_one = written(&record, whole.size - 1);

    (void)state;
    assert_int_equal(exact.size, whole.size);
    assert_true(short_by_one.size < whole.size);
    assert_null(strstr(short_by_one.data, "access-"));
    assert_int_equal(read_back(short_by_one.data, short_by_one.size, &back, NULL), TACIT_OK);
    assert_int_equal(back.token_count, 0);
    assert_true(ti_secret_equal(back.refresh_token, record.refresh_token));
    ti_record_free(&back);
    ti_buffer_free(&short_by_one);
    ti_buffer_free(&exact);
    ti_buffer_free(&whole);
    ti_record_free(&record);
}

/* An access token can be had again: it goes first. */
static void id_token_is_left_out_where_it_does_not_fit_either(void **state) {
    ti_record record = some_record();
    ti_buffer whole = written(&record, 0), no_access = written(&record, whole.size - 1),
              less = written(&record, no_access.size - 1), least = TI_BUFFER_INIT;

    (void)state;
    assert_non_null(strstr(no_access.data, "aGVhZA"));
    assert_null(strstr(less.data, "aGVhZA"));
    assert_non_null(strstr(less.data, "refresh"));
    ti_secret_unref(record.id_token);
    record.id_token = NULL;
    least = written(&record, less.size);
    assert_int_equal(least.size, less.size);
    ti_buffer_free(&least);
    ti_buffer_free(&less);
    ti_buffer_free(&no_access);
    ti_buffer_free(&whole);
    ti_record_free(&record);
}

/* A large one leaves room for the access tokens. */
static void access_tokens_stay_where_only_the_id_token_does_not_fit(void **state) {
    ti_record record = some_record();
    ti_buffer whole, without;
    char large[4001];

    (void)state;
    memset(large, 'i', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    ti_secret_unref(record.id_token);
    record.id_token = secret(large);
    whole = written(&record, 0);
    without = written(&record, whole.size - 3900);
    assert_non_null(strstr(without.data, "access-a"));
    assert_null(strstr(without.data, "iiii"));
    ti_buffer_free(&without);
    ti_buffer_free(&whole);
    ti_record_free(&record);
}

static void record_that_does_not_fit_even_so_is_too_large(void **state) {
    ti_record record = some_record();
    ti_buffer whole = written(&record, 0), no_access = written(&record, whole.size - 1),
              least = written(&record, no_access.size - 1), bytes = TI_BUFFER_INIT;
    tacit_error error;

    (void)state;
    assert_int_equal(ti_record_write(&record, ISSUER, CLIENT, least.size, &bytes, &error),
                     TACIT_OK);
    assert_int_equal(ti_record_write(&record, ISSUER, CLIENT, least.size - 1, &bytes, &error),
                     TACIT_ERR_STORE_TOO_LARGE);
    assert_null(strstr(error.message, "refresh "));
    ti_buffer_free(&bytes);
    ti_buffer_free(&least);
    ti_buffer_free(&no_access);
    ti_buffer_free(&whole);
    ti_record_free(&record);
}

/* What is written must be read again: neither more tokens nor more bytes than reading allows. */
static void record_of_many_or_huge_tokens_reads_back(void **state) {
    static const size_t counts[] = {256, 257, 1000}, sizes[] = {10, 10, 60000};
    char *value = calloc(1, 60001);

    (void)state;
    assert_non_null(value);
    for (int i = 0; i < 3; i++) {
        ti_record record = {.sign_in_id = some_id, .generation = 1, .token_count = counts[i]}, back;
        ti_buffer bytes;

        memset(value, 'v', sizes[i]);
        record.refresh_token = secret("r");
        record.tokens = calloc(counts[i], sizeof *record.tokens);
        assert_non_null(record.tokens);
        for (size_t k = 0; k < counts[i]; k++)
            record.tokens[k] = some_token(VIEW_A, value, 1, -1, -1);
        bytes = written(&record, 0);
        assert_int_equal(read_back(bytes.data, bytes.size, &back, NULL), TACIT_OK);
        assert_true(ti_secret_equal(back.refresh_token, record.refresh_token));
        if (i < 2) assert_int_equal(back.token_count, 256);
        ti_record_free(&back);
        ti_buffer_free(&bytes);
        ti_record_free(&record);
    }
    free(value);
}

/* ------------------------------------------------------------------ damage */

static void assert_corrupt_or_fine(const char *bytes, size_t size) {
    ti_record back;
    tacit_error error;
    tacit_status status = read_back(bytes, size, &back, &error);

    if (status != TACIT_OK) {
        assert_int_equal(status, TACIT_ERR_STORE_CORRUPT);
        assert_non_null(strstr(error.message, "left as it is"));
        assert_null(strstr(error.message, "access-"));
        assert_empty(&back);
    }
    ti_record_free(&back);
}

static void truncated_records_are_corrupt(void **state) {
    ti_record record = some_record(), back;
    ti_buffer bytes = written(&record, 0);

    (void)state;
    for (size_t size = 0; size < bytes.size; size++) {
        char *part = malloc(size == 0 ? 1 : size); /* so that a byte too many is seen */

        assert_non_null(part);
        memcpy(part, bytes.data, size);
        assert_int_equal(read_back(part, size, &back, NULL), TACIT_ERR_STORE_CORRUPT);
        assert_empty(&back);
        free(part);
    }
    ti_buffer_free(&bytes);
    ti_record_free(&record);
}

static void record_with_any_byte_changed_is_corrupt_or_reads_back(void **state) {
    static const unsigned char others[] = {0, '"', '\\', '{', ']', '0', ' ', 0x7F, 0x80, 0xFF};
    ti_record record = some_record();
    ti_buffer bytes = written(&record, 0);

    (void)state;
    for (size_t i = 0; i < bytes.size; i++) {
        char before = bytes.data[i];

        for (size_t k = 0; k < sizeof others; k++) {
            bytes.data[i] = (char)others[k];
            assert_corrupt_or_fine(bytes.data, bytes.size);
        }
        for (int bit = 0; bit < 8; bit++) {
            bytes.data[i] = (char)(before ^ 1 << bit);
            assert_corrupt_or_fine(bytes.data, bytes.size);
        }
        bytes.data[i] = before;
    }
    ti_buffer_free(&bytes);
    ti_record_free(&record);
}

/* ------------------------------------------------------------------ members */

#define OPENING                                                                                    \
    "{\"tacit_record\":1,\"issuer\":\"" ISSUER "\",\"client_id\":\"" CLIENT                        \
    "\",\"sign_in_id\":\"000102030405060708090a0b0c0d0e0f\",\"generation\":2,\"refused\":false,"   \
    "\"refresh_token\":"
#define HEAD OPENING "\"r\""
#define OWN OPENING "null"
#define USE(times, boot_id) HEAD ",\"use\":{" times ",\"boot_id\":\"" boot_id "\"}}"
#define TIMES "\"age_ms\":2,\"idle_ms\":1,\"unix_ms\":9,\"boot_ms\":8"
#define BOOT_ID "0123456789abcdef0123456789abcdef"
#define TOKEN(members) HEAD ",\"access_tokens\":[{" members "}]}"
#define GOOD_TOKEN                                                                                 \
    "\"view\":\"v\",\"value\":\"a\",\"generation\":1,\"expires_unix_ms\":-1,\"lifetime_ms\":-1"

typedef struct record_case {
    const char *text;
    bool reads;
    const char *why;
} record_case;

static void assert_read(const record_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        ti_record back;
        tacit_status status = read_back(cases[i].text, strlen(cases[i].text), &back, NULL);

        if (status != (cases[i].reads ? TACIT_OK : TACIT_ERR_STORE_CORRUPT))
            fail_msg("%s: %s", cases[i].why, tacit_status_name(status));
        ti_record_free(&back);
    }
}

static void records_are_read_strictly(void **state) {
    static const record_case cases[] = {
        {HEAD "}", true, "no access tokens"},
        {HEAD ",\"access_tokens\":[]}", true, "none of them"},
        {HEAD ",\"later\":{\"x\":[1]}}", true, "a member that a later version added"},
        {TOKEN(GOOD_TOKEN), true, "an access token"},
        {TOKEN(GOOD_TOKEN ",\"later\":1"), true, "a later member of it"},
        {HEAD ",\"generation\":2}", false, "a member twice"},
        {TOKEN(GOOD_TOKEN ",\"value\":\"b\""), false, "a member of an access token twice"},
        {HEAD ",\"id_token\":\"a.b.c\"}", true, "an id_token"},
        {HEAD ",\"id_token\":\"\"}", false, "an empty id_token"},
        {HEAD ",\"id_token\":null}", false, "no id_token, said with a null"},
        {HEAD ",\"id_token\":7}", false, "an id_token that is a number"},
        {HEAD ",\"id_token\":\"a b\"}", false, "an id_token with a space in it"},
        {HEAD ",\"id_token\":\"a\\r\\nX: y\"}", false, "an id_token that ends its line"},
        {HEAD ",\"renewal\":\"client_credentials\"}", false, "two ways to renew"},
        {OWN ",\"renewal\":\"client_credentials\"}", true, "renewed by itself"},
        {OWN "}", true, "never renewed"},
        {OWN ",\"renewal\":\"by magic\"}", false, "a way that is not known"},
        {OWN ",\"renewal\":true}", false, "a way that is no text"},
        {OWN ",\"renewal\":null}", false, "no way, said with a null"},
        {HEAD "} ", true, "white space behind it"},
        {HEAD "}x", false, "something behind it"},
        {"", false, "nothing"},
        {"null", false, "null"},
        {"[]", false, "a list"},
        {"{}", false, "an empty object"},
        {HEAD ",\"access_tokens\":[1]}", false, "an access token that is a number"},
        {TOKEN("\"view\":\"v\",\"value\":\"a\\r\\nX: y\",\"generation\":1,\"expires_unix_ms\":-1,"
               "\"lifetime_ms\":-1"),
         false, "an access token that ends its header line"},
        {TOKEN("\"view\":\"v\",\"value\":\"\",\"generation\":1,\"expires_unix_ms\":-1,"
               "\"lifetime_ms\":-1"),
         false, "an empty access token"},
        {TOKEN("\"view\":\"v\",\"value\":\"a\",\"generation\":0,\"expires_unix_ms\":-1,"
               "\"lifetime_ms\":-1"),
         false, "generation 0"},
        {TOKEN("\"view\":\"v\",\"value\":\"a\",\"generation\":1,\"expires_unix_ms\":-2,"
               "\"lifetime_ms\":-1"),
         false, "an expiry below -1"},
        {TOKEN("\"view\":\"v\",\"value\":\"a\",\"generation\":1,\"expires_unix_ms\":1.5,"
               "\"lifetime_ms\":-1"),
         false, "an expiry that is no whole number"},
        {TOKEN("\"view\":\"v\",\"value\":\"a\",\"generation\":1,\"lifetime_ms\":-1"), false,
         "no expiry"},
        {TOKEN("\"view\":\"0123456789abcdef0123456789abcdef0\",\"value\":\"a\",\"generation\":1,"
               "\"expires_unix_ms\":-1,\"lifetime_ms\":-1"),
         false, "a view that is too long"},
    };

    (void)state;
    assert_read(cases, sizeof cases / sizeof *cases);
}

static void terms_are_read_strictly(void **state) {
    static const record_case cases[] = {
        {HEAD ",\"refresh_expires_unix_ms\":1,\"refresh_lifetime_ms\":1}", true, "an end"},
        {HEAD ",\"refresh_expires_unix_ms\":9007199254740992}", true, "the last end there is"},
        {HEAD ",\"refresh_expires_unix_ms\":9007199254740993}", false, "an end beyond it"},
        {HEAD ",\"refresh_expires_unix_ms\":-1}", false, "an end that is none"},
        {HEAD ",\"refresh_lifetime_ms\":1.5}", false, "a lifetime that is no whole number"},
        {USE(TIMES, BOOT_ID), true, "a use"},
        {USE(TIMES ",\"later\":1", BOOT_ID), true, "a later member of it"},
        {USE(TIMES ",\"unproven\":true", BOOT_ID), true, "one by a clock that was set back"},
        {USE(TIMES ",\"unproven\":1", BOOT_ID), false, "... which says so with a number"},
        {USE(TIMES, "0123"), false, "a boot that is too short"},
        {USE(TIMES, "0123456789abcdef0123456789abcdeF"), false, "a boot that is no lower case"},
        {USE("\"age_ms\":1,\"idle_ms\":1,\"unix_ms\":1", BOOT_ID), false, "a time left out"},
        {USE("\"age_ms\":-1,\"idle_ms\":1,\"unix_ms\":1,\"boot_ms\":1", BOOT_ID), false,
         "an age below nothing"},
        {USE("\"age_ms\":1,\"idle_ms\":\"1\",\"unix_ms\":1,\"boot_ms\":1", BOOT_ID), false,
         "a rest that is text"},
        {HEAD ",\"use\":null}", false, "a use that is null"},
        {HEAD ",\"use\":[]}", false, "a use that is a list"},
        {HEAD ",\"fingerprint\":[]}", true, "no lines"},
        {HEAD ",\"fingerprint\":[\"A: b\",\"C:\"]}", true, "lines"},
        {HEAD ",\"fingerprint\":\"A: b\"}", false, "lines that are no list"},
        {HEAD ",\"fingerprint\":[7]}", false, "a line that is a number"},
        {HEAD ",\"fingerprint\":[\"\"]}", false, "an empty line"},
        {HEAD ",\"fingerprint\":[\": b\"]}", false, "a line without a name"},
        {HEAD ",\"fingerprint\":[\"A b\"]}", false, "a line without a colon"},
        {HEAD ",\"fingerprint\":[\"A B: c\"]}", false, "a name with a space in it"},
        {HEAD ",\"fingerprint\":[\"A: b\\r\\nX: y\"]}", false, "a line that ends itself"},
        {HEAD ",\"fingerprint\":[\"A: b\\u0000c\"]}", false, "a line with a NUL in it"},
        {HEAD ",\"fingerprint\":[\"A: \\u0100\"]}", false, "a character that is no byte"},
    };

    (void)state;
    assert_read(cases, sizeof cases / sizeof *cases);
}

typedef struct foreign_case {
    const char *member, *json, *says;
} foreign_case;

static void message_says_whose_a_foreign_record_is(void **state) {
    static const foreign_case cases[] = {
        {"tacit_record", "2", "later version"},
        {"tacit_record", "0", "not a tacit record"},
        {"tacit_record", "\"1\"", "not a tacit"},
        {"issuer", "\"https://evil\"", "another issuer"},
        {"issuer", "7", "another issuer"},
        {"client_id", "\"other\"", "another issuer or client"},
        {"client_id", "null", "another issuer or"},
        {"sign_in_id", "\"00\"", "damaged"},
        {"generation", "0", "damaged"},
        {"refused", "0", "damaged"},
        {"refresh_token", "\"\"", "damaged"},
        {"refresh_token", "{}", "damaged"},
    };
    ti_record record = some_record(), back;
    ti_buffer bytes = written(&record, 0);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *root = json_loadb(bytes.data, bytes.size, 0, NULL);
        char *text;
        tacit_error error;

        json_object_set_new(root, cases[i].member,
                            json_loads(cases[i].json, JSON_DECODE_ANY, NULL));
        text = json_dumps(root, JSON_COMPACT);
        assert_int_equal(read_back(text, strlen(text), &back, &error), TACIT_ERR_STORE_CORRUPT);
        if (strstr(error.message, cases[i].says) == NULL)
            fail_msg("%s %s: %s", cases[i].member, cases[i].json, error.message);
        free(text);
        json_decref(root);
    }
    ti_buffer_free(&bytes);
    ti_record_free(&record);
}

static void token_lives_until_its_expiry(void **state) {
    ti_record_token token = {.expires_wall_ms = 1000};

    (void)state;
    assert_true(ti_record_token_lives(&token, 999));
    assert_false(ti_record_token_lives(&token, 1000));
    token.expires_wall_ms = -1;
    assert_true(ti_record_token_lives(&token, INT64_MAX));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_reads_back_as_it_was_written),
        cmocka_unit_test(refresh_tokens_of_any_text_read_back),
        cmocka_unit_test(what_a_keyring_takes_for_a_placeholder_is_not_written),
        cmocka_unit_test(writing_replaces_what_the_buffer_held),
        cmocka_unit_test(access_tokens_are_left_out_where_they_do_not_fit),
        cmocka_unit_test(record_without_the_newer_members_is_as_it_was),
        cmocka_unit_test(id_token_is_left_out_where_it_does_not_fit_either),
        cmocka_unit_test(access_tokens_stay_where_only_the_id_token_does_not_fit),
        cmocka_unit_test(record_that_does_not_fit_even_so_is_too_large),
        cmocka_unit_test(record_of_many_or_huge_tokens_reads_back),
        cmocka_unit_test(truncated_records_are_corrupt),
        cmocka_unit_test(record_with_any_byte_changed_is_corrupt_or_reads_back),
        cmocka_unit_test(records_are_read_strictly),
        cmocka_unit_test(terms_are_read_strictly),
        cmocka_unit_test(message_says_whose_a_foreign_record_is),
        cmocka_unit_test(token_lives_until_its_expiry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
