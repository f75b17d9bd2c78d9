/*
 * Who signs in: a script in a process of its own, which gets a URL or a code from the library.
 *
 *     person alice = {.server = server};
 *     options.open_url = person_open_url;
 *     options.user_data = &alice;
 *     ... tacit_sign_in_with_browser() ...
 *     person_join(&alice);
 */
#ifndef E2E_PERSON_H
#define E2E_PERSON_H

#include "e2e/real_server.h"

#include <sys/types.h>

typedef struct person {
    const real_server *server;
    bool denies;       /* when asked for consent */
    bool has_chromium; /* and not plain HTTP */
    const char *jar;   /* a file for cookies between visits; NULL: none */
    bool knows_code;   /* enters the device's code by hand; else it follows the complete URI */
    pid_t pid;         /* of the visit; 0: none */
} person;

/* Begin a visit: for tacit_sign_in_options. */
bool person_open_url(const char *url, void *person);
void person_enter_code(const char *user_code, const char *verification_uri,
                       const char *verification_uri_complete, int expires_in_s, void *person);

/* Waits for the end of the visit. It must have ended well. */
void person_join(person *person);

#endif
