/*
 * A Keychain in this process: the SecItem functions that tacit calls, with the troubles of real ones.
 * Strict about what it is given: a query or an item with a key that does not belong there, or with a
 * value of another kind, is errSecParam. Thread-safe.
 */
#ifndef TEST_FAKE_KEYCHAIN_H
#define TEST_FAKE_KEYCHAIN_H

#include <Security/Security.h>

/* Empty, without troubles; the person may be asked, as in every process at first. */
void fake_keychain_reset(void);

/* The file-based keychain is locked, or the data-protection keychain before the first unlock. Unless it
 * was told not to, either asks the person. */
void fake_keychain_lock(bool locked);
/* How often the person was asked. */
int fake_keychain_asked(void);
/* Whether the process may ask, beside our calls. */
bool fake_keychain_may_ask(void);

/* All calls answer this; errSecSuccess: as it is. */
void fake_keychain_answer(OSStatus status);
/* Calls do not return before this is called with false. */
void fake_keychain_hang(bool hangs);
/* So many times, an item of the same name appears just before one is added (true: as often as it is
 * removed again). */
void fake_keychain_race(int times, bool removed_again);
/* The program is signed with an application identifier; at first it is. */
void fake_keychain_entitle(bool entitled);

typedef struct fake_keychain_item {
    const char *service, *account, *label, *group, *accessible; /* NULL: it has none */
    bool data_protection;
    int made; /* the how manieth item that was made */
} fake_keychain_item;

int fake_keychain_count(void);
/* The item of that account; borrowed until it is changed. false: there is none. */
bool fake_keychain_find(const char *account, fake_keychain_item *item);
/* Something else lies there now. */
void fake_keychain_overwrite(const char *account, const void *bytes, size_t size);

#endif
