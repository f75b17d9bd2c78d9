/* A certificate authority for one test. */
#include "fixture.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_S = 24 * 60 * 60 };

static const char ca_name[] = "tacit test CA";

static EVP_PKEY *new_key(void) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, NULL);
    EVP_PKEY *key = NULL;

    if (context && EVP_PKEY_keygen_init(context) > 0 &&
        EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) > 0) {
        EVP_PKEY_keygen(context, &key); /* leaves NULL where it fails */
    }
    EVP_PKEY_CTX_free(context);
    return key;
}

static bool add_extension(X509 *certificate, int nid, const char *value) {
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    bool ok = extension && X509_add_ext(certificate, extension, -1);

    X509_EXTENSION_free(extension);
    return ok;
}

static bool set_name(X509_NAME *name, const char *common_name) {
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name,
                                      -1, -1, 0);
}

/* Not signed yet. */
static X509 *new_certificate(EVP_PKEY *key, const char *subject, const char *issuer, long serial,
                             long ends_in_s) {
    X509 *certificate = X509_new();

    if (certificate && X509_set_version(certificate, 2) &&
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial) &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), -3L * DAY_S) &&
        X509_gmtime_adj(X509_getm_notAfter(certificate), ends_in_s) &&
        X509_set_pubkey(certificate, key) &&
        set_name(X509_get_subject_name(certificate), subject) &&
        set_name(X509_get_issuer_name(certificate), issuer)) {
        return certificate;
    }
    X509_free(certificate);
    return NULL;
}

static bool write_certificate(const char *path, X509 *certificate) {
    FILE *file = fopen(path, "w");
    bool ok = file && PEM_write_X509(file, certificate);

    if (file) ok = fclose(file) == 0 && ok;
    return ok;
}

static bool write_key(const char *path, EVP_PKEY *key) {
    FILE *file = fopen(path, "w");
    bool ok = file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);

    if (file) ok = fclose(file) == 0 && ok;
    return ok;
}

static bool write_ca(const char *path, EVP_PKEY *ca_key) {
    X509 *ca = new_certificate(ca_key, ca_name, ca_name, 1, 30L * DAY_S);
    bool ok = ca && add_extension(ca, NID_basic_constraints, "critical,CA:TRUE") &&
              add_extension(ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
              X509_sign(ca, ca_key, EVP_sha256()) && write_certificate(path, ca);

    X509_free(ca);
    return ok;
}

static bool write_server(const fixture_tls *tls, EVP_PKEY *ca_key, EVP_PKEY *key,
                         fixture_certificate kind) {
    bool wrong_host = kind == FIXTURE_CERTIFICATE_WRONG_HOST;
    const char *issuer = kind == FIXTURE_CERTIFICATE_UNKNOWN_CA ? "another CA" : ca_name;
    long ends_in_s = kind == FIXTURE_CERTIFICATE_EXPIRED ? -1L * DAY_S : 30L * DAY_S;
    X509 *certificate =
        new_certificate(key, wrong_host ? "other.example" : "localhost", issuer, 2, ends_in_s);
    bool ok = certificate &&
              add_extension(certificate, NID_subject_alt_name,
                            wrong_host ? "DNS:other.example" : "DNS:localhost,IP:127.0.0.1") &&
              add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
              X509_sign(certificate, ca_key, EVP_sha256()) &&
              write_certificate(tls->cert_file, certificate) && write_key(tls->key_file, key);

    X509_free(certificate);
    return ok;
}

bool fixture_tls_new(fixture_tls *tls, const char *directory, fixture_certificate certificate) {
    EVP_PKEY *ca_key = new_key(), *other_ca_key = new_key(), *key = new_key();
    bool foreign =
        certificate == FIXTURE_CERTIFICATE_UNKNOWN_CA || certificate == FIXTURE_CERTIFICATE_FORGED;

    tls->ca_file = fixture_path(directory, "ca.pem");
    tls->cert_file = fixture_path(directory, "server.pem");
    tls->key_file = fixture_path(directory, "server.key");
    bool ok = ca_key && other_ca_key && key && tls->ca_file && tls->cert_file && tls->key_file &&
              write_ca(tls->ca_file, ca_key) &&
              write_server(tls, foreign ? other_ca_key : ca_key, key, certificate);
    if (!ok) fixture_tls_free(tls);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other_ca_key);
    EVP_PKEY_free(ca_key);
    return ok;
}

void fixture_tls_free(fixture_tls *tls) {
    free(tls->ca_file);
    free(tls->cert_file);
    free(tls->key_file);
    memset(tls, 0, sizeof *tls);
}
