#include "platform/store_keychain_items.h"

#include <pthread.h>

/* kSecUseAuthenticationUI and SecKeychainSetUserInteractionAllowed(): for the first the system has a
 * replacement in Objective-C only, for the second, and with it the file-based keychain, none. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define ATTEMPTS_MAX 3

/*
 * The file-based keychain asks whether a program may read an item, and for its password where it is
 * locked, whatever a query says: only a switch of the process keeps it from that. It is off as long as
 * one of our calls runs, and then as it was.
 */
static struct {
    pthread_mutex_t mutex;
    /* guarded by mutex */
    unsigned calls;
    Boolean allowed_before;
} interaction = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void begin_silence(const ti_keychain *keychain) {
    if (keychain->data_protection) return;
    pthread_mutex_lock(&interaction.mutex);
    if (interaction.calls++ == 0) {
        if (SecKeychainGetUserInteractionAllowed(&interaction.allowed_before) != errSecSuccess)
            interaction.allowed_before = true;
        SecKeychainSetUserInteractionAllowed(false);
    }
    pthread_mutex_unlock(&interaction.mutex);
}

static void end_silence(const ti_keychain *keychain) {
    if (keychain->data_protection) return;
    pthread_mutex_lock(&interaction.mutex);
    if (--interaction.calls == 0) SecKeychainSetUserInteractionAllowed(interaction.allowed_before);
    pthread_mutex_unlock(&interaction.mutex);
}

static CFMutableDictionaryRef create_dictionary(void) {
    return CFDictionaryCreateMutable(kCFAllocatorDefault, 0, &kCFTypeDictionaryKeyCallBacks,
                                     &kCFTypeDictionaryValueCallBacks);
}

/* What names the item, both to look for it and to make it. NULL: no memory. */
static CFMutableDictionaryRef create_name(const ti_keychain *keychain, CFStringRef account) {
    CFMutableDictionaryRef name = create_dictionary();

    if (name == NULL) return NULL;
    CFDictionarySetValue(name, kSecClass, kSecClassGenericPassword);
    CFDictionarySetValue(name, kSecAttrService, keychain->service);
    CFDictionarySetValue(name, kSecAttrAccount, account);
    /* Without these two, in whatever form, the file-based keychain is meant. */
    if (keychain->data_protection) {
        CFDictionarySetValue(name, kSecUseDataProtectionKeychain, kCFBooleanTrue);
        CFDictionarySetValue(name, kSecAttrSynchronizable, kCFBooleanFalse);
    }
    if (keychain->group != NULL) CFDictionarySetValue(name, kSecAttrAccessGroup, keychain->group);
    return name;
}

static CFMutableDictionaryRef create_query(const ti_keychain *keychain, CFStringRef account) {
    CFMutableDictionaryRef query = create_name(keychain, account);

    if (query != NULL)
        CFDictionarySetValue(query, kSecUseAuthenticationUI, kSecUseAuthenticationUIFail);
    return query;
}

OSStatus ti_keychain_read(const ti_keychain *keychain, CFStringRef account, CFTypeRef *value) {
    CFMutableDictionaryRef query = create_query(keychain, account);
    OSStatus status;

    *value = NULL;
    if (query == NULL) return errSecAllocate;
    CFDictionarySetValue(query, kSecReturnData, kCFBooleanTrue);
    CFDictionarySetValue(query, kSecMatchLimit, kSecMatchLimitOne);
    begin_silence(keychain);
    status = SecItemCopyMatching(query, value);
    end_silence(keychain);
    CFRelease(query);
    return status;
}

static OSStatus update(const ti_keychain *keychain, CFStringRef account, CFDataRef value) {
    CFMutableDictionaryRef query = create_query(keychain, account);
    CFMutableDictionaryRef change = query == NULL ? NULL : create_dictionary();
    OSStatus status = errSecAllocate;

    if (change != NULL) {
        CFDictionarySetValue(change, kSecValueData, value);
        status = SecItemUpdate(query, change);
        CFRelease(change);
    }
    if (query != NULL) CFRelease(query);
    return status;
}

static OSStatus add(const ti_keychain *keychain, CFStringRef account, CFDataRef value) {
    CFMutableDictionaryRef item = create_name(keychain, account);
    OSStatus status;

    if (item == NULL) return errSecAllocate;
    CFDictionarySetValue(item, kSecAttrLabel, keychain->label);
    CFDictionarySetValue(item, kSecValueData, value);
    if (keychain->data_protection) /* the other one is open or locked as a whole */
        CFDictionarySetValue(item, kSecAttrAccessible,
                             kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly);
    status = SecItemAdd(item, NULL);
    CFRelease(item);
    return status;
}

OSStatus ti_keychain_write(const ti_keychain *keychain, CFStringRef account, CFDataRef value) {
    OSStatus status = errSecDuplicateItem;

    begin_silence(keychain);
    /* Again where another program makes it, or removes it, between the two. */
    for (int i = 0; i < ATTEMPTS_MAX && status == errSecDuplicateItem; i++) {
        status = update(keychain, account, value);
        if (status == errSecItemNotFound) status = add(keychain, account, value);
    }
    end_silence(keychain);
    return status;
}

OSStatus ti_keychain_remove(const ti_keychain *keychain, CFStringRef account) {
    CFMutableDictionaryRef query = create_query(keychain, account);
    OSStatus status;

    if (query == NULL) return errSecAllocate;
    begin_silence(keychain);
    status = SecItemDelete(query);
    end_silence(keychain);
    CFRelease(query);
    return status;
}
