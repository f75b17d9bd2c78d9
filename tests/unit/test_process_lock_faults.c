#include "unit/process_lock_fixture.h"

#include "platform/os.h"

#include <linux/magic.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/vfs.h>

/* The system below the files under test. */
static struct {
    int calls;              /* since the test began, or reset() */
    int at;                 /* at this one it fails with `error`, after `happen`; 0: never */
    int error;              /* 0: it does not fail */
    void (*happen)(void);   /* NULL: nothing */
    void (*at_lock)(void);  /* what others do just before each flock() */
    void (*at_link)(void);  /* and before each linkat() */
    bool no_tmpfile;        /* the file is made under a temporary name */
    bool no_memory;         /* for calloc() */
    bool short_transfers;   /* one byte at a time */
    unsigned long fs_magic; /* 0: as it is */
    int synced;             /* calls of fsync() and fdatasync() */
} fault;

static void reset(void) {
    memset(&fault, 0, sizeof fault);
}

/* Counts a call. Whether it fails, with errno. */
static bool fails(void) {
    if (++fault.calls != fault.at) return false;
    if (fault.happen) fault.happen();
    errno = fault.error;
    return fault.error != 0;
}

static int openat_or_fail(int directory, const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode =
        flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (fails()) return -1;
    if (!fault.no_tmpfile || (flags & O_TMPFILE) != O_TMPFILE) {
        return openat(directory, path, flags, mode);
    }
    errno = EOPNOTSUPP;
    return -1;
}

static int flock_or_fail(int file, int operation) {
    if (fault.at_lock && operation != LOCK_UN) fault.at_lock();
    return fails() ? -1 : flock(file, operation);
}

static int linkat_or_fail(int from, const char *path, int to, const char *name, int flags) {
    if (fault.at_link) fault.at_link();
    return fails() ? -1 : linkat(from, path, to, name, flags);
}

static int fstatfs_or_fail(int file, struct statfs *system) {
    if (fails() || fstatfs(file, system) != 0) return -1;
    if (fault.fs_magic) system->f_type = (__fsword_t)fault.fs_magic;
    return 0;
}

static ssize_t pwrite_or_fail(int file, const void *bytes, size_t size, off_t offset) {
    return fails() ? -1 : pwrite(file, bytes, fault.short_transfers && size ? 1 : size, offset);
}

static ssize_t pread_or_fail(int file, void *bytes, size_t size, off_t offset) {
    return fails() ? -1 : pread(file, bytes, fault.short_transfers && size ? 1 : size, offset);
}

static int fsync_or_fail(int file) {
    fault.synced++;
    return fails() ? -1 : fsync(file);
}

static int fdatasync_or_fail(int file) {
    fault.synced++;
    return fails() ? -1 : fdatasync(file);
}

/* The files under test. */
#define calloc(count, size) (fault.no_memory ? NULL : calloc(count, size))
#define fcntl(file, command, byte) (fails() ? -1 : fcntl(file, command, byte))
#define flock(file, operation) flock_or_fail(file, operation)
#define fstat(file, found) (fails() ? -1 : fstat(file, found))
#define fstatat(directory, path, found, flags)                                                     \
    (fails() ? -1 : fstatat(directory, path, found, flags))
#define fstatfs(file, system) fstatfs_or_fail(file, system)
#define ftruncate(file, size) (fails() ? -1 : ftruncate(file, size))
#define linkat(from, path, to, name, flags) linkat_or_fail(from, path, to, name, flags)
#define lstat(path, found) (fails() ? -1 : lstat(path, found))
#define mkdir(path, mode) (fails() ? -1 : mkdir(path, mode))
#define open(path, flags) (fails() ? -1 : open(path, flags))
#define openat(...) openat_or_fail(__VA_ARGS__)
#define pread(file, bytes, size, offset) pread_or_fail(file, bytes, size, offset)
#define pwrite(file, bytes, size, offset) pwrite_or_fail(file, bytes, size, offset)
#define ti_os_sync(file) fsync_or_fail(file)
#define ti_os_sync_data(file) fdatasync_or_fail(file)
#define stat(path, found) (fails() ? -1 : stat(path, found))
#include "platform/process_lock_linux.c"
#include "platform/process_lock_posix.c"
#include "platform/process_lock_posix_file.c"
#undef calloc
#undef fcntl
#undef flock
#undef fstat
#undef fstatat
#undef fstatfs
#undef ftruncate
#undef linkat
#undef lstat
#undef mkdir
#undef open
#undef openat
#undef pread
#undef pwrite
#undef stat
#undef ti_os_sync
#undef ti_os_sync_data

static const place *here; /* of the test that runs */
static char temporary[PATH_MAX + 8];

static int set_up(void **state) {
    reset();
    if (make_place(state) != 0) return -1;
    here = *state;
    snprintf(temporary, sizeof temporary, "%s.new", here->file);
    return 0;
}

/* As it was before the first open. */
static void start_over(void) {
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s/state", here->base);
    unlink(here->file);
    unlink(temporary);
    rmdir(here->directory);
    rmdir(parent);
    assert_int_equal(count_entries(here->base), 0);
}

/* Nothing is wrong with the place: it can be opened and taken, and the file is whole. */
static void place_is_usable(void) {
    struct stat found;
    ti_process_lock *lock = open_lock(here);
    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    assert_int_equal(stat(here->file, &found), 0);
    assert_int_equal(found.st_size, SIZE);
    ti_process_lock_close(lock);
}

static void without_memory_nothing_is_made(void **state) {
    (void)state;
    ti_process_lock *lock;
    int os_error;
    size_t descriptors = count_descriptors();

    fault.no_memory = true;
    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_NO_MEMORY);
    fault.no_memory = false;
    lock = new_lock(here->directory, NAME);
    all.watches_forks = false; /* there was none when the library was loaded */
    assert_int_equal(open_file(lock, &os_error), TI_LOCK_NO_MEMORY);
    all.watches_forks = true;
    ti_process_lock_close(lock);

    assert_int_equal(count_entries(here->base), 0);
    assert_int_equal(count_descriptors(), descriptors);
    place_is_usable();
}

static void fail_at_each_call(bool no_tmpfile, int error, ti_lock_result expected) {
    size_t descriptors = count_descriptors();
    int refused = 0;
    for (int at = 1;; at++) {
        struct stat found;
        int os_error;
        start_over();
        reset();
        fault.no_tmpfile = no_tmpfile, fault.at = at, fault.error = error;

        ti_lock_result result = refusal(here, true, &os_error);

        bool reached = fault.calls >= at;
        reset();
        assert_true(result == TI_LOCK_OK || (result == expected && os_error == error));
        assert_true(no_tmpfile || access(temporary, F_OK) != 0);
        if (stat(here->file, &found) == 0) assert_int_equal(found.st_size, SIZE);
        assert_int_equal(count_descriptors(), descriptors);
        fault.no_tmpfile = no_tmpfile;
        place_is_usable();
        assert_int_equal(count_entries(here->directory), 1);
        if (!reached) break;
        refused += result != TI_LOCK_OK;
    }
    assert_true(refused > 15);
}

static void failing_call_is_told_and_leaves_nothing(void **state) {
    (void)state;
    fail_at_each_call(false, EIO, TI_LOCK_FAILED);
    fail_at_each_call(true, EIO, TI_LOCK_FAILED);
    fail_at_each_call(false, ENOMEM, TI_LOCK_NO_MEMORY);
    fail_at_each_call(true, ENOSPC, TI_LOCK_FAILED);
}

static void die(void) {
    _exit(9);
}

/* Whether it died before it was through. */
static bool dies_at(int at, bool no_tmpfile) {
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        reset();
        fault.no_tmpfile = no_tmpfile, fault.at = at, fault.happen = die;
        hold(here);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status != 0;
}

static void die_at_each_call(bool no_tmpfile) {
    int at = 1;
    while (dies_at(at, no_tmpfile)) {
        struct stat found;
        if (stat(here->file, &found) == 0) assert_int_equal(found.st_size, SIZE);
        assert_true(no_tmpfile || access(temporary, F_OK) != 0);
        place_is_usable();
        /* What was left does not add up. */
        assert_true(count_entries(here->directory) <= 2);
        assert_int_equal(unlink(here->file), 0);
        fault.no_tmpfile = no_tmpfile;
        place_is_usable();
        reset();
        start_over();
        at++;
    }
    assert_true(at > 20);
    start_over();
}

static void death_at_any_call_leaves_a_usable_place(void **state) {
    (void)state;
    die_at_each_call(false);
    die_at_each_call(true);
}

/* A child that is forked in the middle of things, and lives until the test closes alive[1]. */
static struct { int told[2], alive[2]; } orphan;

static void leave_orphan(void) {
    char byte = 0;
    pid_t child = fork();
    MUST(child >= 0);
    if (child > 0) return;
    close(orphan.alive[1]);
    MUST(write(orphan.told[1], &byte, 1) == 1);
    MUST(read(orphan.alive[0], &byte, 1) == 0);
    _exit(0);
}

typedef struct forking {
    int at;
    bool no_tmpfile;
} forking;

static void fork_while_opening(void *data) {
    const forking *plan = data;
    reset();
    fault.no_tmpfile = plan->no_tmpfile, fault.at = plan->at, fault.happen = leave_orphan;
    hold(here);
    if (fault.calls < plan->at) MUST(write(orphan.told[1], "x", 1) == 1);
}

/* Whether it forked, at that call. */
static bool orphan_is_harmless(int at, bool no_tmpfile) {
    forking plan = {.at = at, .no_tmpfile = no_tmpfile};
    char told;
    assert_int_equal(pipe2(orphan.told, O_CLOEXEC), 0);
    assert_int_equal(pipe2(orphan.alive, O_CLOEXEC), 0);
    pid_t parent = start_child(fork_while_opening, &plan);
    assert_int_equal(read(orphan.told[0], &told, 1), 1);
    ti_process_lock *lock = open_lock(here);
    assert_int_equal(try_lock(lock), TI_LOCK_BUSY);
    assert_true(lives(lock, LIFE));

    kill_child(parent);

    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    assert_false(lives(lock, LIFE));
    ti_process_lock_close(lock);
    for (int i = 0; i < 2; i++) close(orphan.told[i]), close(orphan.alive[i]);
    start_over();
    return told == 0;
}

static void fork_in_the_middle_of_opening_hands_nothing_down(void **state) {
    (void)state;
    int at;
    for (at = 1; orphan_is_harmless(at, false); at++) continue;
    assert_true(at > 20);
    for (at = 1; orphan_is_harmless(at, true); at++) continue;
    assert_true(at > 20);
}

static void interrupted_calls_are_made_again(void **state) {
    (void)state;
    ti_process_lock *lock = open_lock(here), *other = open_lock(here);
    reset(), fault.at = 1, fault.error = EINTR;
    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    reset(), fault.at = 1, fault.error = EINTR;
    put(lock, 0, "text", true);
    reset(), fault.at = 1, fault.error = EINTR;
    assert_string_equal(text_in(lock), "text");
    reset(), fault.at = 1, fault.error = EINTR;
    assert_int_equal(begin_life(lock, LIFE), TI_LOCK_OK);
    assert_true(lives(other, LIFE));
    ti_process_lock_close(lock);
    ti_process_lock_close(other);
}

static void failures_at_work_are_told(void **state) {
    (void)state;
    char text[8];
    size_t got;
    int os_error = -1;
    ti_process_lock *lock = open_lock(here);

    reset(), fault.at = 1, fault.error = ENOLCK;
    assert_int_equal(ti_process_lock_try(lock, &os_error), TI_LOCK_FAILED);
    assert_int_equal(os_error, ENOLCK);
    reset(), fault.at = 1, fault.error = ENOLCK;
    assert_int_equal(ti_process_lock_begin_life(lock, LIFE, &os_error), TI_LOCK_FAILED);
    assert_int_equal(os_error, ENOLCK);
    reset(), fault.at = 1, fault.error = EIO;
    assert_int_equal(ti_process_lock_read(lock, text, sizeof text, &got, &os_error),
                     TI_LOCK_FAILED);
    assert_int_equal(os_error, EIO);
    for (int at = 1; at <= 2; at++) { /* pwrite(), fdatasync() */
        os_error = -1;
        reset(), fault.at = at, fault.error = EIO;
        assert_int_equal(ti_process_lock_write(lock, 0, "text", 4, true, &os_error),
                         TI_LOCK_FAILED);
        assert_int_equal(os_error, EIO);
    }
    reset();
    assert_false(lives(lock, LIFE));
    fault.at = fault.calls + 1, fault.error = EIO;
    assert_true(lives(lock, LIFE));

    ti_process_lock_close(lock);
}

static void what_is_made_lasts(void **state) {
    (void)state;
    for (int no_tmpfile = 0; no_tmpfile < 2; no_tmpfile++) {
        start_over();
        reset();
        fault.no_tmpfile = no_tmpfile;
        ti_process_lock_close(open_lock(here));
        assert_int_equal(fault.synced, 4); /* the entries of two directories, the file, its entry */
        ti_process_lock_close(open_lock(here));
        assert_int_equal(fault.synced, 4); /* nothing was made */
    }
}

static void only_what_shall_last_waits_for_the_disk(void **state) {
    (void)state;
    ti_process_lock *lock = open_lock(here);

    reset();
    put(lock, 0, "text", false);
    assert_int_equal(fault.synced, 0);
    put(lock, 0, "text", true);
    assert_int_equal(fault.synced, 1);

    ti_process_lock_close(lock);
}

static void short_transfers_are_continued(void **state) {
    (void)state;
    struct stat found;
    fault.short_transfers = true;

    ti_process_lock *lock = open_lock(here);

    assert_int_equal(stat(here->file, &found), 0);
    assert_int_equal(found.st_size, SIZE);
    put(lock, 7, "piece by piece", true);
    assert_string_equal(text_in(lock) + 7, "piece by piece");
    ti_process_lock_close(lock);
}

static void network_file_systems_are_refused(void **state) {
    (void)state;
    static const struct {
        unsigned long magic;
        ti_lock_result result;
    } rows[] = {
        {NFS_SUPER_MAGIC, TI_LOCK_NETWORK},  {SMB_SUPER_MAGIC, TI_LOCK_NETWORK},
        {CIFS_SUPER_MAGIC, TI_LOCK_NETWORK}, {SMB2_SUPER_MAGIC, TI_LOCK_NETWORK},
        {AFS_SUPER_MAGIC, TI_LOCK_NETWORK},  {AFS_FS_MAGIC, TI_LOCK_NETWORK},
        {CODA_SUPER_MAGIC, TI_LOCK_NETWORK}, {NCP_SUPER_MAGIC, TI_LOCK_NETWORK},
        {CEPH_SUPER_MAGIC, TI_LOCK_NETWORK}, {OCFS2_SUPER_MAGIC, TI_LOCK_NETWORK},
        {V9FS_MAGIC, TI_LOCK_NETWORK},       {FUSE_SUPER_MAGIC, TI_LOCK_OK},
        {EXT4_SUPER_MAGIC, TI_LOCK_OK},      {BTRFS_SUPER_MAGIC, TI_LOCK_OK},
        {TMPFS_MAGIC, TI_LOCK_OK},           {OVERLAYFS_SUPER_MAGIC, TI_LOCK_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int os_error;
        start_over();
        fault.fs_magic = rows[i].magic;

        assert_int_equal(refusal(here, true, &os_error), rows[i].result);

        assert_int_equal(os_error, 0);
        assert_int_equal(access(here->file, F_OK), rows[i].result == TI_LOCK_OK ? 0 : -1);
    }
}

/* Others who make, remove and replace the file at the same time. */

static void make_it_first(void) {
    unlink(here->file);
    write_file(here->file, "theirs", 0600);
}

static void file_that_another_made_meanwhile_is_taken(void **state) {
    (void)state;
    for (int no_tmpfile = 0; no_tmpfile < 2; no_tmpfile++) {
        start_over();
        fault.no_tmpfile = no_tmpfile, fault.at_link = make_it_first;

        ti_process_lock *lock = open_lock(here);

        assert_string_equal(text_in(lock), "theirs");
        assert_int_equal(count_entries(here->directory), 1);
        ti_process_lock_close(lock);
    }
}

static void temporary_file_of_a_dead_maker_is_used_again(void **state) {
    (void)state;
    make_directory_of(here);
    write_file(temporary, "of another version", 0600);
    assert_int_equal(truncate(temporary, SIZE + 100), 0);
    fault.no_tmpfile = true;

    ti_process_lock *lock = open_lock(here);

    static const char zeros[SIZE];
    struct stat found;
    assert_memory_equal(text_in(lock), zeros, SIZE);
    assert_int_equal(stat(here->file, &found), 0);
    assert_int_equal(found.st_size, SIZE);
    assert_int_equal(count_entries(here->directory), 1);
    ti_process_lock_close(lock);
}

static void temporary_file_of_a_living_maker_is_left_alone(void **state) {
    (void)state;
    int os_error;
    make_directory_of(here);
    write_file(temporary, "half made", 0600);
    int maker = open(temporary, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(maker, LOCK_EX), 0);
    fault.no_tmpfile = true;

    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_BUSY);
    assert_int_equal(count_entries(here->directory), 1);

    close(maker);
    place_is_usable();
    assert_int_equal(count_entries(here->directory), 1);
}

static void temporary_name_of_a_finished_file_is_removed(void **state) {
    (void)state;
    char elsewhere[PATH_MAX], text[8] = "";
    int os_error;
    make_directory_of(here);
    write_file(temporary, "kept", 0600);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", here->base);
    assert_int_equal(link(temporary, elsewhere), 0);
    fault.no_tmpfile = true;

    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_BUSY);
    assert_int_equal(count_entries(here->directory), 0);
    place_is_usable();

    int file = open(elsewhere, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(file, text, sizeof text), 4);
    assert_string_equal(text, "kept");
    close(file);
    assert_int_equal(unlink(elsewhere), 0);
}

static void put_a_link_there(void) {
    assert_int_equal(unlink(here->file), 0);
    assert_int_equal(symlink("../../elsewhere", here->file), 0);
}

static void link_put_there_while_looking_is_not_followed(void **state) {
    (void)state;
    char elsewhere[PATH_MAX];
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", here->base);
    write_file(elsewhere, "another's", 0600);
    make_directory_of(here);
    bool reached = true;
    for (int at = 1; reached; at++) {
        ti_process_lock *lock;
        int os_error;
        unlink(here->file);
        write_file(here->file, "mine", 0600);
        reset();
        fault.at = at, fault.happen = put_a_link_there;

        ti_lock_result result =
            ti_process_lock_open(here->directory, NAME, true, SIZE, &lock, &os_error);

        reached = fault.calls >= at;
        reset();
        assert_true(result == TI_LOCK_OK || result == TI_LOCK_NOT_A_FILE || os_error == ELOOP);
        if (lock) assert_string_equal(text_in(lock), "mine");
        ti_process_lock_close(lock);
    }
    assert_int_equal(unlink(elsewhere), 0);
}

static void finish_theirs(void) {
    fault.at_lock = NULL;
    assert_int_equal(rename(temporary, here->file), 0);
    assert_int_equal(truncate(here->file, SIZE), 0);
}

static void start_theirs(void) {
    fault.at_lock = NULL;
    assert_int_equal(unlink(temporary), 0);
    write_file(temporary, "theirs", 0600);
}

static void temporary_file_that_another_took_is_left_to_it(void **state) {
    (void)state;
    int os_error;
    size_t descriptors = count_descriptors();

    fault.no_tmpfile = true, fault.at_lock = finish_theirs;
    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_BUSY);
    place_is_usable();
    start_over();
    fault.at_lock = start_theirs;
    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_BUSY);
    assert_int_equal(access(temporary, F_OK), 0);
    place_is_usable();

    assert_int_equal(count_entries(here->directory), 1);
    assert_int_equal(count_descriptors(), descriptors);
}

static void file_that_is_replaced_all_the_time_is_busy(void **state) {
    (void)state;
    size_t descriptors = count_descriptors();
    ti_process_lock *lock = open_lock(here);
    fault.at_lock = make_it_first;

    assert_int_equal(try_lock(lock), TI_LOCK_BUSY);

    fault.at_lock = NULL;
    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    ti_process_lock_close(lock);
    assert_int_equal(count_descriptors(), descriptors);
}

static void life_that_cannot_move_to_the_new_file_is_told(void **state) {
    (void)state;
    int os_error;
    ti_process_lock *lock = open_lock(here);
    assert_int_equal(begin_life(lock, LIFE), TI_LOCK_OK);
    make_it_first();
    ti_process_lock *other = open_lock(here);
    assert_int_equal(begin_life(other, LIFE), TI_LOCK_OK);

    assert_int_equal(ti_process_lock_try(lock, &os_error), TI_LOCK_BUSY);

    ti_process_lock_end_life(other);
    assert_int_equal(try_lock(other), TI_LOCK_OK); /* the lock was not kept */
    ti_process_lock_close(lock);
    ti_process_lock_close(other);
}

int main(void) {
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, remove_place)
    const struct CMUnitTest tests[] = {
        IN_PLACE(without_memory_nothing_is_made),
        IN_PLACE(failing_call_is_told_and_leaves_nothing),
        IN_PLACE(death_at_any_call_leaves_a_usable_place),
        IN_PLACE(fork_in_the_middle_of_opening_hands_nothing_down),
        IN_PLACE(interrupted_calls_are_made_again),
        IN_PLACE(failures_at_work_are_told),
        IN_PLACE(what_is_made_lasts),
        IN_PLACE(only_what_shall_last_waits_for_the_disk),
        IN_PLACE(short_transfers_are_continued),
        IN_PLACE(network_file_systems_are_refused),
        IN_PLACE(file_that_another_made_meanwhile_is_taken),
        IN_PLACE(link_put_there_while_looking_is_not_followed),
        IN_PLACE(temporary_file_of_a_dead_maker_is_used_again),
        IN_PLACE(temporary_file_of_a_living_maker_is_left_alone),
        IN_PLACE(temporary_name_of_a_finished_file_is_removed),
        IN_PLACE(temporary_file_that_another_took_is_left_to_it),
        IN_PLACE(file_that_is_replaced_all_the_time_is_busy),
        IN_PLACE(life_that_cannot_move_to_the_new_file_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
