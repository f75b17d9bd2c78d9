/* System calls that a container or a service forbids: for the rest of this process, of one thread,
 * and of those that it starts. Linux. */
#ifndef TEST_SYSTEM_REFUSAL_H
#define TEST_SYSTEM_REFUSAL_H

#include <stdint.h>

#define SYSTEM_ANY_ARGUMENT (-1)

/* Such a call with such a first argument fails with os_error. */
void system_refuse(long call, int64_t first_argument, int os_error);

#endif
