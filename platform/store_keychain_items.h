/* The items of one application in the Keychain: generic passwords of one service. */
#ifndef TI_STORE_KEYCHAIN_ITEMS_H
#define TI_STORE_KEYCHAIN_ITEMS_H

#include <CoreFoundation/CoreFoundation.h>
#include <Security/Security.h>

#include <stdbool.h>

typedef struct ti_keychain {
    CFStringRef service;
    CFStringRef label; /* what the person reads in a list of passwords */
    CFStringRef group; /* NULL: the program's own */
    bool data_protection;
} ti_keychain;

/*
 * Nothing is ever asked. On errSecSuccess *value is a CFData, to be released; it is the system's, and
 * cannot be wiped. Each may block, as a store's functions do.
 */
OSStatus ti_keychain_read(const ti_keychain *keychain, CFStringRef account, CFTypeRef *value);
/* What is there is updated, so that it keeps its access list; else an item is made. */
OSStatus ti_keychain_write(const ti_keychain *keychain, CFStringRef account, CFDataRef value);
OSStatus ti_keychain_remove(const ti_keychain *keychain, CFStringRef account);

#endif
