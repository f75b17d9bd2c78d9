/* Where the key of the sign-in's file comes from: fuses, a secure element, whatever the kernel shows as 32 bytes. */
#ifndef DEVICE_KEY_H
#define DEVICE_KEY_H

#include <tacit/tacit.h>

/* For tacit_store_file_options; key_data: the file's path. */
tacit_status key_from_nvmem(void *key_data, unsigned char key[32]);

#endif
