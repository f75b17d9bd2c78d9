#include "platform/store_keychain_status.h"

#include "base/error.h"

typedef struct meaning {
    OSStatus from;
    tacit_status to;
    const char *clause;
} meaning;

/*
 * A call that may ask nothing answers errSecAuthFailed, too, where the program is not on the item's
 * access list: as after an update of a program that is not signed, or signed by someone else.
 */
#define LOCKED "it is locked, or has to ask the user whether this program may use the item"
#define NO_KEYCHAIN "this user has no keychain, or none in this session"

static const meaning meanings[] = {
    {errSecItemNotFound, TACIT_ERR_STORE_NOT_FOUND, "there is none"},
    {errSecInteractionNotAllowed, TACIT_ERR_STORE_LOCKED, LOCKED},
    {errSecInteractionRequired, TACIT_ERR_STORE_LOCKED, LOCKED},
    {errSecAuthFailed, TACIT_ERR_STORE_LOCKED, LOCKED},
    {errSecUserCanceled, TACIT_ERR_STORE_LOCKED, LOCKED},
    {errSecInDarkWake, TACIT_ERR_STORE_LOCKED, "nobody can be asked while the display sleeps"},
    {errSecNotAvailable, TACIT_ERR_STORE_UNAVAILABLE, NO_KEYCHAIN},
    {errSecNoDefaultKeychain, TACIT_ERR_STORE_UNAVAILABLE, NO_KEYCHAIN},
    {errSecNoSuchKeychain, TACIT_ERR_STORE_UNAVAILABLE, NO_KEYCHAIN},
    {errSecServiceNotAvailable, TACIT_ERR_STORE_UNAVAILABLE, "its service does not run"},
    {errSecDuplicateItem, TACIT_ERR_STORE_UNAVAILABLE,
     "another program makes and removes the item all the time"},
    {errSecDecode, TACIT_ERR_STORE_CORRUPT, "the item cannot be decrypted"},
    {errSecInvalidKeychain, TACIT_ERR_STORE_CORRUPT, "the keychain's file is damaged"},
    {errSecDataTooLarge, TACIT_ERR_STORE_TOO_LARGE, "the record does not fit into an item"},
    {errSecMissingEntitlement, TACIT_ERR_STORE_FAILED,
     "this program lacks an entitlement: the data-protection keychain wants it signed with "
     "com.apple.application-identifier, and an access group with keychain-access-groups"},
    {errSecAllocate, TACIT_ERR_STORE_FAILED, "there is no memory"},
    {errSecDiskFull, TACIT_ERR_STORE_FAILED, "the disk is full"},
    {errSecReadOnly, TACIT_ERR_STORE_FAILED, "the keychain cannot be written to"},
};

tacit_status ti_keychain_status(OSStatus status, tacit_error *error) {
    if (status == errSecSuccess) return ti_error_clear(error);
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (meanings[i].from == status)
            return ti_error_set(error, meanings[i].to, "%s (OSStatus %d)", meanings[i].clause,
                                (int)status);
    }
    /* `security error` and the number tell more. */
    return ti_error_set(error, TACIT_ERR_STORE_FAILED, "OSStatus %d", (int)status);
}
