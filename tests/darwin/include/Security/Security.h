/*
 * The few declarations of Keychain Services that tacit uses, for a machine without a Mac's SDK.
 * Written from Apple's public documentation; not Apple's header, and no part of the library.
 */
#ifndef SECURITY_SECURITY_H
#define SECURITY_SECURITY_H

#include <CoreFoundation/CoreFoundation.h>

enum {
    errSecSuccess = 0,
    errSecDiskFull = -34,
    errSecParam = -50,
    errSecAllocate = -108,
    errSecUserCanceled = -128,
    errSecNotAvailable = -25291,
    errSecReadOnly = -25292,
    errSecAuthFailed = -25293,
    errSecNoSuchKeychain = -25294,
    errSecInvalidKeychain = -25295,
    errSecDuplicateItem = -25299,
    errSecItemNotFound = -25300,
    errSecDataTooLarge = -25302,
    errSecNoDefaultKeychain = -25307,
    errSecInteractionNotAllowed = -25308,
    errSecInteractionRequired = -25315,
    errSecInDarkWake = -25320,
    errSecDecode = -26275,
    errSecMissingEntitlement = -34018,
    errSecServiceNotAvailable = -67585
};

extern const CFStringRef kSecClass;
extern const CFStringRef kSecClassGenericPassword;
extern const CFStringRef kSecAttrService;
extern const CFStringRef kSecAttrAccount;
extern const CFStringRef kSecAttrLabel;
extern const CFStringRef kSecAttrAccessGroup;
extern const CFStringRef kSecAttrSynchronizable;
extern const CFStringRef kSecAttrAccessible;
extern const CFStringRef kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly;
extern const CFStringRef kSecValueData;
extern const CFStringRef kSecReturnData;
extern const CFStringRef kSecMatchLimit;
extern const CFStringRef kSecMatchLimitOne;
extern const CFStringRef kSecUseDataProtectionKeychain;                       /* macOS 10.15 */
extern const CFStringRef kSecUseAuthenticationUI __attribute__((deprecated)); /* since 11 */
extern const CFStringRef kSecUseAuthenticationUIFail __attribute__((deprecated));

OSStatus SecItemCopyMatching(CFDictionaryRef query, CFTypeRef *result);
OSStatus SecItemAdd(CFDictionaryRef attributes, CFTypeRef *result);
OSStatus SecItemUpdate(CFDictionaryRef query, CFDictionaryRef attributesToUpdate);
OSStatus SecItemDelete(CFDictionaryRef query);

OSStatus SecKeychainSetUserInteractionAllowed(Boolean state) __attribute__((deprecated));
OSStatus SecKeychainGetUserInteractionAllowed(Boolean *state) __attribute__((deprecated));

#endif
