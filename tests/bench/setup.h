/*
 * What the benchmarks share: a client with a session, the knobs of the test server in another
 * process, clocks, and the rows of the table that run.sh prints.
 */
#ifndef TB_SETUP_H
#define TB_SETUP_H

#include <tacit/tacit.h>

#include <stddef.h>

/* Whatever fails here ends the program with a sentence: a benchmark has nothing to recover. */

typedef struct bench_app {
    tacit_client *client;
    tacit_provider *provider;
    tacit_store *store;
    tacit_session *session;
} bench_app;

/* A client whose origin and authorization server are at base ("http://127.0.0.1:port"), and one
 * session, signed out, with a store in memory. */
bench_app bench_app_open(const char *base);
bench_app bench_app_open_with(const char *base, const tacit_client_options *options);
/* ... whose API may renew the token in the header Authorization. */
bench_app bench_app_open_sliding(const char *base);
void bench_app_close(bench_app *app);
/* At the server that it was opened for. */
void bench_sign_in(const bench_app *app);
/* With a token of so many bytes, without asking a server. */
void bench_sign_in_with_token(const bench_app *app, size_t token_size);
/* A further session of the client, for that account and store. */
tacit_session *bench_open_session(const bench_app *app, const char *account, tacit_store *store);

/* One GET through the session; anything but a 200 ends the program. */
void bench_get(tacit_session *session, const char *url);

/* Runs body in so many threads and waits for all. */
void bench_threads(int count, void *(*body)(void *data), void *data);

/* POST json to base/__control; yours. */
char *bench_control(const char *base, const char *json);
/* A counter in what bench_control() answered. */
long bench_counter(const char *answer, const char *name);

/* A connection is a file, and often the soft limit is 1024. */
void bench_allow_many_files(void);
int bench_count_threads(void);
int bench_count_files(void);

double bench_now_ns(void);                         /* monotonic */
double bench_median(double *values, size_t count); /* sorts them */

/* "what <tab> target <tab> measured <tab> yes or NO" on stdout. */
void bench_row(const char *what, const char *target, bool met, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void bench_fail(const char *what) __attribute__((noreturn));

#endif
