#include "posix.h"

#define SYS_fdatasync 75
#define SYS_pwrite64 18
#define SYS_gettid 186
#define syscall(...) ts_missing()
