#include "platform/store_libsecret_collection.h"

static const ti_libsecret_library *const lib = &ti_libsecret;

/* NOT_FOUND: no collection is locked. */
static tacit_status look_at_all_collections(SecretService *service) {
    GError *error = NULL;
    GList *collections;
    bool locked = false;

    if (!lib->secret_service_load_collections_sync(service, NULL, &error))
        return ti_libsecret_status(error);
    collections = lib->secret_service_get_collections(service);
    for (GList *link = collections; link != NULL; link = link->next)
        locked = locked || lib->secret_collection_get_locked(link->data);
    lib->g_list_free_full(collections, lib->g_object_unref);
    return locked ? TACIT_ERR_STORE_LOCKED : TACIT_ERR_STORE_NOT_FOUND;
}

tacit_status ti_libsecret_default_collection(ti_libsecret_visit *visit,
                                             SecretCollection **collection) {
    GError *error = NULL;

    *collection = lib->secret_collection_for_alias_sync(visit->service, SECRET_COLLECTION_DEFAULT,
                                                        SECRET_COLLECTION_NONE, NULL, &error);
    if (error != NULL) return ti_libsecret_status(error);
    if (*collection == NULL) return look_at_all_collections(visit->service);
    if (!lib->secret_collection_get_locked(*collection)) return TACIT_OK;
    lib->g_object_unref(*collection);
    *collection = NULL;
    return TACIT_ERR_STORE_LOCKED;
}
