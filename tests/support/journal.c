#include "support/journal.h"

#include "platform/os.h"
#include "support/fixture.h"
#include "support/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *journal_path(world *world) {
    DIR *directory = opendir(world_state_dir(world));
    const struct dirent *entry;
    char *path = NULL;

    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL)
        if (strstr(entry->d_name, ".journal") != NULL) {
            assert_null(path);
            path = fixture_path(world_state_dir(world), entry->d_name);
        }
    closedir(directory);
    return path;
}

static int open_file(world *world, int flags) {
    char *path = journal_path(world);
    int file;

    assert_non_null(path);
    file = open(path, flags | O_CLOEXEC);
    assert_true(file >= 0);
    free(path);
    return file;
}

/* The library looks at the wall clock only where the boot is another. */
static ti_journal_clocks clocks(world *world) {
    ti_journal_clocks now = {.boot_ms = world_clock_now(world)};

    ti_os_boot_id(now.boot_id);
    return now;
}

uint64_t journal_read(world *world, ti_journal_image *image) {
    unsigned char bytes[TI_JOURNAL_FILE_SIZE];
    ti_journal_clocks now = clocks(world);
    int file = open_file(world, O_RDONLY);
    uint64_t number;

    assert_int_equal(pread(file, bytes, sizeof bytes, 0), sizeof bytes);
    close(file);
    assert_int_equal(ti_journal_read_bytes(bytes, sizeof bytes, &now, image, &number),
                     TI_JOURNAL_READ);
    return number;
}

void journal_write(world *world, const ti_journal_image *image) {
    unsigned char slot[TI_JOURNAL_SLOT_SIZE];
    ti_journal_clocks now = clocks(world);
    ti_journal_image before;
    uint64_t number = journal_read(world, &before) + 1;
    int file = open_file(world, O_WRONLY);

    assert_true(ti_journal_write_bytes(image, &now, number, slot));
    assert_int_equal(pwrite(file, slot, sizeof slot, (off_t)ti_journal_slot_offset(number)),
                     sizeof slot);
    close(file);
}
