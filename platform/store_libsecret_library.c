#include "platform/store_libsecret_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

ti_libsecret_library ti_libsecret;

static GObject *(*parent_construct)(GType, guint, GObjectConstructParam *);

/* In the place of libsecret's function, which shows the service's prompt and waits for it. */
static GVariant *refuse_prompt(SecretService *service, SecretPrompt *prompt,
                               GCancellable *cancellable, const GVariantType *type,
                               GError **error) {
    (void)service;
    (void)prompt;
    (void)cancellable;
    (void)type;
    ti_libsecret.g_set_error_literal(error, ti_libsecret.secret_error_get_quark(),
                                     SECRET_ERROR_IS_LOCKED, "the service wants to ask the user");
    return NULL;
}

/* libsecret's own puts every service on the connection that the process shares. */
static GObject *construct(GType type, guint count, GObjectConstructParam *properties) {
    GObject *service = parent_construct(type, count, properties);

    ti_libsecret.g_object_set(service, "g-bus-type", G_BUS_TYPE_NONE, NULL);
    return service;
}

static void service_class_init(void *class, void *data) {
    GObjectClass *parent = ti_libsecret.g_type_class_peek_parent(class);

    (void)data;
    parent_construct = parent->constructor;
    ((GObjectClass *)class)->constructor = construct;
    ((SecretServiceClass *)class)->prompt_sync = refuse_prompt;
}

/* The name is unique to this copy of the library: there may be others in the process. */
static GType register_service_type(void) {
    GTypeQuery parent;
    GTypeInfo info = {.class_init = service_class_init};
    char name[64];

    ti_libsecret.g_type_query(ti_libsecret.secret_service_get_type(), &parent);
    info.class_size = (guint16)parent.class_size;
    info.instance_size = (guint16)parent.instance_size;
    snprintf(name, sizeof name, "TacitSecretService_%p", (void *)&ti_libsecret);
    return ti_libsecret.g_type_register_static(parent.type, name, &info, (GTypeFlags)0);
}

/* Never unloaded: GLib cannot be. */
static void load_once(void) {
    void *handle = dlopen("libsecret-1.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

    if (handle == NULL) return;
#define FIND(name)                                                                                 \
    *(void **)&ti_libsecret.name = dlsym(handle, #name);                                           \
    if (ti_libsecret.name == NULL) return;
    TI_LIBSECRET_FUNCTIONS(FIND)
#undef FIND
    ti_libsecret.service_type = register_service_type();
}

bool ti_libsecret_load(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, load_once);
    return ti_libsecret.service_type != 0;
}
