#include "sensor.h"

#include "batch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int32_t sensor_read(const char *path) {
    char text[32] = "", *end;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t size = file < 0 ? -1 : read(file, text, sizeof text - 1);
    long value;

    if (file >= 0) close(file);
    if (size <= 0) return READING_NONE;
    errno = 0;
    value = strtol(text, &end, 10);
    return errno == 0 && end != text && value > INT32_MIN && value <= INT32_MAX ? (int32_t)value
                                                                                : READING_NONE;
}
