/*
 * GET /api/events?n=N&interval_ms=N: server-sent events (WHATWG HTML, section "Server-sent events").
 *
 * Event 1 is due with the first request, each further one interval_ms later, whoever listens. After
 * Last-Event-ID come those that were missed; without it, those that are yet to come. A stream ends with its
 * token, in the midst of the event that is due then. After event N there is nothing more: 204.
 */
#include "server_internal.h"

#include <stdlib.h>
#include <string.h>

enum { EVENTS_MAX = 1000000, INTERVAL_MAX_MS = 600000 };

/* What is being said to one client. Outlives neither the request nor its answer. */
typedef struct stream {
    ts_request *request;
    const char *token; /* borrowed from the request */
    int64_t began_ms;
    long event, last, interval_ms; /* event: the next */
    bool ends;
    char *text; /* NULL: the next event is still to come */
    size_t size, sent;
} stream;

static const char *token_of(const ts_request *request) {
    return ts_request_header(request, "Authorization") + strlen("Bearer ");
}

static int64_t began_ms(ts_server *server) {
    pthread_mutex_lock(&server->lock);
    if (server->events_began_ms == 0) server->events_began_ms = ts_now_ms();
    int64_t began = server->events_began_ms;
    pthread_mutex_unlock(&server->lock);
    return began;
}

static long first_event(const ts_request *request, int64_t began, long interval_ms) {
    const char *last_id = ts_request_header(request, "Last-Event-ID");

    if (last_id) return strtol(last_id, NULL, 10) + 1;
    return interval_ms > 0 ? (long)((ts_now_ms() - began) / interval_ms) + 1 : 1;
}

static stream stream_of(ts_request *request) {
    stream s = {.request = request, .token = token_of(request)};

    s.began_ms = began_ms(request->server);
    s.last = ts_request_number(request, "n", 10, EVENTS_MAX);
    s.interval_ms = ts_request_number(request, "interval_ms", 10, INTERVAL_MAX_MS);
    s.event = first_event(request, s.began_ms, s.interval_ms);
    return s;
}

void ts_process_events(ts_request *request) {
    stream s = stream_of(request);

    request->answer.status = s.event > s.last ? 204 : 200;
    if (request->answer.status == 204) return;
    request->answer.events = true;
    request->answer.content_type = "text/event-stream";
    ts_answer_add_header(&request->answer, "Cache-Control: no-store");
}

static bool is_live(const stream *s) {
    ts_server *server = s->request->server;

    pthread_mutex_lock(&server->lock);
    bool live = ts_tokens_check_access_locked(server, s->token) != NULL;
    pthread_mutex_unlock(&server->lock);
    return live;
}

/* Each with another of the three ends that a line may have. */
static char *event_text(const stream *s, bool is_first) {
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    const char *e = ends[s->event % 3];
    char *greeting =
        is_first ? ts_format("\xEF\xBB\xBF: hello%sretry: 20%s%s", e, e, e) : ts_strdup("");
    char *text = ts_format("%sevent: tick%sid: %ld%s: nobody reads this%sdata: of%sdata:%ld%s%s",
                           greeting, e, s->event, e, e, e, s->last, e, e);

    free(greeting);
    return text;
}

/* true: the connection is held until the event is due. */
static bool begin_event(stream *s, bool is_first) {
    int64_t wait_ms = s->began_ms + (s->event - 1) * s->interval_ms - ts_now_ms();

    if (wait_ms > 0 && ts_hold_for(s->request, (int)wait_ms)) return true;
    s->ends = !is_live(s);
    s->text = event_text(s, is_first);
    s->size = strlen(s->text) / (s->ends ? 2 : 1);
    s->sent = 0;
    return false;
}

static void end_event(stream *s) {
    free(s->text);
    s->text = NULL;
    s->ends = s->ends || s->event == s->last;
    s->event++;
}

static ssize_t read_events(void *data, uint64_t position, char *out, size_t room) {
    stream *s = data;

    if (room == 0) return 0;
    if (s->ends && !s->text) return MHD_CONTENT_READER_END_OF_STREAM;
    if (!s->text && begin_event(s, position == 0)) return 0;
    size_t size = s->size - s->sent < room ? s->size - s->sent : room;
    memcpy(out, s->text + s->sent, size);
    s->sent += size;
    if (s->sent == s->size) end_event(s);
    return (ssize_t)size;
}

static void free_stream(void *data) {
    stream *s = data;

    free(s->text);
    free(s);
}

struct MHD_Response *ts_events_response(ts_request *request) {
    stream *s = ts_alloc(sizeof *s);

    *s = stream_of(request);
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, read_events, s, free_stream);
}
