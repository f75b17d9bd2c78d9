#include "support/keyring.h"

#include "support/unit.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SERVICE_NAME "org.freedesktop.secrets"
#define HOME_PREFIX "/tmp/tacit-keyring-"
#define PATIENCE_MS 20000

static char home[64];
static pid_t bus, service;

static const char bus_configuration[] =
    "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
    " \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
    "<busconfig><type>session</type><auth>EXTERNAL</auth><listen>unix:path=%s/bus</listen>\n"
    "<policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\n"
    "<allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>\n";

static void pause_ms(long ms) {
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void path_in_home(char *path, size_t size, const char *name) {
    snprintf(path, size, "%s/%s", home, name);
}

static void write_bus_configuration(void) {
    char path[128];
    FILE *file;

    path_in_home(path, sizeof path, "bus.conf");
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, bus_configuration, home);
    assert_int_equal(fclose(file), 0);
}

void keyring_home_make(void) {
    static const char *const variables[] = {"HOME",           "XDG_RUNTIME_DIR",
                                            "XDG_DATA_HOME",  "XDG_CONFIG_HOME",
                                            "XDG_CACHE_HOME", "XDG_STATE_HOME"};
    char address[128];

    strcpy(home, HOME_PREFIX "XXXXXX");
    assert_non_null(mkdtemp(home));
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) setenv(variables[i], home, 1);
    snprintf(address, sizeof address, "unix:path=%s/bus", home);
    setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
    unsetenv("DISPLAY");
    unsetenv("WAYLAND_DISPLAY");
    unsetenv("GNOME_KEYRING_CONTROL");
    write_bus_configuration();
}

void keyring_home_remove(void) {
    const char *const remove[] = {"rm", "-rf", home, NULL};

    assert_int_equal(keyring_wait(keyring_spawn(remove)), 0);
}

void keyring_home_check(void) {
    const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");

    if (address == NULL || strstr(address, "unix:path=" HOME_PREFIX) != address) {
        fputs("This is not the bus of a test.\n", stderr);
        abort();
    }
}

/* Asked for before the fork: the child of a test under valgrind would find valgrind. */
static void path_of_self(char *path, size_t size) {
    ssize_t length = readlink("/proc/self/exe", path, size - 1);

    assert_true(length > 0);
    path[length] = '\0';
}

/* input: what the program reads, NULL for nothing. Its output goes to a file in the home. */
static pid_t spawn(const char *const *arguments, const char *input) {
    char log[128], self[4096];
    const char *program = strcmp(arguments[0], "self") == 0 ? self : arguments[0];
    int pipe_ends[2];
    pid_t pid;

    path_of_self(self, sizeof self);
    path_in_home(log, sizeof log, "log");
    assert_int_equal(pipe(pipe_ends), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(pipe_ends[0], 0);
        dup2(out, 1);
        dup2(out, 2);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        execvp(program, (char *const *)arguments);
        _exit(127);
    }
    close(pipe_ends[0]);
    if (input != NULL) assert_int_equal(write(pipe_ends[1], input, strlen(input)), strlen(input));
    close(pipe_ends[1]);
    return pid;
}

pid_t keyring_spawn(const char *const *arguments) {
    return spawn(arguments, NULL);
}

int keyring_wait(pid_t pid) {
    int status = -1;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void stop(pid_t *pid) {
    if (*pid == 0) return;
    kill(*pid, SIGKILL);
    waitpid(*pid, NULL, 0);
    *pid = 0;
}

/* The socket is there a moment before anyone listens. */
static bool answers(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected;

    assert_true(fd >= 0);
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    connected = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return connected;
}

void keyring_bus_start(void) {
    char configuration[160], path[128];
    const char *const arguments[] = {"dbus-daemon", "--nofork", configuration, NULL};

    snprintf(configuration, sizeof configuration, "--config-file=%s/bus.conf", home);
    path_in_home(path, sizeof path, "bus");
    unlink(path);
    bus = spawn(arguments, NULL);
    for (int waited = 0; !answers(path); waited += 5) {
        assert_true(waited < PATIENCE_MS);
        pause_ms(5);
    }
}

void keyring_bus_stop(void) {
    stop(&bus);
}

/* libdbus, which the bus brings along: loaded here, so that the tests build without it. */
typedef struct connection connection;
static struct {
    connection *(*open)(const char *address, void *error);
    unsigned (*enroll)(connection *connection, void *error);
    int (*request_name)(connection *connection, const char *name, unsigned flags, void *error);
    unsigned (*name_has_owner)(connection *connection, const char *name, void *error);
    void (*close)(connection *connection);
    void (*unref)(connection *connection);
} dbus;

static connection *connect_to_bus(void) {
    void *library = dlopen("libdbus-1.so.3", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    connection *made;

    keyring_home_check();
    assert_non_null(library);
    *(void **)&dbus.open = dlsym(library, "dbus_connection_open_private");
    *(void **)&dbus.enroll = dlsym(library, "dbus_bus_register");
    *(void **)&dbus.request_name = dlsym(library, "dbus_bus_request_name");
    *(void **)&dbus.name_has_owner = dlsym(library, "dbus_bus_name_has_owner");
    *(void **)&dbus.close = dlsym(library, "dbus_connection_close");
    *(void **)&dbus.unref = dlsym(library, "dbus_connection_unref");
    made = dbus.open(getenv("DBUS_SESSION_BUS_ADDRESS"), NULL);
    assert_non_null(made);
    assert_true(dbus.enroll(made, NULL));
    return made;
}

static void disconnect(connection *connection) {
    dbus.close(connection);
    dbus.unref(connection);
}

static void wait_for_service(bool there) {
    connection *connection = connect_to_bus();

    for (int waited = 0; dbus.name_has_owner(connection, SERVICE_NAME, NULL) != there;
         waited += 5) {
        assert_true(waited < PATIENCE_MS);
        pause_ms(5);
    }
    disconnect(connection);
}

void keyring_service_start(const char *password) {
    const char *const with[] = {"gnome-keyring-daemon", "--foreground", "--unlock",
                                "--components=secrets", NULL};
    const char *const without[] = {"gnome-keyring-daemon", "--foreground", "--components=secrets",
                                   NULL};

    service = spawn(password == NULL ? without : with, password);
    wait_for_service(true);
}

void keyring_service_stop(void) {
    if (service == 0) return;
    stop(&service);
    if (bus != 0) wait_for_service(false);
}

static const char hang_argument[] = "--own-the-name-and-hang";

void keyring_hanging_service_main(int argc, char **argv) {
    connection *connection;

    if (argc != 2 || strcmp(argv[1], hang_argument) != 0) return;
    connection = connect_to_bus();
    dbus.request_name(connection, SERVICE_NAME, 0, NULL);
    for (;;) pause();
}

void keyring_hanging_service_start(void) {
    const char *const arguments[] = {"self", hang_argument, NULL};

    service = spawn(arguments, NULL);
    wait_for_service(true);
}

void keyring_lock(void *unused, bool locked) {
    (void)unused;
    keyring_service_stop();
    keyring_service_start(locked ? "the wrong password" : KEYRING_PASSWORD);
}

void keyring_take_away(void *unused, bool away) {
    (void)unused;
    if (away)
        keyring_service_stop();
    else
        keyring_service_start(KEYRING_PASSWORD);
}

void keyring_hang(void *unused, bool hangs) {
    (void)unused;
    keyring_service_stop();
    if (hangs)
        keyring_hanging_service_start();
    else
        keyring_service_start(KEYRING_PASSWORD);
}
