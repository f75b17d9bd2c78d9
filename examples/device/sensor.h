/* What is measured: a number in a file, as sysfs has it. */
#ifndef DEVICE_SENSOR_H
#define DEVICE_SENSOR_H

#include <stdint.h>

/* READING_NONE (batch.h): it does not answer. */
int32_t sensor_read(const char *path);

#endif
