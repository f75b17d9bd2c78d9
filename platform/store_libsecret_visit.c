/*
 * Properties. A bus or a service that was restarted between two visits is no concern of the second,
 * and no session stays behind in the service. Nothing of a visit reaches the app's main loop.
 *
 * Operation. Each visit has a connection to the bus of its own, closed at its end. The one that
 * GLib shares in a process would not do: closed by the bus, it ends the process or stays dead in
 * it, as the app's main loop has it. What is made during a visit delivers to a context of our own,
 * which is run once, at the end, for what it frees: synchronous calls do without.
 *
 * Safety. One visit at a time in the process, under `visiting`, whatever the number of stores:
 * sessions side by side have crashed services. It is held while the service is asked; every call
 * comes on a thread that can be left behind, and nothing but keyring calls waits for it. A forked
 * child inherits GLib, but not the thread of GLib's that reads the answers; so the process of the
 * first visit is the only one that visits.
 */
#include "platform/store_libsecret_visit.h"

#include "platform/os.h"

#include <pthread.h>
#include <stdatomic.h>

static const ti_libsecret_library *const lib = &ti_libsecret;

static pthread_mutex_t visiting = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint visitor; /* ti_os_process() of the first visit; 0: there was none */

static bool connect_to_bus(ti_libsecret_visit *visit, GError **error) {
    char *address = lib->g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SESSION, NULL, error);

    if (address == NULL) {
        visit->missing = TI_KEYRING_NO_BUS;
        return false;
    }
    visit->connection = lib->g_dbus_connection_new_for_address_sync(
        address,
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
            G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
        NULL, NULL, error);
    lib->g_free(address);
    return visit->connection != NULL;
}

/* It has no name on the bus, and none that the bus could start. */
static bool is_missing_service(const GError *error) {
    return error != NULL && error->domain == lib->g_dbus_error_quark() &&
           (error->code == G_DBUS_ERROR_SERVICE_UNKNOWN ||
            error->code == G_DBUS_ERROR_NAME_HAS_NO_OWNER);
}

static bool open_service(ti_libsecret_visit *visit, GError **error) {
    visit->service =
        lib->g_initable_new(lib->service_type, NULL, error, "g-connection", visit->connection,
                            "flags", SECRET_SERVICE_OPEN_SESSION, NULL);
    if (visit->service == NULL && is_missing_service(*error))
        visit->missing = TI_KEYRING_NO_SERVICE;
    return visit->service != NULL;
}

/* The service is there and did not like what was said, which may be the session's key (store_libsecret.c): the next is another. */
static bool may_try_again(const ti_libsecret_visit *visit, GError **error) {
    tacit_status status;

    if (visit->connection == NULL || visit->missing != TI_KEYRING_PRESENT) return false;
    status = ti_libsecret_status(*error);
    *error = NULL;
    return status == TACIT_ERR_STORE_FAILED;
}

bool ti_libsecret_forked(void) {
    unsigned process = atomic_load(&visitor);

    return process != 0 && !ti_os_process_is(process);
}

tacit_status ti_libsecret_visit_begin(ti_libsecret_visit *visit) {
    GError *error = NULL;

    *visit = (ti_libsecret_visit){.missing = TI_KEYRING_PRESENT};
    if (ti_libsecret_forked()) return TACIT_ERR_STORE_UNAVAILABLE;
    atomic_store(&visitor, ti_os_process());
    pthread_mutex_lock(&visiting);
    visit->context = lib->g_main_context_new();
    lib->g_main_context_push_thread_default(visit->context);
    if (connect_to_bus(visit, &error) && open_service(visit, &error)) return TACIT_OK;
    if (may_try_again(visit, &error) && open_service(visit, &error)) return TACIT_OK;
    if (error != NULL) ti_libsecret_status(error); /* whatever it is, there is none to talk to */
    return TACIT_ERR_STORE_UNAVAILABLE;
}

void ti_libsecret_visit_end(ti_libsecret_visit *visit) {
    if (visit->context == NULL) return;
    if (visit->service != NULL) lib->g_object_unref(visit->service);
    if (visit->connection != NULL) {
        lib->g_dbus_connection_close_sync(visit->connection, NULL, NULL);
        lib->g_object_unref(visit->connection);
    }
    while (lib->g_main_context_iteration(visit->context, FALSE)) continue;
    lib->g_main_context_pop_thread_default(visit->context);
    lib->g_main_context_unref(visit->context);
    pthread_mutex_unlock(&visiting);
}

static bool is_lost_connection(const GError *error) {
    if (error->domain == lib->g_io_error_quark())
        return error->code == G_IO_ERROR_CLOSED || error->code == G_IO_ERROR_TIMED_OUT ||
               error->code == G_IO_ERROR_BROKEN_PIPE || error->code == G_IO_ERROR_NOT_CONNECTED;
    if (error->domain != lib->g_dbus_error_quark()) return false;
    switch (error->code) {
    case G_DBUS_ERROR_SERVICE_UNKNOWN:
    case G_DBUS_ERROR_NAME_HAS_NO_OWNER:
    case G_DBUS_ERROR_NO_REPLY:
    case G_DBUS_ERROR_NO_SERVER:
    case G_DBUS_ERROR_TIMEOUT:
    case G_DBUS_ERROR_TIMED_OUT:
    case G_DBUS_ERROR_DISCONNECTED:
        return true;
    default:
        return false;
    }
}

tacit_status ti_libsecret_status(GError *error) {
    tacit_status status = TACIT_ERR_STORE_FAILED;

    if (error == NULL) return status;
    if (error->domain == lib->secret_error_get_quark() && error->code == SECRET_ERROR_IS_LOCKED)
        status = TACIT_ERR_STORE_LOCKED;
    else if (is_lost_connection(error))
        status = TACIT_ERR_STORE_UNAVAILABLE;
    lib->g_error_free(error);
    return status;
}
