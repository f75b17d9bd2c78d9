/*
 * System calls that fail, or at which the process dies: the n-th from now on, of those that work with
 * files. For programs that are linked with these calls wrapped (see tests/CMakeLists.txt). One
 * thread.
 */
#ifndef TEST_SYSTEM_FAULTS_H
#define TEST_SYSTEM_FAULTS_H

#include <stdbool.h>

typedef enum system_fault {
    FAULT_NONE,        /* they are only counted */
    FAULT_IO,          /* EIO: any call */
    FAULT_FULL,        /* ENOSPC: calls that need room */
    FAULT_READ_ONLY,   /* EROFS: calls that change something */
    FAULT_NO_FILES,    /* EMFILE: calls that open */
    FAULT_SHORT,       /* reads and writes move one byte, and go on well */
    FAULT_SHORT_FULL,  /* a write moves one byte, and the next fails with ENOSPC */
    FAULT_INTERRUPTED, /* EINTR, once, from those that may wait */
    FAULT_DIE,         /* SIGKILL */
    FAULT_NO_MEMORY    /* of those that allocate instead; they count for this fault only */
} system_fault;

/* Every call is told by a word in the trace, so that its order can be seen. */
void system_faults_arm(system_fault fault, int n);
/* How many calls there were. *met (may be NULL): the n-th was one that the fault is for. */
int system_faults_disarm(bool *met);
/* The changes since system_faults_arm(): "create write sync rename sync". */
const char *system_faults_trace(void);

#endif
