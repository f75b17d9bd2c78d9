/* Answers as libmicrohttpd's responses, and the faults that break them on the wire. */
#include "server_internal.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <zlib.h>

static const char api_ok_body[] = "{\"ok\":true}";

/* A body that comes in pieces. Outlives neither the request nor its answer. */
typedef struct broken_body {
    ts_request *request;
    size_t pause_before; /* trickle: the byte before which it pauses next */
} broken_body;

/* A connected socket that is connected to nothing: Linux sends RST at once, where closing it would
 * send what libmicrohttpd still flushes, and FIN. */
static void reset_connection(struct MHD_Connection *connection) {
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (info) connect(info->connect_fd, &nowhere, sizeof nowhere);
}

static ssize_t read_half(void *data, uint64_t position, char *out, size_t room) {
    const broken_body *body = data;
    const ts_answer *answer = &body->request->answer;
    size_t half = answer->body_size / 2;

    if (position >= half) {
        reset_connection(body->request->connection);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t size = half - position < room ? half - position : room;
    memcpy(out, answer->body + position, size);
    return (ssize_t)size;
}

static ssize_t read_byte(void *data, uint64_t position, char *out, size_t room) {
    broken_body *body = data;
    ts_request *request = body->request;

    if (room == 0) return 0;
    if (position == body->pause_before) {
        body->pause_before++;
        if (ts_hold_for(request, request->fault->trickle_ms)) return 0;
    }
    *out = request->answer.body[position];
    return 1;
}

static struct MHD_Response *broken(ts_request *request, MHD_ContentReaderCallback read,
                                   size_t announced, size_t block) {
    broken_body *body = ts_alloc(sizeof *body);

    body->request = request;
    return MHD_create_response_from_callback(announced, block, read, body, free);
}

static void gzip(ts_answer *answer) {
    z_stream stream = {0};
    /* 16 more than the window's bits: a gzip header instead of zlib's */
    if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort();

    uLong bound = deflateBound(&stream, answer->body_size);
    char *packed = ts_alloc(bound);
    stream.next_in = (Bytef *)answer->body;
    stream.avail_in = (uInt)answer->body_size;
    stream.next_out = (Bytef *)packed;
    stream.avail_out = (uInt)bound;
    deflate(&stream, Z_FINISH);
    free(answer->body);
    answer->body = packed;
    answer->body_size = stream.total_out;
    deflateEnd(&stream);
    ts_answer_add_header(answer, "Content-Encoding: gzip");
}

static void add_header_lines(struct MHD_Response *response, const char *lines) {
    char *copy = ts_strdup(lines), *rest = copy;

    for (char *line; (line = strsep(&rest, "\n"));) {
        char *colon = strchr(line, ':');
        if (!colon) continue;
        *colon++ = '\0';
        MHD_add_response_header(response, line, colon + strspn(colon, " "));
    }
    free(copy);
}

struct MHD_Response *ts_response_new(ts_request *request) {
    ts_answer *answer = &request->answer;
    ts_fault_kind kind = request->fault ? request->fault->kind : TS_FAULT_NONE;
    struct MHD_Response *response;

    if (answer->is_api_ok) {
        answer->body = ts_strdup(api_ok_body);
        answer->body_size = sizeof api_ok_body - 1;
        answer->content_type = "application/json";
    }
    if (kind == TS_FAULT_GZIP) gzip(answer);
    /* One byte more than there is: half of an empty body is the whole of it. */
    if (kind == TS_FAULT_RESET) {
        response = broken(request, read_half, answer->body_size + 1, 16 * 1024);
    } else if (kind == TS_FAULT_TRICKLE) {
        response = broken(request, read_byte, answer->body_size, 1);
    } else if (answer->events) {
        response = ts_events_response(request);
    } else {
        /* The body lives in the request, which libmicrohttpd gives back only after sending. */
        response = MHD_create_response_from_buffer(answer->body_size, answer->body,
                                                   MHD_RESPMEM_PERSISTENT);
    }
    if (!response) return NULL;
    if (answer->content_type) {
        MHD_add_response_header(response, "Content-Type", answer->content_type);
    }
    if (answer->headers) add_header_lines(response, answer->headers);
    return response;
}
