/* tacit provider check: what tacit makes of a provider, and of a server's answers with it. */
#include "provider_answer.h"
#include "provider_file.h"
#include "provider_summary.h"

#include "options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct provider_options {
    const char *kind;
    text_list answers;
    bool json;
} provider_options;

static const option_spec specs[] = {
    {"answer", 0, OPTION_LIST, offsetof(provider_options, answers), "FILE",
     "show what tacit reads from this answer of the server: what\n"
     "\"curl -i\" printed, or a body alone; may be repeated"},
    {"kind", 0, OPTION_TEXT, offsetof(provider_options, kind), "KIND",
     "what they are answers to: sign-in, refresh (the default)\n"
     "or api"},
    {"json", 0, OPTION_FLAG, offsetof(provider_options, json), NULL, "one JSON object"},
    {.name = NULL},
};
static const command_spec command = {
    "provider", "check FILE [OPTION...]",
    "Says how tacit understands the provider in FILE, a server's metadata and dialect in JSON, "
    "and\n"
    "what in it is worth a thought. FILE and an answer may be \"-\", the standard input. Sends\n"
    "nothing, keeps nothing, and prints tokens masked. Ends with 1 where the provider cannot be\n"
    "used, or nothing is found in an answer.",
    specs, 2};

/* ------------------------------------------------------------------ printing */

static void print_row(const char *name, const char *text) {
    printf("%-18s ", name);
    print_clean(stdout, text);
    putchar('\n');
}

/* In the unit in which a person would say it. */
static void print_lifetime(const char *name, json_int_t seconds) {
    static const struct {
        json_int_t from_s, unit_s;
        const char *unit;
    } units[] = {{2 * 86400, 86400, "days"}, {2 * 3600, 3600, "h"}, {120, 60, "min"}, {0, 1, "s"}};
    char text[64] = "without end";

    for (size_t i = 0; i < sizeof units / sizeof *units && seconds >= 0; i++) {
        if (seconds + units[i].unit_s / 2 < units[i].from_s) continue;
        snprintf(text, sizeof text, "%" PRId64 " %s",
                 (int64_t)((seconds + units[i].unit_s / 2) / units[i].unit_s), units[i].unit);
        break;
    }
    print_row(name, text);
}

static void print_member(const char *name, const json_t *value) {
    char number[32];

    if (json_is_string(value)) print_row(name, json_string_value(value));
    if (json_is_boolean(value)) print_row(name, json_is_true(value) ? "yes" : "no");
    if (!json_is_integer(value)) return;
    snprintf(number, sizeof number, "%" PRId64, (int64_t)json_integer_value(value));
    if (strstr(name, "expires_in") != NULL)
        print_lifetime(name, json_integer_value(value));
    else
        print_row(name, number);
}

static void print_members(const json_t *object) {
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value) print_member(name, value);
}

static void print_notes(const json_t *notes) {
    const json_t *note;
    size_t i;

    json_array_foreach(notes, i, note) print_row("note", json_string_value(note));
}

static void print_text(const json_t *report) {
    const json_t *answer, *answers = json_object_get(report, "answers");
    size_t i;

    print_members(json_object_get(report, "provider"));
    print_notes(json_object_get(report, "notes"));
    json_array_foreach(answers, i, answer) {
        printf("\n");
        print_row("answer", json_string_value(json_object_get(answer, "file")));
        print_members(json_object_get(answer, "read"));
        print_notes(json_object_get(answer, "notes"));
    }
}

static void print_report(const json_t *report, bool as_json) {
    if (!as_json)
        print_text(report);
    else if (json_dumpf(report, stdout, JSON_INDENT(2)) == 0)
        putchar('\n');
}

/* ------------------------------------------------------------------ checking */

static bool kind_of(const char *name, tacit_answer_kind *kind) {
    static const struct {
        const char *name;
        tacit_answer_kind kind;
    } kinds[] = {{"sign-in", TACIT_ANSWER_SIGN_IN},
                 {"refresh", TACIT_ANSWER_REFRESH},
                 {"api", TACIT_ANSWER_API}};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(name, kinds[i].name) != 0) continue;
        *kind = kinds[i].kind;
        return true;
    }
    return false;
}

/* Into answers. What one is not worth does not keep the others from being shown. */
static exit_code check_answer(json_t *answers, const provider_file *provider,
                              tacit_answer_kind kind, const char *path) {
    provider_answer answer;
    exit_code code = provider_answer_read(&answer, provider, kind, path);

    if (code == EXIT_OK) {
        json_array_append_new(answers, json_pack("{s:s, s:O, s:O}", "file", path, "read",
                                                 answer.read, "notes", answer.notes));
        if (kind != TACIT_ANSWER_API && provider_answer_is_unknown(&answer)) code = EXIT_FAILED;
    }
    provider_answer_free(&answer);
    return code;
}

static exit_code check(const provider_options *options, tacit_answer_kind kind, const char *path) {
    provider_file provider;
    exit_code code = provider_file_read(&provider, path), answered;
    json_t *report;

    if (code == EXIT_OK) {
        report = json_pack("{s:s, s:o, s:o, s:[]}", "file", path, "provider",
                           provider_summary(provider.json), "notes", provider_notes(provider.json),
                           "answers");
        for (size_t i = 0; i < options->answers.count; i++) {
            answered = check_answer(json_object_get(report, "answers"), &provider, kind,
                                    options->answers.items[i]);
            if (code == EXIT_OK) code = answered;
        }
        print_report(report, options->json);
        json_decref(report);
        code = finish_output(code);
    }
    provider_file_free(&provider);
    return code;
}

static bool inputs_are_clear(const provider_options *options, const char *path) {
    int inputs = strcmp(path, "-") == 0;

    for (size_t i = 0; i < options->answers.count; i++)
        inputs += strcmp(options->answers.items[i], "-") == 0;
    return inputs < 2;
}

int provider_main(int argc, char **argv) {
    provider_options options = {.kind = "refresh"};
    tacit_answer_kind kind;
    operands operands;
    exit_code code;

    if (options_read(&command, argc, argv, &options, &operands, &code)) {
        if (operands.count < 2 || strcmp(operands.items[0], "check") != 0)
            code = refuse_usage(&command, "it wants \"check\" and a FILE");
        else if (!kind_of(options.kind, &kind))
            code = refuse_usage(&command, "--kind wants sign-in, refresh or api");
        else if (!inputs_are_clear(&options, operands.items[1]))
            code = refuse_usage(&command, "only one of the files can be the standard input");
        else
            code = check(&options, kind, operands.items[1]);
    }
    text_list_free(&options.answers);
    return code;
}
