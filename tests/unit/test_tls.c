/* HTTPS: who is trusted, who is told a client certificate, and what the errors say. */
#include "transport_fixture.h"

#include "support/fixture.h"
#include "support/raw_server.h"
#include "support/server.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static char *directory;

/* A server with that certificate; the CA is what the transport trusts. */
typedef struct tls_server {
    fixture_tls tls;
    ts_server *server;
} tls_server;

static tls_server tls_start(fixture_certificate certificate) {
    tls_server s = {.server = NULL};
    assert_true(fixture_tls_new(&s.tls, directory, certificate));
    ts_options options = TS_OPTIONS_INIT;
    options.tls_cert = s.tls.cert_file;
    options.tls_key = s.tls.key_file;
    s.server = server_start(&options);
    assert_non_null(s.server);
    return s;
}

static void tls_stop(tls_server *s) {
    server_stop(s->server);
    fixture_tls_free(&s->tls);
}

static tacit_status get(fixture *f, ti_handle_kind kind, tls_server *s) {
    return fixture_send(f, kind, server_url(s->server, "/nothing"), NULL);
}

/* What a shell command prints, without the line end; yours. */
static char *shell(const char *command) {
    fixture_run run;
    const char *const argv[] = {"/bin/sh", "-c", command, NULL};
    assert_true(fixture_run_program(argv, NULL, 20000, &run));
    assert_int_equal(run.exit_code, 0);
    char *output = strdup(run.output);
    assert_non_null(output);
    output[strcspn(output, "\r\n")] = '\0';
    fixture_run_free(&run);
    return output;
}

static char *read_file(const char *path) {
    char *text = calloc(1, 64 * 1024);
    FILE *file = fopen(path, "r");
    assert_true(text && file);
    assert_true(fread(text, 1, 64 * 1024 - 1, file) > 0);
    fclose(file);
    return text;
}

static void a_ca_of_ones_own_is_trusted(void **state) {
    fixture *f = *state;
    tls_server s = tls_start(FIXTURE_CERTIFICATE_GOOD);
    f->options.ca_file = s.tls.ca_file;
    fixture_start(f);

    assert_int_equal(get(f, TI_HANDLE_POOLED, &s), TACIT_OK);
    assert_int_equal(get(f, TI_HANDLE_FRESH, &s), TACIT_OK);
    assert_int_equal(get(f, TI_HANDLE_FOREIGN, &s), TACIT_OK);

    assert_int_equal(f->answer.status, 404);
    tls_stop(&s);
}

static void a_ca_may_be_given_as_text(void **state) {
    fixture *f = *state;
    tls_server s = tls_start(FIXTURE_CERTIFICATE_GOOD);
    char *pem = read_file(s.tls.ca_file);
    f->options.ca_pem = pem;
    f->transport = ti_transport_new(&f->options, &f->error);
    memset(pem, 'x', strlen(pem)); /* it was copied */

    if (curl_version_info(CURLVERSION_NOW)->version_num >= 0x074d00) {
        assert_non_null(f->transport);
        assert_int_equal(get(f, TI_HANDLE_POOLED, &s), TACIT_OK);
    } else {
        assert_int_equal(f->error.status, TACIT_ERR_UNSUPPORTED);
    }
    free(pem);
    tls_stop(&s);
}

static void certificates_that_do_not_hold_are_refused(void **state) {
    fixture *f = *state;
    const fixture_certificate certificates[] = {FIXTURE_CERTIFICATE_WRONG_HOST,
                                                FIXTURE_CERTIFICATE_UNKNOWN_CA,
                                                FIXTURE_CERTIFICATE_EXPIRED};
    for (size_t i = 0; i < 3; i++) {
        tls_server s = tls_start(certificates[i]);
        f->options.ca_file = s.tls.ca_file;
        fixture_start(f);

        tacit_status status = get(f, TI_HANDLE_POOLED, &s);

        if (status != TACIT_ERR_TLS) fail_msg("certificate %zu: %s", i, f->error.message);
        assert_false(f->answer.sent);
        assert_false(f->error.outcome_unknown);
        assert_null(strstr(f->error.message, "clock"));
        assert_int_equal(server_counters(s.server).requests, 0);
        ti_transport_free(f->transport);
        f->transport = NULL;
        tls_stop(&s);
    }
}

static void without_a_ca_only_the_systems_are_trusted(void **state) {
    fixture *f = *state;
    tls_server s = tls_start(FIXTURE_CERTIFICATE_GOOD);
    fixture_start(f);

    assert_int_equal(get(f, TI_HANDLE_POOLED, &s), TACIT_ERR_TLS);

    tls_stop(&s);
}

static int64_t wall_1970(void *data) {
    (void)data;
    return INT64_C(86400000) * 3;
}

static void a_clock_that_is_wrong_is_named(void **state) {
    fixture *f = *state;
    tls_server s = tls_start(FIXTURE_CERTIFICATE_UNKNOWN_CA);
    f->clock.injected.wall_ms = wall_1970;
    f->options.ca_file = s.tls.ca_file;
    fixture_start(f);

    assert_int_equal(get(f, TI_HANDLE_POOLED, &s), TACIT_ERR_TLS);

    assert_non_null(strstr(f->error.message, "clock is wrong"));
    assert_non_null(strstr(f->error.message, "1970-01-04"));
    tls_stop(&s);
}

static void a_pinned_key_is_for_the_origins_and_not_for_others(void **state) {
    fixture *f = *state;
    tls_server s = tls_start(FIXTURE_CERTIFICATE_GOOD);
    char command[1024];
    snprintf(command, sizeof command,
             "openssl x509 -in '%s' -noout -pubkey | openssl pkey -pubin -outform der | "
             "openssl dgst -sha256 -binary | openssl enc -base64",
             s.tls.cert_file);
    char *hash = shell(command), right[128];
    snprintf(right, sizeof right, "sha256//%s", hash);
    f->options.ca_file = s.tls.ca_file;

    f->options.pinned_public_key = right;
    fixture_start(f);
    assert_int_equal(get(f, TI_HANDLE_POOLED, &s), TACIT_OK);
    ti_transport_free(f->transport);

    f->options.pinned_public_key = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    fixture_start(f);
    assert_int_equal(get(f, TI_HANDLE_POOLED, &s), TACIT_ERR_TLS);
    assert_int_equal(get(f, TI_HANDLE_FRESH, &s), TACIT_ERR_TLS);
    assert_int_equal(get(f, TI_HANDLE_FOREIGN, &s), TACIT_OK);

    free(hash);
    tls_stop(&s);
}

static void an_answer_that_is_no_tls_is_a_tls_error(void **state) {
    fixture *f = *state;
    fixture_start(f);
    raw_server *server = raw_server_start(
        &(raw_options){.answer = "HTTP/1.1 400 No\r\n\r\n", .then = RAW_CLOSE, .at_once = true});
    assert_non_null(server);
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", raw_server_port(server));

    assert_int_equal(fixture_send(f, TI_HANDLE_POOLED, url, NULL), TACIT_ERR_TLS);

    assert_false(f->answer.sent);
    raw_server_stop(server);
}

/*
 * Client certificates, asked for by openssl's server
 */

/* Starts a server that insists on a client certificate. Answers its port; *pid is to be killed. */
static int start_strict_server(const fixture_tls *tls, pid_t *pid) {
    int out[2], port = 0;
    assert_int_equal(pipe(out), 0);
    *pid = fork();
    assert_true(*pid >= 0);
    if (*pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        close(STDERR_FILENO); /* it reports every handshake */
        execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", tls->cert_file,
               "-key", tls->key_file, "-Verify", "1", "-CAfile", tls->ca_file, "-www",
               (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *lines = fdopen(out[0], "r");
    char line[256];
    while (port == 0 && fgets(line, sizeof line, lines)) {
        const char *colon = strrchr(line, ':');
        if (strncmp(line, "ACCEPT", 6) == 0 && colon) port = atoi(colon + 1);
    }
    fclose(lines);
    assert_int_not_equal(port, 0);
    return port;
}

static void a_client_certificate_is_for_the_origins_and_not_for_others(void **state) {
    fixture *f = *state;
    fixture_tls tls;
    assert_true(fixture_tls_new(&tls, directory, FIXTURE_CERTIFICATE_GOOD));
    pid_t pid;
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", start_strict_server(&tls, &pid));
    f->options.ca_file = tls.ca_file;
    /* the server's own serves as the client's; what matters is whether one is shown */
    f->options.client_certificate_file = tls.cert_file;
    f->options.client_key_file = tls.key_file;
    fixture_start(f);

    tacit_status pooled = fixture_send(f, TI_HANDLE_POOLED, url, NULL);
    tacit_status fresh = fixture_send(f, TI_HANDLE_FRESH, url, NULL);
    tacit_status foreign = fixture_send(f, TI_HANDLE_FOREIGN, url, NULL);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);

    assert_int_equal(pooled, TACIT_OK);
    assert_int_equal(fresh, TACIT_OK);
    assert_int_not_equal(foreign, TACIT_OK);
    fixture_tls_free(&tls);
}

static int group_set_up(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* libmicrohttpd's GnuTLS */
    directory = fixture_directory_new();
    return directory ? 0 : -1;
}

static int group_tear_down(void **state) {
    (void)state;
    fixture_directory_free(directory);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_ca_of_ones_own_is_trusted),
        FIXTURE_TEST(a_ca_may_be_given_as_text),
        FIXTURE_TEST(certificates_that_do_not_hold_are_refused),
        FIXTURE_TEST(without_a_ca_only_the_systems_are_trusted),
        FIXTURE_TEST(a_clock_that_is_wrong_is_named),
        FIXTURE_TEST(a_pinned_key_is_for_the_origins_and_not_for_others),
        FIXTURE_TEST(an_answer_that_is_no_tls_is_a_tls_error),
        FIXTURE_TEST(a_client_certificate_is_for_the_origins_and_not_for_others),
    };
    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
