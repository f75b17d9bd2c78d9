/* A store of one file, for a process that runs out of memory: its own allocations never fail. */
#ifndef TORTURE_FILE_STORE_H
#define TORTURE_FILE_STORE_H

#include <tacit/store.h>

/* path is borrowed until the last reference is gone. */
tacit_store *file_store_new(const char *path, tacit_error *error);

#endif
