/*
 * The lock is an open file description lock too, on the byte before the first life: here flock()
 * takes part in what fcntl() locks, and would exclude every life of others.
 */
#include "platform/process_lock_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <unistd.h>

ti_lock_result ti_lock_file_take(int file, int *os_error) {
    return ti_lock_file_set_byte(file, 0, F_WRLCK, os_error);
}

void ti_lock_file_release(int file) {
    int ignored;
    ti_lock_file_set_byte(file, 0, F_UNLCK, &ignored);
}

/* No file gets its first name here. */
bool ti_lock_file_make_unnamed(const ti_lock_place *place, int directory) {
    (void)place, (void)directory;
    return false;
}

bool ti_lock_file_is_network(int directory, bool *network) {
    struct statfs system;
    if (fstatfs(directory, &system) != 0) return false;
    *network = !(system.f_flags & MNT_LOCAL);
    return true;
}
