/* The state directory, in which the locks between processes and the journals lie. */
#include "doctor.h"

#include <errno.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SUBJECT "state directory"
enum { BYTES_MIN = 1024 * 1024 };

typedef struct file_system {
    unsigned long magic;
    const char *name;
    bool is_network; /* other machines work on it at the same time, and know nothing of our locks */
} file_system;

static const file_system file_systems[] = {
    {EXT4_SUPER_MAGIC, "ext4", false}, {BTRFS_SUPER_MAGIC, "btrfs", false},
    {XFS_SUPER_MAGIC, "xfs", false},   {F2FS_SUPER_MAGIC, "f2fs", false},
    {0x24051905UL, "ubifs", false},    {JFFS2_SUPER_MAGIC, "jffs2", false},
    {TMPFS_MAGIC, "tmpfs", false},     {OVERLAYFS_SUPER_MAGIC, "overlayfs", false},
    {FUSE_SUPER_MAGIC, "fuse", false}, {MSDOS_SUPER_MAGIC, "vfat", false},
    {NFS_SUPER_MAGIC, "nfs", true},    {SMB_SUPER_MAGIC, "smb", true},
    {CIFS_SUPER_MAGIC, "cifs", true},  {SMB2_SUPER_MAGIC, "smb", true},
    {AFS_SUPER_MAGIC, "afs", true},    {AFS_FS_MAGIC, "afs", true},
    {CODA_SUPER_MAGIC, "coda", true},  {NCP_SUPER_MAGIC, "ncpfs", true},
    {CEPH_SUPER_MAGIC, "ceph", true},  {OCFS2_SUPER_MAGIC, "ocfs2", true},
    {V9FS_MAGIC, "9p", true},
};

static file_system file_system_of(const char *path) {
    file_system unknown = {.name = "a file system the doctor does not know"};
    struct statfs facts;

    if (statfs(path, &facts) != 0) return unknown;
    for (size_t i = 0; i < sizeof file_systems / sizeof *file_systems; i++)
        if (file_systems[i].magic == ((unsigned long)facts.f_type & 0xffffffffUL))
            return file_systems[i];
    return unknown;
}

static void look_at_rights(doctor *doctor, const struct stat *facts) {
    const char *path = doctor->state_dir;
    char advice[4200];

    snprintf(advice, sizeof advice, "chmod 700 '%s'", path);
    if (facts->st_uid != geteuid())
        finding_problem(&doctor->findings,
                        "Run as its owner, give it to this user (chown), or name another one.",
                        SUBJECT, "%s belongs to the user %u, and this is %u", path,
                        (unsigned)facts->st_uid, (unsigned)geteuid());
    else if ((facts->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        finding_problem(&doctor->findings, advice, SUBJECT, "others may write to %s (mode %o)",
                        path, (unsigned)facts->st_mode & 07777U);
    else if (access(path, R_OK | W_OK | X_OK) != 0)
        finding_problem(&doctor->findings, advice, SUBJECT, "%s cannot be used: %s", path,
                        strerror(errno));
}

static void look_at_file_system(doctor *doctor, const file_system *system) {
    struct statvfs space;

    if (system->is_network)
        finding_problem(&doctor->findings,
                        "Set XDG_STATE_HOME, or the client's state_dir, to a local directory.",
                        SUBJECT, "%s is on a network file system (%s), where locks do not hold",
                        doctor->state_dir, system->name);
    if (system->magic == TMPFS_MAGIC)
        finding_note(SUBJECT, "%s is in memory: what is in it ends with the next boot",
                     doctor->state_dir);
    if (statvfs(doctor->state_dir, &space) == 0 &&
        (unsigned long long)space.f_bavail * space.f_frsize < BYTES_MIN)
        finding_problem(&doctor->findings, "Make room on the disk.", SUBJECT,
                        "there is no room in %s", doctor->state_dir);
}

void doctor_look_at_directory(doctor *doctor) {
    const char *path = doctor->state_dir;
    int before = doctor->findings.problems;
    file_system system;
    struct stat facts;

    if (stat(path, &facts) != 0 && errno == ENOENT) {
        finding_note(SUBJECT, "%s does not exist yet; it is made when it is first needed", path);
        return;
    }
    if (stat(path, &facts) != 0 || !S_ISDIR(facts.st_mode)) {
        finding_problem(&doctor->findings, "Move out of the way what lies there.", SUBJECT,
                        "%s is not a directory that can be looked at", path);
        return;
    }
    system = file_system_of(path);
    look_at_rights(doctor, &facts);
    look_at_file_system(doctor, &system);
    if (doctor->findings.problems == before)
        finding_well(SUBJECT, "%s (mode %o, %s)", path, (unsigned)facts.st_mode & 07777U,
                     system.name);
}
