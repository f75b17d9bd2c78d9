#include "unit/process_lock_fixture.h"

/* The lock. */

static void two_objects_exclude_each_other(void **state) {
    ti_process_lock *one = open_lock(*state), *other = open_lock(*state);

    assert_int_equal(try_lock(one), TI_LOCK_OK);
    assert_int_equal(try_lock(one), TI_LOCK_OK); /* it has it */
    assert_int_equal(try_lock(other), TI_LOCK_BUSY);
    ti_process_lock_release(one);
    assert_int_equal(try_lock(other), TI_LOCK_OK);
    assert_int_equal(try_lock(one), TI_LOCK_BUSY);
    ti_process_lock_close(other);
    assert_int_equal(try_lock(one), TI_LOCK_OK);

    ti_process_lock_close(one);
}

static void files_of_other_names_do_not_matter(void **state) {
    const place *here = *state;
    int os_error;
    ti_process_lock *one = open_lock(here), *other;
    assert_int_equal(ti_process_lock_open(here->directory, "other", true, SIZE, &other, &os_error),
                     TI_LOCK_OK);

    assert_int_equal(try_lock(one), TI_LOCK_OK);
    assert_int_equal(begin_life(one, LIFE), TI_LOCK_OK);

    assert_int_equal(try_lock(other), TI_LOCK_OK);
    assert_false(lives(other, LIFE));
    ti_process_lock_close(one);
    ti_process_lock_close(other);
}

/* The file. */

static void bytes_are_written_in_place(void **state) {
    const place *here = *state;
    struct stat found;
    ti_process_lock *writer = open_lock(here), *reader = open_lock(here);
    assert_int_equal(try_lock(writer), TI_LOCK_OK);

    put(writer, 0, "first slot", true);
    put(writer, 500, "second slot", false);
    put(writer, 0, "FIRST", true);
    put(writer, SIZE - 3, "end", true);
    put(writer, SIZE, "", true);

    const char *text = text_in(reader); /* without the lock */
    assert_string_equal(text, "FIRST slot");
    assert_string_equal(text + 500, "second slot");
    assert_string_equal(text + SIZE - 3, "end");
    assert_int_equal(stat(here->file, &found), 0);
    assert_int_equal(found.st_size, SIZE);
    ti_process_lock_close(writer);
    ti_process_lock_close(reader);
}

static void shrunken_file_is_read_as_far_as_it_goes_and_filled_again(void **state) {
    const place *here = *state;
    char text[SIZE];
    size_t got;
    int os_error;
    ti_process_lock *lock = open_lock(here);
    put(lock, 0, "abcdef", true);

    assert_int_equal(truncate(here->file, 3), 0);
    assert_int_equal(ti_process_lock_read(lock, text, SIZE, &got, &os_error), TI_LOCK_OK);
    assert_int_equal(got, 3);
    assert_memory_equal(text, "abc", 3);
    assert_int_equal(ti_process_lock_read(lock, text, 2, &got, &os_error), TI_LOCK_OK);
    assert_int_equal(got, 2);

    assert_int_equal(truncate(here->file, 0), 0);
    assert_int_equal(ti_process_lock_read(lock, text, SIZE, &got, &os_error), TI_LOCK_OK);
    assert_int_equal(got, 0);
    put(lock, 4, "back", true);
    assert_int_equal(ti_process_lock_read(lock, text, SIZE, &got, &os_error), TI_LOCK_OK);
    assert_int_equal(got, 8);
    assert_memory_equal(text, "\0\0\0\0back", 8);
    ti_process_lock_close(lock);
}

static void replaced_file_is_noticed_by_the_next_turn(void **state) {
    const place *here = *state;
    char next[PATH_MAX + 8];
    snprintf(next, sizeof next, "%s.next", here->file);
    ti_process_lock *lock = open_lock(here);
    assert_int_equal(begin_life(lock, LIFE), TI_LOCK_OK);
    write_file(next, "restored", 0600);
    assert_int_equal(rename(next, here->file), 0);
    ti_process_lock *other = open_lock(here);

    assert_int_equal(try_lock(lock), TI_LOCK_OK);

    assert_int_equal(try_lock(other), TI_LOCK_BUSY);
    assert_true(lives(other, LIFE)); /* it moved along */
    assert_string_equal(text_in(lock), "restored");
    ti_process_lock_release(lock);
    assert_int_equal(try_lock(other), TI_LOCK_OK);
    assert_int_equal(try_lock(lock), TI_LOCK_BUSY);
    ti_process_lock_close(lock);
    assert_false(lives(other, LIFE));
    ti_process_lock_close(other);
}

static void removed_file_is_made_again(void **state) {
    const place *here = *state;
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s/state", here->base);
    size_t descriptors = count_descriptors();
    ti_process_lock *lock = open_lock(here);

    assert_int_equal(unlink(here->file), 0);
    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    ti_process_lock *other = open_lock(here);
    assert_int_equal(try_lock(other), TI_LOCK_BUSY);
    ti_process_lock_close(other);
    ti_process_lock_release(lock);

    assert_int_equal(unlink(here->file), 0);
    assert_int_equal(rmdir(here->directory), 0);
    assert_int_equal(rmdir(parent), 0);
    assert_int_equal(try_lock(lock), TI_LOCK_OK);
    other = open_lock(here);
    assert_int_equal(try_lock(other), TI_LOCK_BUSY);
    ti_process_lock_close(other);
    ti_process_lock_close(lock);
    assert_int_equal(count_descriptors(), descriptors);
}

static void removed_file_is_absent_for_who_makes_none(void **state) {
    const place *here = *state;
    int os_error;
    ti_process_lock *lock;
    ti_process_lock_close(open_lock(here));
    assert_int_equal(ti_process_lock_open(here->directory, NAME, false, SIZE, &lock, &os_error),
                     TI_LOCK_OK);
    assert_int_equal(unlink(here->file), 0);

    assert_int_equal(ti_process_lock_try(lock, &os_error), TI_LOCK_ABSENT);

    assert_int_equal(os_error, ENOENT);
    assert_int_equal(count_entries(here->directory), 0);
    ti_process_lock_close(lock);
}

static void link_put_in_the_files_place_is_refused_by_the_next_turn(void **state) {
    const place *here = *state;
    char moved[PATH_MAX + 8];
    int os_error;
    snprintf(moved, sizeof moved, "%s.moved", here->file);
    ti_process_lock *lock = open_lock(here);
    assert_int_equal(rename(here->file, moved), 0);
    assert_int_equal(symlink(moved, here->file), 0);

    assert_int_equal(ti_process_lock_try(lock, &os_error), TI_LOCK_NOT_A_FILE);

    assert_int_equal(rename(moved, here->file), 0);
    ti_process_lock *other = open_lock(here);
    assert_int_equal(try_lock(other), TI_LOCK_OK);
    ti_process_lock_close(other);
    ti_process_lock_close(lock);
}

/* Lives. */

static void life_is_seen_by_others_until_it_ends(void **state) {
    ti_process_lock *one = open_lock(*state), *other = open_lock(*state);

    assert_false(lives(other, LIFE));
    assert_int_equal(begin_life(one, LIFE), TI_LOCK_OK);
    assert_int_equal(begin_life(one, LIFE), TI_LOCK_OK); /* it goes on */
    assert_true(lives(other, LIFE));
    assert_false(lives(one, LIFE)); /* its own */
    assert_false(lives(other, LIFE - 1));
    assert_false(lives(other, LIFE + 1));
    ti_process_lock_end_life(one);
    assert_false(lives(other, LIFE));
    ti_process_lock_end_life(one);

    ti_process_lock_close(one);
    ti_process_lock_close(other);
}

static void another_life_ends_the_first(void **state) {
    ti_process_lock *one = open_lock(*state), *other = open_lock(*state);
    assert_int_equal(begin_life(one, LIFE), TI_LOCK_OK);
    assert_int_equal(begin_life(other, LIFE + 1), TI_LOCK_OK);

    assert_int_equal(begin_life(one, LIFE + 1), TI_LOCK_BUSY); /* and the first goes on */
    assert_true(lives(other, LIFE));
    assert_int_equal(begin_life(one, LIFE + 2), TI_LOCK_OK);
    assert_false(lives(other, LIFE));
    assert_true(lives(other, LIFE + 2));

    ti_process_lock_close(one);
    assert_false(lives(other, LIFE + 2));
    ti_process_lock_close(other);
}

static void any_number_of_a_life_will_do(void **state) {
    static const int64_t numbers[] = {
        1, SIZE - 1, SIZE, INT64_C(1) << 40, INT64_C(1) << 62, INT64_MAX - 1};
    ti_process_lock *one = open_lock(*state), *other = open_lock(*state);

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_int_equal(begin_life(one, numbers[i]), TI_LOCK_OK);
        assert_true(lives(other, numbers[i]));
    }

    assert_false(lives(other, 0));
    assert_false(lives(other, -1));
    assert_false(lives(other, INT64_MIN));
    assert_false(lives(other, INT64_MAX));
    ti_process_lock_close(one);
    ti_process_lock_close(other);
}

static void lock_and_lives_do_not_see_each_other(void **state) {
    ti_process_lock *one = open_lock(*state), *other = open_lock(*state);

    assert_int_equal(try_lock(one), TI_LOCK_OK);
    assert_false(lives(other, LIFE));
    assert_int_equal(begin_life(other, LIFE), TI_LOCK_OK);
    ti_process_lock_release(one);
    assert_int_equal(try_lock(one), TI_LOCK_OK);
    assert_true(lives(one, LIFE));
    ti_process_lock_end_life(other);
    assert_int_equal(try_lock(other), TI_LOCK_BUSY);

    ti_process_lock_close(one);
    ti_process_lock_close(other);
}

static void descriptors_come_and_go_with_the_object(void **state) {
    size_t before = count_descriptors();
    int lowest = dup(0);
    close(lowest);

    ti_process_lock *lock = open_lock(*state);

    assert_int_equal(count_descriptors(), before + 1);
    bool seen = false;
    for (int descriptor = 3; descriptor < lowest + 4; descriptor++) {
        struct stat found, file;
        assert_int_equal(stat(((const place *)*state)->file, &file), 0);
        if (fstat(descriptor, &found) != 0 || found.st_ino != file.st_ino) continue;
        assert_true(fcntl(descriptor, F_GETFD) & FD_CLOEXEC);
        seen = true;
    }
    assert_true(seen);
    ti_process_lock_close(lock);
    assert_int_equal(count_descriptors(), before);
    ti_process_lock_close(NULL);
}

int main(void) {
#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        IN_PLACE(two_objects_exclude_each_other),
        IN_PLACE(files_of_other_names_do_not_matter),
        IN_PLACE(bytes_are_written_in_place),
        IN_PLACE(shrunken_file_is_read_as_far_as_it_goes_and_filled_again),
        IN_PLACE(replaced_file_is_noticed_by_the_next_turn),
        IN_PLACE(removed_file_is_made_again),
        IN_PLACE(removed_file_is_absent_for_who_makes_none),
        IN_PLACE(link_put_in_the_files_place_is_refused_by_the_next_turn),
        IN_PLACE(life_is_seen_by_others_until_it_ends),
        IN_PLACE(another_life_ends_the_first),
        IN_PLACE(any_number_of_a_life_will_do),
        IN_PLACE(lock_and_lives_do_not_see_each_other),
        IN_PLACE(descriptors_come_and_go_with_the_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
