/* What Schannel takes of the options for TLS. A handshake is not tried: wine cannot verify certificates. */
#include "unit/transport_fixture.h"

#include <curl/curl.h>

#include <stdio.h>

/* Any file: it is read with the first handshake. */
static char file[L_tmpnam];

static int set_up(void **state) {
    FILE *made = tmpnam(file) ? fopen(file, "w") : NULL;
    return made && fclose(made) == 0 ? fixture_set_up(state) : -1;
}

static int tear_down(void **state) {
    remove(file);
    return fixture_tear_down(state);
}

static void this_libcurl_has_schannel(void **state) {
    (void)state;
    assert_non_null(strstr(curl_version_info(CURLVERSION_NOW)->ssl_version, "Schannel"));
}

static void trust_of_ones_own_is_taken(void **state) {
    fixture *f = *state;
    const char **const options[] = {&f->options.ca_file, &f->options.client_certificate_file,
                                    &f->options.ca_pem, &f->options.pinned_public_key};
    const char *const values[] = {file, file, "-----BEGIN CERTIFICATE-----",
                                  "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        *options[i] = values[i];
        ti_transport *transport = ti_transport_new(&f->options, &f->error);
        if (!transport) fail_msg("option %zu: %s", i, f->error.message);
        ti_transport_free(transport);
        *options[i] = NULL;
    }
}

static void a_key_in_a_file_of_its_own_is_refused(void **state) {
    fixture *f = *state;
    f->options.client_certificate_file = f->options.client_key_file = file;

    assert_null(ti_transport_new(&f->options, &f->error));

    assert_int_equal(f->error.status, TACIT_ERR_UNSUPPORTED);
    assert_non_null(strstr(f->error.message, "client_key_file"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(this_libcurl_has_schannel),
        CASE(trust_of_ones_own_is_taken),
        CASE(a_key_in_a_file_of_its_own_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
