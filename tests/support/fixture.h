/* What tests need around them: a directory of their own, certificates, child programs. */
#ifndef TS_FIXTURE_H
#define TS_FIXTURE_H

#include <tacit/store.h>

#include <stdbool.h>
#include <stddef.h>

/* A fresh directory, mode 0700, below TMPDIR or /tmp. Yours; NULL on failure. */
char *fixture_directory_new(void);
/* Removes the directory with all that is in it, and frees its name. Takes NULL. */
void fixture_directory_free(char *directory);
/* directory + "/" + name; yours. */
char *fixture_path(const char *directory, const char *name);
/* Encrypted files in the directory, for apps that are started again; yours. NULL on failure. */
tacit_store *fixture_store_file(const char *directory);

typedef enum fixture_certificate {
    FIXTURE_CERTIFICATE_GOOD = 0,       /* for 127.0.0.1 and localhost, signed by the CA */
    FIXTURE_CERTIFICATE_WRONG_HOST = 1, /* for other.example, signed by the CA */
    FIXTURE_CERTIFICATE_UNKNOWN_CA = 2, /* for 127.0.0.1, signed by a CA that ca_file lacks */
    FIXTURE_CERTIFICATE_FORGED = 3, /* for 127.0.0.1, with the CA's name but not its signature */
    FIXTURE_CERTIFICATE_EXPIRED = 4 /* for 127.0.0.1, until yesterday */
} fixture_certificate;

/* PEM files in the directory. */
typedef struct fixture_tls {
    char *ca_file;   /* what a client trusts */
    char *cert_file; /* the server's */
    char *key_file;
} fixture_tls;

/* Makes a CA and a server certificate. false: nothing to free. */
bool fixture_tls_new(fixture_tls *tls, const char *directory, fixture_certificate certificate);
void fixture_tls_free(fixture_tls *tls); /* the names; the files go with the directory */

/* How a child program ended, and what it wrote. */
typedef struct fixture_run {
    bool timed_out; /* it was killed */
    int exit_code;  /* -1: not by exit */
    int signal;     /* 0: not by a signal */
    char *output;   /* stdout and stderr, NUL-terminated; yours */
    size_t output_size;
} fixture_run;

/* Runs argv[0], NULL-terminated, with stdin empty, until it ends, and kills it after timeout_ms.
 * environment: further "NAME=value", NULL-terminated; NULL: none. false: it could not be started. */
bool fixture_run_program(const char *const *argv, const char *const *environment, int timeout_ms,
                         fixture_run *run);
void fixture_run_free(fixture_run *run);

#endif
