/* libcurl and its TLS, and the clock. */
#include "doctor.h"

#include <curl/curl.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include <tacit/client.h>

enum { DAY_S = 24 * 60 * 60 };

static bool has_protocol(const curl_version_info_data *curl, const char *name) {
    for (const char *const *protocol = curl->protocols; *protocol != NULL; protocol++)
        if (strcmp(*protocol, name) == 0) return true;
    return false;
}

static bool is_readable(const char *path) {
    return path != NULL && access(path, R_OK) == 0;
}

/* Without them every https request fails, whatever the server. Some TLS backends need no files. */
static void look_at_authorities(doctor *doctor, const curl_version_info_data *curl) {
#if LIBCURL_VERSION_NUM >= 0x074600
    if (curl->age < CURLVERSION_SEVENTH || (curl->cainfo == NULL && curl->capath == NULL)) return;
    if (is_readable(curl->cainfo) || is_readable(curl->capath)) return;
    finding_problem(&doctor->findings,
                    "Install them (Debian: ca-certificates), or set the client's ca_file.",
                    "certificate authorities", "%s is not there",
                    curl->cainfo != NULL ? curl->cainfo : curl->capath);
#else
    (void)doctor;
    (void)curl;
#endif
}

static void look_at_curl(doctor *doctor) {
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);

    if (curl->ssl_version == NULL || !has_protocol(curl, "https")) {
        finding_problem(&doctor->findings, "Use a libcurl that was built with TLS.", "libcurl",
                        "%s has no TLS", curl->version);
        return;
    }
    finding_well("libcurl", "%s, TLS by %s%s", curl->version, curl->ssl_version,
                 (curl->features & CURL_VERSION_HTTP2) != 0 ? ", with HTTP/2" : ", without HTTP/2");
    look_at_authorities(doctor, curl);
}

static void format_date(time_t time, char *text, size_t size) {
    struct tm parts;

    if (gmtime_r(&time, &parts) == NULL || strftime(text, size, "%F %T UTC", &parts) == 0)
        snprintf(text, size, "?");
}

/* A program is never older than the day on which it was installed. */
static time_t installed_at(void) {
    struct stat program;

    return stat("/proc/self/exe", &program) == 0 ? program.st_mtime : 0;
}

static bool is_synchronised(void) {
    struct timex state = {.modes = 0};

    return adjtimex(&state) >= 0 && (state.status & STA_UNSYNC) == 0;
}

static void look_at_clock(doctor *doctor) {
    time_t now = time(NULL), installed = installed_at();
    char date[64], earliest[64];

    format_date(now, date, sizeof date);
    format_date(installed, earliest, sizeof earliest);
    if (now < installed - DAY_S)
        finding_problem(&doctor->findings,
                        "Set the clock (timedatectl set-ntp true): with a wrong one TLS refuses "
                        "every server.",
                        "clock", "it says %s, but this program was installed on %s", date,
                        earliest);
    else
        finding_well("clock", "%s, %s", date,
                     is_synchronised() ? "synchronised" : "not synchronised");
}

void doctor_look_at_system(doctor *doctor) {
    finding_well("tacit", "%s", tacit_version());
    look_at_curl(doctor);
    look_at_clock(doctor);
}
