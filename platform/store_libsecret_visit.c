/*
 * Properties. A bus or a service that was restarted between two visits is no concern of the second.
 * No session stays behind in the service, and no signal of ours reaches the app's main loop.
 *
 * Operation. The connection to the bus is the process's, shared with an app that uses GLib. It is
 * taken outside of our context, since it delivers to the one where it was made; and it is given up
 * after each visit, so that in other apps the next visit makes a new one. Everything else lives in
 * a context of our own, which is never run: synchronous calls do without.
 *
 * Safety. One visit at a time in the process, under `visiting`, whatever the number of stores:
 * sessions side by side have crashed services. It is held while the service is asked; every call
 * comes on a thread that can be left behind, and nothing but keyring calls waits for it.
 */
#include "platform/store_libsecret_visit.h"

#include <pthread.h>

static const ti_libsecret_library *const lib = &ti_libsecret;

static pthread_mutex_t visiting = PTHREAD_MUTEX_INITIALIZER;

static bool open_service(ti_libsecret_visit *visit, GError **error) {
    visit->connection = lib->g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, error);
    visit->context = lib->g_main_context_new();
    lib->g_main_context_push_thread_default(visit->context);
    if (visit->connection == NULL) return false;
    visit->service = lib->secret_service_open_sync(lib->service_type, NULL,
                                                   SECRET_SERVICE_OPEN_SESSION, NULL, error);
    return visit->service != NULL;
}

tacit_status ti_libsecret_visit_begin(ti_libsecret_visit *visit) {
    GError *error = NULL;

    *visit = (ti_libsecret_visit){.service = NULL};
    pthread_mutex_lock(&visiting);
    if (open_service(visit, &error)) return TACIT_OK;
    ti_libsecret_status(error); /* whatever the reason, there is no service to talk to */
    return TACIT_ERR_STORE_UNAVAILABLE;
}

/* libsecret does not, and the service keeps a session for as long as the connection lives. */
static void close_session(const ti_libsecret_visit *visit) {
    const char *path = lib->secret_service_get_session_dbus_path(visit->service);
    GVariant *answer;

    if (path == NULL) return;
    answer = lib->g_dbus_connection_call_sync(visit->connection, "org.freedesktop.secrets", path,
                                              "org.freedesktop.Secret.Session", "Close", NULL, NULL,
                                              G_DBUS_CALL_FLAGS_NO_AUTO_START, 1000, NULL, NULL);
    if (answer != NULL) lib->g_variant_unref(answer);
}

void ti_libsecret_visit_end(ti_libsecret_visit *visit) {
    if (visit->service != NULL) {
        close_session(visit);
        lib->g_object_unref(visit->service);
    }
    lib->g_main_context_pop_thread_default(visit->context);
    lib->g_main_context_unref(visit->context);
    if (visit->connection != NULL) lib->g_object_unref(visit->connection);
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
