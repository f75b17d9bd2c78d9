/*
 * The keys that tacit_store_kernel_keyring() made for an application, as another program of the same
 * user comes at them. They lie with the user's other keys, so a test has an application of its own,
 * and takes its keys away in the end. Linux.
 */
#ifndef TEST_KERNEL_KEYS_H
#define TEST_KERNEL_KEYS_H

#include <stddef.h>

/* This process leaves the keyring of its session for a new one, as one that ssh or cron starts. */
void kernel_keys_enter_session(void);
/* How many keys are in the keyring of the session. */
size_t kernel_keys_in_session(void);

/* The keyring that the store uses, possessed by this thread. */
long kernel_keys_keyring(void);
/* The serial number of the record's key. -1: there is none, and errno says whether there was. */
long kernel_key_of(const char *application_id, const char *key);
/* Of its only key. -1: it has none, or several. */
long kernel_key_only(const char *application_id);
/* Ends all of its keys. */
void kernel_keys_forget(const char *application_id);
/* ... also where a kernel without persistent keyrings would have them. */
void kernel_keys_forget_everywhere(const char *application_id);

/* What is in a key, and something else in its place, under its name. */
size_t kernel_key_read(long id, void *bytes, size_t size);
void kernel_key_write(long id, const void *bytes, size_t size);
/* Waits until it is gone, which it soon is. */
void kernel_key_expire(long id);
void kernel_key_revoke(long id);
/* As in <linux/keyctl.h>: four times eight bits. */
void kernel_key_permit(long id, unsigned permissions);

#endif
