/* What the default store remembers of an application: which store holds its records. */
#ifndef TI_STORE_CHOICE_H
#define TI_STORE_CHOICE_H

#include <tacit/error.h>

typedef enum ti_choice {
    TI_CHOICE_KEYRING = 0,
    TI_CHOICE_FILE = 1,
    TI_CHOICES = 2, /* how many there are */
    TI_CHOICE_NONE = 2
} ti_choice;

/*
 * TI_CHOICE_NONE: nothing is remembered. error's message is a clause that goes behind "Could not ...:".
 * TACIT_ERR_STORE_CORRUPT: a later version's memory, or something else.
 * TACIT_ERR_STORE_FAILED: it cannot be read.
 */
tacit_status ti_choice_recall(const char *directory, const char *application_id, ti_choice *choice,
                              tacit_error *error);

/* Durable on return, where it is possible. Never changes what is remembered already: recall
 * afterwards what counts. */
void ti_choice_remember(const char *directory, const char *application_id, ti_choice choice);

/* The name of what belongs to the application in the directory: a hash, and the ending. NULL: no
 * memory. */
char *ti_choice_name(const char *application_id, const char *ending);

#endif
