#include "unit/process_lock_fixture.h"

#include <sched.h>
#include <sys/mount.h>

#define NOBODY 65534

static void first_open_makes_everything_that_is_missing(void **state) {
    const place *here = *state;
    struct stat found;

    ti_process_lock *lock = open_lock(here);

    assert_int_equal(lstat(here->directory, &found), 0);
    assert_int_equal(found.st_mode, S_IFDIR | 0700);
    assert_int_equal(lstat(here->file, &found), 0);
    assert_int_equal(found.st_mode, S_IFREG | 0600);
    assert_int_equal(found.st_size, SIZE);
    assert_int_equal(found.st_nlink, 1);
    assert_int_equal(count_entries(here->directory), 1);
    static const char zeros[SIZE];
    assert_memory_equal(text_in(lock), zeros, SIZE);
    ti_process_lock_close(lock);
}

static void modes_do_not_depend_on_the_umask(void **state) {
    const place *here = *state;
    struct stat found;
    mode_t before = umask(0);

    ti_process_lock *lock = open_lock(here);

    umask(before);
    assert_int_equal(lstat(here->directory, &found), 0);
    assert_int_equal(found.st_mode, S_IFDIR | 0700);
    assert_int_equal(lstat(here->file, &found), 0);
    assert_int_equal(found.st_mode, S_IFREG | 0600);
    ti_process_lock_close(lock);
}

static void later_opens_find_what_is_there(void **state) {
    const place *here = *state;
    int os_error;
    ti_process_lock *first = open_lock(here), *later;
    put(first, 0, "kept", false);

    assert_int_equal(ti_process_lock_open(here->directory, NAME, false, SIZE, &later, &os_error),
                     TI_LOCK_OK);

    assert_string_equal(text_in(later), "kept");
    ti_process_lock_close(later);
    ti_process_lock_close(first);
    later = open_lock(here);
    assert_string_equal(text_in(later), "kept");
    ti_process_lock_close(later);
}

static void absence_is_told_and_nothing_made(void **state) {
    const place *here = *state;
    int os_error;

    assert_int_equal(refusal(here, false, &os_error), TI_LOCK_ABSENT);
    assert_int_equal(os_error, ENOENT);
    assert_int_equal(count_entries(here->base), 0);

    make_directory_of(here);
    assert_int_equal(refusal(here, false, &os_error), TI_LOCK_ABSENT);
    assert_int_equal(os_error, ENOENT);
    assert_int_equal(count_entries(here->directory), 0);
}

static void directory_may_be_written_in_many_ways(void **state) {
    place *here = *state;
    char before[PATH_MAX];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(here->base), 0);
    static const char *const ways[] = {"state/tacit", "./state//tacit/", "state/../state/tacit///"};
    ti_process_lock *lock = open_lock(here), *other;
    assert_int_equal(try_lock(lock), TI_LOCK_OK);

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        int os_error;
        assert_int_equal(ti_process_lock_open(ways[i], NAME, true, SIZE, &other, &os_error),
                         TI_LOCK_OK);
        assert_int_equal(try_lock(other), TI_LOCK_BUSY);
        ti_process_lock_close(other);
    }

    ti_process_lock_close(lock);
    assert_int_equal(chdir(before), 0);
}

static void relative_directory_is_made_where_the_process_is(void **state) {
    place *here = *state;
    char before[PATH_MAX];
    int os_error;
    ti_process_lock *lock;
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(here->base), 0);

    assert_int_equal(ti_process_lock_open("state//tacit/", NAME, true, SIZE, &lock, &os_error),
                     TI_LOCK_OK);

    assert_int_equal(access(here->file, F_OK), 0);
    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    ti_process_lock_close(lock);
    assert_int_equal(ti_process_lock_open("", NAME, true, SIZE, &lock, &os_error), TI_LOCK_FAILED);
    assert_int_equal(os_error, ENOENT);
    assert_int_equal(chdir(before), 0);
}

static void directory_that_others_may_write_to_is_refused(void **state) {
    const place *here = *state;
    static const struct {
        mode_t mode;
        ti_lock_result result;
    } rows[] = {{0700, TI_LOCK_OK},
                {0755, TI_LOCK_OK}, /* looking is harmless */
                {0711, TI_LOCK_OK},
                {0770, TI_LOCK_OPEN_TO_OTHERS},
                {0720, TI_LOCK_OPEN_TO_OTHERS},
                {0702, TI_LOCK_OPEN_TO_OTHERS},
                {01777, TI_LOCK_OPEN_TO_OTHERS}};
    make_directory_of(here);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stat found;
        int os_error;
        assert_int_equal(chmod(here->directory, rows[i].mode), 0);
        unlink(here->file);

        assert_int_equal(refusal(here, true, &os_error), rows[i].result);

        assert_int_equal(os_error, 0);
        assert_int_equal(stat(here->directory, &found), 0);
        assert_int_equal(found.st_mode & 07777, rows[i].mode); /* left as it was */
        assert_int_equal(access(here->file, F_OK), rows[i].result == TI_LOCK_OK ? 0 : -1);
    }
}

static void file_that_others_may_see_is_refused(void **state) {
    const place *here = *state;
    static const mode_t modes[] = {0640, 0620, 0610, 0604, 0602, 0601, 0666};
    make_directory_of(here);

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct stat found;
        int os_error;
        write_file(here->file, "mine", modes[i]);

        assert_int_equal(refusal(here, true, &os_error), TI_LOCK_OPEN_TO_OTHERS);

        assert_int_equal(os_error, 0);
        assert_int_equal(stat(here->file, &found), 0);
        assert_int_equal(found.st_mode & 07777, modes[i]);
        assert_int_equal(found.st_size, 4);
        assert_int_equal(unlink(here->file), 0);
    }
}

static void what_is_no_file_is_refused(void **state) {
    const place *here = *state;
    char target[PATH_MAX];
    int os_error;
    make_directory_of(here);
    snprintf(target, sizeof target, "%s/target", here->base);
    write_file(target, "another's", 0600);

    assert_int_equal(symlink(target, here->file), 0);
    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_NOT_A_FILE);
    assert_int_equal(unlink(here->file), 0);
    assert_int_equal(symlink("nowhere", here->file), 0);
    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_NOT_A_FILE);
    assert_int_equal(unlink(here->file), 0);
    assert_int_equal(mkfifo(here->file, 0600), 0);
    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_NOT_A_FILE);
    assert_int_equal(unlink(here->file), 0);
    assert_int_equal(mkdir(here->file, 0700), 0);
    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_NOT_A_FILE);

    struct stat found;
    assert_int_equal(stat(target, &found), 0);
    assert_int_equal(found.st_size, 9);
    assert_int_equal(count_entries(here->directory), 1);
}

static void what_another_user_owns_is_refused(void **state) {
    place *here = *state;
    int os_error;
    ti_process_lock *lock;
    if (geteuid() != 0) { /* the root directory is another's */
        assert_int_equal(ti_process_lock_open("/", NAME, true, SIZE, &lock, &os_error),
                         TI_LOCK_NOT_OURS);
        return;
    }
    ti_process_lock_close(open_lock(here));

    assert_int_equal(chown(here->file, NOBODY, NOBODY), 0);
    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_NOT_OURS);
    assert_int_equal(os_error, 0);
    assert_int_equal(chown(here->file, 0, 0), 0);
    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_OK);
    assert_int_equal(chown(here->directory, NOBODY, NOBODY), 0);
    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_NOT_OURS);
}

static void become_nobody(void) {
    if (geteuid() != 0) return;
    MUST(setresgid(NOBODY, NOBODY, NOBODY) == 0);
    MUST(setresuid(NOBODY, NOBODY, NOBODY) == 0);
}

static void find_not_ours(void *data) {
    const place *here = data;
    ti_process_lock *lock;
    int os_error;
    become_nobody();
    MUST(ti_process_lock_open(here->directory, NAME, true, SIZE, &lock, &os_error) ==
         TI_LOCK_NOT_OURS);
}

/* What `sudo app` leaves behind cannot be opened, but why can be told. */
static void file_of_root_is_told_from_any_other_failure(void **state) {
    place *here = *state;
    if (geteuid() != 0) skip();
    ti_process_lock_close(open_lock(here));
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s/state", here->base);
    assert_int_equal(chmod(here->base, 0711), 0);
    assert_int_equal(chmod(parent, 0711), 0);

    run_child(find_not_ours, here); /* the directory, which he may not read */

    assert_int_equal(chown(here->directory, NOBODY, NOBODY), 0);
    run_child(find_not_ours, here); /* the file */
}

static void link_to_the_directory_is_followed_where_its_owner_may_choose(void **state) {
    place *here = *state;
    char link[PATH_MAX];
    int os_error;
    ti_process_lock *lock = open_lock(here), *other;
    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    snprintf(link, sizeof link, "%s/link", here->base);
    assert_int_equal(symlink(here->directory, link), 0);

    assert_int_equal(ti_process_lock_open(link, NAME, true, SIZE, &other, &os_error), TI_LOCK_OK);
    assert_int_equal(try_lock(other), TI_LOCK_BUSY);
    ti_process_lock_close(other);
    ti_process_lock_close(lock);

    if (geteuid() != 0) return;
    assert_int_equal(lchown(link, NOBODY, NOBODY), 0);
    assert_int_equal(ti_process_lock_open(link, NAME, true, SIZE, &other, &os_error),
                     TI_LOCK_NOT_OURS);
    strcat(link, "//");
    assert_int_equal(ti_process_lock_open(link, NAME, true, SIZE, &other, &os_error),
                     TI_LOCK_NOT_OURS);
}

static void link_to_nowhere_is_a_failure(void **state) {
    place *here = *state;
    char parent[PATH_MAX];
    int os_error;
    snprintf(parent, sizeof parent, "%s/state", here->base);
    assert_int_equal(mkdir(parent, 0700), 0);
    assert_int_equal(symlink("nowhere", here->directory), 0);

    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_FAILED);

    assert_int_equal(os_error, ENOENT);
    assert_int_equal(count_entries(parent), 1);
}

static void file_in_the_way_of_the_directory_is_a_failure(void **state) {
    place *here = *state;
    char parent[PATH_MAX];
    int os_error;
    snprintf(parent, sizeof parent, "%s/state", here->base);
    write_file(parent, "in the way", 0600);

    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_FAILED);
    assert_int_equal(os_error, ENOTDIR);

    assert_int_equal(unlink(parent), 0);
    assert_int_equal(mkdir(parent, 0700), 0);
    write_file(here->directory, "in the way", 0600);
    assert_int_equal(refusal(here, true, &os_error), TI_LOCK_FAILED);
    assert_int_equal(os_error, ENOTDIR);
}

/* The directory may be searched and not written. */
static void fail_for_lack_of_permission(void *data) {
    const place *here = data;
    ti_process_lock *lock;
    int os_error;
    become_nobody();
    MUST(ti_process_lock_open(here->directory, NAME, true, SIZE, &lock, &os_error) ==
         TI_LOCK_FAILED);
    MUST(os_error == EACCES);
    MUST(lock == NULL);
}

static void directory_that_cannot_be_written_is_a_failure(void **state) {
    place *here = *state;
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s/state", here->base);
    make_directory_of(here);
    assert_int_equal(chmod(here->base, 0711), 0);
    assert_int_equal(chmod(parent, 0711), 0);
    assert_int_equal(chmod(here->directory, 0500), 0);
    if (geteuid() == 0) assert_int_equal(chown(here->directory, NOBODY, NOBODY), 0);

    run_child(fail_for_lack_of_permission, here); /* the file cannot be made */

    assert_int_equal(rmdir(here->directory), 0);
    assert_int_equal(chmod(parent, 0500 | S_IXGRP | S_IXOTH), 0);
    run_child(fail_for_lack_of_permission, here); /* nor the directory */
    assert_int_equal(chmod(parent, 0700), 0);
}

/* A disk of its own, with nothing left on it. */
static void meet_a_full_disk(void *data) {
    const place *here = data;
    char filler[PATH_MAX], block[4096] = "x";
    ti_process_lock *lock;
    int os_error;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "", MS_REC | MS_PRIVATE, "") != 0 ||
        mount("none", here->base, "tmpfs", 0, "size=64k") != 0) {
        _exit(77);
    }
    lock = open_in_child(here);
    snprintf(filler, sizeof filler, "%s/filler", here->base);
    int file = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(file, block, sizeof block) == (ssize_t)sizeof block) continue;
    MUST(errno == ENOSPC);

    MUST(ti_process_lock_write(lock, 0, "fits", 4, true, &os_error) == TI_LOCK_OK);
    MUST(ti_process_lock_open(here->directory, "other", true, SIZE, &lock, &os_error) ==
         TI_LOCK_FAILED);
    MUST(os_error == ENOSPC);
    MUST(count_entries(here->directory) == 1);
    _exit(0);
}

static void full_disk_is_told_and_what_is_there_can_be_written(void **state) {
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) meet_a_full_disk(*state);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) skip(); /* mounting takes rights that few have */
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        IN_PLACE(first_open_makes_everything_that_is_missing),
        IN_PLACE(modes_do_not_depend_on_the_umask),
        IN_PLACE(later_opens_find_what_is_there),
        IN_PLACE(absence_is_told_and_nothing_made),
        IN_PLACE(directory_may_be_written_in_many_ways),
        IN_PLACE(relative_directory_is_made_where_the_process_is),
        IN_PLACE(directory_that_others_may_write_to_is_refused),
        IN_PLACE(file_that_others_may_see_is_refused),
        IN_PLACE(what_is_no_file_is_refused),
        IN_PLACE(what_another_user_owns_is_refused),
        IN_PLACE(file_of_root_is_told_from_any_other_failure),
        IN_PLACE(link_to_the_directory_is_followed_where_its_owner_may_choose),
        IN_PLACE(link_to_nowhere_is_a_failure),
        IN_PLACE(file_in_the_way_of_the_directory_is_a_failure),
        IN_PLACE(directory_that_cannot_be_written_is_a_failure),
        IN_PLACE(full_disk_is_told_and_what_is_there_can_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
