/* A value in a provider's JSON, and where it stands there, so that an error can say so. Pure. */
#ifndef TI_PLACE_H
#define TI_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <tacit/error.h>

#define TI_PLACE_PATH_SIZE 192

/* Borrowed all through: it lives on the stack of whoever reads. */
typedef struct ti_place {
    json_t *value; /* NULL: absent, as null is */
    const struct ti_place *parent;
    const char *name; /* of the member; NULL: an item of an array */
    size_t index;
    tacit_error *error; /* may be NULL */
} ti_place;

ti_place ti_place_member(const ti_place *object, const char *name);
ti_place ti_place_item(const ti_place *array, size_t index);
/* "/dialect/refresh/headers/0"; what does not fit is left out. */
void ti_place_path(const ti_place *place, char path[TI_PLACE_PATH_SIZE]);

/* Each false comes with an error, "/dialect/refresh/sent: is not known". */

bool ti_place_fail(const ti_place *place, const char *what); /* false; TACIT_ERR_INVALID_ARGUMENT */
bool ti_place_no_memory(const ti_place *place);              /* false */
/* An object, with no members but these (NULL-terminated). */
bool ti_place_is_object(const ti_place *place, const char *const *names);
/* *copy stays NULL where the place is absent; else a string with something in it, and no NUL. */
bool ti_place_copy(const ti_place *place, char **copy);
/* The same of an array of such strings, NULL-terminated. fault: what is wrong with one, or NULL. */
bool ti_place_copy_list(const ti_place *place, const char *(*fault)(const char *text),
                        char ***list);
/* One of the names (NULL-terminated): *index. What is absent leaves it. */
bool ti_place_choice(const ti_place *place, const char *const *names, const char *what, int *index);
/* A whole number from min to max. What is absent leaves it. */
bool ti_place_number(const ti_place *place, int min, int max, const char *what, int *number);
/* true or false. What is absent leaves it. */
bool ti_place_flag(const ti_place *place, bool *flag);

#endif
