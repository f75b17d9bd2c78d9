#ifndef TEST_PROCESS_LOCK_ON_LINUX_H
#define TEST_PROCESS_LOCK_ON_LINUX_H

#include <stdbool.h>

/* What all directories are on from now on; at first the machine's own disk. */
void fake_mount_is_network(bool network);

#endif
