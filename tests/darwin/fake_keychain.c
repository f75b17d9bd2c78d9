#include "darwin/fake_keychain.h"

#include "darwin/fake_core_foundation.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

FAKE_CF_STRING(kSecClass);
FAKE_CF_STRING(kSecClassGenericPassword);
FAKE_CF_STRING(kSecAttrService);
FAKE_CF_STRING(kSecAttrAccount);
FAKE_CF_STRING(kSecAttrLabel);
FAKE_CF_STRING(kSecAttrAccessGroup);
FAKE_CF_STRING(kSecAttrSynchronizable);
FAKE_CF_STRING(kSecAttrAccessible);
FAKE_CF_STRING(kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly);
FAKE_CF_STRING(kSecValueData);
FAKE_CF_STRING(kSecReturnData);
FAKE_CF_STRING(kSecMatchLimit);
FAKE_CF_STRING(kSecMatchLimitOne);
FAKE_CF_STRING(kSecUseDataProtectionKeychain);
FAKE_CF_STRING(kSecUseAuthenticationUI);
FAKE_CF_STRING(kSecUseAuthenticationUIFail);

typedef struct item {
    struct item *next;
    char *service, *account, *label, *group, *accessible;
    bool data_protection;
    int made;
    void *bytes;
    size_t size;
} item;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct {
    item *items;
    int made;
    bool locked, hangs, entitled, may_ask;
    int asked;
    OSStatus answer;
    int races;
    bool races_are_removed;
} keychain = {.entitled = true, .may_ask = true}; /* guarded by lock */

static void free_item(item *gone) {
    free(gone->service);
    free(gone->account);
    free(gone->label);
    free(gone->group);
    free(gone->accessible);
    free(gone->bytes);
    free(gone);
}

/* ------------------------------------------------------------------ what the tests say and see */

void fake_keychain_reset(void) {
    pthread_mutex_lock(&lock);
    while (keychain.items != NULL) {
        item *gone = keychain.items;
        keychain.items = gone->next;
        free_item(gone);
    }
    memset(&keychain, 0, sizeof keychain);
    keychain.entitled = keychain.may_ask = true;
    pthread_mutex_unlock(&lock);
}

#define LOCKED_DO(statement)                                                                       \
    do {                                                                                           \
        pthread_mutex_lock(&lock);                                                                 \
        statement;                                                                                 \
        pthread_cond_broadcast(&changed);                                                          \
        pthread_mutex_unlock(&lock);                                                               \
    } while (0)

void fake_keychain_lock(bool locked) {
    LOCKED_DO(keychain.locked = locked);
}

void fake_keychain_answer(OSStatus status) {
    LOCKED_DO(keychain.answer = status);
}

void fake_keychain_hang(bool hangs) {
    LOCKED_DO(keychain.hangs = hangs);
}

void fake_keychain_race(int times, bool removed_again) {
    LOCKED_DO(keychain.races = times; keychain.races_are_removed = removed_again);
}

void fake_keychain_entitle(bool entitled) {
    LOCKED_DO(keychain.entitled = entitled);
}

int fake_keychain_asked(void) {
    int asked;
    LOCKED_DO(asked = keychain.asked);
    return asked;
}

bool fake_keychain_may_ask(void) {
    bool may;
    LOCKED_DO(may = keychain.may_ask);
    return may;
}

int fake_keychain_count(void) {
    int count = 0;
    LOCKED_DO(for (item *i = keychain.items; i != NULL; i = i->next) count++);
    return count;
}

static item *of_account_locked(const char *account) {
    item *found = keychain.items;
    while (found != NULL && strcmp(found->account, account) != 0) found = found->next;
    return found;
}

bool fake_keychain_find(const char *account, fake_keychain_item *target) {
    item *found;
    LOCKED_DO(found = of_account_locked(account));
    if (found == NULL) return false;
    *target = (fake_keychain_item){.service = found->service,
                                   .account = found->account,
                                   .label = found->label,
                                   .group = found->group,
                                   .accessible = found->accessible,
                                   .data_protection = found->data_protection,
                                   .made = found->made};
    return true;
}

static void set_bytes(item *target, const void *bytes, size_t size) {
    free(target->bytes);
    target->bytes = malloc(size + 1);
    assert(target->bytes != NULL);
    memcpy(target->bytes, bytes, size);
    target->size = size;
}

void fake_keychain_overwrite(const char *account, const void *bytes, size_t size) {
    LOCKED_DO(set_bytes(of_account_locked(account), bytes, size));
}

/* ------------------------------------------------------------------ queries */

static bool is_one_of(CFStringRef key, const CFStringRef *keys, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (key == keys[i]) return true;
    }
    return false;
}

static bool has_only(CFDictionaryRef dictionary, const CFStringRef *keys, size_t count) {
    for (size_t i = 0; fake_cf_key(dictionary, i) != NULL; i++) {
        if (!is_one_of(fake_cf_key(dictionary, i), keys, count)) return false;
    }
    return true;
}

#define HAS_ONLY(dictionary, ...)                                                                  \
    has_only(dictionary, (const CFStringRef[]){__VA_ARGS__},                                       \
             sizeof((const CFStringRef[]){__VA_ARGS__}) / sizeof(CFStringRef))

static const char *text_of(CFDictionaryRef dictionary, CFStringRef key) {
    CFTypeRef value = fake_cf_value(dictionary, key);
    return value == NULL ? NULL : fake_cf_text(value);
}

static bool is_data_protection(CFDictionaryRef dictionary) {
    return fake_cf_value(dictionary, kSecUseDataProtectionKeychain) == kCFBooleanTrue;
}

/* Class, service and account; and each keychain's own keys only there. */
static bool is_named(CFDictionaryRef d) {
    CFTypeRef synchronizable = fake_cf_value(d, kSecAttrSynchronizable);
    return fake_cf_value(d, kSecClass) == kSecClassGenericPassword &&
           text_of(d, kSecAttrService) != NULL && text_of(d, kSecAttrAccount) != NULL &&
           (is_data_protection(d)
                ? synchronizable == kCFBooleanFalse
                : synchronizable == NULL && fake_cf_value(d, kSecAttrAccessGroup) == NULL);
}

/* What every call meets before it looks for an item. */
static OSStatus begin_locked(CFDictionaryRef d, bool may_ask_here) {
    while (keychain.hangs) pthread_cond_wait(&changed, &lock);
    if (!is_named(d)) return errSecParam;
    if (keychain.answer != errSecSuccess) return keychain.answer;
    if (is_data_protection(d) && !keychain.entitled) return errSecMissingEntitlement;
    if (!keychain.locked) return errSecSuccess;
    /* The file-based one does not read what the query says of it. */
    if (is_data_protection(d) ? may_ask_here : keychain.may_ask) keychain.asked++;
    return errSecInteractionNotAllowed;
}

static bool same_or_any(const char *asked, const char *has) {
    return asked == NULL || (has != NULL && strcmp(asked, has) == 0);
}

static item **find_locked(CFDictionaryRef d) {
    item **link = &keychain.items;
    for (; *link != NULL; link = &(*link)->next) {
        if ((*link)->data_protection == is_data_protection(d) &&
            strcmp((*link)->service, text_of(d, kSecAttrService)) == 0 &&
            strcmp((*link)->account, text_of(d, kSecAttrAccount)) == 0 &&
            same_or_any(text_of(d, kSecAttrAccessGroup), (*link)->group)) {
            break;
        }
    }
    return link;
}

static bool asks(CFDictionaryRef query) {
    return fake_cf_value(query, kSecUseAuthenticationUI) != kSecUseAuthenticationUIFail;
}

static char *copy(const char *text) {
    return text == NULL ? NULL : strdup(text);
}

static void add_locked(CFDictionaryRef d, const void *bytes, size_t size) {
    item *added = calloc(1, sizeof *added);
    assert(added != NULL);
    added->service = copy(text_of(d, kSecAttrService));
    added->account = copy(text_of(d, kSecAttrAccount));
    added->label = copy(text_of(d, kSecAttrLabel));
    added->group = copy(text_of(d, kSecAttrAccessGroup));
    added->accessible = copy(text_of(d, kSecAttrAccessible));
    added->data_protection = is_data_protection(d);
    added->made = ++keychain.made;
    set_bytes(added, bytes, size);
    added->next = keychain.items;
    keychain.items = added;
}

static void remove_locked(item **link) {
    item *gone = *link;
    *link = gone->next;
    free_item(gone);
}

/* ------------------------------------------------------------------ the functions */

OSStatus SecItemCopyMatching(CFDictionaryRef query, CFTypeRef *result) {
    if (!HAS_ONLY(query, kSecClass, kSecAttrService, kSecAttrAccount, kSecAttrAccessGroup,
                  kSecAttrSynchronizable, kSecUseDataProtectionKeychain, kSecUseAuthenticationUI,
                  kSecReturnData, kSecMatchLimit) ||
        fake_cf_value(query, kSecReturnData) != kCFBooleanTrue ||
        fake_cf_value(query, kSecMatchLimit) != kSecMatchLimitOne) {
        return errSecParam;
    }
    pthread_mutex_lock(&lock);
    OSStatus status = begin_locked(query, asks(query));
    item *found = status == errSecSuccess ? *find_locked(query) : NULL;
    if (status == errSecSuccess && found == NULL) status = errSecItemNotFound;
    if (found != NULL) {
        *result = fake_cf_data(found->bytes, found->size);
        if (*result == NULL) status = errSecAllocate;
    }
    pthread_mutex_unlock(&lock);
    return status;
}

/* Another program is faster. */
static void race_locked(CFDictionaryRef attributes) {
    if (keychain.races == 0) return;
    keychain.races--;
    add_locked(attributes, "raced", 5);
}

OSStatus SecItemAdd(CFDictionaryRef attributes, CFTypeRef *result) {
    CFDataRef value = fake_cf_value(attributes, kSecValueData);
    if (!HAS_ONLY(attributes, kSecClass, kSecAttrService, kSecAttrAccount, kSecAttrAccessGroup,
                  kSecAttrSynchronizable, kSecUseDataProtectionKeychain, kSecAttrLabel,
                  kSecAttrAccessible, kSecValueData) ||
        value == NULL || result != NULL) {
        return errSecParam;
    }
    pthread_mutex_lock(&lock);
    OSStatus status = begin_locked(attributes, true);
    if (status == errSecSuccess) race_locked(attributes);
    if (status == errSecSuccess && *find_locked(attributes) != NULL) {
        status = errSecDuplicateItem;
        if (keychain.races_are_removed) remove_locked(find_locked(attributes));
    }
    if (status == errSecSuccess) {
        add_locked(attributes, CFDataGetBytePtr(value), (size_t)CFDataGetLength(value));
    }
    pthread_mutex_unlock(&lock);
    return status;
}

static bool is_query(CFDictionaryRef query) {
    return HAS_ONLY(query, kSecClass, kSecAttrService, kSecAttrAccount, kSecAttrAccessGroup,
                    kSecAttrSynchronizable, kSecUseDataProtectionKeychain, kSecUseAuthenticationUI);
}

OSStatus SecItemUpdate(CFDictionaryRef query, CFDictionaryRef attributesToUpdate) {
    CFDataRef value = fake_cf_value(attributesToUpdate, kSecValueData);
    if (!is_query(query) || !HAS_ONLY(attributesToUpdate, kSecValueData) || value == NULL) {
        return errSecParam;
    }
    pthread_mutex_lock(&lock);
    OSStatus status = begin_locked(query, asks(query));
    item *found = status == errSecSuccess ? *find_locked(query) : NULL;
    if (found != NULL) set_bytes(found, CFDataGetBytePtr(value), (size_t)CFDataGetLength(value));
    pthread_mutex_unlock(&lock);
    return status == errSecSuccess && found == NULL ? errSecItemNotFound : status;
}

OSStatus SecItemDelete(CFDictionaryRef query) {
    if (!is_query(query)) return errSecParam;
    pthread_mutex_lock(&lock);
    OSStatus status = begin_locked(query, asks(query));
    item **link = status == errSecSuccess ? find_locked(query) : NULL;
    if (link != NULL && *link == NULL) status = errSecItemNotFound;
    if (link != NULL && *link != NULL) remove_locked(link);
    pthread_mutex_unlock(&lock);
    return status;
}

OSStatus SecKeychainSetUserInteractionAllowed(Boolean state) {
    LOCKED_DO(keychain.may_ask = state);
    return errSecSuccess;
}

OSStatus SecKeychainGetUserInteractionAllowed(Boolean *state) {
    LOCKED_DO(*state = keychain.may_ask);
    return errSecSuccess;
}
