/* The server's life: listening, going away, coming back, and its end. */
#include "server_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LISTEN_BACKLOG = 4096, CONNECTION_LIMIT = 16384, CONNECTION_MEMORY = 32 * 1024 };

int64_t ts_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Test code: without memory there is nothing left to test. */
void *ts_alloc(size_t size) {
    void *memory = calloc(1, size ? size : 1);
    if (!memory) abort();
    return memory;
}

char *ts_strdup(const char *text) {
    return text ? ts_format("%s", text) : NULL;
}

char *ts_format(const char *format, ...) {
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) abort();
    return text;
}

const char *ts_keep_string_locked(ts_server *server, char *text) {
    size_t size = (server->string_count + 1) * sizeof *server->strings;
    char **strings = realloc(server->strings, size);

    if (!strings) abort();
    strings[server->string_count++] = text;
    server->strings = strings;
    return text;
}

static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text = ts_alloc(256 * 1024);

    if (!file || fread(text, 1, 256 * 1024 - 1, file) == 0) {
        free(text);
        text = NULL;
    }
    if (file) fclose(file);
    return text;
}

static int bound_socket(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0) return -1;
    /* Linux lets two such sockets share a port as long as at most one of them listens. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* accepted sockets inherit it */
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

static bool reserve_port(ts_listener *listener, uint16_t port) {
    struct sockaddr_in address;
    socklen_t size = sizeof address;

    listener->reserved_fd = bound_socket(port);
    if (listener->reserved_fd < 0) return false;
    if (getsockname(listener->reserved_fd, (struct sockaddr *)&address, &size) != 0) return false;
    listener->port = ntohs(address.sin_port);
    return true;
}

static struct MHD_Daemon *start_daemon(ts_server *server, int listen_fd) {
    /* Not epoll: with 0.9.75 one of 1,000 connections at once is left unread now and then. */
    unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;
    size_t memory = CONNECTION_MEMORY + 4 * server->options.token_size;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, server->cert_pem},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, server->key_pem},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};

    if (server->cert_pem) flags |= MHD_USE_TLS;
    return MHD_start_daemon(flags, 0, NULL, NULL, ts_http_handle, server, MHD_OPTION_LISTEN_SOCKET,
                            (MHD_socket)listen_fd, MHD_OPTION_NOTIFY_COMPLETED, ts_http_completed,
                            server, MHD_OPTION_NOTIFY_CONNECTION, ts_http_connection, server,
                            MHD_OPTION_THREAD_POOL_SIZE, server->options.threads,
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTION_LIMIT,
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory, MHD_OPTION_ARRAY,
                            server->cert_pem ? tls : plain, MHD_OPTION_END);
}

static bool open_listener(ts_server *server, ts_listener *listener) {
    bool ok = true;

    pthread_mutex_lock(&server->lifecycle);
    if (listener->port && !listener->daemon) {
        int fd = bound_socket(listener->port);
        if (fd >= 0 && listen(fd, LISTEN_BACKLOG) == 0) listener->daemon = start_daemon(server, fd);
        if (!listener->daemon && fd >= 0) close(fd);
        ok = listener->daemon != NULL;
    }
    pthread_mutex_unlock(&server->lifecycle);
    return ok;
}

static void close_listener(ts_server *server, ts_listener *listener) {
    pthread_mutex_lock(&server->lifecycle);
    if (listener->daemon) {
        /* libmicrohttpd cannot be stopped while connections are suspended. */
        ts_release_all(server);
        MHD_stop_daemon(listener->daemon);
        listener->daemon = NULL;
        pthread_mutex_lock(&server->lock);
        server->draining = false;
        pthread_mutex_unlock(&server->lock);
    }
    pthread_mutex_unlock(&server->lifecycle);
}

void server_authorization_go_away(ts_server *server) {
    close_listener(server, &server->authorization_listener);
}

bool server_authorization_come_back(ts_server *server) {
    return open_listener(server, &server->authorization_listener);
}

void server_go_away(ts_server *server) {
    close_listener(server, &server->authorization_listener);
    close_listener(server, &server->listener);
}

bool server_come_back(ts_server *server) {
    return open_listener(server, &server->listener) && server_authorization_come_back(server);
}

static void keep_option_strings_locked(ts_server *server, ts_options *options) {
    const char **string;

    for (size_t i = 0; (string = ts_option_string(options, i)); i++) {
        if (*string) *string = ts_keep_string_locked(server, ts_strdup(*string));
    }
}

ts_options server_options(ts_server *server) {
    pthread_mutex_lock(&server->lock);
    ts_options options = server->options;
    pthread_mutex_unlock(&server->lock);
    return options;
}

void server_configure(ts_server *server, const ts_options *options) {
    ts_options changed = *options;

    pthread_mutex_lock(&server->lock);
    changed.port = server->options.port;
    changed.threads = server->options.threads;
    changed.record_limit = server->options.record_limit;
    changed.tls_cert = server->options.tls_cert;
    changed.tls_key = server->options.tls_key;
    changed.own_authorization_port = server->options.own_authorization_port;
    keep_option_strings_locked(server, &changed);
    server->options = changed;
    pthread_mutex_unlock(&server->lock);
}

const char *server_url(ts_server *server, const char *path) {
    pthread_mutex_lock(&server->lock);
    const char *url = ts_keep_string_locked(server, ts_format("%s%s", server->base_url, path));
    pthread_mutex_unlock(&server->lock);
    return url;
}

static struct MHD_Response *new_api_ok(void) {
    static char body[] = "{\"ok\":true}";
    struct MHD_Response *response =
        MHD_create_response_from_buffer(sizeof body - 1, body, MHD_RESPMEM_PERSISTENT);

    if (!response) abort();
    MHD_add_response_header(response, "Content-Type", "application/json");
    return response;
}

static ts_server *new_server(const ts_options *options) {
    ts_server *server = ts_alloc(sizeof *server);
    pthread_condattr_t monotonic;

    json_object_seed(0); /* jansson seeds lazily, which threads would race for */
    pthread_mutex_init(&server->lifecycle, NULL);
    pthread_mutex_init(&server->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    server->listener.reserved_fd = server->authorization_listener.reserved_fd = -1;
    server->api_ok = new_api_ok();
    server->options = *options;
    keep_option_strings_locked(server, &server->options);
    return server;
}

static void free_server(ts_server *server) {
    for (int part = 0; part < TS_PARTS; part++) {
        server_faults_clear(server, (ts_part)part);
        ts_records_free(&server->records[part]);
    }
    for (size_t i = 0; i < server->string_count; i++) free(server->strings[i]);
    free(server->strings);
    ts_tokens_free(&server->tokens);
    ts_codes_free(server->codes);
    ts_devices_free(server->devices);
    ts_telemetry_free(&server->telemetry);
    MHD_destroy_response(server->api_ok);
    if (server->listener.reserved_fd >= 0) close(server->listener.reserved_fd);
    if (server->authorization_listener.reserved_fd >= 0) {
        close(server->authorization_listener.reserved_fd);
    }
    free(server->base_url);
    free(server->authorization_url);
    free(server->cert_pem);
    free(server->key_pem);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    pthread_mutex_destroy(&server->lifecycle);
    free(server);
}

static char *base_url(const ts_server *server, const ts_listener *listener) {
    return ts_format("%s://127.0.0.1:%u", server->cert_pem ? "https" : "http", listener->port);
}

static const char *open_server(ts_server *server) {
    const ts_options *options = &server->options;

    if (options->tls_cert) {
        server->cert_pem = read_file(options->tls_cert);
        server->key_pem = options->tls_key ? read_file(options->tls_key) : NULL;
        if (!server->cert_pem || !server->key_pem) return "no certificate or key";
    }
    if (!reserve_port(&server->listener, options->port)) return "no port";
    if (options->own_authorization_port && !reserve_port(&server->authorization_listener, 0)) {
        return "no second port";
    }
    server->base_url = base_url(server, &server->listener);
    server->authorization_url =
        base_url(server, server->authorization_listener.port ? &server->authorization_listener
                                                             : &server->listener);
    bool listens = server_come_back(server);
    if (listens && pthread_create(&server->keeper, NULL, ts_keeper, server) == 0) return NULL;
    server_go_away(server);
    return listens ? "no thread" : "cannot listen";
}

ts_server *server_start(const ts_options *options) {
    ts_options defaults = TS_OPTIONS_INIT;
    ts_server *server = new_server(options ? options : &defaults);
    const char *problem = open_server(server);

    if (!problem) return server;
    fprintf(stderr, "test server: %s (%s)\n", problem, strerror(errno));
    free_server(server);
    return NULL;
}

void server_stop(ts_server *server) {
    if (!server) return;

    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    pthread_join(server->keeper, NULL);
    server_go_away(server);
    free_server(server);
}
