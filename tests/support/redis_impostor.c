#include "support/redis_impostor.h"

#include "support/fixture.h"
#include "support/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct redis_impostor {
    /* set at creation, then read-only */
    const char *answer;
    char *directory, *url;
    int listener;
    pthread_t thread;
};

/* Commands of the tests come in one piece. Until the store closes. */
static void answer_each(const redis_impostor *impostor, int connection) {
    char command[16384];

    while (recv(connection, command, sizeof command, 0) > 0)
        if (send(connection, impostor->answer, strlen(impostor->answer), MSG_NOSIGNAL) < 0) break;
}

static void *run(void *data) {
    redis_impostor *impostor = data;
    int connection;

    while ((connection = accept4(impostor->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        answer_each(impostor, connection);
        close(connection);
    }
    return NULL;
}

redis_impostor *redis_impostor_start(const char *answer) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    redis_impostor *impostor = calloc(1, sizeof *impostor);
    char *path;

    assert_non_null(impostor);
    impostor->answer = answer;
    impostor->directory = fixture_directory_new();
    path = fixture_path(impostor->directory, "impostor.sock");
    assert_true(asprintf(&impostor->url, "unix://%s", path) > 0);
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    free(path);
    impostor->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(impostor->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(impostor->listener, 8), 0);
    assert_int_equal(pthread_create(&impostor->thread, NULL, run, impostor), 0);
    return impostor;
}

/* After the stores that reach it: else it waits for them. */
void redis_impostor_free(redis_impostor *impostor) {
    if (impostor == NULL) return;
    shutdown(impostor->listener, SHUT_RDWR);
    pthread_join(impostor->thread, NULL);
    close(impostor->listener);
    fixture_directory_free(impostor->directory);
    free(impostor->url);
    free(impostor);
}

const char *redis_impostor_url(const redis_impostor *impostor) {
    return impostor->url;
}
