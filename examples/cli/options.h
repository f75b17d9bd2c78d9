/* The options of a command as a table: how they are read, and what --help says of them. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli.h"

/* Borrowed from argv, NULL-terminated. */
typedef struct text_list {
    const char **items; /* NULL: none */
    size_t count;
} text_list;

/* false: no memory. */
bool text_list_add(text_list *list, const char *text);
void text_list_free(text_list *list);

typedef enum option_kind {
    OPTION_FLAG = 0,    /* bool */
    OPTION_TEXT = 1,    /* const char *; the last one counts */
    OPTION_LIST = 2,    /* text_list */
    OPTION_SECONDS = 3, /* int */
    OPTION_COUNT = 4    /* int, not negative */
} option_kind;

typedef struct option_spec {
    const char *name; /* without the dashes; NULL ends the table */
    char letter;      /* 0: none */
    option_kind kind;
    size_t offset;     /* of its target in the command's struct */
    const char *value; /* as help names it; NULL for a flag */
    const char *help;
} option_spec;

enum { OPERANDS_MAX = 3 };

typedef struct command_spec {
    const char *name;
    const char *operands; /* as help names them */
    const char *purpose;  /* a sentence or two, lines broken */
    const option_spec *options;
    int operands_max;
} command_spec;

typedef struct operands {
    const char *items[OPERANDS_MAX];
    int count;
} operands;

/* true: go on; false: end with *code (help was asked for, or the user told what is wrong). */
bool options_read(const command_spec *command, int argc, char **argv, void *target,
                  operands *operands, exit_code *code);
/* Tells the user what is wrong with the call. */
exit_code refuse_usage(const command_spec *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
