#include "sign_in/redirect_uri.h"

#include "base/error.h"
#include "platform/socket.h"
#include "transport/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char scheme[] = "http://";
enum { IPV4_LOOPBACK = 0x7f000001 };

static bool wrong(tacit_error *error, const char *what) {
    ti_error_argument(error, "options->redirect_uri", what);
    return false;
}

static bool is_clean(const char *text) {
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~') return false;
    return true;
}

/* Only as a browser writes them into its Host header. */
static bool read_host(ti_redirect_uri *uri, const char *text, size_t size) {
    if (size >= sizeof uri->host) return false;
    for (size_t i = 0; i < size; i++)
        uri->host[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    uri->host[size] = '\0';
    if (strcmp(uri->host, "localhost") == 0) {
        uri->ipv4 = IPV4_LOOPBACK;
        return uri->ipv6 = true;
    }
    if (strcmp(uri->host, "[::1]") == 0) return uri->ipv6 = true;
    return ti_socket_read_ipv4(uri->host, &uri->ipv4) && uri->ipv4 >> 24 == 127;
}

/* "", ":" or ":" and a number. */
static bool read_port(ti_redirect_uri *uri, const char *text, size_t size) {
    unsigned port = 0;

    if (size > sizeof ":65535" - 1) return false;
    for (size_t i = 1; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    uri->port = (uint16_t)port;
    return port <= UINT16_MAX;
}

/* What a browser would not send as it is could never be recognised when it comes. */
static bool survives_browser(const ti_redirect_uri *uri, tacit_error *error) {
    char *text = ti_redirect_uri_text(uri, 1);
    ti_url *url;
    bool ends_so;

    if (text == NULL) return ti_error_no_memory(error), false;
    url = ti_url_parse(text, "options->redirect_uri", error);
    free(text);
    if (url == NULL) return false;
    text = strchr(ti_url_text(url) + strlen(scheme), '/');
    ends_so = *uri->path == '\0' || strcmp(text, uri->path) == 0;
    ti_url_free(url);
    return ends_so || wrong(error, "has a path that a browser would change");
}

bool ti_redirect_uri_read(ti_redirect_uri *uri, const char *text, tacit_error *error) {
    const char *host, *port;

    *uri = (ti_redirect_uri){.text = text != NULL ? text : "http://127.0.0.1/"};
    if (!is_clean(uri->text)) return wrong(error, "holds a space or a control character");
    if (strncasecmp(uri->text, scheme, strlen(scheme)) != 0)
        return wrong(error, "is not http on this machine, where the listener could be");
    host = uri->text + strlen(scheme);
    uri->path = host + strcspn(host, "/?#");
    if (strpbrk(uri->path, "?#") != NULL) return wrong(error, "has a query or a fragment");
    port = *host == '[' ? host + strcspn(host, "]") : host;
    port += strcspn(port, ":/");
    if (!read_host(uri, host, (size_t)(port - host)))
        return wrong(error, "names neither 127.0.0.1 nor [::1] nor localhost");
    if (!read_port(uri, port, (size_t)(uri->path - port)))
        return wrong(error, "has a port that is none");
    return survives_browser(uri, error);
}

char *ti_redirect_uri_text(const ti_redirect_uri *uri, uint16_t port) {
    const char *host = uri->text + strlen(scheme);
    char *text;

    if (uri->port != 0) return strdup(uri->text);
    if (asprintf(&text, "%.*s%.*s:%u%s", (int)strlen(scheme), uri->text, (int)strlen(uri->host),
                 host, port, uri->path) < 0)
        return NULL;
    return text;
}

static bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool ti_redirect_uri_check(const char *text, tacit_error *error) {
    const char *c = text;

    if (text == NULL) return wrong(error, "is NULL, and nothing listens between the two calls");
    if (is_alpha(*c))
        while (is_alpha(*c) || (*c >= '0' && *c <= '9') || (*c != '\0' && strchr("+-.", *c))) c++;
    if (c == text || *c != ':' || c[1] == '\0') return wrong(error, "has no scheme");
    if (!is_clean(text)) return wrong(error, "holds a space or a control character");
    if (strchr(text, '#') != NULL) return wrong(error, "has a fragment");
    return true;
}
