#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { SPECS_MAX = 32, FIRST_LONG = 256, HELP_COLUMN = 31 };

bool text_list_add(text_list *list, const char *text) {
    const char **items = realloc(list->items, (list->count + 2) * sizeof *items);

    if (items == NULL) return false;
    list->items = items;
    items[list->count++] = text;
    items[list->count] = NULL;
    return true;
}

void text_list_free(text_list *list) {
    free(list->items);
    *list = (text_list){.items = NULL};
}

/* ------------------------------------------------------------------ help */

static void print_option(const option_spec *option) {
    char letter[8] = "    ";
    int width;

    if (option->letter != 0) snprintf(letter, sizeof letter, "-%c, ", option->letter);
    width = printf("  %s--%s%s%s", letter, option->name, option->value == NULL ? "" : " ",
                   option->value == NULL ? "" : option->value);
    if (width >= HELP_COLUMN) width = printf("\n") - 1;
    printf("%*s", HELP_COLUMN - width, "");
    for (const char *c = option->help; *c != '\0'; c++) {
        putchar(*c);
        if (*c == '\n') printf("%*s", HELP_COLUMN, "");
    }
    putchar('\n');
}

static void print_help(const command_spec *command) {
    static const option_spec help = {.name = "help", .letter = 'h', .help = "this text"};

    printf("usage: tacit %s %s\n\n%s\n\n", command->name, command->operands, command->purpose);
    for (const option_spec *option = command->options; option->name != NULL; option++)
        print_option(option);
    print_option(&help);
    putchar('\n');
    print_exit_codes(stdout);
}

exit_code refuse_usage(const command_spec *command, const char *format, ...) {
    va_list arguments;
    char *text;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) text = NULL;
    va_end(arguments);
    say("tacit %s: %s", command->name, text == NULL ? "no memory" : text);
    say("Try: tacit %s --help", command->name);
    free(text);
    return EXIT_USAGE;
}

/* ------------------------------------------------------------------ reading */

static bool read_number(const char *text, int most, int *number) {
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 0 || value > most) return false;
    *number = (int)value;
    return true;
}

static bool take(const command_spec *command, const option_spec *option, const char *value,
                 void *target, exit_code *code) {
    void *place = (char *)target + option->offset;

    *code = EXIT_USAGE;
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)place = true;
        return true;
    case OPTION_TEXT:
        *(const char **)place = value;
        if (*value != '\0') return true;
        return refuse_usage(command, "--%s wants a value", option->name), false;
    case OPTION_LIST:
        if (text_list_add(place, value)) return true;
        *code = complain(EXIT_FAILED, "Out of memory.");
        return false;
    case OPTION_SECONDS:
        if (read_number(value, INT_MAX / 1000, place)) return true;
        return refuse_usage(command, "--%s wants a number of seconds", option->name), false;
    case OPTION_COUNT:
        if (read_number(value, INT_MAX, place)) return true;
        return refuse_usage(command, "--%s wants a number", option->name), false;
    }
    return false;
}

typedef struct getopt_tables {
    char letters[2 * SPECS_MAX + 4];
    struct option names[SPECS_MAX + 2];
} getopt_tables;

/* ":" first: a missing value is told from an unknown option, and getopt is silent. */
static void make_tables(const command_spec *command, getopt_tables *tables) {
    char *letter = tables->letters;
    int i = 0;

    *letter++ = ':';
    *letter++ = 'h';
    for (const option_spec *option = command->options; option->name != NULL; option++, i++) {
        bool has_value = option->kind != OPTION_FLAG;

        tables->names[i] = (struct option){option->name, has_value, NULL, FIRST_LONG + i};
        if (option->letter == 0) continue;
        *letter++ = option->letter;
        if (has_value) *letter++ = ':';
    }
    tables->names[i++] = (struct option){"help", no_argument, NULL, 'h'};
    tables->names[i] = (struct option){NULL, 0, NULL, 0};
    *letter = '\0';
}

static const option_spec *find(const command_spec *command, int found) {
    const option_spec *option = command->options;

    if (found >= FIRST_LONG) return option + (found - FIRST_LONG);
    while (option->name != NULL && option->letter != found) option++;
    return option;
}

static bool take_operands(const command_spec *command, int argc, char **argv, operands *operands) {
    operands->count = 0;
    for (int i = optind; i < argc; i++) {
        if (operands->count == command->operands_max)
            return refuse_usage(command, "\"%s\" is one argument too many", argv[i]), false;
        operands->items[operands->count++] = argv[i];
    }
    return true;
}

bool options_read(const command_spec *command, int argc, char **argv, void *target,
                  operands *operands, exit_code *code) {
    getopt_tables tables;
    int found;

    make_tables(command, &tables);
    *code = EXIT_USAGE;
    optind = 1;
    while ((found = getopt_long(argc, argv, tables.letters, tables.names, NULL)) != -1) {
        if (found == 'h') {
            print_help(command);
            *code = EXIT_OK;
            return false;
        }
        if (found == ':') return refuse_usage(command, "%s wants a value", argv[optind - 1]), false;
        if (found == '?')
            return refuse_usage(command, "there is no option \"%s\"", argv[optind - 1]), false;
        if (!take(command, find(command, found), optarg, target, code)) return false;
    }
    return take_operands(command, argc, argv, operands);
}
