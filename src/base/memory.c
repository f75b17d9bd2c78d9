/* What client.h offers beside the client: memory that crosses the interface, and the version. */
#include <tacit/client.h>

#include "platform/os.h"

#include <stdlib.h>

#define TEXT_OF(number) #number
#define TEXT(macro) TEXT_OF(macro)

const char *tacit_version(void) {
    return TEXT(TACIT_VERSION_MAJOR) "." TEXT(TACIT_VERSION_MINOR) "." TEXT(TACIT_VERSION_PATCH);
}

void *tacit_alloc(size_t size) {
    /* malloc(0) may answer NULL, which would look like no memory. */
    return malloc(size > 0 ? size : 1);
}

void tacit_free(void *memory) {
    ti_os_wipe(memory, ti_os_usable_size(memory));
    free(memory);
}
