#ifndef TS_SYS_RESOURCE_H
#define TS_SYS_RESOURCE_H

#include "posix.h"

typedef unsigned long rlim_t;
struct rlimit {
    rlim_t rlim_cur, rlim_max;
};

#define RLIMIT_NOFILE 7
#define RLIMIT_FSIZE 1
#define RLIM_INFINITY (~(rlim_t)0)
#define getrlimit(limit, value) (*(value) = (struct rlimit){0}, ts_missing())
#define setrlimit(limit, value) ((void)(value), ts_missing())

#endif
