/* Windows 10 and later. */
#include "platform/os.h"

#include "platform/windows_translate.h"

#include <windows.h>

#include <bcrypt.h>
#include <shlobj.h>

#include <errno.h>
#include <io.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/*
 * The tick count goes on through sleep and hibernation, as QueryUnbiasedInterruptTime() does not: a token that expired while the
 * lid was closed has to look expired. It has the resolution of the system's tick, 10 to 16 ms.
 */
int64_t ti_os_boot_ms(void) {
    return (int64_t)GetTickCount64();
}

int64_t ti_os_wall_ms(void) {
    FILETIME now;
    GetSystemTimePreciseAsFileTime(&now);
    return ti_windows_unix_ms(now.dwHighDateTime, now.dwLowDateTime);
}

bool ti_os_random(void *memory, size_t size) {
    unsigned char *next = memory;
    while (size > 0) {
        ULONG part = size < ULONG_MAX ? (ULONG)size : ULONG_MAX;
        if (!BCRYPT_SUCCESS(BCryptGenRandom(NULL, next, part, BCRYPT_USE_SYSTEM_PREFERRED_RNG))) {
            return false;
        }
        next += part;
        size -= part;
    }
    return true;
}

void ti_os_wipe(void *memory, size_t size) {
    if (size > 0) SecureZeroMemory(memory, size);
}

size_t ti_os_usable_size(void *memory) {
    return memory ? _msize(memory) : 0;
}

/* No program here has more rights than who started it, unless he was asked. */
const char *ti_os_variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

int ti_os_sync(int file) {
    return _commit(file);
}

int ti_os_sync_data(int file) {
    return _commit(file);
}

static bool is_separator(wchar_t c) {
    return c == L'\\' || c == L'/';
}

/* With a drive, on a share, or from the root of the drive that the program is on. */
static bool is_absolute(const wchar_t *path) {
    bool drive = path[0] != L'\0' && path[1] == L':';
    return is_separator(path[drive ? 2 : 0]);
}

/* XDG_STATE_HOME, which says the same to a program on all its systems, where it is an absolute path. From malloc(). */
static wchar_t *base_from_environment(void) {
    static const wchar_t name[] = L"XDG_STATE_HOME";
    DWORD size = GetEnvironmentVariableW(name, NULL, 0);
    wchar_t *path = size > 0 ? malloc(size * sizeof *path) : NULL;
    if (!path) return NULL;
    DWORD got = GetEnvironmentVariableW(name, path, size);
    if (got > 0 && got < size && is_absolute(path)) return path;
    free(path);
    return NULL;
}

/* The user's own, on this machine. The variable LOCALAPPDATA is not asked: whoever starts a program sets it. From malloc(). */
static wchar_t *base_from_system(void) {
    wchar_t *known = NULL, *path = NULL;
    HRESULT result =
        SHGetKnownFolderPath(&FOLDERID_LocalAppData, KF_FLAG_DONT_VERIFY, NULL, &known);
    errno = result == E_OUTOFMEMORY ? ENOMEM : ENOENT;
    if (SUCCEEDED(result)) path = _wcsdup(known);
    CoTaskMemFree(known);
    return path;
}

static char *joined(const char *base, const char *name) {
    size_t base_size = strlen(base), name_size = strlen(name);
    char *path = malloc(base_size + 1 + name_size + 1);
    if (!path) return NULL;
    memcpy(path, base, base_size);
    path[base_size] = '\\';
    memcpy(path + base_size + 1, name, name_size + 1);
    return path;
}

char *ti_os_state_directory(void) {
    wchar_t *found = base_from_environment();
    if (!found) found = base_from_system();
    char *base = found ? ti_windows_utf8(found) : NULL;
    char *absolute = base ? ti_os_absolute_path(base) : NULL;
    char *path = absolute ? joined(absolute, "tacit") : NULL;
    free(absolute);
    free(base);
    free(found);
    return path;
}

char *ti_os_absolute_path(const char *path) {
    wchar_t *full = ti_windows_path(path);
    char *text = full ? ti_windows_path_text(full) : NULL;
    free(full);
    if (!text) return NULL;
    /* C:\ keeps its own: without it, the drive's working directory would be meant. */
    for (size_t size = strlen(text); size > 3 && text[size - 1] == '\\'; size--)
        text[size - 1] = '\0';
    return text;
}

/*
 * Windows has no such number that it vouches for. So the first who asks makes a volatile key in the registry, which
 * ends with the boot (or when the user signs out of Windows, which does no harm: the id may change more often than the boot does). Nothing is ever written
 * to it: the time at which it was last written to is the time at which it was made, the same for everyone who asks.
 */
void ti_os_boot_id(unsigned char id[16]) {
    HKEY key;
    FILETIME made;
    memset(id, 0, 16);
    if (RegCreateKeyExW(HKEY_CURRENT_USER, L"Software\\tacit-boot", 0, NULL, REG_OPTION_VOLATILE,
                        KEY_QUERY_VALUE, NULL, &key, NULL) != ERROR_SUCCESS) {
        return;
    }
    if (RegQueryInfoKeyW(key, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, &made) ==
        ERROR_SUCCESS) {
        memcpy(id, &made, sizeof made);
    }
    RegCloseKey(key);
}

/* Nothing forks here: one number will do. */
static atomic_uint the_process = 1;
_Atomic(atomic_uint *) ti_os_process_mark = &the_process;

unsigned ti_os_process(void) {
    return atomic_load(&the_process);
}

/*
 * A time to wait does not count what passes while the machine sleeps, and nobody is told of a step of the wall clock without having a
 * window. So each wait looks at both clocks at least every 30 s: by how much they are apart changes
 * when one of them is set, and does not otherwise.
 */
struct ti_os_timer {
    HANDLE woken;     /* an event that resets itself */
    int64_t apart_ms; /* the wall clock from the boot clock, when last looked at */
};

#define LOOK_EVERY_MS 30000
/* What the clocks' resolution, an adjustment of half a thousandth over 30 s, and the time between
 * two readings that are interrupted, remain below. */
#define STEP_MIN_MS 500

static int64_t clocks_apart_ms(void) {
    return ti_os_wall_ms() - ti_os_boot_ms();
}

ti_os_timer *ti_os_timer_new(void) {
    ti_os_timer *timer = malloc(sizeof *timer);
    if (!timer) return NULL;
    timer->woken = CreateEventW(NULL, FALSE, FALSE, NULL);
    timer->apart_ms = clocks_apart_ms();
    if (timer->woken) return timer;
    errno = ti_windows_errno(GetLastError());
    free(timer);
    return NULL;
}

void ti_os_timer_free(ti_os_timer *timer) {
    if (!timer) return;
    CloseHandle(timer->woken);
    free(timer);
}

static bool take_step(ti_os_timer *timer) {
    int64_t before_ms = timer->apart_ms;
    timer->apart_ms = clocks_apart_ms();
    return llabs(timer->apart_ms - before_ms) >= STEP_MIN_MS;
}

/* At most until the next look. */
static DWORD time_to_wait_ms(int64_t boot_ms) {
    int64_t now_ms = ti_os_boot_ms();
    if (boot_ms <= now_ms) return 0;
    return boot_ms - now_ms < LOOK_EVERY_MS ? (DWORD)(boot_ms - now_ms) : LOOK_EVERY_MS;
}

unsigned ti_os_timer_wait(ti_os_timer *timer, int64_t boot_ms) {
    unsigned events = 0;
    DWORD wait_ms;
    do {
        wait_ms = time_to_wait_ms(boot_ms);
        if (WaitForSingleObject(timer->woken, wait_ms) == WAIT_OBJECT_0) {
            events |= TI_OS_TIMER_WOKEN;
        }
        if (take_step(timer)) events |= TI_OS_TIMER_CLOCK_STEP;
        /* It may end a tick early. */
    } while (!events && wait_ms < LOOK_EVERY_MS && time_to_wait_ms(boot_ms) > 0);
    return events;
}

void ti_os_timer_wake(ti_os_timer *timer) {
    SetEvent(timer->woken);
}
