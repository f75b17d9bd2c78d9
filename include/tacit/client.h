/* A client: connections, TLS, proxy and threads, shared by the sessions of an app. One per process
 * is the usual number. */
#ifndef TACIT_CLIENT_H
#define TACIT_CLIENT_H

#include <tacit/error.h>

#define TACIT_VERSION_MAJOR 0
#define TACIT_VERSION_MINOR 1
#define TACIT_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Thread-safe and counted. Sessions keep it alive.
 *
 * After a fork() it belongs to the parent, as do its sessions and every store that was made before.
 * In the child a function on one of these answers TACIT_ERR_FORKED, or does nothing where it
 * answers no status; so the child neither ends the parent's connections nor frees what it has
 * inherited. Tokens, responses and providers stay usable. The child can make a client, stores and
 * sessions of its own, within what POSIX and the libraries below allow to a child of a process with
 * threads: the keyring, once used by the parent, needs an exec, and a child ends by _exit(), since
 * exit() has OpenSSL clean up, which waits for ever where a thread of the parent held its lock. A
 * child that was forked in a callback must not return from it. vfork() and posix_spawn() change
 * nothing.
 */
typedef struct tacit_client tacit_client;

typedef enum tacit_log_level {
    TACIT_LOG_ERROR = 1,
    TACIT_LOG_WARNING = 2,
    TACIT_LOG_INFO = 3,
    TACIT_LOG_DEBUG = 4 /* with libcurl's own text and the headers of answers, secrets masked */
} tacit_log_level;

/* Called on any thread, with no lock held; message is borrowed for the call and holds no secret. It
 * may call nothing of tacit. */
typedef void (*tacit_log_fn)(tacit_log_level level, const char *message, void *log_data);

/*
 * Hands a job to the app's own loop: arrange for run(job) on it, once, and return true. Late is
 * safe, also after tacit_client_shutdown(). false: not taken, the library runs the job itself.
 * Called by one thread at a time, with no lock held.
 */
typedef bool (*tacit_post_fn)(void (*run)(void *job), void *job, void *post_data);

/* For tests. Called on any thread, must not block. boot_ms never goes back and runs during suspend;
 * wall_ms is Unix time. Both may stand still: the next try for a lock that another process has comes
 * in real time. */
typedef struct tacit_clock {
    size_t struct_size;
    int64_t (*boot_ms)(void *clock_data);
    int64_t (*wall_ms)(void *clock_data);
    void *clock_data;
} tacit_clock;
#define TACIT_CLOCK_INIT TACIT_INIT(tacit_clock)

typedef struct tacit_client_options {
    size_t struct_size;
    const char *application_id;    /* reverse-DNS id of the app, "com.example.notes"; needed by the
                                      default store */
    const char *user_agent;        /* default: none is sent */
    const char *ca_file;           /* PEM; instead of the system's CAs */
    const char *ca_pem;            /* the same, as text */
    const char *pinned_public_key; /* "sha256//base64;sha256//..." as libcurl takes it; for the
                                      token endpoint and the origins */
    const char
        *proxy; /* NULL: from the environment, looked up once; "": none. Never used for loopback */
    const char *client_certificate_file; /* PEM; sent to the token endpoint and the origins only */
    /* With Schannel NULL: the certificate's file is PKCS #12 there, without a password, with the key. */
    const char *client_key_file;
    /* Where processes that share a record keep their lock and their journal, unless the store has a
     * place of its own; default $XDG_STATE_HOME/tacit or ~/.local/state/tacit, on macOS
     * ~/Library/Application Support/tacit, on Windows %LOCALAPPDATA%\tacit. The same for all
     * processes of the app. Made (0700) by the first sign-in or refresh in a store that other
     * processes see; must belong to the user, nobody else may write to it, and it must not lie on a
     * network file system: else nothing is sent, and calls that need a new token answer
     * TACIT_ERR_STORE_FAILED with what is wrong. */
    const char *state_dir;
    int connect_timeout_ms; /* 10 s */
    int request_timeout_ms; /* 60 s: default of every timeout_ms that waits for a request or a token
                             */
    int refresh_timeout_ms; /* 30 s: one grant */
    int store_timeout_ms;   /* 5 s: one call of a store */
    unsigned refresh_threads_max;  /* 4 */
    unsigned idle_connections_max; /* 16 */
    size_t thread_stack_bytes;     /* 256 KiB */
    size_t response_bytes_max;     /* 64 MiB, for answers collected in memory */
    tacit_log_fn log;              /* default: no log */
    void *log_data;
    tacit_log_level log_level; /* 0: warnings and errors */
    tacit_post_fn post;        /* default: events and completions run on a thread of the library */
    void *post_data;
    const tacit_clock *clock;   /* copied; what clock_data points to must outlive the client */
    unsigned calls_max;         /* 256: asynchronous requests on the wire at once */
    unsigned calls_waiting_max; /* 16,384: those that wait behind them, for the wire, a token or a
                                   retry */
    /* May be NULL; once, when nothing calls log, post or the clock any more, which may be when the
     * last token is given up; on any thread. Not where tacit_client_new() answers NULL. */
    void (*release)(void *release_data);
    void *release_data;
} tacit_client_options;
#define TACIT_CLIENT_OPTIONS_INIT TACIT_INIT(tacit_client_options)

/* flag: libcurl and jansson wipe all memory they free. Replaces their allocators for the whole
 * process. */
#define TACIT_GLOBAL_WIPE_LIBRARY_MEMORY 1u

/*
 * Optional, once, before any other use of tacit, libcurl or jansson and before other threads
 * start. Without it the first tacit_client_new() sets libcurl up with its own allocators.
 * TACIT_ERR_INVALID_ARGUMENT: an unknown flag, or the library is in use already.
 * TACIT_ERR_UNSUPPORTED: libcurl would not start.
 */
TACIT_API tacit_status tacit_global_init(unsigned flags, tacit_error *error);

/*
 * Yours; give it up with tacit_client_unref(). Never waits, starts no thread. options may be NULL.
 * TACIT_ERR_INVALID_ARGUMENT: a timeout below -1, a CA or certificate file that cannot be read, an
 *   unknown log level; a relative state_dir in a working directory that is gone, on Windows one that is
 *   not Unicode (os_error).
 * TACIT_ERR_UNSUPPORTED: this libcurl lacks something that was asked for (the message says what).
 */
TACIT_API tacit_client *tacit_client_new(const tacit_client_options *options, tacit_error *error);

/*
 * Closes all sessions, then waits at most timeout_ms (default 30 s), in all, for flights, saves and
 * calls. Idempotent, thread-safe.
 * TACIT_OK: no thread of the client is left, and every done has run, or was handed to post.
 * TACIT_ERR_TIMEOUT: a posted grant, a callback or a store call that hangs, is left behind and
 *   finishes by itself, as does the save it owes; what it needs, threads too, stays until then.
 *   Calling again waits for it.
 * TACIT_ERR_REENTRANT on a thread of the library (the closing has begun nevertheless). Jobs handed
 *   to post may still come afterwards.
 */
TACIT_API tacit_status tacit_client_shutdown(tacit_client *client, int timeout_ms,
                                             tacit_error *error);

/* Gives up the reference of tacit_client_new(). Never waits for the network or a store. On any
 * thread, callbacks included. */
TACIT_API void tacit_client_unref(tacit_client *client);

/* The network is back, or another one: ends every backoff, so that overdue refreshes start now.
 * Never waits. */
TACIT_API void tacit_client_network_changed(tacit_client *client);

/* The injected clock was moved: every timer and deadline is looked at again. Never waits. */
TACIT_API void tacit_client_clock_moved(tacit_client *client);

typedef struct tacit_client_stats {
    size_t struct_size;
    uint64_t sessions, calls_running, calls_waiting;         /* now; waiting: for a token */
    uint64_t requests, replays, refreshes, refresh_failures; /* since the client began */
} tacit_client_stats;
#define TACIT_CLIENT_STATS_INIT TACIT_INIT(tacit_client_stats)

/* Fills stats up to its struct_size; a NULL client or stats, or struct_size 0, leaves it alone.
 * Never waits. */
TACIT_API void tacit_client_get_stats(tacit_client *client, tacit_client_stats *stats);

/* Of the library that runs: "0.1.0". */
TACIT_API const char *tacit_version(void);

/* malloc() and free(); tacit_free() wipes first, and takes what malloc() gave as well, where both
 * are of the same C library (on Windows they need not be). */
TACIT_API void *tacit_alloc(size_t size);
TACIT_API void tacit_free(void *memory);

#ifdef __cplusplus
}
#endif
#endif
