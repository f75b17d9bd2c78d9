#include <stddef.h>

ptrdiff_t getrandom(void *bytes, size_t size, unsigned flags);
