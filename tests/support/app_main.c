/* tacit-test-app: an app with the library in it, for tests that need it in a process of its own. The commands are in app_commands.c. */
#include "support/app_program.h"

#ifdef TS_WITH_REDIS
#include "support/redis.h"
#endif

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { END_MS = 20000 };

static const char usage[] =
    "tacit-test-app --provider JSON --api-url URL [options]: obeys commands on stdin until it "
    "ends.\n"
    "  --api-url URL              what the load asks for; its server is the origin\n"
    "  --issuer URL               what the provider is named by, instead of --provider\n"
    "  --store plain|file|memory|keyring|kernel|redis    default: memory\n"
    "  --directory DIR            of the plain or file store\n"
    "  --previous DIR             of the plain store from which the sign-in is to move\n"
    "  --own-locks                plain stores have lock and journal in their directories\n"
    "  --mark N                   the command of that name, before the sessions are opened\n"
    "  --redis URL, --redis-prefix TEXT    of the redis store\n"
    "  --state-dir DIR            of the client\n"
    "  --account NAME             several are possible; the first is the default\n"
    "  --lead-s N, --reactive, --scope SCOPE, --client-secret SECRET    of the sessions\n"
    "  --request-timeout-ms N, --refresh-timeout-ms N, --store-timeout-ms N   of the client\n"
    "  --verbose                  the library's log on stderr\n";

typedef struct settings {
    const char *provider_json, *issuer, *api_url, *store, *directory, *redis, *redis_prefix;
    const char *previous;
    bool own_locks;
    int mark; /* 0: none */
    const char *accounts[APP_ACCOUNTS_MAX];
    int account_count;
    tacit_client_options client;
    tacit_session_options session;
} settings;

static void fail(const char *what, const tacit_error *error) {
    fprintf(stderr, "tacit-test-app: %s: %s %s\n", what,
            error != NULL ? tacit_status_name(error->status) : "", error ? error->message : "");
    exit(1);
}

/* ------------------------------------------------------------------ options */

static void log_line(tacit_log_level level, const char *message, void *data) {
    (void)data;
    fprintf(stderr, "%d %d: %s\n", (int)getpid(), (int)level, message);
}

static bool take_flag(settings *s, const char *name) {
    if (strcmp(name, "--reactive") == 0) {
        s->session.policy = TACIT_POLICY_REACTIVE;
    } else if (strcmp(name, "--own-locks") == 0) {
        s->own_locks = true;
    } else if (strcmp(name, "--verbose") == 0) {
        s->client.log = log_line;
        s->client.log_level = TACIT_LOG_DEBUG;
    } else {
        return false;
    }
    return true;
}

static bool take_value(settings *s, const char *name, const char *value) {
    const struct {
        const char *name;
        const char **text;
        int *number;
    } options[] = {{"--provider", &s->provider_json, NULL},
                   {"--issuer", &s->issuer, NULL},
                   {"--api-url", &s->api_url, NULL},
                   {"--store", &s->store, NULL},
                   {"--directory", &s->directory, NULL},
                   {"--previous", &s->previous, NULL},
                   {"--mark", NULL, &s->mark},
                   {"--redis", &s->redis, NULL},
                   {"--redis-prefix", &s->redis_prefix, NULL},
                   {"--state-dir", &s->client.state_dir, NULL},
                   {"--scope", &s->session.scope, NULL},
                   {"--client-secret", &s->session.client_secret, NULL},
                   {"--lead-s", NULL, &s->session.refresh_lead_s},
                   {"--request-timeout-ms", NULL, &s->client.request_timeout_ms},
                   {"--refresh-timeout-ms", NULL, &s->client.refresh_timeout_ms},
                   {"--store-timeout-ms", NULL, &s->client.store_timeout_ms}};

    if (strcmp(name, "--account") == 0 && s->account_count < APP_ACCOUNTS_MAX) {
        s->accounts[s->account_count++] = value;
        return true;
    }
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strcmp(name, options[i].name) != 0) continue;
        if (options[i].number != NULL)
            *options[i].number = atoi(value);
        else
            *options[i].text = value;
        return true;
    }
    return false;
}

static void take_arguments(settings *s, char **arguments) {
    while (*arguments != NULL) {
        if (take_flag(s, arguments[0])) {
            arguments++;
        } else if (arguments[1] != NULL && take_value(s, arguments[0], arguments[1])) {
            arguments += 2;
        } else {
            fprintf(stderr, "tacit-test-app: %s?\n%s", arguments[0], usage);
            exit(2);
        }
    }
    if (s->provider_json == NULL || s->api_url == NULL || strstr(s->api_url, "/api/") == NULL)
        fail("--provider and --api-url are needed, and an URL with /api/ in it", NULL);
    if (s->account_count == 0) s->accounts[s->account_count++] = "default";
}

/* ------------------------------------------------------------------ opening */

static tacit_store *open_file_store(const char *directory, tacit_error *error) {
    tacit_store_file_options options = TACIT_STORE_FILE_OPTIONS_INIT;
    char key_file[512];

    snprintf(key_file, sizeof key_file, "%s/key", directory);
    options.directory = directory;
    options.key_file = key_file;
    return tacit_store_file(&options, error);
}

#ifdef TS_WITH_REDIS
static plain_store *open_redis_store(const settings *s, tacit_error *error) {
    tacit_store_redis_options options = redis_store_options(s->redis);
    tacit_store *store;

    options.prefix = s->redis_prefix;
    store = tacit_store_redis(&options, error);
    return store != NULL ? plain_store_over(store) : NULL;
}
#else
static plain_store *open_redis_store(const settings *s, tacit_error *error) {
    (void)s;
    (void)error;
    return NULL;
}
#endif

static plain_store *open_plain_store(const settings *s, const char *directory) {
    return s->own_locks ? plain_store_new_with_lock(directory) : plain_store_new(directory);
}

static void open_store(app_program *program, const settings *s) {
    const char *kind = s->store != NULL ? s->store : "memory";
    tacit_error error = TACIT_ERROR_INIT;

    if (strcmp(kind, "memory") != 0 && strcmp(kind, "keyring") != 0 && s->directory == NULL)
        fail("the store needs a --directory", NULL);
    if (strcmp(kind, "plain") == 0) {
        program->plain = open_plain_store(s, s->directory);
    } else if (strcmp(kind, "redis") == 0) {
        program->plain = open_redis_store(s, &error);
    } else if (strcmp(kind, "file") == 0) {
        program->store = open_file_store(s->directory, &error);
    } else if (strcmp(kind, "keyring") == 0) {
        program->store = tacit_store_keyring("org.example.tacit-test-app", &error);
    } else if (strcmp(kind, "kernel") == 0) {
        program->store = tacit_store_kernel_keyring(s->directory, &error);
    } else {
        program->store = tacit_store_memory();
    }
    if (program->plain != NULL)
        program->store = tacit_store_ref(plain_store_handle(program->plain));
    if (program->store == NULL) fail("the store", &error);
    if (s->previous != NULL) program->previous = open_plain_store(s, s->previous);
}

static void on_event(tacit_session *session, const tacit_event *event, void *data) {
    app_account *account = data;

    (void)session;
    if ((int)event->type >= APP_EVENTS) return;
    pthread_mutex_lock(&account->lock);
    account->events[event->type]++;
    if (event->error != NULL) account->event_error = *event->error;
    pthread_mutex_unlock(&account->lock);
}

static void open_account(app_program *program, const settings *s, const char *name) {
    app_account *account = &program->accounts[program->account_count++];
    tacit_session_options options = s->session;
    const char *origins[2] = {NULL, NULL};
    tacit_error error = TACIT_ERROR_INIT;
    char origin[256];

    snprintf(origin, sizeof origin, "%.*s", (int)(strstr(s->api_url, "/api/") - s->api_url),
             s->api_url);
    origins[0] = origin;
    account->name = name;
    account->api_url = s->api_url;
    pthread_mutex_init(&account->lock, NULL);
    options.client_id = "test-client";
    options.account = name;
    options.origins = origins;
    options.store = program->store;
    if (program->previous != NULL) options.previous_store = plain_store_handle(program->previous);
    options.on_event = on_event;
    options.event_data = account;
    account->session = tacit_session_open(program->client, program->provider, &options, &error);
    if (account->session == NULL) fail("tacit_session_open", &error);
}

static void open_all(app_program *program, const settings *s) {
    tacit_error error = TACIT_ERROR_INIT;

    pthread_mutex_init(&program->lock, NULL);
    pthread_cond_init(&program->changed, NULL);
    program->client = tacit_client_new(&s->client, &error);
    if (program->client == NULL) fail("tacit_client_new", &error);
    program->provider = s->issuer != NULL ? tacit_provider_from_issuer(s->issuer, &error)
                                          : tacit_provider_from_json(s->provider_json, &error);
    if (program->provider == NULL) fail("the provider", &error);
    open_store(program, s);
    if (s->mark > 0 && !app_mark(s->mark, false)) fail("die_shim is not loaded", NULL);
    for (int i = 0; i < s->account_count; i++) open_account(program, s, s->accounts[i]);
}

/* ------------------------------------------------------------------ commands */

static app_account *find_account(app_program *program, const char *name) {
    for (size_t i = 0; i < program->account_count; i++)
        if (strcmp(program->accounts[i].name, name) == 0) return &program->accounts[i];
    return &program->accounts[0];
}

static void free_command(app_command *command) {
    free(command->line);
    free(command);
}

/* *background: the line ends with &. */
static app_command *read_command(app_program *program, const char *line, long number,
                                 bool *background) {
    app_command *command = calloc(1, sizeof *command);
    char *rest = NULL, *next;

    if (command == NULL || (command->line = strdup(line)) == NULL) fail("no memory", NULL);
    command->program = program;
    command->account = &program->accounts[0];
    command->number = number;
    *background = false;
    for (next = strtok_r(command->line, " \n", &rest); next != NULL;
         next = strtok_r(NULL, " \n", &rest)) {
        if (next[0] == '@')
            command->account = find_account(program, next + 1);
        else if (strcmp(next, "&") == 0)
            *background = true;
        else if (command->word_count < APP_WORDS_MAX)
            command->words[command->word_count++] = next;
    }
    return command;
}

static void *run_in_background(void *data) {
    app_command *command = data;
    app_program *program = command->program;

    app_command_run(command);
    free_command(command);
    pthread_mutex_lock(&program->lock);
    program->background--;
    pthread_cond_broadcast(&program->changed);
    pthread_mutex_unlock(&program->lock);
    return NULL;
}

static void start_in_background(app_program *program, app_command *command) {
    pthread_t thread;

    pthread_mutex_lock(&program->lock);
    program->background++;
    pthread_mutex_unlock(&program->lock);
    if (pthread_create(&thread, NULL, run_in_background, command) != 0) fail("no thread", NULL);
    pthread_detach(thread);
}

static void obey(app_program *program) {
    char *line = NULL;
    size_t capacity = 0;

    for (long number = 1; getline(&line, &capacity, stdin) > 0; number++) {
        bool background;
        app_command *command = read_command(program, line, number, &background);

        if (background) {
            start_in_background(program, command);
        } else {
            app_command_run(command);
            free_command(command);
        }
    }
    free(line);
}

/* ------------------------------------------------------------------ the end */

/* false: something of the library goes on, and the process ends over it. */
static bool close_all(app_program *program) {
    bool closed;

    for (size_t i = 0; i < program->account_count; i++) {
        tacit_session_close(program->accounts[i].session, TACIT_NO_WAIT);
        app_load_free(program->accounts[i].load);
    }
    closed = tacit_client_shutdown(program->client, END_MS, NULL) == TACIT_OK;
    pthread_mutex_lock(&program->lock);
    while (program->background > 0) pthread_cond_wait(&program->changed, &program->lock);
    pthread_mutex_unlock(&program->lock);
    if (!closed) return false;
    tacit_client_unref(program->client);
    tacit_provider_unref(program->provider);
    tacit_store_unref(program->store);
    plain_store_free(program->plain);
    plain_store_free(program->previous);
    return true;
}

int main(int argc, char **argv) {
    settings s = {.client = TACIT_CLIENT_OPTIONS_INIT, .session = TACIT_SESSION_OPTIONS_INIT};
    app_program program = {0};

    (void)argc;
    prctl(PR_SET_PDEATHSIG,
          SIGKILL);      /* also where it is stopped, and cannot read that stdin ended */
    json_object_seed(0); /* jansson seeds lazily, which threads would race for */
    take_arguments(&s, argv + 1);
    open_all(&program, &s);
    obey(&program);
    if (!close_all(&program)) _exit(0);
    return 0;
}
