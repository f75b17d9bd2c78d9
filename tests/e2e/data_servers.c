#include "e2e/data_servers.h"

#include "e2e/daemon.h"
#include "support/fixture.h"
#include "support/plain_client.h"
#include "support/unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PASSWORD "between-test-and-database"

enum { ENVIRONMENT_SIZE = 6, ARGUMENTS_MAX = 16 };

struct data_servers {
    char *directory;
    char *database_socket, *redis_socket;
    daemon_process database, redis;
    char *environment[ENVIRONMENT_SIZE];
};

static char *text(const char *format, const char *value) {
    char *made = NULL;

    assert_true(asprintf(&made, format, value) > 0);
    return made;
}

/* What the program prints. */
static char *run(const char *const *argv) {
    fixture_run run;

    assert_true(fixture_run_program(argv, NULL, PATIENCE_MS, &run));
    if (run.exit_code != 0) fail_msg("%s: %s", argv[0], run.output);
    return run.output;
}

static void install_database(const char *data, const char *temporary, const char *user) {
    const char *const argv[] = {E2E_MARIADB_INSTALL_DB,
                                "--no-defaults",
                                "--auth-root-authentication-method=normal",
                                "--skip-test-db",
                                "--innodb-log-file-size=4M",
                                data,
                                temporary,
                                user,
                                NULL};

    free(run(argv));
}

/* Its account stands in a file that the server runs before it listens. */
static char *write_accounts(const char *directory) {
    char *name = fixture_path(directory, "accounts.sql");
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    fputs("CREATE DATABASE app;\n"
          "CREATE USER app@localhost IDENTIFIED BY '" PASSWORD "';\n"
          "GRANT ALL ON app.* TO app@localhost;\n",
          file);
    assert_int_equal(fclose(file), 0);
    return name;
}

static void start_database(data_servers *servers) {
    char *data_directory = fixture_path(servers->directory, "database");
    char *data = text("--datadir=%s", data_directory);
    /* Where others put theirs too, it removes them when it starts. */
    char *temporary = text("--tmpdir=%s", servers->directory);
    char *accounts_file = write_accounts(servers->directory);
    char *accounts = text("--init-file=%s", accounts_file);
    char *socket = text("--socket=%s", servers->database_socket);
    char *log = fixture_path(servers->directory, "database.log");
    const char *user = geteuid() == 0 ? "--user=root" : NULL; /* else it refuses to */
    const char *const argv[] = {E2E_MARIADBD,
                                "--no-defaults",
                                "--skip-networking",
                                "--innodb-log-file-size=4M",
                                "--innodb-buffer-pool-size=16M",
                                data,
                                socket,
                                accounts,
                                temporary,
                                user,
                                NULL};

    install_database(data, temporary, user);
    daemon_start(&servers->database, argv, NULL, log);
    free(data_directory);
    free(data);
    free(temporary);
    free(accounts_file);
    free(accounts);
    free(socket);
    free(log);
}

static void start_redis(data_servers *servers) {
    char *log = fixture_path(servers->directory, "redis.log");
    const char *const argv[] = {E2E_REDIS_SERVER,      "--port", "0", "--unixsocket",
                                servers->redis_socket, "--save", "",  "--dir",
                                servers->directory,    NULL};

    daemon_start(&servers->redis, argv, NULL, log);
    free(log);
}

static void wait_socket(daemon_process *daemon, const char *path) {
    int64_t deadline_ms = now_ms() + PATIENCE_MS;

    while (access(path, F_OK) != 0) {
        if (!daemon_runs(daemon) || now_ms() >= deadline_ms)
            fail_msg("no %s: %s", path, daemon_says(daemon, 0));
        poll(NULL, 0, 5);
    }
}

data_servers *data_servers_start(bool wants_database, bool wants_redis) {
    data_servers *servers = calloc(1, sizeof *servers);

    assert_non_null(servers);
    servers->directory = fixture_directory_new();
    assert_non_null(servers->directory);
    servers->database_socket = fixture_path(servers->directory, "database.socket");
    servers->redis_socket = fixture_path(servers->directory, "redis.socket");
    if (wants_redis) start_redis(servers);
    if (wants_database) {
        start_database(servers);
        wait_socket(&servers->database, servers->database_socket);
    }
    if (wants_redis) wait_socket(&servers->redis, servers->redis_socket);
    servers->environment[0] = text("DB_SOCKET=%s", servers->database_socket);
    servers->environment[1] = text("DB_NAME=%s", "app");
    servers->environment[2] = text("DB_USER=%s", "app");
    servers->environment[3] = text("DB_PASSWORD=%s", PASSWORD);
    servers->environment[4] = text("REDIS_SOCKET=%s", servers->redis_socket);
    return servers;
}

void data_servers_stop(data_servers *servers) {
    if (servers == NULL) return;
    daemon_stop(&servers->database);
    daemon_stop(&servers->redis);
    fixture_directory_free(servers->directory);
    for (size_t i = 0; i < ENVIRONMENT_SIZE; i++) free(servers->environment[i]);
    free(servers->database_socket);
    free(servers->redis_socket);
    free(servers);
}

const char *data_servers_directory(const data_servers *servers) {
    return servers->directory;
}

const char *const *data_servers_environment(const data_servers *servers) {
    return (const char *const *)servers->environment;
}

char *data_servers_sql(const data_servers *servers, const char *statement) {
    char *socket = text("--socket=%s", servers->database_socket);
    const char *const argv[] = {
        "mariadb", "--no-defaults",       socket,      "--user=app", "--password=" PASSWORD,
        "--batch", "--skip-column-names", "--execute", statement,    "app",
        NULL};
    char *printed = run(argv);

    free(socket);
    return printed;
}

char *data_servers_redis(const data_servers *servers, const char *const *command) {
    const char *argv[ARGUMENTS_MAX] = {"redis-cli", "-s", servers->redis_socket};
    size_t count = 3;

    for (; *command != NULL; command++) {
        assert_true(count + 1 < ARGUMENTS_MAX);
        argv[count++] = *command;
    }
    return run(argv);
}
