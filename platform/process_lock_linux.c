/*
 * The lock is flock(). On a local file system it and open file description locks, as which lives are
 * kept, do not see each other.
 */
#include "platform/process_lock_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

ti_lock_result ti_lock_file_take(int file, int *os_error) {
    while (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EINTR) return ti_lock_file_failed(os_error);
    }
    return TI_LOCK_OK;
}

void ti_lock_file_release(int file) {
    flock(file, LOCK_UN);
}

/* Not every file system can, and not everywhere is there a /proc. */
bool ti_lock_file_make_unnamed(const ti_lock_place *place, int directory) {
    int file = openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0) return false;
    char descriptor[sizeof "/proc/self/fd/" + 3 * sizeof file];
    snprintf(descriptor, sizeof descriptor, "/proc/self/fd/%d", file);
    bool made = ti_lock_file_fill(file, place->size) &&
                (linkat(AT_FDCWD, descriptor, directory, place->name, AT_SYMLINK_FOLLOW) == 0 ||
                 errno == EEXIST); /* another was faster */
    close(file);
    return made;
}

/*
 * 9p is how a virtual machine sees files of its host, which knows nothing of the guest's locks. FUSE is
 * not among them: most of it is local (encrypted home directories above all), and the kernel keeps the
 * locks where the file system does not. sshfs looks the same; there too the processes of one machine
 * exclude each other.
 */
static bool is_network(const struct statfs *system) {
    switch ((unsigned long)system->f_type & 0xffffffffUL) { /* a signed type on some machines */
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case AFS_SUPER_MAGIC:
    case AFS_FS_MAGIC:
    case CODA_SUPER_MAGIC:
    case NCP_SUPER_MAGIC:
    case CEPH_SUPER_MAGIC:
    case OCFS2_SUPER_MAGIC:
    case V9FS_MAGIC:
        return true;
    default:
        return false;
    }
}

bool ti_lock_file_is_network(int directory, bool *network) {
    struct statfs system;
    if (fstatfs(directory, &system) != 0) return false;
    *network = is_network(&system);
    return true;
}
