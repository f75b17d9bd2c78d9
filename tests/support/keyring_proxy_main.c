/*
 * A Secret Service in front of the real one, which does wrong what a test asks for.
 *
 * Waits for the real service under the name that is its argument, then owns the known one, and ends when the real one does. Calls go
 * through as they are and are noted in $HOME/calls. One call of the proxy's own, Fault (see keyring_proxy.h), says what is done to
 * which of them; what was held goes on then. All happens on the main loop: the filter hands over.
 */
#include <gio/gio.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "org.freedesktop.secrets"
#define CONTROL "org.tacit.Test"

static const char *behind;
static char *calls;
static GMainLoop *loop;
static GDBusConnection *bus;

static struct {
    char *member;
    char *what; /* "hold", "garble", or the name of an error */
    guint32 times;
} fault;
static GQueue held = G_QUEUE_INIT;

static void note(const char *member) {
    FILE *file = fopen(calls, "a");

    if (file == NULL) abort();
    fprintf(file, "%s\n", member);
    if (fclose(file) != 0) abort();
}

/* Takes the answer. */
static void answer(GDBusMessage *call, GDBusMessage *reply) {
    g_dbus_connection_send_message(bus, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
    g_object_unref(reply);
    g_object_unref(call);
}

/* A bit more in the block before the last one makes the padding of the text longer than a block: that cannot be read, where
 * another key leaves something readable once in 256. */
static void garble_secret(GDBusMessage *reply) {
    GVariant *parameter, *value;
    const char *session, *type;
    gsize size;
    char *bytes;

    if (!g_variant_is_of_type(g_dbus_message_get_body(reply), G_VARIANT_TYPE("((oayays))")))
        abort();
    g_variant_get(g_dbus_message_get_body(reply), "((&o@ay@ay&s))", &session, &parameter, &value,
                  &type);
    bytes = g_memdup2(g_variant_get_fixed_array(value, &size, 1), g_variant_get_size(value));
    if (size < 32) abort();
    bytes[size - 17] ^= 0x80;
    g_variant_unref(value);
    value = g_variant_new_from_data(G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, g_free, bytes);
    g_dbus_message_set_body(reply, g_variant_new("((o@ay@ays))", session, parameter, value, type));
    g_variant_unref(parameter);
}

static void send_back(GDBusMessage *call, GDBusMessage *from, gboolean garbled) {
    GDBusMessage *reply = g_dbus_message_copy(from, NULL);

    if (garbled && g_dbus_message_get_message_type(reply) == G_DBUS_MESSAGE_TYPE_METHOD_RETURN)
        garble_secret(reply);
    g_dbus_message_set_sender(reply, NULL);
    g_dbus_message_set_destination(reply, g_dbus_message_get_sender(call));
    g_dbus_message_set_reply_serial(reply, g_dbus_message_get_serial(call));
    answer(call, reply);
}

static void on_reply(GObject *source, GAsyncResult *result, void *call, gboolean garbled) {
    GDBusMessage *reply =
        g_dbus_connection_send_message_with_reply_finish((GDBusConnection *)source, result, NULL);

    if (reply == NULL) return; /* the bus has gone */
    send_back(call, reply, garbled);
    g_object_unref(reply);
}

static void on_whole_reply(GObject *source, GAsyncResult *result, gpointer call) {
    on_reply(source, result, call, FALSE);
}

static void on_reply_to_garble(GObject *source, GAsyncResult *result, gpointer call) {
    on_reply(source, result, call, TRUE);
}

static void forward(GDBusMessage *call, GAsyncReadyCallback then) {
    GDBusMessage *copy = g_dbus_message_copy(call, NULL);

    g_dbus_message_set_sender(copy, NULL);
    g_dbus_message_set_destination(copy, behind);
    g_dbus_connection_send_message_with_reply(bus, copy, G_DBUS_SEND_MESSAGE_FLAGS_NONE, G_MAXINT,
                                              NULL, NULL, then, call);
    g_object_unref(copy);
}

static void go_on_with_held(void) {
    GDBusMessage *call;

    while ((call = g_queue_pop_head(&held)) != NULL) forward(call, on_whole_reply);
}

static void set_fault(GDBusMessage *call) {
    g_free(fault.member);
    g_free(fault.what);
    g_variant_get(g_dbus_message_get_body(call), "(ssu)", &fault.member, &fault.what, &fault.times);
    go_on_with_held();
    answer(call, g_dbus_message_new_method_reply(call));
}

static gboolean is_faulty(const char *member) {
    if (fault.times == 0 || strcmp(member, fault.member) != 0) return FALSE;
    fault.times--;
    return TRUE;
}

static void do_wrong(GDBusMessage *call) {
    if (strcmp(fault.what, "hold") == 0)
        g_queue_push_tail(&held, call);
    else if (strcmp(fault.what, "garble") == 0)
        forward(call, on_reply_to_garble);
    else
        answer(call,
               g_dbus_message_new_method_error_literal(call, fault.what, "a test wants it so"));
}

static gboolean on_call(gpointer data) {
    GDBusMessage *call = data;

    if (g_strcmp0(g_dbus_message_get_interface(call), CONTROL) == 0) {
        set_fault(call);
        return G_SOURCE_REMOVE;
    }
    note(g_dbus_message_get_member(call));
    if (is_faulty(g_dbus_message_get_member(call)))
        do_wrong(call);
    else
        forward(call, on_whole_reply);
    return G_SOURCE_REMOVE;
}

/* On a thread of GLib's. */
static GDBusMessage *filter(GDBusConnection *connection, GDBusMessage *message, gboolean incoming,
                            gpointer data) {
    (void)connection;
    (void)data;
    if (!incoming || g_dbus_message_get_message_type(message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL)
        return message;
    g_idle_add(on_call, message);
    return NULL;
}

static void on_appeared(GDBusConnection *connection, const char *name, const char *owner,
                        gpointer was_there) {
    (void)name;
    (void)owner;
    *(gboolean *)was_there = TRUE;
    g_bus_own_name_on_connection(connection, NAME, G_BUS_NAME_OWNER_FLAGS_NONE, NULL, NULL, NULL,
                                 NULL);
}

/* Said of a service that is not there yet, too. */
static void on_vanished(GDBusConnection *connection, const char *name, gpointer was_there) {
    (void)connection;
    (void)name;
    if (*(gboolean *)was_there) g_main_loop_quit(loop);
}

int main(int argc, char **argv) {
    gboolean was_there = FALSE;

    if (argc != 2 || (bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL)) == NULL) return 2;
    behind = argv[1];
    calls = g_build_filename(getenv("HOME"), "calls", NULL);
    loop = g_main_loop_new(NULL, FALSE);
    g_dbus_connection_add_filter(bus, filter, NULL, NULL);
    g_bus_watch_name_on_connection(bus, behind, G_BUS_NAME_WATCHER_FLAGS_NONE, on_appeared,
                                   on_vanished, &was_there, NULL);
    g_main_loop_run(loop);
    _exit(0); /* the connection, with the thread that reads it, goes with the process */
}
