/* tacit doctor: what works on this machine, for this user, and what does not. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stdbool.h>

#include "findings.h"

typedef struct doctor {
    findings findings;
    char *state_dir;            /* absolute, without a slash at the end */
    const char *application_id; /* NULL: none was named */
} doctor;

int doctor_main(int argc, char **argv);

/* Its parts, in order. */
void doctor_look_at_system(doctor *doctor);
void doctor_look_at_directory(doctor *doctor);
void doctor_look_at_stores(doctor *doctor);
void doctor_look_at_locks(doctor *doctor);

#endif
