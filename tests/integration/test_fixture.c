/* What tests stand on: certificates, child programs. */
#include "support/fixture.h"
#include "support/plain_client.h"
#include "support/unit.h"

#include <string.h>

static void tls_certificates(void **state) {
    static const struct {
        fixture_certificate certificate;
        CURLcode code;
    } cases[] = {
        {FIXTURE_CERTIFICATE_GOOD, CURLE_OK},
        {FIXTURE_CERTIFICATE_WRONG_HOST, CURLE_PEER_FAILED_VERIFICATION},
        {FIXTURE_CERTIFICATE_UNKNOWN_CA, CURLE_PEER_FAILED_VERIFICATION},
        {FIXTURE_CERTIFICATE_FORGED, CURLE_SSL_CONNECT_ERROR}, /* so says libcurl with OpenSSL */
        {FIXTURE_CERTIFICATE_EXPIRED, CURLE_PEER_FAILED_VERIFICATION},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *directory = fixture_directory_new();
        fixture_tls tls;
        assert_true(fixture_tls_new(&tls, directory, cases[i].certificate));
        ts_options options = TS_OPTIONS_INIT;
        options.tls_cert = tls.cert_file;
        options.tls_key = tls.key_file;
        ts_server *server = start_server(state, &options);
        CURL *curl = curl_easy_init();
        curl_easy_setopt(curl, CURLOPT_CAINFO, tls.ca_file);
        reply reply = ask_with(curl, server_url(server, "/api/x"), "x", NULL);
        assert_int_equal(reply.status, cases[i].code == CURLE_OK ? 401 : 0);
        assert_fails(reply, cases[i].code);
        curl_easy_cleanup(curl);
        server_stop(server);
        *state = NULL;
        fixture_tls_free(&tls);
        fixture_directory_free(directory);
    }
}

static void child_program_is_run_and_bounded(void **state) {
    static const char *const environment[] = {"TACIT_TEST_WORD=hello", NULL};
    static const char *const prints[] = {"sh", "-c", "echo $TACIT_TEST_WORD; cat; exit 3", NULL};
    static const char *const hangs[] = {"sleep", "600", NULL};
    static const char *const silent[] = {"sh", "-c", "exec >&- 2>&-; exec sleep 600", NULL};
    static const char *const missing[] = {"/no/such/program", NULL};
    fixture_run run;
    (void)state;

    assert_true(fixture_run_program(prints, environment, PATIENCE_MS, &run));
    assert_int_equal(run.exit_code, 3);
    assert_string_equal(run.output, "hello\n");
    assert_false(run.timed_out);
    fixture_run_free(&run);
    assert_true(fixture_run_program(hangs, NULL, 50, &run));
    assert_true(run.timed_out);
    assert_int_equal(run.signal, 9);
    fixture_run_free(&run);
    assert_true(fixture_run_program(silent, NULL, 50, &run));
    assert_true(run.timed_out);
    fixture_run_free(&run);
    /* Under valgrind the child's exec fails too late for posix_spawn() to tell. */
    bool started = fixture_run_program(missing, NULL, PATIENCE_MS, &run);
    assert_true(!started || run.exit_code == 127);
    fixture_run_free(&run);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(tls_certificates, stop_server),
        cmocka_unit_test(child_program_is_run_and_bounded),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
