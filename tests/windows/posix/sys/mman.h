#include "posix.h"

#define PROT_READ 1
#define PROT_WRITE 2
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 32
#define MAP_FAILED ((void *)-1)
#define mmap(where, size, protection, flags, file, offset) ((void *)(intptr_t)ts_missing())
#define munmap(where, size) ts_missing()
