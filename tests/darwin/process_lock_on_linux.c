/* process_lock_darwin.c in a program for Linux, which has the same locks of open files. */
#include "darwin/process_lock_on_linux.h"

#include "platform/process_lock_posix.h"

#include <fcntl.h>
#include <sys/mount.h>

static bool is_network;

void fake_mount_is_network(bool network) {
    is_network = network;
}

static int fake_fstatfs(int file, struct statfs *system) {
    if (fcntl(file, F_GETFD) < 0) return -1;
    *system = (struct statfs){.f_flags = is_network ? 0 : MNT_LOCAL};
    return 0;
}

/* The file under test. */
#define fstatfs fake_fstatfs
#include "platform/process_lock_darwin.c"
