#include "torture/allocation.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

static atomic_long count, failing; /* failing 0: none */
static atomic_bool failing_for_good;
static _Thread_local int exempt __attribute__((tls_model("initial-exec")));

void allocation_fail(long n, bool for_good) {
    atomic_store(&failing, 0);
    atomic_store(&count, 0);
    atomic_store(&failing_for_good, for_good);
    atomic_store(&failing, n);
}

long allocation_count(void) {
    return atomic_load(&count);
}

void allocation_exempt(int by) {
    exempt += by;
}

static bool grants(void) {
    long n, at;

    if (exempt > 0) return true;
    n = atomic_fetch_add(&count, 1) + 1;
    at = atomic_load(&failing);
    if (at == 0 || n < at || (n > at && !atomic_load(&failing_for_good))) return true;
    errno = ENOMEM;
    return false;
}

#ifdef TORTURE_WRAP
#define HOOK(name) __wrap_##name
#define REAL(name) __real_##name
char *REAL(strdup)(const char *text);
char *HOOK(strdup)(const char *text);

char *HOOK(strdup)(const char *text) {
    return grants() ? REAL(strdup)(text) : NULL;
}
#else
#define HOOK(name) name
#define REAL(name) __libc_##name
#endif

void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t number, size_t size);
void *REAL(realloc)(void *block, size_t size);
void *HOOK(malloc)(size_t size);
void *HOOK(calloc)(size_t number, size_t size);
void *HOOK(realloc)(void *block, size_t size);

void *HOOK(malloc)(size_t size) {
    return grants() ? REAL(malloc)(size) : NULL;
}

void *HOOK(calloc)(size_t number, size_t size) {
    return grants() ? REAL(calloc)(number, size) : NULL;
}

void *HOOK(realloc)(void *block, size_t size) {
    return grants() ? REAL(realloc)(block, size) : NULL;
}
