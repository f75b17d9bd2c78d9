/* libsecret, loaded at run time. Only platform/store_libsecret*.c include this. */
#ifndef TI_STORE_LIBSECRET_LIBRARY_H
#define TI_STORE_LIBSECRET_LIBRARY_H

#include <libsecret/secret.h>

#include <stdbool.h>

/* clang-format off */
#define TI_LIBSECRET_FUNCTIONS(X) \
    X(g_dbus_address_get_for_bus_sync) \
    X(g_dbus_connection_close_sync) \
    X(g_dbus_connection_new_for_address_sync) \
    X(g_dbus_error_quark) \
    X(g_dbus_proxy_get_object_path) \
    X(g_error_free) \
    X(g_free) \
    X(g_hash_table_lookup) \
    X(g_hash_table_unref) \
    X(g_initable_new) \
    X(g_io_error_quark) \
    X(g_list_delete_link) \
    X(g_list_free_full) \
    X(g_main_context_iteration) \
    X(g_main_context_new) \
    X(g_main_context_pop_thread_default) \
    X(g_main_context_push_thread_default) \
    X(g_main_context_unref) \
    X(g_object_set) \
    X(g_object_unref) \
    X(g_set_error_literal) \
    X(g_type_class_peek_parent) \
    X(g_type_query) \
    X(g_type_register_static) \
    X(g_utf8_validate) \
    X(secret_attributes_build) \
    X(secret_collection_for_alias_sync) \
    X(secret_collection_get_locked) \
    X(secret_error_get_quark) \
    X(secret_item_create_sync) \
    X(secret_item_delete_sync) \
    X(secret_item_get_attributes) \
    X(secret_item_get_created) \
    X(secret_item_get_locked) \
    X(secret_item_get_modified) \
    X(secret_item_get_secret) \
    X(secret_item_load_secret_sync) \
    X(secret_item_set_secret_sync) \
    X(secret_service_get_collections) \
    X(secret_service_get_type) \
    X(secret_service_load_collections_sync) \
    X(secret_service_search_sync) \
    X(secret_value_get) \
    X(secret_value_new) \
    X(secret_value_unref)
/* clang-format on */

/* Its functions, and those of GLib below it, under their own names. Set once, then read-only. */
typedef struct ti_libsecret_library {
#define TI_LIBSECRET_DECLARE(name) __typeof__(name) *name;
    TI_LIBSECRET_FUNCTIONS(TI_LIBSECRET_DECLARE)
#undef TI_LIBSECRET_DECLARE
    /* A SecretService on the connection that it is given ("g-connection"), which shows no prompts:
     * where one is wanted it answers IS_LOCKED. */
    GType service_type;
} ti_libsecret_library;

extern ti_libsecret_library ti_libsecret;

/* Thread-safe. false: it is not there, or lacks a function; then it stays so. */
bool ti_libsecret_load(void);

#endif
