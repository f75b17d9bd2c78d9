#include "platform/store_keyring.h"

#include "platform/store_libsecret_collection.h"

#include <stdlib.h>

static const ti_libsecret_library *const lib = &ti_libsecret;

/* Where there is one, the user can make a keyring in the service's own dialog. */
static bool has_display(void) {
    return getenv("DISPLAY") != NULL || getenv("WAYLAND_DISPLAY") != NULL;
}

static ti_keyring_presence look_for_collection(ti_libsecret_visit *visit) {
    SecretCollection *collection;
    tacit_status status = ti_libsecret_default_collection(visit, &collection);

    if (status == TACIT_OK) lib->g_object_unref(collection);
    return status == TACIT_ERR_STORE_NOT_FOUND && !has_display() ? TI_KEYRING_NO_COLLECTION
                                                                 : TI_KEYRING_PRESENT;
}

ti_keyring_presence ti_keyring_look(void) {
    ti_libsecret_visit visit;
    ti_keyring_presence presence;

    if (!ti_libsecret_load()) return TI_KEYRING_NO_LIBRARY;
    presence =
        ti_libsecret_visit_begin(&visit) == TACIT_OK ? look_for_collection(&visit) : visit.missing;
    ti_libsecret_visit_end(&visit);
    return presence;
}
