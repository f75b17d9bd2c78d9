/*
 * What the library needs of an operating system beyond C and pthreads. A port is one file
 * os_<system>.c. Below every floor: it includes nothing of the library.
 */
#ifndef TI_OS_H
#define TI_OS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds since boot, time spent suspended included; never goes back, whatever happens to the
 * wall clock. */
int64_t ti_os_boot_ms(void);
/* Unix time in milliseconds. */
int64_t ti_os_wall_ms(void);

/* Fills memory from the system's random source. false: there is none, and memory must not be used.
 */
bool ti_os_random(void *memory, size_t size);
/* Overwrites memory with zeros in a way that the compiler keeps. */
void ti_os_wipe(void *memory, size_t size);
/* How many bytes of a block from malloc() may be wiped; 0 for NULL. */
size_t ti_os_usable_size(void *memory);

/* What the environment says, or NULL: also where that is nothing, or the program has more rights than
 * who started it. Borrowed until the environment is changed. */
const char *ti_os_variable(const char *name);
/* Where programs of this user keep state: $XDG_STATE_HOME/tacit, or on Linux ~/.local/state/tacit, on
 * macOS ~/Library/Application Support/tacit, on Windows %LOCALAPPDATA%\tacit. From malloc(); NULL:
 * nothing says where (errno ENOENT), or no memory. Made by nobody yet. */
char *ti_os_state_directory(void);
/* The path as it is from everywhere, so that a program may change its working directory; without a slash at its end, behind which a
 * symbolic link would be followed. From malloc(); NULL: no memory, or there is no working directory. */
char *ti_os_absolute_path(const char *path);
/* What was written to the file, or the names in the directory, outlive a power loss: down to the
 * medium, where fsync() only reaches the drive. As fsync() otherwise. */
int ti_os_sync(int file);
/* The same for what was written within the file's size. */
int ti_os_sync_data(int file);

/* Differs after each boot of the system; all zero where the system does not tell. */
void ti_os_boot_id(unsigned char id[16]);

/*
 * The process that asks, as a number that none of those has from which it was forked. 0: no memory.
 * Thread-safe. Who was made by vfork() or posix_spawn() and runs in its parent's memory is the
 * parent.
 */
unsigned ti_os_process(void);

/* Where the number lies; zero before the first question, and in a forked child until it asks. */
#ifdef _WIN32 /* where a library exports only what it says */
extern _Atomic(atomic_uint *) ti_os_process_mark;
#else
extern _Atomic(atomic_uint *) ti_os_process_mark __attribute__((visibility("hidden")));
#endif

/* Whether an answer of ti_os_process(), never 0, was given in the process that asks now. Inline,
 * since every call on a session asks: two loads, no lock, no system call. */
static inline bool ti_os_process_is(unsigned process) {
    const atomic_uint *mark = atomic_load_explicit(&ti_os_process_mark, memory_order_relaxed);
    return atomic_load_explicit(mark, memory_order_relaxed) == process;
}

/* A timer that one thread waits on and any thread wakes. It runs on the boot clock: after a suspend
 * a time that has passed meanwhile counts as reached at once. */
typedef struct ti_os_timer ti_os_timer;

#define TI_OS_TIMER_NEVER INT64_MAX
#define TI_OS_TIMER_WOKEN 1u      /* ti_os_timer_wake() was called since the last wait */
#define TI_OS_TIMER_CLOCK_STEP 2u /* the wall clock was set */

ti_os_timer *ti_os_timer_new(void); /* NULL: no memory, no descriptors; errno says which */
void ti_os_timer_free(ti_os_timer *timer);
/* Blocks until boot_ms is reached, a wake or a step of the wall clock; answers which of the last
 * two, or 0. A port that cannot wait on the boot clock, or cannot see a step, returns early at
 * least every 30 s. */
unsigned ti_os_timer_wait(ti_os_timer *timer, int64_t boot_ms);
/* Never blocks. A wake before the wait is not lost. */
void ti_os_timer_wake(ti_os_timer *timer);

/* Shows a URL in the user's browser, without waiting for it and without a shell that could read the URL. The URL is one that
 * ti_url_parse() passed. false: no program for that is installed, or it cannot be started (errno). */
bool ti_os_open_browser(const char *url);

#endif
