/* Listening on loopback, with the errors that Windows has for a port that is taken. */
#include "support/unit.h"

#include <winsock2.h>
#include <ws2tcpip.h>

static int bind_error; /* 0: as it is */

static int bind_watched(SOCKET socket, const struct sockaddr *address, int size) {
    if (bind_error == 0) return bind(socket, address, size);
    WSASetLastError(bind_error);
    return SOCKET_ERROR;
}

#define bind bind_watched
#include "platform/socket_windows.c"
#undef bind

#define LOOPBACK UINT32_C(0x7f000001)

static int set_up(void **state) {
    WSADATA ignored;
    (void)state;
    bind_error = 0;
    return WSAStartup(MAKEWORD(2, 2), &ignored);
}

static int tear_down(void **state) {
    (void)state;
    return WSACleanup();
}

static void port_that_another_listens_at_is_in_use(void **state) {
    int listening, other;
    uint16_t port, ignored;
    (void)state;
    assert_int_equal(ti_socket_listen(LOOPBACK, 0, &listening, &port), 0);

    assert_int_equal(ti_socket_listen(LOOPBACK, port, &other, &ignored), EADDRINUSE);

    ti_socket_close(listening);
}

/* WSAEACCES, as bind() answers for sockets that are exclusive and for the ranges that the system excludes. */
static void port_that_another_has_for_itself_is_in_use(void **state) {
    int listening;
    uint16_t port;
    (void)state;
    bind_error = WSAEACCES;

    assert_int_equal(ti_socket_listen(LOOPBACK, 0, &listening, &port), EADDRINUSE);
    assert_int_equal(ti_socket_listen(0, 40000, &listening, &port), EADDRINUSE);
}

static void family_that_the_machine_has_not_is_told(void **state) {
    int listening;
    uint16_t port;
    (void)state;
    bind_error = WSAEADDRNOTAVAIL;

    assert_int_equal(ti_socket_listen(0, 0, &listening, &port), EADDRNOTAVAIL);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(port_that_another_listens_at_is_in_use),
        CASE(port_that_another_has_for_itself_is_in_use),
        CASE(family_that_the_machine_has_not_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
